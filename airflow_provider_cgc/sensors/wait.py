"""One wait as a worker sees it: its tracker, its deadline, and its memory from one rescheduled poke to the next."""

from __future__ import annotations

import hashlib
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc import display
from airflow_provider_cgc.client.endpoints.records import BULK_LIMIT
from airflow_provider_cgc.client.errors import CgcError, CgcUnauthorized, CgcUnreadableError
from airflow_provider_cgc.client.http.retry import FIRST_CONTACT, FIRST_CONTACT_PAUSE, unreached, wait_before_repeat
from airflow_provider_cgc.compat import first_poke, has_poked
from airflow_provider_cgc.jobs.ids import from_bits, to_bits
from airflow_provider_cgc.jobs.waiting.look import Look, answers
from airflow_provider_cgc.jobs.waiting.progress import QUIET, ProgressLog, no_answer
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.summary import Outcome, Summary
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.sensors.ending import End

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_cgc.hooks.cgc import CgcHook

MEMORY_KEY = "cgc_wait"
MEMORY_VERSION = 1
SECOND_LOOK = 10.0
"""Seconds before a poke without memory asks again for ids that it is about to call missing."""


@dataclass(slots=True)
class Looked:
    """What one look is worth saying, and whether looking again can help."""

    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    hopeless: bool = False


@dataclass(slots=True)
class Wait:
    """The jobs of one try of a sensor and what is known of them."""

    ids: list[str]
    tracker: JobTracker
    progress: ProgressLog
    view: LiveView
    started: float
    deadline: float
    is_new: bool = True
    forgetful: bool = False
    """Rescheduled without a place to remember (Airflow below 3.3): every poke asks for every id again."""
    answered: bool = False
    """The platform has answered before, so that an answer which is not its own is trouble on the way there."""
    reached: bool = False
    """Something that may be the platform has answered, if only that it is out of order."""
    advice: float = 0.0
    """Seconds until the next look, where the platform or the rate budget asks for more than the interval."""
    denial: str | None = None
    refusal: CgcError | None = None
    """Why the last look ended the wait, where it was an error of the look as a whole."""

    @classmethod
    def begin(
        cls,
        tracker: JobTracker,
        *,
        now: float,
        context: Context,
        timeout: float,
        interval: float,
        memory: Any | None,
        rescheduled: bool,
        answered: bool = False,
    ) -> Wait:
        """
        Open a wait for what is open, or take up the one that an earlier poke of this try left in `memory`.

        The timeout counts from `now`, which is before anything was started. That the platform has `answered` is also
        believed of an earlier poke: its look has not ended the wait.
        """
        first = first_poke(context) if rescheduled else None
        started = now if first is None else first.timestamp()
        wait = cls(
            ids=list(tracker.open),
            tracker=tracker,
            progress=ProgressLog(),
            view=LiveView(tracker.kind, since=started, interval=interval),
            started=started,
            deadline=started + timeout,
            is_new=first is None,
            answered=answered or (first is not None and has_poked(context)),
        )
        if memory is not None:
            wait._recall(memory, context)
        elif first is not None:
            wait._do_without_memory(now, interval)
        return wait

    def look(self, hook: CgcHook, *, interval: float) -> Looked:
        """Ask once for everything open, and once more with the connection read again if the token is refused."""
        self.denial = self.refusal = None
        answer = self._ask(hook)
        if not (self.answered or self.reached):
            answer = self._until_contact(hook, answer)
        if self.forgetful and self.tracker.overdue(time.time(), interval=interval):
            time.sleep(min(SECOND_LOOK, interval))
            answer = self._ask(hook)
        now = time.time()
        self.tracker.close_missing(now, interval=interval)
        hopeless = answer.hopeless(answered=self.answered) or self._is_no_contact(answer)
        looked = Looked(warnings=self.tracker.drain_notes(), hopeless=hopeless)
        if self.tracker.denied is not None:
            self.denial = self.tracker.denial
        if answer.error is None:
            self.advice = self._stretched(hook, interval)
            slowed = self.progress.slowed(self.advice, asked=interval)
            looked.lines += [line for line in (self.progress.recovered(now), slowed) if line]
        else:
            self._take_trouble(answer.error, looked, now, interval, hook=hook)
        if self.tracker.open:
            looked.lines += [line for line in (self.progress.line(self.tracker, now),) if line]
        return looked

    def summary(self) -> Summary:
        """Sum up how the jobs stand."""
        return self.tracker.summary()

    def end(self, outcome: Outcome, reason: str | None) -> End:
        """Return how the wait ended."""
        return End(outcome, self.summary(), reason, self.refusal)

    def save(self, store: Any, context: Context) -> None:
        """Leave what is known in the task state store, small: an open id is one bit there."""
        store.set(
            MEMORY_KEY,
            {
                "version": MEMORY_VERSION,
                "try": context["ti"].try_number,
                "ids": _digest(self.ids),
                "open": to_bits(self.ids, self.tracker.open),
                "answered": self.answered,
                "state": self.tracker.to_json(),
                "progress": self.progress.to_json(),
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
        self.tracker = JobTracker.from_json(memory["state"], from_bits(self.ids, memory["open"]))
        self.progress = ProgressLog.from_json(memory["progress"])
        self.view.restore(memory.get("view"))

    def _do_without_memory(self, now: float, interval: float) -> None:
        """Date what cannot be remembered from the first poke, and speak only when another half hour has passed."""
        self.forgetful = True
        self.tracker.unknown_from = self.started
        if (now - self.started) % QUIET >= interval:
            self.progress.said_at, self.progress.said = now, (0, 1)
            self.progress.trouble_said_at = now

    def _until_contact(self, hook: CgcHook, answer: Look) -> Look:
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

    def _is_no_contact(self, answer: Look) -> bool:
        """Say whether an address that never answered gave nothing of the platform: it is wrong, and not out of order.

        Any other trouble, such as maintenance, is an answer.
        """
        known = self.answered or self.reached
        return not known and (unreached(answer.error) or isinstance(answer.error, CgcUnreadableError))

    def _ask(self, hook: CgcHook) -> Look:
        answer = self._ask_once(hook)
        if isinstance(answer.error, CgcUnauthorized):
            try:
                hook.renew()
            except CgcError as error:
                answer.note(error)
                return answer
            answer = self._ask_once(hook)
        return answer

    def _ask_once(self, hook: CgcHook) -> Look:
        client = hook.get_conn(patience=0)
        sent, refused, began = client.budget.sent, client.budget.refused, time.monotonic()
        self.tracker.forget_denial()
        looked = Look()
        bulk_get, ids = self.tracker.kind.bulk_get(client), self.tracker.open
        for answer in answers(bulk_get, ids, suspects=self.tracker.unknown, answered=self.answered):
            self.view.take(answer.records, self.tracker.open)
            self.tracker.take(answer.records, time.time())
            looked.note(answer.error)
            self.answered = self.answered or bool(answer.records)
        display.tell_look(
            client.budget, time.monotonic() - began, kind=self.tracker.kind.name, conn_id=hook.cgc_conn_id
        )
        self.view.requests += client.budget.sent - sent
        self.view.refused += client.budget.refused - refused
        return looked

    def _stretched(self, hook: CgcHook, interval: float) -> float:
        """Seconds until the next look where the rate budget asks for more than `interval`, else 0."""
        ids = len(self.ids if self.forgetful else self.tracker.open)
        spread = hook.get_conn(patience=0).budget.spread(math.ceil(ids / BULK_LIMIT))
        return spread if spread > interval else 0.0

    def _take_trouble(self, error: CgcError, looked: Looked, now: float, interval: float, *, hook: CgcHook) -> None:
        if looked.hopeless:
            self.denial, self.refusal = hook.explain(error), error
            return
        self.advice = wait_before_repeat(error, repeatable=True, attempt=1, random=random.random) or 0.0
        line = self.progress.trouble(no_answer(error, hook.cgc_conn_id), now, next_look=max(self.advice, interval))
        if line:
            looked.warnings.append(line)


def _digest(ids: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]
