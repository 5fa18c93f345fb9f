"""Sending many items: one chunk first as a probe, then several at once, and the result of each item.

Every chunk is noted in the ledger before its request and after its answer, by the one thread that calls `send`; other
threads make the requests. Airflow and the end of the jobs are not a concern here.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
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
    from airflow_provider_cgc.jobs.submitting.items import Key
    from airflow_provider_cgc.jobs.submitting.ledger import Ledger
    from airflow_provider_cgc.jobs.submitting.order import Order

IN_FLIGHT = 4
"""Creates in flight at once: each may start a hundred jobs, and the platform answers slowly."""
LOOK_EVERY = 30.0
"""Seconds between two looks at the jobs that were started while others are still to be sent."""
ENOUGH_ENDED = 20
"""The number of jobs with the same end after which it is assumed that all will end that way."""
TOO_MANY = "{items} failed already, more than the task tolerates"
"""The reason of items that are not sent because others failed."""


@dataclass(slots=True)
class SubmitResult:
    """The result of sending; each item is in one of the collections."""

    started: dict[Key, str] = field(default_factory=dict)
    """Job ids."""
    refused: dict[Key, Problem] = field(default_factory=dict)
    """Not started, with the platform's reason."""
    uncertain: dict[Key, Problem | CgcError] = field(default_factory=dict)
    """Perhaps started, with the reason why that is not known."""
    unsent: list[Key] = field(default_factory=list)
    stopped: str | None = None
    """The reason why the unsent items were not sent."""
    error: CgcError | None = None
    """The error that stopped the sending, if a whole call failed for a temporary reason or because of the user."""

    def add(self, other: SubmitResult) -> None:
        """Add the result of a later round of sending."""
        self.uncertain = {key: why for key, why in self.uncertain.items() if key not in other.all_keys()}
        self.started |= other.started
        self.refused |= other.refused
        self.uncertain |= other.uncertain
        self.unsent += other.unsent
        self.stopped = other.stopped or self.stopped
        self.error = other.error or self.error

    def all_keys(self) -> set[Key]:
        """Return every item of this round."""
        return {*self.started, *self.refused, *self.uncertain, *self.unsent}


class Sender:
    """
    Sends items of one order.

    :param ledger: the record of what is sent.
    :param at: the platform's clock at any time before the first item is sent.
    :param failed: the number of items that are not sent and count as failed.
    """

    def __init__(
        self,
        order: Order,
        ledger: Ledger,
        *,
        at: datetime,
        failed: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._order = order
        self._ledger = ledger
        self._at = at
        self._clock = clock
        self._failed = failed
        # Items whose results exist already count as skipped in the end.
        self._not_counted = order.taken_codes if order.skips_existing else frozenset()
        self._watched: list[str] = []
        self._seen_to_end: set[str] = set()
        self._ended: Counter[tuple[int | None, str] | None] = Counter()
        self._looked_at = clock()

    def send(self, keys: Sequence[Key], sent: SubmitResult, *, probe: bool = True) -> None:
        """
        Send items, in order, until all are sent or more would be useless; never raises a `CgcError`.

        The results go into `sent`, which is correct at any time. If the task is interrupted, as by its timeout, nothing
        more is sent, and the answers to requests in flight are recorded before the interruption is raised.
        """
        in_flight: dict[Future[Sequence[BulkRecord[Any]]], tuple[int, list[Key]]] = {}
        with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="cgc-send") as pool:
            try:
                for chunk in chunks_of(keys, BULK_LIMIT):
                    if sent.stopped:
                        sent.unsent += chunk
                        continue
                    number = self._ledger.intend(chunk, at=self._at)
                    future = pool.submit(self._order.create, [self._order.body(key) for key in chunk])
                    in_flight[future] = number, chunk
                    if probe or len(in_flight) == IN_FLIGHT:
                        self._take_some(in_flight, sent)
                        self._stop_if_useless(sent, probed=probe)
                        probe = False
                while in_flight:
                    self._take_some(in_flight, sent)
            except BaseException:
                # The timeout of a task is no Exception; it is raised again when all requests in flight are recorded.
                # Creates that still wait for their turn are not sent.
                self._order.client.close()
                while in_flight:
                    self._take_some(in_flight, sent)
                raise

    def _take_some(self, in_flight: dict[Future[Any], tuple[int, list[Key]]], sent: SubmitResult) -> None:
        done, _ = wait(in_flight, return_when=FIRST_COMPLETED)
        for future in done:
            number, chunk = in_flight.pop(future)
            try:
                records = future.result()
            except CgcError as error:
                self._take_error(number, chunk, error, sent)
            else:
                self._take_records(number, chunk, records, sent)

    def _take_records(
        self, number: int, chunk: list[Key], records: Sequence[BulkRecord[Any]], sent: SubmitResult
    ) -> None:
        # The ids before anything else, in case the process is killed now.
        self._ledger.answered(number, records)
        ids = set(sent.started.values())
        for key, record in zip(chunk, records, strict=True):
            if record.id is not None and record.id in ids:
                sent.uncertain[key] = _ID_TWICE
            elif record.id is not None:
                ids.add(record.id)
                sent.started[key] = record.id
            elif record.error is not None and record.error.is_final:
                sent.refused[key] = record.error
            else:
                sent.uncertain[key] = record.error or _NOT_MENTIONED

    def _take_error(self, number: int, chunk: list[Key], error: CgcError, sent: SubmitResult) -> None:
        """Record a call that failed as a whole: certainly nothing was started, or that is not known."""
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

    def _stop_if_useless(self, sent: SubmitResult, *, probed: bool) -> None:
        """Stop if sending more is useless."""
        if sent.stopped:
            return
        refused = sent.refused.values()
        refusals = {(problem.code, problem.message): problem for problem in refused}
        if probed and len(refusals) == 1 and not sent.started and not sent.uncertain:
            [problem] = refusals.values()
            if problem.code not in ABOUT_ONE_ITEM:
                many = "the first item" if len(refused) == 1 else f"all of the first {len(refused)} items"
                sent.stopped = f"the platform refuses {many} ({problem})"
                return
        self._watch(sent)
        failed = self._failed + sum(problem.code not in self._not_counted for problem in refused)
        failed += sum(
            count for how, count in self._ended.items() if how is not None and how[0] not in self._not_counted
        )
        [(how, count)] = self._ended.most_common(1) or [(None, 0)]
        alike = how is not None and how[0] not in ABOUT_ONE_ITEM and count == self._ended.total()
        if how is not None and alike and count >= ENOUGH_ENDED:
            sent.stopped = f"all {count} jobs that have ended so far FAILED with {how[0]}: {how[1]}"
        elif self._order.too_many(failed):
            sent.stopped = TOO_MANY.format(items=counted(failed, "item"))

    def _watch(self, sent: SubmitResult) -> None:
        """Look at a hundred of the running jobs now and then; errors of these requests do not stop the sending."""
        now = self._clock()
        if now - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = now
        self._watched = self._watched or [one for one in sent.started.values() if one not in self._seen_to_end]
        if not self._watched:
            return
        try:
            records = self._order.bulk_get(self._watched[:BULK_LIMIT])
        except CgcError:
            return
        for record in records:
            job = record.resource
            if job is not None and self._order.kind.has_ended(job):
                self._watched.remove(job.id)
                self._seen_to_end.add(job.id)
                self._ended[self._permanent(job)] += 1

    def _permanent(self, job: Any) -> tuple[int | None, str] | None:
        """Return the error of a job that FAILED for good; None for any other end."""
        if not self._order.kind.failed(job) or job.error is None or job.error.may_pass:
            return None
        return job.error.code, job.error.message


_NOT_MENTIONED = Problem(None, None, "the platform's answer does not mention it", made_here=True, undecided=True)


_ID_TWICE = Problem(None, None, "the platform's answer gives it another item's job", made_here=True, undecided=True)


def _nothing_was_done(error: CgcError) -> bool:
    """Return True if a create that failed with this error has certainly started nothing."""
    if isinstance(error, CgcConnectionError):
        return not error.sent
    if isinstance(error, CgcRateLimited):
        return True
    return not transient(error) and not not_from_platform(error)


def _about_the_items(error: CgcApiError) -> bool:
    """Return True if a refusal of a whole call is about the items, and not about the user."""
    return error.status in (400, 403, 404, 409) and error.code is not None
