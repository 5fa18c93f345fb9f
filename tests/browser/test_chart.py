"""The chart of a wait: its axis by the clock, its numbers, and the same as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.snapshots import snapshot
from tests.browser.tab import Tab
from tests.system.runs import Run

AN_HOUR, A_DAY = 3600, 86400
MORNING = datetime(2026, 11, 24, 6, 7, 30, tzinfo=UTC).timestamp()


def wait_of(seconds: float, *, end: float = MORNING, **changes: Any) -> dict[str, Any]:
    """A wait for ten exports, of which one fails and the others complete evenly."""
    history = [[seconds * tenth / 10, max(tenth - 1, 0), min(tenth, 1), 0, 10 - tenth, 0] for tenth in range(11)]
    counts = {"completed": 9, "failed": 1}
    return snapshot(since=end - seconds, at=end, history=history, counts=counts, outcome="completed", **changes)


@pytest.fixture(scope="module")
def utc_tab(profile: Callable[..., BrowserContext], run: Run, long_open: Tab) -> Iterator[Tab]:
    """The tab in a browser that lives by UTC, loaded once."""
    tab = Tab(profile(timezone_id="UTC"), run.airflow.base_url)
    tab.open(run.dag_id, run.run_id, "shown")
    tab.wait_for("ready", "empty", "older", "error")
    yield tab
    tab.close()


@pytest.fixture
def show_utc(utc_tab: Tab, put: Callable[..., None], run: Run) -> Callable[[Any], Tab]:
    """Show a snapshot there."""

    def show_utc(value: Any) -> Tab:
        put(cgc_jobs=value)
        utc_tab.turn_to(run.dag_id, run.run_id, "shown")
        return utc_tab

    return show_utc


def times_on_axis(tab: Tab) -> list[str]:
    tab.wait_for("ready")
    return [one.replace("\n", " ") for one in tab.part("axis").locator("> span").all_inner_texts()]


@pytest.mark.parametrize(
    ("seconds", "times"),
    [
        (120, ["06:05:30 24 Nov", "06:06:00", "06:06:30", "06:07:00", "06:07:30"]),
        (1000, ["05:55 24 Nov", "06:00", "06:05"]),
        (AN_HOUR, ["05:10 24 Nov", "05:20", "05:30", "05:40", "05:50", "06:00"]),
        (9.5 * AN_HOUR, ["22:00 23 Nov", "00:00 24 Nov", "02:00 24 Nov", "04:00 24 Nov", "06:00 24 Nov"]),
        (
            2 * A_DAY,
            [
                *("12:00 22 Nov", "18:00 22 Nov", "00:00 23 Nov", "06:00 23 Nov"),
                *("12:00 23 Nov", "18:00 23 Nov", "00:00 24 Nov", "06:00 24 Nov"),
            ],
        ),
        (7 * A_DAY, ["18 Nov", "19 Nov", "20 Nov", "21 Nov", "22 Nov", "23 Nov", "24 Nov"]),
        (60 * A_DAY, ["2 Oct", "10 Oct", "18 Oct", "26 Oct", "3 Nov", "11 Nov", "19 Nov"]),
    ],
)
def test_round_times(seconds: float, times: list[str], show_utc: Callable[[Any], Tab]) -> None:
    tab = show_utc(wait_of(seconds))

    assert times_on_axis(tab) == times


@pytest.mark.parametrize(
    ("zone", "end", "times"),
    [
        # The clock is put back at 3:00, and forward at 2:00.
        ("Europe/Berlin", datetime(2026, 10, 25, 5, tzinfo=UTC), "02:00 03:00 04:00 05:00 06:00"),
        ("Europe/Berlin", datetime(2026, 3, 29, 3, tzinfo=UTC), "23:00 00:00 01:00 03:00 04:00 05:00"),
        ("Asia/Kolkata", datetime(2026, 3, 29, 3, tzinfo=UTC), "03:00 04:00 05:00 06:00 07:00 08:00"),
    ],
)
def test_clock_of_the_viewer(zone: str, end: datetime, times: str, show: Callable[..., Tab]) -> None:
    tab = show(wait_of(5.5 * AN_HOUR, end=end.timestamp()), timezone_id=zone)

    assert " ".join(one.split()[0] for one in times_on_axis(tab)) == times


def test_table_has_the_same(show_utc: Callable[[Any], Tab]) -> None:
    tab = show_utc(wait_of(AN_HOUR))
    tab.wait_for("ready")

    tab.root.locator("summary").click()

    rows = tab.part("chart-table").locator("tr").all_inner_texts()
    assert rows[0].split() == ["time", "completed", "failed", "running", "waiting"]
    assert rows[1].split() == ["2026-11-24", "05:07:30", "0", "0", "0", "10"]
    assert rows[-1].split() == ["2026-11-24", "06:07:30", "9", "1", "0", "0"]
    assert len(rows) == 8  # the first time on the axis comes before the second look


@pytest.mark.parametrize(
    "changes",
    [
        {"since": None},
        {"since": 253_402_300_000},
        {"history": [[0, 0, 0, 0, 1, 0], [1e300, 1, 0, 0, 0, 0]]},
        {"history": [[0, 0, 0, 0, 1, 0]]},
        {"history": []},
    ],
)
def test_no_chart_of_nonsense(changes: dict[str, Any], show: Callable[..., Tab]) -> None:
    """All else is shown if there is nothing to draw, or a time that no calendar has."""
    tab = show(wait_of(AN_HOUR) | changes)

    tab.wait_for("ready")

    assert tab.part("chart").count() == 0
    assert tab.counts == {"completed": 9, "failed": 1}


@pytest.mark.parametrize("most", [1, 4, 36, 300, 10_000, 1_000_000])
def test_few_round_counts(most: int, show: Callable[..., Tab]) -> None:
    history = [[0, 0, 0, 0, most, 0], [600, most, 0, 0, 0, 0]]
    tab = show(snapshot(history=history, counts={"completed": most}))
    tab.wait_for("ready")

    shown = tab.root.locator(".cgc-scale > span:not(:last-child)").all_inner_texts()

    counts = [int(one.replace(",", "")) for one in shown]
    assert 2 <= len(counts) <= 5
    assert counts[0] == 0
    assert most / 2 < counts[-1] <= most
