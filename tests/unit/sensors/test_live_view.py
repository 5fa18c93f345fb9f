"""The snapshots that a worker shows of its wait: in every mode, not too often, and at the end whatever the end is."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from airflow_provider_cgc import compat
from airflow_provider_cgc.compat import TaskDeferralError
from airflow_provider_cgc.exceptions import CgcJobsFailed, CgcTriggerError
from airflow_provider_cgc.jobs.waiting.event import WaitEvent
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from tests.fakes.clock import Clock
from tests.fakes.store import Store
from tests.unit.sensors.worker import BEGIN, HOUR, Platform, Run

every_mode = pytest.mark.parametrize("mode", ["poke", "reschedule"])


@every_mode
def test_written_each_half_minute(
    mode: str, shown: list[dict[str, Any]], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written at most every half minute and at the end."""
    run = Run(Platform(clock, count=50, hours=0.1), monkeypatch, store=Store(), mode=mode, poke_interval=10)

    run.to_the_end()

    times = [one["at"] for one in shown[:-1]]
    if mode == "poke":  # between two pokes of a rescheduled task Airflow deletes what was written
        assert all(later - earlier >= 30 for earlier, later in itertools.pairwise(times))
    assert (shown[-1]["outcome"], shown[-1]["counts"]["completed"]) == ("completed", 50)
    assert [one["outcome"] for one in shown[:-1]] == [None] * (len(shown) - 1)


def test_history_survives_pokes(shown: list[dict[str, Any]], clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(Platform(clock, hours=1.0), monkeypatch, store=Store(), mode="reschedule", poke_interval=60)

    run.to_the_end()

    assert shown[-1]["since"] == BEGIN
    assert len(shown[-1]["history"]) > 30
    assert shown[-1]["requests"] == len(run.platform.asked)


def test_failures_have_remedies(
    platform: Platform, shown: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.failing = set(list(platform.ends)[:3])

    with pytest.raises(CgcJobsFailed):
        Run(platform, monkeypatch).to_the_end()

    assert shown[-1]["outcome"] == "failed"
    assert [one["code"] for one in shown[-1]["failures"]] == [9206] * 3
    assert shown[-1]["remedies"].keys() == {"9206"}


def test_database_trouble_warns(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A database that does not take it costs a warning, and not the wait."""

    def broken(address: Any, key: str, value: Any) -> None:
        raise ConnectionError("the API server is away")

    monkeypatch.setattr(compat, "write_view", broken)

    summary = Run(platform, monkeypatch).to_the_end()

    assert summary["completed"] == 120
    lines = [line for line in caplog.messages if "the API server is away" in line]
    assert 1 <= len(lines) <= 2  # of the links and of the snapshot, each said once


def test_resumed_worker_closes_it(
    platform: Platform, shown: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker that resumes closes what the trigger has shown."""
    run = Run(platform, monkeypatch, deferrable=True)
    sensor = run.sensor()
    tracker = JobTracker.of(sensor.kind, ["a"])
    tracker.add_completed(1, 10)
    view = LiveView(sensor.kind, since=BEGIN - HOUR, interval=60.0, place={"volume": "lab/results"})
    view.requests = 9
    view.snapshot(tracker, BEGIN - 60)
    summary = tracker.summary()
    event = WaitEvent(Outcome.TIMEOUT, summary, view=view.to_json())

    with pytest.raises(compat.AirflowSensorTimeout):
        sensor.execute_complete(run.context, event.to_json())

    [last] = shown
    assert (last["outcome"], last["since"], last["requests"]) == ("timeout", BEGIN - HOUR, 9)
    assert (last["volume"], last["counts"]["running"]) == ("lab/results", 1)
    assert len(last["history"]) == 2


def test_lost_trigger_is_closed(
    platform: Platform, shown: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost trigger leaves no view that seems to wait."""
    run = Run(platform, monkeypatch, deferrable=True)
    sensor = run.sensor()
    view = LiveView(sensor.kind, since=BEGIN, interval=60.0)
    shown.append(view.snapshot(JobTracker.of(sensor.kind, ["a"]), BEGIN))

    def fail(*args: Any) -> None:
        raise TaskDeferralError("Trigger failure")

    monkeypatch.setattr(compat.BaseOperator, "resume_execution", fail)
    with pytest.raises(CgcTriggerError):
        sensor.resume_execution("execute_complete", {}, run.context)

    assert [one["outcome"] for one in shown] == [None, "error"]


def test_late_deferral_times_out(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deferral that took too long is the timeout of the task."""
    run = Run(platform, monkeypatch, deferrable=True)

    def fail(*args: Any) -> None:
        raise compat.TaskDeferralTimeout("Trigger timeout")

    monkeypatch.setattr(compat.BaseOperator, "resume_execution", fail)
    with pytest.raises(compat.AirflowTaskTimeout, match="Trigger timeout"):
        run.sensor().resume_execution("execute_complete", {}, run.context)
