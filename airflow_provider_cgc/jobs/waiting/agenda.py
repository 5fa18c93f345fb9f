"""The plan of a poller: due times of ids, and turns when less may be asked than is due. Knows no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Hashable
from heapq import heappop, heappush

DUE = float("-inf")
"""The time of an id that is due already and waits for its turn."""


class Agenda:
    """
    The ids that nobody is asking for at the moment, each with the time from which it is due.

    Every step costs by what is due, not by what is planned, because the event loop stands still meanwhile.

    :param owner: tells who waits for an id; when not all that is due can be taken at once, owners take turns, so that
        a few ids beside ten thousand wait no longer than they would alone.
    """

    def __init__(self, owner: Callable[[str], Hashable]) -> None:
        self._owner = owner
        self._when: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._queues: dict[Hashable, deque[str]] = {}

    def __len__(self) -> int:
        return len(self._when)

    def put(self, job_id: str, when: float) -> None:
        """Plan an id for `when`, unless it is due already."""
        if self._when.get(job_id) != DUE:
            self._when[job_id] = when
            heappush(self._heap, (when, job_id))

    def put_sooner(self, job_id: str, when: float) -> None:
        """Plan an id for `when`, unless it is planned for an earlier time."""
        if when < self._when.get(job_id, float("inf")):
            self.put(job_id, when)

    def drop(self, job_id: str) -> None:
        """Forget an id."""
        self._when.pop(job_id, None)

    def next_time(self) -> float | None:
        """Return the time from which on something is due: `DUE` if something is, None if nothing is planned."""
        if self._queues:
            return DUE
        while self._heap and not self._is_planned(*self._heap[0]):
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, now: float, *, chunk: int, most: int | None = None, apart: Collection[str] = ()) -> list[str]:
        """
        Take the ids that are due at `now` out of the plan, `most` of them at most.

        If anything is due, what is due next fills the last request of `chunk` ids up: it rides for free. Ids in
        `apart` travel in requests of their own, and so neither give a ride nor take one.
        """
        self._queue_what_is_due(now)
        taken = self._in_turn(len(self._when) if most is None else most)
        room = -sum(job_id not in apart for job_id in taken) % chunk
        return taken + self._riders(room, apart)

    def _riders(self, room: int, apart: Collection[str]) -> list[str]:
        riders: list[str] = []
        left: list[tuple[float, str]] = []
        while len(riders) < room and self._heap:
            when, job_id = heappop(self._heap)
            if not self._is_planned(when, job_id):
                continue
            if job_id in apart:
                left.append((when, job_id))
            else:
                riders.append(job_id)
                del self._when[job_id]
        for entry in left:
            heappush(self._heap, entry)
        return riders

    def _is_planned(self, when: float, job_id: str) -> bool:
        """Tell an entry of the heap from what a later `put`, `take` or `drop` has left behind."""
        return self._when.get(job_id) == when

    def _queue_what_is_due(self, now: float) -> None:
        while self._heap and self._heap[0][0] <= now:
            when, job_id = heappop(self._heap)
            if self._is_planned(when, job_id):
                self._when[job_id] = DUE
                self._queues.setdefault(self._owner(job_id), deque()).append(job_id)

    def _in_turn(self, most: int) -> list[str]:
        taken: list[str] = []
        while self._queues and len(taken) < most:
            quota = max((most - len(taken)) // len(self._queues), 1)
            for owner in list(self._queues):
                if len(taken) == most:
                    break
                queue = self._queues.pop(owner)
                taken += self._from(queue, min(quota, most - len(taken)))
                if queue:
                    # To the end of the line: the next to be served is who has waited longest.
                    self._queues[owner] = queue
        return taken

    def _from(self, queue: deque[str], most: int) -> list[str]:
        taken: list[str] = []
        while queue and len(taken) < most:
            job_id = queue.popleft()
            if self._when.get(job_id) == DUE:
                del self._when[job_id]
                taken.append(job_id)
        return taken
