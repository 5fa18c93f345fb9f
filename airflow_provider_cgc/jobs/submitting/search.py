"""The search in the platform's lists: for jobs that an earlier attempt may have started, and jobs of other runs.

There is no idempotency key, ids are random, and a job may appear late. So a job is recognised by the key of its item,
and it takes two looks to say "not there". Nothing here waits: `Search` gives the time of the next look.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.models import JobState
from airflow_provider_cgc.client.models.lists import PAGE_LIMIT
from airflow_provider_cgc.jobs.submitting.joblist import Blind, JobList, check_null_jobs

if TYPE_CHECKING:
    from airflow_provider_cgc.jobs.kinds import BulkGet, JobKind
    from airflow_provider_cgc.jobs.submitting.items import Key
    from airflow_provider_cgc.jobs.submitting.order import Order

LEAST_LOOKED_AT = 200
"""Jobs of one list and state to look through at least, if there are so many: three requests."""


SKEW = 60.0
"""Seconds by which a job may seem older than `since`: its start is in whole seconds, and by the clock of another
machine than the one that was asked. Machines with NTP differ by far less."""
SETTLING = 90.0
"""Seconds between a first look and the look that is trusted if it finds nothing. A create may take effect 30 s after
its request was given up, and may appear in the list 45 s after that; the rest is margin."""


@dataclass(frozen=True, slots=True)
class Look:
    """One reading of the lists: jobs by key, the best first, and the keys for which jobs may have been missed."""

    found: Mapping[Key, tuple[Any, ...]]
    blind: Mapping[Key, Blind]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a search for one key; `complete`: there is no other job than `jobs`."""

    jobs: tuple[Any, ...] = ()
    complete: bool = False
    blind: Blind | None = None


def find(order: Order, wanted: Collection[Key], *, since: datetime, details: BulkGet | None = None) -> Look:
    """
    Look once for jobs with these keys that were started at `since`, by the platform's clock, or later.

    If a list has an order, only its pages since then are read, and a few more; else all, up to 300 of each list.
    `details` asks for jobs by id, if the list abbreviates them. Raises `CgcError` if a page cannot be read.
    """
    if not order.has_lists:
        return Look({}, dict.fromkeys(wanted, Blind.NO_LIST))
    found: dict[Key, tuple[Any, ...]] = {}
    blind: dict[Key, Blind] = {}
    earliest = since - timedelta(seconds=SKEW)
    for scope, keys in _by_scope(order, wanted).items():
        jobs = JobList(partial(order.page, scope), is_whole=order.is_whole, since=earliest, details=details)
        reason = jobs.read()
        whole = [job for job in jobs.jobs.values() if order.is_whole(job)]
        young = [job for job in whole if job.started_on and job.started_on >= earliest]
        found |= _by_key(order, young, keys, scope)
        blind |= dict.fromkeys(keys, reason) if reason else {}
        for job in jobs.jobs.values():
            if not order.is_whole(job):
                blind |= {key: blind.get(key, Blind.ABBREVIATED) for key in keys if order.could_be(job, key)}
    return Look(found, blind)


@dataclass(frozen=True, slots=True)
class Search:
    """
    The looks for some keys so far; a new value after each look.

    The first look must begin after everybody who may have sent anything has stopped: a job that it misses may appear by
    the second. After that the platform's list is complete, as far as it can be read.
    """

    kind: JobKind
    wanted: frozenset[Key]
    found: Mapping[Key, tuple[Any, ...]] = field(default_factory=dict)
    blind: Mapping[Key, Blind] = field(default_factory=dict)
    complete: bool = False
    first_look: float | None = None

    def after(self, look: Look, began: float) -> Search:
        """Add a look; `began` is the time of its beginning, in seconds, always by the same clock."""
        first_look = began if self.first_look is None else self.first_look
        found = dict(self.found)
        for key, jobs in look.found.items():
            found[key] = best_first(self.kind, [*found.get(key, ()), *jobs])
        return Search(self.kind, self.wanted, found, look.blind, began >= first_look + SETTLING, first_look)

    def finding(self, key: Key) -> Finding:
        blind = self.blind.get(key)
        return Finding(self.found.get(key, ()), self.complete and blind is None, blind)

    @property
    def open(self) -> frozenset[Key]:
        """The keys for which a further job would matter: those without a job that is COMPLETED or under way."""
        return frozenset(key for key in self.wanted if all(self.kind.failed(job) for job in self.found.get(key, ())))

    @property
    def look_again_at(self) -> float | None:
        """The time of the next look, by the clock of `began`; None if a further look would show nothing new."""
        if self.first_look is None:
            return -math.inf if self.wanted else None
        if self.complete or all(self.blind.get(key) is Blind.TOO_LONG for key in self.open):
            return None
        return self.first_look + SETTLING


def best_first(kind: JobKind, jobs: Iterable[Any]) -> tuple[Any, ...]:
    """Sort jobs for one key: COMPLETED, under way, FAILED, each the newest first; of one id the last one is kept."""
    return tuple(sorted({job.id: job for job in jobs}.values(), key=partial(_rank, kind)))


def _rank(kind: JobKind, job: Any) -> tuple[int, float]:
    state = 0 if kind.completed(job) else 2 if kind.failed(job) else 1
    return state, math.inf if job.started_on is None else -job.started_on.timestamp()


def _by_scope(order: Order, keys: Iterable[Key]) -> dict[str, set[Key]]:
    scopes: dict[str, set[Key]] = {}
    for key in sorted(keys):
        scopes.setdefault(order.scope_of(key), set()).add(key)
    return scopes


def _by_key(order: Order, jobs: Iterable[Any], keys: Collection[Key], scope: str) -> dict[Key, tuple[Any, ...]]:
    groups: dict[Key, list[Any]] = {}
    for job in jobs:
        key = order.key_of(job, scope)
        if key is not None and key in keys:
            groups.setdefault(key, []).append(job)
    return {key: best_first(order.kind, group) for key, group in groups.items()}


def elsewhere(order: Order, wanted: Collection[Key], *, log_info: Callable[[str], object]) -> Mapping[Key, Any]:
    """
    Return unfinished jobs of any run for these items, as far as the platform's list shows them.

    Of each list twice as many jobs are looked through as are wanted: a task of one item must not read the jobs of a
    whole night. If that is not the whole list, `log_info` gets a line. Two runs that start in the same minute do not
    see each other's jobs. Raises `CgcError`.
    """
    found: dict[Key, Any] = {}
    for scope, keys in _by_scope(order, wanted if order.has_lists else ()).items():
        for state in (JobState.PENDING, JobState.RUNNING):
            for job in _listed(order, scope, state, most=max(LEAST_LOOKED_AT, 2 * len(keys)), log_info=log_info):
                key = order.key_of(job, scope)
                if key is not None and key in keys and not order.kind.has_ended(job):
                    found[key] = job
    return found


def _listed(
    order: Order, scope: str, state: JobState, *, most: int, log_info: Callable[[str], object]
) -> Iterator[Any]:
    offset = looked_through = 0
    totals: list[int] = []
    while offset < most:
        page = order.page(scope, offset, state=state)
        totals += [] if page.total is None else [page.total]
        check_null_jobs(page, offset, max(totals, default=math.inf))
        yield from page.items
        looked_through = offset + len(page.items)
        if page.is_last(looked_through):
            return
        # Each page repeats a tenth of the one before: jobs that end meanwhile let the others move up.
        held = len(page.items) or PAGE_LIMIT
        offset += max(held - max(held // 10, 1), 1)
    log_info(
        f"There are more {state.value} {order.kind.plural} on {scope} than the {looked_through} in which this task has"
        f" looked for {order.kind.plural} of its own items by other runs."
    )
