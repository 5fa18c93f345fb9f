"""Addresses as Airflow's objects, in every argument that takes an address, on real Airflow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.conftest import load_dag_file, xcoms

SOURCE = """
from datetime import datetime
from pathlib import Path
from airflow.providers.common.compat.sdk import DAG, BaseOperator, ObjectStoragePath
from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.files import CgcListFilesOperator
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor

FOLDER = ObjectStoragePath("file://{folder}")
HOW = dict(volume="demo-lab/results", copy_only=True, poke_interval=0.3, retries=0)


class Gives(BaseOperator):
    def __init__(self, *, name, **kwargs):
        super().__init__(**kwargs)
        self.name = name

    def execute(self, context):
        return FOLDER / self.name


with DAG("objects", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
    listed = CgcListFilesOperator(
        task_id="listed", project="demo-lab/cptac3", name="*.bam", manifest_path=FOLDER / "{{{{ ti.task_id }}}}.jsonl"
    )
    started = CgcBulkExportOperator(
        task_id="started", items=[FOLDER / "listed.jsonl"], location="started/{{id}}", wait=False,
        manifest_path=FOLDER / "{{{{ ti.task_id }}}}-{{{{ run_id | length }}}}.jsonl", **HOW,
    )
    gives = Gives(task_id="gives", name="listed.jsonl")
    manifest = CgcBulkExportOperator(
        task_id="manifest", manifest=gives.output, location="manifest/{{id}}",
        manifest_path=Path("{folder}/manifest.jsonl"), deferrable=True, **HOW,
    )
    mapped = CgcBulkExportOperator.partial(
        task_id="mapped", location="{{id}}-{{name}}", wait=False,
        manifest_path=FOLDER / "mapped-{{{{ ti.map_index }}}}.jsonl", **HOW,
    ).expand(items=[[FOLDER / "listed.jsonl"]])
    gives_started = Gives(task_id="gives_started", name="mapped-0.jsonl")
    waited = CgcBulkExportSensor(task_id="waited", export_ids=[gives_started.output], poke_interval=0.3)
    listed >> started
    listed >> gives
    listed >> mapped >> gives_started
"""
TASKS = ("listed", "started", "manifest", "mapped", "waited")


@pytest.fixture(scope="module")
def run(database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The ends of the tasks, their XComs, and the places of the manifests."""
    from airflow_provider_cgc.sensors.base import CgcJobsSensor

    folder = tmp_path_factory.mktemp("objects")
    with CgcEmulator(speed=600) as emulator, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_CGC_DEFAULT", emulator.airflow_conn)
        patch.setattr(CgcJobsSensor, "event_grace", 0.0)
        ended = load_dag_file("objects", SOURCE.format(folder=folder)).dag.test()
        states = {ti.task_id: str(ti.state) for ti in ended.get_task_instances()}
        yield {"folder": folder, "states": states, "xcoms": xcoms("objects", ended.run_id)}


@pytest.mark.parametrize("task", TASKS)
def test_object_is_an_address(run: dict[str, Any], task: str) -> None:
    """A task takes an object for an address."""
    assert run["states"][task] == "success"


def test_written_name_is_rendered(run: dict[str, Any]) -> None:
    names = {path.name.partition("-")[0].removesuffix(".jsonl") for path in run["folder"].iterdir()}

    assert names == {"listed", "started", "manifest", "mapped"}
    assert (run["folder"] / "mapped-0.jsonl").exists()


def test_handed_on_as_text(run: dict[str, Any]) -> None:
    found = len((run["folder"] / "listed.jsonl").read_text().splitlines())
    given, summary = run["xcoms"]["mapped", 0, "return_value"], run["xcoms"]["manifest", -1, "cgc_summary"]

    assert given == f"file://{run['folder']}/mapped-0.jsonl"
    assert summary["manifest"] == f"file://{run['folder']}/manifest.jsonl"
    assert summary["completed"] == run["xcoms"]["waited", -1, "cgc_summary"]["completed"] == found
    assert json.dumps(summary)
