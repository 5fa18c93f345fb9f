"""Reading the part of the platform's list of jobs that can contain recent ones.

The list has no time filter and no documented order, and it changes while it is read: jobs appear late, new ones move
the others to later offsets, items come twice or abbreviated.
https://docs.cancergenomicscloud.org/reference/list-export-jobs
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from itertools import chain
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.errors import CgcUnreadableError

if TYPE_CHECKING:
    from airflow_provider_cgc.client.models.lists import Page
    from airflow_provider_cgc.jobs.kinds import BulkGet

    PageAt = Callable[[int], Page[Any]]
    """Returns one page of a list, from an offset on."""

DISORDER = 60.0
"""Seconds by which jobs of an ordered list may be out of order: several machines write the times, and a create may take
effect some time after its request."""
MOST_PAGES = 300
"""Pages that are read of a list without an order at most; a user has 1000 requests in five minutes."""
SHORT = 10
"""Pages up to which a list is read whole: it costs hardly more, and no order has to be trusted."""
_OLD_PAGES = 2
"""Pages in a row without a recent job after which the reading of a list with the newest first ends."""


class Blind(StrEnum):
    """The reasons why a reading cannot prove that a job does not exist."""

    TOO_LONG = f"the platform's list of jobs has no order, and {MOST_PAGES} pages are not all of it"
    RESTLESS = "the platform's list of jobs changed while it was read"
    NO_LIST = "the platform has no list of such jobs"
    ABBREVIATED = "some jobs in the platform's list lack fields that are needed, such as the start time"


class TimeOrder(IntEnum):
    """The direction of the times of a list; times multiplied by it never fall."""

    NEWEST_FIRST = -1
    NONE = 0
    OLDEST_FIRST = 1


class JobList:
    """
    One list during one reading.

    :param is_whole: says whether a job has all the fields that are needed.
    :param details: asks for jobs by id, if the list abbreviates them.
    """

    def __init__(
        self, page: PageAt, *, is_whole: Callable[[Any], bool], since: datetime, details: BulkGet | None = None
    ) -> None:
        self._page_at = page
        self._is_whole = is_whole
        self._too_old = since - timedelta(seconds=DISORDER)
        self._details = details
        self._total = math.inf
        self._pages = 0
        self._at_end = False
        """The page that was read most recently is the last one of the list."""
        self.jobs: dict[str, Any] = {}
        """The jobs read so far, by id."""

    def read(self) -> Blind | None:
        """
        Read all pages that may contain jobs started at `since` or later; return the reason if some may be missed.

        Raises `CgcUnreadableError` if a page has null for its jobs and no total shows that none are missing.
        """
        first = self._page(0)
        expected = self._total
        if self._at_end and len(self.jobs) == expected:
            return None
        if math.isfinite(expected) and expected > SHORT * len(first) > 0:
            end = int(expected) - len(first)
            last = self._page(end)
            order = self._order(first, last, end)
            if order and self._walk(self._start(order, end, last), order) is None:
                return None
            if expected > MOST_PAGES * len(first):
                return Blind.TOO_LONG
        return self._read_all(expected)

    def _read_all(self, expected: float) -> Blind | None:
        """
        Read every page, and again while that shows more: the list may be sorted differently for each answer.

        Only the number of jobs shows that none was missed: the number at first if the pages overlap as they should,
        else the number of all there are now.
        """
        known, blind = -1, None
        while len(self.jobs) > known and blind is not Blind.TOO_LONG:
            known = len(self.jobs)
            blind = self._walk(0, TimeOrder.NONE)
            enough = blind is None and (math.isinf(expected) or len(self.jobs) >= expected)
            if enough or len(self.jobs) >= self._total:
                return None
        return blind or Blind.RESTLESS

    def _order(self, first: Sequence[Any], last: Sequence[Any], end: int) -> TimeOrder:
        """Find the order from both ends; the middle must agree, unlike that of a list sorted by name."""
        if not order_of(first, last):
            return TimeOrder.NONE
        return order_of(first, *(self._page(end * quarter // 4) for quarter in (1, 2, 3)), last)

    def _start(self, order: TimeOrder, offset: int, page: Sequence[Any]) -> int:
        """Return the offset to read on from: the beginning, or one page before the last page without a recent job."""
        if order is TimeOrder.NEWEST_FIRST:
            return 0
        size = step = max(len(page), 1)
        while offset > 0 and not self._old(page):
            offset = max(offset - step, 0)
            step *= 2
            page = self._page(offset)
        return max(offset - size, 0)

    def _walk(self, offset: int, order: TimeOrder) -> Blind | None:
        """
        Read on from an offset, to the end or until all jobs are too old.

        Always forwards, because jobs are added and never removed: a job that moves, moves to a page that is still to be
        read. Each page repeats a part of the one before; if it does not, jobs between them may have been missed.
        """
        seen: set[str] = set()
        old = 0
        while order or self._pages < MOST_PAGES:
            page = self._page(offset)
            fresh = [job for job in page if job.id not in seen]
            if not page and order and offset < self._total:
                return Blind.RESTLESS
            if not page or (not fresh and offset + len(page) >= self._total):
                return None
            gap = bool(seen) and len(fresh) == len(page)
            if gap or (order and not _in_order(_times(fresh, order))):
                return Blind.RESTLESS
            old = old + 1 if self._old(page) else 0
            if order is TimeOrder.NEWEST_FIRST and old == _OLD_PAGES:
                return None
            seen.update(job.id for job in page)
            offset += max(len(page) - max(len(page) // 10, 1), 1)
        return Blind.TOO_LONG

    def _old(self, page: Sequence[Any]) -> bool:
        return bool(page) and all(job.started_on is not None and job.started_on < self._too_old for job in page)

    def _page(self, offset: int) -> list[Any]:
        self._pages += 1
        page = self._page_at(offset)
        if page.total is not None:
            self._total = page.total if math.isinf(self._total) else max(self._total, page.total)
        check_null_jobs(page, offset, self._total)
        self._at_end = page.is_last(offset + len(page.items))
        jobs = self._in_full(list({job.id: job for job in page.items}.values()))
        self.jobs.update((job.id, job) for job in jobs)
        return jobs

    def _in_full(self, jobs: list[Any]) -> list[Any]:
        """Replace abbreviated jobs by whole ones, as far as asking for them by id gives any."""
        short = [job.id for job in jobs if not self._is_whole(job)]
        if not short or self._details is None:
            return jobs
        whole = {record.id: record.resource for record in self._details(short)}
        return [whole.get(job.id) or job for job in jobs]


def check_null_jobs(page: Page[Any], offset: int, total: float) -> None:
    """
    Raise `CgcUnreadableError` if a page has null for its jobs, unless it begins at or beyond `total`.

    `total` is the largest that this page or an earlier one gave, infinite if none did. If null were taken for the end
    of the list, it would hide jobs, and these would be started a second time.
    """
    if not page.has_items and offset < total:
        raise CgcUnreadableError(
            f"the platform's list of jobs has null in place of the jobs from {offset} on, and no total that shows that "
            "there are none; try again"
        )


def order_of(*pages: Sequence[Any]) -> TimeOrder:
    """Find the order of a list by some of its pages: all must keep it, and the first and last must differ in time."""
    for order in (TimeOrder.NEWEST_FIRST, TimeOrder.OLDEST_FIRST):
        times = [_times(page, order) for page in pages]
        if all(times) and _in_order(list(chain.from_iterable(times))) and max(times[0]) < min(times[-1]):
            return order
    return TimeOrder.NONE


def _times(jobs: Iterable[Any], order: TimeOrder) -> list[float]:
    """Return times that rise if the order is kept; a job without a time breaks every order."""
    return [math.nan if job.started_on is None else order * job.started_on.timestamp() for job in jobs]


def _in_order(times: Sequence[float]) -> bool:
    latest = -math.inf
    for time in times:
        if not time >= latest - DISORDER:
            return False
        latest = max(latest, time)
    return True
