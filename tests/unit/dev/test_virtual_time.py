"""The clock that the tests of waiting rely on: it jumps when nobody works, and only then."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dev import virtual_time
from dev.virtual_time import StuckError, VirtualTime


@pytest.fixture
def time():
    return VirtualTime()


def test_six_hours_pass_to_the_second(time):
    async def main():
        await asyncio.sleep(6 * 3600)

    time.run(main())

    assert time.clock() == pytest.approx(time.start + 6 * 3600)


def test_timers_fire_in_their_order_at_their_time(time):
    seen = []

    async def wait(seconds):
        await asyncio.sleep(seconds)
        seen.append((seconds, round(time.clock() - time.start, 6)))

    async def main():
        await asyncio.gather(wait(3.0), wait(0.5), wait(7200.0))

    time.run(main())

    assert seen == [(0.5, 0.5), (3.0, 3.0), (7200.0, 7200.0)]


def test_a_timeout_that_is_not_needed_does_not_move_the_clock(time):
    async def main():
        async with asyncio.timeout(60):
            await asyncio.sleep(0)

    time.run(main())

    assert time.clock() == time.start


@pytest.mark.parametrize("own_pool", [True, False], ids=["own pool", "default pool"])
def test_time_stands_still_while_a_thread_is_at_work(time, own_pool):
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


def test_the_answer_of_a_thread_is_there_before_the_clock_moves(time):
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


def test_threads_sleep_in_virtual_time_side_by_side(time):
    async def main():
        with ThreadPoolExecutor(2) as pool:
            loop = asyncio.get_running_loop()
            await asyncio.gather(*(loop.run_in_executor(pool, time.sleep, 1800) for _ in range(4)))

    time.run(main())

    assert time.clock() - time.start == pytest.approx(3600)
    assert time.threads_at_work == 0


def test_the_loop_goes_on_while_a_thread_sleeps(time):
    beats = []

    async def main():
        loop = asyncio.get_running_loop()
        answer = loop.run_in_executor(None, time.sleep, 10)
        while not answer.done():
            await asyncio.sleep(1)
            beats.append(round(time.clock() - time.start))

    time.run(main())

    assert beats[:10] == list(range(1, 11))


def test_a_thread_whose_task_was_cancelled_still_counts(time):
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


def test_a_call_that_is_cancelled_before_a_thread_takes_it_counts_no_more(time):
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


def test_sleeping_on_the_loop_itself_is_caught(time):
    async def main():
        time.sleep(1)

    with pytest.raises(AssertionError, match="blocked the event loop"):
        time.run(main())


def test_a_wait_that_nothing_can_end_is_an_error(time, monkeypatch):
    monkeypatch.setattr(virtual_time, "STUCK", 0.01)

    async def main():
        await asyncio.Event().wait()

    with pytest.raises(StuckError):
        time.run(main())


def test_a_thread_that_sleeps_past_the_end_is_woken(time):
    pool = ThreadPoolExecutor(1)

    async def main():
        asyncio.get_running_loop().run_in_executor(pool, time.sleep, 3600)
        await asyncio.sleep(1)

    time.run(main())
    pool.shutdown(wait=True)

    assert time.clock() - time.start == pytest.approx(1)


def test_the_clock_goes_on_from_one_run_to_the_next(time):
    async def main():
        await asyncio.sleep(60)

    time.run(main())
    time.run(main())

    assert time.clock() - time.start == pytest.approx(120)
