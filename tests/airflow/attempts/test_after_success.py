"""A Clear of a task that succeeded starts anew: what was exported before it does not count, what follows it does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_cgc.client.endpoints.exports import ExportsEndpoint
from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.attempts.attempts import Attempts, remove_object
from tests.airflow.conftest import has_task_state_store

RECORDS = {
    "store": {"store": True},
    "manifest": {"store": False, "manifest": True},
    "both": {"store": True, "manifest": True},
}
DAY = 24 * 3600


@pytest.fixture(params=RECORDS)
def task(request: pytest.FixtureRequest, still: CgcEmulator, manifest: str) -> Attempts:
    """A task with a record of its attempts, that has exported two files, and whose objects are there."""
    how = RECORDS[request.param]
    if how["store"] and not has_task_state_store():
        pytest.skip("Airflow below 3.3 has no task state store")
    path = {"manifest_path": manifest} if how.get("manifest") else {}
    return Attempts(still, store=how["store"], items=still.file_ids[:2], **path)


def sent_by(task: Attempts, step: Callable[..., str], **changed: Any) -> tuple[str, int]:
    """Execute the task until this try has ended; a day goes by with each poke. Return its end, and what it sent."""
    before, how = len(task.jobs), {"mode": "reschedule", "poke_interval": 60, **changed}
    end = step(**how)
    for _ in range(3):
        task.emulator.clock.advance(DAY)
        if end != "AirflowRescheduleException":
            break
        task.first_poke = datetime.now(UTC) - timedelta(seconds=1)
        end = task.run(**how)
    task.first_poke = None
    return end, len(task.jobs) - before


def remove_objects(task: Attempts) -> None:
    for file in task.emulator.file_ids[:2]:
        remove_object(task.emulator, f"out/{file}")


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, int]]:
    """Let a try be killed at its request, before an answer is noted; the request has arrived or not."""
    create = ExportsEndpoint.bulk_create

    def run(task: Attempts, step: Callable[..., str], *, arrived: bool, **changed: Any) -> tuple[str, int]:
        def stopped(endpoint: ExportsEndpoint, *args: Any, **how: Any) -> Any:
            if arrived:
                create(endpoint, *args, **how)
            raise SystemExit

        with monkeypatch.context() as patch:
            patch.setattr(ExportsEndpoint, "bulk_create", stopped)
            return sent_by(task, step, **changed)

    return run


def test_objects_that_were_removed(task: Attempts) -> None:
    """The try after a failed Clear exports what is not there, although it was exported before the success."""
    assert sent_by(task, task.run) == ("success", 2)
    assert sent_by(task, task.clear) == ("CgcJobsFailed", 2)  # the objects are in the way
    remove_objects(task)

    assert sent_by(task, task.clear) == ("success", 2)


@pytest.mark.parametrize(
    ("step", "resume"), [("retry", True), ("clear", True), ("retry", False)], ids=["retry", "clear", "retry of anew"]
)
@pytest.mark.parametrize(("arrived", "sent"), [(False, 2), (True, 0)], ids=["before", "after"])
def test_killed_at_its_request(
    task: Attempts,
    killed: Callable[..., tuple[str, int]],
    step: str,
    arrived: bool,
    sent: int,
    resume: bool,
) -> None:
    """A job that arrived since the Clear is found and not sent twice; without one the file is sent once more."""
    assert sent_by(task, task.run, resume=resume) == ("success", 2)
    remove_objects(task)
    assert killed(task, task.clear, arrived=arrived, resume=resume) == ("SystemExit", 2 if arrived else 0)

    assert sent_by(task, getattr(task, step), resume=resume) == ("success", sent)


def test_kept_for_another_record(task: Attempts, killed: Callable[..., tuple[str, int]]) -> None:
    """Both records know the same beginning, so that the manifest alone decides as the store does."""
    if not task.arguments.get("manifest_path"):
        pytest.skip("it has no manifest")
    assert sent_by(task, task.run) == ("success", 2)
    assert sent_by(task, task.clear) == ("CgcJobsFailed", 2)
    assert sent_by(task, task.clear) == ("CgcJobsFailed", 2)
    remove_objects(task)
    if task.store is not None:
        task.store.clear()

    assert sent_by(task, task.clear) == ("success", 2)


def test_first_try_meets_a_manifest(still: CgcEmulator, manifest: str, killed: Callable[..., tuple[str, int]]) -> None:
    """A Dag run that was deleted and is there again: its manifest says that something may have been sent."""
    items, store = still.file_ids[:2], has_task_state_store()
    deleted = Attempts(still, items=items, manifest_path=manifest, store=store)
    assert killed(deleted, deleted.run, arrived=True) == ("SystemExit", 2)
    again = Attempts(still, items=items, manifest_path=manifest, store=store)
    again.began = deleted.began

    assert sent_by(again, again.run) == ("success", 0)
