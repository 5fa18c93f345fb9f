"""Our share of the platform's 1000 requests in 300 seconds."""

from __future__ import annotations

import math
import threading
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.client import RateBudget, Settings, budget_for
from tests.fakes.clock import Clock

NOW = 1_767_226_000.0


def headers(remaining: Any, reset: Any = NOW + 120, limit: Any = 1000) -> dict[str, str]:
    return {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(remaining), "X-RateLimit-Reset": str(reset)}


def hear(budget: RateBudget, told: dict[str, str]) -> None:
    """Let a budget learn from the headers of an answer."""
    budget.claim(regardless=True)
    budget.settle(told)


def claimed(budget: RateBudget, *, of: int) -> int:
    """Claim requests until the share is used up, and say how many there were."""
    return sum(not budget.claim() for _ in range(of))


@pytest.fixture
def ticks() -> Clock:
    return Clock(NOW)


@pytest.fixture
def budget(ticks: Clock) -> RateBudget:
    return RateBudget(share=0.8, clock=ticks)


def test_starts_without_delay(budget: RateBudget) -> None:
    assert budget.delay() == 0.0
    assert budget.spread(80) == 0.0


@pytest.mark.parametrize(
    ("share", "remaining", "delay"),
    [
        (0.8, 987, 0.0),
        (0.8, 201, 0.0),
        (0.8, 200, 120.0),
        (0.8, 0, 120.0),
        (1.0, 1, 0.0),
        (1.0, 0, 120.0),
        (0.5, 501, 0.0),
        (0.5, 500, 120.0),
        (0.1, 900, 120.0),
    ],
)
def test_share_is_ours(ticks: Clock, share: float, remaining: int, delay: float) -> None:
    """The share is ours, the rest is people's."""
    budget = RateBudget(share=share, clock=ticks)

    hear(budget, headers(remaining))

    assert budget.delay() == pytest.approx(delay)


def test_next_window_frees_it(budget: RateBudget, ticks: Clock) -> None:
    hear(budget, headers(10))
    assert budget.delay() == pytest.approx(120)

    ticks.now += 121

    assert budget.delay() == 0.0
    hear(budget, headers(999, NOW + 421))
    assert claimed(budget, of=1000) == 799
    assert budget.delay() == pytest.approx(300)


def test_milliseconds_are_seconds(budget: RateBudget) -> None:
    hear(budget, headers(0, int(NOW + 120) * 1000))

    assert budget.delay() == pytest.approx(120)


@pytest.mark.parametrize("reset", [NOW + 5000, (NOW + 5000) * 1000, NOW * 1000 * 1000, 9e300])
def test_window_bounds_waits(budget: RateBudget, reset: float) -> None:
    hear(budget, headers(0, reset))

    assert budget.delay() <= 310


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        headers("many"),
        headers(-1),
        headers(5, "soon"),
        headers(5, 0),
        headers(5, "inf"),
        headers(5, limit=0),
        headers(5, limit=-1),
        headers("nan"),
        {"X-RateLimit-Remaining": "0"},
    ],
)
def test_nonsense_is_ignored(budget: RateBudget, nonsense: dict[str, str]) -> None:
    hear(budget, nonsense)

    assert budget.delay() == 0.0
    assert budget.spread(80) == pytest.approx(30.0), "what is documented, as if nothing had been told"


def test_headers_in_any_case(budget: RateBudget) -> None:
    hear(budget, {name.lower(): value for name, value in headers(0).items()})

    assert budget.delay() == pytest.approx(120)


def test_overtaken_gives_no_back(budget: RateBudget) -> None:
    """An overtaken answer does not give requests back."""
    hear(budget, headers(200))
    hear(budget, headers(205))

    assert budget.delay() == pytest.approx(120)


def test_last_window_is_ignored(budget: RateBudget) -> None:
    hear(budget, headers(990, NOW + 250))
    hear(budget, headers(3, NOW + 1))

    assert budget.delay() == 0.0


@pytest.mark.parametrize("off", [-280, -15, 15, 250])
def test_odd_clock_keeps_windows(budget: RateBudget, ticks: Clock, off: int) -> None:
    """A clock that is off neither prolongs nor shortens a window."""
    dated = {"Date": formatdate(NOW, usegmt=True)}
    ticks.now = NOW + off

    hear(budget, headers(200, NOW + 120) | dated)

    assert budget.delay() == pytest.approx(120)


def test_slow_is_no_new_window(budget: RateBudget, ticks: Clock) -> None:
    """
    Answers that take long are not taken for a new window.

    By their dates the window seems to end later the longer they were on their way.
    """
    for late in (0, 9, 4, 20):
        ticks.now = NOW + late
        hear(budget, headers(300 - late, NOW + 120) | {"Date": formatdate(NOW, usegmt=True)})

    assert claimed(budget, of=1000) == 80
    assert budget.delay() == pytest.approx(100)


@pytest.mark.parametrize(("advice", "delay"), [(None, 60.0), (7.0, 7.0), (0.0, 5.0), (9999.0, 310.0), (-5.0, 5.0)])
def test_429_is_waited_for(budget: RateBudget, ticks: Clock, advice: float | None, delay: float) -> None:
    hear(budget, headers(900))

    budget.observe_429(advice)

    assert budget.delay() == pytest.approx(delay)
    ticks.now += delay
    assert budget.delay() == 0.0


def test_short_advice_loses_trust(budget: RateBudget, ticks: Clock) -> None:
    """Advice that proves too short is believed less and less."""
    waits = []
    for _ in range(6):
        budget.observe_429(0.0)
        waits.append(budget.delay())
        ticks.now += waits[-1] + 1

    assert waits == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    ticks.now += 60
    budget.observe_429(0.0)
    assert budget.delay() == 5.0


def test_refusals_count_once(budget: RateBudget, ticks: Clock) -> None:
    for _ in range(8):
        budget.observe_429(0.0)
        ticks.now += 0.1

    assert budget.delay() == pytest.approx(4.9)


def test_says_why_to_wait(budget: RateBudget) -> None:
    assert budget.why().endswith("is used up for now (rate_share 0.8)")

    hear(budget, headers(200))
    assert (
        budget.why()
        == "Airflow's share of the platform's requests is used up for now (rate_share 0.8 of 1000 in 5 minutes)"
    )

    budget.observe_429(200)
    assert "(429)" in budget.why()


def test_odd_429_is_ignored(budget: RateBudget) -> None:
    budget.observe_429(float("nan"))

    assert budget.delay() == 0.0


def test_threads_may_share_it(budget: RateBudget) -> None:
    def work(start: int) -> None:
        for remaining in range(start, 300, -8):
            hear(budget, headers(remaining))
            budget.delay()

    threads = [threading.Thread(target=work, args=(1000 - offset,)) for offset in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert claimed(budget, of=1000) == 101


@given(
    st.dictionaries(
        st.sampled_from(["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Date"]), st.text()
    )
)
def test_310_seconds_at_most(strange: dict[str, str]) -> None:
    budget = RateBudget(share=0.8, clock=lambda: NOW)

    hear(budget, strange)

    assert 0 <= budget.delay() <= 310


class TestUnderWay:
    """Requests that were sent and not answered yet."""

    def test_they_count_as_used(self, budget: RateBudget) -> None:
        hear(budget, headers(203))

        assert [budget.claim() for _ in range(5)] == [0.0, 0.0, 0.0, pytest.approx(120), pytest.approx(120)]

    def test_answer_replaces_a_guess(self, budget: RateBudget) -> None:
        hear(budget, headers(202))
        budget.claim()
        budget.claim()

        budget.settle(headers(202))

        assert budget.claim() == 0.0

    def test_dropped_line_ends_claim(self, budget: RateBudget) -> None:
        hear(budget, headers(201))
        budget.claim()

        budget.settle(None)

        assert budget.delay() == 0.0

    def test_impatient_counts_as_well(self, budget: RateBudget) -> None:
        hear(budget, headers(200))

        sent = budget.sent
        assert budget.claim(regardless=True) == 0.0

        assert budget.sent == sent + 1
        budget.settle(headers(199))
        assert budget.delay() == pytest.approx(120)

    def test_threads_stay_in_share(self, budget: RateBudget) -> None:
        hear(budget, headers(260))
        sent: list[int] = []

        def work() -> None:
            for _ in range(40):
                if not budget.claim():
                    sent.append(1)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(sent) == 60


class TestPace:
    """The pace with which the share lasts."""

    def test_nothing_known_at_first(self, budget: RateBudget) -> None:
        assert budget.pace_for(self, 1000.0) == math.inf
        assert budget.spread(1000) == 0.0

    def test_default_without_count(self, budget: RateBudget) -> None:
        """Answers without a count leave the documented limit."""
        hear(budget, {"Content-Type": "application/json"})

        assert budget.pace_for(self, 10.0) == pytest.approx(800 / 300)
        assert budget.spread(80) == pytest.approx(30.0)
        assert budget.delay() == 0.0

    def test_fitting_wish_is_free(self, budget: RateBudget) -> None:
        hear(budget, headers(800, NOW + 300))

        assert budget.pace_for(self, 2.0) == math.inf

    def test_rest_for_a_large_wish(self, budget: RateBudget) -> None:
        """A wish that does not fit gets the rest of the share."""
        hear(budget, headers(800, NOW + 300))

        assert budget.pace_for(self, 10.0) == pytest.approx(600 / 300)

    def test_new_window_is_whole(self, budget: RateBudget, ticks: Clock) -> None:
        hear(budget, headers(210, NOW + 100))
        ticks.now += 101

        assert budget.pace_for(self, 10.0) == pytest.approx(800 / 300)

    def test_two_share_by_wishes(self, budget: RateBudget) -> None:
        hear(budget, headers(800, NOW + 300))
        other = RateBudget(share=1)

        budget.pace_for(other, 30.0)

        assert budget.pace_for(self, 10.0) == pytest.approx(2.0 / 4)
        assert budget.pace_for(other, 30.0) == pytest.approx(2.0 * 3 / 4)

    def test_gone_wishes_nothing(self, budget: RateBudget) -> None:
        hear(budget, headers(800, NOW + 300))
        other = RateBudget(share=1)
        budget.pace_for(other, 30.0)

        budget.forget(other)
        budget.forget(other)

        assert budget.pace_for(self, 10.0) == pytest.approx(2.0)

    def test_others_keep_theirs(self, budget: RateBudget, ticks: Clock) -> None:
        one_a_second(budget, ticks, others=1, seconds=200)

        seen = 1 - math.exp(-200 / 100)
        assert budget.pace_for(self, 1000.0) == pytest.approx((1000 - 400 - 200) / 100 - seen, rel=0.01)

    def test_own_is_not_others(self, budget: RateBudget, ticks: Clock) -> None:
        """Own requests are not taken for those of others."""
        one_a_second(budget, ticks, others=0, seconds=290)

        assert budget.pace_for(self, 1000.0) == pytest.approx((1000 - 290 - 200) / 10)

    def test_others_get_half_at_most(self, budget: RateBudget, ticks: Clock) -> None:
        """
        Others can take no more than half of the rest.

        Or a second triggerer, which is one of the others, would never be served.
        """
        one_a_second(budget, ticks, others=9, seconds=60)

        assert budget.pace_for(self, 10.0) == pytest.approx((1000 - 600 - 200) / 240 / 2)

    @pytest.mark.parametrize(
        ("requests", "seconds"), [(0, 0.0), (100, 50.0), (300, 150.0), (600, 300.0), (616, 306.0), (100_000, 310.0)]
    )
    def test_worker_has_a_pace(self, budget: RateBudget, requests: int, seconds: float) -> None:
        """A worker is told how long its requests should take."""
        hear(budget, headers(800, NOW + 300))

        assert budget.spread(requests) == pytest.approx(seconds)

    def test_others_slow_the_worker(self, budget: RateBudget) -> None:
        """Beside the wishes of others the same takes longer."""
        hear(budget, headers(800, NOW + 300))
        budget.pace_for(self, 1.0)
        assert budget.spread_for(self, 100) == budget.spread(100)

        other = RateBudget(share=1)
        budget.pace_for(other, 2.0)

        assert budget.spread_for(self, 100) == pytest.approx(3 * budget.spread(100))
        assert budget.spread_for(budget, 100) == budget.spread(100)

    def test_worker_waits_for_window(self, budget: RateBudget) -> None:
        """If nothing is left, a worker is told to wait for the next window."""
        hear(budget, headers(200, NOW + 100))

        assert budget.spread(1) == pytest.approx(100.0 + 300 / 800)
        assert budget.spread(400) == pytest.approx(100.0 + 150.0)


def one_a_second(budget: RateBudget, ticks: Clock, *, others: int, seconds: int) -> None:
    """Send a request a second in a window of 300, while others send so many beside each."""
    used, end = 0, NOW + 300
    for _ in range(seconds):
        budget.claim(regardless=True)
        used += 1 + others
        budget.settle(headers(1000 - used, end))
        ticks.now += 1


@pytest.mark.parametrize("share", [0, -1, 1.1])
def test_share_is_above_0_up_to_1(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        RateBudget(share=share)


def test_one_per_host_and_token() -> None:
    one = Settings(token="canary-one-token", project="a/b")

    assert budget_for(one) is budget_for(Settings(token="canary-one-token"))
    assert budget_for(one) is not budget_for(Settings(token="canary-two-token"))
    assert budget_for(one) is not budget_for(Settings(token="canary-one-token", base_url="http://localhost:1"))
    assert budget_for(one).share == 0.8
