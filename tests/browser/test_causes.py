"""The causes of failures: each once with its number and its remedy, and rows named as people name files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from airflow_provider_cgc.emulator.state.errors import CODES
from tests.browser.conftest import FAILED
from tests.browser.snapshots import completed, failed, running, snapshot, summary
from tests.browser.tab import Tab

TIMES = "\u00d7"
REMEDIES = {"9107": "Choose another location.", "9206": "Ask the owner of the bucket.", "9101": "Ask for access."}
MESSAGES = {9107: "Location already contains a file.", 9206: "s3:PutObject is missing.", None: "It is a folder."}


def three_causes() -> dict[str, Any]:
    """Of 60 failures, of which as many as fit are listed, in the order in which they came."""
    kinds = [9206, None, 9107, 9107, 9107, 9206, 9107, 9107, 9107, 9107, 9206, 9107]
    rows = [failed(number, code, message=MESSAGES[code]) for number, code in enumerate(kinds)]
    counts = {None: 5, 9107: 40, 9206: 15}
    causes = [{"code": code, "message": MESSAGES[code], "count": count} for code, count in counts.items()]
    return snapshot(failures=rows, counts={"failed": 60, "completed": 240}, causes=causes, remedies=REMEDIES)


def causes_of(tab: Tab) -> list[str]:
    return [" ".join(one.split()) for one in tab.part("cause").all_inner_texts()]


def test_sixty_read_as_three(show: Callable[..., Tab]) -> None:
    """Sixty failures read as three causes."""
    tab = show(three_causes())

    tab.wait_for("ready")

    first, second, third = causes_of(tab)
    assert first.startswith(f"40 {TIMES} 9107 Location already contains a file. Choose another location.")
    assert second.startswith(f"15 {TIMES} 9206 s3:PutObject is missing. Ask the owner of the bucket.")
    assert third == f"5 {TIMES} It is a folder."


def test_remedy_stands_once(show: Callable[..., Tab]) -> None:
    """A remedy stands once, and in no row."""
    tab = show(three_causes())

    tab.wait_for("ready")

    for code in ("9107", "9206"):
        expect(tab.root.get_by_text(REMEDIES[code])).to_have_count(1)
        expect(tab.part("rows").get_by_text(REMEDIES[code])).to_have_count(0)


def test_rows_come_by_cause(show: Callable[..., Tab]) -> None:
    tab = show(three_causes())

    tab.wait_for("ready")

    codes = [row.locator("strong").inner_text() if row.locator("strong").count() else "" for row in tab.rows.all()]
    assert codes == ["9107"] * 8 + ["9206"] * 3 + [""]


def test_sensor_has_its_causes(open_tab: Callable[..., Tab]) -> None:
    tab = open_tab("fails")

    tab.wait_for("ready")

    assert [one.split()[0:3:2] for one in causes_of(tab)] == [[str(count), str(code)] for code, count in FAILED.items()]
    for cause, code in zip(causes_of(tab), FAILED, strict=True):
        assert CODES[code][1] in cause


@pytest.mark.parametrize(
    "causes",
    [
        None,
        [],
        "9107",
        [{"code": 9107, "message": "No.", "count": 7}],
        [{"code": 9107, "message": "No.", "count": "2"}],
    ],
    ids=str,
)
def test_odd_sums_are_hidden(causes: Any, show: Callable[..., Tab]) -> None:
    """Numbers that do not add up are not shown."""
    rows = [failed(1), failed(2), failed(3, 9101)]

    tab = show(snapshot(failures=rows, counts={"failed": 9}, causes=causes))

    tab.wait_for("ready")
    assert [one.split(f" {TIMES}")[0] for one in causes_of(tab)] == ["2", "1", "6"]
    assert causes_of(tab)[-1] == f"6 {TIMES} Not counted by cause."


def test_no_failure_no_cause(show: Callable[..., Tab]) -> None:
    tab = show(snapshot(recent=2, causes=[]))

    tab.wait_for("ready")

    assert tab.part("causes").count() == 0


def test_refused_order_tells_why(show: Callable[..., Tab]) -> None:
    """A refused order shows why, and no runs."""
    rows = [failed(number, 5002) for number in range(7)]

    tab = show(snapshot(failures=rows, counts={"not_seen": 3}, outcome="failed"))

    tab.wait_for("ready")
    expect(tab.root.locator("header p")).to_have_text("Nothing was sent: of 10 exports, 7 failed, 3 not sent.")
    assert causes_of(tab)[0].startswith(f"7 {TIMES} 5002")


def test_no_wait_is_no_old_one(put: Callable[..., None], open_tab: Callable[..., Tab]) -> None:
    """A task that did not wait is no older release."""
    causes = [{"code": 5002, "message": "Requested file does not exist.", "count": 7}]
    put(cgc_summary=summary(completed=0, causes=causes))

    tab = open_tab("shown")

    tab.wait_for("older")
    assert causes_of(tab)[0].startswith(f"7 {TIMES} 5002 Requested file does not exist.")
    assert "older release" not in tab.message


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (running(1, location="deep/er/tumor.bam"), "tumor.bam"),
        (running(1, location="deep/er/tumor.bam", name="normal.bam"), "normal.bam"),
        (running(1, location=None), f"{1:024x}"),
        (running(1, location="raw/"), "raw"),
        (completed(1, location="x/done.bam"), "done.bam"),
        (failed(1, name=None), "failed-1.bam"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_row_begins_with_name(row: dict[str, Any], name: str, show: Callable[..., Tab]) -> None:
    group = "failures" if "code" in row else "recent" if "ended" in row else "longest"

    tab = show(snapshot(**{group: [row]}))

    tab.wait_for("ready")
    assert tab.row(row["id"]).locator('[data-cgc="name"]').inner_text() == name
    expect(tab.row(row["id"])).to_contain_text(row["id"])
    expect(tab.row(row["id"])).to_contain_text(row["file"])


def test_search_finds_key_names(show: Callable[..., Tab]) -> None:
    """A search finds the name that a key tells."""
    tab = show(snapshot(longest=[running(1, location="a/Tumor.bam"), running(2)]))
    tab.wait_for("ready")

    tab.root.locator('input[type="search"]').fill("tumor.bam")

    expect(tab.rows.filter(visible=True)).to_have_count(1)
