"""Exports as a platform's list tells of them, and a list that stands still or grows while it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models import ExportJob, JobState
from airflow_provider_cgc.client.models.lists import Page
from airflow_provider_cgc.jobs.exports.item import ExportKey
from dev.virtual_time import START

VOLUME = "lab/bucket"
TAKEN = Problem(409, 9107, "Location on volume already contains a file.")
PASSING = Problem(503, 9100, "The storage service did not answer.")
FOR_GOOD = Problem(403, 9206, "No right to put objects.")
REFUSED = Problem(403, 9006, "Requested file cannot be exported.")
NOT_TOLD = Problem(None, None, "the answer did not mention this export", made_here=True)

ORDERS: dict[str, Callable[[ExportJob], object]] = {
    "newest": lambda job: (-job.started_on.timestamp(), job.id),
    "oldest": lambda job: (job.started_on.timestamp(), job.id),
    "none": lambda job: hashlib.sha256(job.id.encode()).digest(),
}


def key(number: int, volume: str = VOLUME) -> ExportKey:
    return ExportKey(f"file{number:05d}", volume, f"results/{number:05d}.bam")


def keys(count: int) -> set[ExportKey]:
    return {key(number) for number in range(count)}


def at(seconds: float) -> datetime:
    """Give a time of the platform, in whole seconds as it tells them."""
    return datetime.fromtimestamp(int(seconds), tz=UTC)


SINCE = at(START)


def export(
    job_id: str,
    wanted: ExportKey,
    started: float | None = START,
    state: JobState = JobState.RUNNING,
    error: Problem | None = None,
) -> ExportJob:
    """Give a job as the platform tells of it; one with an error has FAILED."""
    return ExportJob(
        id=job_id,
        state=state if error is None else JobState.FAILED,
        file=wanted.file,
        volume=wanted.volume,
        location=wanted.location,
        started_on=None if started is None else at(started),
        error=error,
    )


def older(count: int, *, until: float = START - 600, every: float = 30) -> list[ExportJob]:
    """Give exports of other files from before, the last of them at `until`."""
    return [
        export(f"old{number:05d}", key(50_000 + number), until - every * number, JobState.COMPLETED)
        for number in range(count)
    ]


def young(count: int, *, first: int = 0, after: float = 1.0, every: float = 0.5) -> list[ExportJob]:
    """Give exports of the wanted keys since the attempt's start."""
    return [export(f"new{n:05d}", key(n), START + after + every * n) for n in range(first, first + count)]


class ListOfJobs:
    """
    The list as one callable; it remembers the offsets it was asked for.

    :param order: one of `ORDERS`, or None for the order of `jobs`.
    :param grow: gives, for the number of the page just read, the jobs that are added after it.
    """

    def __init__(
        self,
        jobs: Sequence[ExportJob],
        order: str | None = "newest",
        *,
        size: int = 100,
        grow: Callable[[int], Sequence[ExportJob]] = lambda page: (),
    ) -> None:
        self.jobs = list(jobs)
        self.offsets: list[int] = []
        self.asked: list[list[str]] = []
        self.abbreviates = False
        self.tells_total = True
        self._sort = ORDERS[order] if order else lambda job: 0
        self._size = size
        self._grow = grow
        self._cache: dict[str, tuple[int, list[ExportJob]]] = {}

    def __call__(self, volume: str, offset: int) -> Page[ExportJob]:
        jobs = self._sorted(volume)
        items = jobs[offset : offset + self._size]
        self.jobs += self._grow(len(self.offsets))
        self.offsets.append(offset)
        if self.abbreviates:
            items = [ExportJob(id=job.id, state=job.state) for job in items]
        return Page(tuple(items), len(jobs) if self.tells_total else None, None, None)

    def _sorted(self, volume: str) -> list[ExportJob]:
        cached = self._cache.get(volume, (-1, []))
        if cached[0] != len(self.jobs):
            cached = (len(self.jobs), sorted((job for job in self.jobs if job.volume == volume), key=self._sort))
            self._cache[volume] = cached
        return cached[1]

    def details(self, ids: Sequence[str]) -> list[BulkRecord[ExportJob]]:
        """Stand in for a bulk get."""
        self.asked.append(list(ids))
        by_id = {job.id: job for job in self.jobs}
        return [BulkRecord(job_id, by_id.get(job_id)) for job_id in ids]
