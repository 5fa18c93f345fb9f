"""Which jobs an earlier attempt may have started: what the platform's list shows, and when its silence is believed.

There is no idempotency key, ids are random, and a job may show late. So an export is known by what it moves and where
to, and "not there" is a verdict of two looks. Nothing here waits: `Search` tells when to look again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_cgc.client.models import JobState
from airflow_provider_cgc.client.models.lists import PAGE_LIMIT
from airflow_provider_cgc.jobs.submitting.joblist import Blind, JobList, check_null_jobs, is_whole

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.models import ExportJob
    from airflow_provider_cgc.client.models.lists import Page
    from airflow_provider_cgc.jobs.submitting.joblist import BulkGet

    Pages = Callable[[str, int], Page[ExportJob]]
    """One page of a volume's list of jobs from an offset on."""

LEAST_LOOKED_AT = 200
"""Jobs of a volume and a state that are looked through at least, if there are so many: three requests."""


SKEW = 60.0
"""Seconds by which a job may seem older than `since`: its start is told in whole seconds, and another machine writes it
than the one whose clock was read. Machines kept by NTP differ by far less."""
SETTLING = 90.0
"""Seconds between a first look and the look that is believed when it says "not there". A create may take effect 30 s
after its answer was given up, and may show in the list 45 s later still; the rest is margin."""


class Key(NamedTuple):
    """What makes two exports the same one."""

    file: str
    volume: str
    location: str


@dataclass(frozen=True, slots=True)
class Look:
    """What one reading of the lists shows: jobs by key, the best first, and what it cannot say "not there" about."""

    found: Mapping[Key, tuple[ExportJob, ...]]
    blind: Mapping[Key, Blind]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a search knows of one key; `settled`: there is no other job than `jobs`."""

    jobs: tuple[ExportJob, ...] = ()
    settled: bool = False
    blind: Blind | None = None


def find(pages: Pages, wanted: Collection[Key], *, since: datetime, details: BulkGet | None = None) -> Look:
    """
    Look once for jobs with these keys that were started at `since`, by the platform's clock, or later.

    Where a list has an order, only its pages since then are read, and a few more; else all, up to 300 for a volume.
    `details` asks for jobs by id, should the list abbreviate them. What `pages` raises ends the look.
    """
    found: dict[Key, tuple[ExportJob, ...]] = {}
    blind: dict[Key, Blind] = {}
    earliest = since - timedelta(seconds=SKEW)
    for volume in sorted({key.volume for key in wanted}):
        keys = {key for key in wanted if key.volume == volume}
        jobs = JobList(partial(pages, volume), since=earliest, details=details)
        reason = jobs.read()
        whole = [job for job in jobs.jobs.values() if is_whole(job)]
        found |= _by_key([job for job in whole if job.started_on and job.started_on >= earliest], keys)
        blind |= dict.fromkeys(keys, reason) if reason else {}
        for job in jobs.jobs.values():
            if not is_whole(job):
                blind |= {key: blind.get(key, Blind.ABBREVIATED) for key in keys if _could_be(job, key)}
    return Look(found, blind)


@dataclass(frozen=True, slots=True)
class Search:
    """
    The looks for some keys so far; a new value after each one.

    The first look must not begin before everybody who might have sent anything has given up: what it fails to see may
    show by the second. From then on the platform's list is complete, as far as it can be read.
    """

    wanted: frozenset[Key]
    found: Mapping[Key, tuple[ExportJob, ...]] = field(default_factory=dict)
    blind: Mapping[Key, Blind] = field(default_factory=dict)
    settled: bool = False
    first_look: float | None = None

    def after(self, look: Look, began: float) -> Search:
        """Add a look; `began` is when it began, in seconds by any one clock that does not stand still."""
        first_look = began if self.first_look is None else self.first_look
        found = dict(self.found)
        for key, jobs in look.found.items():
            found[key] = best_first([*found.get(key, ()), *jobs])
        return Search(self.wanted, found, look.blind, began >= first_look + SETTLING, first_look)

    def finding(self, key: Key) -> Finding:
        blind = self.blind.get(key)
        return Finding(self.found.get(key, ()), self.settled and blind is None, blind)

    @property
    def open(self) -> frozenset[Key]:
        """The keys for which a further job would matter: those without one that is COMPLETED or under way."""
        return frozenset(key for key in self.wanted if all(job.failed for job in self.found.get(key, ())))

    @property
    def look_again_at(self) -> float | None:
        """When to look again, by the clock of `began`; None when no further look would tell more."""
        if self.first_look is None:
            return -math.inf if self.wanted else None
        if self.settled or all(self.blind.get(key) is Blind.TOO_LONG for key in self.open):
            return None
        return self.first_look + SETTLING


def key_of(job: ExportJob, volume: str | None = None) -> Key | None:
    """Return what a job moves and where to, if it tells; `volume` is where its list is from."""
    place = job.volume or volume
    if job.file is None or place is None or job.location is None:
        return None
    return Key(job.file, place, job.location)


def best_first(jobs: Iterable[ExportJob]) -> tuple[ExportJob, ...]:
    """Sort jobs for one key: COMPLETED, under way, FAILED, the newest first; of one id the last one given counts."""
    return tuple(sorted({job.id: job for job in jobs}.values(), key=_rank))


def _rank(job: ExportJob) -> tuple[int, float]:
    state = 0 if job.completed else 2 if job.failed else 1
    return state, math.inf if job.started_on is None else -job.started_on.timestamp()


def _by_key(jobs: Iterable[ExportJob], keys: Collection[Key]) -> dict[Key, tuple[ExportJob, ...]]:
    groups: dict[Key, list[ExportJob]] = {}
    [volume] = {key.volume for key in keys}
    for job in jobs:
        key = key_of(job, volume)
        if key is not None and key in keys:
            groups.setdefault(key, []).append(job)
    return {key: best_first(group) for key, group in groups.items()}


def _could_be(job: ExportJob, key: Key) -> bool:
    """Whether what a job tells leaves room for it to be the one with this key."""
    told = zip((job.file, job.volume, job.location), key, strict=True)
    return all(value is None or value == wanted for value, wanted in told)


def under_way(client: CgcClient, wanted: Collection[Key], *, say: Callable[[str], object]) -> Mapping[Key, ExportJob]:
    """
    Return the jobs under way that export one of these files to its place.

    Of each volume twice as many jobs are looked through as are wanted: a task of one file must not read the list of a
    night. `say` is told where that is not the whole list. Raises `CgcError`.
    """
    found: dict[Key, ExportJob] = {}
    for volume in sorted({key.volume for key in wanted}):
        most = max(LEAST_LOOKED_AT, 2 * sum(key.volume == volume for key in wanted))
        for state in (JobState.PENDING, JobState.RUNNING):
            for job in _listed(client, volume, state, most=most, say=say):
                key = key_of(job, volume)
                if key is not None and key in wanted and not job.done:
                    found[key] = job
    return found


def _listed(
    client: CgcClient, volume: str, state: JobState, *, most: int, say: Callable[[str], object]
) -> Iterator[ExportJob]:
    offset = looked_through = 0
    totals: list[int] = []
    while offset < most:
        page = client.exports.page(volume=volume, state=state, offset=offset)
        totals += [] if page.total is None else [page.total]
        check_null_jobs(page, offset, max(totals, default=math.inf))
        yield from page.items
        looked_through = offset + len(page.items)
        if page.is_last(looked_through):
            return
        # Each page repeats a tenth of what the one before held: meanwhile jobs end, and the others move up.
        held = len(page.items) or PAGE_LIMIT
        offset += max(held - max(held // 10, 1), 1)
    say(
        f"There are more {state.value} exports on {volume} than the {looked_through} that were looked through"
        " for such as export the same files to the same places."
    )
