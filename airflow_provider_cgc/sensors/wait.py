"""One wait as a worker sees it: its tracker, its deadline, and its memory from one rescheduled poke to the next."""

from __future__ import annotations

import hashlib
import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc import display
from airflow_provider_cgc.client.endpoints.records import BULK_LIMIT, chunks_of
from airflow_provider_cgc.client.errors import CgcError, CgcUnauthorized, CgcUnreadableError
from airflow_provider_cgc.client.http.retry import FIRST_CONTACT, FIRST_CONTACT_PAUSE, unreached, wait_before_repeat
from airflow_provider_cgc.compat import first_poke, has_poked
from airflow_provider_cgc.jobs.ids import from_bits, to_bits
from airflow_provider_cgc.jobs.text import clock_time, in_seconds
from airflow_provider_cgc.jobs.waiting.look import Answers, ask_all
from airflow_provider_cgc.jobs.waiting.progress_log import QUIET, ProgressLog
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.jobs.waiting.watch import LookReport, Watch
from airflow_provider_cgc.sensors.ending import End
from airflow_provider_cgc.xcom import push_ids

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.hooks.cgc import CgcHook

MEMORY_KEY = "cgc_wait"
MEMORY_VERSION = 1
IDS_KEY = "cgc_ids"
MOST_IDS_IN_ROW = 1000
MOST_ROW_BYTES = 40_000
"""More open ids than this, or more bytes of JSON in all, and the ids go into an XCom instead of the trigger's row:
Airflow encrypts the row, which makes it a third longer, and MySQL's column ends at 64 KiB."""
SHORT_RESCHEDULE = 60
JUST_BEFORE = 1.0
"""Seconds by which our timeout is ahead of the base class's, so that it is ours that ends the task."""
SECOND_LOOK = 10.0
"""Seconds before a poke without memory asks again for ids that it is about to call missing."""


@dataclass(slots=True)
class Wait:
    """The jobs of one try of a sensor and what is known of them."""

    ids: list[str]
    watch: Watch
    started: float
    deadline: float
    is_new: bool = True
    rescheduled: bool = False
    without_memory: bool = False
    """Rescheduled without a place to remember (Airflow below 3.3): every poke asks for every id again."""
    answered: bool = False
    """The platform has answered before, so that an answer which is not its own is trouble on the way there."""
    reached: bool = False
    """Something that may be the platform has answered, if only that it is out of order."""
    advice: float = 0.0
    """Seconds until the next look, where the platform or the rate budget asks for more than the interval."""
    denial: str | None = None
    """The reason why the last look ended the wait, if it did, in whole sentences."""
    refusal: CgcError | None = None
    """The error behind that, where it was one of the look as a whole."""

    @classmethod
    def begin(
        cls,
        tracker: JobTracker,
        *,
        now: float,
        context: Context,
        timeout: float,
        interval: float,
        conn_id: str,
        memory: Any | None,
        rescheduled: bool,
        answered: bool = False,
        window: int | None = None,
    ) -> Wait:
        """
        Open a wait for what is open, or take up the one that an earlier poke of this try left in `memory`.

        The timeout counts from `now`, which is before anything was started. That the platform has `answered` is also
        believed of an earlier poke: its look has not ended the wait.
        """
        first = first_poke(context) if rescheduled else None
        started = now if first is None else first.timestamp()
        view = LiveView(tracker.kind, since=started, interval=interval)
        wait = cls(
            ids=list(tracker.open),
            watch=Watch(tracker, view, interval, conn_id, window, tells_end=False),
            started=started,
            deadline=started + timeout,
            is_new=first is None,
            rescheduled=rescheduled,
            answered=answered or (first is not None and has_poked(context)),
        )
        if memory is not None:
            wait._recall(memory, context)
        elif first is not None:
            wait._do_without_memory(now)
        return wait

    @property
    def tracker(self) -> JobTracker:
        """The knowledge about the jobs."""
        return self.watch.tracker

    @property
    def view(self) -> LiveView:
        """The live view of them."""
        return self.watch.view

    def look(self, hook: CgcHook) -> LookReport:
        """
        Ask once for everything open, and once more with the connection read again if the token is refused.

        Then start drafts, as many as may be under way. A look that no other can help leaves a `denial`.
        """
        self.denial = self.refusal = None
        answer = self._ask(hook)
        if not (self.answered or self.reached):
            answer = self._until_contact(hook, answer)
        if self.without_memory and self.tracker.overdue(time.time(), interval=self.watch.interval):
            time.sleep(min(SECOND_LOOK, self.watch.interval))
            answer = self._ask(hook)
        if answer.error is None:
            answer.note(self._start(hook))
        self.denial = self.tracker.denial
        return self._report(answer, hook)

    def verdict(self, *, fail_fast: bool) -> Outcome | None:
        """Return the outcome after a look, None while the wait goes on; the deadline is the caller's."""
        return Outcome.ERROR if self.denial is not None else self.watch.verdict(fail_fast=fail_fast)

    def end(self, outcome: Outcome) -> End:
        """Return the end of the wait."""
        reason = self.watch.progress.unanswered if outcome is Outcome.TIMEOUT else self.denial
        return End(outcome, self.tracker.summary(), reason, self.refusal)

    def is_over(self, now: float) -> bool:
        """Return True if the timeout has passed."""
        return now >= self.deadline - JUST_BEFORE

    def opening(self, *, in_time: bool, steady: bool) -> LookReport:
        """
        Give the lines that begin a wait; none if an earlier poke has begun it, or there is nothing to wait for.

        :param in_time: the last look comes when the timeout is over, and not when the next interval is.
        :param steady: the looks are an interval apart; a backoff has times of its own.
        """
        tracker, every, timeout = self.tracker, self.watch.interval, self.deadline - self.started
        if not self.is_new or not tracker.open:
            return LookReport()
        begin = f"Waiting for {tracker.kind.count(len(tracker.open))} (connection {self.watch.conn_id})"
        report = LookReport([f"{begin}, looking every {in_seconds(every)} until {clock_time(self.deadline)}."])
        if self.rescheduled and every < SHORT_RESCHEDULE:
            report.warnings.append(
                f"With poke_interval={every:g} in reschedule mode, Airflow can fail the task because of a race"
                f" (apache/airflow#71172). Use {SHORT_RESCHEDULE} s or more, or deferrable=True, and set retries=2 in"
                " any case."
            )
        if steady and self.started + every > self.deadline and not self.is_over(self.started):
            last = "when the timeout is over" if in_time else f"after {in_seconds(every)}, when it also times out"
            report.warnings.append(
                f"poke_interval is {in_seconds(every)} and timeout {in_seconds(timeout)}, so that this task looks only"
                f" twice: now and {last}. Give a shorter poke_interval, or a longer timeout."
            )
        return report

    def to_row(self, ti: Any) -> dict[str, Any]:
        """Return the arguments of a trigger that continues this wait; ids too many for its row go into XComs."""
        ids, state = list(self.tracker.open), self.tracker.to_json()
        too_large = len(ids) > MOST_IDS_IN_ROW or len(json.dumps([ids, state])) > MOST_ROW_BYTES
        return {
            "kind": self.tracker.kind.name,
            "cgc_conn_id": self.watch.conn_id,
            "ids": None if too_large else ids,
            "ids_xcom": push_ids(ti, IDS_KEY, ids) if too_large else None,
            "state": state,
            "poke_interval": self.watch.interval,
            "deadline": self.deadline,
            "place": self.view.place_for_row(),
            "answered": self.answered,
            "max_in_flight": self.watch.window,
        }

    def save(self, store: Any, context: Context) -> None:
        """Keep the state of the wait in the task state store, small: an open id is one bit there."""
        store.set(
            MEMORY_KEY,
            {
                "version": MEMORY_VERSION,
                "try": context["ti"].try_number,
                "ids": _digest(self.ids),
                "open": to_bits(self.ids, self.tracker.open),
                "answered": self.answered,
                "state": self.tracker.to_json(),
                "progress": self.watch.progress.to_json(),
                "view": self.view.to_json(),
            },
        )

    @staticmethod
    def delete(store: Any) -> None:
        """Forget the wait: a cleared task begins anew."""
        store.delete(MEMORY_KEY)

    def _recall(self, store: Any, context: Context) -> None:
        memory = store.get(MEMORY_KEY)
        if not isinstance(memory, dict) or memory.get("version") != MEMORY_VERSION:
            return
        if memory["try"] != context["ti"].try_number:
            return  # Left by an earlier try; the connection may have changed since.
        self.reached = True  # Or that look would have ended the wait.
        self.answered = bool(memory.get("answered", True))  # About the address, whatever the ids are.
        if memory["ids"] != _digest(self.ids):
            return  # An id unknown then may be known now.
        self.watch.tracker = JobTracker.from_json(memory["state"], from_bits(self.ids, memory["open"]))
        self.watch.progress = ProgressLog.from_json(memory["progress"])
        self.view.restore(memory.get("view"))

    def _do_without_memory(self, now: float) -> None:
        """Date unknown ids from the first poke, as nothing else is remembered, and log only once in half an hour."""
        self.without_memory = True
        self.tracker.unknown_from = self.started
        if (now - self.started) % QUIET >= self.watch.interval:
            progress = self.watch.progress
            progress.said_at, progress.said = now, (0, 1)
            progress.trouble_said_at = now

    def _until_contact(self, hook: CgcHook, answer: Answers) -> Answers:
        """Ask again while nothing of the platform comes from an address that has never answered, for a while."""
        began, slept, attempt = time.monotonic(), 0.0, 1
        while answer.error is not None and self._is_no_contact(answer) and not answer.hopeless():
            pause = wait_before_repeat(answer.error, repeatable=True, attempt=attempt, random=random.random) or 1.0
            pause = min(pause, FIRST_CONTACT_PAUSE)
            if max(time.monotonic() - began, slept) + pause > FIRST_CONTACT:
                break
            time.sleep(pause)
            slept += pause
            attempt += 1
            answer = self._ask(hook)
        self.reached = self.reached or not self._is_no_contact(answer)
        return answer

    def _is_no_contact(self, answer: Answers) -> bool:
        """Return True if an address that never answered gave nothing of the platform: it is wrong, not out of order.

        Any other trouble, such as maintenance, is an answer.
        """
        known = self.answered or self.reached
        return not known and (unreached(answer.error) or isinstance(answer.error, CgcUnreadableError))

    def _ask(self, hook: CgcHook) -> Answers:
        answer = self._ask_once(hook)
        if isinstance(answer.error, CgcUnauthorized):
            try:
                hook.renew()
            except CgcError as error:
                answer.note(error)
                return answer
            answer = self._ask_once(hook)
        return answer

    def _ask_once(self, hook: CgcHook) -> Answers:
        self.tracker.forget_denial()
        looked = Answers()
        with self._counting(hook) as client:
            bulk_get, ids = self.tracker.kind.bulk_get(client), self.tracker.open
            for answer in ask_all(bulk_get, ids, suspects=self.tracker.unknown, answered=self.answered):
                self.watch.take(answer.records, time.time())
                looked.note(answer.error)
                self.answered = self.answered or bool(answer.records)
        return looked

    def _start(self, hook: CgcHook) -> CgcError | None:
        """Start drafts, as many as may be under way; what fails on the way is left for the next look."""
        ids, start = self.watch.to_start(), self.tracker.kind.start
        if start is None or not ids:
            return None
        with self._counting(hook) as client:
            for chunk in chunks_of(list(ids), self.tracker.kind.start_size):
                try:
                    self.tracker.take_started(start(client, chunk), time.time())
                except CgcError as error:
                    self.tracker.note_unstarted(ids)
                    return error
                ids = ids[len(chunk) :]
        return None

    @contextmanager
    def _counting(self, hook: CgcHook) -> Iterator[CgcClient]:
        """Give the client for a look or a start, and count the requests that it makes."""
        client = hook.get_conn(patience=0)
        sent, refused, began = client.budget.sent, client.budget.refused, time.monotonic()
        yield client
        kind, seconds = self.tracker.kind.name, time.monotonic() - began
        display.record_metrics(client.budget, seconds, kind=kind, conn_id=hook.cgc_conn_id)
        self.view.requests += client.budget.sent - sent
        self.view.refused += client.budget.refused - refused

    def _report(self, answer: Answers, hook: CgcHook) -> LookReport:
        now, error = time.time(), answer.error
        if error is None:
            self.advice = self._stretched(hook)
            return self.watch.report(now, every=self.advice)
        if answer.hopeless(answered=self.answered) or self._is_no_contact(answer):
            self.denial, self.refusal = hook.explain(error), error
            return self.watch.report_progress(now)
        self.advice = wait_before_repeat(error, repeatable=True, attempt=1, random=random.random) or 0.0
        return self.watch.report_trouble(error, now, next_look=max(self.advice, self.watch.interval))

    def _stretched(self, hook: CgcHook) -> float:
        """Seconds until the next look where the rate budget asks for more than the interval, else 0."""
        ids = len(self.ids if self.without_memory else self.tracker.open)
        spread = hook.get_conn(patience=0).budget.spread(math.ceil(ids / BULK_LIMIT))
        return spread if spread > self.watch.interval else 0.0


def _digest(ids: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]
