"""In a worker a long wait for the rate budget is slept in poke mode, and holds no worker in the other modes."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_cgc.client.errors import CgcBudgetSpent
from airflow_provider_cgc.client.http.budget import RateBudget
from airflow_provider_cgc.compat import AirflowRescheduleException
from tests.fakes.clock import Clock
from tests.unit.sensors.worker import BEGIN, Platform, Run, ours

LEFT_UNTIL = 240.0
ON_AIRFLOW_3 = pytest.mark.skipif(
    importlib.util.find_spec("airflow.sdk") is None,
    reason="the base class of 2.11 asks its database",
)


class ShortPlatform(Platform):
    """Tells the requests that are left, and counts them; a call within the reserve sends nothing."""

    def __init__(self, clock: Clock, *, left: int, count: int = 250, hours: float = 0.5) -> None:
        super().__init__(clock, count=count, hours=hours)
        self.budget = RateBudget(share=0.8, clock=clock.time)
        self.left, self.reset = left, BEGIN + LEFT_UNTIL
        self.budget.claim(regardless=True)
        self.budget.settle(self._headers())

    def bulk_get(self, ids: Sequence[str]) -> Any:
        delay = self.budget.claim()
        if delay:
            raise CgcBudgetSpent(self.budget.why(), call="bulk get", retry_after=delay)
        if self.clock.now >= self.reset:
            self.left, self.reset = 1000, self.clock.now + 300
        self.left -= 1
        self.budget.settle(self._headers())
        return super().bulk_get(ids)

    def _headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": "1000",
            "X-RateLimit-Remaining": str(self.left),
            "X-RateLimit-Reset": str(self.reset),
        }


@pytest.fixture
def spent(clock: Clock) -> ShortPlatform:
    """A platform on which Airflow's share is used up for four more minutes."""
    return ShortPlatform(clock, left=200)


@pytest.fixture
def scarce(clock: Clock) -> ShortPlatform:
    """A platform on which nine requests of Airflow's share are left for four more minutes."""
    return ShortPlatform(clock, left=209)


def test_poke_sleeps_for_a_share(spent: ShortPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    """Poke mode sleeps until the share is renewed."""
    naps: list[float] = []
    sleep = spent.clock.sleep
    monkeypatch.setattr(spent.clock, "sleep", lambda seconds: (naps.append(seconds), sleep(seconds)))

    summary = Run(spent, monkeypatch, mode="poke", poke_interval=30).to_the_end()

    assert summary["completed"] == 250
    assert LEFT_UNTIL <= naps[0] <= LEFT_UNTIL + 11


@ON_AIRFLOW_3
def test_reschedule_yields(spent: ShortPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reschedule mode gives the worker back until the share is renewed."""
    run = Run(spent, monkeypatch, mode="reschedule", poke_interval=60)
    monkeypatch.setattr(spent.clock, "sleep", lambda seconds: pytest.fail(f"slept for {seconds} s"))

    now = datetime.now(UTC)
    with pytest.raises(AirflowRescheduleException) as raised:
        run.sensor().execute(run.context)

    assert spent.asked == []
    assert raised.value.reschedule_date - now >= timedelta(seconds=LEFT_UNTIL)


@ON_AIRFLOW_3
def test_silent_fail_reschedules(spent: ShortPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(spent, monkeypatch, mode="reschedule", poke_interval=60, silent_fail=True)

    with pytest.raises(AirflowRescheduleException):
        run.sensor().execute(run.context)


def test_deferrable_defers(spent: ShortPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deferrable sensor defers and looks when the share is renewed."""
    run = Run(spent, monkeypatch, deferrable=True, poke_interval=30)
    monkeypatch.setattr(spent.clock, "sleep", lambda seconds: pytest.fail(f"slept for {seconds} s"))

    with pytest.raises(TaskDeferred) as deferred:
        run.sensor().execute(run.context)

    assert spent.asked == []
    assert LEFT_UNTIL <= deferred.value.trigger.first_look - BEGIN <= LEFT_UNTIL + 11


@pytest.mark.parametrize("how", [{"mode": "poke"}, {"mode": "reschedule"}], ids=["poke", "reschedule"])
def test_pokes_slow_down_before(
    how: dict[str, Any], scarce: ShortPlatform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Pokes come less often before the share is used up.

    Nine requests for four minutes: three sweeps of three, the next not before two thirds of the time are over.
    """
    run = Run(scarce, monkeypatch, poke_interval=10, **how)
    sensor = run.sensor()

    assert not sensor.poke(run.context)

    assert len(scarce.asked) == 3
    assert sensor._get_next_poke_interval(scarce.clock.now, lambda: 0.0, 1) == pytest.approx(LEFT_UNTIL / 2)
    assert "Looking at each job about every 120 s instead of every 10 s" in " ".join(ours(caplog))


def test_long_wait_keeps_reserve(
    scarce: ShortPlatform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No sweep of a long wait runs into the reserve."""
    caplog.set_level(logging.WARNING)

    Run(scarce, monkeypatch, mode="poke", poke_interval=2).to_the_end()

    assert not [line for line in ours(caplog) if "used up" in line]
    assert scarce.left >= 200


def test_fitting_interval_is_kept(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = ShortPlatform(clock, left=900)
    run = Run(platform, monkeypatch, mode="poke", poke_interval=10)
    sensor = run.sensor()

    sensor.poke(run.context)

    assert sensor._get_next_poke_interval(clock.now, lambda: 0.0, 1) == 10
