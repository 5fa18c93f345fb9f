"""Reading import jobs: documented shapes, what the platform fills in, and the item that starts one again."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_cgc.client import ImportJob, JobState

COMPLETED: dict[str, Any] = {
    "href": "https://cgc-api.sbgenomics.com/v2/storage/imports/Nf4j",
    "id": "Nf4j",
    "state": "COMPLETED",
    "overwrite": False,
    "autorename": False,
    "source": {"volume": "mcurie/radium_in", "location": "batch1/s1.fastq.gz"},
    "destination": {"project": "mcurie/radium", "name": "s1.fastq.gz"},
    "started_on": "2026-01-05T11:00:00Z",
    "finished_on": "2026-01-05T11:00:01Z",
    "result": {
        "id": "65a1b2c3d4e5f60718293a60",
        "name": "s1.fastq.gz",
        "size": 5242880,
        "project": "mcurie/radium",
        "storage": {"type": "VOLUME", "volume": "mcurie/radium_in", "location": "batch1/s1.fastq.gz"},
    },
}
FOLDER = {"volume": "mcurie/radium_in", "location": "batch1/"}


def job(**fields: Any) -> ImportJob:
    return ImportJob.from_json({**COMPLETED, **fields})


def test_documented_import() -> None:
    read = job()

    assert (read.id, read.state, read.state_text) == ("Nf4j", JobState.COMPLETED, "COMPLETED")
    assert (read.volume, read.location) == ("mcurie/radium_in", "batch1/s1.fastq.gz")
    assert (read.project, read.parent, read.name) == ("mcurie/radium", None, "s1.fastq.gz")
    assert (read.overwrite, read.autorename, read.preserve_folder_structure) == (False, False, None)
    assert read.started_on == datetime(2026, 1, 5, 11, 0, tzinfo=UTC)
    assert read.finished_on == datetime(2026, 1, 5, 11, 0, 1, tzinfo=UTC)
    assert (read.done, read.completed, read.failed, read.error) == (True, True, False, None)
    assert read.raw == COMPLETED


def test_imported_is_an_alias() -> None:
    read = job()

    assert read.result is not None
    assert (read.result.id, read.result.name) == ("65a1b2c3d4e5f60718293a60", "s1.fastq.gz")
    assert read.result.is_alias
    assert read.size == 5242880


@pytest.mark.parametrize("result", [None, {}, [], "x", {"name": "s1.fastq.gz", "size": 7}, {"id": 5}])
def test_unclear_result_is_none(result: Any) -> None:
    read = job(result=result)

    assert (read.result, read.size, read.completed) == (None, None, True)


def test_folder_has_no_size() -> None:
    read = job(source=FOLDER, preserve_folder_structure=True, result={"id": "65a1", "name": "batch1", "type": "folder"})

    assert read.result is not None
    assert read.result.is_folder
    assert (read.size, read.preserve_folder_structure) == (None, True)


def test_failed_has_its_problem() -> None:
    read = job(state="FAILED", error={"status": 404, "code": 9105, "message": "No such item."}, result=None)

    assert (read.done, read.completed, read.failed) == (True, False, True)
    assert read.error is not None
    assert read.error.code == 9105


@pytest.mark.parametrize("absent", [None, "missing", 5, [], ""])
@pytest.mark.parametrize("field", [field for field in COMPLETED if field != "id"])
def test_only_the_id_is_required(field: str, absent: Any) -> None:
    fields = {**COMPLETED, field: absent}
    if absent == "missing":
        del fields[field]

    assert ImportJob.from_json(fields).id == "Nf4j"


def test_export_shape_is_none() -> None:
    """The shape of an export is not taken for that of an import."""
    read = job(source={"file": "65a1"}, destination={"volume": "mcurie/radium_out", "location": "a.bam"})

    assert (read.volume, read.location, read.project, read.parent, read.name) == (None, None, None, None, None)
    assert read.completed


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (None, None), (True, True), (False, False), ("false", False), ("True", True), ("maybe", None), (0, None),
        ([], None),
    ],
)  # fmt: skip
def test_unclear_flag_is_ignored(told: Any, kept: bool | None) -> None:
    """Folders are not flattened by a flag that says nothing."""
    assert job(preserve_folder_structure=told).preserve_folder_structure is kept


@pytest.mark.parametrize(
    ("fields", "item"),
    [
        ({}, {"project": "mcurie/radium", "name": "s1.fastq.gz"}),
        ({"destination": {"project": "mcurie/radium"}}, {"project": "mcurie/radium"}),
        ({"destination": {"parent": "65a0", "name": "x"}}, {"parent": "65a0", "name": "x"}),
        ({"destination": {"project": "mcurie/radium", "parent": "65a0"}}, {"parent": "65a0"}),
        ({"destination": {}}, {"project": None}),
        (
            {"overwrite": True, "autorename": "true"},
            {"project": "mcurie/radium", "name": "s1.fastq.gz", "overwrite": True, "autorename": True},
        ),
        ({"preserve_folder_structure": False}, {"project": "mcurie/radium", "name": "s1.fastq.gz"}),
    ],
)
def test_item_starts_an_import(fields: dict[str, Any], item: dict[str, Any]) -> None:
    assert job(**fields).item == {"volume": "mcurie/radium_in", "location": "batch1/s1.fastq.gz", **item}


@pytest.mark.parametrize(("kept", "item"), [(False, {"preserve_folder_structure": False}), (True, {}), (None, {})])
def test_flattened_folder_says_so(kept: bool | None, item: dict[str, Any]) -> None:
    read = job(source=FOLDER, destination={"project": "mcurie/radium"}, preserve_folder_structure=kept)

    assert read.item == {**FOLDER, "project": "mcurie/radium", **item}


def test_import_is_a_value() -> None:
    """An import is hashable and picklable, and shows no raw JSON."""
    read = job()

    assert len({read, job()}) == 1
    assert pickle.loads(pickle.dumps(read)) == read
    assert "href" not in repr(read)
