"""`CgcListFilesOperator` on real Airflow: templates, what goes into the XCom, and what a failure says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.submitting.manifest import read_items
from tests.airflow.conftest import load_dag_file, xcoms

PROJECT = "partner-lab/consortium"
SOURCE = '''
import json
from datetime import datetime, timezone

from airflow.providers.common.compat.sdk import DAG, BaseOperator

from airflow_provider_cgc.operators.files import CgcListFilesOperator

FOLDER = {folder!r}


class Counts(BaseOperator):
    """Count what it is given, after Airflow has put it through its database."""

    template_fields = ("items",)

    def __init__(self, *, items, **kwargs):
        super().__init__(**kwargs)
        self.items = items

    def execute(self, context):
        return len(self.items)


def note_error(context):
    error = context["exception"]
    with open(FOLDER + "/errors.jsonl", "a") as file:
        file.write(json.dumps([context["ti"].task_id, f"{{type(error).__name__}}: {{error}}"]) + "\\n")


with DAG(
    "list_files",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    params={{"folder": "raw", "least": 10, "sample": "S1"}},
    default_args={{"project": "partner-lab/consortium", "on_failure_callback": note_error}},
):
    few = CgcListFilesOperator(
        task_id="few",
        folder="{{{{ params.folder }}}}/2026",
        name=["*.bam", "*.{{{{ 'bai' }}}}"],
        metadata={{"sample_id": "{{{{ params.sample }}}}"}},
        min_size="{{{{ params.least }}}}",
        modified_after=datetime(2020, 1, 1, tzinfo=timezone.utc),
        expected_count="{{{{ 2 }}}}",
    )
    Counts(task_id="count", items=few.output)
    CgcListFilesOperator(
        task_id="many", folder="flat", manifest_path="file://" + FOLDER + "/{{{{ task.task_id }}}}.jsonl"
    )
    CgcListFilesOperator(task_id="too_many", folder="flat")
    CgcListFilesOperator(task_id="no_folder", folder="nowhere")
    CgcListFilesOperator(task_id="first_run", modified_after="{{{{ params.get('last') }}}}")
    CgcListFilesOperator.partial(task_id="mapped").expand(folder=["raw", "flat/small"])
dag = few.dag
'''


class Listed:
    """The traces of a run of all these tasks."""

    def __init__(self, emulator: CgcEmulator, folder: Path) -> None:
        run = load_dag_file("list_files", SOURCE.format(folder=str(folder))).dag.test()
        self.folder = folder
        self.states = {(ti.task_id, ti.map_index): str(ti.state) for ti in run.get_task_instances()}
        self.xcoms = xcoms("list_files", run.run_id)
        errors = (folder / "errors.jsonl").read_text().splitlines()
        self.errors = dict(json.loads(line) for line in errors)


@pytest.fixture(scope="module")
def listed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listed]:
    request.getfixturevalue("database")
    with pytest.MonkeyPatch.context() as patch, CgcEmulator(files=1) as emulator:
        patch.setenv("AIRFLOW_CONN_CGC_DEFAULT", emulator.airflow_conn)
        emulator.add_files(
            ["raw/2026/S1.bam", "raw/2026/new/S1.bai"], project=PROJECT, size=12, metadata={"sample_id": "S1"}
        )
        emulator.add_files(["raw/2026/S1.small.bam"], project=PROJECT, size=1, metadata={"sample_id": "S1"})
        emulator.add_files(["raw/2026/S2.bam"], project=PROJECT, metadata={"sample_id": "S2"})
        emulator.add_files([f"flat/f{number:04d}.bam" for number in range(1_000)], project=PROJECT)
        emulator.add_files(["flat/small/last.bam"], project=PROJECT)
        yield Listed(emulator, tmp_path_factory.mktemp("listed"))


def test_items_reach_next_task(listed: Listed) -> None:
    """Arguments are templates and items reach the next task."""
    items: Any = listed.xcoms["few", -1, "return_value"]

    assert [(item["path"], item["name"]) for item in items] == [("raw/2026", "S1.bam"), ("raw/2026/new", "S1.bai")]
    assert listed.xcoms["count", -1, "return_value"] == 2


def test_many_become_a_manifest(listed: Listed) -> None:
    """A thousand and one files are a manifest whose address is returned."""
    uri: Any = listed.xcoms["many", -1, "return_value"]

    assert uri == f"file://{listed.folder}/many.jsonl"
    with open(listed.folder / "many.jsonl") as lines:
        items = read_items(lines, name=uri, of=ExportItem)
    assert len({item.file for item in items}) == 1_001
    assert [(item.path, item.name) for item in (items[0], items[-1])] == [
        ("flat", "f0000.bam"),
        ("flat/small", "last.bam"),
    ]


def test_mapped_has_its_own(listed: Listed) -> None:
    found: Any = [listed.xcoms["mapped", index, "return_value"] for index in (0, 1)]

    assert [len(items) for items in found] == [4, 1]


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("too_many", ["CgcInputRefused", "'too_many'", "more than 1000", "manifest_path"]),
        ("no_folder", ["CgcInputRefused", "no folder 'nowhere'", PROJECT, "'flat', 'raw'"]),
        ("first_run", ["CgcInputRefused", "modified_after is 'None'", "default"]),
    ],
)
def test_failure_has_a_next_step(listed: Listed, task: str, words: list[str]) -> None:
    """A failure names the object, the fact and the next step."""
    assert listed.states[task, -1] == "failed"
    for word in words:
        assert word in listed.errors[task]


def test_no_other_task_failed(listed: Listed) -> None:
    assert set(listed.errors) == {"too_many", "no_folder", "first_run"}
