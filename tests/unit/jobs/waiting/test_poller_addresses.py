"""An address that has never answered ends the wait after 15 minutes; one that has is waited for."""

from __future__ import annotations

import asyncio

import pytest

from airflow_provider_cgc.client.errors import CgcBudgetSpent, CgcRedirect
from airflow_provider_cgc.jobs.waiting.sharing import CONNECTION_LIFE
from tests.fakes.errors import DOWN, DROPPED, LIMITED, NOT_LISTENING, PAGE
from tests.fakes.platform import FakePlatform, some_ids
from tests.fakes.polling import INTERVAL, ended, failing, wait

SPENT = CgcBudgetSpent("Airflow's share is used up", call="POST /bulk/storage/exports/get", retry_after=30.0)
REDIRECT = CgcRedirect("to a login page", status=302, to_host="login.example.org")
foreign = pytest.mark.parametrize("error", [PAGE, REDIRECT], ids=["page", "redirect"])
"""Answers that are not the platform's own."""


@foreign
@pytest.mark.parametrize("interval", [10.0, INTERVAL, 4 * 3600.0])
def test_no_answer_in_15_minutes(time, error, interval):
    """An address that never answered is hopeless to everyone after 15 minutes."""
    platform = failing(time, error)

    async def main():
        waits = (wait(platform, [job_id], interval=interval, limit=901) for job_id in some_ids(80))
        return await asyncio.gather(*waits)

    for letters in time.run(main()):
        assert {news.error for _, news in letters} == {error}
        assert [news.hopeless for _, news in letters] == [False] * (len(letters) - 1) + [True]
        assert 900 <= letters[-1][0] <= 901
    assert len(platform.requests) <= 900 / min(interval, 900) / 0.97 + 2


@foreign
@pytest.mark.parametrize("other", [DROPPED, NOT_LISTENING, DOWN, LIMITED], ids=["line", "refused", "5xx", "429"])
def test_other_trouble_restarts(time, error, other):
    """
    The 15 minutes are counted from the last trouble of another kind.

    A gateway in a deploy tells many things; an address that is wrong tells one.
    """

    def fault(number, ids):
        return other if 300 <= time.clock() - time.start < 1200 else error

    platform = FakePlatform(time, fault=fault)

    letters = time.run(wait(platform, ["a"], limit=3000))

    [first] = [at for at, news in letters if news.error is error and at >= 1200][:1]
    hopeless = [at for at, news in letters if news.hopeless]
    assert first + 900 <= hopeless[0] <= first + 901


@foreign
def test_own_budget_restarts_none(time, error):
    """
    Our own budget does not start the 15 minutes anew.

    Nothing was sent, so that it says nothing about the address.
    """
    platform = FakePlatform(time, fault=lambda number, ids: SPENT if 300 <= time.clock() - time.start < 600 else error)

    letters = time.run(wait(platform, ["a"], limit=901))

    assert {news.error for _, news in letters} == {error, SPENT}
    assert [at >= 900 for at, _ in letters] == [news.hopeless for _, news in letters]
    assert letters[-1][1].hopeless


def test_refused_line_is_not_lost(time):
    platform = failing(time, NOT_LISTENING)

    letters = time.run(wait(platform, ["a"], limit=7 * 86_400.0))

    assert len(letters) > 1000
    assert not any(news.hopeless for _, news in letters)


@foreign
def test_answer_is_of_one_wait(time, error):
    """
    A wait that was answered before does not vouch for one that was not.

    The connection may have been changed since.
    """
    platform = failing(time, error)

    async def main():
        return await asyncio.gather(wait(platform, ["a"], limit=1800, answered=True), wait(platform, ["b"], limit=1800))

    old, new = time.run(main())

    assert not any(news.hopeless for _, news in old)
    assert [at >= 900 for at, _ in new] == [news.hopeless for _, news in new]
    assert new[-1][1].hopeless


@foreign
@pytest.mark.parametrize("answered", [True, False], ids=["before", "here"])
def test_astray_later_waits(time, error, answered):
    """An answer that leads astray is waited out if the address has answered before."""
    good = 0 if answered else 1
    platform = FakePlatform(time, fault=lambda number, ids: error if good <= number < good + 500 else None)
    platform.end(["a"], after=30)

    letters = time.run(wait(platform, ["a"], answered=answered))

    assert [news.hopeless for _, news in letters if news.error] == [False] * 500
    assert ended(letters) == {"a"}
    assert platform.asked("a")[-1] >= 500 * INTERVAL * 0.95


@foreign
def test_new_address_is_new(time, error):
    """
    An address that the connection has got meanwhile is as good as new.

    What a wait was answered at the one before does not count, nor what it was told before it joined.
    """
    changed = CONNECTION_LIFE + 1
    platform = FakePlatform(time)
    platform.fault = lambda number, ids: error if platform.clients[-1].settings.base_url == "wrong" else None

    async def newcomer():
        await asyncio.sleep(changed + INTERVAL)
        return await wait(platform, ["new"], limit=1800)

    async def main():
        asyncio.get_running_loop().call_later(INTERVAL, setattr, platform, "address", "wrong")
        told = wait(platform, ["told"], answered=True, limit=changed + 3600)
        return await asyncio.gather(wait(platform, ["old"], limit=changed + 3600), told, newcomer())

    for letters in time.run(main()):
        first = next(at for at, one in letters if one.error)
        hopeless = next(at for at, one in letters if one.hopeless)
        # The look that finds the connection too old may hear the first error, and still asks the address before.
        assert first + 900 <= hopeless <= first + INTERVAL + 901


@foreign
def test_mended_has_15_minutes(time, error):
    """
    An address that was mended meanwhile has 15 minutes of its own.

    The connection is read again after 10 minutes; then the right address is in a deploy for another 10.
    """
    mended = CONNECTION_LIFE + 1
    platform = FakePlatform(time)
    platform.address = "wrong"

    def fault(number, ids):
        wrong = platform.clients[-1].settings.base_url == "wrong"
        return error if wrong or time.clock() < time.start + mended + 600 else None

    platform.fault = fault
    platform.end(["a"], after=mended + 700)

    async def main():
        asyncio.get_running_loop().call_later(INTERVAL, setattr, platform, "address", "right")
        return await wait(platform, ["a"], limit=mended + 1800)

    letters = time.run(main())

    assert not any(news.hopeless for _, news in letters)
    assert ended(letters) == {"a"}


@foreign
def test_answered_has_no_limit(time, error):
    """The 15 minutes do not begin at an address that has answered somebody."""
    changed = CONNECTION_LIFE + 1
    platform = FakePlatform(time, fault=lambda number, ids: error if number else None)

    async def newcomer():
        await asyncio.sleep(INTERVAL / 2)
        return await wait(platform, ["new"], limit=changed + 1800)

    async def main():
        asyncio.get_running_loop().call_later(INTERVAL, setattr, platform, "address", "wrong")
        return await asyncio.gather(wait(platform, ["old"], limit=changed + 1800), newcomer())

    _, news = time.run(main())

    hopeless = next(at for at, one in news if one.hopeless)
    # The look that finds the connection too old still asks the address before; the next one asks the new address.
    assert changed + 900 <= hopeless <= changed + 2 * INTERVAL + 900 + 1
