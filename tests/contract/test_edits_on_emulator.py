"""Our client changes files and makes folders on the emulated platform over a real line, and finds them again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from airflow_provider_cgc.client import (
    CgcApiError,
    CgcClient,
    CgcConflict,
    CgcConnectionError,
    CgcForbidden,
    CgcNotFound,
    CgcUnreadableError,
)
from airflow_provider_cgc.emulator import CgcEmulator
from tests.contract.clients import Connect, calls

EDIT = "POST /v2/bulk/files/edit"
GONE = "0" * 24


def samples(ids: Iterable[str]) -> list[dict[str, Any]]:
    return [{"id": name, "metadata": {"sample_id": f"S{number}"}} for number, name in enumerate(ids)]


@pytest.mark.parametrize("order", ["request", "reversed", "shuffled"])
def test_each_file_has_its_sample(cgc: CgcEmulator, client: CgcClient, order: Any) -> None:
    cgc.option("record_order", order)
    before = {file.id: file.metadata for file in client.files.walk(cgc.project)}

    records = client.files.bulk_edit(samples(cgc.file_ids))

    for number, (name, record) in enumerate(zip(cgc.file_ids, records, strict=True)):
        assert record.resource is not None
        assert record.id == record.resource.id == name
        assert record.resource.metadata == {**before[name], "sample_id": f"S{number}"}
        assert client.files.get(name).metadata == record.resource.metadata
    assert calls(cgc, EDIT) == 1


@pytest.mark.parametrize("order", ["request", "reversed", "shuffled"])
def test_refusals_find_their_files(cgc: CgcEmulator, client: CgcClient, order: Any) -> None:
    """Each file has its own refusal, in whichever order the platform answers."""
    cgc.option("record_order", order)
    first, second, third = cgc.file_ids[:3]

    records = client.files.bulk_edit(
        [
            {"id": GONE, "tags": ["x"]},
            {"id": first, "tags": ["x"]},
            {"id": second, "metadata": {"k": "v" * 301}},
            {"id": cgc.folder_id, "metadata": {"k": "v"}},
            {"id": third, "name": cgc.file_names[first]},
            {"id": cgc.alias_id, "name": "new.bam", "tags": ["y"], "metadata": {"k": "v"}},
        ]
    )

    assert [record.error and record.error.code for record in records] == [5002, None, 5006, 5025, 5003, None]
    assert all(record.error is None or record.error.remedy for record in records)
    alias = client.files.get(cgc.alias_id)
    assert (alias.name, alias.tags, alias.metadata["k"]) == ("new.bam", ("y",), "v")
    assert "k" not in client.files.get(second).metadata


def test_no_right_is_told_of_each(cgc: CgcEmulator, client: CgcClient) -> None:
    ours = cgc.file_ids[:20]
    theirs = cgc.add_files([f"f{number}" for number in range(150)], project=cgc.unwritable_project)
    cgc.option("record_order", "reversed")

    records = client.files.bulk_edit(samples([*ours, *theirs]))

    assert [record.id for record in records if record.error is None] == ours
    assert {record.error.code for record in records if record.error} == {5009}
    assert calls(cgc, EDIT) == 2


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "half_body", "broken_json"])
def test_lost_edit_ends_the_same(cgc: CgcEmulator, connect: Connect, fault: Any) -> None:
    client = connect(cgc, patience=20)
    client.user()
    cgc.fault(fault, path="/v2/bulk/files/edit")

    records = client.files.bulk_edit(samples(cgc.file_ids[:3]))

    assert all(record.error is None for record in records)
    assert [client.files.get(name).metadata["sample_id"] for name in cgc.file_ids[:3]] == ["S0", "S1", "S2"]


@pytest.mark.parametrize(("nulls", "left"), [("stored", {"k": None}), ("removed", {}), ("ignored", {"k": "v"})])
def test_null_in_the_metadata(cgc: CgcEmulator, client: CgcClient, nulls: Any, left: dict[str, Any]) -> None:
    cgc.option("null_metadata", nulls)
    name = cgc.file_ids[0]
    client.files.bulk_edit([{"id": name, "metadata": {"k": "v"}}])

    [record] = client.files.bulk_edit([{"id": name, "metadata": {"k": None}}])

    assert record.resource is not None
    assert {key: value for key, value in record.resource.metadata.items() if key == "k"} == left


def test_folders_for_an_import(cgc: CgcEmulator, client: CgcClient) -> None:
    """Folders are made, files land in them, and one walk finds those that are wanted and the files in them."""
    run = client.files.create_folder("run7", project=cgc.project)
    inner = client.files.create_folder("s1", parent=run.id)
    client.files.create_folder("other", parent=inner.id)
    place = {"volume": cgc.read_only_volume, "parent": inner.id}
    client.imports.bulk_create([{**place, "location": cgc.locations[0], "name": "a.bam"}])
    cgc.clock.advance(3600)
    wanted = {"run7", "run7/s1", "run7/s2"}

    found = list(client.files.tree(cgc.project, into=wanted.__contains__, folders=True))

    assert run.parent == client.projects.get(cgc.project).root_folder
    assert inner.parent == run.id
    here = {one.path: one.file.id for one in found if one.file.is_folder and one.path in wanted}
    assert here == {"run7": run.id, "run7/s1": inner.id}
    assert [(one.path, one.file.name) for one in found if one.path.startswith("run7")] == [
        ("run7", "run7"),
        ("run7/s1", "s1"),
        ("run7/s1/other", "other"),
        ("run7/s1", "a.bam"),
    ]
    assert calls(cgc, "GET /v2/files") == 3


@pytest.mark.parametrize(
    ("name", "where", "kind", "code"),
    [
        ("run7", "project", CgcConflict, 5030),
        ("x", "gone", CgcNotFound, 5026),
        ("x", "file", CgcApiError, 5022),
        ("x", "unwritable", CgcForbidden, 5001),
        ("x" * 300, "project", CgcApiError, 5024),
    ],
)
def test_folder_refusals(
    cgc: CgcEmulator, client: CgcClient, name: str, where: str, kind: type[CgcApiError], code: int
) -> None:
    client.files.create_folder("run7", project=cgc.project)
    places = {
        "project": {"project": cgc.project},
        "unwritable": {"project": cgc.unwritable_project},
        "gone": {"parent": GONE},
        "file": {"parent": cgc.file_ids[0]},
    }

    with pytest.raises(kind) as refused:
        client.files.create_folder(name, **places[where])

    assert refused.value.code == code
    assert refused.value.problem.remedy


@pytest.mark.parametrize("fault", ["drop_after", "half_body", "broken_json"])
def test_lost_folder_is_there_once(cgc: CgcEmulator, connect: Connect, fault: Any) -> None:
    client = connect(cgc, patience=20)
    client.user()
    cgc.fault(fault, path="/v2/files")

    with pytest.raises((CgcConnectionError, CgcUnreadableError)):
        client.files.create_folder("run7", project=cgc.project)

    assert calls(cgc, "POST /v2/files") == 1
    assert [file.name for file in client.files.list(cgc.project)].count("run7") == 1
    with pytest.raises(CgcConflict):
        client.files.create_folder("run7", project=cgc.project)
