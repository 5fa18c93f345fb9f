"""The rate limit: so many requests per user in a window of 300 seconds of wall time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

WINDOW_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Rate:
    """The requests that one user has left: the numbers of `X-RateLimit-*`, `reset` in epoch seconds of wall time."""

    limit: int
    remaining: int
    reset: int
    allowed: bool = True


class RateLimit:
    """Counts requests per user, in either of two ways.

    choice: a fixed window, which begins with the first request after the last one ended; whether the platform's
    is fixed or slides is not published. It ends exactly at the announced second: who waits for it is let in.
    A sliding window forgets each request 300 seconds later; its reset is when the oldest is forgotten.
    """

    def __init__(self, limit: int, wall: Callable[[], float]) -> None:
        self.limit = limit
        self._wall = wall
        self._windows: dict[str, tuple[int, int]] = {}  # user -> (ends at, used)
        self._recent: dict[str, deque[float]] = {}  # user -> when the requests of the last window came

    def take(self, user: str, *, sliding: bool = False) -> Rate:
        """Count one request; `allowed` is false when none was left."""
        ends, used = self._ends_and_used(user, sliding)
        if used >= self.limit:
            return Rate(self.limit, 0, ends, allowed=False)
        window_ends, window_used = self._window(user)
        self._windows[user] = (window_ends, window_used + 1)
        self._recent_of(user).append(self._wall())
        return Rate(self.limit, self.limit - used - 1, ends)

    def look(self, user: str, *, sliding: bool = False) -> Rate:
        """Return the same numbers without counting."""
        ends, used = self._ends_and_used(user, sliding)
        return Rate(self.limit, max(0, self.limit - used), ends)

    def reset(self) -> None:
        """Forget all windows."""
        self._windows.clear()
        self._recent.clear()

    def _ends_and_used(self, user: str, sliding: bool) -> tuple[int, int]:
        if not sliding:
            return self._window(user)
        recent = self._recent_of(user)
        return math.ceil((recent[0] if recent else self._wall()) + WINDOW_SECONDS), len(recent)

    def _recent_of(self, user: str) -> deque[float]:
        recent = self._recent.setdefault(user, deque())
        while recent and recent[0] + WINDOW_SECONDS <= self._wall():
            recent.popleft()
        return recent

    def _window(self, user: str) -> tuple[int, int]:
        now = self._wall()
        ends, used = self._windows.get(user, (0, 0))
        return (ends, used) if now < ends else (math.ceil(now + WINDOW_SECONDS), 0)
