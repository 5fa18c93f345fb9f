"""Writing the snapshots of many waits, a few a second in one triggerer, to keep load from Airflow's database."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import itertools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from airflow_provider_cgc import display
from airflow_provider_cgc.compat import in_thread
from airflow_provider_cgc.jobs.waiting.sharing import shared
from airflow_provider_cgc.jobs.waiting.snapshot import SHORTEST_STEP, LiveView
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker

SPACING = 0.2
"""Seconds between two writes, whoever they are for: with many waits each is written less often."""
BREATH = 4.0
"""After a write the writer rests so many times as long as it took: a slow database is a busy one."""
TROUBLE = 10.0
"""Seconds of rest after a write that failed, at least; its own wait comes again when its next write is due."""
GATHER = 2.0
"""Seconds before the first write of a wait: the answers of its first look come one by one."""
LAST_WRITE = 10.0
"""Seconds that the end of a wait waits for a write of its own, which must not overtake the worker's last one."""


@dataclass(eq=False, slots=True)
class LiveSnapshot:
    """The snapshot of one wait: call `changed` when there is news."""

    writer: SnapshotWriter = field(repr=False)
    address: Mapping[str, Any] | None
    view: LiveView
    tracker: JobTracker
    warn: Callable[[str], object]
    clock: Callable[[], float]
    queued: bool = False
    closed: bool = False
    begun: bool = False
    warned: bool = False
    patient_until: float = 0.0
    """The time until which every job must have been seen before a write, lest a snapshot goes back after a restart."""
    linked: Mapping[str, str] = field(default_factory=dict)
    under_way: asyncio.Future[None] | None = None

    def changed(self) -> None:
        """Ask for a write, if there is something new, as soon as it is this wait's turn."""
        if self.address is not None and not (self.queued or self.closed):
            self.writer.queue(self)

    @property
    def ready(self) -> bool:
        """True if a write would show no less than the one before; until then news or time asks again."""
        whole = self.clock() >= self.patient_until or "" not in self.tracker.open.values()
        return whole and not self.closed

    def close(self) -> None:
        """Write nothing any more."""
        self.closed = True

    async def written(self) -> None:
        """Wait for a write that is under way."""
        if self.under_way is not None:
            await asyncio.wait([self.under_way], timeout=LAST_WRITE)

    def complain(self, line: str) -> None:
        """Say once that writing does not work."""
        if not self.warned:
            self.warned = True
            self.warn(line)


class SnapshotWriter:
    """Writes the snapshots of all waits of one event loop, one after the other, those first that wait longest."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, LiveSnapshot]] = []
        self._numbers = itertools.count()
        self._free_at = 0.0
        self._wake = asyncio.Event()
        # A thread of its own, neither the one that all of Airflow's triggers share nor the loop's default ones.
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="cgc-snapshots")
        self._task: asyncio.Task[None] | None = None

    def open(
        self,
        address: Mapping[str, Any] | None,
        view: LiveView,
        tracker: JobTracker,
        *,
        warn: Callable[[str], object],
        clock: Callable[[], float],
    ) -> LiveSnapshot:
        """Return the snapshot of one wait; `address` is None for a trigger that belongs to no task, then nothing is
        written."""
        return LiveSnapshot(self, address, view, tracker, warn, clock)

    def queue(self, one: LiveSnapshot) -> None:
        """Put a wait into the line."""
        loop = asyncio.get_running_loop()
        pause = max(one.view.written_at + SHORTEST_STEP - one.clock(), 0.0) if one.begun else GATHER
        one.queued = True
        self._put(one, pause)
        if self._task is None or self._task.done():
            # An empty context, or what is logged below here would land in the first wait's log.
            self._task = loop.create_task(self._work(), context=contextvars.Context())
        self._wake.set()

    def close(self) -> None:
        """End the writer; a write that is under way comes to its end."""
        if self._task is not None:
            self._task.cancel()
        self._pool.shutdown(wait=False)

    def _put(self, one: LiveSnapshot, pause: float) -> None:
        heappush(self._heap, (asyncio.get_running_loop().time() + pause, next(self._numbers), one))

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            pause = max(self._heap[0][0], self._free_at) - loop.time() if self._heap else None
            if pause is None or pause > 0:
                try:
                    async with asyncio.timeout(pause):
                        await self._wake.wait()
                except TimeoutError:
                    pass
                continue
            one = heappop(self._heap)[2]
            one.queued = False
            if one.closed:
                continue
            one.under_way = loop.create_future()
            began = loop.time()
            try:
                fine = await self._write(one)
            finally:
                one.under_way.set_result(None)
                one.under_way = None
            least = SPACING if fine else TROUBLE
            self._free_at = loop.time() + max(least, BREATH * (loop.time() - began))

    async def _write(self, one: LiveSnapshot) -> bool:
        """Write the snapshot of one wait, if it is due; return True if Airflow took it."""
        complaints: list[str] = []
        in_own_thread = functools.partial(in_thread, executor=self._pool, warn=complaints.append)
        if not one.begun:
            one.begun = True
            # The worker, or a triggerer before this one, has written about the same wait.
            earlier = await in_own_thread(display.read, one.address)
            one.view.restore(earlier)
            if earlier is not None:
                one.patient_until = one.clock() + one.view.interval
                self._put(one, one.view.interval)
            one.linked = display.links_of_snapshot(earlier)
        if one.ready and one.view.due(one.tracker, one.clock()):
            snapshot = one.view.snapshot(one.tracker, one.clock())
            one.linked = await in_own_thread(display.link, one.address, snapshot, one.linked)
            if not one.closed and not await in_own_thread(display.write, one.address, snapshot):
                one.view.not_written()
                one.changed()
        elif one.ready and one.view.changed(one.tracker):
            # The loop's clock ran ahead of the wall clock: it is a moment too early.
            one.changed()
        for line in complaints:
            one.complain(line)
        return not complaints


def shared_writer() -> AbstractContextManager[SnapshotWriter]:
    """Return the writer that all waits of this event loop share."""
    return shared(SnapshotWriter, SnapshotWriter)
