"""A poke_interval above the timeout: allowed as in Airflow, with a warning that says when the two looks are."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_cgc.compat import AirflowSensorTimeout
from tests.fakes.clock import Clock
from tests.fakes.store import Store
from tests.unit.sensors.worker import BEGIN, Platform, Run, ours

LATE = "now and after 600 s, when it also times out"
IN_TIME = "now and when the timeout is over"


def run(platform: Platform, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any]) -> Run:
    return Run(platform, monkeypatch, store=Store(), **{"poke_interval": 600, "timeout": 60} | how)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line for line in ours(caplog) if "looks only twice" in line]


@pytest.mark.parametrize(
    ("how", "looks", "ends_at"),
    [
        ({"mode": "poke"}, LATE, 600),
        ({"mode": "reschedule"}, LATE, 600),
    ],
    ids=["poke", "reschedule"],
)
def test_long_interval_warns_once(
    how: dict[str, Any],
    looks: str,
    ends_at: float,
    platform: Platform,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(AirflowSensorTimeout):
        run(platform, monkeypatch, how).to_the_end()

    assert warnings(caplog) == [
        f"poke_interval is 600 s and timeout 60 s, so that this task looks only twice: {looks}. Give a shorter"
        " poke_interval, or a longer timeout."
    ]
    last = list(platform.ends)[-1]
    assert sum(last in ids for ids in platform.asked) == 2
    assert platform.clock.now - BEGIN == ends_at


def test_deferred_wait_is_in_time(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    task = run(platform, monkeypatch, {"deferrable": True})

    with pytest.raises(TaskDeferred) as deferred:
        task.sensor().execute(task.context)

    assert [IN_TIME in line for line in warnings(caplog)] == [True]
    assert deferred.value.trigger.serialize()[1]["deadline"] == BEGIN + 60


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_end_after_timeout_is_seen(mode: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that end between the timeout and the second look are a success, as ever."""
    platform = Platform(clock, count=2, hours=0.1)

    summary = run(platform, monkeypatch, {"mode": mode}).to_the_end()

    assert summary["completed"] == 2


def test_backoff_has_its_own_times(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A backoff begins with half of the interval, or less, and may look often."""
    with pytest.raises(AirflowSensorTimeout):
        run(platform, monkeypatch, {"mode": "poke", "exponential_backoff": True}).to_the_end()

    assert warnings(caplog) == []


@pytest.mark.parametrize("times", [{"poke_interval": 60.1, "timeout": 60.1}, {"timeout": 0}, {"timeout": 1}], ids=str)
def test_one_look_is_not_warned_of(
    times: dict[str, float], platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor an interval that is just as long as the timeout, however its clock rounds."""
    with pytest.raises(AirflowSensorTimeout):
        run(platform, monkeypatch, {"mode": "poke", **times}).to_the_end()

    assert warnings(caplog) == []
