"""Another Airflow: below a path, as behind a proxy, and with users who may only read, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.guarded import NOBODY, PATH, VIEWER, GuardedServer
from tests.browser.tab import Tab
from tests.system.runs import Run


@pytest.fixture(scope="module")
def viewer(guarded: GuardedServer) -> str:
    return guarded.log_in(VIEWER)


@pytest.fixture
def open_as(guarded: GuardedServer, browser: Browser, run: Run) -> Iterator[Callable[[str, str], Tab]]:
    """Open the tab of a task in the browser of a user who has logged in."""
    profiles: list[BrowserContext] = []

    def open_as(token: str, task_id: str) -> Tab:
        profile = browser.new_context()
        profiles.append(profile)
        profile.add_cookies([{"name": "_token", "value": token, "url": guarded.base_url, "httpOnly": True}])
        tab = Tab(profile, guarded.base_url)
        tab.open(run.dag_id, run.run_id, task_id)
        return tab

    yield open_as
    for profile in profiles:
        profile.close()


def test_viewer_below_a_path(open_as: Callable[[str, str], Tab], viewer: str) -> None:
    """The module and its requests are below the path, and the right to read is enough."""
    tab = open_as(viewer, "fails")

    tab.wait_for("ready")

    assert tab.counts == {"completed": 3, "failed": 3}
    assert [url for url in tab.asked_for if not urlsplit(url).path.startswith(f"{PATH}/")] == []
    assert {answer.status for answer in tab.responses if "/xcomEntries/" in answer.url} == {200}
    assert {one.method for one in tab.looks} == {"GET"}


def test_ended_session_is_told(open_as: Callable[[str, str], Tab], viewer: str, guarded: GuardedServer) -> None:
    """Airflow answers 403 then, as to one who may not read; what is on the page stays there."""
    tab = open_as(viewer, "fails")
    tab.wait_for("ready")
    tab.page.context.add_cookies([{"name": "_token", "value": "a.b.c", "url": guarded.base_url, "httpOnly": True}])

    tab.part("refresh").click()

    expect(tab.part("notice")).to_contain_text("session has ended")
    assert {answer.status for answer in tab.responses[-1:]} == {403}
    assert tab.counts == {"completed": 3, "failed": 3}


def test_foreign_below_a_path(open_as: Callable[[str, str], Tab], viewer: str) -> None:
    """A foreign task below a path gets its sentence."""
    tab = open_as(viewer, "batches")

    tab.wait_for("foreign")


def test_no_rights_no_jobs(open_as: Callable[[str, str], Tab], guarded: GuardedServer) -> None:
    tab = open_as(guarded.log_in(NOBODY), "fails")

    tab.page.wait_for_load_state("networkidle")

    assert tab.rows.count() == 0
    assert tab.root.count() == 0 or tab.wait_for("denied")
    assert not [one for one in tab.responses if "/xcomEntries/" in one.url and one.ok]
