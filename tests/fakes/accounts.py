"""Exports that have ended, the files and objects behind them, and the account of their task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from airflow_provider_cgc.client.errors import CgcNotFound
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models import ExportJob, File, JobState, VolumeObject
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.exports.order import ExportOrder
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.submitting.account import account_for
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, ItemState
from airflow_provider_cgc.jobs.waiting.summary import Summary, failed_item
from tests.fakes.job_lists import FOR_GOOD

GONE = Problem(404, 9008, "No such job.")
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
KEPT = {"storage_type": "PLATFORM", "volume": None, "location": None}
NO_FILE = Problem(404, 5002, "Requested file does not exist.")
HERE, SHORT = [VolumeObject("000", "a/out", 7)], [VolumeObject("000", "a/out", 3)]
NOWHERE: list[VolumeObject] = []


def failed(number: int, problem: Problem, *, location: str | None = None) -> ExportJob:
    name = f"{number:03d}"
    place = name if location is None else location
    return ExportJob(f"job-{name}", JobState.FAILED, "FAILED", f"file-{name}", "a/out", place, error=problem)


def completed(number: int) -> ExportJob:
    return replace(failed(number, FOR_GOOD), state=JobState.COMPLETED, error=None, size=7, started_on=SINCE)


def moved_file(job: ExportJob, **more: Any) -> File:
    """The file of a job as the platform shows it once it was moved."""
    told = {"storage_type": "VOLUME", "volume": job.volume, "location": job.location, "size": 7}
    return File(**{"id": str(job.file)} | told | more)


def alone(answer: File | Problem) -> File:
    """Answer a question for a single file."""
    if isinstance(answer, Problem):
        raise CgcNotFound(answer, status=404, call="GET /files/x")
    return answer


def a_platform(
    jobs: Sequence[ExportJob],
    *,
    files: Any = (),
    objects: Sequence[VolumeObject] = (),
    one: File | Problem | None = None,
) -> Any:
    """A made-up platform; `files` answers a question for files, with a file or a problem for each id.

    `one` is what it answers where it is asked for a single one.
    """
    by_id = {job.id: job for job in jobs}

    def records(ids: Sequence[str]) -> list[BulkRecord[File]]:
        answers = (files(name) for name in ids)
        return [
            BulkRecord(name, None, one) if isinstance(one, Problem) else BulkRecord(name, one)
            for name, one in zip(ids, answers, strict=True)
        ]

    return SimpleNamespace(
        exports=SimpleNamespace(
            bulk_get=lambda ids: [BulkRecord(name, by_id.get(name), None if name in by_id else GONE) for name in ids]
        ),
        files=SimpleNamespace(bulk_get=records, get=lambda name: alone(files(name) if one is None else one)),
        volumes=SimpleNamespace(contents=lambda volume, prefix, into: iter(objects)),
    )


def account_from(
    client: Any, summary: Any, *, verify: bool = False, moves: bool = False, skips: bool = False, **how: Any
) -> Any:
    """Return the account of a task with these options, from the summary of its wait."""
    order = ExportOrder(client, copy_only=not moves, if_exists="skip" if skips else "fail", verify=verify)
    known = Summary.from_json({"kind": EXPORT.name, **summary}, kind=EXPORT)
    return account_for(order, known, log_info=lambda line: None, **how)


def account_of(
    client: Any, jobs: Sequence[ExportJob], *, since: datetime | None = None, manifest: bool = False, **how: bool
) -> Any:
    """Return the account of a task of these jobs on a made-up platform."""
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
    lines = [
        ItemOutcome(
            item=ExportItem(str(job.file), job.location, job.volume), id=job.id, state=ItemState.SUBMITTED, size=7
        )
        for job in jobs
    ]
    return account_from(
        client,
        summary,
        outcomes=lines if manifest else None,
        ids=[job.id for job in jobs],
        since=since,
        **{"verify": False} | how,
    )
