"""The sending of a call: mind the budget, send, judge, and repeat within the patience of one call.

`retry` decides what may be repeated, `answers` what an answer means; the loop is tenacity's.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import tenacity

from airflow_provider_cgc.client.errors import CgcApiError, CgcBudgetSpent, CgcConnectionError, CgcError, CgcRateLimited
from airflow_provider_cgc.client.errors.problem import as_sentence, one_line
from airflow_provider_cgc.client.http.answers import from_response
from airflow_provider_cgc.client.http.budget import RateBudget
from airflow_provider_cgc.client.http.headers import header, server_date
from airflow_provider_cgc.client.http.request import Answer, Request
from airflow_provider_cgc.client.http.retry import (
    FIRST_CONTACT,
    FIRST_CONTACT_PAUSE,
    counts_as_attempt,
    unreached,
    wait_before_repeat,
)
from airflow_provider_cgc.client.http.wire import Wire
from airflow_provider_cgc.client.settings import Settings

__all__ = ["Transport"]

log = logging.getLogger(__name__)

_SHOWN_OF_A_BODY = 2048


@dataclass
class _Effort:
    """The part of one call's patience that is spent, by the clock or by the sleeps, whichever says more."""

    patience: float
    clock: Callable[[], float]
    began: float
    closed: threading.Event
    slept: float = 0.0
    attempt: int = 1
    next_wait: float = 0.0
    failed: CgcError | None = None
    """The error of the last attempt."""
    unreached_from: float | None = None
    """Seconds that were spent when nothing was reached for the first time."""

    @property
    def spent(self) -> float:
        return max(self.clock() - self.began, self.slept)

    @property
    def left(self) -> float:
        return max(self.patience - self.spent, 0.0)

    def left_for_first_contact(self) -> float:
        """Return the seconds for which an address that has never answered is tried."""
        if self.unreached_from is None:
            self.unreached_from = self.spent
        return max(min(self.left, self.unreached_from + FIRST_CONTACT - self.spent), 0.0)


class Transport:
    """Sends the calls of one client, from any thread."""

    def __init__(
        self,
        settings: Settings,
        *,
        patience: float,
        budget: RateBudget,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] | None = None,
        answered: bool = False,
    ) -> None:
        self.answered = answered
        """Something has answered over HTTP at this address, whatever it said: it is no wrong one."""
        self._platform_answered = answered
        self._host = settings.host
        self._base_url = settings.base_url
        self._wire = Wire(settings)
        self._patience = patience
        self._budget = budget
        self._clock = clock
        self._sleep = sleep
        self._closed = threading.Event()
        """Set by `close` for the calls that are under way then."""

    def __repr__(self) -> str:
        return f"<Transport to {self._host}>"

    def close(self) -> None:
        """
        Close all connections; a later call opens new ones.

        What is under way is not repeated any more, and what waits for its turn does not leave.
        """
        closed, self._closed = self._closed, threading.Event()
        closed.set()
        self._wire.close()

    def send(self, request: Request) -> Answer:
        """Send, wait and repeat within the patience of one call; raises a `CgcError`."""
        effort = _Effort(self._patience, self._clock, self._clock(), self._closed)

        def again(state: tenacity.RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome else None
            return isinstance(error, CgcError) and self._may_go_on(request, error, effort)

        loop = tenacity.Retrying(
            retry=again,
            wait=lambda state: effort.next_wait,
            sleep=lambda seconds: self._nap(request, effort, float(seconds)),
            reraise=True,
        )
        answer: Answer = loop(self._send_once, request, effort)
        return answer

    def _may_go_on(self, request: Request, error: CgcError, effort: _Effort) -> bool:
        wait = wait_before_repeat(
            error,
            repeatable=request.repeatable,
            attempt=effort.attempt,
            random=random.random,
            answered=self._platform_answered,
        )
        if wait is None or self._patience <= 0 or effort.closed.is_set():
            return False
        left = effort.left
        if unreached(error) and not self.answered:
            wait, left = min(wait, FIRST_CONTACT_PAUSE), effort.left_for_first_contact()
        if wait > left:
            return False
        log.warning("%s Attempt %d failed; again in %.1f s.", as_sentence(error), effort.attempt, wait)
        effort.attempt += counts_as_attempt(error)
        effort.next_wait = wait
        effort.failed = error
        return True

    def _send_once(self, request: Request, effort: _Effort) -> Answer:
        """Send once. The budget is a courtesy: after its patience a call uses up what was left to people.

        Who brings no patience at all is told when to come back, and nothing is sent.
        """
        status, headers, body = self._counted(request, effort) if request.counted else self._wire.exchange(request)
        self.answered = True
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s answered %d: %s", request, status, _shown(body))
        try:
            value = from_response(status, headers, body, call=str(request), base_url=self._base_url, now=self._clock())
        except CgcApiError as refusal:
            self._platform_answered = self._platform_answered or not refusal.problem.made_here
            if isinstance(refusal, CgcRateLimited):
                self._budget.observe_429(refusal.retry_after)
            raise
        self._platform_answered = True
        total = header(headers, "X-Total-Matching-Query") or ""
        return Answer(value, int(total) if total.isascii() and total.isdigit() else None, server_date(headers))

    def _counted(self, request: Request, effort: _Effort) -> tuple[int, Mapping[str, str], bytes]:
        delay = self._budget.claim()
        if delay > 0 and self._patience <= 0:
            raise CgcBudgetSpent(self._budget.why(), call=str(request), retry_after=delay)
        if delay > 0:
            self._nap(request, effort, min(delay, effort.left))
            self._budget.claim(regardless=True)
        headers: Mapping[str, str] | None = None
        try:
            status, headers, body = self._wire.exchange(request)
        finally:
            self._budget.settle(headers)
        return status, headers, body

    def _nap(self, request: Request, effort: _Effort, seconds: float) -> None:
        if seconds > 0:
            effort.slept += seconds
            # Whoever closes the client does not wait for naps in other threads.
            (self._sleep or effort.closed.wait)(seconds)
        if effort.closed.is_set():
            unsent = CgcConnectionError(f"{request}: the client was closed before it was sent", sent=False)
            raise effort.failed or unsent


def _shown(body: bytes) -> str:
    return one_line(body[:_SHOWN_OF_A_BODY].decode("utf-8", "replace"), _SHOWN_OF_A_BODY)
