"""Knows the rate limit: so many requests per user in a fixed window of 300 seconds of wall time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

WINDOW_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Rate:
    """What one user has left: the numbers of `X-RateLimit-*`, `reset` in epoch seconds of wall time."""

    limit: int
    remaining: int
    reset: int
    allowed: bool = True


class RateLimit:
    """Counts requests per user.

    choice: a fixed window, which begins with the first request after the last one ended; whether the platform's
    is fixed or slides is not published. It ends exactly at the announced second: who waits for it is let in.
    """

    def __init__(self, limit: int, wall: Callable[[], float]) -> None:
        self.limit = limit
        self._wall = wall
        self._windows: dict[str, tuple[int, int]] = {}  # user -> (ends at, used)

    def take(self, user: str) -> Rate:
        """Count one request; `allowed` is false when none was left."""
        ends, used = self._window(user)
        if used >= self.limit:
            return Rate(self.limit, 0, ends, allowed=False)
        self._windows[user] = (ends, used + 1)
        return Rate(self.limit, self.limit - used - 1, ends)

    def look(self, user: str) -> Rate:
        """The same numbers without counting."""
        ends, used = self._window(user)
        return Rate(self.limit, self.limit - used, ends)

    def reset(self) -> None:
        """Forget all windows."""
        self._windows.clear()

    def _window(self, user: str) -> tuple[int, int]:
        now = self._wall()
        ends, used = self._windows.get(user, (0, 0))
        return (ends, used) if now < ends else (math.ceil(now + WINDOW_SECONDS), 0)
