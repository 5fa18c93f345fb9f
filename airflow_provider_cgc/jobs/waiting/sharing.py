"""One thing for all who need it on one event loop: made for the first of them, closed when the last one leaves.

The client is such a thing: made once however many ask at the same moment, and made anew when that is called for.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Coroutine, Hashable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from airflow_provider_cgc.jobs.waiting.look import THREADS

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.http.budget import RateBudget
    from airflow_provider_cgc.jobs.kinds import JobKind

    Connect = Callable[[], Coroutine[Any, Any, CgcClient]]

CONNECTION_LIFE = 600.0
"""Seconds after which the connection is read again, so that a rotated token is found without a restart."""


class Closable(Protocol):
    """A thing that can be shared."""

    def close(self) -> object:
        """End it."""


T = TypeVar("T", bound=Closable)


@dataclass(slots=True)
class _Shared:
    thing: Any
    users: int = 0


_SHARED: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, _Shared]] = weakref.WeakKeyDictionary()


@contextmanager
def shared(key: Hashable, make: Callable[[], T]) -> Iterator[T]:
    """Return the one thing that everyone with the same `key` on this event loop shares."""
    known = _SHARED.setdefault(asyncio.get_running_loop(), {})
    if key not in known:
        known[key] = _Shared(make())
    one = known[key]
    one.users += 1
    try:
        yield one.thing
    finally:
        one.users -= 1
        if not one.users:
            del known[key]
            one.thing.close()


class SharedClient:
    """
    Reads the connection and makes the client, in a task of its own: who asked for it may be cancelled meanwhile.

    :param connect: reads the connection and gives a client.
    :param clock: epoch seconds.
    :param start: begins a task that outlives whoever asked for it.
    :param ended: is told of each client that goes out of use.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        clock: Callable[[], float],
        start: Callable[[Coroutine[Any, Any, CgcClient]], asyncio.Task[CgcClient]],
        ended: Callable[[CgcClient], object],
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._start = start
        self._ended = ended
        self._making: asyncio.Task[CgcClient] | None = None
        self._since = 0.0

    @property
    def budget(self) -> RateBudget | None:
        """The rate budget of the client now in use; None while there is none."""
        client = _made_by(self._making)
        return None if client is None else client.budget

    async def get(self) -> CgcClient:
        """Return the client that all share; a first look-up that failed is tried again by whoever comes next."""
        if self._making is not None and self._making.done() and _made_by(self._making) is None:
            self._making = None
        if self._making is None:
            self._since = self._clock()
            self._making = self._start(self._connect())
        elif self._clock() - self._since > CONNECTION_LIFE:
            self._since = self._clock()
            self._start(self._connect()).add_done_callback(self._renewed)
        return await asyncio.shield(self._making)

    def refused(self, client: CgcClient) -> None:
        """Take a client whose token was refused out of use, unless another one has taken its place already."""
        if _made_by(self._making) is client:
            self.close()

    def close(self) -> None:
        """Close the client now in use, if there is one."""
        client, self._making = _made_by(self._making), None
        if client is not None:
            client.close()
            self._ended(client)

    def _renewed(self, renewal: asyncio.Task[CgcClient]) -> None:
        """Go over to the client just made; where that failed, the old one serves until the next turn or a 401."""
        if _made_by(renewal) is not None:
            self.close()
            self._making = renewal


def _made_by(task: asyncio.Task[CgcClient] | None) -> CgcClient | None:
    done = task is not None and task.done() and not task.cancelled() and task.exception() is None
    return task.result() if task is not None and done else None


class Threads(ThreadPoolExecutor):
    """The threads of all pollers of one connection: the user's rate limit, 3.3 requests a second, is of all kinds."""

    def __init__(self) -> None:
        super().__init__(THREADS, thread_name_prefix="cgc-poller")

    def close(self) -> None:
        """End once the calls under way are done, and wait for nothing."""
        self.shutdown(wait=False, cancel_futures=True)


@contextmanager
def shared_poller(conn_id: str, kind: JobKind, make: Callable[[Executor], T]) -> Iterator[T]:
    """Return the poller that everyone with the same connection and kind of job on this event loop shares."""
    with (
        shared((Threads, conn_id), Threads) as threads,
        shared(("poller", conn_id, kind), lambda: make(threads)) as poller,
    ):
        yield poller
