"""A wait in a worker over hours, in virtual time: its lines and requests, in Airflow's own poke loop."""

from __future__ import annotations

import json
import time as real_time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_cgc.compat import AirflowRescheduleException, AirflowSensorTimeout
from airflow_provider_cgc.exceptions import CgcJobsFailed
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
from tests.fakes.clock import Clock
from tests.fakes.store import Store
from tests.unit.sensors.worker import BEGIN, HOUR, Platform, Run, ours


@pytest.mark.parametrize("how", [{"mode": "poke"}, {"mode": "reschedule"}], ids=["poke", "reschedule"])
def test_six_hours_in_20_lines(
    how: dict[str, Any], platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = Run(platform, monkeypatch, store=Store(), **how)

    summary = run.to_the_end()

    assert summary["completed"] == 120
    assert platform.clock.now - BEGIN >= 6 * HOUR - 60
    lines = [line for line in ours(caplog) if "Success criteria met" not in line]
    assert 10 < len(lines) <= 20, lines


@pytest.mark.parametrize("how", [{"mode": "poke"}, {"mode": "reschedule"}], ids=["poke", "reschedule"])
def test_bad_end_in_20_lines(
    how: dict[str, Any], platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    platform.failing |= {list(platform.ends)[7], list(platform.ends)[100]}

    with pytest.raises(CgcJobsFailed):
        Run(platform, monkeypatch, store=Store(), **how).to_the_end()

    assert len(ours(caplog)) <= 20, ours(caplog)


def test_poke_speaks_half_hourly(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A poke without memory speaks only every half hour."""
    run = Run(platform, monkeypatch, mode="reschedule")

    run.to_the_end()

    assert run.pokes > 300
    assert 10 < len(ours(caplog)) <= 20, ours(caplog)


@pytest.mark.parametrize("how", [{"mode": "poke"}, {"mode": "reschedule"}], ids=["poke", "reschedule"])
def test_ended_is_not_asked(how: dict[str, Any], platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    Run(platform, monkeypatch, store=Store(), **how).to_the_end()

    last = max(platform.ends, key=lambda job_id: platform.ends[job_id])
    first = min(platform.ends, key=lambda job_id: platform.ends[job_id])
    assert sum(first in ids for ids in platform.asked) <= 5
    assert sum(last in ids for ids in platform.asked) > 300


def test_memory_is_small(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory between pokes is small and gone at the end."""
    store, sizes = Store(), []
    run = Run(platform, monkeypatch, store=store, mode="reschedule")
    original = store.set
    monkeypatch.setattr(store, "set", lambda key, value: (sizes.append(len(str(value))), original(key, value)))

    run.to_the_end()

    assert sizes
    assert max(sizes) < 8_000  # Airflow warns above 64 KiB
    assert store == {}


def test_other_try_is_forgotten(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    run = Run(platform, monkeypatch, store=store, mode="reschedule")
    platform.clock.now = BEGIN + 3 * HOUR
    run.sensor().poke(run.context)
    asked_first = sum(map(len, platform.asked))

    run.context["ti"].try_number = 2
    run.sensor().poke(run.context)

    assert asked_first == 120
    assert sum(map(len, platform.asked)) == 240


def test_last_second_is_last_look(clock: Clock, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or Airflow's own check would end the task, without our words; or the next look would come much too late."""
    with pytest.raises(AirflowSensorTimeout, match="cannot be cancelled"):
        Run(platform, monkeypatch, mode="poke", timeout=60.5, poke_interval=60).to_the_end()

    assert clock.now - BEGIN == pytest.approx(60)


def test_timeout_from_first_poke(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_cgc.compat import AirflowSensorTimeout

    run = Run(platform, monkeypatch, store=Store(), mode="reschedule", timeout=HOUR)

    with pytest.raises(AirflowSensorTimeout, match="cannot be cancelled"):
        run.to_the_end()

    assert HOUR <= platform.clock.now - BEGIN <= HOUR + 120
    assert run.pushed["cgc_summary"]["total"] == 120
    assert real_time.time() != platform.clock.now


def test_failed_wait_ends_its_log(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A failed wait ends its log with file, code, message and remedy."""
    job_id = list(platform.ends)[7]
    platform.failing.add(job_id)

    with pytest.raises(CgcJobsFailed):
        Run(platform, monkeypatch, mode="poke").to_the_end()

    head, item, remedy = ours(caplog)[-3:]
    assert head == "1 of 120 exports did not complete."
    assert f"f{job_id}" in item
    assert "9206: No PUT." in item
    assert remedy.strip().startswith("What to do about 9206: ")


@pytest.mark.parametrize("argument", ["silent_fail", "exponential_backoff"])
def test_unkept_is_refused_early(argument: str) -> None:
    """A setting that a deferred task cannot keep is refused when the Dag is parsed."""
    with pytest.raises(ValueError, match=f"{argument}=True has no effect while a task is deferred"):
        CgcBulkExportSensor(task_id="wait", export_ids=["a"], deferrable=True, **{argument: True})


def test_short_interval_warns(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A short interval in reschedule mode is warned of once, and not at each poke."""
    run = Run(platform, monkeypatch, store=Store(), mode="reschedule", poke_interval=30)

    run.to_the_end()

    assert sum("71172" in line for line in ours(caplog)) == 1


def test_never_fail_reschedules() -> None:
    """`never_fail` lets a reschedule of the base class pass."""
    sensor = CgcBulkExportSensor(task_id="wait", export_ids=["a"], mode="reschedule", never_fail=True)
    soon = datetime.now(tz=UTC)

    with pytest.raises(AirflowRescheduleException), sensor._never_failing():
        raise AirflowRescheduleException(soon)


def test_handover_says_its_needs(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A wait that is handed over says what it needs and where to look."""
    run = Run(platform, monkeypatch, deferrable=True)

    with pytest.raises(TaskDeferred):
        run.sensor().execute(run.context)

    for words in ("triggerer, which must be running", "XCom 'cgc_jobs'", "3.1 and later, in the tab 'CGC jobs'"):
        assert words in ours(caplog)[-1]


def test_row_fits_into_mysql(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The row of a deferred wait fits into MySQL's column.

    Airflow encrypts the row, which makes it a third longer; the column ends at 64 KiB.
    """
    platform = Platform(clock, count=1100, hours=0.5)
    platform.failing |= set(list(platform.ends)[:200])
    clock.now = platform.ends[list(platform.ends)[150]]
    run = Run(platform, monkeypatch)
    run.context["ti"].__dict__.update(dag_id="d", task_id="t", run_id="r")
    sensor = CgcBulkExportSensor(task_id="wait", export_ids=list(platform.ends), deferrable=True)

    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute(run.context)

    row = deferred.value.trigger.serialize()[1]
    assert len(row["state"]["failed_items"]) == 100
    assert row["ids"] is None
    assert len(run.pushed["cgc_ids"]) == 949
    assert len(json.dumps(row)) * 4 / 3 < 64 * 1024


def test_summary_before_names(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.failing.add(next(iter(platform.ends)))
    run = Run(platform, monkeypatch, mode="poke")

    def broken(ids: Sequence[str]) -> None:
        raise OSError("Airflow is away")

    platform.files.bulk_get = broken

    with pytest.raises(OSError, match="away"):
        run.to_the_end()

    assert run.pushed["cgc_summary"]["failed"] == 1
