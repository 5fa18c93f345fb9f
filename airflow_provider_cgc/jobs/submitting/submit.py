"""Sending many exports: one chunk ahead as a probe, then several at once, and what came of each item.

Every chunk is noted in the ledger before it leaves and after its answer, by the one thread that calls `send`; the
requests themselves are made by others. Knows neither Airflow nor how the jobs end.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.endpoints.records import BULK_LIMIT, chunks_of
from airflow_provider_cgc.client.errors import CgcApiError, CgcConnectionError, CgcError, CgcRateLimited
from airflow_provider_cgc.client.errors.codes import ABOUT_ONE_ITEM
from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.client.http.retry import not_from_platform, transient
from airflow_provider_cgc.jobs.text import counted

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_cgc.client.errors.problem import BulkRecord
    from airflow_provider_cgc.client.models import ExportJob
    from airflow_provider_cgc.jobs.exports.item import Item
    from airflow_provider_cgc.jobs.submitting.ledger import Ledger
    from airflow_provider_cgc.jobs.submitting.search import Key

    Create = Callable[[Sequence[Mapping[str, Any]]], Sequence[BulkRecord[ExportJob]]]
    BulkGet = Callable[[Sequence[str]], Sequence[BulkRecord[ExportJob]]]

IN_FLIGHT = 4
"""Creates under way at once: each may start a hundred jobs, and the platform answers them slowly."""
LOOK_EVERY = 30.0
"""Seconds between two looks at the jobs that were started while others are still to be sent."""
ENOUGH_ENDED = 20
"""Ended jobs from which on it is believed that all will end the same way."""


@dataclass(slots=True)
class Sent:
    """What came of the items, each in one place."""

    started: dict[Key, str] = field(default_factory=dict)
    """Job ids."""
    refused: dict[Key, Problem] = field(default_factory=dict)
    """Not started, for the platform's reason."""
    uncertain: dict[Key, Problem | CgcError] = field(default_factory=dict)
    """Perhaps started, and why nobody can say."""
    held: dict[Key, str] = field(default_factory=dict)
    """Not sent for now, and why: a job of another run does nearly the same, and would be in the way."""
    unsent: list[Key] = field(default_factory=list)
    stopped: str | None = None
    """Why the unsent ones were not sent."""
    error: CgcError | None = None
    """... if that was trouble of a whole call that may pass, or that is about the user and not the items."""

    def add(self, other: Sent) -> None:
        """Take in what a later round of sending came to."""
        self.uncertain = {key: why for key, why in self.uncertain.items() if key not in other.all_keys()}
        self.started |= other.started
        self.refused |= other.refused
        self.uncertain |= other.uncertain
        self.unsent += other.unsent
        self.stopped = other.stopped or self.stopped
        self.error = other.error or self.error

    def all_keys(self) -> set[Key]:
        """Every item that this round was about."""
        return {*self.started, *self.refused, *self.uncertain, *self.unsent}


class Sender:
    """
    Sends items of one task.

    :param create: one bulk create; it raises a `CgcError` or gives one record per item in order.
    :param bulk_get: asks for jobs by their ids, a hundred at most.
    :param ledger: what is sent is noted there.
    :param at: the platform's clock at any time before the first item is sent.
    :param too_many: tells whether so many items that failed already are more than the task tolerates.
    :param overwrite: whether an object that is there is replaced.
    :param not_counted: error codes that do not count against `too_many`, such as 9107 if existing objects are skipped.
    :param properties: those of items that bring none of their own.
    :param stop: lets go of creates that wait for their turn, before they are sent; used when the sending is broken off.
    """

    def __init__(
        self,
        create: Create,
        bulk_get: BulkGet,
        ledger: Ledger,
        *,
        at: datetime,
        too_many: Callable[[int], bool],
        overwrite: bool = False,
        not_counted: Collection[int] = (),
        properties: Mapping[str, Any] | None = None,
        stop: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stop = stop
        self._create = create
        self._bulk_get = bulk_get
        self._ledger = ledger
        self._at = at
        self._too_many = too_many
        self._overwrite = overwrite
        self._not_counted = not_counted
        self._properties = dict(properties or {})
        self._clock = clock
        self._watched: list[str] = []
        self._seen_to_end: set[str] = set()
        self._ended: Counter[tuple[int | None, str] | None] = Counter()
        self._looked_at = clock()

    def send(self, items: Mapping[Key, Item], sent: Sent, *, probe: bool = True) -> None:
        """
        Send items, in order, until all are sent or it is known that it has no sense; never raises a `CgcError`.

        What comes of them goes into `sent`, which is true at any time. Broken off from outside, as by a timeout of the
        task, nothing more leaves, and the answers to what has left are taken in before that goes on its way.
        """
        under_way: dict[Future[Sequence[BulkRecord[ExportJob]]], tuple[int, list[Key]]] = {}
        known = frozenset(sent.refused)
        with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="cgc-send") as pool:
            try:
                for chunk in chunks_of(items, BULK_LIMIT):
                    if sent.stopped:
                        sent.unsent += chunk
                        continue
                    number = self._ledger.intend(chunk, at=self._at)
                    future = pool.submit(self._create, [self._wire(key, items[key]) for key in chunk])
                    under_way[future] = number, chunk
                    if probe or len(under_way) == IN_FLIGHT:
                        self._take_some(under_way, sent)
                        self._decide(sent, probed=probe, known=known)
                        probe = False
                while under_way:
                    self._take_some(under_way, sent)
            except BaseException:
                # The timeout of a task is no Exception; it goes on its way when what has left is accounted for.
                self._stop()
                while under_way:
                    self._take_some(under_way, sent)
                raise

    def _take_some(self, under_way: dict[Future[Any], tuple[int, list[Key]]], sent: Sent) -> None:
        done, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for future in done:
            number, chunk = under_way.pop(future)
            try:
                records = future.result()
            except CgcError as error:
                self._take_error(number, chunk, error, sent)
            else:
                self._take_records(number, chunk, records, sent)

    def _take_records(self, number: int, chunk: list[Key], records: Sequence[BulkRecord[Any]], sent: Sent) -> None:
        # The ids before anything else: a process that is killed now has them noted.
        self._ledger.answered(number, records)
        ids = set(sent.started.values())
        for key, record in zip(chunk, records, strict=True):
            if record.id is not None and record.id in ids:
                sent.uncertain[key] = _SAID_TWICE
            elif record.id is not None:
                ids.add(record.id)
                sent.started[key] = record.id
            elif record.error is not None and record.error.is_final:
                sent.refused[key] = record.error
            else:
                sent.uncertain[key] = record.error or _NOTHING_SAID

    def _take_error(self, number: int, chunk: list[Key], error: CgcError, sent: Sent) -> None:
        """A call that failed as a whole: nothing of it was started, or nobody knows."""
        if _nothing_was_done(error):
            self._ledger.withdrawn(number)
            if isinstance(error, CgcApiError) and not transient(error) and _about_the_items(error):
                sent.refused |= dict.fromkeys(chunk, error.problem)
            else:
                sent.unsent += chunk
                sent.error = error
                sent.stopped = str(error)
        else:
            sent.uncertain |= dict.fromkeys(chunk, error)

    def _decide(self, sent: Sent, *, probed: bool, known: Collection[Key]) -> None:
        """Stop if sending more is useless; `known` are the items that were refused before anything was sent."""
        if sent.stopped:
            return
        refused = [problem for key, problem in sent.refused.items() if key not in known]
        refusals = {(problem.code, problem.message): problem for problem in refused}
        if probed and len(refusals) == 1 and not sent.started and not sent.uncertain:
            [problem] = refusals.values()
            if problem.code not in ABOUT_ONE_ITEM:
                many = "the first item" if len(refused) == 1 else f"all of the first {len(refused)} items"
                sent.stopped = f"the platform refuses {many} ({problem})"
                return
        self._watch(sent)
        failed = sum(problem.made_here or problem.code not in self._not_counted for problem in sent.refused.values())
        failed += sum(
            count for how, count in self._ended.items() if how is not None and how[0] not in self._not_counted
        )
        [(how, count)] = self._ended.most_common(1) or [(None, 0)]
        alike = how is not None and how[0] not in ABOUT_ONE_ITEM and count == self._ended.total()
        if how is not None and alike and count >= ENOUGH_ENDED:
            sent.stopped = f"all {count} jobs that have ended so far FAILED with {how[0]}: {how[1]}"
        elif self._too_many(failed):
            sent.stopped = f"{counted(failed, 'item')} failed already, more than the task tolerates"

    def _watch(self, sent: Sent) -> None:
        """Look at a hundred of the jobs that run, now and then; trouble with it is none of the sending."""
        now = self._clock()
        if now - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = now
        self._watched = self._watched or [one for one in sent.started.values() if one not in self._seen_to_end]
        if not self._watched:
            return
        try:
            records = self._bulk_get(self._watched[:BULK_LIMIT])
        except CgcError:
            return
        for record in records:
            job = record.resource
            if job is not None and job.done:
                self._watched.remove(job.id)
                self._seen_to_end.add(job.id)
                self._ended[_permanent(job)] += 1

    def _wire(self, key: Key, item: Item) -> dict[str, Any]:
        properties = self._properties if item.properties is None else item.properties
        return {
            "file": key.file,
            "volume": key.volume,
            "location": key.location,
            "overwrite": self._overwrite,
            "properties": dict(properties),
        }


_NOTHING_SAID = Problem(None, None, "the platform's answer says nothing of it", made_here=True, undecided=True)


_SAID_TWICE = Problem(None, None, "the platform's answer gives it the job of another", made_here=True, undecided=True)


def _nothing_was_done(error: CgcError) -> bool:
    """Whether a create that failed like this has started nothing for certain."""
    if isinstance(error, CgcConnectionError):
        return not error.sent
    if isinstance(error, CgcRateLimited):
        return True
    return not transient(error) and not not_from_platform(error)


def _about_the_items(error: CgcApiError) -> bool:
    """Whether a refusal of a whole call is about what was asked for, and not about who asks."""
    return error.status in (400, 403, 404, 409) and error.code is not None


def _permanent(job: ExportJob) -> tuple[int | None, str] | None:
    """Return the error of a job that FAILED for good; None for any other end."""
    if not job.failed or job.error is None or job.error.may_pass:
        return None
    return job.error.code, job.error.message
