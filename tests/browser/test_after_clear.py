"""The sentence about a Clear: from the snapshot, and only while it holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.snapshots import snapshot
from tests.browser.tab import Tab

TEXT = "Clearing this task tries the 3 exports that failed again."


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
    running: bool | None, outcome: str | None, state: str, is_shown: bool, show: Callable[..., Tab]
) -> None:
    tab = show(snapshot(failures=3, longest=2, outcome=outcome, after_clear=told(running=running)), fresh=True)

    tab.say_of_the_task(state=state)

    tab.wait_for("ready")
    expect(tab.part("after-clear")).to_have_count(int(is_shown))
    if is_shown:
        expect(tab.part("after-clear")).to_have_text(TEXT)


@pytest.mark.parametrize("value", [None, 5, "text", [], {}, {"text": ["a"]}, {"text": ""}])
def test_nothing_of_nonsense(value: Any, show: Callable[..., Tab]) -> None:
    tab = show(snapshot(failures=3, after_clear=value))

    tab.wait_for("ready")

    assert tab.part("after-clear").count() == 0
