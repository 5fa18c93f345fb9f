"""The account at the end of an export: its failures and their causes, and what it takes back of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models import ExportJob, VolumeObject
from airflow_provider_cgc.client.models.lists import Page
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.waiting.summary import MOST_ITEM_BYTES, MOST_ITEMS, failed_item
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from tests.fakes.accounts import (
    HERE,
    KEPT,
    NOWHERE,
    SHORT,
    SINCE,
    a_platform,
    account_from,
    account_of,
    completed,
    failed,
    moved_file,
)
from tests.fakes.job_lists import FOR_GOOD, PASSING, TAKEN

pytestmark = pytest.mark.usefixtures("naps")

UNHEARD_OF_BUSY = Problem(503, 9199, "Busy in a way that no page tells of.")
UNHEARD_OF = Problem(400, 9198, "No.")
STATUS_ONLY = Problem(503, None, "Busy.")


def settled(jobs: Sequence[ExportJob], *, listed: list[dict[str, Any]] | None = None) -> Any:
    """Return the account of a task whose summary has only these failures."""
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
    return account_from(client, summary, outcomes=None, ids=sorted(by_id), verify=False, since=None)


@pytest.mark.parametrize(
    ("last", "may_pass"),
    [(PASSING, True), (FOR_GOOD, False), (UNHEARD_OF_BUSY, True), (UNHEARD_OF, False), (STATUS_ONLY, True)],
)
@pytest.mark.parametrize("count", [1, MOST_ITEMS, MOST_ITEMS + 1])
def test_passing_is_found(count: int, last: Problem, may_pass: bool) -> None:
    """A failure that may pass is found wherever it stands."""
    jobs = [*(failed(number, FOR_GOOD) for number in range(count - 1)), failed(count, last)]

    told = settled(jobs)

    assert told.may_pass is may_pass
    assert (told.summary.failed, len(told.summary.failed_items)) == (count, min(count, MOST_ITEMS))


def test_listed_as_the_wait_did() -> None:
    """
    The account lists the failures that the wait has listed.

    One that was too large for the summary of the wait must not cut the list of the account short.
    """
    jobs = [
        failed(number, FOR_GOOD, location="x" * MOST_ITEM_BYTES if number == 1 else f"out/{number}")
        for number in range(4)
    ]
    tracker = JobTracker.of(EXPORT, [job.id for job in jobs])
    tracker.take([BulkRecord(job.id, job) for job in jobs], 0.0)
    listed = tracker.summary().failed_items

    told = settled(jobs, listed=listed)

    assert told.summary.failed_items == listed
    assert [item["id"] for item in listed] == ["job-000", "job-002", "job-003"]


@pytest.mark.parametrize(("properties", "counts"), [({}, (1, 0)), ({"sse_algorithm": "aws:kms"}, (0, 1))])
def test_ours_if_as_wanted(properties: dict[str, Any], counts: tuple[int, int]) -> None:
    """
    An object is ours if it was put there as wanted.

    Not if the other job of this task has other properties: the Dag was changed since.
    """
    mine = replace(failed(0, TAKEN), started_on=SINCE)
    other = replace(completed(0), id="other", properties=properties)
    exports = SimpleNamespace(
        bulk_get=lambda ids: [BulkRecord(mine.id, mine)],
        page=lambda **where: Page((mine, other), total=2, next=None, date=SINCE),
    )

    told = account_of(SimpleNamespace(exports=exports), [mine], since=SINCE)

    assert (told.summary.completed, told.summary.failed) == counts
    assert told.summary.bytes == (7 if counts[0] else 0)


@pytest.mark.parametrize("known", [True, False], ids=["counted", "of an older release"])
def test_taken_back_is_uncaused(known: bool) -> None:
    """
    The causes follow the failures that the account takes back.

    Of 150 failures, of which the summary lists a hundred, one was put there by this very task.
    """
    mine = replace(failed(0, TAKEN), started_on=SINCE)
    jobs = [mine, *(failed(number, TAKEN) for number in range(1, 140)), *(failed(n, FOR_GOOD) for n in range(140, 150))]
    exports = SimpleNamespace(
        bulk_get=lambda ids: [BulkRecord(job.id, job) for job in jobs if job.id in ids],
        page=lambda **where: Page((mine, replace(completed(0), id="other")), total=2, next=None, date=SINCE),
    )
    tracker = JobTracker.of(EXPORT, [job.id for job in jobs])
    tracker.take([BulkRecord(job.id, job) for job in jobs], 0.0)
    summary = tracker.summary().to_json()
    if not known:
        del summary["causes"]
    client: Any = SimpleNamespace(exports=exports)

    told = account_from(client, summary, outcomes=None, ids=[job.id for job in jobs], verify=False, since=SINCE).summary

    assert (told.failed, told.completed) == (149, 1)
    counts = [(one["code"], one["count"]) for one in told.causes]
    assert counts == ([(9107, 139), (9206, 10)] if known else [(9107, 99), (None, 50)])


def test_verifying_has_causes() -> None:
    """The causes count the failures that verifying finds."""
    jobs = [completed(0), completed(1), failed(2, FOR_GOOD)]
    volumes = SimpleNamespace(
        contents=lambda *_, **__: [VolumeObject("000", "a/out", 3), VolumeObject("001", "a/out", 4)]
    )
    exports = SimpleNamespace(bulk_get=lambda ids: [BulkRecord(job.id, job) for job in jobs if job.id in ids])

    told = account_of(SimpleNamespace(exports=exports, volumes=volumes), jobs, verify=True).summary

    assert [(one["count"], one["message"]) for one in told.causes] == [
        (2, "The job COMPLETED, but the object has ... bytes instead of 7."),
        (1, FOR_GOOD.message),
    ]


@pytest.mark.parametrize(("objects", "counts"), [(HERE, (1, 0)), (SHORT, (0, 1)), (NOWHERE, (0, 1))])
@pytest.mark.parametrize("manifest", [True, False])
def test_taken_back_is_verified(objects: list[VolumeObject], counts: tuple[int, int], manifest: bool) -> None:
    mine = replace(failed(0, TAKEN), started_on=SINCE)
    other = replace(completed(0), id="other")
    platform = a_platform([mine, other], objects=objects)
    platform.exports.page = lambda **where: Page((mine, other), total=2, next=None, date=SINCE)

    told = account_of(platform, [mine], since=SINCE, verify=True, manifest=manifest)

    assert (told.summary.completed, told.summary.failed) == counts


def test_late_end_is_not_counted() -> None:
    """
    A job that ends while the account is made is not counted by it.

    With `fail_fast` a job may COMPLETE after the wait has ended; the task has failed all the same.
    """
    jobs = [failed(0, FOR_GOOD), completed(1)]
    platform = a_platform(jobs, files=lambda name: moved_file(jobs[1], **KEPT), objects=NOWHERE)
    summary = {"total": 2, "completed": 0, "failed": 1, "missing": 0, "skipped": 0, "bytes": 0}
    summary |= {"failed_items": [failed_item(jobs[0])]}

    told = account_from(
        platform,
        summary,
        outcomes=None,
        ids=[job.id for job in jobs],
        verify=True,
        moves=True,
        since=None,
    )

    assert (told.summary.completed, told.summary.failed, told.not_yet_known) == (0, 1, None)
