"""Imports in the real Airflow: a volume's objects become files with metadata, by a triggerer or by many pokes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcClient, File, Settings
from dev.airflow_box import AirflowBox
from tests.system.labs import Lab
from tests.system.runs import Run, wait_for_all, wait_until

pytestmark = pytest.mark.system

VOLUME, PREFIX, PROJECT = "demo-lab/archive", "batch1", "demo-lab/leftovers"
OBJECTS = ("s1/a.bam", "s1/b.bam", "s2/a.bam")
WAITING = {"deferred": "deferred", "rescheduled": "up_for_reschedule"}
"""The tasks, and the states in which they wait."""


@dataclass(frozen=True)
class Story:
    """The run, and what the platform has afterwards: files by path, and the number of imports of each object."""

    run: Run
    states: dict[str, str | None]
    files: dict[str, File]
    jobs: Counter[str]

    def returned(self, task_id: str) -> Any:
        return self.run.airflow.xcom(self.run.dag_id, self.run.run_id, task_id, "return_value")


@pytest.fixture(scope="module")
def story(airflow: AirflowBox, labs: dict[str, Lab]) -> Story:
    """Let both tasks start their jobs and wait; then let all jobs end."""
    lab = labs["imports"]
    lab.put_objects([f"{PREFIX}/{path}" for path in OBJECTS], volume=VOLUME, size=1000)
    seen: dict[str, set[str | None]] = {task_id: set() for task_id in WAITING}

    def both_wait() -> bool:
        for task_id, state in run.states.items():
            seen.get(task_id, set()).add(state)
        return all(WAITING[task_id] in states for task_id, states in seen.items())

    run = Run.start(airflow, "system_imports", {"volume": VOLUME, "prefix": PREFIX, "project": PROJECT})
    wait_until(airflow, both_wait, "both imports wait", runs=(run,))
    lab.pass_time(60)
    wait_for_all(airflow, run)

    with CgcClient(Settings(token=lab.token, base_url=lab.url)) as client:
        return Story(
            run=run,
            states=run.states,
            files={f"{one.path}/{one.file.name}": one.file for one in client.files.tree(PROJECT)},
            jobs=Counter(str(job.location) for job in client.imports.list()),
        )


def test_all_tasks_succeed(story: Story) -> None:
    assert story.states == dict.fromkeys(("objects", *WAITING), "success")


def test_each_is_imported_once_a_task(story: Story) -> None:
    assert story.jobs == {f"{PREFIX}/{path}": len(WAITING) for path in OBJECTS}


@pytest.mark.parametrize("task_id", WAITING)
def test_files_have_their_metadata(story: Story, task_id: str) -> None:
    files = {path: story.files[f"{task_id}/{path}"] for path in OBJECTS}

    for path, file in files.items():
        assert (file.metadata["sample_id"], file.metadata["source"]) == (path.split("/")[0], f"{PREFIX}/{path}")
        assert file.tags == (task_id,)


@pytest.mark.parametrize("task_id", WAITING)
def test_task_returns_its_files(story: Story, task_id: str) -> None:
    returned = story.returned(task_id)

    assert [one["file"] for one in returned] == [story.files[f"{task_id}/{path}"].id for path in OBJECTS]


@pytest.mark.parametrize("task_id", WAITING)
def test_summary_counts_the_files(story: Story, task_id: str) -> None:
    summary = story.run.summary(task_id)

    assert (summary["kind"], summary["total"], summary["completed"]) == ("import", len(OBJECTS), len(OBJECTS))
