"""Writes that a worker owes to Airflow's database are tried again while it is busy, and nothing else is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy.exc

from airflow_provider_cgc import patience
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.operators.record import Record
from airflow_provider_cgc.sensors.ending import End
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
from airflow_provider_cgc.xcom import push_ids
from tests.fakes.task_instance import TaskInstance

LOCKED = sqlalchemy.exc.OperationalError("INSERT", {}, Exception("database is locked"))


def answered(status: Any) -> Exception:
    """Make the error that Airflow 3 raises in a task whose request its API server could not serve."""
    sdk = pytest.importorskip("airflow.sdk.exceptions")
    from airflow.sdk.execution_time.comms import ErrorResponse

    error = ErrorResponse(error=sdk.ErrorType.API_SERVER_ERROR, detail={"status_code": status, "message": "m"})
    return sdk.AirflowRuntimeError(error)  # type: ignore[no-any-return]  # Airflow is untyped here


class Busy:
    """An Airflow that fails so many calls."""

    def __init__(self, failures: int, error: Exception = LOCKED) -> None:
        self.failures, self.error = failures, error
        self.done: list[tuple[Any, ...]] = []

    def call(self, *args: Any, **kwargs: Any) -> str:
        if self.failures:
            self.failures -= 1
            raise self.error
        self.done.append((*args, *kwargs.values()))
        return "done"

    def task(self) -> TaskInstance:
        ti = TaskInstance()
        ti.xcom_push = self.call  # type: ignore[method-assign]  # one that fails
        return ti


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    naps: list[float] = []
    monkeypatch.setattr(patience, "time", SimpleNamespace(sleep=naps.append))
    return naps


def test_busy_is_tried_again(naps: list[float]) -> None:
    assert patience.patiently(Busy(3).call) == "done"
    assert naps == list(patience.PAUSES)


def test_away_is_an_error(naps: list[float]) -> None:
    with pytest.raises(sqlalchemy.exc.OperationalError):
        patience.patiently(Busy(4).call)


@pytest.mark.parametrize("error", [ValueError("a bug"), sqlalchemy.exc.IntegrityError("INSERT", {}, Exception())])
def test_anything_else_is_raised(naps: list[float], error: Exception) -> None:
    with pytest.raises(type(error)):
        patience.patiently(Busy(1, error).call)
    assert naps == []


@pytest.mark.parametrize(("status", "passes"), [(500, True), (503, True), (None, True), (404, False), (413, False)])
def test_trouble_is_no_refusal(status: int | None, passes: bool) -> None:
    assert patience.is_passing_trouble(answered(status)) is passes


def test_ids_are_pushed_again(naps: list[float]) -> None:
    busy = Busy(2)

    push_ids(busy.task(), "cgc_ids", ["a", "b"])

    assert busy.done == [("cgc_ids", ["a", "b"])]


def test_store_is_asked_again(naps: list[float]) -> None:
    busy = Busy(1)
    store = patience.task_state_store({"task_state_store": SimpleNamespace(get=busy.call, set=busy.call)})

    assert store.get("key") == "done"
    busy.failures = 1
    store.set("key", 1)
    assert busy.done == [("key", None), ("key", 1)]


def test_record_is_pushed_again(naps: list[float]) -> None:
    busy = Busy(1)
    record = Record(EXPORT, ExportItem, busy.task(), store=None, manifest_path=None, resume=True, retries=0, warn=print)

    record.push(["a"], since=None)

    assert [key for key, *_ in busy.done] == ["cgc_started", "cgc_started_parts"]


def test_summary_is_pushed_again(naps: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    busy = Busy(2)
    sensor = CgcBulkExportSensor(task_id="t", export_ids=["a"])
    monkeypatch.setattr(sensor, "_show_end", lambda *_: None)

    sensor._finish({"ti": busy.task()}, End(Outcome.COMPLETED, JobTracker.of(EXPORT, []).summary()))

    assert [key for key, *_ in busy.done] == ["cgc_summary"]


def test_poke_without_memory(naps: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """A poke whose memory cannot be kept goes on."""
    sensor = CgcBulkExportSensor(task_id="t", export_ids=["a"], mode="reschedule")
    store = SimpleNamespace(set=Busy(99).call, delete=Busy(99).call)
    context: dict[str, Any] = {"task_state_store": store}

    sensor._remember(context, SimpleNamespace(save=lambda store, _: store.set("key", 1)))  # type: ignore[arg-type]  # as much of a wait as is needed
    sensor._forget(context)

    assert len(sensor._warned) == 2
