"""Trouble is waited out at its own pace, and only those whom it concerns hear of it."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from airflow_provider_cgc.client.errors import CgcForbidden, CgcNotFound, CgcRateLimited
from airflow_provider_cgc.jobs.waiting.poller import MOST_APART
from tests.fakes.errors import DOWN, DROPPED, LIMITED, MAINTENANCE, api_error
from tests.fakes.platform import FakePlatform, some_ids
from tests.fakes.polling import INTERVAL, ended, failing, sharing, wait

RIGHTS = api_error(CgcForbidden, 403)
PATH = api_error(CgcNotFound, 404)


def test_429_is_waited_out(time):
    """A 429 is waited out as long as the answer says."""
    platform = failing(time, LIMITED, times=1)
    platform.end(["a"], after=0)

    letters = time.run(wait(platform, ["a"]))

    first, second = platform.asked("a")
    assert 240 <= second - first <= 240 + 10 + 1
    assert letters[0][1].error is LIMITED
    assert 240 <= letters[0][1].next_look <= 250
    assert ended(letters) == {"a"}


def test_429_without_advice(time):
    """A 429 that advises no wait is not hammered."""
    platform = FakePlatform(time)

    def refuse(number, ids):
        platform.budget.observe_429(0.0)  # as the client does
        return api_error(CgcRateLimited, 429, 1000, retry_after=0.0)

    platform.fault = refuse

    time.run(wait(platform, some_ids(1000), limit=300))

    assert 5 <= len(platform.requests) <= 30


def test_429_is_of_one_request(time):
    platform = FakePlatform(time, fault=lambda number, ids: LIMITED if "x00000" in ids and number < 10 else None)

    async def main():
        await asyncio.gather(
            wait(platform, some_ids(100, "x"), limit=200),
            wait(platform, some_ids(100, "y"), first_look=1, limit=200),
        )

    time.run(main())

    assert (len(platform.asked("x00000")), len(platform.asked("y00000"))) == (1, 4)


@pytest.mark.parametrize("error", [DOWN, DROPPED], ids=["5xx", "dropped line"])
def test_hiccup_is_repeated_soon(time, error):
    """A hiccup is repeated soon, and lasting trouble once an interval."""
    platform = failing(time, error)

    letters = time.run(wait(platform, ["a"], limit=3600))

    looks = platform.asked("a")
    gaps = [later - earlier for earlier, later in pairwise(looks)]
    assert gaps[0] <= 1.2
    assert gaps[2] <= 4.2
    assert all(60 <= gap <= 61 for gap in gaps[3:])
    assert all(news.error is error and not news.hopeless for _, news in letters)


def test_maintenance_in_minutes(time):
    platform = failing(time, MAINTENANCE)

    time.run(wait(platform, ["a"], limit=3600))

    assert 10 <= len(platform.asked("a")) <= 18


def test_interval_returns(time):
    """After trouble the interval is the user's again."""
    platform = failing(time, DOWN, times=8)

    time.run(wait(platform, ["a"], limit=1000))

    looks = platform.asked("a")[8:]
    assert all(55 <= later - earlier <= 61 for earlier, later in pairwise(looks))


def test_trouble_starts_small(time):
    platform = FakePlatform(time, fault=lambda number, ids: DOWN if number < 8 or number == 9 else None)

    time.run(wait(platform, ["a"], limit=1000))

    looks = platform.asked("a")
    assert looks[10] - looks[9] <= 1.2


@pytest.mark.parametrize("error", [RIGHTS, PATH], ids=["403", "404"])
def test_hopeless_at_once(time, error):
    platform = failing(time, error)

    letters = time.run(wait(platform, ["a"], limit=30))

    assert [(news.error, news.hopeless) for _, news in letters] == [(error, True)]
    assert platform.connects == 1


def test_all_hear_of_an_error(time):
    platform = failing(time, RIGHTS)

    async def main():
        return await asyncio.gather(wait(platform, ["a"], limit=30), wait(platform, ["b", "a"], limit=30))

    assert all(letters for letters in time.run(main()))


def test_one_bad_id_is_alone(time):
    """Five mapped waits share a request that the platform refuses as a whole because of one id."""
    platform = FakePlatform(time, fault=lambda number, ids: RIGHTS if "bad" in ids else None)
    good = some_ids(4)
    platform.end(good, after=0)

    async def main():
        return await asyncio.gather(*(wait(platform, [job_id], limit=30) for job_id in [*good, "bad"]))

    *letters, refused = time.run(main())
    assert [ended(their) for their in letters] == [{job_id} for job_id in good]
    assert {(news.error, news.hopeless) for _, news in refused} == {(RIGHTS, True)}


@pytest.mark.parametrize("arrival", [0, 49], ids=["the bad ones first", "the bad ones last"])
@pytest.mark.parametrize("bad", [2, 5])
def test_bad_ids_are_alone(time, arrival, bad):
    platform = FakePlatform(time, fault=lambda number, ids: RIGHTS if any("bad" in one for one in ids) else None)
    good = some_ids(50, "good")
    platform.end(good, after=0)
    ids = [*good[:arrival], *some_ids(bad, "bad"), *good[arrival:]]

    async def main():
        return await asyncio.gather(*(wait(platform, [job_id], limit=300) for job_id in ids))

    letters = dict(zip(ids, time.run(main()), strict=True))

    assert [ended(letters[job_id]) for job_id in good] == [{job_id} for job_id in good]
    assert all(their[-1][1].hopeless for job_id, their in letters.items() if "bad" in job_id)
    before_the_next_interval = [request for request in platform.requests if request.at < 50]
    assert len(before_the_next_interval) <= 1 + MOST_APART


def test_who_left_is_not_asked(time):
    """Ids of waiters who have left since a refusal are not asked for."""
    platform = FakePlatform(time, latency=lambda ids: 5.0, fault=lambda number, ids: RIGHTS if number == 0 else None)

    async def main():
        with sharing(platform) as poller:
            stays, leaves = (poller.join([job_id], interval=INTERVAL, first_look=0.0) for job_id in ("a", "b"))
            await asyncio.sleep(1)
            poller.leave(leaves)
            await asyncio.sleep(20)
            returns = poller.join(["b"], interval=INTERVAL, first_look=time.clock())
            await asyncio.sleep(10)
            poller.leave(stays)
            poller.leave(returns)

    time.run(main())

    first, second = platform.asked("b")
    assert (first, round(second)) == (0, 21)


def test_shared_refusal_is_one(time):
    """A refusal to everyone is not asked for again for each."""
    platform = failing(time, RIGHTS)

    async def main():
        return await asyncio.gather(*(wait(platform, [job_id], limit=30) for job_id in some_ids(80)))

    assert all(news.hopeless for letters in time.run(main()) for _, news in letters)
    assert len(platform.requests) <= 4


def test_cancelled_look_returns(time):
    platform = FakePlatform(time)
    platform.connect_fault = lambda number: asyncio.CancelledError() if number == 0 else None
    platform.end(["a"], after=0)

    letters = time.run(wait(platform, ["a"], limit=300))

    assert ended(letters) == {"a"}


def test_answers_beside_an_error(time):
    platform = FakePlatform(time, fault=lambda number, ids: DOWN if "job00000" in ids else None)
    ids = some_ids(250)
    platform.end(ids, after=0)

    letters = time.run(wait(platform, ids, limit=30))

    assert len(ended(letters)) >= 150
