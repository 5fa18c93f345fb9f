"""Names and formats that users, their Dags and stored rows rely on; a change here is a major version."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

import airflow_provider_cgc
import airflow_provider_cgc.client as client_package
from airflow_provider_cgc.assets import asset_of, asset_of_project
from airflow_provider_cgc.client import CgcClient, CgcError, Settings
from airflow_provider_cgc.display import SNAPSHOT_KEY
from airflow_provider_cgc.exceptions import CgcJobsFailed
from airflow_provider_cgc.hooks.cgc import CgcHook
from airflow_provider_cgc.jobs.kinds import EXPORT, KINDS
from airflow_provider_cgc.jobs.waiting.event import WaitEvent
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.sensors.base import SUMMARY_KEY
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
from airflow_provider_cgc.sensors.imports import CgcBulkImportSensor
from airflow_provider_cgc.sensors.wait import IDS_KEY, MEMORY_KEY
from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger

ROWS = sorted((Path(__file__).parent / "triggers" / "rows").glob("*.json"))
EVENTS = sorted((Path(__file__).parent / "triggers" / "events").glob("*.json"))
SUMMARY_KEYS = {
    *("version", "kind", "total", "completed", "failed", "missing", "skipped"),
    *("bytes", "seconds", "failed_items", "manifest", "causes"),
}
every_sensor = pytest.mark.parametrize(
    ("sensor_class", "ids_argument"),
    [(CgcBulkExportSensor, "export_ids"), (CgcBulkImportSensor, "import_ids")],
    ids=["exports", "imports"],
)


@pytest.mark.parametrize(
    "name",
    [
        "hooks.cgc.CgcHook",
        "sensors.exports.CgcBulkExportSensor",
        "sensors.imports.CgcBulkImportSensor",
        "operators.exports.CgcBulkExportOperator",
        "operators.imports.CgcBulkImportOperator",
        "assets.asset_of",
        "assets.asset_of_project",
        "operators.files.CgcListFilesOperator",
        "operators.volumes.CgcListVolumeOperator",
        "manifests.read_items",
        *(f"links.{name}" for name in ("CgcProjectLink", "CgcVolumeLink", "CgcTaskLink")),
        "exceptions.CgcInputRefused",
        "exceptions.CgcJobsIncomplete",
        "exceptions.CgcJobsUncertain",
        "exceptions.CgcJobsNotYetKnown",
        "triggers.jobs.CgcJobsTrigger",
        "exceptions.CgcJobsFailed",
        "client.CgcClient",
        "client.Settings",
        "client.errors.CgcError",
        *(f"client.{name}" for name in ("BulkRecord", "ExportJob", "File", "ImportJob", "JobState", "Page", "Volume")),
        *(f"client.models.{name}" for name in ("BulkRecord", "ExportJob", "File", "ImportJob", "JobState", "Volume")),
        "emulator.CgcEmulator",
    ],
)
def test_a_public_name_is_where_it_was(name: str) -> None:
    module, _, attribute = f"airflow_provider_cgc.{name}".rpartition(".")

    assert hasattr(importlib.import_module(module), attribute)


def test_airflow_finds_the_provider_by_its_entry_point() -> None:
    points = [
        point
        for point in entry_points(group="apache_airflow_provider")
        if point.value.startswith("airflow_provider_cgc")
    ]

    assert [(point.name, point.value) for point in points] == [
        ("provider_info", "airflow_provider_cgc:get_provider_info")
    ]
    assert airflow_provider_cgc.get_provider_info()["package-name"] == "airflow-provider-cgc"


def test_the_connection_type_and_default_id() -> None:
    assert (CgcHook.conn_type, CgcHook.default_conn_name, CgcHook.conn_name_attr) == (
        "cgc",
        "cgc_default",
        "cgc_conn_id",
    )
    assert inspect.signature(CgcHook.__init__).parameters["cgc_conn_id"].default == "cgc_default"


def test_what_the_client_offers() -> None:
    client = CgcClient(Settings(token="0123456789abcdef"))

    for call in ("bulk_get", "bulk_create", "get", "list", "page"):
        assert callable(getattr(client.exports, call))
        assert callable(getattr(client.imports, call))
    for noun in ("files", "volumes", "projects"):
        assert callable(getattr(client, noun).get)
        assert callable(getattr(client, noun).list)
    for call in ("bulk_get", "bulk_edit", "create_folder", "tree", "walk"):
        assert callable(getattr(client.files, call))
    assert callable(client.volumes.contents)
    assert callable(client.user)
    assert callable(client.rate_limit)
    assert inspect.signature(client.exports.bulk_create).parameters["copy_only"].default is inspect.Parameter.empty


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("files.bulk_edit", ["items"]),
        ("files.create_folder", ["name", "project", "parent"]),
        ("files.tree", ["project", "parent", "path", "recursive", "into", "folders"]),
        ("volumes.contents", ["volume_id", "prefix", "recursive", "into"]),
    ],
)
def test_the_arguments_of_the_clients_calls(call: str, arguments: list[str]) -> None:
    client = CgcClient(Settings(token="0123456789abcdef"))
    noun, _, name = call.partition(".")

    assert list(inspect.signature(getattr(getattr(client, noun), name)).parameters)[: len(arguments)] == arguments


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("File", {"id", "name", "size", "project", "parent", "type", "tags", "metadata", "modified_on", "raw"}),
        ("VolumeObject", {"location", "volume", "size", "modified_on", "raw"}),
        ("Project", {"id", "name", "location", "permissions", "root_folder", "raw"}),
        ("BulkRecord", {"id", "resource", "error"}),
    ],
)
def test_the_fields_of_the_clients_values(kind: str, fields: set[str]) -> None:
    assert fields <= {field.name for field in dataclasses.fields(getattr(client_package, kind))}


def test_the_clients_errors_are_no_airflow_exceptions() -> None:
    assert issubclass(CgcError, Exception)
    assert CgcError.__bases__ == (Exception,)


@every_sensor
def test_the_arguments_of_the_sensor_and_their_defaults(sensor_class: Any, ids_argument: str) -> None:
    sensor = sensor_class(task_id="wait", **{ids_argument: ["a"]})

    assert {
        name: getattr(sensor, name)
        for name in ("cgc_conn_id", "expected_count", "fail_fast", "allow_empty", "deferrable", "mode", "soft_fail")
    } == {
        "cgc_conn_id": "cgc_default",
        "expected_count": None,
        "fail_fast": False,
        "allow_empty": False,
        "deferrable": False,
        "mode": "poke",
        "soft_fail": False,
    }
    assert sensor.poke_interval == 60
    assert getattr(sensor, ids_argument) == ["a"]
    assert set(sensor_class.template_fields) == {ids_argument, "cgc_conn_id", "expected_count"}


@every_sensor
@pytest.mark.parametrize(("option", "deferrable"), [("True", True), ("False", False)])
def test_the_default_of_deferrable_is_airflows(
    monkeypatch: pytest.MonkeyPatch, sensor_class: Any, ids_argument: str, option: str, deferrable: bool
) -> None:
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", option)
    ids = {ids_argument: ["a"]}

    assert sensor_class(task_id="wait", **ids).deferrable is deferrable
    assert sensor_class(task_id="told", **ids, deferrable=not deferrable).deferrable is not deferrable


def test_the_keys_in_xcom_and_in_the_task_state_store() -> None:
    assert (SUMMARY_KEY, IDS_KEY, MEMORY_KEY) == ("cgc_summary", "cgc_ids", "cgc_wait")


@pytest.mark.parametrize("name", ["export", "import"])
def test_the_keys_of_a_summary(name: str) -> None:
    summary = JobTracker.of(KINDS[name], ["a"]).summary().to_json()

    assert set(summary) == SUMMARY_KEYS
    assert (summary["version"], summary["kind"], summary["manifest"]) == (1, name, None)


def test_the_keys_of_an_event() -> None:
    event = WaitEvent(Outcome.TIMEOUT, JobTracker.of(EXPORT, ["a"]).summary()).to_json()

    assert set(event) == {"version", "kind", "outcome", "summary", "error", "view", "unsent"}
    assert {outcome.value for outcome in Outcome} == {"completed", "failed", "timeout", "execution_timeout", "error"}


@pytest.mark.parametrize(
    ("asset", "uri"),
    [
        (asset_of("lab/a", "b/c"), "cgc://cgc-api.sbgenomics.com/lab/a/b/c"),
        (asset_of_project("lab/a", "b/c"), "cgc-project://cgc-api.sbgenomics.com/lab/a/b/c"),
    ],
)
def test_the_addresses_of_assets(asset: Any, uri: str) -> None:
    assert asset.uri == uri


def test_the_keys_of_a_live_snapshot() -> None:
    shown = LiveView(EXPORT, since=0.0, interval=60.0).snapshot(JobTracker.of(EXPORT, ["a"]), 60.0)

    assert SNAPSHOT_KEY == "cgc_jobs"
    assert set(shown) == {
        *("version", "kind", "outcome", "at", "since", "interval", "counts", "bytes", "bytes_total", "rate", "eta"),
        *("history", "causes", "failures", "longest", "recent", "cut", "requests", "refused", "remedies"),
        *("web", "project", "volume", "task", "manifest", "after_clear"),
    }
    assert set(shown["counts"]) == {
        *("total", "completed", "failed", "missing", "skipped", "running", "pending", "not_found", "not_seen"),
    }
    assert shown["history"] == [[60.0, 0, 0, 0, 1, 0]]


def test_what_a_failure_tells_a_callback() -> None:
    summary = {
        **JobTracker.of(EXPORT, ["a"]).summary().to_json(),
        "failed": 1,
        "failed_items": [{"id": "a", "code": 9206, "message": "No."}],
    }

    error = CgcJobsFailed(summary)

    assert error.summary == summary
    assert error.failed == summary["failed_items"]


def test_there_is_a_stored_row_of_this_release_for_every_kind() -> None:
    version = airflow_provider_cgc.__version__
    rows = [json.loads(path.read_text()) for path in ROWS if path.stem.split("-")[0] == version]

    assert {row["kwargs"]["kind"] for row in rows} == set(KINDS)


@pytest.mark.parametrize("path", ROWS, ids=lambda path: path.stem)
def test_the_stored_row_of_every_release_still_loads(path: Path) -> None:
    row: dict[str, Any] = json.loads(path.read_text())

    module, _, name = row["classpath"].rpartition(".")
    trigger = getattr(importlib.import_module(module), name)(**row["kwargs"])

    assert isinstance(trigger, CgcJobsTrigger)
    tracker = JobTracker.from_json(trigger.state, trigger.ids or [])
    assert (tracker.completed, len(tracker.open)) == (1, 2)
    assert {key: value for key, value in trigger.serialize()[1].items() if key in row["kwargs"]} == row["kwargs"]


def test_there_is_a_stored_event_of_this_release_for_every_outcome() -> None:
    version = airflow_provider_cgc.__version__

    assert {f"{version}-{outcome.value}" for outcome in Outcome} <= {path.stem for path in EVENTS}


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_the_stored_events_of_every_release_are_still_read(path: Path) -> None:
    payload: dict[str, Any] = json.loads(path.read_text())

    event = WaitEvent.from_json(payload, kind="import" if "-import-" in path.name else "export")

    assert event.outcome.value == path.stem.rpartition("-")[2]
    assert {key: value for key, value in event.summary.to_json().items() if key in payload["summary"]} == payload[
        "summary"
    ]
    assert event.error == payload["error"]
