"""The tab's words for each sort of task: ended well or badly, mapped, of another release, foreign, or forbidden."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from airflow_provider_cgc.emulator.state.errors import CODES
from tests.browser.conftest import FAILED, READ_BY_THE_TAB
from tests.browser.snapshots import MAPPED_FILES, snapshot, summary
from tests.browser.tab import Tab


def test_success_shows_all(open_tab: Callable[..., Tab]) -> None:
    tab = open_tab("succeeds")

    tab.wait_for("ready")

    assert tab.counts == {"completed": 12}
    bar = tab.root.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", "100")
    assert bar.get_attribute("aria-valuetext")
    assert tab.groups == {"completed"}


def test_chart_tells_in_words(show: Callable[..., Tab]) -> None:
    tab = show(snapshot(failures=2, longest=3, recent=5))

    tab.wait_for("ready")

    chart = tab.part("chart")
    expect(chart).to_have_attribute("role", "img")
    assert chart.evaluate("svg => svg.tagName") == "svg"
    label = chart.get_attribute("aria-label") or ""
    for number in ("2", "5"):
        assert number in label


def test_failure_has_its_remedy(open_tab: Callable[..., Tab], exports: dict[str, Any]) -> None:
    """
    Each failure is shown with its code, its message and its remedy.

    What the real sensor wrote about exports that failed on the emulator.
    """
    tab = open_tab("fails")

    tab.wait_for("ready")

    assert tab.counts == {"completed": 3, "failed": 3}
    failing = exports["fails"][3:]
    codes = [code for code, count in FAILED.items() for _ in range(count)]
    assert tab.row_ids[:3] == failing  # before those that completed
    for job_id, code in zip(failing, codes, strict=True):
        row = tab.row(job_id)
        expect(row).to_have_attribute("data-group", "failed")
        expect(row).to_contain_text(str(code))
        expect(row).to_contain_text(CODES[code][1])
        hrefs = row.locator("a").evaluate_all("all => all.map(a => a.href)")
        assert [href for href in hrefs if href.startswith("https://docs.cancergenomicscloud.org/")]


@pytest.mark.parametrize("index", range(len(MAPPED_FILES)))
def test_mapped_shows_its_own(index: int, open_tab: Callable[..., Tab], exports: dict[str, Any]) -> None:
    tab = open_tab("mapped", index)

    tab.wait_for("ready")

    assert tab.counts == {"completed": MAPPED_FILES[index]}
    assert set(tab.row_ids) == set(exports["mapped"][index])


def test_links_open_a_new_tab(show: Callable[..., Tab]) -> None:
    """Links lead to the platform in a new tab."""
    tab = show(snapshot(recent=2, failures=1))

    tab.wait_for("ready")

    links = tab.part("links").locator("a")
    hrefs = links.evaluate_all("all => all.map(a => a.href)")
    assert hrefs
    assert all(href.startswith("https://cgc.sbgenomics.com/") for href in hrefs)
    assert any("me/study" in href for href in hrefs)
    for link in tab.root.locator('a[target="_blank"]').all():
        assert set((link.get_attribute("rel") or "").split()) == {"noopener", "noreferrer"}
    assert tab.root.locator("a").count() == tab.root.locator('a[target="_blank"]').count()


def test_no_web_pages_no_links(open_tab: Callable[..., Tab]) -> None:
    """A host without web pages gets no links."""
    tab = open_tab("succeeds")

    tab.wait_for("ready")

    assert tab.part("links").locator("a").count() == 0


def test_older_release_is_shown(put: Callable[..., None], open_tab: Callable[..., Tab]) -> None:
    """A run of an older release shows its summary."""
    put(cgc_summary=summary())

    tab = open_tab("shown")

    tab.wait_for("older")
    for number in ("321", "314", "7"):
        assert number in tab.root.inner_text()
    expect(tab.part("message")).to_have_attribute("role", "status")


@pytest.mark.parametrize(
    "value",
    [
        {**snapshot(recent=3), "version": 2, "counts": {"finished": 3}, "history": {"points": []}},
        {"version": 1, "kind": "export"},
        {"version": 7},
        ["no", "mapping"],
        "text",
        None,
    ],
    ids=["newer", "little", "only a version", "a list", "text", "null"],
)
def test_other_release_is_fine(value: Any, show: Callable[..., Tab]) -> None:
    """A snapshot of another release breaks nothing."""
    tab = show(value)

    state = tab.wait_for("ready", "older", "empty", "error", "foreign")

    assert tab.errors == []
    assert state == "ready" or tab.message


def test_no_snapshot_is_told(put: Callable[..., None], open_tab: Callable[..., Tab]) -> None:
    put()

    tab = open_tab("shown")

    tab.wait_for("empty")
    assert tab.message


def test_foreign_task_is_told(open_tab: Callable[..., Tab]) -> None:
    tab = open_tab("batches")

    tab.wait_for("foreign")

    assert tab.message
    assert tab.part("rows").count() == 0
    assert tab.errors == []


def test_no_xcom_rights_are_told(open_tab: Callable[..., Tab]) -> None:
    """Every role of the simple auth manager may read them, so the answer of one that may not comes from here."""
    tab = open_tab("batches", fresh=True)
    tab.wait_for("foreign")
    denial = {"status": 403, "json": {"detail": "Forbidden"}}
    for key in READ_BY_THE_TAB:
        tab.page.route(f"**/xcomEntries/{key}*", lambda route: route.fulfill(**denial))

    tab.page.goto(f"{tab.where.replace('/batches', '/succeeds')}/plugin/cgc-jobs")

    tab.wait_for("denied")
    assert tab.message
    assert tab.errors == []


def test_older_browser_works(open_tab: Callable[..., Tab]) -> None:
    """These two came to browsers in 2022 and 2023."""
    tab = open_tab("succeeds", fresh=True)
    tab.page.add_init_script("delete AbortSignal.any; delete AbortSignal.timeout;")

    tab.page.reload()

    tab.wait_for("ready")


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (9_940_000_000, "9.9 GB"),
        (9_960_000_000, "10 GB"),
        (99_600_000_000, "100 GB"),
        (999_600_000_000, "1 TB"),
        (45_600_000_000_000_000_000, "45,600 PB"),
    ],
)
def test_sizes_have_digits(size: int, told: str, show: Callable[..., Tab]) -> None:
    tab = show(snapshot(recent=1, bytes=size))

    tab.wait_for("ready")

    assert tab.fact("Data") == told


@pytest.mark.parametrize(
    ("rate", "told"), [(2.0, "120 jobs/min"), (0.16, "9.6 jobs/min"), (0.166, "10 jobs/min"), (0.0005, "1.8 jobs/h")]
)
def test_rates_have_digits(rate: float, told: str, put: Callable[..., None], open_tab: Callable[..., Tab]) -> None:
    put(cgc_jobs=snapshot(longest=1, rate={"bytes": 99.6e6, "jobs": rate}))
    tab = open_tab("shown", fresh=True)

    tab.say_of_the_task(state="running")

    tab.wait_for("ready")
    assert tab.fact("Rate") == f"100 MB/s, {told}"
