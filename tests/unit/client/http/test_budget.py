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


def test_it_starts_without_delay(budget: RateBudget) -> None:
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
def test_the_share_is_ours_and_the_rest_is_peoples(ticks: Clock, share: float, remaining: int, delay: float) -> None:
    budget = RateBudget(share=share, clock=ticks)

    hear(budget, headers(remaining))

    assert budget.delay() == pytest.approx(delay)


def test_the_next_window_frees_it(budget: RateBudget, ticks: Clock) -> None:
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
def test_no_wait_is_longer_than_a_window(budget: RateBudget, reset: float) -> None:
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


def test_header_names_count_in_any_case(budget: RateBudget) -> None:
    hear(budget, {name.lower(): value for name, value in headers(0).items()})

    assert budget.delay() == pytest.approx(120)


def test_an_overtaken_answer_does_not_give_requests_back(budget: RateBudget) -> None:
    hear(budget, headers(200))
    hear(budget, headers(205))

    assert budget.delay() == pytest.approx(120)


def test_an_answer_of_the_window_before_is_ignored(budget: RateBudget) -> None:
    hear(budget, headers(990, NOW + 250))
    hear(budget, headers(3, NOW + 1))

    assert budget.delay() == 0.0


@pytest.mark.parametrize("off", [-280, -15, 15, 250])
def test_a_clock_that_is_off_neither_prolongs_nor_shortens_a_window(budget: RateBudget, ticks: Clock, off: int) -> None:
    dated = {"Date": formatdate(NOW, usegmt=True)}
    ticks.now = NOW + off

    hear(budget, headers(200, NOW + 120) | dated)

    assert budget.delay() == pytest.approx(120)


def test_answers_that_take_long_are_not_taken_for_a_new_window(budget: RateBudget, ticks: Clock) -> None:
    """By their dates the window seems to end later the longer they were on their way."""
    for late in (0, 9, 4, 20):
        ticks.now = NOW + late
        hear(budget, headers(300 - late, NOW + 120) | {"Date": formatdate(NOW, usegmt=True)})

    assert claimed(budget, of=1000) == 80
    assert budget.delay() == pytest.approx(100)


@pytest.mark.parametrize(("advice", "delay"), [(None, 60.0), (7.0, 7.0), (0.0, 5.0), (9999.0, 310.0), (-5.0, 5.0)])
def test_a_429_is_waited_for(budget: RateBudget, ticks: Clock, advice: float | None, delay: float) -> None:
    hear(budget, headers(900))

    budget.observe_429(advice)

    assert budget.delay() == pytest.approx(delay)
    ticks.now += delay
    assert budget.delay() == 0.0


def test_advice_that_proves_too_short_is_believed_less_and_less(budget: RateBudget, ticks: Clock) -> None:
    waits = []
    for _ in range(6):
        budget.observe_429(0.0)
        waits.append(budget.delay())
        ticks.now += waits[-1] + 1

    assert waits == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    ticks.now += 60
    budget.observe_429(0.0)
    assert budget.delay() == 5.0


def test_refusals_side_by_side_are_one(budget: RateBudget, ticks: Clock) -> None:
    for _ in range(8):
        budget.observe_429(0.0)
        ticks.now += 0.1

    assert budget.delay() == pytest.approx(4.9)


def test_it_says_why_to_wait(budget: RateBudget) -> None:
    assert budget.why().endswith("is used up for now (rate_share 0.8)")

    hear(budget, headers(200))
    assert (
        budget.why()
        == "Airflow's share of the platform's requests is used up for now (rate_share 0.8 of 1000 in 5 minutes)"
    )

    budget.observe_429(200)
    assert "(429)" in budget.why()


def test_a_429_without_sense_is_ignored(budget: RateBudget) -> None:
    budget.observe_429(float("nan"))

    assert budget.delay() == 0.0


def test_it_may_be_shared_by_threads(budget: RateBudget) -> None:
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
def test_no_header_breaks_it_or_asks_for_more_than_310_seconds(strange: dict[str, str]) -> None:
    budget = RateBudget(share=0.8, clock=lambda: NOW)

    hear(budget, strange)

    assert 0 <= budget.delay() <= 310


class TestUnderWay:
    """Requests that were sent and not answered yet."""

    def test_they_count_as_used(self, budget: RateBudget) -> None:
        hear(budget, headers(203))

        assert [budget.claim() for _ in range(5)] == [0.0, 0.0, 0.0, pytest.approx(120), pytest.approx(120)]

    def test_an_answer_takes_the_place_of_the_guess(self, budget: RateBudget) -> None:
        hear(budget, headers(202))
        budget.claim()
        budget.claim()

        budget.settle(headers(202))

        assert budget.claim() == 0.0

    def test_a_dropped_line_ends_a_claim_too(self, budget: RateBudget) -> None:
        hear(budget, headers(201))
        budget.claim()

        budget.settle(None)

        assert budget.delay() == 0.0

    def test_who_has_no_patience_left_is_counted_as_well(self, budget: RateBudget) -> None:
        hear(budget, headers(200))

        sent = budget.sent
        assert budget.claim(regardless=True) == 0.0

        assert budget.sent == sent + 1
        budget.settle(headers(199))
        assert budget.delay() == pytest.approx(120)

    def test_threads_never_get_beyond_the_share(self, budget: RateBudget) -> None:
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

    def test_nothing_is_known_before_the_first_answer(self, budget: RateBudget) -> None:
        assert budget.pace_for(self, 1000.0) == math.inf
        assert budget.spread(1000) == 0.0

    def test_answers_without_a_count_leave_what_is_documented(self, budget: RateBudget) -> None:
        hear(budget, {"Content-Type": "application/json"})

        assert budget.pace_for(self, 10.0) == pytest.approx(800 / 300)
        assert budget.spread(80) == pytest.approx(30.0)
        assert budget.delay() == 0.0

    def test_a_wish_that_fits_is_not_bounded(self, budget: RateBudget) -> None:
        hear(budget, headers(800, NOW + 300))

        assert budget.pace_for(self, 2.0) == math.inf

    def test_a_wish_that_does_not_fit_gets_what_is_left_of_the_share(self, budget: RateBudget) -> None:
        hear(budget, headers(800, NOW + 300))

        assert budget.pace_for(self, 10.0) == pytest.approx(600 / 300)

    def test_a_new_window_has_the_whole_share(self, budget: RateBudget, ticks: Clock) -> None:
        hear(budget, headers(210, NOW + 100))
        ticks.now += 101

        assert budget.pace_for(self, 10.0) == pytest.approx(800 / 300)

    def test_two_who_wish_for_more_share_by_their_wishes(self, budget: RateBudget) -> None:
        hear(budget, headers(800, NOW + 300))
        other = RateBudget(share=1)

        budget.pace_for(other, 30.0)

        assert budget.pace_for(self, 10.0) == pytest.approx(2.0 / 4)
        assert budget.pace_for(other, 30.0) == pytest.approx(2.0 * 3 / 4)

    def test_who_is_gone_wishes_nothing(self, budget: RateBudget) -> None:
        hear(budget, headers(800, NOW + 300))
        other = RateBudget(share=1)
        budget.pace_for(other, 30.0)

        budget.forget(other)
        budget.forget(other)

        assert budget.pace_for(self, 10.0) == pytest.approx(2.0)

    def test_what_others_send_is_left_to_them(self, budget: RateBudget, ticks: Clock) -> None:
        one_a_second(budget, ticks, others=1, seconds=200)

        seen = 1 - math.exp(-200 / 100)
        assert budget.pace_for(self, 1000.0) == pytest.approx((1000 - 400 - 200) / 100 - seen, rel=0.01)

    def test_own_requests_are_not_taken_for_those_of_others(self, budget: RateBudget, ticks: Clock) -> None:
        one_a_second(budget, ticks, others=0, seconds=290)

        assert budget.pace_for(self, 1000.0) == pytest.approx((1000 - 290 - 200) / 10)

    def test_others_can_take_no_more_than_half_of_what_is_left(self, budget: RateBudget, ticks: Clock) -> None:
        """Or a second triggerer, which is one of the others, would never be served."""
        one_a_second(budget, ticks, others=9, seconds=60)

        assert budget.pace_for(self, 10.0) == pytest.approx((1000 - 600 - 200) / 240 / 2)

    @pytest.mark.parametrize(
        ("requests", "seconds"), [(0, 0.0), (100, 50.0), (300, 150.0), (600, 300.0), (616, 306.0), (100_000, 310.0)]
    )
    def test_a_worker_is_told_how_long_its_requests_should_take(
        self, budget: RateBudget, requests: int, seconds: float
    ) -> None:
        hear(budget, headers(800, NOW + 300))

        assert budget.spread(requests) == pytest.approx(seconds)

    def test_beside_the_wishes_of_others_the_same_takes_longer(self, budget: RateBudget) -> None:
        hear(budget, headers(800, NOW + 300))
        budget.pace_for(self, 1.0)
        assert budget.spread_for(self, 100) == budget.spread(100)

        other = RateBudget(share=1)
        budget.pace_for(other, 2.0)

        assert budget.spread_for(self, 100) == pytest.approx(3 * budget.spread(100))
        assert budget.spread_for(budget, 100) == budget.spread(100)

    def test_where_nothing_is_left_a_worker_is_told_to_wait_for_the_next_window(self, budget: RateBudget) -> None:
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
def test_a_share_is_above_0_and_at_most_1(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        RateBudget(share=share)


def test_one_budget_per_host_and_token() -> None:
    one = Settings(token="canary-one-token", project="a/b")

    assert budget_for(one) is budget_for(Settings(token="canary-one-token"))
    assert budget_for(one) is not budget_for(Settings(token="canary-two-token"))
    assert budget_for(one) is not budget_for(Settings(token="canary-one-token", base_url="http://localhost:1"))
    assert budget_for(one).share == 0.8
