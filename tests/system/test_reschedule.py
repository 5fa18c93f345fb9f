"""The verdict table in reschedule mode, where only a real scheduler can tell: each poke is a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from dev.airflow_box import AirflowBox
from tests.system.labs import Lab
from tests.system.runs import Run, mismatches, wait_for_all, wait_until

pytestmark = pytest.mark.system

UNKNOWN = "unknownunknownunknownunknown0000"
DAG_ID = "system_reschedule"


@dataclass(frozen=True)
class Story:
    """The traces of the run."""

    run: Run
    lab: Lab
    ids: dict[str, list[str]]
    tasks: dict[str, dict[str, Any]]
    lost_tries: dict[str, int]


@pytest.fixture(scope="module")
def story(airflow: AirflowBox, labs: dict[str, Lab]) -> Story:
    """Start all waits, let some exports end after the second look, and never let others end."""
    lab = labs["reschedule"]
    ids = {
        "all_completed": lab.start_exports(2, seconds=5),
        "one_failed": [*lab.start_exports(2, seconds=5), *lab.start_exports(1, seconds=5, code=9109)],
        "one_failed_softly": lab.start_exports(1, seconds=5, code=9109),
        "fails_fast": lab.start_exports(1, seconds=5, code=9109),
        "unknown_id": [*lab.start_exports(1, seconds=5), UNKNOWN],
    }
    lab.pass_time(10)
    late = lab.start_exports(1, seconds=20)
    ids["all_completed"] += late
    ids["one_failed"] += lab.start_exports(1, seconds=20)
    for task_id in ("fails_fast", "times_out", "times_out_softly"):
        ids[task_id] = [*ids.get(task_id, []), *lab.start_exports(1, seconds=60)]

    run = Run.start(airflow, DAG_ID, ids)
    wait_until(airflow, lambda: len(lab.looks()[late[0]]) >= 2, "a second look", runs=(run,))
    lab.pass_time(30)
    wait_for_all(airflow, run)

    return Story(
        run=run,
        lab=lab,
        ids=ids,
        tasks={task_id: task for (task_id, _), task in run.tasks.items()},
        lost_tries={task: count for (dag, task, _), count in mismatches(airflow).items() if dag == DAG_ID},
    )


@pytest.mark.parametrize(
    ("task_id", "state"),
    [
        ("all_completed", "success"),
        ("one_failed", "failed"),
        ("one_failed_softly", "skipped"),
        ("fails_fast", "failed"),
        ("unknown_id", "failed"),
        ("times_out", "failed"),
        ("times_out_softly", "skipped"),
    ],
)
def test_ends_as_the_table_says(story: Story, task_id: str, state: str) -> None:
    assert story.tasks[task_id]["state"] == state


@pytest.mark.parametrize(
    ("task_id", "total", "completed", "failed", "missing"),
    [
        ("all_completed", 3, 3, 0, 0),
        ("one_failed", 4, 3, 1, 0),
        ("one_failed_softly", 1, 0, 1, 0),
        ("fails_fast", 2, 0, 1, 0),
        ("unknown_id", 2, 1, 0, 1),
        ("times_out", 1, 0, 0, 0),
        ("times_out_softly", 1, 0, 0, 0),
    ],
)
def test_last_poke_has_summary(
    story: Story, task_id: str, total: int, completed: int, failed: int, missing: int
) -> None:
    summary = story.run.summary(task_id)

    assert (summary["total"], summary["completed"]) == (total, completed)
    assert (summary["failed"], summary["missing"]) == (failed, missing)


@pytest.mark.parametrize("task_id", ["one_failed", "fails_fast", "unknown_id", "times_out"])
def test_verdict_is_not_retried(story: Story, task_id: str, record_property: Callable[[str, object], None]) -> None:
    """There are two retries; only Airflow's own race may use them."""
    lost = story.lost_tries.get(task_id, 0)
    record_property("state_mismatches", lost)

    assert story.tasks[task_id]["try_number"] == 1 + lost


@pytest.mark.parametrize("task_id", ["all_completed", "one_failed"])
def test_ended_are_never_asked(story: Story, task_id: str) -> None:
    """
    An ended export is never asked for by a later poke.

    The task state store remembers from one poke to the next; another try begins anew.
    """
    looks = story.lab.looks()
    tries = story.tasks[task_id]["try_number"]

    *ended_before, late = (len(looks[job_id]) for job_id in story.ids[task_id])

    assert late > 1
    assert all(count <= tries for count in ended_before)
    assert story.lab.looks_after_the_end()[story.ids[task_id][-1]] <= tries


def test_unknown_has_three_looks(story: Story) -> None:
    """An unknown id is given three intervals."""
    looks = story.lab.looks()

    known, unknown = (len(looks[job_id]) for job_id in story.ids["unknown_id"])

    assert known <= story.tasks["unknown_id"]["try_number"]
    assert unknown > 3


@pytest.mark.parametrize("task_id", ["all_completed", "one_failed", "times_out"])
def test_end_leaves_no_memory(story: Story, task_id: str) -> None:
    """The end leaves no memory that a cleared task could take up."""
    instance = f"/api/v2/dags/{DAG_ID}/dagRuns/{story.run.run_id}/taskInstances/{task_id}"

    stored = story.run.airflow.api.call("GET", f"{instance}/state-store")

    assert stored["task_state_store"] == []
