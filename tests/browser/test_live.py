"""The tab during a wait and at its end: the wait of the task `waits`, which the other modules leave alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Route, expect

from tests.browser.snapshots import snapshot
from tests.browser.tab import Tab
from tests.system.labs import Lab
from tests.system.runs import Run, wait_until

WRITTEN_WITHIN_MS = 60_000
"""A snapshot is written at most every half minute."""
LONG = "10:00"
"""Ten minutes: longer than the tab waits between two looks, whatever happens."""


HIDE = """hidden => {
    Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
    document.dispatchEvent(new Event("visibilitychange", {bubbles: true}));
}"""
"""The step by which a browser brings another of its tabs to the front: one without a window never does."""


def looks_after_a_long_time(tab: Tab) -> int:
    """Count the tab's requests in ten minutes of the page's clock."""
    tab.page.clock.install()
    tab.page.reload()
    tab.wait_for("ready")
    before = len(tab.looks)
    tab.page.clock.fast_forward(LONG)
    tab.page.wait_for_timeout(1000)
    return len(tab.looks) - before


def tasks_asked_for_in(tab: Tab, seconds: int, *, step: int = 1) -> int:
    """Count the tab's requests for its task in so many seconds of the page's clock, which is moved step by step."""
    before = len(tab.tasks_asked_for)
    for _ in range(0, seconds, step):
        tab.page.clock.run_for(1000 * step)
        tab.settle()
    return len(tab.tasks_asked_for) - before


def with_clock(tab: Tab) -> Tab:
    """The tab, on a clock that a test moves."""
    tab.page.clock.install()
    tab.page.reload()
    tab.wait_for("ready")
    tab.settle()
    return tab


def test_looks_every_ten_seconds(open_tab: Callable[..., Tab]) -> None:
    tab = with_clock(open_tab("waits", fresh=True))

    assert 4 <= tasks_asked_for_in(tab, 60) <= 7


def test_hidden_page_is_quiet(open_tab: Callable[..., Tab]) -> None:
    """A hidden page asks nothing and looks at once when it is seen again."""
    tab = with_clock(open_tab("waits", fresh=True))

    tab.page.evaluate(HIDE, True)
    assert tasks_asked_for_in(tab, 120, step=10) == 0
    tab.page.evaluate(HIDE, False)

    assert tasks_asked_for_in(tab, 1) == 1


def test_no_look_after_the_end(open_tab: Callable[..., Tab]) -> None:
    assert looks_after_a_long_time(open_tab("succeeds", fresh=True)) == 0


def test_lost_task_is_let_go(show: Callable[..., Tab]) -> None:
    """
    A task that was ended before it could say so is not looked at for ever.

    Its snapshot has no outcome: somebody marked it, or its worker was lost.
    """
    tab = show(snapshot(longest=3, recent=2), fresh=True)

    assert looks_after_a_long_time(tab) == 0


def test_left_open_is_quiet(open_tab: Callable[..., Tab]) -> None:
    """A page left open after the end asks nothing until somebody is there."""
    tab = with_clock(open_tab("succeeds", fresh=True))
    assert tasks_asked_for_in(tab, 600, step=30) == 0
    looks = len(tab.looks)

    tab.page.locator("body").click(position={"x": 1, "y": 1})

    assert tasks_asked_for_in(tab, 60) == 1
    assert len(tab.looks) == looks  # that the task is as it was is enough
    tab.page.evaluate(HIDE, True)
    tab.page.evaluate(HIDE, False)
    assert tasks_asked_for_in(tab, 60) == 1


def test_cleared_is_followed(open_tab: Callable[..., Tab], run: Run) -> None:
    tab = open_tab("succeeds", fresh=True)
    tab.wait_for("ready")
    since = tab.root.locator("dl time").first.inner_text()
    run.airflow.clear(run.dag_id, run.run_id, ["succeeds"])

    tab.page.locator("body").click(position={"x": 1, "y": 1})

    expect(tab.root.locator("dl time").first).not_to_have_text(since)
    expect(tab.root.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")
    wait_until(run.airflow, lambda: run.states["succeeds"] == "success", "the end of the second try", runs=(run,))


def test_cleared_is_no_end(show: Callable[..., Tab]) -> None:
    """The end of the run before a Clear is not taken for the end of this one."""
    tab = show(snapshot(failures=1), fresh=True)

    tab.say_of_the_task(state="queued")

    tab.wait_for("ready")
    expect(tab.root).to_contain_text("will run again")


def test_gone_is_asked_rarely(show: Callable[..., Tab]) -> None:
    """A task that is no more is asked for ever less often."""
    tab = with_clock(show(snapshot(longest=2), fresh=True))
    tab.page.route("**/taskInstances/shown", lambda route: route.fulfill(status=404, json={"detail": "Not Found"}))

    tab.part("refresh").click()

    expect(tab.part("notice")).to_contain_text("may have been deleted")
    looks = len(tab.looks)
    assert 3 <= tasks_asked_for_in(tab, 600, step=10) <= 8
    assert len(tab.looks) == looks


def test_ago_stops_at_the_end(open_tab: Callable[..., Tab]) -> None:
    """
    Times are told as "ago" only while somebody counts them.

    After the end nothing is drawn anew: "5 s ago" would stand there for hours.
    """
    waits = open_tab("waits")
    waits.wait_for("ready")
    expect(waits.root).to_contain_text(" ago)")

    ended = open_tab("succeeds")
    ended.wait_for("ready")
    expect(ended.root).not_to_contain_text(" ago)")


def test_silence_is_no_alarm(open_tab: Callable[..., Tab]) -> None:
    """
    Silence with a living triggerer is no alarm.

    As Airflow itself tells it of the task; what is made up is that nothing has changed for an hour.
    """

    def an_hour_ago(route: Route) -> None:
        told = route.fetch()
        entry = told.json()
        value = json.loads(entry["value"]) if isinstance(entry["value"], str) else entry["value"]
        route.fulfill(response=told, json={**entry, "value": {**value, "at": time.time() - 3600}})

    # In a profile of its own: a clock that another test has moved is that of all pages of its profile.
    tab = open_tab("waits", viewport={"width": 1290, "height": 1000})
    tab.page.route("**/xcomEntries/cgc_jobs*", an_hour_ago)
    tab.page.reload()

    tab.wait_for("ready")
    expect(tab.root.locator("header p")).to_contain_text("Nothing new for 1 h 0 min.")
    assert tab.part("silence").count() == 0


def test_stays_during_outage(open_tab: Callable[..., Tab]) -> None:
    """The jobs stay on the page while Airflow does not answer."""
    tab = open_tab("succeeds", fresh=True)
    tab.wait_for("ready")
    tab.page.route("**/api/v2/**", lambda route: route.fulfill(status=503, body="Service Unavailable"))

    tab.part("refresh").click()

    expect(tab.part("notice")).to_contain_text("503")
    expect(tab.root).to_have_attribute("data-state", "ready")
    assert tab.counts == {"completed": 12}
    tab.page.unroute_all()
    tab.part("refresh").click()
    expect(tab.part("notice")).to_have_count(0)


def test_lost_rights_hide_jobs(show: Callable[..., Tab]) -> None:
    """A user who may not see the jobs any more sees them no more."""
    tab = show(snapshot(recent=2), fresh=True)
    tab.wait_for("ready")
    tab.page.route("**/xcomEntries/**", lambda route: route.fulfill(status=403, json={"detail": "Forbidden"}))

    tab.part("refresh").click()

    tab.wait_for("denied")
    assert tab.rows.count() == 0
    assert "admin" in tab.message


def test_follows_without_reload(open_tab: Callable[..., Tab], platform: Lab, exports: dict[str, Any], run: Run) -> None:
    """The tab follows a wait without a reload and rests at its end."""
    tab = open_tab("waits", fresh=True)
    tab.wait_for("ready")
    tab.page.evaluate("window.notReloaded = true")
    assert tab.count("completed") == 0

    # The exports begin, and those of 20 seconds end.
    platform.pass_time(30)
    expect(tab.button("completed")).to_contain_text("20", timeout=WRITTEN_WITHIN_MS)

    assert tab.counts == {"completed": 20, "running": 20}
    expect(tab.root.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "50")
    assert {row for row in tab.row_ids if row in exports["waits"][20:]}

    platform.pass_time(60)
    expect(tab.button("completed")).to_contain_text("40", timeout=WRITTEN_WITHIN_MS)
    wait_until(run.airflow, run.has_ended, "the end of the run", runs=(run,))
    expect(tab.root.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")
    assert tab.counts == {"completed": 40}
    assert tab.page.evaluate("window.notReloaded") is True
    assert tab.errors == []
