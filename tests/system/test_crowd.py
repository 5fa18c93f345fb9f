"""Forty deferred waits, twice, while the triggerer is killed and the scheduler stops for eleven seconds."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from dev.airflow_box import AirflowBox
from tests.system.database import Database
from tests.system.labs import Lab
from tests.system.runs import ENDED, Run, mismatches, wait_until

pytestmark = pytest.mark.system

WAITS = 40
ENDED_BEFORE = range(10)
FAILING = (4, 25)
"""One whose exports have all ended before, and one whose other exports end later."""
LENGTHS = ((20, 30, 40), (30, 40, 50), (40, 50, 60))
"""Seconds that the three exports of a wait take: each but the last ends while the wait goes on."""
TRIGGERERS = 2


@dataclass(frozen=True)
class Story:
    """The traces of both runs."""

    lab: Lab
    batches: dict[str, list[list[str]]]
    tasks: dict[str, dict[int, dict[str, Any]]]
    summaries: dict[str, dict[int, Any]]
    mismatches: Counter[tuple[str, int]]


@pytest.fixture(scope="module")
def story(airflow: AirflowBox, labs: dict[str, Lab], database: Database, stored_triggers: set[str]) -> Story:
    """Run both Dags at once, disturb them in the middle, and wait for their ends."""
    lab = labs["crowd"]
    batches: dict[str, list[list[str]]] = {dag_id: [[] for _ in range(WAITS)] for dag_id in KEYS}
    for dag_batches in batches.values():
        for index in ENDED_BEFORE:
            dag_batches[index] = exports(lab, index, (5, 5, 5))
    lab.pass_time(10)
    for dag_batches in batches.values():
        for index in range(len(ENDED_BEFORE), WAITS):
            dag_batches[index] = exports(lab, index, LENGTHS[index % len(LENGTHS)])

    runs = {dag_id: Run.start(airflow, dag_id, {"batches": batches[dag_id]}) for dag_id in KEYS}
    waiting = tuple(runs.values())

    def deferred_or_ended() -> int:
        stored_triggers.update(database.all_triggers())
        return sum(state in ("deferred", *ENDED) for run in waiting for state in run.states.values())

    wait_until(airflow, lambda: deferred_or_ended() >= WAITS // 2, "a quarter waits", runs=waiting)
    airflow.freeze("scheduler", main_only=True)
    time.sleep(11)
    airflow.thaw("scheduler")
    wait_until(airflow, lambda: deferred_or_ended() >= WAITS, "half of them wait", runs=waiting)
    airflow.stop_component("triggerer", signal.SIGKILL)
    airflow.start_component("triggerer")
    wait_until(
        airflow,
        lambda: all(run.has_ended() for run in waiting),
        "the end of both runs",
        runs=waiting,
        meanwhile=lambda: (lab.pass_time(1), deferred_or_ended()),
        timeout=900,
    )

    return Story(
        lab=lab,
        batches=batches,
        tasks={
            dag_id: {index: task for key, task in run.tasks.items() if (index := KEYS[dag_id](*key)) is not None}
            for dag_id, run in runs.items()
        },
        summaries={
            dag_id: {index: run.summary(*ADDRESSES[dag_id](index)) for index in range(WAITS)}
            for dag_id, run in runs.items()
        },
        mismatches=Counter(
            {
                (dag_id, index): count
                for (dag_id, task, map_index), count in mismatches(airflow).items()
                if dag_id in KEYS and (index := KEYS[dag_id](task, map_index)) is not None
            }
        ),
    )


def exports(lab: Lab, index: int, lengths: tuple[int, ...]) -> list[str]:
    """Three exports, the last of which fails where it should."""
    codes = (None, None, 9109 if index in FAILING else None)
    return [
        job_id
        for seconds, code in zip(lengths, codes, strict=True)
        for job_id in lab.start_exports(1, seconds=seconds, code=code)
    ]


KEYS: dict[str, Callable[[str, int], int | None]] = {
    "system_mapped": lambda task, map_index: map_index if task == "wait" else None,
    "system_separate": lambda task, map_index: int(task.removeprefix("wait_")),
}
"""The wait of each task."""
ADDRESSES: dict[str, Callable[[int], tuple[str, int]]] = {
    "system_mapped": lambda index: ("wait", index),
    "system_separate": lambda index: (f"wait_{index}", -1),
}
"""The task of each wait."""

every_dag = pytest.mark.parametrize("dag_id", KEYS)


@every_dag
def test_waits_end_as_exports_did(story: Story, dag_id: str) -> None:
    states = {index: task["state"] for index, task in story.tasks[dag_id].items()}

    assert states == {index: "failed" if index in FAILING else "success" for index in range(WAITS)}


@every_dag
def test_summaries_count_all(story: Story, dag_id: str) -> None:
    counts = {
        index: (summary["total"], summary["completed"], summary["failed"], summary["missing"])
        for index, summary in story.summaries[dag_id].items()
    }

    assert counts == {index: (3, 2, 1, 0) if index in FAILING else (3, 3, 0, 0) for index in range(WAITS)}


@every_dag
def test_failures_are_named(story: Story, dag_id: str) -> None:
    named = {
        index: [(item["id"], item["code"]) for item in summary["failed_items"]]
        for index, summary in story.summaries[dag_id].items()
        if summary["failed_items"]
    }

    assert named == {index: [(story.batches[dag_id][index][2], 9109)] for index in FAILING}


@every_dag
def test_only_the_race_costs_tries(story: Story, dag_id: str, record_property: Callable[[str, object], None]) -> None:
    """No try is lost but to Airflow's own race."""
    lost = {index: count for (dag, index), count in story.mismatches.items() if dag == dag_id}
    record_property("state_mismatches", sum(lost.values()))

    tries = {index: task["try_number"] for index, task in story.tasks[dag_id].items()}

    assert tries == {index: 1 + lost.get(index, 0) for index in range(WAITS)}


@every_dag
def test_ended_are_asked_once(story: Story, dag_id: str) -> None:
    """
    An ended export is asked for once by each process that could not know.

    The triggerer, its successor and, where a task is not mapped, the worker of each try.
    """
    looks = story.lab.looks_after_the_end()
    workers = 0 if dag_id == "system_mapped" else 1

    too_often = {}
    for index, ids in enumerate(story.batches[dag_id]):
        tries = story.tasks[dag_id][index]["try_number"]
        allowed = tries * (workers + 1) + TRIGGERERS - 1
        too_often |= {job_id: (looks[job_id], allowed) for job_id in ids if looks[job_id] > allowed}

    assert not too_often


@every_dag
def test_all_were_seen_to_end(story: Story, dag_id: str) -> None:
    """Nothing in this module could fail if the platform had never been asked."""
    looks = story.lab.looks_after_the_end()

    unseen = [job_id for ids in story.batches[dag_id] for job_id in ids if not looks[job_id]]

    assert not unseen
