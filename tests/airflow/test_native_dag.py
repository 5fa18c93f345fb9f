"""A Dag with `render_template_as_native_obj=True` on real Airflow: text stays text from the list to the bucket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcClient, Settings
from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.conftest import load_dag_file, xcoms

PROJECT = "partner-lab/consortium"
SOURCE = """
import json
from datetime import datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.files import CgcListFilesOperator
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor

FOLDER = {folder!r}


def note_error(context):
    error = context["exception"]
    with open(FOLDER + "/errors.jsonl", "a") as file:
        file.write(json.dumps([context["ti"].task_id, f"{{type(error).__name__}}: {{error}}"]) + "\\n")


with DAG(
    "native",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    render_template_as_native_obj=True,
    params={{"folder": "2026_11", "number": 2026, "flag": True, "filters": {{"k": "True"}}, "nothing": None}},
    default_args={{
        "project": "partner-lab/consortium", "volume": "demo-lab/results", "copy_only": "True", "retries": 1,
        "on_failure_callback": note_error,
    }},
) as dag:
    literals = CgcListFilesOperator(
        task_id="literals", folder="2026_11", name="1_000", tag="2026", metadata={{"k": "True", "n": "007"}}
    )
    templates = CgcListFilesOperator(
        task_id="templates",
        folder="{{{{ params.folder }}}}",
        tag="{{{{ params.number }}}}",
        metadata="{{{{ params.filters }}}}",
        origin_task="{{{{ params.nothing }}}}",
        expected_count="{{{{ 1 }}}}",
    )
    mapped = CgcListFilesOperator.partial(task_id="mapped").expand(folder=["2026_11", "{{{{ params.number }}}}"])
    sent = CgcBulkExportOperator(
        task_id="sent",
        items=literals.output,
        location="20261130/{{{{ params.folder }}}}/1e5-{{name}}",
        copy_only="{{{{ params.flag }}}}",
        properties="{{{{ {{'sse_algorithm': 'AES256'}} }}}}",
        wait=False,
    )
    CgcBulkExportSensor(task_id="waited", export_ids=sent.output, expected_count="{{{{ 1 }}}}", poke_interval=0.3)
    CgcBulkExportOperator(
        task_id="pulled",
        items="{{{{ ti.xcom_pull(task_ids='templates') }}}}",
        location="2026/11",
        poke_interval=0.3,
        max_failure_share="{{{{ 0.5 }}}}",
    ).set_upstream(templates)
    CgcBulkExportOperator.partial(task_id="late", items="sample").expand(location=["2026/{{nam}}"])
    CgcListFilesOperator(task_id="last", folder="{{{{ params.nothing }}}}", tag="{{{{ 'None' }}}}")
"""


class Played:
    """The traces of a run of all these tasks."""

    def __init__(self, folder: Path) -> None:
        run = load_dag_file("native", SOURCE.format(folder=str(folder))).dag.test()
        self.tries = {(ti.task_id, ti.map_index): ti.try_number for ti in run.get_task_instances()}
        self.states = {(ti.task_id, ti.map_index): str(ti.state) for ti in run.get_task_instances()}
        self.xcoms: dict[Any, Any] = xcoms("native", run.run_id)
        self.errors = dict(json.loads(line) for line in (folder / "errors.jsonl").read_text().splitlines())


@pytest.fixture(scope="module")
def emulator() -> Iterator[CgcEmulator]:
    with CgcEmulator(files=1, speed=600) as emulator:
        how: dict[str, Any] = {"project": PROJECT, "tags": ["2026"], "metadata": {"k": "True", "n": "007"}}
        emulator.add_files(["2026_11/1_000"], **how)
        emulator.add_files(["2026/other", "202611/1000"], project=PROJECT, tags=["2026"])
        yield emulator


@pytest.fixture(scope="module")
def played(
    emulator: CgcEmulator, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Played]:
    request.getfixturevalue("database")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_CGC_DEFAULT", emulator.airflow_conn)
        yield Played(tmp_path_factory.mktemp("native"))


def test_only_mistakes_fail(played: Played) -> None:
    failed = {task for task, state in played.states.items() if state != "success"}

    assert failed == {("late", 0), ("last", -1)}


@pytest.mark.parametrize(
    ("task", "index", "name"),
    [("literals", -1, "1_000"), ("templates", -1, "1_000"), ("mapped", 0, "1_000"), ("mapped", 1, "other")],
)
def test_text_finds_its_files(played: Played, task: str, index: int, name: str) -> None:
    assert [item["name"] for item in played.xcoms[task, index, "return_value"]] == [name]


def test_listing_goes_its_way(played: Played, emulator: CgcEmulator) -> None:
    """Listed files go where the Dag says."""
    with CgcClient(Settings(token=emulator.token, base_url=emulator.url)) as client:
        jobs = list(client.exports.list())

    assert all(job.completed for job in jobs)
    assert sorted(str(job.location) for job in jobs) == ["2026/11", "20261130/2026_11/1e5-1_000"]


def test_mapped_mistake_is_told(played: Played) -> None:
    """A mapped task's mistake is told at run time."""
    assert "CgcInputRefused: the location '2026/{nam}' has the unknown field" in played.errors["late"]


def test_the_word_none_is_text(played: Played) -> None:
    """The word "None" is a filter and not one that was left out."""
    assert "tag is 'None': a template rendered to nothing" in played.errors["last"]
