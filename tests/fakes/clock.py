"""A clock for code that sleeps on one thread; `dev/virtual_time.py` has one for event loops and threads."""

from __future__ import annotations


class Clock:
    """Time that passes only when somebody sleeps; it stands in for a clock and for the module `time`."""

    def __init__(self, now: float = 1_767_226_000.0) -> None:
        self.now = now
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    time = monotonic = __call__

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds
