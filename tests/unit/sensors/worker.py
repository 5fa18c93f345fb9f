"""A worker's wait in virtual time: Airflow's own poke loop, a clock, and a made-up platform."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_cgc.client.errors import CgcConnectionError, CgcError
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.http.budget import RateBudget
from airflow_provider_cgc.client.models import ExportJob
from airflow_provider_cgc.hooks.cgc import CgcHook
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
from tests.fakes.clock import Clock
from tests.fakes.store import Store
from tests.fakes.task_instance import TaskInstance

HOUR = 3600.0
BEGIN = 1_800_000_000.0
LOGGER = "tests.sensor"


class Platform:
    """Exports that end one after the other over six hours."""

    def __init__(self, clock: Clock, count: int = 120, hours: float = 6.0) -> None:
        self.clock = clock
        self.ends = {f"export{number:026d}": BEGIN + HOUR * hours * (number + 1) / count for number in range(count)}
        self.asked: list[list[str]] = []
        self.failing: set[str] = set()
        self.unknown_at: dict[str, tuple[float, float]] = {}
        self.trouble: tuple[float, float] | None = None
        self.trouble_is: CgcError = CgcConnectionError(
            "POST /bulk/storage/exports/get: the line was dropped", sent=True
        )
        self.exports = SimpleNamespace(bulk_get=self.bulk_get)
        self.files = SimpleNamespace(bulk_get=lambda ids: [])
        self.budget = RateBudget(share=0.8)
        self.settings = SimpleNamespace(web_url="https://cgc.sbgenomics.com", host="cgc.invalid")
        self.cgc_conn_id = "cgc_default"

    explain = CgcHook.explain

    def get_conn(self, *, patience: float) -> Platform:
        assert patience == 0
        return self

    def bulk_get(self, ids: Sequence[str]) -> list[BulkRecord[ExportJob]]:
        if self.trouble and self.trouble[0] <= self.clock.now < self.trouble[1]:
            raise self.trouble_is
        self.asked.append(list(ids))
        self.budget.sent += 1
        return [self._record(job_id) for job_id in ids]

    def _record(self, job_id: str) -> BulkRecord[ExportJob]:
        first, last = self.unknown_at.get(job_id, (0.0, 0.0))
        if first <= self.clock.now < last:
            return BulkRecord(job_id, None, Problem(404, 9008, "Requested job does not exist."))
        if self.clock.now < self.ends[job_id]:
            state = {"state": "RUNNING"}
        elif job_id in self.failing:
            state = {"state": "FAILED", "error": {"status": 403, "code": 9206, "message": "No PUT."}}
        else:
            state = {"state": "COMPLETED"}
        return BulkRecord(job_id, ExportJob.from_json({"id": job_id, "source": {"file": f"f{job_id}"}, **state}), None)


class Run:
    """One sensor, run as Airflow runs it, with the times of its pokes on the virtual clock."""

    def __init__(
        self, platform: Platform, monkeypatch: pytest.MonkeyPatch, *, store: Store | None = None, **how: Any
    ) -> None:
        self.clock = platform.clock
        self.platform = platform
        self.how = how
        self.pushed = Store()
        self.first_poke: datetime | None = None
        self.pokes = 0
        self.context: dict[str, Any] = {
            "ti": TaskInstance("wait", xcoms=self.pushed, first_poke=lambda: self.first_poke)
        }
        if store is not None:
            self.context["task_state_store"] = store
        monkeypatch.setattr(CgcBulkExportSensor, "_connection", lambda sensor: platform)
        # Airflow 3 logs through structlog, past caplog.
        monkeypatch.setattr(CgcBulkExportSensor, "log", logging.getLogger(LOGGER), raising=False)

    def sensor(self) -> CgcBulkExportSensor:
        return CgcBulkExportSensor(task_id="wait", export_ids=list(self.platform.ends), **self.how)

    def to_the_end(self) -> Any:
        """Poke until the end; in reschedule mode each poke is a new sensor, as in a new process."""
        while True:
            self.pokes += 1
            sensor = self.sensor()
            if self.how.get("mode") != "reschedule":
                return sensor.execute(self.context)
            poke = sensor.poke(self.context)
            if poke:
                return poke.xcom_value
            if self.first_poke is None:
                self.first_poke = datetime.fromtimestamp(self.clock.now, UTC)
            self.clock.now += sensor.poke_interval


def ours(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == LOGGER]
