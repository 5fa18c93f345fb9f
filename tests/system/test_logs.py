"""The log of a wait, as a person reads it: little while it lasts, all that is needed when it fails, and only there."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from dev.airflow_box import AirflowBox
from tests.system.labs import Lab
from tests.system.runs import Run, our_lines, wait_for_all, wait_until

pytestmark = pytest.mark.system

COUNTS = {"deferred": (5, 2), "other_deferred": (7, 3), "poking": (6, 2)}
"""The number of exports of each wait, and of failures among them: distinct, so that a line tells whose it is."""
LOOKS = 5
FAILED_CODES = (9107, 9109)


@dataclass(frozen=True)
class Story:
    """The logs of the run's tasks, and the failed exports by task."""

    logs: dict[str, str]
    failed: dict[str, list[tuple[str, int]]]


@pytest.fixture(scope="module")
def story(airflow: AirflowBox, labs: dict[str, Lab]) -> Story:
    """Let two exports of each wait fail while it waits, look some more times, and let the others end."""
    lab = labs["logs"]
    failing = {
        task_id: [
            job_id
            for number in range(failed)
            for job_id in lab.start_exports(1, seconds=20, code=FAILED_CODES[number % 2])
        ]
        for task_id, (_, failed) in COUNTS.items()
    }
    late = {task_id: lab.start_exports(total - failed, seconds=60) for task_id, (total, failed) in COUNTS.items()}

    def looked(times: int) -> bool:
        looks = lab.looks()
        return all(len(looks[job_id]) >= times for ids in late.values() for job_id in ids)

    run = Run.start(airflow, "system_logs", {task_id: [*late[task_id], *failing[task_id]] for task_id in COUNTS})
    wait_until(airflow, lambda: looked(2), "every wait has looked", runs=(run,))
    lab.pass_time(10)
    wait_until(airflow, lambda: looked(2 + LOOKS), "every wait has looked again", runs=(run,))
    lab.pass_time(60)
    wait_for_all(airflow, run)

    with lab.world.open() as world:
        failed = {
            task_id: [(job.order.location, job.error.code) for job in map(world.exports.get, ids) if job and job.error]
            for task_id, ids in failing.items()
        }
    return Story(logs={task_id: run.log(task_id) for task_id in COUNTS}, failed=failed)


every_task = pytest.mark.parametrize("task_id", COUNTS)


@every_task
def test_lines_are_few(story: Story, task_id: str) -> None:
    """The start, how it stands, the first failure, the verdict and its table: looks that change nothing say nothing."""
    _, failed = COUNTS[task_id]
    table = failed + len(FAILED_CODES)

    lines = our_lines(story.logs[task_id])

    assert table < len(lines) <= 5 + table, "\n".join(lines)


@every_task
def test_last_lines_name_failures(story: Story, task_id: str) -> None:
    """The last lines name every failed file with its code and its remedy."""
    total, failed = COUNTS[task_id]
    lines = our_lines(story.logs[task_id])
    last = lines[-(failed + len(FAILED_CODES) + 1) :]

    assert len(story.failed[task_id]) == failed
    for location, code in story.failed[task_id]:
        assert any(location in line and f": {code}: " in line for line in last), "\n".join(last)
    for code in FAILED_CODES:
        assert sum(f"What to do about {code}: " in line for line in last) == 1
    assert f"{failed} of {total} exports did not complete." in last[0]


@every_task
def test_error_names_failures(story: Story, task_id: str) -> None:
    """The error names every failed file too."""
    error = story.logs[task_id].rpartition("CgcJobsFailed: ")[2]

    assert all(location in error and str(code) in error for location, code in story.failed[task_id])


@pytest.mark.parametrize("task_id", ["deferred", "other_deferred"])
def test_lines_are_in_their_log(story: Story, task_id: str) -> None:
    """The trigger's lines are in the log of its own task."""
    total, failed = COUNTS[task_id]

    told = [
        line for line in story.logs[task_id].splitlines() if "CgcJobsTrigger" in line and "exports completed" in line
    ]

    assert len(told) == 1
    assert f"0 of {total} exports completed, {failed} failed" in told[0]


@every_task
def test_no_other_wait_in_the_log(story: Story, task_id: str) -> None:
    others = {total for other, (total, _) in COUNTS.items() if other != task_id}

    assert not [total for total in others if f" of {total} exports" in story.logs[task_id]]
