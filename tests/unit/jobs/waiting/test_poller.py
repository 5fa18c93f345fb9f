"""Many waiters, few requests, on virtual time with real threads."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import traceback
from itertools import pairwise

import pytest

from airflow_provider_cgc.client.errors import (
    CgcBudgetSpent,
    CgcConnectionError,
    CgcForbidden,
    CgcNotFound,
    CgcRateLimited,
    CgcRedirect,
    CgcSettingsError,
    CgcUnauthorized,
    CgcUnavailable,
)
from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.client.models import JobState
from airflow_provider_cgc.jobs.kinds import EXPORT, IMPORT
from airflow_provider_cgc.jobs.waiting.look import THREADS
from airflow_provider_cgc.jobs.waiting.poller import MOST_APART, Poller
from airflow_provider_cgc.jobs.waiting.sharing import CONNECTION_LIFE, Threads, shared_poller
from tests.fakes.platform import UNKNOWN, FakePlatform, some_ids

INTERVAL = 60.0
GATHERED = 0.2
"""Seconds within which a look that is due has begun."""


def api_error(kind, status, code=None, retry_after=None):
    problem = Problem(status, code, "the platform says no")
    return kind(problem, status=status, call="POST /bulk/storage/exports/get", retry_after=retry_after)


LIMITED = api_error(CgcRateLimited, 429, 1000, retry_after=240.0)
SPENT = CgcBudgetSpent("Airflow's share is used up", call="POST /bulk/storage/exports/get", retry_after=30.0)
MAINTENANCE = api_error(CgcUnavailable, 503, 0)
DOWN = api_error(CgcUnavailable, 502)
DROPPED = CgcConnectionError("the line dropped", sent=True)
TOKEN = api_error(CgcUnauthorized, 401)
RIGHTS = api_error(CgcForbidden, 403)
PATH = api_error(CgcNotFound, 404)
PAGE = CgcNotFound(Problem(404, None, "a page", made_here=True), status=404, call="POST /bulk/storage/exports/get")
REDIRECT = CgcRedirect("to a login page", status=302, to_host="login.example.org")
REFUSED = CgcConnectionError("nothing listens there", sent=False)

foreign = pytest.mark.parametrize("error", [PAGE, REDIRECT], ids=["page", "redirect"])
"""Answers that are not the platform's own."""


def sharing(platform, key="cgc_default", **how):
    def make(threads):
        return Poller(platform.kind, platform.connect, threads=threads, clock=platform.time.clock, **how)

    return shared_poller(key, platform.kind, make)


async def wait(platform, ids, *, interval=INTERVAL, first_look=0.0, limit=86_400.0, answered=False):
    """Wait until all `ids` have ended or `limit` seconds are over, as a trigger does; give the news."""
    clock = platform.time.clock
    until = clock() + limit
    letters, open_ids = [], set(ids)
    with sharing(platform) as poller:
        waiter = poller.join(ids, interval=interval, first_look=clock() + first_look, answered=answered)
        try:
            while open_ids and clock() < until:
                news = await waiter.news(timeout=until - clock())
                if news is not None:
                    letters.append((clock() - platform.time.start, news))
                    open_ids -= ended(letters[-1:])
        finally:
            poller.leave(waiter)
    return letters


def ended(letters):
    return {record.id for _, news in letters for record in news.records if record.resource and record.resource.done}


def poller_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("cgc-poller")]


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
        assert sweeps[1:] == [set(ids[3:]), set(ids[:3])]

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


class TestErrors:
    def fail(self, time, error, times=10**9):
        return FakePlatform(time, fault=lambda number, ids: error if number < times else None)

    def test_429_is_waited_out(self, time):
        """A 429 is waited out as long as the answer says."""
        platform = self.fail(time, LIMITED, times=1)
        platform.end(["a"], after=0)

        letters = time.run(wait(platform, ["a"]))

        first, second = platform.asked("a")
        assert 240 <= second - first <= 240 + 10 + 1
        assert letters[0][1].error is LIMITED
        assert 240 <= letters[0][1].next_look <= 250
        assert ended(letters) == {"a"}

    def test_429_without_advice(self, time):
        """A 429 that advises no wait is not hammered."""
        platform = FakePlatform(time)

        def refuse(number, ids):
            platform.budget.observe_429(0.0)  # as the client does
            return api_error(CgcRateLimited, 429, 1000, retry_after=0.0)

        platform.fault = refuse

        time.run(wait(platform, some_ids(1000), limit=300))

        assert 5 <= len(platform.requests) <= 30

    def test_429_is_of_one_request(self, time):
        platform = FakePlatform(time, fault=lambda number, ids: LIMITED if "x00000" in ids and number < 10 else None)

        async def main():
            await asyncio.gather(
                wait(platform, some_ids(100, "x"), limit=200),
                wait(platform, some_ids(100, "y"), first_look=1, limit=200),
            )

        time.run(main())

        assert (len(platform.asked("x00000")), len(platform.asked("y00000"))) == (1, 4)

    @pytest.mark.parametrize("error", [DOWN, DROPPED], ids=["5xx", "dropped line"])
    def test_hiccup_is_repeated_soon(self, time, error):
        """A hiccup is repeated soon, and lasting trouble once an interval."""
        platform = self.fail(time, error)

        letters = time.run(wait(platform, ["a"], limit=3600))

        looks = platform.asked("a")
        gaps = [later - earlier for earlier, later in pairwise(looks)]
        assert gaps[0] <= 1.2
        assert gaps[2] <= 4.2
        assert all(60 <= gap <= 61 for gap in gaps[3:])
        assert all(news.error is error and not news.hopeless for _, news in letters)

    def test_maintenance_in_minutes(self, time):
        platform = self.fail(time, MAINTENANCE)

        time.run(wait(platform, ["a"], limit=3600))

        assert 10 <= len(platform.asked("a")) <= 18

    def test_interval_returns(self, time):
        """After trouble the interval is the user's again."""
        platform = self.fail(time, DOWN, times=8)

        time.run(wait(platform, ["a"], limit=1000))

        looks = platform.asked("a")[8:]
        assert all(55 <= later - earlier <= 61 for earlier, later in pairwise(looks))

    def test_trouble_starts_small(self, time):
        platform = FakePlatform(time, fault=lambda number, ids: DOWN if number < 8 or number == 9 else None)

        time.run(wait(platform, ["a"], limit=1000))

        looks = platform.asked("a")
        assert looks[10] - looks[9] <= 1.2

    @pytest.mark.parametrize("error", [RIGHTS, PATH], ids=["403", "404"])
    def test_hopeless_at_once(self, time, error):
        platform = self.fail(time, error)

        letters = time.run(wait(platform, ["a"], limit=30))

        assert [(news.error, news.hopeless) for _, news in letters] == [(error, True)]
        assert platform.connects == 1

    @foreign
    @pytest.mark.parametrize("interval", [10.0, INTERVAL, 4 * 3600.0])
    def test_no_answer_in_15_minutes(self, time, error, interval):
        """An address that never answered is hopeless to everyone after 15 minutes."""
        platform = self.fail(time, error)

        async def main():
            waits = (wait(platform, [job_id], interval=interval, limit=901) for job_id in some_ids(80))
            return await asyncio.gather(*waits)

        for letters in time.run(main()):
            assert {news.error for _, news in letters} == {error}
            assert [news.hopeless for _, news in letters] == [False] * (len(letters) - 1) + [True]
            assert 900 <= letters[-1][0] <= 901
        assert len(platform.requests) <= 900 / min(interval, 900) / 0.97 + 2

    @foreign
    @pytest.mark.parametrize("other", [DROPPED, REFUSED, DOWN, LIMITED], ids=["line", "refused", "5xx", "429"])
    def test_other_trouble_restarts(self, time, error, other):
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
    def test_own_budget_restarts_none(self, time, error):
        """
        Our own budget does not start the 15 minutes anew.

        Nothing was sent, so that it says nothing about the address.
        """
        platform = FakePlatform(
            time, fault=lambda number, ids: SPENT if 300 <= time.clock() - time.start < 600 else error
        )

        letters = time.run(wait(platform, ["a"], limit=901))

        assert {news.error for _, news in letters} == {error, SPENT}
        assert [at >= 900 for at, _ in letters] == [news.hopeless for _, news in letters]
        assert letters[-1][1].hopeless

    def test_refused_line_is_not_lost(self, time):
        platform = self.fail(time, REFUSED)

        letters = time.run(wait(platform, ["a"], limit=7 * 86_400.0))

        assert len(letters) > 1000
        assert not any(news.hopeless for _, news in letters)

    @foreign
    def test_answer_is_of_one_wait(self, time, error):
        """
        A wait that was answered before does not vouch for one that was not.

        The connection may have been changed since.
        """
        platform = self.fail(time, error)

        async def main():
            return await asyncio.gather(
                wait(platform, ["a"], limit=1800, answered=True), wait(platform, ["b"], limit=1800)
            )

        old, new = time.run(main())

        assert not any(news.hopeless for _, news in old)
        assert [at >= 900 for at, _ in new] == [news.hopeless for _, news in new]
        assert new[-1][1].hopeless

    @foreign
    @pytest.mark.parametrize("answered", [True, False], ids=["before", "here"])
    def test_astray_later_waits(self, time, error, answered):
        """An answer that leads astray is waited out if the address has answered before."""
        good = 0 if answered else 1
        platform = FakePlatform(time, fault=lambda number, ids: error if good <= number < good + 500 else None)
        platform.end(["a"], after=30)

        letters = time.run(wait(platform, ["a"], answered=answered))

        assert [news.hopeless for _, news in letters if news.error] == [False] * 500
        assert ended(letters) == {"a"}
        assert platform.asked("a")[-1] >= 500 * INTERVAL * 0.95

    @foreign
    def test_new_address_is_new(self, time, error):
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
    def test_mended_has_15_minutes(self, time, error):
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
    def test_answered_has_no_limit(self, time, error):
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

    def test_all_hear_of_an_error(self, time):
        platform = self.fail(time, RIGHTS)

        async def main():
            return await asyncio.gather(wait(platform, ["a"], limit=30), wait(platform, ["b", "a"], limit=30))

        assert all(letters for letters in time.run(main()))

    def test_one_bad_id_is_alone(self, time):
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
    def test_bad_ids_are_alone(self, time, arrival, bad):
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

    def test_who_left_is_not_asked(self, time):
        """Ids of waiters who have left since a refusal are not asked for."""
        platform = FakePlatform(
            time, latency=lambda ids: 5.0, fault=lambda number, ids: RIGHTS if number == 0 else None
        )

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

    def test_shared_refusal_is_one(self, time):
        """A refusal to everyone is not asked for again for each."""
        platform = self.fail(time, RIGHTS)

        async def main():
            return await asyncio.gather(*(wait(platform, [job_id], limit=30) for job_id in some_ids(80)))

        assert all(news.hopeless for letters in time.run(main()) for _, news in letters)
        assert len(platform.requests) <= 4

    def test_cancelled_look_returns(self, time):
        platform = FakePlatform(time)
        platform.connect_fault = lambda number: asyncio.CancelledError() if number == 0 else None
        platform.end(["a"], after=0)

        letters = time.run(wait(platform, ["a"], limit=300))

        assert ended(letters) == {"a"}

    def test_answers_beside_an_error(self, time):
        platform = FakePlatform(time, fault=lambda number, ids: DOWN if "job00000" in ids else None)
        ids = some_ids(250)
        platform.end(ids, after=0)

        letters = time.run(wait(platform, ids, limit=30))

        assert len(ended(letters)) >= 150

    def test_bug_reaches_the_waiter(self, time):
        platform = self.fail(time, ZeroDivisionError("a bug"))

        with pytest.raises(ZeroDivisionError, match="a bug"):
            time.run(wait(platform, ["a"]))

    def test_bug_shows_its_place(self, time):
        """A bug shows where it happened, however many waiters meet it."""
        platform = self.fail(time, ZeroDivisionError("a bug"))

        async def main():
            return await asyncio.gather(*(wait(platform, ["a"]) for _ in range(200)), return_exceptions=True)

        bugs = time.run(main())

        assert all(isinstance(bug, ZeroDivisionError) for bug in bugs)
        lines = traceback.format_exception(bugs[-1])
        assert "in answer" in "".join(lines)
        assert len(lines) < 30

    def test_planner_bug_reaches_all(self, platform, monkeypatch):
        def broken(self, now):
            raise ZeroDivisionError

        monkeypatch.setattr(Poller, "_send_what_is_due", broken)

        async def main():
            return await asyncio.gather(
                wait(platform, ["a"], limit=60), wait(platform, ["b"], limit=60), return_exceptions=True
            )

        assert [type(result) for result in platform.time.run(main())] == [ZeroDivisionError] * 2

    def test_served_after_a_bug(self, platform, monkeypatch):
        plan, calls = Poller._send_what_is_due, []

        def broken_once(self, now):
            calls.append(now)
            if len(calls) == 1:
                raise ZeroDivisionError
            return plan(self, now)

        monkeypatch.setattr(Poller, "_send_what_is_due", broken_once)
        platform.end(["b"], after=0)

        async def main():
            poller = Poller(EXPORT, platform.connect, threads=Threads(), clock=platform.time.clock)
            first = poller.join(["a"], interval=INTERVAL, first_look=0.0)
            with pytest.raises(ZeroDivisionError):
                await first.news(timeout=10)
            second = poller.join(["b"], interval=INTERVAL, first_look=0.0)
            news = await second.news(timeout=10)
            poller.close()
            return news

        news = platform.time.run(main())

        assert "b" in {record.id for record in news.records}


class TestConnection:
    def test_read_once_for_all(self, platform):
        async def main():
            await asyncio.gather(*(wait(platform, some_ids(100, f"w{n}x"), limit=300) for n in range(20)))

        platform.time.run(main())

        assert platform.connects == 1

    def test_read_again_in_10_minutes(self, platform):
        platform.time.run(wait(platform, ["a"], limit=3600))

        assert platform.connects == 6
        assert [client.closed for client in platform.clients] == [1] * 6

    def test_later_looks_use_the_new(self, platform):
        platform.time.run(wait(platform, ["a"], limit=800))

        clients = [request.client for request in platform.requests]
        assert clients[0] is platform.clients[0]
        assert clients[-1] is platform.clients[1]

    @pytest.mark.parametrize("fault", [DROPPED, RuntimeError("Airflow's own database is away")], ids=["error", "bug"])
    def test_old_one_serves_on(self, platform, fault):
        """The old connection serves on if it cannot be read again."""
        platform.connect_fault = lambda number: fault if number > 0 else None

        letters = platform.time.run(wait(platform, ["a"], limit=3600))

        assert platform.connects > 1
        assert {request.client for request in platform.requests} == {platform.clients[0]}
        assert all(news.error is None for _, news in letters)

    def test_refused_token_is_reread(self, time):
        platform = FakePlatform(time, fault=lambda number, ids: TOKEN if number == 0 else None)
        platform.end(["a"], after=0)

        letters = time.run(wait(platform, ["a"]))

        assert platform.connects == 2
        assert [news.error for _, news in letters] == [None]
        assert [client.closed for client in platform.clients] == [1, 1]

    def test_refused_again_is_lost(self, time):
        platform = FakePlatform(time, fault=lambda number, ids: TOKEN)

        letters = time.run(wait(platform, ["a"], limit=30))

        assert (platform.connects, len(platform.requests)) == (2, 2)
        assert [(news.error, news.hopeless) for _, news in letters] == [(TOKEN, True)]

    def test_many_refusals_one_read(self, time):
        """A token refused to many requests at once is read once more for all."""
        platform = FakePlatform(time, latency=lambda ids: 1.0)
        platform.fault = lambda number, ids: TOKEN if number < 8 else None
        ids = some_ids(800)
        platform.end(ids, after=0)

        letters = time.run(wait(platform, ids))

        assert platform.connects == 2
        assert ended(letters) == set(ids)

    def test_read_after_a_failed_read(self, time):
        """Two requests are refused; the first's new connection fails before the second's refusal arrives."""
        platform = FakePlatform(time, latency=lambda ids: 1.0 if "job00000" in ids else 1.3)
        platform.fault = lambda number, ids: TOKEN if number < 2 else None
        platform.connect_fault = lambda number: DROPPED if number == 1 else None
        ids = some_ids(200)
        platform.end(ids, after=0)

        letters = time.run(wait(platform, ids))

        assert ended(letters) == set(ids)
        assert [news.error for _, news in letters if news.error] == [DROPPED]

    def test_unreadable_is_an_error(self, platform):
        refusal = CgcSettingsError("password", "there is no token in the connection")
        platform.connect_fault = lambda number: refusal

        letters = platform.time.run(wait(platform, ["a"], limit=30))

        assert [(news.error, news.hopeless) for _, news in letters] == [(refusal, True)]
        assert platform.requests == []

    def test_unreadable_comes_later(self, platform):
        platform.connect_fault = lambda number: DROPPED if number < 3 else None
        platform.end(["a"], after=0)

        letters = platform.time.run(wait(platform, ["a"]))

        assert platform.connects == 4
        assert ended(letters) == {"a"}

    def test_bug_in_reading_arrives(self, platform):
        platform.connect_fault = lambda number: KeyError("host")

        with pytest.raises(KeyError, match="host"):
            platform.time.run(wait(platform, ["a"]))

    def test_cancel_spares_the_lookup(self, platform):
        connect = platform.connect
        platform.end(["a", "b"], after=0)

        async def slowly():
            await asyncio.sleep(5)
            return await connect()

        platform.connect = slowly

        async def main():
            first = asyncio.create_task(wait(platform, ["a"]))
            second = asyncio.create_task(wait(platform, ["b"]))
            await asyncio.sleep(2)
            first.cancel()
            return await second

        assert ended(platform.time.run(main())) == {"b"}
        assert platform.connects == 1


class TestEnd:
    def test_last_one_out_closes(self, platform):
        platform.end(["a"], after=0)

        platform.time.run(wait(platform, ["a"]))

        assert [client.closed for client in platform.clients] == [1]
        _join_threads()
        assert poller_threads() == []

    def test_goes_on_for_the_rest(self, platform):
        platform.end(["a"], after=0)
        platform.end(["b"], after=300)

        async def main():
            return await asyncio.gather(wait(platform, ["a"]), wait(platform, ["b"]))

        letters = platform.time.run(main())

        assert ended(letters[1]) == {"b"}
        assert (platform.connects, [client.closed for client in platform.clients]) == (1, [1])

    def test_cancelled_asks_no_more(self, platform):
        """The ids of a cancelled waiter are asked no more, and the other waits on."""
        platform.end(["b"], after=600)

        async def main():
            first = asyncio.create_task(wait(platform, ["a", "both"]))
            second = asyncio.create_task(wait(platform, ["b", "both"], limit=900))
            await asyncio.sleep(100)
            first.cancel()
            return await second

        letters = platform.time.run(main())

        assert ended(letters) == {"b"}
        assert max(platform.asked("a")) < 100
        assert max(platform.asked("both")) > 800

    def test_late_answer_is_dropped(self, time, caplog):
        platform = FakePlatform(time, latency=lambda ids: 30.0)

        async def main():
            await wait(platform, ["a"], limit=5)
            await asyncio.sleep(60)

        time.run(main())

        assert caplog.records == []
        _join_threads()
        assert poller_threads() == []

    def test_threads_serve_all_kinds(self, time):
        """The kinds of one connection share their threads until the last one left."""
        exports, imports = (FakePlatform(time, kind=kind, latency=lambda ids: 5.0) for kind in (EXPORT, IMPORT))
        counts = []

        async def main():
            first = asyncio.create_task(wait(exports, some_ids(1000), limit=30))
            last = asyncio.create_task(wait(imports, some_ids(1000), limit=90))
            await asyncio.sleep(20)
            counts.append(len(poller_threads()))
            await first
            counts.append(len(poller_threads()))
            await last

        time.run(main())

        assert counts == [THREADS, THREADS]
        assert len(imports.requests) > 10
        _join_threads()
        assert poller_threads() == []

    def test_unsent_stays_unsent(self, time):
        """The threads go on for imports; the exports that wait for a thread are nobody's any more."""
        exports, imports = (FakePlatform(time, kind=kind, latency=lambda ids: 30.0) for kind in (EXPORT, IMPORT))

        async def main():
            await asyncio.gather(wait(exports, some_ids(1000), limit=5), wait(imports, ["a"], limit=120))

        time.run(main())

        assert len(exports.requests) <= THREADS
        assert len(imports.requests) >= 2

    def test_loop_is_left_clean(self, time):
        platform = FakePlatform(time, latency=lambda ids: 1.0)
        left = []

        async def main():
            await wait(platform, some_ids(300), limit=100)
            await asyncio.sleep(0)
            left.extend(asyncio.all_tasks() - {asyncio.current_task()})

        time.run(main())

        assert left == []

    def test_newcomer_gets_a_poller(self, platform):
        platform.end(["a", "b"], after=0)

        async def main():
            await wait(platform, ["a"])
            return await wait(platform, ["b"])

        assert ended(platform.time.run(main())) == {"b"}
        assert platform.connects == 2

    def test_nothing_makes_no_request(self, platform):
        async def main():
            with sharing(platform) as poller:
                waiter = poller.join([], interval=INTERVAL, first_look=0.0)
                assert await waiter.news(timeout=300) is None
                poller.leave(waiter)

        platform.time.run(main())

        assert platform.requests == []

    def test_gone_ids_are_forgotten(self, time):
        """A poller lives as long as somebody waits, which may be months."""
        platform = FakePlatform(time, latency=lambda ids: 5.0)
        platform.refuse(some_ids(50, "gone"), UNKNOWN)
        platform.end(some_ids(50, "done"), after=0)
        left = {}

        async def main():
            with sharing(platform) as poller:
                stays = poller.join(["stays"], interval=INTERVAL, first_look=time.clock())
                for round_ in ("gone", "done"):
                    waiter = poller.join(some_ids(50, round_), interval=INTERVAL, first_look=time.clock())
                    await asyncio.sleep(2)
                    poller.leave(waiter)
                    await asyncio.sleep(100)
                sizes = {name: len(value) for name, value in vars(poller).items() if isinstance(value, (set, dict))}
                left.update(sizes)
                poller.leave(stays)

        time.run(main())

        assert {name: size for name, size in left.items() if size > 1 and name != "_tasks"} == {}


class TestContext:
    def test_context_stays_outside(self, platform):
        """Airflow routes log lines by context: the poller's must not land in the log of whoever came first."""
        task_log = contextvars.ContextVar("task_log")
        seen = []
        connect = platform.connect

        async def looking():
            seen.append(task_log.get(None))
            return await connect()

        platform.connect = looking

        async def main():
            task_log.set("the first waiter's")
            await wait(platform, ["a"], limit=200)

        platform.time.run(main())

        assert seen == [None]
        assert [request.context.get(task_log) for request in platform.requests] == [None] * len(platform.requests)
        assert len(platform.requests) >= 3

    def test_poller_logs_nothing(self, time, caplog):
        caplog.set_level(0)
        platform = FakePlatform(time, fault=lambda number, ids: [None, DOWN, LIMITED][number % 3])

        time.run(wait(platform, ["a"], limit=3600))

        assert [record for record in caplog.records if "selector" not in record.message] == []


def _join_threads():
    """Let threads that were told to end do so."""
    patience = 100
    while poller_threads() and patience:
        poller_threads()[0].join(timeout=0.02)
        patience -= 1


def test_failed_is_an_end(platform):
    platform.end(["a"], after=0, state=JobState.FAILED)

    letters = platform.time.run(wait(platform, ["a"]))

    assert len(platform.asked("a")) == 1
    assert ended(letters) == {"a"}
