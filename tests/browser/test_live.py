"""The tab during a wait and at its end: the wait of the task `waits`, which the other modules leave alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.browser.snapshots import snapshot
from tests.browser.tab import Tab
from tests.system.labs import Lab
from tests.system.runs import Run, wait_until

WRITTEN_WITHIN_MS = 60_000
"""A snapshot is written at most every half minute."""
LONG = "10:00"
"""Ten minutes: longer than the tab waits between two looks, whatever happens."""


def looks_after_a_long_time(tab: Tab) -> int:
    """How often the tab asks in what the page takes for ten minutes."""
    tab.page.clock.install()
    tab.page.reload()
    tab.wait_for("ready")
    before = len(tab.looks)
    tab.page.clock.fast_forward(LONG)
    tab.page.wait_for_timeout(1000)
    return len(tab.looks) - before


def test_the_tab_looks_again_while_the_task_waits(open_tab: Callable[..., Tab]) -> None:
    assert looks_after_a_long_time(open_tab("waits", fresh=True)) > 0


def test_the_tab_looks_no_more_once_the_task_has_ended(open_tab: Callable[..., Tab]) -> None:
    assert looks_after_a_long_time(open_tab("succeeds", fresh=True)) == 0


def test_a_task_that_was_ended_before_it_could_say_so_is_not_looked_at_for_ever(show: Callable[..., Tab]) -> None:
    """Its snapshot has no outcome: somebody marked it, or its worker was lost."""
    tab = show(snapshot(longest=3, recent=2), fresh=True)

    assert looks_after_a_long_time(tab) == 0


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
