"""What a task's manifest remembers for an attempt that comes after a killed one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_provider_cgc.jobs.ledger import Ledger
from airflow_provider_cgc.jobs.manifest import ItemOutcome, ItemState
from airflow_provider_cgc.jobs.recovery import Key
from airflow_provider_cgc.operators.record import Record

KEY = Key("file", "lab/volume", "place")
RUN_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
CLEARED = RUN_BEGAN + timedelta(hours=1)
RETRIED = CLEARED + timedelta(minutes=1)


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    return f"file://{tmp_path}/manifest.jsonl"


def record(manifest: str, *, try_number: int, max_tries: int) -> Record:
    ti = SimpleNamespace(
        dag_id="dag", run_id="run", task_id="task", map_index=-1, try_number=try_number, max_tries=max_tries
    )
    return Record(ti, store=None, manifest_path=manifest, manifest_conn_id=None, resume=True, retries=4, warn=print)


def opened(record: Record, now: datetime) -> Ledger:
    return record.open([KEY], now=now, run_began=RUN_BEGAN, owner="me")


def outcome(state: ItemState, job_id: str | None = None) -> ItemOutcome:
    return ItemOutcome(file=KEY.file, volume=KEY.volume, location=KEY.location, state=state, id=job_id)


def test_jobs_from_before_a_clear_do_not_count_for_the_retry_of_a_killed_attempt(manifest: str) -> None:
    first = record(manifest, try_number=1, max_tries=2)
    opened(first, RUN_BEGAN)
    first.write([outcome(ItemState.COMPLETED, "job")], succeeded=True)
    after_the_clear = record(manifest, try_number=2, max_tries=3)
    opened(after_the_clear, CLEARED)
    after_the_clear.write([outcome(ItemState.SUBMITTED)])

    ledger = opened(record(manifest, try_number=3, max_tries=3), RETRIED)

    assert ledger.since([KEY]) == CLEARED


def test_a_clear_is_not_forgotten_when_the_attempt_after_it_is_killed(manifest: str) -> None:
    first = record(manifest, try_number=1, max_tries=2)
    assert not opened(first, RUN_BEGAN).cleared
    first.write([outcome(ItemState.FAILED, "job")])
    after_the_clear = record(manifest, try_number=2, max_tries=3)
    assert opened(after_the_clear, CLEARED).cleared
    after_the_clear.write([outcome(ItemState.SUBMITTED)])

    assert opened(record(manifest, try_number=3, max_tries=3), RETRIED).cleared


def test_who_settles_the_account_keeps_what_the_manifest_knows(manifest: str) -> None:
    """After a deferral it is another process that writes the manifest at the end."""
    first = record(manifest, try_number=1, max_tries=2)
    opened(first, RUN_BEGAN + timedelta(minutes=5))
    first.write([outcome(ItemState.SUBMITTED, "job")])

    resumed = record(manifest, try_number=1, max_tries=2)
    resumed.write(resumed.outcomes() or [])

    assert opened(record(manifest, try_number=2, max_tries=2), RETRIED).since([KEY]) == RUN_BEGAN + timedelta(minutes=5)
