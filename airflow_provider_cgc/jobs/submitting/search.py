"""The jobs of the platform's lists: what an earlier attempt may have started, and what other runs have under way.

There is no idempotency key, ids are random, and a job may show late. So a job is known by the key of its item, and "not
there" is a verdict of two looks. Nothing here waits: `Search` tells when to look again.
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
"""Jobs of a list and a state that are looked through at least, if there are so many: three requests."""


SKEW = 60.0
"""Seconds by which a job may seem older than `since`: its start is told in whole seconds, and another machine writes it
than the one whose clock was read. Machines kept by NTP differ by far less."""
SETTLING = 90.0
"""Seconds between a first look and the look that is believed when it says "not there". A create may take effect 30 s
after its answer was given up, and may show in the list 45 s later still; the rest is margin."""


@dataclass(frozen=True, slots=True)
class Look:
    """One reading of the lists: jobs by key, the best first, and what it cannot say "not there" about."""

    found: Mapping[Key, tuple[Any, ...]]
    blind: Mapping[Key, Blind]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a search for one key; `settled`: there is no other job than `jobs`."""

    jobs: tuple[Any, ...] = ()
    settled: bool = False
    blind: Blind | None = None


def find(order: Order, wanted: Collection[Key], *, since: datetime, details: BulkGet | None = None) -> Look:
    """
    Look once for jobs with these keys that were started at `since`, by the platform's clock, or later.

    Where a list has an order, only its pages since then are read, and a few more; else all, up to 300 of each.
    `details` asks for jobs by id, should the list abbreviate them. Raises `CgcError` where a page cannot be read.
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
    The looks for some keys so far; a new value after each one.

    The first look must not begin before everybody who might have sent anything has given up: what it fails to see may
    show by the second. From then on the platform's list is complete, as far as it can be read.
    """

    kind: JobKind
    wanted: frozenset[Key]
    found: Mapping[Key, tuple[Any, ...]] = field(default_factory=dict)
    blind: Mapping[Key, Blind] = field(default_factory=dict)
    settled: bool = False
    first_look: float | None = None

    def after(self, look: Look, began: float) -> Search:
        """Add a look; `began` is when it began, in seconds by any one clock that does not stand still."""
        first_look = began if self.first_look is None else self.first_look
        found = dict(self.found)
        for key, jobs in look.found.items():
            found[key] = best_first(self.kind, [*found.get(key, ()), *jobs])
        return Search(self.kind, self.wanted, found, look.blind, began >= first_look + SETTLING, first_look)

    def finding(self, key: Key) -> Finding:
        blind = self.blind.get(key)
        return Finding(self.found.get(key, ()), self.settled and blind is None, blind)

    @property
    def open(self) -> frozenset[Key]:
        """The keys for which a further job would matter: those without one that is COMPLETED or under way."""
        return frozenset(key for key in self.wanted if all(self.kind.failed(job) for job in self.found.get(key, ())))

    @property
    def look_again_at(self) -> float | None:
        """When to look again, by the clock of `began`; None when no further look would tell more."""
        if self.first_look is None:
            return -math.inf if self.wanted else None
        if self.settled or all(self.blind.get(key) is Blind.TOO_LONG for key in self.open):
            return None
        return self.first_look + SETTLING


def best_first(kind: JobKind, jobs: Iterable[Any]) -> tuple[Any, ...]:
    """Sort jobs for one key: COMPLETED, under way, FAILED, the newest first; of one id the last one given counts."""
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


def under_way(order: Order, wanted: Collection[Key], *, log_info: Callable[[str], object]) -> Mapping[Key, Any]:
    """
    Return the jobs of any run that are under way for one of these items, as far as the platform's list shows them.

    Of each list twice as many jobs are looked through as are wanted: a task of one file must not read the list of a
    night. `log_info` is told where that is not the whole list. Two runs that start in the same minute do not see each
    other. Raises `CgcError`.
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
        # Each page repeats a tenth of what the one before held: meanwhile jobs end, and the others move up.
        held = len(page.items) or PAGE_LIMIT
        offset += max(held - max(held // 10, 1), 1)
    log_info(
        f"There are more {state.value} {order.kind.plural} on {scope} than the {looked_through} that were looked"
        f" through for those that are the same {order.kind.plural} as of this task."
    )
