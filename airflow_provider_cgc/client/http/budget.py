"""The pace of requests, and the wait before the next one, so that people who use the same token get through.

The platform counts 1000 requests per 300 seconds and user and tells the count on every answer
(https://docs.cancergenomicscloud.org/docs/api-rate-limit). A budget listens to these headers; it never sleeps.
"""

from __future__ import annotations

import math
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_cgc.client.http.headers import SHORTEST_WAIT, bounded, rate_limit_of
from airflow_provider_cgc.client.models.limits import RateLimit

if TYPE_CHECKING:
    from airflow_provider_cgc.client.settings import Settings

__all__ = ["RateBudget", "budget_for", "left_to_people"]

_WAIT_WITHOUT_ADVICE = 60.0
_SOON = 60.0
"""Seconds after a wait within which a further refusal means that the wait was too short."""
_SAME_WINDOW = 30.0
"""Seconds that the end of one window may move: the platform's `Date` is in whole seconds, and answers may be slow."""
_WINDOW = 300.0
_DOCUMENTED_LIMIT = 1000
_MEMORY = 100.0
"""Seconds after which what others sent counts for about a third."""


class RateBudget:
    """One user's window of requests, as far as it is known; safe to share between threads.

    `share` is the part of the limit that this process may use up: with 0.8 it stops asking for more when 200 of
    1000 requests are left, whoever used the others, so that people find theirs however many processes Airflow has.
    `clock` gives epoch seconds.
    """

    def __init__(self, *, share: float, clock: Callable[[], float] = time.time) -> None:
        if not 0 < share <= 1:
            raise ValueError("share must be above 0 and at most 1")
        self.share = share
        self.sent = 0
        """Requests that left this process."""
        self.refused = 0
        """Those of them that were answered 429."""
        self._clock = clock
        self._lock = threading.Lock()
        self._window: RateLimit | None = None
        self._refused_until = -math.inf
        self._shortest = SHORTEST_WAIT
        self._under_way = 0
        self._own = 0
        self._others = _Others()
        self._counts_are_hidden = False
        self._wishes: weakref.WeakKeyDictionary[object, float] = weakref.WeakKeyDictionary()

    def claim(self, *, regardless: bool = False) -> float:
        """Count a request as under way and give 0; or give the seconds to wait, and count nothing.

        `settle` ends what was claimed. With `regardless` the request goes out in any case.
        """
        with self._lock:
            delay = 0.0 if regardless else max(self._waits())
            if not delay:
                self._under_way += 1
                self._own += 1
                self.sent += 1
            return delay

    def settle(self, headers: Mapping[str, str] | None) -> None:
        """End a claimed request; None if it got no answer. Learn from the answer's headers, if they make sense."""
        with self._lock:
            if headers is not None:
                self._learn(headers)
            self._under_way -= 1

    def observe_429(self, retry_after: float | None) -> None:
        """Learn that a request was refused; `retry_after` in seconds, None if the answer told nothing.

        Whoever follows advice that is too short is refused again and again; so each time the wait is twice as long,
        up to a minute, whatever the advice.
        """
        wait = _WAIT_WITHOUT_ADVICE if retry_after is None else retry_after
        with self._lock:
            self.refused += 1
            if not math.isfinite(wait):
                return
            now = self._clock()
            # Requests that were under way side by side are refused together, which counts once.
            if now >= self._refused_until:
                soon = now - self._refused_until < _SOON
                self._shortest = min(self._shortest * 2, _WAIT_WITHOUT_ADVICE) if soon else SHORTEST_WAIT
            self._refused_until = now + max(bounded(wait), self._shortest)

    def delay(self) -> float:
        """Return the seconds to wait before the next request: 0 while our share lasts, else until the window ends."""
        with self._lock:
            return max(self._waits())

    def pace_for(self, who: object, wish: float) -> float:
        """Return the requests a second that `who` may send: infinite while all wishes fit, else its part of the pace.

        `wish` is what it would send by itself; it holds until the next call, or until `forget`.
        """
        with self._lock:
            self._wishes[who] = wish
            wishes = sum(self._wishes.values())
            pace = self._pace()
        return math.inf if wishes <= pace else pace * wish / wishes

    def forget(self, who: object) -> None:
        """Leave its part to the others: `who` sends no more."""
        with self._lock:
            self._wishes.pop(who, None)

    def spread(self, requests: float) -> float:
        """Return the seconds, 0 to 310, that so many requests should take from now on; 0 while nothing is known."""
        with self._lock:
            pace, window, now = self._pace(), self._window, self._clock()
        if window is None:
            return bounded(requests / pace)
        in_this_window = pace * max(window.reset - now, 0.0)
        if requests <= in_this_window:
            return bounded(requests / pace) if requests else 0.0
        in_the_next = (requests - in_this_window) / (window.limit * self.share / _WINDOW)
        return bounded(max(window.reset - now, 0.0) + in_the_next)

    def spread_for(self, who: object, requests: float) -> float:
        """Return the seconds, 0 to 310, for so many requests of `who` beside those of everybody who has a wish."""
        with self._lock:
            wish, wishes = self._wishes.get(who, 0.0), sum(self._wishes.values())
        return self.spread(requests * wishes / wish if wish else requests)

    def why(self) -> str:
        """Return the reason for the wait of `delay()`, in words."""
        with self._lock:
            after_refusal, for_the_share = self._waits()
            window = self._window
        if after_refusal > for_the_share:
            return "The platform refused a request because this user had sent too many (429)"
        limit = "" if window is None else f" of {window.limit} in 5 minutes"
        return f"Airflow's share of the platform's requests is used up for now (rate_share {self.share:g}{limit})"

    def _learn(self, headers: Mapping[str, str]) -> None:
        now = self._clock()
        seen = rate_limit_of(headers, now=now)
        if seen is None:
            self._counts_are_hidden = True
            return
        known = self._window
        self._window = newest = _newer(known, seen)
        if known is None or newest.reset > known.reset + _SAME_WINDOW:
            # What is under way counts in the new window; of the first window ever seen, what was used before is
            # nobody's rate.
            self._own = self._under_way
            self._others.begin(now, used=0 if known else newest.limit - newest.remaining - self._own)
        self._others.learn(now, used=newest.limit - newest.remaining - self._own)

    def _waits(self) -> tuple[float, float]:
        """Return seconds to wait, 0 to 310: because a request was refused, and because our share is used up."""
        now, window = self._clock(), self._window
        spent = window is not None and self._ours(window) <= 0
        until_reset = window.reset - now if window is not None and spent else 0.0
        return bounded(self._refused_until - now), bounded(until_reset)

    def _pace(self) -> float:
        """Return the requests a second that our share leaves to us until the window ends, beside those of others.

        At least half of what is left is ours, or of two processes of Airflow the second would get nothing.
        """
        now, window = self._clock(), self._window
        if window is None:
            # Answers that do not tell the count leave what is documented.
            return self.share * _DOCUMENTED_LIMIT / _WINDOW if self._counts_are_hidden else math.inf
        seconds = window.reset - now
        requests = self._ours(window)
        if seconds <= 0:
            seconds, requests = _WINDOW, window.limit - self._reserve(window.limit)
        pace = max(requests, 0) / seconds
        return max(pace - self._others.rate(now), pace / 2)

    def _ours(self, window: RateLimit) -> int:
        """Return the rest of our share of a window; requests under way may not be counted yet."""
        return window.remaining - self._under_way - self._reserve(window.limit)

    def _reserve(self, limit: int) -> int:
        return left_to_people(limit, self.share)


def left_to_people(limit: int, share: float) -> int:
    """Return the requests of a window that Airflow does not use: those beyond its share."""
    return math.floor(limit * (1 - share) + 1e-9)


class _Others:
    """The requests a second that come from elsewhere with the same user's token: from people, from other processes."""

    def __init__(self) -> None:
        self._rate = 0.0
        self._at = 0.0
        self._used = 0

    def begin(self, now: float, *, used: int) -> None:
        """Go over to a new window, of which others have used so many up."""
        self._rate, self._at, self._used = self.rate(now), now, used

    def learn(self, now: float, *, used: int) -> None:
        """Take in how many requests others have used up in this window."""
        if used > self._used:
            self._rate, self._at = self.rate(now) + (used - self._used) / _MEMORY, now
            self._used = used

    def rate(self, now: float) -> float:
        """Return the requests a second; older ones count for less."""
        return self._rate * math.exp(-max(now - self._at, 0.0) / _MEMORY)


def _newer(known: RateLimit | None, seen: RateLimit) -> RateLimit:
    """Return the newer state of a window. Answers overtake each other: within one window the smaller rest is the later
    one, and no answer came before it was written, so that the earliest end is the right one."""
    if known is None or seen.reset > known.reset + _SAME_WINDOW:
        return seen
    if seen.reset < known.reset - _SAME_WINDOW:
        return known
    later = seen if seen.remaining <= known.remaining else known
    return replace(later, reset=min(known.reset, seen.reset))


_BUDGETS: dict[tuple[str, float], RateBudget] = {}
_BUDGETS_LOCK = threading.Lock()


def budget_for(settings: Settings, clock: Callable[[], float] = time.time) -> RateBudget:
    """Return this process's one budget for that platform, token and share; the first caller's `clock` counts."""
    key = (settings.identity, settings.rate_share)
    with _BUDGETS_LOCK:
        if key not in _BUDGETS:
            _BUDGETS[key] = RateBudget(share=settings.rate_share, clock=clock)
        return _BUDGETS[key]
