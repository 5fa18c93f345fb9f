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
from tests.airflow.attempts.clears import (
    ITEMS,
    Seen,
    Stopping,
    close_volume,
    complete,
    fail_last,
    fail_smallest,
    sent_by,
    until_two_have_ended,
)
from tests.airflow.conftest import has_task_state_store

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
    assert "tries again the export that failed, and no others" in told["text"]


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


@pytest.mark.parametrize("later", [0, 24 * 3600], ids=["under way", "completed by then"])
@pytest.mark.parametrize("export", EXPORTS)
@pytest.mark.parametrize("record", ["store", "manifest", "store and manifest"])
def test_timed_out_anew(
    record: str, export: str, later: int, still: CgcEmulator, seen: Seen, attempts: Callable[..., Attempts]
) -> None:
    """With `resume=False`, jobs that have completed by the Clear are no longer under way, and are sent again."""
    task = attempts(still, record, resume=False, **EXPORTS[export])
    assert task.run(timeout=0.5) == "AirflowSensorTimeout"
    told = seen.told
    still.clock.advance(later)

    sent = sent_by(lambda: task.clear(timeout=0.5), task)

    assert sent == (told["sends"] if later else 0)
    assert "takes over those that still are under way then" in told["text"]
    assert ("sends again those that have ended by then" in told["text"]) == (told["sends"] == ITEMS)


@pytest.mark.parametrize("start", ["fail_fast", "wait=False"])
@pytest.mark.parametrize("record", ["store", "manifest"])
def test_failed_early_anew(
    record: str, start: str, still: CgcEmulator, seen: Seen, attempts: Callable[..., Attempts]
) -> None:
    """The same if the task has failed while jobs were under way."""
    task = attempts(still, record, resume=False, if_exists="overwrite")
    if start == "wait=False":
        refuse(still, still.file_ids[:1])
        assert task.run(wait=False) == "CgcJobsFailed"
    else:
        fail_smallest(still)
        assert task.run(timeout=0.5) == "AirflowSensorTimeout"
        until_two_have_ended(task)
        assert task.retry(fail_fast=True) == "CgcJobsFailed"
    told = seen.told
    assert seen.snapshot["counts"]["running"]
    still.clear_faults()
    still.clock.advance(24 * 3600)

    sent = sent_by(lambda: task.clear(timeout=0.5), task)

    assert sent == told["sends"] == ITEMS, told["text"]


@pytest.mark.parametrize("end", ["success", "timeout"])
@pytest.mark.parametrize("export", ["copy, fail", "copy, skip", "move, fail"])
@pytest.mark.parametrize("record", RECORDS)
def test_joined_jobs(
    record: str,
    export: str,
    end: str,
    still: CgcEmulator,
    seen: Seen,
    attempts: Callable[..., Attempts],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Jobs of another run are older than this run: without a record, a Clear does not find those that have ended."""
    monkeypatch.setattr(snapshot, "SHORTEST_STEP", 0.0)
    still.option("stuck", "RUNNING")
    other = Attempts(still, store=False, items=still.file_ids[:ITEMS], task_id="other", wait=False, **EXPORTS[export])
    assert other.run() == "success"
    still.clock.advance(3600)
    task = attempts(still, record, **EXPORTS[export])

    def write(address: object, snapshot: dict[str, Any], **how: object) -> bool:
        if end == "success":
            complete(still)
        return seen.write(address, snapshot)

    monkeypatch.setattr(display, "write", write)
    assert task.run(timeout=0.5 if end == "timeout" else 60) == {"timeout": "AirflowSensorTimeout"}.get(end, end)
    told = seen.snapshot["after_clear"]
    complete(still)

    sent = sent_by(lambda: task.clear(timeout=60), task)

    if record == "list":
        assert told is None
    else:
        assert sent == told["sends"], told["text"]


@pytest.mark.parametrize(("hours", "left"), [(0, False), (2, False), (2, True)], ids=["young", "lost", "done"])
@pytest.mark.parametrize("record", ["store", "manifest", "store and manifest"])
def test_unknown_jobs(
    record: str, hours: int, left: bool, still: CgcEmulator, seen: Seen, attempts: Callable[..., Attempts]
) -> None:
    """A young job that the platform does not know is waited for; one that has left its result is not sent again."""
    still.option("stuck", True)
    task = attempts(still, record)
    assert task.run(timeout=0.3) == "AirflowSensorTimeout"
    with still.world.open() as world:
        ids = list(world.exports)
    still.forget(ids)
    assert task.clear(missing_grace=None) == "CgcJobsFailed"
    told = seen.told
    still.option("stuck", not left)
    still.clock.advance(hours * 3600)

    sent = sent_by(lambda: task.clear(timeout=0.5), task)

    assert sent == (ITEMS if hours and not left else 0), told["text"]
    assert told["sends"] == ITEMS
    assert "whose results are not there either, but perhaps not within an hour" in told["text"]


@pytest.mark.parametrize("first", ["nothing", "success", "failed"])
@pytest.mark.parametrize("resume", [True, False], ids=["resume", "anew"])
@pytest.mark.parametrize("record", RECORDS)
def test_refused_later(
    record: str, resume: bool, first: str, emulator: CgcEmulator, seen: Seen, attempts: Callable[..., Attempts]
) -> None:
    """What a Clear sends after a refusal depends on the attempts before it."""
    if record == "list" and not resume:
        pytest.skip("it is refused without a record")
    if first == "failed":
        fail_last(emulator)
    task = attempts(emulator, record, resume=resume, if_exists="overwrite")
    if first != "nothing":
        task.run()
    close_volume(emulator, True)
    if record == "list" and first == "success":
        pytest.skip("it finds its jobs and sends nothing, so that there is nothing to refuse")
    assert (task.run if first == "nothing" else task.clear)() == "CgcInputRefused"
    told = seen.told
    close_volume(emulator, False)

    sent = sent_by(task.clear, task)

    promised = "otherwise it sends those that can be sent" in told["text"]
    assert sent == (1 if first == "failed" and resume else told["sends"])
    assert promised or (first != "nothing" and resume)
    assert not promised or sent == told["sends"] == ITEMS


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
