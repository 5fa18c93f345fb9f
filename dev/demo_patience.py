"""The demo's patience: as long as anything moves, however slow the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable


class DemoTooSlowError(RuntimeError):
    """Nothing has moved for long."""


class Patience:
    """An end of patience once nothing has changed for `seconds`; a slow machine that gets on is given all the time."""

    def __init__(self, seconds: float, *, now: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._now = now
        self._seen: object = None
        self._moved_at = now()

    def see(self, what: str, seen: object) -> None:
        """Take in how things stand with `what`, and raise `DemoTooSlowError` if they have stood so for too long."""
        if seen != self._seen:
            self._seen, self._moved_at = seen, self._now()
        elif self._now() - self._moved_at > self.seconds:
            minutes = self.seconds / 60
            raise DemoTooSlowError(f"Nothing has moved for {minutes:.0f} minutes: {what} still stands at {seen}.")
