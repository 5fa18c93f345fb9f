"""How long to wait before the next request, so that people who use the same token still get through.

The platform counts 1000 requests per 300 seconds and user and tells the count on every answer
(https://docs.cancergenomicscloud.org/docs/api-rate-limit). A budget listens to these headers; it never sleeps.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from airflow_provider_cgc.client.headers import LONGEST_WAIT, RateLimit, rate_limit_of

if TYPE_CHECKING:
    from airflow_provider_cgc.client.settings import Settings

__all__ = ["RateBudget", "budget_for"]

_WAIT_WITHOUT_ADVICE = 60.0
_SAME_WINDOW = 2.0


class RateBudget:
    """What is known of one user's window of requests; safe to share between threads.

    `share` is the part of the limit that this process may use up: with 0.8 it stops asking for more when 200 of
    1000 requests are left. `clock` gives epoch seconds.
    """

    def __init__(self, *, share: float, clock: Callable[[], float] = time.time) -> None:
        if not 0 < share <= 1:
            raise ValueError("share must be above 0 and at most 1")
        self.share = share
        self._clock = clock
        self._lock = threading.Lock()
        self._window: RateLimit | None = None
        self._refused_until = -math.inf

    def observe(self, headers: Mapping[str, str]) -> None:
        """Learn from an answer's headers; what makes no sense is ignored."""
        seen = rate_limit_of(headers, now=self._clock())
        if seen is None:
            return
        with self._lock:
            self._window = _newer(self._window, seen)

    def observe_429(self, retry_after: float | None) -> None:
        """Learn that a request was refused; `retry_after` in seconds, None if the answer told nothing."""
        wait = _WAIT_WITHOUT_ADVICE if retry_after is None else retry_after
        if math.isfinite(wait):
            with self._lock:
                self._refused_until = self._clock() + min(max(wait, 0.0), LONGEST_WAIT)

    def delay(self) -> float:
        """Seconds to wait before the next request: 0 while our share lasts, else until the window ends."""
        return max(self._waits())

    def why(self) -> str:
        """In words, why `delay()` asks to wait."""
        after_refusal, for_the_share = self._waits()
        if after_refusal > for_the_share:
            return "The platform refused a request because this user had sent too many (429)"
        with self._lock:
            window = self._window
        limit = "" if window is None else f" of {window.limit} in 5 minutes"
        return f"Airflow's share of the platform's requests is used up for now (rate_share {self.share:g}{limit})"

    def snapshot(self) -> RateLimit | None:
        """The last known window; None before the first answer and when that window is over."""
        with self._lock:
            window = self._window
        return window if window is not None and window.reset > self._clock() else None

    def _waits(self) -> tuple[float, float]:
        """Seconds to wait, 0 to 310: because a request was refused, and because our share is used up."""
        now = self._clock()
        with self._lock:
            window, refused_until = self._window, self._refused_until
        spent = window is not None and window.remaining <= self._reserve(window.limit)
        until_reset = window.reset - now if window is not None and spent else 0.0
        return _bounded(refused_until - now), _bounded(until_reset)

    def _reserve(self, limit: int) -> int:
        return math.floor(limit * (1 - self.share) + 1e-9)


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _newer(known: RateLimit | None, seen: RateLimit) -> RateLimit:
    """Answers overtake each other: within one window the smaller rest is the later one."""
    if known is None or seen.reset > known.reset + _SAME_WINDOW:
        return seen
    if seen.reset < known.reset - _SAME_WINDOW:
        return known
    return seen if seen.remaining <= known.remaining else known


_BUDGETS: dict[tuple[str, float], RateBudget] = {}
_BUDGETS_LOCK = threading.Lock()


def budget_for(settings: Settings, clock: Callable[[], float] = time.time) -> RateBudget:
    """The one budget of this process for that platform, token and share; `clock` counts for the first caller."""
    key = (settings.identity, settings.rate_share)
    with _BUDGETS_LOCK:
        if key not in _BUDGETS:
            _BUDGETS[key] = RateBudget(share=settings.rate_share, clock=clock)
        return _BUDGETS[key]
