"""The clock that the tests of waiting rely on: it jumps when nobody works, and only then."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest

from dev import virtual_time
from dev.virtual_time import StuckError, VirtualTime


@pytest.fixture
def time():
    return VirtualTime()


def test_six_hours_pass(time):
    async def main():
        await asyncio.sleep(6 * 3600)

    time.run(main())

    assert time.clock() == pytest.approx(time.start + 6 * 3600)


def test_timers_fire_in_order(time):
    seen = []

    async def wait(seconds):
        await asyncio.sleep(seconds)
        seen.append((seconds, round(time.clock() - time.start, 6)))

    async def main():
        await asyncio.gather(wait(3.0), wait(0.5), wait(7200.0))

    time.run(main())

    assert seen == [(0.5, 0.5), (3.0, 3.0), (7200.0, 7200.0)]


def test_unneeded_timeout(time):
    """A timeout that is not needed does not move the clock."""

    async def main():
        async with asyncio.timeout(60):
            await asyncio.sleep(0)

    time.run(main())

    assert time.clock() == time.start


@pytest.mark.parametrize("own_pool", [True, False], ids=["own pool", "default pool"])
def test_time_waits_for_threads(time, own_pool):
    """Time stands still while a thread is at work."""
    go_on, seen = threading.Event(), []

    async def main():
        loop = asyncio.get_running_loop()
        beat = asyncio.create_task(asyncio.sleep(1.0))
        with ThreadPoolExecutor(1) as pool:
            answer = loop.run_in_executor(pool if own_pool else None, go_on.wait, 5)
            for _ in range(50):
                await asyncio.sleep(0)
            seen.append((time.clock() - time.start, time.threads_at_work, beat.done()))
            go_on.set()
            seen.append(await answer)
            seen.append(time.clock() - time.start)
            await beat

    time.run(main())

    assert seen == [(0.0, 1, False), True, 0.0]


def test_answer_before_the_clock(time):
    """Otherwise a request that takes no time would seem to take until the next timer, now and then."""
    late = []

    async def main():
        with ThreadPoolExecutor(8) as pool:
            timer = asyncio.create_task(asyncio.sleep(3600))
            for _ in range(300):
                await asyncio.get_running_loop().run_in_executor(pool, int)
                late.append(time.clock() - time.start)
            timer.cancel()

    time.run(main())

    assert set(late) == {0.0}


def test_threads_sleep_together(time):
    async def main():
        with ThreadPoolExecutor(2) as pool:
            loop = asyncio.get_running_loop()
            await asyncio.gather(*(loop.run_in_executor(pool, time.sleep, 1800) for _ in range(4)))

    time.run(main())

    assert time.clock() - time.start == pytest.approx(3600)
    assert time.threads_at_work == 0


def test_loop_goes_on_meanwhile(time):
    beats = []

    async def main():
        loop = asyncio.get_running_loop()
        answer = loop.run_in_executor(None, time.sleep, 10)
        while not answer.done():
            await asyncio.sleep(1)
            beats.append(round(time.clock() - time.start))

    time.run(main())

    assert beats[:10] == list(range(1, 11))


def test_cancelled_thread_counts(time):
    """A thread whose task was cancelled still counts."""
    go_on, seen = threading.Event(), []

    async def main():
        with ThreadPoolExecutor(1) as pool:
            answer = asyncio.get_running_loop().run_in_executor(pool, go_on.wait, 5)
            answer.cancel()
            await asyncio.sleep(0)
            seen.append(time.threads_at_work)
            go_on.set()
            await asyncio.sleep(1)
            seen.append(time.threads_at_work)

    time.run(main())

    assert seen == [1, 0]


def test_cancelled_call_does_not(time):
    """A call that is cancelled before a thread takes it counts no more."""
    go_on = threading.Event()

    async def main():
        with ThreadPoolExecutor(1) as pool:
            loop = asyncio.get_running_loop()
            first = loop.run_in_executor(pool, go_on.wait, 5)
            second = loop.run_in_executor(pool, int)
            second.cancel()
            go_on.set()
            await first
            await asyncio.sleep(1)

    time.run(main())

    assert time.threads_at_work == 0


def test_sleep_on_loop_is_caught(time):
    async def main():
        time.sleep(1)

    with pytest.raises(AssertionError, match="blocked the event loop"):
        time.run(main())


def test_endless_wait_is_an_error(time, monkeypatch):
    monkeypatch.setattr(virtual_time, "STUCK", 0.01)

    async def main():
        await asyncio.Event().wait()

    with pytest.raises(StuckError):
        time.run(main())


def test_sleeper_is_woken_at_end(time):
    pool = ThreadPoolExecutor(1)

    async def main():
        asyncio.get_running_loop().run_in_executor(pool, time.sleep, 3600)
        await asyncio.sleep(1)

    time.run(main())
    pool.shutdown(wait=True)

    assert time.clock() - time.start == pytest.approx(1)


def test_clock_goes_on_from_run(time):
    async def main():
        await asyncio.sleep(60)

    time.run(main())
    time.run(main())

    assert time.clock() - time.start == pytest.approx(120)


def of_a_map(time, pool):
    list(pool.map(time.sleep, [40.0, 60.0, 20.0]))


def of_results(time, pool):
    [future.result() for future in [pool.submit(time.sleep, seconds) for seconds in (40.0, 60.0, 20.0)]]


def of_a_wait(time, pool):
    left = {pool.submit(time.sleep, seconds) for seconds in (40.0, 60.0, 20.0)}
    while left:
        _, left = wait(left, return_when=FIRST_COMPLETED)


def of_the_end(time, pool):
    for seconds in (40.0, 60.0, 20.0):
        pool.submit(time.sleep, seconds)


@pytest.mark.parametrize("work", [of_a_map, of_results, of_a_wait, of_the_end])
@pytest.mark.parametrize(("threads", "passed"), [(3, 60.0), (1, 120.0)])
def test_thread_waits_for_its_own_pool(time, work, threads, passed):
    """However a thread waits for the threads of its own pool, the clock goes on, and no faster than these."""

    def worker():
        with ThreadPoolExecutor(threads) as pool:
            work(time, pool)
        return time.clock() - time.start

    async def main():
        loop = asyncio.get_running_loop()
        return await asyncio.gather(*(loop.run_in_executor(None, worker) for _ in range(3)))

    with time.counts_pools():
        ends = time.run(main())

    assert ends == [pytest.approx(passed)] * 3


def test_dropped_call_does_not_count(time):
    """A call that its pool drops before it begins holds no clock."""

    def worker():
        pool = ThreadPoolExecutor(1)
        for _ in range(3):
            pool.submit(time.sleep, 10.0)
        pool.shutdown(wait=False, cancel_futures=True)
        time.sleep(100.0)

    async def main():
        await asyncio.get_running_loop().run_in_executor(None, worker)

    with time.counts_pools():
        time.run(main())

    assert time.clock() - time.start == pytest.approx(100.0)
