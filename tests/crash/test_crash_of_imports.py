"""Imports ask for more than jobs: folders, metadata and tags, whose answers are lost, too."""

from __future__ import annotations

import pytest

from tests.crash.imported import ImportTask
from tests.crash.scenarios import ALL, OTHER_KINDS, Give, Scenario, named
from tests.crash.scene import Kill, Sweep, Task

pytestmark = pytest.mark.sampled

IMPORTS = [one for one in (*ALL, *OTHER_KINDS) if one.kind.startswith("import")]


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("fault", ["drop_after", "drop_before", "502_html", "half_body"])
@pytest.mark.parametrize("call", ImportTask.CALLS)
@named(IMPORTS)
def test_lost_answer_of_any_call(platform: Give, scenario: Scenario, call: str, fault: str, number: int) -> None:
    """A lost answer to a folder, a job or an edit loses and repeats nothing."""
    task = scenario.task(platform)
    task.emulator.fault(fault, method="POST", path=task.CALLS[call], after=number)

    state = task.attempt()

    assert state == "success", task.log
    task.must_be_done()


@pytest.mark.parametrize("call", ["folder", "edit"])
@named([one for one in IMPORTS if one.mode == "poke"])
def test_killed_after_a_lost_answer(platform: Give, sweep: Sweep, scenario: Scenario, call: str) -> None:
    """A task that is killed while it makes up for a lost folder or edit does all, once."""

    def struck(kill: Kill | None) -> Task:
        task = scenario.task(platform)
        task.emulator.fault("drop_after", method="POST", path=task.CALLS[call])
        task.attempt(kill)
        return task

    undisturbed = struck(None)
    undisturbed.must_be_done()

    def check(task: Task) -> None:
        task.emulator.clear_faults()
        if not task.ends or task.ends[-1]["state"] != "success":
            assert task.retry() == "success", task.log
        task.must_be_done()

    sweep(undisturbed, struck, check, only="files")
