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
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.endpoints.records import BULK_LIMIT, chunks_of
from airflow_provider_cgc.client.errors import CgcError
from airflow_provider_cgc.client.http.retry import counts_as_attempt, wait_before_repeat
from airflow_provider_cgc.jobs.kinds import ENDED
from airflow_provider_cgc.jobs.waiting.agenda import DUE, Agenda
from airflow_provider_cgc.jobs.waiting.connection import Connection, cannot_pass, may_be_about_an_id
from airflow_provider_cgc.jobs.waiting.look import chunks
from airflow_provider_cgc.jobs.waiting.pace import Pace
from airflow_provider_cgc.jobs.waiting.sharing import SharedClient
from airflow_provider_cgc.jobs.waiting.waiter import Bug, News, Waiter

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.errors.problem import BulkRecord
    from airflow_provider_cgc.client.http.budget import RateBudget
    from airflow_provider_cgc.jobs.kinds import JobKind
    from airflow_provider_cgc.jobs.waiting.sharing import Connect

QUICK_REPEATS = 3
"""Failures in a row that are repeated within seconds."""
ALONE = 3
"""Waits that are asked for alone to find out whether a refusal is about an id or about everybody's."""
MOST_APART = 20
"""Requests that it may take to find out whose ids a refusal is about."""
SHORTEST_INTERVAL = 1.0
"""Seconds between two looks at a job, whatever a sensor asks for."""
GATHER = 0.1
"""Seconds that the poller lets newcomers gather before it plans: a restart brings a thousand triggers at once."""
JITTER = 0.03
"""An interval is shortened by up to this share, so that many triggerers drift apart and none is ever late."""


class Poller:
    """
    Looks at the jobs of all waiters that share a connection and a kind.

    :param kind: what kind of job is asked for.
    :param connect: gives a client that makes a single attempt per call; called once for all waiters, again every ten
        minutes and after a 401. Closing the client is the poller's.
    :param clock: epoch seconds.
    :param threads: make the requests; the poller leaves them open.
    :param on_request: gets the budget and the seconds after each request, in the thread that made it; must not raise.
    """

    def __init__(
        self,
        kind: JobKind,
        connect: Connect,
        *,
        threads: Executor,
        clock: Callable[[], float] = time.time,
        on_request: Callable[[RateBudget, float], object] | None = None,
    ) -> None:
        self._kind = kind
        self._clock = clock
        self._connection = Connection(
            SharedClient(connect, clock=clock, start=self._begin, ended=self._give_way), threads, on_request
        )
        self._waiters: dict[str, set[Waiter]] = {}
        self._agenda = Agenda(self._one_who_waits)
        self._everybody: set[Waiter] = set()
        self._pace = Pace(self)
        self._starts: deque[tuple[Waiter, list[str]]] = deque()
        self._looked_last = True
        self._asked: set[str] = set()
        self._urgent: set[str] = set()
        self._suspects: set[str] = set()
        self._attempts: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._planner: asyncio.Task[None] | None = None
        self._closed = False

    def join(self, ids: Iterable[str], *, interval: float, first_look: float, answered: bool = False) -> Waiter:
        """
        Wait for `ids`, looking every `interval` seconds from `first_look` (epoch seconds) on.

        `answered`: the platform has answered this wait before, at the same address. Answers that are not its own are
        then waited out; otherwise, as long as it has answered nobody here, they are hopeless after 15 minutes. Where
        the connection is given another address meanwhile, all this is forgotten and the 15 minutes begin anew.
        """
        waiter = Waiter(ids=set(ids), interval=max(interval, SHORTEST_INTERVAL), poller=self, answered=answered)
        self._everybody.add(waiter)
        for job_id in waiter.ids:
            self._waiters.setdefault(job_id, set()).add(waiter)
            if job_id not in self._asked:
                self._agenda.put_sooner(job_id, first_look)
        if self._planner is None or self._planner.done():
            self._planner = self._begin(self._plan_for_ever())
            self._planner.add_done_callback(self._planner_ended)
        self._wake.set()
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Stop asking on behalf of `waiter`."""
        self._everybody.discard(waiter)
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

    def look_now(self, waiter: Waiter) -> float:
        """
        Look at what is open for `waiter` now, whatever the interval says.

        Gives the seconds that the rate budget may make of it: the others have their turns, too.
        """
        for job_id in waiter.ids:
            if job_id in self._asked:
                # The request under way may have been answered before now; its answer does not count as this look.
                self._urgent.add(job_id)
            else:
                self._agenda.put_sooner(job_id, self._clock())
        self._wake.set()
        budget = self._connection.budget
        return budget.spread_for(self, len(self._waiters) / BULK_LIMIT) if budget else 0.0

    def start(self, waiter: Waiter, ids: Sequence[str]) -> None:
        """Start drafts on behalf of `waiter`, in turn with the looks."""
        if ids:
            self._starts += ((waiter, chunk) for chunk in chunks_of(ids, self._kind.start_size))
            self._wake.set()

    def close(self) -> None:
        """End the poller; answers that are still under way are dropped."""
        self._closed = True
        for task in (self._planner, *self._tasks):
            if task is not None:
                task.cancel()
        self._connection.close()

    async def _plan_for_ever(self) -> None:
        while True:
            self._send_what_is_due(self._clock())
            self._wake.clear()
            due = DUE if self._starts else self._agenda.next_time()
            pause = None if due is None else max(due, self._pace.free_at) - self._clock()
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(GATHER)

    def _send_what_is_due(self, now: float) -> None:
        """Send all that is due side by side, or one request where the budget sets the pace."""
        if not self._pace.has_turn(self._connection.budget, now, self._wish):
            return
        if self._pace.is_free:
            while self._starts:
                self._send_start(*self._starts.popleft())
            self._send_looks(self._requests(now))
            return
        # Starts and looks take turns: neither may keep the other waiting.
        looks = [] if self._starts and self._looked_last else self._requests(now, most=BULK_LIMIT)
        self._send_looks(looks)
        starts = [] if looks or not self._starts else [self._starts.popleft()]
        for start in starts:
            self._send_start(*start)
        self._looked_last = bool(looks)
        self._pace.note_sent(len(looks) + len(starts), now)

    def _send_looks(self, requests: list[list[str]]) -> None:
        for chunk in requests:
            self._asked.update(chunk)
            task = self._begin(self._look(chunk))
            task.add_done_callback(functools.partial(self._look_ended, chunk=chunk))

    def _send_start(self, waiter: Waiter, ids: list[str]) -> None:
        wanted = [job_id for job_id in ids if job_id in waiter.ids]
        if wanted:
            task = self._begin(self._start_drafts(waiter, wanted))
            task.add_done_callback(functools.partial(_pass_on_bug, waiters=[waiter]))

    def _requests(self, now: float, *, most: int | None = None) -> list[list[str]]:
        taken = self._agenda.take(now, chunk=BULK_LIMIT, most=most, apart=self._suspects)
        return chunks(taken, suspects=self._suspects)

    def _give_way(self, client: CgcClient) -> None:
        """Leave the requests of a client that goes out of use to others: the next one may have another budget."""
        client.budget.forget(self)

    def _wish(self) -> float:
        """Requests a second that it takes to look at everything as often as its waiters ask."""
        if not self._everybody:
            return 0.0
        looks = sum(len(waiter.ids) / waiter.interval for waiter in self._everybody)
        claims = sum(len(waiter.ids) for waiter in self._everybody)
        distinct = len(self._waiters) / claims if claims else 0.0
        return max(looks * distinct / BULK_LIMIT, 1 / min(waiter.interval for waiter in self._everybody))

    def _slowed(self, waiter: Waiter) -> float:
        """Seconds between two looks at the jobs of `waiter` if it asks for more than its turn of the pace, else 0."""
        if self._pace.is_free:
            return 0.0
        turn = self._pace.rate / len(self._everybody)
        if len(waiter.ids) / waiter.interval / BULK_LIMIT <= turn:
            return 0.0
        return len(self._waiters) / BULK_LIMIT / self._pace.rate

    def _one_who_waits(self, job_id: str) -> Waiter:
        return next(iter(self._waiters[job_id]))

    async def _look(self, chunk: list[str]) -> None:
        at = self._clock()
        try:
            records = await self._ask_for(chunk)
        except CgcError as error:
            chunk = self._wanted(chunk)
            waits = self._by_waiter(chunk) if may_be_about_an_id(error) else []
            if len(waits) > 1:
                await self._look_apart(waits, error)
            else:
                self._hand_out_error(chunk, error, at)
        else:
            self._hand_out(chunk, records, at)

    async def _look_apart(self, waits: list[list[str]], error: CgcError) -> None:
        """
        Find out whose ids the platform refuses, so that one wait's bad id does not end the waits of others.

        A few waits are asked for alone, then the others together, and by halves where these are refused. If each of
        the few is refused, it is not about an id, and the others are not asked. Whose turn has not come after so many
        requests hears of trouble that may pass, and travels apart the next time.
        """
        random.shuffle(waits)
        groups = [[wait] for wait in waits[:ALONE]] + [waits[ALONE:]]
        refused_alone, answered, hopeless = 0, False, False
        for _ in range(MOST_APART):
            hopeless = refused_alone >= ALONE and not answered
            if hopeless or not groups:
                break
            group, at = groups.pop(0), self._clock()
            ids = self._wanted(job_id for wait in group for job_id in wait)
            if not ids:
                continue
            try:
                records = await self._ask_for(ids)
            except CgcError as their_error:
                if may_be_about_an_id(their_error) and len(group) > 1:
                    groups[:0] = [group[: len(group) // 2], group[len(group) // 2 :]]
                    continue
                refused_alone += cannot_pass(their_error)
                self._hand_out_error(ids, their_error, at)
            else:
                answered = True
                self._hand_out(ids, records, at)
        left = self._wanted(job_id for group in groups for wait in group for job_id in wait)
        self._suspects.update(left)
        self._hand_out_error(left, error, self._clock(), hopeless=hopeless)

    def _wanted(self, ids: Iterable[str]) -> list[str]:
        """Return those of the ids under way that somebody still waits for, and let the others go."""
        wanted: list[str] = []
        gone: list[str] = []
        for job_id in ids:
            (wanted if job_id in self._waiters else gone).append(job_id)
        self._schedule(gone, self._clock(), pause=None)
        return wanted

    def _by_waiter(self, chunk: list[str]) -> list[list[str]]:
        """Part ids by who waits for them."""
        parts: dict[frozenset[int], list[str]] = {}
        for job_id in chunk:
            waiting = frozenset(id(waiter) for waiter in self._waiters[job_id])
            parts.setdefault(waiting, []).append(job_id)
        return list(parts.values())

    async def _start_drafts(self, waiter: Waiter, ids: list[str]) -> None:
        start, at = self._kind.start, self._clock()
        if start is None:
            raise ValueError(f"a job of kind {self._kind.name!r} cannot be started")
        try:
            records = await self._connection.ask(lambda client: start(client, ids), self._everybody)
        except CgcError as error:
            hopeless, pause = cannot_pass(error), waiter.interval
            waiter.deliver(News(at=at, error=error, hopeless=hopeless, next_look=pause, starting=tuple(ids)))
        else:
            waiter.deliver(News(at=at, records=tuple(records), starting=tuple(ids)))

    async def _ask_for(self, chunk: list[str]) -> list[BulkRecord[Any]]:
        return await self._connection.ask(lambda client: list(self._kind.bulk_get(client)(chunk)), self._everybody)

    def _hand_out(self, chunk: list[str], records: list[BulkRecord[Any]], at: float) -> None:
        phase_of = self._kind.phase
        letters: dict[Waiter, list[BulkRecord[Any]]] = {}
        for record in records:
            waiting = None if record.id is None else self._waiters.get(record.id)
            if record.id is None or not waiting:
                continue
            for waiter in waiting:
                letters.setdefault(waiter, []).append(record)
            if record.error is not None:
                self._suspects.add(record.id)
            elif self._suspects:
                self._suspects.discard(record.id)
            if record.resource is not None and phase_of(record.resource) in ENDED:
                for waiter in waiting:
                    waiter.ids.discard(record.id)
                self._forget(record.id)
        self._schedule(chunk, at, pause=None)
        for waiter, their_records in letters.items():
            waiter.deliver(News(at=at, records=tuple(their_records), every=self._slowed(waiter)))

    def _hand_out_error(self, chunk: list[str], error: CgcError, at: float, *, hopeless: bool | None = None) -> None:
        hopeless = cannot_pass(error) if hopeless is None else hopeless
        waiters, now = {waiter for job_id in chunk for waiter in self._waiters.get(job_id, ())}, self._clock()
        for waiter in waiters:
            self._connection.addresses.note_error(waiter, error, now)
        patience = {waiter: self._connection.addresses.patience(waiter, error, now) for waiter in waiters}
        attempt = 1 + max((self._attempts.get(job_id, 0) for job_id in chunk), default=0)
        if counts_as_attempt(error):
            self._attempts.update((job_id, attempt) for job_id in chunk if job_id in self._waiters)
        advice = wait_before_repeat(error, repeatable=True, attempt=attempt, random=random.random)
        shortest = min((waiter.interval for waiter in waiters), default=0.0)
        # A hiccup is repeated as soon as its own advice says, lasting trouble no sooner than an interval: a platform in
        # trouble must not be asked more often than a sound one.
        pause = shortest if advice is None else max(advice, shortest if attempt > QUICK_REPEATS else 0.0)
        # With a long interval the look at which somebody's patience is over comes earlier.
        pause = min([pause, *(max(left, SHORTEST_INTERVAL) for left in patience.values() if left > 0)])
        self._schedule(chunk, at, pause=pause)
        for waiter, left in patience.items():
            waiter.deliver(News(at=at, error=error, hopeless=hopeless or left <= 0, next_look=pause))

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
            if job_id in self._urgent:
                self._agenda.put(job_id, self._clock())
            elif pause is None:
                self._agenda.put(job_id, at + shorter * min([waiter.interval for waiter in waiting]))
            else:
                self._agenda.put(job_id, self._clock() + pause)
        self._urgent.difference_update(chunk)
        self._wake.set()

    def _forget(self, job_id: str) -> None:
        self._waiters.pop(job_id, None)
        self._agenda.drop(job_id)
        self._attempts.pop(job_id, None)
        self._suspects.discard(job_id)

    def _begin(self, work: Any) -> asyncio.Task[Any]:
        # An empty context, or every line logged below here would land in the first waiter's task log; and a strong
        # reference, or the loop may drop the task.
        task = asyncio.get_running_loop().create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _look_ended(self, task: asyncio.Task[None], chunk: list[str]) -> None:
        if (task.cancelled() or task.exception() is not None) and not self._closed:
            self._schedule(chunk, self._clock(), pause=None)
        _pass_on_bug(task, {waiter for job_id in chunk for waiter in self._waiters.get(job_id, ())})

    def _planner_ended(self, task: asyncio.Task[None]) -> None:
        _pass_on_bug(task, self._everybody)


def _pass_on_bug(task: asyncio.Task[None], waiters: Iterable[Waiter]) -> None:
    bug = None if task.cancelled() else task.exception()
    if bug is not None:
        for waiter in waiters:
            waiter.deliver(Bug.of(bug))
