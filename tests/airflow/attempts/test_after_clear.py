"""The tab's sentence about a Clear, against what a Clear then really sends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_cgc import display
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.waiting import snapshot
from tests.airflow.attempts.attempts import Attempts, refuse, remove_object
from tests.airflow.conftest import has_task_state_store

ITEMS = 4
PENDING = "AirflowRescheduleException"
RECORDS = {
    "store": {"store": True},
    "manifest": {"store": False, "manifest": True},
    "store and manifest": {"store": True, "manifest": True},
    "list": {"store": False},
}
"""The places where a task may find its earlier attempts."""
EXPORTS = {
    "copy, fail": {"if_exists": "fail"},
    "copy, skip": {"if_exists": "skip"},
    "copy, overwrite": {"if_exists": "overwrite"},
    "move, fail": {"copy_only": False, "if_exists": "fail"},
    "move, skip": {"copy_only": False, "if_exists": "skip"},
    "move, overwrite": {"copy_only": False, "if_exists": "overwrite"},
}


class Seen:
    """The last snapshot that was written."""

    def __init__(self) -> None:
        self.snapshot: dict[str, Any] = {}

    def write(self, address: object, snapshot: dict[str, Any], **how: object) -> bool:
        """Keep a snapshot."""
        self.snapshot = dict(snapshot)
        return True

    @property
    def told(self) -> dict[str, Any]:
        """The effect of a Clear, as the snapshot tells it."""
        found: dict[str, Any] = self.snapshot["after_clear"]
        return found


class Stopping(Seen):
    """Stop the worker as soon as one job has completed and another one has failed."""

    def __init__(self, emulator: CgcEmulator) -> None:
        super().__init__()
        self._emulator = emulator

    def write(self, address: object, snapshot: dict[str, Any], **how: object) -> bool:
        """Keep a snapshot, and let time go by on the platform."""
        super().write(address, snapshot)
        if snapshot["counts"]["completed"] and snapshot["counts"]["failed"]:
            raise SystemExit
        self._emulator.clock.advance(5)
        return True


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    seen = Seen()
    monkeypatch.setattr(display, "write", seen.write)
    return seen


@pytest.fixture
def attempts(manifest: str) -> Callable[..., Attempts]:
    """Make a task of four exports with this record of its attempts."""

    def make(emulator: CgcEmulator, record: str, **arguments: Any) -> Attempts:
        how = RECORDS[record]
        if how["store"] and not has_task_state_store():
            pytest.skip("Airflow below 3.3 has no task state store")
        path = {"manifest_path": manifest} if how.get("manifest") else {}
        return Attempts(emulator, store=how["store"], items=emulator.file_ids[:ITEMS], **path, **arguments)

    return make


def fail_last(emulator: CgcEmulator, code: int = 9109) -> None:
    """Let the export of the last file fail, again and again."""
    emulator.fail_files(emulator.file_names[emulator.file_ids[ITEMS - 1]], code=code)


def fail_smallest(emulator: CgcEmulator, code: int = 9109) -> None:
    """Let the export that ends first fail."""
    with emulator.world.open() as world:
        smallest = min((world.files[one] for one in emulator.file_ids[:ITEMS]), key=lambda one: one.size)
        name = smallest.name
    emulator.fail_files(name, code=code)


def until_two_have_ended(task: Attempts) -> None:
    """Let time go by on the platform until two of its jobs have ended."""
    while sum(state in ("COMPLETED", "FAILED") for _, state in task.jobs) < 2:
        task.emulator.clock.advance(5)


def sent_by(step: Callable[[], str], task: Attempts) -> int:
    """Count the jobs that are started meanwhile."""
    before = len(task.jobs)
    step()
    return len(task.jobs) - before


ENDS = {
    "success": ("success", {}),
    "tolerated": ("success", {"max_failures": 1}),
    "failed": ("CgcJobsFailed", {}),
    "incomplete": ("CgcJobsIncomplete", {}),
}


@pytest.mark.sampled
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("resume", [True, False], ids=["resume", "anew"])
@pytest.mark.parametrize("export", EXPORTS)
@pytest.mark.parametrize("record", RECORDS)
def test_ended_task(
    record: str,
    export: str,
    resume: bool,
    end: str,
    emulator: CgcEmulator,
    seen: Seen,
    attempts: Callable[..., Attempts],
) -> None:
    """A Clear of a task that has ended sends as many exports as was said."""
    if record == "list" and not resume:
        pytest.skip("it is refused without a record")
    outcome, arguments = ENDS[end]
    if end != "success":
        fail_last(emulator, code=9100 if end == "incomplete" else 9109)
    task = attempts(emulator, record, resume=resume, **EXPORTS[export], **arguments)
    assert task.run() == outcome
    told = seen.told

    sent = sent_by(task.clear, task)

    assert sent == told["sends"], told["text"]


@pytest.mark.parametrize(
    ("resume", "words"),
    [(True, "sends only items that failed or are missing"), (False, "all other items as new ones (resume=False)")],
)
def test_error_tells_it_too(resume: bool, words: str, emulator: CgcEmulator, attempts: Callable[..., Attempts]) -> None:
    """An error of a task that starts anew does not promise that it only continues."""
    fail_last(emulator)
    task = attempts(emulator, "manifest", resume=resume)

    assert task.run() == "CgcJobsFailed"

    assert words in str(task.error)


@pytest.mark.sampled
@pytest.mark.parametrize("resume", [True, False], ids=["resume", "anew"])
@pytest.mark.parametrize("export", EXPORTS)
@pytest.mark.parametrize("record", ["store", "manifest"])
def test_waiting_task(
    record: str, export: str, resume: bool, still: CgcEmulator, seen: Seen, attempts: Callable[..., Attempts]
) -> None:
    """A Clear in the middle of a wait, in which exports have completed, one has failed, and others are under way."""
    task = attempts(still, record, resume=resume, max_failures=ITEMS, **EXPORTS[export])
    fail_smallest(still)
    assert task.run(mode="reschedule", poke_interval=60) == PENDING
    until_two_have_ended(task)
    task.first_poke = datetime.now(UTC) - timedelta(seconds=1)
    assert task.run(mode="reschedule", poke_interval=60) == PENDING
    told = seen.told
    counts = seen.snapshot["counts"]
    assert counts["completed"] >= 1 == counts["failed"]
    assert counts["completed"] < ITEMS - 1

    sent = sent_by(lambda: task.clear(timeout=0.5), task)

    assert sent == told["sends"], told["text"]
    assert not told["running"]


@pytest.mark.parametrize("code", [9109, 9100], ids=["for good", "for now"])
@pytest.mark.parametrize("resume", [True, False], ids=["resume", "anew"])
def test_clear_stops_a_worker(
    resume: bool,
    code: int,
    still: CgcEmulator,
    attempts: Callable[..., Attempts],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that waits is stopped by a Clear, which does not raise `max_tries`: the next attempt is a retry."""
    monkeypatch.setattr(snapshot, "SHORTEST_STEP", 0.0)
    seen = Stopping(still)
    monkeypatch.setattr(display, "write", seen.write)
    fail_smallest(still, code=code)
    task = attempts(still, "manifest", resume=resume)
    assert task.run() == "SystemExit"
    told = seen.told
    monkeypatch.setattr(display, "write", lambda *args, **how: True)

    sent = sent_by(lambda: task.retry(timeout=0.5), task)

    assert told["running"]
    assert told["sends"] == 1
    assert "only if its error may be temporary" in told["text"]
    assert sent == (1 if code == 9100 else 0)


def test_clear_after_clear(
    still: CgcEmulator, attempts: Callable[..., Attempts], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task that was cleared since it failed tries everything again, also in a retry."""
    monkeypatch.setattr(snapshot, "SHORTEST_STEP", 0.0)
    seen = Stopping(still)
    monkeypatch.setattr(display, "write", seen.write)
    fail_smallest(still)
    task = attempts(still, "manifest")
    assert task.run(timeout=0.01) == "AirflowSensorTimeout"
    assert task.clear() == "SystemExit"
    told = seen.told
    monkeypatch.setattr(display, "write", lambda *args, **how: True)

    sent = sent_by(lambda: task.retry(timeout=0.5), task)

    assert told["running"]
    assert sent == told["sends"] == 1
    assert "sends again the export that failed, and no others" in told["text"]


def test_a_task_that_only_starts(emulator: CgcEmulator, seen: Seen, attempts: Callable[..., Attempts]) -> None:
    refuse(emulator, emulator.file_ids[:1])
    task = attempts(emulator, "manifest", wait=False)
    assert task.run() == "CgcJobsFailed"
    told = seen.told
    emulator.clear_faults()

    sent = sent_by(task.clear, task)

    assert sent == told["sends"] == 1


@pytest.mark.parametrize("record", RECORDS)
def test_timed_out_task(record: str, still: CgcEmulator, seen: Seen, attempts: Callable[..., Attempts]) -> None:
    """Jobs that had not ended at the timeout are taken over."""
    task = attempts(still, record)
    assert task.run(timeout=0.5) == "AirflowSensorTimeout"
    told = seen.told

    sent = sent_by(lambda: task.clear(timeout=0.5), task)

    assert sent == told["sends"] == 0
    assert "takes over the 4 exports under way" in told["text"]


@pytest.mark.parametrize("mended", [True, False])
def test_refused_order(
    mended: bool, emulator: CgcEmulator, seen: Seen, attempts: Callable[..., Attempts], manifest: str
) -> None:
    """Nothing is sent until the cause is mended; then all is."""
    task = attempts(emulator, "manifest", volume="rfranklin/no_such_volume")
    assert task.run() == "CgcInputRefused"
    told = seen.told

    sent = sent_by(lambda: task.clear(volume=emulator.volume if mended else None), task)

    assert sent == (told["sends"] if mended else 0)
    assert told["sends"] == ITEMS


@pytest.mark.parametrize("record", ["store", "manifest"])
def test_refused_by_the_platform(
    record: str, emulator: CgcEmulator, seen: Seen, attempts: Callable[..., Attempts]
) -> None:
    """An item that was refused when it was sent counts as never sent, for any reason."""
    refuse(emulator, emulator.file_ids[:1])
    task = attempts(emulator, record)
    assert task.run() == "CgcJobsFailed"
    told = seen.told
    emulator.clear_faults()

    sent = sent_by(task.clear, task)

    assert sent == told["sends"] == 1


def test_gone_results(emulator: CgcEmulator, seen: Seen, attempts: Callable[..., Attempts]) -> None:
    """With `verify` the sentence says that results which are gone by then are sent again."""
    fail_last(emulator)
    task = attempts(emulator, "manifest", verify=True)
    assert task.run() == "CgcJobsFailed"
    told = seen.told
    remove_object(emulator, f"out/{emulator.file_ids[0]}")

    sent = sent_by(task.clear, task)

    assert sent == told["sends"] + 1
    assert "whose results are gone" in told["text"]


def test_moved_files_stay(emulator: CgcEmulator, seen: Seen, attempts: Callable[..., Attempts]) -> None:
    """A moved file is an alias, which no Clear sends, even if its object is gone."""
    task = attempts(emulator, "manifest", verify=True, copy_only=False)
    assert task.run() == "success"
    told = seen.told
    remove_object(emulator, f"out/{emulator.file_ids[0]}")

    sent = sent_by(task.clear, task)

    assert sent == told["sends"] == 0
    assert "whose results are gone" not in told["text"]
