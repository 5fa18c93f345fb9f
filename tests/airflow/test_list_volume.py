"""`CgcListVolumeOperator` on real Airflow, and a task of the Dag's own that reads its items."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.imports.item import ImportItem
from airflow_provider_cgc.manifests import read_items
from tests.airflow.conftest import load_dag_file, xcoms

VOLUME, PROJECT = CgcEmulator.volume, CgcEmulator.project
SOURCE = """
import json
from datetime import datetime, timezone

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_cgc.manifests import read_items
from airflow_provider_cgc.operators.imports import CgcBulkImportOperator
from airflow_provider_cgc.operators.volumes import CgcListVolumeOperator

FOLDER = {folder!r}


@task
def places(listed):
    return [item["path"] for item in read_items(listed)]


def note_error(context):
    error = context["exception"]
    with open(FOLDER + "/errors.jsonl", "a") as file:
        file.write(json.dumps([context["ti"].task_id, f"{{type(error).__name__}}: {{error}}"]) + "\\n")


with DAG(
    "list_volume",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    params={{"batch": "batch1", "drop": ["*.tmp"]}},
    default_args={{"volume": {volume!r}, "on_failure_callback": note_error}},
):
    few = CgcListVolumeOperator(
        task_id="few",
        prefix="{{{{ params.batch }}}}",
        exclude="{{{{ params.drop }}}}",
        modified_after=datetime(2020, 1, 1, tzinfo=timezone.utc),
        expected_count="{{{{ 2 }}}}",
    )
    places.override(task_id="places_of_few")(few.output)
    many = CgcListVolumeOperator(
        task_id="many", prefix="flat/", manifest_path="file://" + FOLDER + "/{{{{ task.task_id }}}}.jsonl"
    )
    places.override(task_id="places_of_many")(many.output)
    for listed in (few, many):
        CgcBulkImportOperator(
            task_id="import_" + listed.task_id, items=listed.output, project={project!r}, dry_run=True
        )
    CgcListVolumeOperator(task_id="too_many", prefix="flat")
    CgcListVolumeOperator(task_id="no_prefix", prefix="Batch1")
    CgcListVolumeOperator(task_id="rendered_to_nothing", prefix="{{{{ params.get('none') }}}}")
    mapped = CgcListVolumeOperator.partial(task_id="mapped").expand(prefix=["batch1/s1", "batch1"])
    places.override(task_id="places_of_mapped")(mapped.output)
dag = few.dag
"""


class Listed:
    """The traces of a run of all these tasks."""

    def __init__(self, folder: Path) -> None:
        run = load_dag_file("list_volume", SOURCE.format(folder=str(folder), volume=VOLUME, project=PROJECT)).dag.test()
        self.folder = folder
        self.states = {(ti.task_id, ti.map_index): str(ti.state) for ti in run.get_task_instances()}
        self.xcoms = xcoms("list_volume", run.run_id)
        errors = (folder / "errors.jsonl").read_text().splitlines()
        self.errors = dict(json.loads(line) for line in errors)


@pytest.fixture(scope="module")
def listed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listed]:
    request.getfixturevalue("database")
    with pytest.MonkeyPatch.context() as patch, CgcEmulator(files=1, speed=0) as emulator:
        patch.setenv("AIRFLOW_CONN_CGC_DEFAULT", emulator.airflow_conn)
        emulator.put_objects(
            ["batch1/s1/a.bam", "batch1/b.bam", "batch1/x.tmp", "batch10/c.bam"], volume=VOLUME, size=12
        )
        emulator.put_placeholders(["batch1/", "batch1/s1/"], volume=VOLUME)
        emulator.put_objects([f"flat/{number % 3}/f{number:04d}.bam" for number in range(1_001)], volume=VOLUME)
        yield Listed(tmp_path_factory.mktemp("listed"))


def test_items_reach_next_task(listed: Listed) -> None:
    """Arguments are templates and items reach the next task."""
    items: Any = listed.xcoms["few", -1, "return_value"]

    assert items == [
        {"volume": VOLUME, "location": "batch1/b.bam", "size": 12, "path": ""},
        {"volume": VOLUME, "location": "batch1/s1/a.bam", "size": 12, "path": "s1"},
    ]
    assert listed.xcoms["places_of_few", -1, "return_value"] == ["", "s1"]
    assert [ImportItem.read(item).named() for item in items] == ["object 'batch1/b.bam'", "object 'batch1/s1/a.bam'"]


def test_manifest_reaches_next_task(listed: Listed) -> None:
    """A thousand and one objects are a manifest, which the next task reads with the same call."""
    address: Any = listed.xcoms["many", -1, "return_value"]

    assert address == f"file://{listed.folder}/many.jsonl"
    assert len({item["location"] for item in read_items(address)}) == 1_001
    places: Any = listed.xcoms["places_of_many", -1, "return_value"]
    assert set(places) == {"0", "1", "2"}


@pytest.mark.parametrize(("task", "count"), [("import_few", 2), ("import_many", 1_001)])
def test_import_takes_them_as_they_are(listed: Listed, task: str, count: int) -> None:
    """A list of items and the address of a manifest; with its folders below the prefix."""
    report: Any = listed.xcoms[task, -1, "return_value"]

    assert (report["items"], report["to_send"]) == (count, count)


def test_mapped_reach_next_task(listed: Listed) -> None:
    assert listed.xcoms["places_of_mapped", -1, "return_value"] == ["", "", "s1", ""]


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("too_many", ["CgcInputRefused", "'too_many'", "more than 1000 such objects", "manifest_path"]),
        ("no_prefix", ["CgcInputRefused", "folder 'Batch1/'", "'batch1'", "(case-sensitive)"]),
        ("rendered_to_nothing", ["CgcInputRefused", "prefix is 'None'", "leave it out for the whole volume"]),
    ],
)
def test_failure_has_a_next_step(listed: Listed, task: str, words: list[str]) -> None:
    """A failure names the object, the fact and the next step."""
    assert listed.states[task, -1] == "failed"
    for word in words:
        assert word in listed.errors[task]


def test_no_other_task_failed(listed: Listed) -> None:
    assert set(listed.errors) == {"too_many", "no_prefix", "rendered_to_nothing"}
