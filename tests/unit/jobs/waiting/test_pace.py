"""Intervals are stretched before the rate limit is met, and a few jobs do not suffer from ten thousand."""

from __future__ import annotations

import asyncio
import functools
import gc
from itertools import pairwise

import pytest

from airflow_provider_cgc.client.http.budget import RateBudget
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.waiting.poller import Poller
from airflow_provider_cgc.jobs.waiting.sharing import shared_poller
from tests.fakes.platform import FakePlatform, some_ids

LATENCY = 0.3
WINDOW = 300.0
LIMIT = 150
SHARE = 120
MANY = 1500
"""As 10,000 jobs are to 1000 requests: at an interval of 60 s they fit into a window, at 10 s four times over not."""


@pytest.fixture
def platform(time):
    platform = FakePlatform(time, latency=lambda ids: LATENCY)
    platform.limit_requests(LIMIT)
    return platform


async def wait(platform, ids, *, interval, seconds, key="all", comes=0.0):
    """Wait for `ids` for so many seconds; give the news, each with the time at which it came."""
    clock = platform.time.clock
    await asyncio.sleep(comes)
    until, letters = clock() + seconds, []
    make = functools.partial(Poller, EXPORT, platform.connect, clock=clock)
    with shared_poller(key, EXPORT, lambda threads: make(threads=threads)) as poller:
        waiter = poller.join(ids, interval=interval, first_look=clock())
        while clock() < until:
            news = await waiter.news(timeout=until - clock())
            if news is not None:
                letters.append((clock() - platform.time.start, news))
        poller.leave(waiter)
    return letters


async def somebody_else(platform, *, requests, seconds):
    """Send so many requests per window, evenly."""
    while platform.time.clock() < platform.time.start + seconds:
        platform.use_up()
        await asyncio.sleep(WINDOW / requests)


def gaps(platform, job_id, *, after):
    return [later - earlier for earlier, later in pairwise(platform.asked(job_id)) if earlier >= after]


def test_fitting_interval_is_kept(platform):
    ids = some_ids(MANY)

    platform.time.run(wait(platform, ids, interval=60.0, seconds=1800))

    assert max(gaps(platform, ids[-1], after=0)) <= 61
    assert platform.refusals == 0


def test_interval_is_stretched(platform):
    """An interval that does not fit is stretched to one that does."""
    ids = some_ids(MANY)
    sweep = len(ids) / 100 / (SHARE / WINDOW)

    platform.time.run(wait(platform, ids, interval=10.0, seconds=1800))

    looks = [gap for job_id in ids[::75] for gap in gaps(platform, job_id, after=WINDOW)]
    assert platform.refusals == 0
    assert max(looks) <= 1.2 * sweep
    assert sum(looks) / len(looks) <= 1.05 * sweep


def test_others_keep_theirs(platform):
    ids = some_ids(MANY)
    sweep = len(ids) / 100 / ((SHARE - 30) / WINDOW)

    async def main():
        await asyncio.gather(
            wait(platform, ids, interval=10.0, seconds=2400), somebody_else(platform, requests=30, seconds=2400)
        )

    platform.time.run(main())

    looks = [gap for job_id in ids[::75] for gap in gaps(platform, job_id, after=2 * WINDOW)]
    assert platform.refusals == 0
    assert max(looks) <= 1.2 * sweep


def test_no_pause_for_everybody(platform):
    platform.time.run(wait(platform, some_ids(MANY), interval=10.0, seconds=1500))

    times = [request.at for request in platform.requests if request.at > 10.0]
    assert max(later - earlier for earlier, later in pairwise(times)) <= 5


def test_few_beside_many(platform):
    """A few jobs beside ten thousand are looked at as often as alone."""

    async def main():
        await asyncio.gather(
            wait(platform, some_ids(MANY), interval=10.0, seconds=1200),
            wait(platform, ["a", "b"], interval=10.0, seconds=600, comes=600.0),
        )

    platform.time.run(main())

    assert max(gaps(platform, "a", after=0)) <= 12
    assert platform.refusals == 0


def test_kinds_share_evenly(platform):
    many = {kind: some_ids(MANY, kind) for kind in ("left", "right")}

    async def main():
        await asyncio.gather(
            *(wait(platform, ids, interval=10.0, seconds=1500, key=kind) for kind, ids in many.items())
        )

    platform.time.run(main())

    counts = [sum(request.ids[0] in ids for request in platform.requests) for ids in map(set, many.values())]
    assert platform.refusals == 0
    assert max(counts) <= 1.15 * min(counts)


@pytest.fixture
def no_gc():
    """Let nothing be collected that stands in a circle, as in a triggerer between two collections."""
    gc.disable()
    yield
    gc.enable()


def test_closed_leaves_its_part(platform, no_gc):
    ids = some_ids(MANY)

    async def main():
        await wait(platform, some_ids(MANY, "gone"), interval=1.0, seconds=100, key="gone")
        await asyncio.sleep(WINDOW)
        await wait(platform, ids, interval=60.0, seconds=900)

    platform.time.run(main())

    assert max(gaps(platform, ids[-1], after=0)) <= 61


def test_unused_leaves_its_part(platform, no_gc):
    """
    A part of a budget that is not used any more is left to the others.

    A new token has a budget of its own; the old one may still be that of another connection.
    """
    before = platform.budget
    before.pace_for(platform, 1.0)
    times = []

    async def main():
        waiting = asyncio.create_task(wait(platform, some_ids(MANY), interval=10.0, seconds=900))
        await asyncio.sleep(300)
        times.append((before.spread_for(platform, 10), before.spread(10)))
        platform.budget = RateBudget(share=0.8, clock=platform.time.clock)
        await asyncio.sleep(500)
        times.append((before.spread_for(platform, 10), before.spread(10)))
        await waiting

    platform.time.run(main())

    (shared, alone), (afterwards, alone_afterwards) = times
    assert shared > 2 * alone
    assert afterwards == alone_afterwards


def test_slowed_down_is_told(platform):
    async def main():
        return await asyncio.gather(
            wait(platform, some_ids(MANY), interval=10.0, seconds=900),
            wait(platform, ["a"], interval=10.0, seconds=900),
        )

    huge, small = platform.time.run(main())

    assert 30 <= huge[-1][1].every <= 60
    assert {news.every for _, news in small} == {0.0}


def test_fitting_is_not_told(platform):
    letters = platform.time.run(wait(platform, some_ids(MANY), interval=60.0, seconds=900))

    assert {news.every for _, news in letters} == {0.0}


def test_newcomer_gets_its_part(time):
    """
    A newcomer gets its part from a process that was there before.

    Two triggerers: each sees the requests of the other only as what is gone from the count.
    """
    first, second = FakePlatform(time, latency=lambda ids: LATENCY), FakePlatform(time, latency=lambda ids: LATENCY)
    first.limit_requests(LIMIT)
    second.rate_headers = first.rate_headers

    async def main():
        await asyncio.gather(
            wait(first, some_ids(MANY), interval=10.0, seconds=3000, key="one"),
            wait(second, some_ids(MANY), interval=10.0, seconds=2400, key="two", comes=600.0),
        )

    time.run(main())

    late = [sum(request.at > 1800 for request in platform.requests) for platform in (first, second)]
    assert first.refusals == 0
    assert max(late) <= 2 * min(late)
