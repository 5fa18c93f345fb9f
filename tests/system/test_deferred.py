"""Deferred waits while the triggerer is away: absolute deadlines, crashed triggers, and more ids than a row takes."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dev.airflow_box import AirflowBox
from tests.system.database import Database
from tests.system.labs import Lab
from tests.system.runs import Run, mismatches, wait_for_all, wait_until

pytestmark = pytest.mark.system

DAG_ID = "system_deferred"
LIMIT = timedelta(seconds=60)
"""The `timeout` or `execution_timeout` of the three that have one."""
FEW_EACH = ("unloadable", "unloadable_softly", "times_out", "times_out_softly", "runs_out_of_execution_time")
MANY = 1001
MANY_EACH = ("many", "many_ids_lost", "many_ids_lost_softly")
SENSORS = (*FEW_EACH, *MANY_EACH)
GONE = "airflow_provider_cgc.triggers.jobs.TriggerOfAnotherRelease"


@dataclass(frozen=True)
class Story:
    """The stored rows of the waits while they were deferred, and their ends."""

    run: Run
    undisturbed: Run
    lab: Lab
    many: list[str]
    rows: dict[str, str]
    ids_in_xcom: Any
    restarted: datetime
    tasks: dict[str, dict[str, Any]]
    lost_tries: dict[str, int]


@pytest.fixture(scope="module")
def story(airflow: AirflowBox, labs: dict[str, Lab], database: Database, stored_triggers: set[str]) -> Story:
    """Stop the triggerer, let the deadlines pass, spoil some triggers, start it again."""
    lab = labs["deferred"]
    many = lab.start_exports(MANY, seconds=60)
    ids = {task_id: lab.start_exports(2, seconds=60) for task_id in FEW_EACH}
    ids |= dict.fromkeys(MANY_EACH, many)

    run = Run.start(airflow, DAG_ID, ids)
    wait_until(airflow, lambda: all_deferred(run), "all waits are deferred", runs=(run,))
    rows = database.triggers(DAG_ID)
    stored_triggers.update(rows.values())
    ids_in_xcom = airflow.xcom(DAG_ID, run.run_id, "many", "cgc_ids")

    airflow.stop_component("triggerer")
    stopped = time.monotonic()
    for task_id in ("unloadable", "unloadable_softly"):
        database.rename_trigger_class(DAG_ID, task_id, GONE)
    for task_id in ("many_ids_lost", "many_ids_lost_softly"):
        instance = f"/api/v2/dags/{DAG_ID}/dagRuns/{run.run_id}/taskInstances/{task_id}"
        airflow.api.call("DELETE", f"{instance}/xcomEntries/cgc_ids")
    wait_until(airflow, lambda: time.monotonic() > stopped + LIMIT.total_seconds(), "all deadlines have passed")
    restarted = datetime.now(UTC)
    airflow.start_component("triggerer")

    def second_try() -> bool:
        return run.task("runs_out_of_execution_time")["try_number"] == 2

    wait_until(airflow, second_try, "the retry after execution_timeout", runs=(run,))
    lab.pass_time(60)
    wait_for_all(airflow, run)
    # Airflow 3.3 takes a trigger that it could not load for a running one for ever, and SQLite gives ids again: without
    # this a later trigger with such an id would never be started.
    airflow.stop_component("triggerer")
    airflow.start_component("triggerer")
    undisturbed = Run.start(
        airflow,
        "system_undisturbed",
        {task_id: lab.start_exports(1, seconds=60) for task_id in ("times_out", "runs_out_of_execution_time")},
    )
    wait_for_all(airflow, undisturbed)

    return Story(
        run=run,
        undisturbed=undisturbed,
        lab=lab,
        many=many,
        rows=rows,
        ids_in_xcom=ids_in_xcom,
        restarted=restarted,
        tasks={task_id: task for (task_id, _), task in run.tasks.items()},
        lost_tries={task: count for (dag, task, _), count in mismatches(airflow).items() if dag == DAG_ID},
    )


def all_deferred(run: Run) -> bool:
    states = run.states
    ended = {task_id: states[task_id] for task_id in SENSORS if states[task_id] in ("failed", "skipped", "success")}
    assert not ended, f"ended before the triggerer was stopped: {ended}"
    return all(states[task_id] == "deferred" for task_id in SENSORS)


@pytest.mark.parametrize(
    ("task_id", "state", "tries"),
    [
        ("times_out", "failed", 1),
        ("times_out_softly", "skipped", 1),
        ("runs_out_of_execution_time", "success", 2),
        ("unloadable", "failed", 1),
        ("unloadable_softly", "failed", 1),
        ("many_ids_lost", "failed", 1),
        ("many_ids_lost_softly", "failed", 1),
        ("many", "success", 1),
    ],
)
def test_ends_as_the_table_says(story: Story, task_id: str, state: str, tries: int) -> None:
    """`timeout` is not retried, `execution_timeout` is; a trigger that crashed is never skipped."""
    task = story.tasks[task_id]

    assert (task["state"], task["try_number"]) == (state, tries + story.lost_tries.get(task_id, 0))


@pytest.mark.parametrize(
    ("task_id", "error"),
    [
        ("times_out", "AirflowSensorTimeout: The timeout of 20 s is over."),
        ("runs_out_of_execution_time", "AirflowTaskTimeout: The execution_timeout of 0:00:20 is over."),
    ],
)
def test_deadline_ends_a_wait(story: Story, task_id: str, error: str) -> None:
    """A deadline ends a wait that nothing else happens to."""
    assert story.undisturbed.states[task_id] == "failed"
    assert error in story.undisturbed.log(task_id)


@pytest.mark.parametrize("task_id", ["times_out", "times_out_softly", "runs_out_of_execution_time"])
def test_new_triggerer_counts_on(story: Story, task_id: str) -> None:
    """
    A new triggerer does not wait again.

    The deadlines passed while there was no triggerer; a clock that began anew would need all of LIMIT again.
    """
    log = story.run.log(task_id, try_number=1)
    fired = [line for line in log.splitlines() if "Trigger fired event" in line]

    assert len(fired) == 1
    assert datetime.fromisoformat(fired[0].split()[0]) < story.restarted + LIMIT


@pytest.mark.parametrize(
    ("task_id", "text"),
    [
        ("times_out", "AirflowSensorTimeout: The timeout of 60 s is over."),
        ("times_out_softly", "Skipped because of soft_fail=True: The timeout of 60 s is over."),
        ("runs_out_of_execution_time", "AirflowTaskTimeout: The execution_timeout of 0:01:00 is over."),
    ],
)
def test_log_tells_the_deadline(story: Story, task_id: str, text: str) -> None:
    assert text in story.run.log(task_id, try_number=1)


@pytest.mark.parametrize("task_id", ["unloadable", "unloadable_softly"])
def test_unloadable_has_traceback(story: Story, task_id: str) -> None:
    """A trigger that cannot be loaded leaves its traceback."""
    log = story.run.log(task_id)

    assert re.search(r"Trigger failed:\n(.*\n)*Traceback \(most recent call last\)", log)
    assert "TriggerOfAnotherRelease" in log
    assert "CgcTriggerError: The trigger of this task failed" in log


@pytest.mark.parametrize("task_id", ["many_ids_lost", "many_ids_lost_softly"])
def test_raising_has_a_traceback(story: Story, task_id: str) -> None:
    """A trigger that raises leaves its traceback."""
    log = story.run.log(task_id)

    assert re.search(r"Trigger failed:\n(.*\n)*Traceback \(most recent call last\)", log)
    assert "triggers/jobs.py" in log
    assert "CgcTriggerError: The trigger of this task failed" in log


def test_row_of_many_is_small(story: Story) -> None:
    """The row of a thousand and one exports is small."""
    assert sorted(story.ids_in_xcom) == sorted(story.many)
    assert len(story.rows["many"]) < 2000
    assert json.loads(story.rows["many"])["ids"] is None


def test_many_exports_complete(story: Story) -> None:
    """A thousand and one exports complete."""
    summary = story.run.summary("many")

    assert (summary["total"], summary["completed"]) == (MANY, MANY)
