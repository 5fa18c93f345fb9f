"""The account at the end of an export, where a summary lists fewer failures than there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_cgc.client.models import BulkRecord, ExportJob, JobState, Page
from airflow_provider_cgc.client.problems import Problem
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.tracker import MOST_ITEM_BYTES, MOST_ITEMS, JobTracker, failed_item
from airflow_provider_cgc.operators.settling import settle

FOR_GOOD = Problem(403, 9206, "No PUT.")
PASSING = Problem(503, 9100, "Busy.")
TAKEN = Problem(409, 9107, "There is an object.")
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def failed(number: int, problem: Problem, *, location: str | None = None) -> ExportJob:
    name = f"{number:03d}"
    place = name if location is None else location
    return ExportJob(f"job-{name}", JobState.FAILED, "FAILED", f"file-{name}", "a/out", place, error=problem)


def settled(jobs: Sequence[ExportJob], *, listed: list[dict[str, Any]] | None = None) -> Any:
    """Settle a task of which only these failures are told."""
    by_id = {job.id: job for job in jobs}
    exports = SimpleNamespace(bulk_get=lambda ids: [BulkRecord(name, by_id[name]) for name in ids])
    summary = {
        "total": len(jobs),
        "completed": 0,
        "failed": len(jobs),
        "missing": 0,
        "skipped": 0,
        "bytes": 0,
        "failed_items": [failed_item(job) for job in jobs[:MOST_ITEMS]] if listed is None else listed,
    }
    client: Any = SimpleNamespace(exports=exports)
    return settle(client, summary, outcomes=None, ids=sorted(by_id), verify=False, since=None, say=lambda line: None)


@pytest.mark.parametrize(("last", "may_pass"), [(PASSING, True), (FOR_GOOD, False)])
@pytest.mark.parametrize("count", [1, MOST_ITEMS, MOST_ITEMS + 1])
def test_a_failure_that_may_pass_is_found_wherever_it_stands(count: int, last: Problem, may_pass: bool) -> None:
    jobs = [*(failed(number, FOR_GOOD) for number in range(count - 1)), failed(count, last)]

    told = settled(jobs)

    assert told.may_pass is may_pass
    assert (told.summary["failed"], len(told.summary["failed_items"])) == (count, min(count, MOST_ITEMS))


def test_the_account_lists_the_failures_that_the_wait_has_listed() -> None:
    """One that was too large for the summary of the wait must not cut the list of the account short."""
    jobs = [
        failed(number, FOR_GOOD, location="x" * MOST_ITEM_BYTES if number == 1 else f"out/{number}")
        for number in range(4)
    ]
    tracker = JobTracker.of(EXPORT, [job.id for job in jobs])
    tracker.take([BulkRecord(job.id, job) for job in jobs], 0.0)
    listed = tracker.summary()["failed_items"]

    told = settled(jobs, listed=listed)

    assert told.summary["failed_items"] == listed
    assert [item["id"] for item in listed] == ["job-000", "job-002", "job-003"]


def completed(number: int) -> ExportJob:
    return replace(failed(number, FOR_GOOD), state=JobState.COMPLETED, error=None, size=7, started_on=SINCE)


@pytest.mark.parametrize(("properties", "counts"), [({}, (1, 0)), ({"sse_algorithm": "aws:kms"}, (0, 1))])
def test_an_object_is_ours_if_it_was_put_there_as_wanted(properties: dict[str, Any], counts: tuple[int, int]) -> None:
    """Not if the other job of this task has other properties: the Dag was changed since."""
    mine = replace(failed(0, TAKEN), started_on=SINCE)
    other = replace(completed(0), id="other", properties=properties)
    exports = SimpleNamespace(
        bulk_get=lambda ids: [BulkRecord(mine.id, mine)],
        page=lambda *, volume, offset: Page((mine, other), total=2, next=None, date=SINCE),
    )

    told = account_of(SimpleNamespace(exports=exports), [mine], since=SINCE)

    assert (told.summary["completed"], told.summary["failed"]) == counts
    assert told.summary["bytes"] == (7 if counts[0] else 0)


@pytest.mark.parametrize(("aliases", "counts"), [((False, True), (1, 0)), ((False, False), (0, 1))])
def test_a_moved_file_is_given_time_to_become_an_alias(
    monkeypatch: pytest.MonkeyPatch, aliases: tuple[bool, ...], counts: tuple[int, int]
) -> None:
    moved, looks, naps = completed(0), iter(aliases), []
    monkeypatch.setattr("airflow_provider_cgc.operators.settling.time.sleep", naps.append)
    client = SimpleNamespace(
        exports=SimpleNamespace(bulk_get=lambda ids: [BulkRecord(moved.id, moved)]),
        files=SimpleNamespace(bulk_get=lambda ids: [BulkRecord(ids[0], moved_file(moved, alias=next(looks)))]),
    )

    told = account_of(client, [moved], moves=True)

    assert (told.summary["completed"], told.summary["failed"]) == counts
    assert sum(naps) == 20


def account_of(client: Any, jobs: Sequence[ExportJob], *, since: datetime | None = None, moves: bool = False) -> Any:
    """Settle a task of these jobs on a made-up platform."""
    bad = [job for job in jobs if job.failed]
    summary = {
        "total": len(jobs),
        "completed": len(jobs) - len(bad),
        "failed": len(bad),
        "missing": 0,
        "skipped": 0,
        "bytes": 0,
        "failed_items": [failed_item(job) for job in bad],
    }
    ids = [job.id for job in jobs]
    return settle(
        client, summary, outcomes=None, ids=ids, verify=False, moves=moves, since=since, say=lambda line: None
    )
