"""The shared poller: many waiters of one event loop, few requests.

Every waiter of one connection and job kind registers its ids here. The poller asks for what is due, fills the last
request up with what is due next, hands each answer to whoever waits for it and never asks again for a job that has
ended. It knows nothing of Airflow: how to get a client is handed in, and it logs nothing, because Airflow routes a
log line by the context that it is written in; each waiter speaks for itself.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import random
import time
import weakref
from collections.abc import Callable, Coroutine, Hashable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import nsmallest
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.errors import CgcError, CgcSettingsError, CgcUnauthorized
from airflow_provider_cgc.client.retry import counts_as_attempt, transient, wait_before_repeat
from airflow_provider_cgc.jobs.sweep import CHUNK, THREADS, chunks
from airflow_provider_cgc.jobs.waiter import Bug, News, Waiter

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.models import BulkRecord
    from airflow_provider_cgc.jobs.kinds import JobKind

    Connect = Callable[[], Coroutine[Any, Any, CgcClient]]

CONNECTION_LIFE = 600.0
"""Seconds after which the connection is read again, so that a rotated token is found without a restart."""
QUICK_REPEATS = 3
"""Failures in a row that are repeated within seconds."""
SHORTEST_INTERVAL = 1.0
"""Seconds between two looks at a job, whatever a sensor asks for."""
GATHER = 0.1
"""Seconds that the poller lets newcomers gather before it plans: a restart brings a thousand triggers at once."""
JITTER = 0.05
"""An interval is shortened by up to this share, so that many triggerers drift apart and none is ever late."""


class Poller:
    """
    Looks at the jobs of all waiters that share a connection and a kind.

    :param kind: what kind of job is asked for.
    :param connect: gives a client that makes a single attempt per call; called once for all waiters, again every ten
        minutes and after a 401. Closing the client is the poller's.
    :param clock: epoch seconds.
    """

    def __init__(self, kind: JobKind, connect: Connect, *, clock: Callable[[], float] = time.time) -> None:
        self._kind = kind
        self._connect = connect
        self._clock = clock
        self._waiters: dict[str, set[Waiter]] = {}
        self._due: dict[str, float] = {}
        self._asked: set[str] = set()
        self._hurried: set[str] = set()
        self._suspects: set[str] = set()
        self._attempts: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix=f"cgc-{kind.name}")
        self._client: asyncio.Task[CgcClient] | None = None
        self._client_since = 0.0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._planner: asyncio.Task[None] | None = None
        self._closed = False

    def join(self, ids: Iterable[str], *, interval: float, first_look: float) -> Waiter:
        """Wait for `ids`, looking every `interval` seconds from `first_look` (epoch seconds) on."""
        waiter = Waiter(ids=set(ids), interval=max(interval, SHORTEST_INTERVAL), poller=self)
        for job_id in waiter.ids:
            self._waiters.setdefault(job_id, set()).add(waiter)
            self._due[job_id] = min(first_look, self._due.get(job_id, first_look))
        if self._planner is None or self._planner.done():
            self._planner = self._start(self._plan_for_ever())
            self._planner.add_done_callback(self._planner_ended)
        self._wake.set()
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Stop asking on behalf of `waiter`."""
        for job_id in list(waiter.ids):
            self.drop(waiter, job_id)

    def drop(self, waiter: Waiter, job_id: str) -> None:
        """Stop asking for one id on behalf of `waiter`."""
        waiter.ids.discard(job_id)
        waiting = self._waiters.get(job_id)
        if waiting is None:
            return
        waiting.discard(waiter)
        if not waiting:
            self._forget(job_id)

    def hurry(self, waiter: Waiter) -> None:
        """Look at what is open for `waiter` now, whatever the interval says."""
        for job_id in waiter.ids:
            if job_id in self._asked:
                # The request under way may have been answered before now; its answer does not count as this look.
                self._hurried.add(job_id)
            else:
                self._due[job_id] = self._clock()
        self._wake.set()

    def close(self) -> None:
        """End the poller; answers that are still under way are dropped."""
        self._closed = True
        for task in (self._planner, *self._tasks):
            if task is not None:
                task.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._release_client()

    async def _plan_for_ever(self) -> None:
        while True:
            now = self._clock()
            for chunk in self._plan(now):
                self._asked.update(chunk)
                task = self._start(self._look(chunk))
                task.add_done_callback(functools.partial(self._look_ended, chunk=chunk))
            self._wake.clear()
            waiting = [when for job_id, when in self._due.items() if job_id not in self._asked]
            pause = max(min(waiting) - self._clock(), 0.0) if waiting else None
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(GATHER)

    def _plan(self, now: float) -> list[list[str]]:
        """Give the requests that are due at `now`, the last one filled up with the ids that are due next."""
        free = {job_id: when for job_id, when in self._due.items() if job_id not in self._asked}
        due = [job_id for job_id, when in free.items() if when <= now]
        if not due:
            return []
        room = -len(due) % CHUNK
        later = ((when, job_id) for job_id, when in free.items() if when > now)
        due += [job_id for _, job_id in nsmallest(room, later)]
        return chunks(due, suspects=self._suspects)

    async def _look(self, chunk: list[str]) -> None:
        at = self._clock()
        try:
            records = await self._ask(chunk)
        except (CgcUnauthorized, CgcSettingsError) as error:
            self._hand_out_error(chunk, error, at)
        except CgcError as error:
            parts = [] if transient(error) else self._by_waiter(chunk)
            if len(parts) > 1:
                await self._look_apart(parts, error)
            else:
                self._hand_out_error(chunk, error, at)
        else:
            self._hand_out(chunk, records, at)

    async def _look_apart(self, parts: list[list[str]], error: CgcError) -> None:
        """
        Find out whose ids the platform refuses, so that one wait's bad id does not end the waits of others.

        When it refuses the first two parts as well, it is not about an id, and the others are not asked.
        """
        refused = 0
        for number, part in enumerate(parts):
            at = self._clock()
            if refused == number == 2:
                self._hand_out_error([job_id for rest in parts[number:] for job_id in rest], error, at)
                return
            try:
                records = await self._ask(part)
            except CgcError as their_error:
                refused += not transient(their_error)
                self._hand_out_error(part, their_error, at)
            else:
                self._hand_out(part, records, at)

    def _by_waiter(self, chunk: list[str]) -> list[list[str]]:
        """Part ids by who waits for them."""
        parts: dict[frozenset[int], list[str]] = {}
        for job_id in chunk:
            waiting = frozenset(id(waiter) for waiter in self._waiters.get(job_id, ()))
            parts.setdefault(waiting, []).append(job_id)
        return list(parts.values())

    async def _ask(self, chunk: list[str]) -> list[BulkRecord[Any]]:
        """Ask once, and once more with the connection read again if the token is refused."""
        client = await self._current_client()
        try:
            return await self._in_thread(client, chunk)
        except CgcUnauthorized:
            used = client
        if self._client is not None and _succeeded(self._client) and self._client.result() is used:
            self._release_client()
        return await self._in_thread(await self._current_client(), chunk)

    async def _in_thread(self, client: CgcClient, chunk: list[str]) -> list[BulkRecord[Any]]:
        bulk_get = self._kind.bulk_get(client)
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: list(bulk_get(chunk)))

    async def _current_client(self) -> CgcClient:
        """Give the client that all looks share; a first look-up that failed is tried again by the next look."""
        if self._client is not None and _failed(self._client):
            self._client = None
        if self._client is None:
            self._client_since = self._clock()
            self._client = self._start(self._connect())
        elif self._clock() - self._client_since > CONNECTION_LIFE:
            self._client_since = self._clock()
            self._start(self._connect()).add_done_callback(self._renewed)
        return await asyncio.shield(self._client)

    def _renewed(self, renewal: asyncio.Task[CgcClient]) -> None:
        """Go over to the client just made; where that failed, the old one serves until the next turn or a 401."""
        if _succeeded(renewal):
            self._release_client()
            self._client = renewal

    def _release_client(self) -> None:
        client, self._client = self._client, None
        if client is not None and _succeeded(client):
            client.result().close()

    def _hand_out(self, chunk: list[str], records: list[BulkRecord[Any]], at: float) -> None:
        letters: dict[Waiter, list[BulkRecord[Any]]] = {}
        for record in records:
            if record.id is None:
                continue
            waiting = self._waiters.get(record.id, set())
            for waiter in waiting:
                letters.setdefault(waiter, []).append(record)
            if record.error is not None and waiting:
                self._suspects.add(record.id)
            else:
                self._suspects.discard(record.id)
            if record.resource is not None and record.resource.done:
                for waiter in waiting:
                    waiter.ids.discard(record.id)
                self._forget(record.id)
        self._schedule(chunk, at, pause=None)
        for waiter, their_records in letters.items():
            waiter.deliver(News(at=at, records=tuple(their_records)))

    def _hand_out_error(self, chunk: list[str], error: CgcError, at: float) -> None:
        waiters = {waiter for job_id in chunk for waiter in self._waiters.get(job_id, ())}
        attempt = 1 + max((self._attempts.get(job_id, 0) for job_id in chunk), default=0)
        if counts_as_attempt(error):
            self._attempts.update((job_id, attempt) for job_id in chunk if job_id in self._due)
        advice = wait_before_repeat(error, repeatable=True, attempt=attempt, random=random.random)
        shortest = min((waiter.interval for waiter in waiters), default=0.0)
        # A hiccup is repeated as soon as its own advice says, lasting trouble no sooner than an interval: a platform in
        # trouble must not be asked more often than a sound one.
        pause = shortest if advice is None else max(advice, shortest if attempt > QUICK_REPEATS else 0.0)
        self._schedule(chunk, at, pause=pause)
        for waiter in waiters:
            waiter.deliver(News(at=at, error=error, hopeless=not transient(error), next_look=pause))

    def _schedule(self, chunk: list[str], at: float, *, pause: float | None) -> None:
        """Put the ids that are still waited for back into the plan, an interval or `pause` seconds after `at`."""
        self._asked.difference_update(chunk)
        shorter = 1.0 - JITTER * random.random()
        for job_id in chunk:
            waiting = self._waiters.get(job_id)
            if not waiting:
                continue
            if pause is None:
                self._attempts.pop(job_id, None)
            if job_id in self._hurried:
                self._due[job_id] = self._clock()
            elif pause is None:
                self._due[job_id] = at + shorter * min(waiter.interval for waiter in waiting)
            else:
                self._due[job_id] = self._clock() + pause
        self._hurried.difference_update(chunk)
        self._wake.set()

    def _forget(self, job_id: str) -> None:
        self._waiters.pop(job_id, None)
        self._due.pop(job_id, None)
        self._attempts.pop(job_id, None)
        self._suspects.discard(job_id)

    def _start(self, work: Any) -> asyncio.Task[Any]:
        # An empty context, or every line logged below here would land in the first waiter's task log; and a strong
        # reference, or the loop may drop the task.
        task = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _look_ended(self, task: asyncio.Task[None], chunk: list[str]) -> None:
        if task.cancelled():
            if not self._closed:
                self._schedule(chunk, self._clock(), pause=None)
            return
        bug = task.exception()
        if bug is not None:
            self._schedule(chunk, self._clock(), pause=None)
            for waiter in {waiter for job_id in chunk for waiter in self._waiters.get(job_id, ())}:
                waiter.deliver(Bug.of(bug))

    def _planner_ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        bug = task.exception()
        if bug is not None:
            for waiter in {waiter for waiting in self._waiters.values() for waiter in waiting}:
                waiter.deliver(Bug.of(bug))


def _failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _succeeded(task: asyncio.Task[Any]) -> bool:
    return task.done() and not _failed(task)


@dataclass(slots=True)
class _Shared:
    poller: Poller
    users: int = 0


_POLLERS: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, _Shared]] = weakref.WeakKeyDictionary()


@contextmanager
def shared_poller(key: Hashable, make: Callable[[], Poller]) -> Iterator[Poller]:
    """
    Give the poller that everyone with the same `key` on this event loop shares.

    It is made for the first user and closed when the last one leaves.
    """
    pollers = _POLLERS.setdefault(asyncio.get_running_loop(), {})
    shared = pollers.get(key)
    if shared is None:
        shared = pollers[key] = _Shared(make())
    shared.users += 1
    try:
        yield shared.poller
    finally:
        shared.users -= 1
        if not shared.users:
            del pollers[key]
            shared.poller.close()
