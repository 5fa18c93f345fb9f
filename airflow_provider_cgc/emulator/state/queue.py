"""A job's way through time: PENDING, RUNNING, then COMPLETED or FAILED, as clock and queue decide.

A kind of job (see `exports.py` and `imports.py`) says what is checked when it starts and what happens when it ends;
this module says when.
"""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from airflow_provider_cgc.emulator.state.errors import PlatformError
from airflow_provider_cgc.emulator.state.nouns import Jobs, User

# choice: the platform publishes no speeds. 20 slots of 250 MB/s move 18 TB an hour, so that thousands of
# files make a queue.
SLOTS = 20
THROUGHPUT = 250e6
PENDING_SECONDS = 2.0  # choice: even an idle platform shows PENDING first
OVERHEAD_SECONDS = 3.0  # choice: what a job of no size takes, and how long a failing check takes

Stuck = bool | str


@dataclass(slots=True, eq=False)
class Job(ABC):
    """One job: the facts every kind shares. Times are platform epoch seconds; None has not happened yet."""

    kind: ClassVar[Jobs]

    id: str
    user: User
    created: float
    began: float | None = None
    ended: float | None = None
    error: PlatformError | None = None
    looks: int = 0
    """Looks at this job by its id."""

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

    @property
    @abstractmethod
    def volume_id(self) -> str:
        """The volume at one end of the job."""

    @abstractmethod
    def check(self) -> PlatformError | None:
        """Check a job that a slot takes; return what makes it fail at once."""

    @abstractmethod
    def finish(self, now: float) -> PlatformError | None:
        """End a job whose bytes have moved: take effect, or return what makes it fail after all."""


class JobQueue:
    """Runs jobs in the order of their submission through so many slots, each of so many bytes a second.

    :param pending: seconds that a job waits even if a slot is free.
    :param overhead: seconds that a job of no size runs.
    """

    def __init__(
        self,
        *,
        slots: int = SLOTS,
        throughput: float = THROUGHPUT,
        pending: float = PENDING_SECONDS,
        overhead: float = OVERHEAD_SECONDS,
    ) -> None:
        if slots < 1 or throughput <= 0:
            raise ValueError(f"a queue needs at least one slot and some throughput, got {slots} and {throughput}")
        self._slots = slots
        self._throughput = throughput
        self._pending = pending
        self._overhead = overhead
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

    def open_jobs(self) -> Iterator[Job]:
        """Yield the jobs that have not ended."""
        yield from self._waiting
        for _, _, job, _ in self._running:
            yield job

    def abort(self, which: Callable[[Job], bool], error: PlatformError) -> None:
        """End the open jobs of some sort now, FAILED; what they were to do is not done."""
        for job in filter(which, self.open_jobs()):
            job.ended, job.error = self._now, error
        self._waiting = deque(job for job in self._waiting if job.ended is None)
        self._running = [entry for entry in self._running if entry[2].ended is None]
        heapq.heapify(self._running)

    def next_event(self, stuck: Stuck) -> float | None:
        """Return the time at which the next job starts or ends, as far as is known now."""
        starts, ends = self._next_start(stuck), self._next_end(stuck)
        if starts is None or ends is None:
            return ends if starts is None else starts
        return min(starts, ends)

    def happen(self, stuck: Stuck) -> None:
        """Let the next event take place; a job that ends makes room before another starts."""
        starts, ends = self._next_start(stuck), self._next_end(stuck)
        if ends is not None and (starts is None or ends <= starts):
            self._end(ends)
        elif starts is not None:
            self._start(starts)

    def rest(self, now: float) -> None:
        """Let time pass until now without an event."""
        self._now = max(self._now, now)

    def _next_start(self, stuck: Stuck) -> float | None:
        if stuck in (True, "PENDING") or not self._waiting or len(self._running) >= self._slots:
            return None
        return max(self._now, self._waiting[0].created + self._pending)

    def _next_end(self, stuck: Stuck) -> float | None:
        if stuck == "RUNNING" or not self._running:
            return None
        return max(self._now, self._running[0][0])

    def _start(self, at: float) -> None:
        job = self._waiting.popleft()
        self._now = job.began = at
        failure = job.check()
        seconds = self._overhead if failure else self._overhead + job.size / self._throughput
        self._number += 1
        heapq.heappush(self._running, (at + seconds, self._number, job, failure))

    def _end(self, at: float) -> None:
        _, _, job, failure = heapq.heappop(self._running)
        self._now = job.ended = at
        job.error = failure or job.finish(at)


def advance(queues: Sequence[JobQueue], now: float, *, stuck: Stuck = False) -> None:
    """Let everything happen that happens until now, in the order of time across the queues.

    The state at a time follows from the submissions and that time alone; nothing runs in between.

    :param stuck: true or "PENDING": no job starts; "RUNNING": none ends.
    """
    while True:
        moments = [(at, number) for number, queue in enumerate(queues) if (at := queue.next_event(stuck)) is not None]
        at, number = min(moments, default=(now, -1))
        if number < 0 or at > now:
            break
        queues[number].happen(stuck)
    for queue in queues:
        queue.rest(now)
