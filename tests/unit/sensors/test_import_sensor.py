"""The import sensor: the same wait as for exports, in its own words, with its own call and its own items."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models import ImportJob
from airflow_provider_cgc.compat import AirflowSensorTimeout
from airflow_provider_cgc.exceptions import CgcBadInput, CgcJobsFailed, CgcTriggerError, CgcWaitError
from airflow_provider_cgc.jobs.kinds import EXPORT, IMPORT
from airflow_provider_cgc.jobs.waiting.event import WaitEvent
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.sensors.imports import CgcBulkImportSensor
from tests.fakes.clock import Clock
from tests.fakes.store import Store
from tests.late import late
from tests.unit.sensors.worker import HOUR, LOGGER, Platform, Run, ours


class Imports(Platform):
    """Imports that end one after the other within a minute; nothing else can be asked for."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, count=6, hours=1 / 60)
        del self.exports, self.files
        self.imports = SimpleNamespace(bulk_get=self.bulk_get)
        self.problem: Problem | None = None

    def _record(self, job_id: str) -> BulkRecord[Any]:
        record = super()._record(job_id)
        if self.problem is not None or record.resource is None:
            return BulkRecord(job_id, None, self.problem or record.error)
        told = {
            "source": {"volume": "lab/in", "location": f"batch1/{job_id}.bam"},
            "destination": {"project": "lab/p", "name": f"{job_id}.bam"},
            "result": {"id": f"f{job_id}", "size": 100} if record.resource.completed else None,
        }
        return BulkRecord(job_id, ImportJob.from_json({**record.resource.raw, **told}), None)


class ImportRun(Run):
    def __init__(self, platform: Platform, monkeypatch: pytest.MonkeyPatch, **how: Any) -> None:
        super().__init__(platform, monkeypatch, **how)
        monkeypatch.setattr(CgcBulkImportSensor, "_connection", lambda sensor: platform)
        monkeypatch.setattr(CgcBulkImportSensor, "log", logging.getLogger(LOGGER), raising=False)

    def sensor(self) -> CgcBulkImportSensor:
        return CgcBulkImportSensor(task_id="wait", import_ids=list(self.platform.ends), **self.how)


@pytest.fixture
def platform(clock: Clock) -> Imports:
    return Imports(clock)


every_mode = pytest.mark.parametrize("mode", ["poke", "reschedule"])


@every_mode
def test_waits_for_all_imports(
    platform: Imports, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, mode: str
) -> None:
    run = ImportRun(platform, monkeypatch, store=Store(), mode=mode)

    summary = run.to_the_end()

    assert (summary["kind"], summary["completed"], summary["bytes"]) == ("import", 6, 600)
    assert run.pushed["cgc_summary"] == summary
    assert any(line.startswith("Waiting for 6 imports (connection cgc_default)") for line in ours(caplog))
    assert any(line.startswith("6 of 6 imports completed") for line in ours(caplog))
    assert not any("export" in line for line in ours(caplog))


@every_mode
def test_failed_is_as_started(
    platform: Imports, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, mode: str
) -> None:
    """Nothing is looked up: an import has no file on the platform before it completes."""
    failed, *_ = platform.ends
    platform.failing.add(failed)
    run = ImportRun(platform, monkeypatch, store=Store(), mode=mode)

    with pytest.raises(CgcJobsFailed) as caught:
        run.to_the_end()

    assert caught.value.failed == [
        {
            "id": failed,
            "volume": "lab/in",
            "location": f"batch1/{failed}.bam",
            "project": "lab/p",
            "name": f"{failed}.bam",
            "code": 9206,
            "message": "No PUT.",
        }
    ]
    assert run.pushed["cgc_summary"]["failed_items"] == caught.value.failed
    assert str(caught.value).startswith(f"Of 6 imports, 1 FAILED.\n- batch1/{failed}.bam, to project lab/p: 9206:")
    assert "start the failed imports anew" in str(caught.value)
    head, row, remedy = ours(caplog)[-3:]
    assert head == "1 of 6 imports did not complete."
    assert row == f"  batch1/{failed}.bam, to project lab/p: 9206: No PUT."
    assert remedy.startswith("  What to do about 9206")


def test_unknown_is_named(platform: Imports, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    unknown, *_ = platform.ends
    platform.unknown_at[unknown] = (0.0, float("inf"))

    with pytest.raises(CgcJobsFailed) as caught:
        ImportRun(platform, monkeypatch).to_the_end()

    assert f"{unknown}: 9008: The platform does not know this import job." in str(caught.value)
    assert "the user who started the job" in str(caught.value)


def test_foreign_ends_the_wait(platform: Imports, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's import ends the wait with the remedy."""
    platform.problem = Problem(403, 9005, "Not yours.")

    with pytest.raises(CgcWaitError, match=r"does not show import .* use that user's connection"):
        ImportRun(platform, monkeypatch).to_the_end()


def test_timeout_says_they_go_on(platform: Imports, monkeypatch: pytest.MonkeyPatch) -> None:
    platform.ends = dict.fromkeys(platform.ends, platform.clock.now + 2 * HOUR)

    with pytest.raises(AirflowSensorTimeout, match="6 imports still run on the platform and cannot be cancelled"):
        ImportRun(platform, monkeypatch, timeout=HOUR).to_the_end()


def test_kill_says_they_go_on(
    platform: Imports, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = ImportRun(platform, monkeypatch)
    sensor = run.sensor()
    sensor.poke(run.context)

    sensor.on_kill()

    assert ours(caplog)[-1] == "6 imports still run on the platform and cannot be cancelled."


@pytest.fixture
def deferred(platform: Imports, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A sensor that has deferred, and what it deferred with."""
    run = ImportRun(platform, monkeypatch, deferrable=True)
    sensor = run.sensor()
    with pytest.raises(TaskDeferred) as caught:
        sensor.execute(run.context)
    return SimpleNamespace(sensor=sensor, run=run, row=caught.value.trigger.serialize()[1])


def test_deferred_knows_its_kind(platform: Imports, deferred: Any) -> None:
    assert (deferred.row["kind"], deferred.row["state"]["kind"]) == ("import", "import")
    assert deferred.row["ids"] == list(platform.ends)


def test_ends_as_its_event_says(deferred: Any) -> None:
    summary = replace(JobTracker.of(IMPORT, ["a"]).summary(), completed=1)

    ended = deferred.sensor.execute_complete(deferred.run.context, WaitEvent(Outcome.COMPLETED, summary).to_json())

    assert ended["kind"] == "import"


def test_end_of_exports_is_not_it(deferred: Any) -> None:
    """The end of exports does not end a wait for imports."""
    event = WaitEvent(Outcome.COMPLETED, JobTracker.of(EXPORT, []).summary()).to_json()

    with pytest.raises(CgcTriggerError, match=r"about 'export', this task waits for 'import'.* The imports were"):
        deferred.sensor.execute_complete(deferred.run.context, event)

    assert deferred.run.pushed == {}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"import_ids": []}, "import_ids of task 'wait' is empty; set allow_empty=True"),
        ({"import_ids": [7]}, "import_ids of task 'wait': item 1 is 7, of type int"),
        ({"import_ids": None}, "import_ids of task 'wait': is None"),
        ({"import_ids": "a b", "expected_count": 3}, "has 2 ids, but expected_count is 3: some imports were refused"),
        ({"import_ids": ["a"], "expected_count": "many"}, "expected_count of task 'wait' is 'many'"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], words: str) -> None:
    sensor = late(CgcBulkImportSensor, task_id="wait", **arguments)

    with pytest.raises(CgcBadInput, match=words.replace("(", r"\(")):
        sensor._ids()


@pytest.mark.parametrize("ids", [["a", "b", "a"], "a, b", '["a", "b"]', [["a"], ["b"]]])
def test_ids_in_every_form(ids: str | Sequence[Any]) -> None:
    assert CgcBulkImportSensor(task_id="wait", import_ids=ids)._ids() == ["a", "b"]
