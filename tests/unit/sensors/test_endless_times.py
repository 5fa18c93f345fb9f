"""Times without an end: what Airflow, its dates, its clocks and a trigger's row can take."""

from __future__ import annotations

import json
import math
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, TaskDeferred

from airflow_provider_cgc.arguments import LONGEST
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
from airflow_provider_cgc.sensors.wait import Wait

ENDLESS = [timedelta.max, timedelta(seconds=1e12), 1e12, 1e18, 10**400, math.inf]


def sensor(**times: Any) -> CgcBulkExportSensor:
    return CgcBulkExportSensor(task_id="wait", export_ids=["a"], **times)


@pytest.mark.parametrize("name", ["timeout", "poke_interval"])
@pytest.mark.parametrize("value", ENDLESS, ids=repr)
def test_endless_is_100_years(name: str, value: Any) -> None:
    assert getattr(sensor(**{name: value}), name) == LONGEST


def test_endless_limit_is_too() -> None:
    assert sensor(execution_timeout=timedelta.max).execution_timeout == timedelta(seconds=LONGEST)


def test_defaults_are_bounded() -> None:
    times = {"timeout": timedelta.max, "poke_interval": timedelta.max, "execution_timeout": timedelta.max}
    with DAG("d", schedule=None, start_date=datetime(2026, 1, 1), default_args=times):
        task = sensor()

    assert (task.timeout, task.poke_interval, task.execution_timeout) == (LONGEST, LONGEST, timedelta(seconds=LONGEST))


@pytest.mark.parametrize("value", [60, 0.5, timedelta(days=7)])
def test_usual_time_stays(value: Any) -> None:
    task = sensor(timeout=value, poke_interval=value)

    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    assert (task.timeout, task.poke_interval) == (seconds, seconds)


def test_clocks_take_the_longest() -> None:
    """Dates and clocks take the longest time."""
    assert datetime.now(UTC) + timedelta(seconds=LONGEST) > datetime.now(UTC)
    assert LONGEST < 2**63 / 1e9, "time.sleep takes nanoseconds in 64 bits"


def test_endless_row_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    task = sensor(timeout=timedelta.max, poke_interval=math.inf, execution_timeout=timedelta.max, deferrable=True)
    monkeypatch.setattr(task, "_show", lambda *_: None)
    tracker = JobTracker.of(task.kind, ["a"])
    wait = Wait.begin(
        tracker,
        now=time.time(),
        context={},
        timeout=task.timeout,
        interval=task.poke_interval,
        conn_id=task.cgc_conn_id,
        memory=None,
        rescheduled=False,
    )

    with pytest.raises(TaskDeferred) as deferred:
        task._defer({"ti": None}, wait, first_look=time.time() + task.poke_interval, started=time.time())

    _, row = deferred.value.trigger.serialize()
    assert json.loads(json.dumps(row, allow_nan=False))["deadline"] == wait.deadline
    assert deferred.value.timeout is None
