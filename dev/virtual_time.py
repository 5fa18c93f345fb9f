"""An asyncio event loop on which six hours pass in milliseconds, with real code and real threads.

    time = VirtualTime()
    time.run(main())            # asyncio.run(), but waiting costs nothing
    Poller(kind, connect, threads=threads, clock=time.clock)

When nothing is ready and no thread of an executor is at work, the clock jumps to the next timer. While a thread works,
as during a request, time stands still; a thread that is to take its time sleeps with `time.sleep`. Such a thread may
use pools of its own while `time.counts_pools()` lasts. Whatever reaches the loop past all this (sockets on the loop,
threads that nobody counts) does not hold the clock.
"""

from __future__ import annotations

import asyncio
import concurrent.futures._base as futures
import selectors
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from unittest import mock

T = TypeVar("T")

START = 1_750_000_000.0
"""The wall clock's start: 2025-06-15 15:06:40 UTC."""
STUCK = 20.0
"""Real seconds after which a loop that cannot move is called stuck."""


class StuckError(RuntimeError):
    """Nothing can happen any more: the code under test waits for something that never comes."""


class VirtualTime:
    """
    One run of virtual time; `clock()` is its wall clock, also between and after runs.

    :param start: epoch seconds at which the wall clock starts.
    """

    def __init__(self, start: float = START) -> None:
        self.start = start
        self._elapsed = 0.0
        self._loop: _Loop | None = None

    def clock(self) -> float:
        """Give epoch seconds; to be handed in wherever `time.time` is the default."""
        return self.start + self._elapsed

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run `main` to its end, as `asyncio.run` does, and give its result."""
        with asyncio.Runner(loop_factory=lambda: _Loop(self)) as runner:
            self._loop = runner.get_loop()  # type: ignore[assignment]  # what the factory gave
            return runner.run(main)

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass for a thread of an executor; the loop's own thread may not sleep."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        if threading.get_ident() == loop.thread:
            raise AssertionError("this would have blocked the event loop")
        loop.sleep_in_thread(seconds)

    @contextmanager
    def counts_pools(self) -> Iterator[None]:
        """Count calls in pools of a thread's own, too; a thread that waits for them is not at work meanwhile."""
        submit, shutdown, result = ThreadPoolExecutor.submit, ThreadPoolExecutor.shutdown, Future.result
        waiters_of = futures._create_and_install_waiters  # type: ignore[attr-defined]  # no public place knows who waits

        def counted(pool: ThreadPoolExecutor, func: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
            loop = self._loop_of_this_thread()
            if loop is None:
                return submit(pool, func, *args, **kwargs)
            future = loop.submitted(pool, lambda: func(*args, **kwargs), submit=partial(submit, pool))
            loop.leave_after(pool, future)
            return future

        def ended(pool: ThreadPoolExecutor, wait: bool = True, *, cancel_futures: bool = False) -> None:
            loop = self._loop_of_this_thread()
            if loop is not None and wait:
                loop.wait_in_thread(lambda: loop.open_calls(pool) == 0)
            shutdown(pool, wait, cancel_futures=cancel_futures)

        def waited(future: Future[T], timeout: float | None = None) -> T:
            loop = self._loop_of_this_thread()
            if loop is not None:
                loop.wait_in_thread(future.done)
            return result(future, timeout)

        def installed(some: Any, return_when: str) -> Any:
            waiter, loop = waiters_of(some, return_when), self._loop_of_this_thread()
            if loop is not None:
                loop.wait_in_thread(waiter.event.is_set)
            return waiter

        with (
            mock.patch.object(ThreadPoolExecutor, "submit", counted),
            mock.patch.object(ThreadPoolExecutor, "shutdown", ended),
            mock.patch.object(Future, "result", waited),
            mock.patch.object(futures, "_create_and_install_waiters", installed),
        ):
            yield

    def _loop_of_this_thread(self) -> _Loop | None:
        """The loop that counts what this thread does."""
        loop = self._loop
        return loop if loop is not None and not loop.is_closed() and loop.counts_this_thread() else None

    @property
    def threads_at_work(self) -> int:
        """The number of calls of executors under way, without the sleeping."""
        return 0 if self._loop is None else self._loop.busy


@dataclass(slots=True)
class _Calls:
    """The calls in one executor. One that waits for a thread is at work unless all threads sleep."""

    threads: int
    open: int = 0
    asleep: int = 0

    @property
    def at_work(self) -> int:
        return min(self.open, self.threads) - self.asleep


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, owner: VirtualTime) -> None:
        self.owner = owner
        self.thread: int | None = None
        self._calls: dict[Executor, _Calls] = {}
        self._of_this_thread = threading.local()
        self._sleepers: set[threading.Event] = set()
        self._waiting: list[tuple[_Calls, Callable[[], bool]]] = []
        """Threads that wait for others, and whether the wait is over."""
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        super().__init__(_Selector(self))

    @property
    def busy(self) -> int:
        for waiting in [one for one in self._waiting if one[1]()]:
            self._waiting.remove(waiting)
            waiting[0].asleep -= 1
        return sum(calls.at_work for calls in list(self._calls.values()))

    def open_calls(self, executor: Executor) -> int:
        return self._calls[executor].open if executor in self._calls else 0

    def counts_this_thread(self) -> bool:
        return hasattr(self._of_this_thread, "calls")

    def time(self) -> float:
        return self.owner._elapsed

    def jump(self, seconds: float) -> None:
        self.owner._elapsed += seconds

    def run_forever(self) -> None:
        self.thread = threading.get_ident()
        super().run_forever()

    def run_in_executor(  # type: ignore[override]  # typeshed asks for a tuple of type variables
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        if executor is None:
            # Not the loop's own default executor: shutting that down takes a thread that nobody counts.
            self._pool = executor = self._pool or ThreadPoolExecutor(thread_name_prefix="virtual-default")
        future = self.submitted(executor, lambda: func(*args), submit=executor.submit)
        answer = asyncio.wrap_future(future, loop=self)
        # After wrap_future's own callback, so that the answer is on the loop before time may go on. It is the call
        # that counts, not the answer: a cancelled task leaves its thread at work.
        self.leave_after(executor, future)
        return answer

    def submitted(self, executor: Executor, func: Callable[[], T], *, submit: Callable[..., Future[T]]) -> Future[T]:
        """Submit a call, and count it until `leave_after`; an executor that is shut down refuses it."""
        calls = self._calls.setdefault(executor, _Calls(threads=getattr(executor, "_max_workers", 1)))

        def call() -> T:
            self._of_this_thread.calls = calls
            return func()

        self._change(calls, 1)
        try:
            return submit(call)
        except BaseException:
            self._change(calls, -1)
            raise

    def leave_after(self, executor: Executor, future: Future[Any]) -> None:
        """Count a call no longer when it has ended."""
        future.add_done_callback(lambda _: self._from_thread(lambda: self._change(self._calls[executor], -1)))

    def _change(self, calls: _Calls, by: int) -> None:
        with self._lock:
            calls.open += by

    def wait_in_thread(self, is_over: Callable[[], bool]) -> None:
        """Count this thread, which is about to wait for others, as asleep until that is over."""
        calls: _Calls = self._of_this_thread.calls

        def begin() -> None:
            calls.asleep += 1
            self._waiting.append((calls, is_over))

        if not is_over():
            self._from_thread(begin)

    def sleep_in_thread(self, seconds: float) -> None:
        calls: _Calls = self._of_this_thread.calls
        woken = threading.Event()

        def fall_asleep() -> None:
            self.call_later(seconds, wake)
            self._sleepers.add(woken)
            calls.asleep += 1

        def wake() -> None:
            calls.asleep -= 1
            self._sleepers.discard(woken)
            woken.set()

        if self._from_thread(fall_asleep):
            woken.wait()

    def wake_all(self) -> None:
        for woken in self._sleepers:
            woken.set()

    def close(self) -> None:
        self.wake_all()
        if self._pool is not None:
            self._pool.shutdown(wait=True)
        super().close()

    def _from_thread(self, callback: Callable[[], None]) -> bool:
        try:
            self.call_soon_threadsafe(callback)
        except RuntimeError:  # the loop was closed while the thread was at work
            return False
        return True


class _Selector(selectors.DefaultSelector):  # type: ignore[valid-type, misc]  # an alias that depends on the machine
    def __init__(self, loop: _Loop) -> None:
        super().__init__()
        self._virtual = loop

    def select(self, timeout: float | None = None) -> Any:
        """Poll for what has happened; if nothing has, wait for a thread or jump to the next timer."""
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if timeout is None or self._virtual.busy:
            events = super().select(STUCK)
            if not events:
                self._virtual.wake_all()
                raise StuckError(
                    f"nothing has happened for {STUCK:g} real seconds; {self._virtual.busy} threads are at work"
                )
            return events
        self._virtual.jump(timeout)
        return events
