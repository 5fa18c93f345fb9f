"""The platform's clock: wall time that can be sped up and stepped."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Clock:
    """Platform time as epoch seconds: it starts at the wall's time and may run ahead of it.

    :param wall: the real clock, epoch seconds; a test passes its own.
    :param speed: platform seconds per wall second.
    """

    def __init__(self, wall: Callable[[], float], *, speed: float = 1.0) -> None:
        self.wall = wall
        self._lock = threading.Lock()
        self._first_speed = _checked(speed)
        self._restart()

    def now(self) -> float:
        """Return platform time, epoch seconds."""
        with self._lock:
            return self._now()

    def advance(self, seconds: float) -> None:
        """Step the platform's time forward; jobs that end in between have ended."""
        if seconds < 0:
            raise ValueError(f"the clock only goes forward, not by {seconds} seconds")
        with self._lock:
            self._base += seconds

    @property
    def speed(self) -> float:
        """Platform seconds per wall second."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        with self._lock:
            self._base, self._since = self._now(), self.wall()
            self._speed = _checked(speed)

    def reset(self) -> None:
        """Go back to the wall's time and the speed it was made with."""
        with self._lock:
            self._restart()

    def _restart(self) -> None:
        self._speed = self._first_speed
        self._since = self._base = self.wall()

    def _now(self) -> float:
        return self._base + (self.wall() - self._since) * self._speed


def _checked(speed: float) -> float:
    if speed < 0:
        raise ValueError(f"speed must not be negative, got {speed}")
    return speed
