"""The table: found, filtered, copied and downloaded, with few jobs and with ten thousand."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.snapshots import failed, snapshot
from tests.browser.tab import Tab

SECONDS_FOR_TEN_THOUSAND = 5.0

COPYING = {
    "by https or on this machine": "",
    "by plain http": "Object.defineProperty(Navigator.prototype, 'clipboard', {get: () => undefined})",
}
"""By plain http a browser hides its clipboard from pages."""


def test_count_filters_the_table(show: Callable[..., Tab]) -> None:
    """A count filters the table, and a second press shows all."""
    tab = show(snapshot(failures=3, longest=4, recent=5))
    tab.wait_for("ready")
    assert tab.groups == {"failed", "running", "completed"}

    tab.button("failed").click()

    expect(tab.button("failed")).to_have_attribute("aria-pressed", "true")
    assert tab.groups == {"failed"}
    assert len(tab.row_ids) == 3
    tab.button("failed").click()
    expect(tab.button("failed")).to_have_attribute("aria-pressed", "false")
    assert len(tab.row_ids) == 12


def test_other_count_takes_over(show: Callable[..., Tab]) -> None:
    tab = show(snapshot(failures=3, longest=4, recent=5))
    tab.wait_for("ready")

    tab.button("failed").click()
    tab.button("running").click()

    expect(tab.button("failed")).to_have_attribute("aria-pressed", "false")
    assert tab.groups == {"running"}


def test_search_finds_all_fields(show: Callable[..., Tab]) -> None:
    """A search finds files, locations, ids and messages."""
    odd = failed(7, name="Odd.BAM", location="elsewhere/odd.bam", message="The Volume vanished.")
    tab = show(snapshot(failures=[failed(1), failed(2), odd], recent=3))
    tab.wait_for("ready")
    search = tab.root.locator('input[type="search"]')

    for text, found in {
        "odd.bam": ["f0000007"],
        "ELSEWHERE": ["f0000007"],
        "f0000002": ["f0000002"],
        "vanished": ["f0000007"],
        "no such thing": [],
    }.items():
        search.fill(text)
        expect(tab.rows.filter(visible=True)).to_have_count(len(found))
        assert tab.row_ids == found
    search.fill("")
    expect(tab.rows.filter(visible=True)).to_have_count(6)


@pytest.mark.parametrize("script", COPYING.values(), ids=COPYING)
def test_copy_has_the_failed_ids(script: str, open_tab: Callable[..., Tab], exports: dict[str, Any]) -> None:
    tab = open_tab("fails", permissions=["clipboard-read", "clipboard-write"])
    tab.page.add_init_script(script)
    tab.page.reload()
    tab.wait_for("ready")

    tab.part("copy-failed").click()

    expect(tab.root.get_by_text("Copied")).to_be_visible()
    assert tab.copied().splitlines() == exports["fails"][3:]


def test_no_id_no_empty_line(show: Callable[..., Tab]) -> None:
    """An item that was never sent."""
    jobs = [failed(1, id=None), failed(2)]
    tab = show(snapshot(failures=jobs), fresh=True, permissions=["clipboard-read", "clipboard-write"])
    tab.wait_for("ready")

    tab.part("copy-failed").click()

    expect(tab.root.get_by_text("Copied the ids of 1 of 2")).to_be_visible()
    assert tab.copied() == "f0000002"


def test_pressing_twice_is_told(show: Callable[..., Tab]) -> None:
    """A screen reader reads only what changes."""
    tab = show(snapshot(failures=1), permissions=["clipboard-read", "clipboard-write"])
    tab.wait_for("ready")

    for button, told in {"copy-failed": "Copied", "refresh": "Looked again"}.items():
        tab.part(button).click()
        status = tab.root.get_by_role("status").filter(has_text=told)
        first = status.inner_text()
        tab.page.wait_for_timeout(1000)
        tab.part(button).click()
        expect(status).not_to_have_text(first)


def test_rows_left_are_told(show: Callable[..., Tab]) -> None:
    tab = show(snapshot(failures=3, recent=5))
    tab.wait_for("ready")
    status = tab.root.get_by_role("status").filter(has_text="rows")
    expect(status).to_have_text("8 of 8 rows.")

    tab.button("failed").click()
    expect(status).to_have_text("3 of 8 rows.")
    tab.root.get_by_role("searchbox").fill("no such thing")
    expect(status).to_have_text("0 of 8 rows.")


def test_names_need_not_be_ascii(show: Callable[..., Tab], tmp_path: Path) -> None:
    """
    A table program reads names that are not ASCII.

    Excel takes a file without this mark for one in the code page of the machine.
    """
    tab = show(snapshot(failures=[failed(1, name="\u00fcbung.bam")]))
    tab.wait_for("ready")

    text = tab.download(tmp_path).read_bytes()

    assert text.startswith(b"\xef\xbb\xbf")
    assert "\u00fcbung.bam" in text.decode("utf-8-sig")


def test_download_has_all_rows(show: Callable[..., Tab], tmp_path: Path) -> None:
    tab = show(snapshot(failures=2, longest=2, recent=2))
    tab.wait_for("ready")

    path = tab.download(tmp_path)

    assert path.suffix == ".csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *lines = list(csv.reader(file))
    assert len({len(line) for line in (header, *lines)}) == 1
    for line, job_id in zip(lines, tab.row_ids, strict=True):
        assert job_id in line
    assert "Location already contains a file." in lines[0]


def test_ten_thousand_jobs(show: Callable[..., Tab]) -> None:
    """The counts are of all of them, the rows are those that the snapshot has room for."""
    counts = {"failed": 700, "running": 200, "completed": 9000, "pending": 100}
    value = snapshot(failures=100, longest=20, recent=20, counts=counts, cut=True)
    tab = show(value)

    tab.wait_for("ready")

    assert tab.counts == counts
    assert len(tab.row_ids) == 140
    began = time.monotonic()
    tab.button("failed").click()
    expect(tab.rows.filter(visible=True)).to_have_count(100)
    assert time.monotonic() - began < SECONDS_FOR_TEN_THOUSAND
    assert "100" in tab.root.inner_text()
    bar = tab.root.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", "97")
