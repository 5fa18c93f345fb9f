"""The jobs of one kind, and who gets to see which of them, and when."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from airflow_provider_cgc.emulator.options import Options
from airflow_provider_cgc.emulator.state.errors import PlatformError
from airflow_provider_cgc.emulator.state.nouns import User
from airflow_provider_cgc.emulator.state.queue import Job

J = TypeVar("J", bound=Job)


class JobRegistry(Mapping[str, J]):
    """All jobs of one kind by id, whoever may see them."""

    def __init__(self) -> None:
        self._jobs: dict[str, J] = {}
        # In the order of their creation, by the user's name and the volume, and by the user's name alone.
        self._listed: dict[tuple[str, str | None], list[J]] = {}

    def __getitem__(self, job_id: str) -> J:
        return self._jobs[job_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._jobs)

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: J) -> None:
        """Add a new job, created later than the others."""
        self._jobs[job.id] = job
        for volume in (None, job.volume_id):
            self._listed.setdefault((job.user.name, volume), []).append(job)

    def look_up(self, job_id: str, user: User, options: Options, now: float) -> J:
        """Return a job that this user started, and count the look.

        :raises PlatformError: 9008 if nobody did, as far as is known at that time, 9005 if another user did.
        """
        job = self._jobs.get(job_id)
        if job is None or now - job.created < options.unknown_for or _expired(job, options, now):
            raise PlatformError(9008)
        if job.user != user:
            raise PlatformError(9005)
        job.looks += 1
        return job

    def listed(
        self, user: User, options: Options, now: float, dice: random.Random, *, volume: str | None = None
    ) -> list[J]:
        """Return a user's jobs as the list shows them: in its order, without those it does not know yet or any more.

        :param volume: only those of this volume.
        """
        jobs = self._listed.get((user.name, volume), [])
        jobs = jobs[: bisect_right(jobs, now - options.list_lag, key=lambda job: job.created)]
        if options.expiry is not None:
            jobs = [job for job in jobs if not _expired(job, options, now)]
        return _ordered(jobs, options.list_order, dice)

    def forget(self, job_ids: Iterable[str]) -> None:
        """Make jobs unknown; what they do to files and volumes stays."""
        gone = {job_id for job_id in job_ids if self._jobs.pop(job_id, None) is not None}
        for key, jobs in self._listed.items():
            self._listed[key] = [job for job in jobs if job.id not in gone]


def _expired(job: Job, options: Options, now: float) -> bool:
    return options.expiry is not None and job.ended is not None and now - job.ended >= options.expiry


def _ordered(jobs: list[J], order: str, dice: random.Random) -> list[J]:
    if order == "oldest":
        return jobs
    if order == "newest":
        return jobs[::-1]
    if order == "id":
        return sorted(jobs, key=lambda job: job.id)
    return dice.sample(jobs, len(jobs))
