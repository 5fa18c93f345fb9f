"""The memory that a task's manifest keeps for an attempt after a killed one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.exceptions import CgcBadInput, CgcJobsNotYetKnown
from airflow_provider_cgc.jobs.exports.item import ExportItem, ExportKey
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.submitting.ledger import Fate, Ledger, OtherOwnerError
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, ItemState
from airflow_provider_cgc.operators.record import ReadOnly, Record
from tests.fakes.store import Store
from tests.fakes.task_instance import TaskInstance

KEY = ExportKey("file", "lab/volume", "place")
RUN_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
CLEARED = RUN_BEGAN + timedelta(hours=1)
RETRIED = CLEARED + timedelta(minutes=1)


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    return f"file://{tmp_path}/manifest.jsonl"


def record(
    manifest: str, *, try_number: int, max_tries: int, map_index: int = -1, run: str = "run", **more: Any
) -> Record:
    ti = TaskInstance(run_id=run, map_index=map_index, try_number=try_number, max_tries=max_tries)
    more = {"store": None, "resume": True, **more}
    return Record(EXPORT, ExportItem, ti, manifest_path=manifest, retries=4, warn=print, **more)


def opened(record: Record, now: datetime, owner: str = "me at cgc") -> Ledger:
    return record.open([KEY], now=now, run_began=RUN_BEGAN, owner=owner)


def outcome(state: ItemState, job_id: str | None = None) -> ItemOutcome:
    return ItemOutcome(item=ExportItem(KEY.file, KEY.location, KEY.volume), state=state, id=job_id)


def test_clear_outdates_the_jobs(manifest: str) -> None:
    """Jobs from before a Clear do not count for the retry of a killed attempt."""
    first = record(manifest, try_number=1, max_tries=2)
    opened(first, RUN_BEGAN)
    first.manifest.write([outcome(ItemState.COMPLETED, "job")], succeeded=True)
    after_the_clear = record(manifest, try_number=2, max_tries=3)
    opened(after_the_clear, CLEARED)
    after_the_clear.manifest.write([outcome(ItemState.SUBMITTED)])

    ledger = opened(record(manifest, try_number=3, max_tries=3), RETRIED)

    assert ledger.search_from([KEY]) == CLEARED


def test_clear_outlives_a_kill(manifest: str) -> None:
    """A Clear is not forgotten when the attempt after it is killed."""
    first = record(manifest, try_number=1, max_tries=2)
    assert not opened(first, RUN_BEGAN).cleared
    first.manifest.write([outcome(ItemState.FAILED, "job")])
    after_the_clear = record(manifest, try_number=2, max_tries=3)
    assert opened(after_the_clear, CLEARED).cleared
    after_the_clear.manifest.write([outcome(ItemState.SUBMITTED)])

    assert opened(record(manifest, try_number=3, max_tries=3), RETRIED).cleared


def test_manifest_is_believed(manifest: str) -> None:
    """
    The process that makes the account keeps the facts of the manifest.

    After a deferral it is another process that writes the manifest at the end.
    """
    first = record(manifest, try_number=1, max_tries=2)
    opened(first, RUN_BEGAN + timedelta(minutes=5))
    first.manifest.write([outcome(ItemState.SUBMITTED, "job")])

    resumed = record(manifest, try_number=1, max_tries=2)
    resumed.manifest.write(resumed.outcomes() or [])

    ledger = opened(record(manifest, try_number=2, max_tries=2), RETRIED)
    assert ledger.search_from([KEY]) == RUN_BEGAN + timedelta(minutes=5)


@pytest.mark.parametrize("owner", ["alice at cgc", "me at cavatica"])
@pytest.mark.parametrize("try_number", [1, 2])
def test_foreign_jobs_are_not_ours(manifest: str, owner: str, try_number: int) -> None:
    """
    Somebody else's jobs are not taken for jobs that are not there.

    On a first try it is the manifest of a run that was deleted, or of another Airflow.
    """
    first = record(manifest, try_number=1, max_tries=2)
    opened(first, RUN_BEGAN, owner)
    first.manifest.write([replace(outcome(ItemState.SUBMITTED), user=owner.partition(" ")[0])])

    with pytest.raises(
        OtherOwnerError, match=f"according to file:.* sent its exports as {owner}; the connection's user is now me"
    ):
        opened(record(manifest, try_number=try_number, max_tries=2), RETRIED)
    anew = opened(record(manifest, try_number=try_number, max_tries=2, resume=False), RETRIED)
    assert anew.past(KEY).fate is Fate.NEVER_SENT


def test_user_alone_is_read(manifest: str) -> None:
    """A manifest that knows only the user is still read."""
    first = record(manifest, try_number=1, max_tries=2)
    first.manifest.write([replace(outcome(ItemState.SUBMITTED, "job"), user="me")])

    assert opened(record(manifest, try_number=2, max_tries=2), RETRIED).past(KEY).job_id == "job"
    with pytest.raises(OtherOwnerError, match="sent its exports as me; the connection's user is now alice"):
        opened(record(manifest, try_number=2, max_tries=2), RETRIED, "alice at cgc")


def test_manifest_of_one_task(manifest: str) -> None:
    """Two tasks of a run do not share a manifest, two runs may."""
    first = record(manifest, try_number=1, max_tries=0, map_index=0)
    opened(first, RUN_BEGAN)
    first.manifest.write([outcome(ItemState.SUBMITTED)])

    with pytest.raises(CgcBadInput, match=r"that of another task of this Dag run, task/0.*ti.map_index }} into it"):
        record(manifest, try_number=1, max_tries=0, map_index=1).check(dry_run=False)
    record(manifest, try_number=1, max_tries=0, map_index=1, run="tomorrow").check(dry_run=False)
    record(manifest, try_number=2, max_tries=0, map_index=0).check(dry_run=False)


def test_overwritten_manifest(manifest: str) -> None:
    """A manifest that another run has written over is no account."""
    ours, theirs = (record(manifest, try_number=1, max_tries=0, run=run) for run in ("today", "tomorrow"))
    ours.manifest.write([outcome(ItemState.SUBMITTED, "job")])
    theirs.manifest.write([outcome(ItemState.SUBMITTED, "other")])

    with pytest.raises(CgcJobsNotYetKnown, match="another task has overwritten it"):
        ours.outcomes()


def test_poke_without_a_record(manifest: str) -> None:
    """A later poke without its record searches, and does not send anew."""
    again = record(manifest, try_number=1, max_tries=0, later_poke=True)

    assert again.taken_up() is None
    assert opened(again, RETRIED).past(KEY).fate is Fate.UNCERTAIN


def test_retry_leaves_old_waits(manifest: str) -> None:
    """A retry does not take up the waits of the try before."""
    first = record(manifest, try_number=1, max_tries=1)
    first.manifest.write([outcome(ItemState.FAILED, "job")])

    assert first.taken_up() is not None
    assert record(manifest, try_number=2, max_tries=1).taken_up() is None


def test_dry_run_changes_nothing(manifest: str) -> None:
    store = Store()
    real = record(manifest, try_number=1, max_tries=0, store=store)
    opened(real, RUN_BEGAN).intend([KEY], at=RUN_BEGAN)
    before = dict(store)

    opened(record(manifest, try_number=2, max_tries=0, store=ReadOnly(store), resume=False), RETRIED)

    assert store == before


@pytest.mark.parametrize(
    ("has_store", "has_manifest", "clears", "expected"),
    [
        (True, False, False, True),
        (True, False, True, None),
        (True, True, True, True),
        (False, True, True, True),
        (False, False, True, False),
    ],
)
def test_known_to_outlive_a_clear(
    has_store: bool, has_manifest: bool, clears: bool, expected: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow 3.3 empties the store of a task that succeeds, if its settings say so."""
    monkeypatch.setenv("AIRFLOW__STATE_STORE__CLEAR_ON_SUCCESS", str(clears))
    path: Any = "s3://bucket/manifest.jsonl" if has_manifest else None

    one = record(path, try_number=1, max_tries=2, store=Store() if has_store else None)

    assert one.outlives_clear is expected
