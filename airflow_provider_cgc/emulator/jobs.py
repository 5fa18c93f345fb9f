"""Knows how a job moves through time: PENDING, RUNNING, then COMPLETED or FAILED, as clock and queue decide.

A kind of job (see `exports.py`) says what is checked when it starts and what happens when it ends; this module
says when.
"""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass

from airflow_provider_cgc.emulator.errors import PlatformError
from airflow_provider_cgc.emulator.model import User

# choice: the platform publishes no speeds. 20 slots of 250 MB/s move 18 TB an hour, so that thousands of
# files make a queue.
SLOTS = 20
THROUGHPUT = 250e6
PENDING_SECONDS = 2.0  # choice: even an idle platform shows PENDING first
OVERHEAD_SECONDS = 3.0  # choice: what a job of no size takes, and how long a failing check takes


@dataclass(slots=True, eq=False)
class Job(ABC):
    """One job: the facts every kind shares. Times are platform epoch seconds; None has not happened yet."""

    id: str
    user: User
    created: float
    began: float | None = None
    ended: float | None = None
    error: PlatformError | None = None

    @property
    def state(self) -> str:
        """One of the four documented states."""
        if self.ended is not None:
            return "COMPLETED" if self.error is None else "FAILED"
        return "PENDING" if self.began is None else "RUNNING"

    @property
    @abstractmethod
    def size(self) -> int:
        """Bytes to move."""

    @abstractmethod
    def check(self) -> PlatformError | None:
        """Asked when a slot takes the job: what makes it fail at once."""

    @abstractmethod
    def finish(self, now: float) -> PlatformError | None:
        """Asked when the bytes have moved: takes effect, or says what makes it fail after all."""


class JobQueue:
    """Runs jobs in the order of their submission through so many slots, each of so many bytes a second.

    The state at a time follows from the submissions and that time alone; nothing runs in between.
    """

    def __init__(self, *, slots: int = SLOTS, throughput: float = THROUGHPUT) -> None:
        if slots < 1 or throughput <= 0:
            raise ValueError(f"a queue needs at least one slot and some throughput, got {slots} and {throughput}")
        self._slots = slots
        self._throughput = throughput
        self.reset()

    def reset(self) -> None:
        """Forget all jobs."""
        self._now = 0.0
        self._number = 0
        self._waiting: deque[Job] = deque()
        self._running: list[tuple[float, int, Job, PlatformError | None]] = []

    def add(self, job: Job) -> None:
        """Put a job behind the others."""
        self._waiting.append(job)

    def advance(self, now: float, *, stuck: bool = False) -> None:
        """Let everything happen that happens until now; `stuck` keeps waiting jobs waiting."""
        while True:
            starts = self._next_start(stuck)
            ends = self._running[0][0] if self._running else None
            if ends is not None and ends <= now and (starts is None or ends <= starts):
                self._end()
            elif starts is not None and starts <= now:
                self._start(starts)
            else:
                break
        self._now = max(self._now, now)

    def _next_start(self, stuck: bool) -> float | None:
        if stuck or not self._waiting or len(self._running) >= self._slots:
            return None
        return max(self._now, self._waiting[0].created + PENDING_SECONDS)

    def _start(self, at: float) -> None:
        job = self._waiting.popleft()
        self._now = job.began = at
        failure = job.check()
        seconds = OVERHEAD_SECONDS if failure else OVERHEAD_SECONDS + job.size / self._throughput
        self._number += 1
        heapq.heappush(self._running, (at + seconds, self._number, job, failure))

    def _end(self) -> None:
        ends, _, job, failure = heapq.heappop(self._running)
        self._now = job.ended = ends
        job.error = failure or job.finish(ends)
