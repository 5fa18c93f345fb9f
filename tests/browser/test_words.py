"""The sentence above the jobs says what is so: what was tolerated, what is over, and that news has stopped."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.snapshots import failed, running, snapshot
from tests.browser.tab import Tab

COUNTS = {"completed": 240, "failed": 3, "missing": 2, "skipped": 5}


def heartbeat(seconds: float) -> dict[str, Any]:
    """Airflow's answer about a triggerer that was last heard of so many seconds ago."""
    return {"latest_heartbeat": datetime.fromtimestamp(time.time() - seconds, UTC).isoformat()}


def silent(for_seconds: float, **changes: Any) -> dict[str, Any]:
    """The snapshot of a wait that goes on, written so long ago."""
    return snapshot(longest=2, recent=1, at=time.time() - for_seconds, **changes)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"completed": 12}, "All ended well: 12 of 12 exports completed."),
        ({"completed": 12, "skipped": 3}, "All ended well: 12 of 15 exports completed, 3 skipped."),
        (
            COUNTS,
            "240 of 250 exports completed, 5 skipped, 3 failed, 2 unknown to the platform: the task tolerates that.",
        ),
        ({}, "There were no exports: nothing had to be done."),
    ],
    ids=str,
)
def test_success_tells_tolerated(counts: dict[str, int], words: str, show: Callable[..., Tab]) -> None:
    rows = [failed(number) for number in range(counts.get("failed", 0))]

    tab = show(snapshot(failures=rows, counts=counts, outcome="completed"))

    tab.wait_for("ready")
    expect(tab.root.locator("header p")).to_have_text(words)


def test_failure_tells_running(show: Callable[..., Tab]) -> None:
    """After `fail_fast`."""
    tab = show(snapshot(failures=1, counts={"running": 4, "missing": 1}, outcome="failed"))

    tab.wait_for("ready")

    expect(tab.root.locator("header p")).to_have_text(
        "The wait is over: of 6 exports, 1 failed, 1 unknown to the platform. 4 exports had not ended and may still run"
        " on the platform."
    )


def test_none_runs_after_last(show: Callable[..., Tab]) -> None:
    tab = show(snapshot(recent=2, outcome="error"))

    tab.wait_for("ready")

    expect(tab.root.locator("header p")).not_to_contain_text("run on the platform")


def test_skipped_failure_is_told(show: Callable[..., Tab]) -> None:
    tab = show(snapshot(failures=1, outcome="failed"), fresh=True)

    tab.say_of_the_task(state="skipped")

    tab.wait_for("ready")
    expect(tab.root.locator("header p")).to_contain_text("Airflow has skipped the task (soft_fail or never_fail).")


@pytest.mark.parametrize("triggerer", [None, heartbeat(700)], ids=["never taken", "stopped"])
@pytest.mark.parametrize("seen", [True, False], ids=["seen", "before the first look"])
def test_silence_asks_triggerer(seen: bool, triggerer: Any, show: Callable[..., Tab]) -> None:
    what = silent(700) if seen else snapshot(counts={"not_seen": 3}, at=time.time() - 200, outcome=None)
    tab = show(what, fresh=True)

    tab.say_of_the_task(state="deferred", triggerer_job=triggerer)

    tab.wait_for("ready")
    expect(tab.part("silence")).to_contain_text("is a triggerer running?")
    assert tab.part("facts").locator("dt:text-is('Rate'), dt:text-is('Time left')").count() == 0


def test_alive_is_no_alarm(show: Callable[..., Tab]) -> None:
    """
    Silence while the triggerer lives is no alarm.

    It writes only what has changed: an export of three hours changes nothing for three hours.
    """
    tab = show(silent(3600), fresh=True)

    tab.say_of_the_task(state="deferred", triggerer_job=heartbeat(5))

    tab.wait_for("ready")
    expect(tab.root.locator("header p")).to_contain_text("Nothing new for 1 h 0 min.")
    assert tab.part("silence").count() == 0


@pytest.mark.parametrize("state", ["running", "up_for_reschedule"])
def test_silent_worker(state: str, show: Callable[..., Tab]) -> None:
    """If a worker is silent, the triggerer is not blamed."""
    tab = show(silent(700), fresh=True)

    tab.say_of_the_task(state=state)

    tab.wait_for("ready")
    expect(tab.part("silence")).to_contain_text("scheduler and the task's worker")
    expect(tab.part("silence")).not_to_contain_text("triggerer")


@pytest.mark.parametrize(("interval", "is_told"), [(60, True), (3600, False)])
def test_silence_counts_looks(interval: float, is_told: bool, show: Callable[..., Tab]) -> None:
    tab = show(silent(3000, interval=interval), fresh=True)

    tab.say_of_the_task(state="deferred")

    tab.wait_for("ready")
    assert tab.part("silence").count() == int(is_told)


@pytest.mark.parametrize("minutes", [10, -10])
def test_viewer_clock_no_alarm(minutes: int, show: Callable[..., Tab]) -> None:
    """A wrong clock of the viewer is no alarm. What is told is dated by Airflow's clock, and so are its answers."""
    tab = show(silent(30), fresh=True)
    tab.page.add_init_script(f"const told = Date.now; Date.now = () => told() + {minutes * 60_000};")

    tab.say_of_the_task(state="deferred", triggerer_job=heartbeat(5))

    tab.wait_for("ready")
    assert tab.part("silence").count() == 0
    expect(tab.part("facts")).to_contain_text(re.compile(r"As of.*\(\d\d s ago\)"))


def test_viewer_clock_no_excuse(show: Callable[..., Tab]) -> None:
    """A wrong clock of the viewer hides no silence."""
    tab = show(silent(700), fresh=True)
    tab.page.add_init_script("const told = Date.now; Date.now = () => told() - 600_000;")

    tab.say_of_the_task(state="deferred", triggerer_job=heartbeat(700))

    tab.wait_for("ready")
    expect(tab.part("silence")).to_contain_text("is a triggerer running?")


def test_broken_off_may_run(show: Callable[..., Tab]) -> None:
    """
    A wait that broke off unseen may run.

    The trigger failed before its first look: nobody has asked, and nothing says that the jobs were not started.
    """
    tab = show(snapshot(counts={"not_seen": 3}, outcome="error"))

    tab.wait_for("ready")

    expect(tab.root.locator("header p")).to_have_text(
        "The wait broke off with an error, which the task's log names. 3 exports had not ended and may still run on the"
        " platform."
    )
    expect(tab.button("not_seen")).to_contain_text("not asked yet")


def test_the_end_is_no_silence(show: Callable[..., Tab]) -> None:
    tab = show(snapshot(recent=2, at=time.time() - 7200))

    tab.wait_for("ready")

    assert tab.part("silence").count() == 0


def test_rows_count_with_news(show: Callable[..., Tab]) -> None:
    """Rows count on only while news comes."""
    tab = show(snapshot(longest=[running(1)]), fresh=True)
    tab.say_of_the_task(state="deferred", triggerer_job=heartbeat(5))
    expect(tab.row("r0000001")).to_contain_text("for 10 min")

    tab = show(silent(700), fresh=True)
    tab.say_of_the_task(state="deferred")

    expect(tab.row("r0000001")).to_contain_text("since 20")


def test_clock_ahead_of_rows(show: Callable[..., Tab]) -> None:
    """A clock that is ahead makes no zero seconds."""
    tab = show(snapshot(longest=[running(1, since=time.time() + 600)]), fresh=True)

    tab.say_of_the_task(state="deferred", triggerer_job=heartbeat(5))

    expect(tab.row("r0000001")).to_contain_text("since 20")
