"""The sentence about a Clear: from the snapshot, and only while it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.snapshots import snapshot
from tests.browser.tab import ONE_TASK, Tab
from tests.system.runs import Run

TEXT = "Clearing this task tries again the 3 exports that failed, and no others."


def told(**changes: Any) -> dict[str, Any]:
    return {"sends": 3, "running": None, "text": TEXT, **changes}


def test_real_sensor_tells(open_tab: Callable[..., Tab]) -> None:
    """The trigger and the worker of a real sensor have written it."""
    for task in ("waits", "fails"):
        tab = open_tab(task)
        tab.wait_for("ready")

        expect(tab.part("after-clear")).to_contain_text("Clearing this task starts no exports: it only waits again.")


@pytest.mark.parametrize(
    ("running", "outcome", "state", "is_shown"),
    [
        (None, None, "deferred", True),
        (None, None, "running", True),
        (True, None, "running", True),
        (True, None, "failed", False),  # the worker is gone
        (False, None, "deferred", True),
        (False, None, "running", False),  # a worker has it: a Clear would stop that one
        (False, "failed", "failed", True),
        (False, "failed", "running", True),  # it is about to end
    ],
)
def test_only_while_it_holds(
    running: bool | None,
    outcome: str | None,
    state: str,
    is_shown: bool,
    own_page: Tab,
    put: Callable[..., None],
    run: Run,
) -> None:
    own_page.page.unroute(ONE_TASK)
    own_page.page.route(ONE_TASK, lambda route: route.fulfill(json={"operator_name": "Cgc", "state": state}))
    put(cgc_jobs=snapshot(failures=3, longest=2, outcome=outcome, after_clear=told(running=running)))

    own_page.turn_to(run.dag_id, run.run_id, "shown")

    own_page.wait_for("ready")
    assert own_page.part("after-clear").all_inner_texts() == ([TEXT] if is_shown else [])


@pytest.fixture(scope="module")
def own_page(profile: Callable[..., BrowserContext], run: Run) -> Iterator[Tab]:
    """A page of Airflow in which a test may say what is asked of the task."""
    tab = Tab(profile(), run.airflow.base_url)
    tab.open(run.dag_id, run.run_id, "shown")
    tab.wait_for("ready", "empty", "older", "error")
    yield tab
    tab.close()


@pytest.mark.parametrize("value", [None, 5, "text", [], {}, {"text": ["a"]}, {"text": ""}])
def test_nothing_of_nonsense(value: Any, show: Callable[..., Tab]) -> None:
    tab = show(snapshot(failures=3, after_clear=value))

    tab.wait_for("ready")

    assert tab.part("after-clear").count() == 0
