"""Few requests for many waiters: what travels together, and when each id is asked for."""

from __future__ import annotations

import asyncio
import threading
from itertools import pairwise

import pytest

from airflow_provider_cgc.client.models import JobState
from tests.fakes.platform import FakePlatform, some_ids
from tests.fakes.polling import INTERVAL, ended, sharing, wait

GATHERED = 0.2
"""Seconds within which a look that is due has begun."""


class TestRequests:
    @pytest.mark.parametrize(("count", "requests"), [(1, 1), (100, 1), (101, 2), (250, 3), (1000, 10)])
    def test_first_sweep_takes_100s(self, platform, count, requests):
        """The first sweep takes a request for every hundred ids."""
        ids = some_ids(count)
        platform.end(ids, after=0)

        letters = platform.time.run(wait(platform, ids))

        assert len(platform.requests) == requests
        assert ended(letters) == set(ids)

    def test_one_look_an_interval(self, platform):
        platform.end(["a"], after=3600)

        platform.time.run(wait(platform, ["a"]))

        looks = platform.asked("a")
        gaps = [later - earlier for earlier, later in pairwise(looks)]
        assert all(0.9 * INTERVAL <= gap <= INTERVAL + 1 for gap in gaps)
        assert 3600 <= looks[-1] <= 3600 + INTERVAL + 1

    def test_first_look_as_asked(self, platform):
        platform.end(["a"], after=0)

        platform.time.run(wait(platform, ["a"], first_look=45.0))

        (look,) = platform.asked("a")
        assert 45.0 <= look <= 45.0 + GATHERED

    def test_ended_is_not_asked(self, platform):
        platform.end(["done"], after=0)
        platform.end(["long"], after=3600)

        platform.time.run(wait(platform, ["done", "long"]))

        assert len(platform.asked("done")) == 1
        assert len(platform.asked("long")) > 50

    def test_two_share_an_id(self, platform):
        """Two waiters for the same id share its looks, and both hear."""
        platform.end(["a"], after=300)

        async def main():
            return await asyncio.gather(wait(platform, ["a"]), wait(platform, ["a"]))

        letters = platform.time.run(main())

        assert [ended(each) for each in letters] == [{"a"}, {"a"}]
        assert len(platform.requests) <= 7

    def test_shortest_interval_counts(self, platform):
        platform.end(["a"], after=600)

        async def main():
            await asyncio.gather(wait(platform, ["a"], interval=300), wait(platform, ["a"], interval=30))

        platform.time.run(main())

        assert len(platform.asked("a")) >= 20

    def test_later_one_puts_off_none(self, platform):
        """A later waiter for an id does not put its next look off."""

        async def late():
            await asyncio.sleep(30)
            await wait(platform, ["a"], first_look=5000.0, limit=100)

        async def main():
            await asyncio.gather(wait(platform, ["a"], limit=100), late())

        platform.time.run(main())

        assert 55 <= platform.asked("a")[1] <= 61

    def test_last_request_is_full(self, platform):
        """The last request is filled up with ids that are due next."""
        soon, later = some_ids(30, "soon"), some_ids(200, "later")

        async def main():
            await asyncio.gather(wait(platform, soon, limit=59), wait(platform, later, first_look=50.0, limit=49))

        platform.time.run(main())

        first = platform.requests[0]
        assert len(first.ids) == 100
        assert set(soon) < set(first.ids)

    def test_rider_has_a_new_time(self, platform):
        """An id that rode along is not asked again at its old time."""

        async def main():
            await asyncio.gather(
                wait(platform, ["soon"], limit=40), wait(platform, ["later"], first_look=30.0, limit=40)
            )

        platform.time.run(main())

        assert len(platform.asked("later")) == 1

    def test_thousand_are_one_crowd(self, time):
        platform = FakePlatform(time, latency=lambda ids: 0.3)

        async def arrive(number):
            await asyncio.sleep(number / 1000)
            return await wait(platform, some_ids(10, f"w{number}x"))

        for number in range(1000):
            platform.end(some_ids(10, f"w{number}x"), after=0)

        async def main():
            return await asyncio.gather(*(arrive(number) for number in range(1000)))

        letters = platform.time.run(main())

        assert all(len(ended(each)) == 10 for each in letters)
        assert 100 <= len(platform.requests) <= 115
        assert platform.connects == 1

    def test_unknown_travel_apart(self, platform):
        ids = some_ids(60)
        platform.refuse(ids[:3])

        platform.time.run(wait(platform, ids, limit=100))

        sweeps = [set(request.ids) for request in platform.requests]
        assert sweeps[0] == set(ids)
        assert sorted(sweeps[1:], key=len) == [set(ids[:3]), set(ids[3:])]  # of one sweep, sent side by side

    def test_known_again_travels_too(self, platform):
        ids = some_ids(60)
        platform.refuse(ids[:3])

        async def main():
            waiting = asyncio.create_task(wait(platform, ids, limit=200))
            await asyncio.sleep(90)
            platform.admit(ids[:3])
            await waiting

        platform.time.run(main())

        assert set(platform.requests[-1].ids) == set(ids)

    def test_connections_do_not_meet(self, time):
        one, two = FakePlatform(time), FakePlatform(time)

        async def wait_at(platform, key, job_id):
            with sharing(platform, key) as poller:
                waiter = poller.join([job_id], interval=INTERVAL, first_look=time.clock())
                await waiter.news(timeout=10)
                poller.leave(waiter)

        async def main():
            await asyncio.gather(wait_at(one, "one", "a"), wait_at(two, "two", "b"))

        time.run(main())

        assert (one.asked("b"), two.asked("a")) == ([], [])
        assert (len(one.asked("a")), len(two.asked("b"))) == (1, 1)


class TestSlowAnswers:
    def test_slow_answer_is_alone(self, time):
        """A slow answer does not keep other ids from being asked in time."""
        platform = FakePlatform(time, latency=lambda ids: 500.0 if "slow00000" in ids else 0.2)

        async def main():
            await asyncio.gather(
                wait(platform, some_ids(100, "slow"), limit=900),
                wait(platform, some_ids(100, "quick"), first_look=1.0, limit=900),
            )

        time.run(main())

        looks = platform.asked("quick00000")
        assert len(looks) >= 15
        assert max(later - earlier for earlier, later in pairwise(looks)) <= INTERVAL + 1

    def test_not_asked_twice_at_once(self, time):
        platform = FakePlatform(time, latency=lambda ids: 150.0)

        time.run(wait(platform, ["a"], limit=500))

        looks = platform.asked("a")
        assert all(later - earlier >= 150 for earlier, later in pairwise(looks))

    def test_requests_run_together(self, time):
        platform = FakePlatform(time, latency=lambda ids: 10.0)
        ids = some_ids(800)
        platform.end(ids, after=0)

        time.run(wait(platform, ids))

        assert {round(request.at) for request in platform.requests} == {0}

    def test_loop_tells_no_metrics(self, platform):
        """A backend of metrics may look a host name up, or connect."""
        platform.end(["a"], after=0)
        threads = []

        def tell(budget, seconds):
            threads.append(threading.current_thread().name)

        async def main():
            with sharing(platform, on_request=tell) as one:
                waiter = one.join(["a"], interval=INTERVAL, first_look=0.0)
                await waiter.news(timeout=10)
                one.leave(waiter)

        platform.time.run(main())

        assert len(threads) == 1
        assert threads[0].startswith("cgc-poller")

    def test_loop_makes_no_request(self, platform):
        platform.end(["a"], after=0)

        platform.time.run(wait(platform, ["a"]))

        assert all(request.thread.startswith("cgc-poller") for request in platform.requests)


class TestHurry:
    async def _hurry(self, platform, *, at):
        with sharing(platform) as poller:
            waiter = poller.join(["a"], interval=INTERVAL, first_look=platform.time.clock())
            await asyncio.sleep(at)
            waiter.look_now()
            await asyncio.sleep(20)
            poller.leave(waiter)

    def test_hurried_look_at_once(self, platform):
        platform.time.run(self._hurry(platform, at=30))

        _, second = platform.asked("a")
        assert 30 <= second <= 30 + GATHERED

    def test_earlier_look_is_no_hurry(self, time):
        """A request under way does not count as the hurried look. Its answer may be older than the wish to know."""
        platform = FakePlatform(time, latency=lambda ids: 10.0)

        time.run(self._hurry(platform, at=5))

        _, second = platform.asked("a")
        assert 10 <= second <= 10.5

    def test_hurried_look_comes_once(self, time):
        platform = FakePlatform(time, latency=lambda ids: 4.0)

        time.run(self._hurry(platform, at=2))

        assert len(platform.asked("a")) == 2


def test_failed_is_an_end(platform):
    platform.end(["a"], after=0, state=JobState.FAILED)

    letters = platform.time.run(wait(platform, ["a"]))

    assert len(platform.asked("a")) == 1
    assert ended(letters) == {"a"}
