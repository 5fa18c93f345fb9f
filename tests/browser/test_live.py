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
"""What a browser does when another of its tabs comes to the front: one without a window never does."""


def looks_after_a_long_time(tab: Tab) -> int:
    """How often the tab asks in what the page takes for ten minutes."""
    tab.page.clock.install()
    tab.page.reload()
    tab.wait_for("ready")
    before = len(tab.looks)
    tab.page.clock.fast_forward(LONG)
    tab.page.wait_for_timeout(1000)
    return len(tab.looks) - before


def tasks_asked_for_in(tab: Tab, seconds: int, *, step: int = 1) -> int:
    """How often the tab asks for its task in so many seconds of the page's clock, which is moved step by step."""
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


def test_the_tab_looks_every_ten_seconds_while_the_task_waits(open_tab: Callable[..., Tab]) -> None:
    tab = with_clock(open_tab("waits", fresh=True))

    assert 4 <= tasks_asked_for_in(tab, 60) <= 7


def test_a_hidden_page_asks_nothing_and_looks_at_once_when_it_is_seen_again(open_tab: Callable[..., Tab]) -> None:
    tab = with_clock(open_tab("waits", fresh=True))

    tab.page.evaluate(HIDE, True)
    assert tasks_asked_for_in(tab, 120, step=10) == 0
    tab.page.evaluate(HIDE, False)

    assert tasks_asked_for_in(tab, 1) == 1


def test_the_tab_looks_no_more_once_the_task_has_ended(open_tab: Callable[..., Tab]) -> None:
    assert looks_after_a_long_time(open_tab("succeeds", fresh=True)) == 0


def test_a_task_that_was_ended_before_it_could_say_so_is_not_looked_at_for_ever(show: Callable[..., Tab]) -> None:
    """Its snapshot has no outcome: somebody marked it, or its worker was lost."""
    tab = show(snapshot(longest=3, recent=2), fresh=True)

    assert looks_after_a_long_time(tab) == 0


def test_a_page_left_open_after_the_end_asks_nothing_until_somebody_is_there(open_tab: Callable[..., Tab]) -> None:
    tab = with_clock(open_tab("succeeds", fresh=True))
    assert tasks_asked_for_in(tab, 600, step=30) == 0
    looks = len(tab.looks)

    tab.page.locator("body").click(position={"x": 1, "y": 1})

    assert tasks_asked_for_in(tab, 60) == 1
    assert len(tab.looks) == looks  # that the task is as it was is enough
    tab.page.evaluate(HIDE, True)
    tab.page.evaluate(HIDE, False)
    assert tasks_asked_for_in(tab, 60) == 1


def test_a_task_that_is_cleared_is_followed_again(open_tab: Callable[..., Tab], run: Run) -> None:
    tab = open_tab("succeeds", fresh=True)
    tab.wait_for("ready")
    since = tab.root.locator("dl time").first.inner_text()
    run.airflow.clear(run.dag_id, run.run_id, ["succeeds"])

    tab.page.locator("body").click(position={"x": 1, "y": 1})

    expect(tab.root.locator("dl time").first).not_to_have_text(since)
    expect(tab.root.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")
    wait_until(run.airflow, lambda: run.states["succeeds"] == "success", "the end of the second try", runs=(run,))


def test_what_a_task_left_before_it_was_cleared_is_not_taken_for_its_end(show: Callable[..., Tab]) -> None:
    tab = show(snapshot(failures=1), fresh=True)

    tab.say_of_the_task(state="queued")

    tab.wait_for("ready")
    expect(tab.root).to_contain_text("will run again")


def test_a_task_that_is_no_more_is_asked_for_ever_less_often(show: Callable[..., Tab]) -> None:
    tab = with_clock(show(snapshot(longest=2), fresh=True))
    tab.page.route("**/taskInstances/shown", lambda route: route.fulfill(status=404, json={"detail": "Not Found"}))

    tab.part("refresh").click()

    expect(tab.part("notice")).to_contain_text("may have been deleted")
    looks = len(tab.looks)
    assert 3 <= tasks_asked_for_in(tab, 600, step=10) <= 8
    assert len(tab.looks) == looks


def test_times_are_told_as_ago_only_while_somebody_counts_them(open_tab: Callable[..., Tab]) -> None:
    """After the end nothing is drawn anew: "5 s ago" would stand there for hours."""
    waits = open_tab("waits")
    waits.wait_for("ready")
    expect(waits.root).to_contain_text(" ago)")

    ended = open_tab("succeeds")
    ended.wait_for("ready")
    expect(ended.root).not_to_contain_text(" ago)")


def test_silence_with_a_living_triggerer_is_no_alarm(open_tab: Callable[..., Tab]) -> None:
    """As Airflow itself tells it of the task; what is made up is that nothing has changed for an hour."""

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


def test_what_is_shown_stays_while_airflow_does_not_answer(open_tab: Callable[..., Tab]) -> None:
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


def test_who_may_not_see_the_jobs_any_more_sees_them_no_more(show: Callable[..., Tab]) -> None:
    tab = show(snapshot(recent=2), fresh=True)
    tab.wait_for("ready")
    tab.page.route("**/xcomEntries/**", lambda route: route.fulfill(status=403, json={"detail": "Forbidden"}))

    tab.part("refresh").click()

    tab.wait_for("denied")
    assert tab.rows.count() == 0
    assert "admin" in tab.message


def test_the_tab_follows_a_wait_without_a_reload_and_rests_at_its_end(
    open_tab: Callable[..., Tab], platform: Lab, exports: dict[str, Any], run: Run
) -> None:
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
