"""Our client against the emulated platform, over a real line, in each variant of the documents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_cgc.client import (
    CgcClient,
    CgcItemsRefused,
    CgcNotFound,
    CgcUsageError,
    JobState,
    chunks_of,
    started_ids,
)
from airflow_provider_cgc.emulator import CgcEmulator
from tests.contract.clients import Connect, calls, export_items

GET = "POST /v2/bulk/storage/exports/get"
CREATE = "POST /v2/bulk/storage/exports/create"


def finish(cgc: CgcEmulator) -> None:
    cgc.clock.advance(7 * 24 * 3600)


def test_user_and_rate_limit(cgc: CgcEmulator, client: CgcClient) -> None:
    assert client.user().username
    assert client.rate_limit().limit == 1000
    assert client.budget.spread(1) > 0, "it has learnt from the answers"


def test_walks_all_folders(cgc: CgcEmulator, client: CgcClient) -> None:
    found = {file.id: file for file in client.files.walk(cgc.project)}

    assert set(cgc.file_ids) <= set(found)
    assert not any(file.is_folder for file in found.values())
    assert all(found[name].size is not None and found[name].storage_type == "PLATFORM" for name in cgc.file_ids)
    assert {file.id: file.is_alias for file in client.files.walk(cgc.other_project)}[cgc.alias_id]


def tree_of(files: int, folders: int) -> list[str]:
    """Paths of files, spread over folders of which each but the first three lies in another."""
    below = ["a", "b", "c"]
    for number in range(3, folders):
        below.append(f"{below[number // 3]}/d{number}")
    return [f"{below[number % folders]}/f{number}.bam" for number in range(files)]


def test_deep_tree_cost(cgc: CgcEmulator, client: CgcClient) -> None:
    """A deep tree costs a request for each folder."""
    paths = tree_of(400, 60)
    cgc.add_files(paths, project=cgc.unwritable_project)

    found = [f"{placed.path}/{placed.file.name}" for placed in client.files.tree(cgc.unwritable_project)]

    assert max(path.count("/") for path in paths) >= 4
    assert sorted(found) == sorted(paths)
    assert calls(cgc, "GET /v2/files") == 61


def test_large_folder_cost(cgc: CgcEmulator, client: CgcClient) -> None:
    """A large folder costs a request for each hundred files."""
    ids = cgc.add_files([f"flat/f{number}.bam" for number in range(430)], project=cgc.unwritable_project)

    found = [placed.file.id for placed in client.files.tree(cgc.unwritable_project)]

    assert found == ids
    assert calls(cgc, "GET /v2/files") == 6


@pytest.mark.parametrize(("option", "value"), [("total_header", "absent"), ("total_header", "twice")])
def test_large_folder_untold(cgc: CgcEmulator, client: CgcClient, option: str, value: Any) -> None:
    """A large folder is read whole where its total is not told."""
    cgc.option(option, value)
    ids = cgc.add_files([f"flat/f{number}.bam" for number in range(430)], project=cgc.unwritable_project)

    assert [placed.file.id for placed in client.files.tree(cgc.unwritable_project)] == ids
    assert calls(cgc, "GET /v2/files") == 6


def folder_of_a_file(cgc: CgcEmulator, client: CgcClient) -> str:
    cgc.add_files(["a/b/x.bam"], project=cgc.unwritable_project)
    [placed] = client.files.tree(cgc.unwritable_project)
    return placed.path


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        pytest.param(folder_of_a_file, "a/b", id="folder"),
        pytest.param(lambda cgc, client: client.files.get(cgc.alias_id).is_alias, True, id="alias"),
        pytest.param(lambda cgc, client: client.volumes.get(cgc.volume).writable, True, id="writable volume"),
        pytest.param(
            lambda cgc, client: client.volumes.get(cgc.read_only_volume).writable, False, id="read-only volume"
        ),
    ],
)
def test_types_in_other_case(
    cgc: CgcEmulator, client: CgcClient, read: Callable[[CgcEmulator, CgcClient], object], expected: object
) -> None:
    cgc.option("type_case", "other")

    assert read(cgc, client) == expected


@pytest.mark.parametrize(("told", "size"), [("present", 7), ("header", 7), ("absent", None)])
def test_object_size_is_read(cgc: CgcEmulator, client: CgcClient, told: str, size: int | None) -> None:
    cgc.option("object_size", told)
    cgc.put_objects(["a"], volume=cgc.volume, size=7)

    assert [found.size for found in client.volumes.contents(cgc.volume)] == [size]


def test_filter_hides_folders(cgc: CgcEmulator, client: CgcClient) -> None:
    """So a tree is filtered on our side."""
    project = cgc.unwritable_project
    cgc.add_files(["top.bam", "a/deep.bam"], project=project, tags=["keep"], metadata={"k": "v"}, task="t1")

    for filters in ({"tag": "keep"}, {"metadata": {"k": ["v", "w"]}}, {"origin_task": "t1"}, {"name": "top.bam"}):
        assert [file.name for file in client.files.list(project, **filters)] == ["top.bam"]


def test_places(cgc: CgcEmulator, client: CgcClient) -> None:
    volume = client.volumes.get(cgc.volume)

    assert volume.writable
    assert volume.active
    assert not client.volumes.get(cgc.read_only_volume).writable
    assert client.volumes.get(cgc.inactive_volume).active is False
    assert {found.id for found in client.volumes.list()} >= {cgc.volume, cgc.read_only_volume}
    assert client.projects.get(cgc.project).location == "aws:us-east-1"
    assert cgc.project in [project.id for project in client.projects.list()]
    with pytest.raises(CgcNotFound):
        client.volumes.get("nobody/nothing")


def test_rights_on_places(cgc: CgcEmulator, client: CgcClient) -> None:
    mine, theirs = (client.volumes.permissions(volume, "demo") for volume in (cgc.volume, cgc.unwritable_volume))

    assert (mine.read, mine.copy, mine.write) == (True, True, True)
    assert (theirs.read, theirs.copy, theirs.write, theirs.execute) == (True, False, False, None)
    assert client.projects.get(cgc.project).permissions.copy is True
    assert client.projects.get(cgc.unwritable_project).permissions.copy is False
    with pytest.raises(CgcNotFound):
        client.volumes.permissions(cgc.volume, "no/body")


def test_export_to_its_end(cgc: CgcEmulator, client: CgcClient) -> None:
    wanted = export_items(cgc, 5)

    ids = started_ids(client.exports.bulk_create(wanted, copy_only=True))
    before = client.exports.bulk_get(ids)
    finish(cgc)
    after = client.exports.bulk_get(ids)

    assert all(record.resource is not None and not record.resource.done for record in before)
    jobs = [record.resource for record in after if record.resource is not None]
    assert [job.id for job in jobs] == ids
    assert all(job.completed and job.finished_on is not None for job in jobs)
    assert [(job.file, job.volume, job.location) for job in jobs] == [
        (item["file"], item["volume"], item["location"]) for item in wanted
    ]
    places = {entry.location for entry in client.volumes.contents(cgc.volume, recursive=True)}
    assert {item["location"] for item in wanted} <= places
    assert {entry.location for entry in client.volumes.contents(cgc.volume, prefix="run7/")} >= {
        item["location"] for item in wanted
    }


def test_copy_only_decides(cgc: CgcEmulator, client: CgcClient) -> None:
    """`copy_only` decides if files become aliases."""
    copied, moved = export_items(cgc, 2)
    client.exports.bulk_create([copied], copy_only=True)
    client.exports.bulk_create([moved], copy_only=False)
    finish(cgc)

    records = client.files.bulk_get([copied["file"], moved["file"]])

    assert [record.resource.is_alias for record in records if record.resource] == [False, True]
    with pytest.raises(CgcItemsRefused, match="9006"):
        started_ids(client.exports.bulk_create([moved | {"location": "again"}], copy_only=True))


def test_refused_items_are_named(cgc: CgcEmulator, client: CgcClient) -> None:
    """Refused items are named, and the others run."""
    good, taken = export_items(cgc, 2)
    alias = {"file": cgc.alias_id, "volume": cgc.volume, "location": "alias"}
    nothing = {"file": "0" * 24, "volume": cgc.volume, "location": "nothing"}

    with pytest.raises(CgcItemsRefused) as caught:
        started_ids(client.exports.bulk_create([good, alias, taken, nothing], copy_only=True))

    errors = [record.error.code if record.error else None for record in caught.value.records]
    assert errors == [None, 9006, None, 9009]
    assert len(caught.value.started) == 2


def test_existing_object_9107(cgc: CgcEmulator, client: CgcClient) -> None:
    first, second = export_items(cgc, 2)
    client.exports.bulk_create([first], copy_only=True)
    finish(cgc)

    [record] = client.exports.bulk_create([second | {"location": first["location"]}], copy_only=True)
    finish(cgc)
    job = client.exports.get(record.id or "")

    assert job.failed
    assert job.error is not None
    assert job.error.code == 9107
    assert "overwrite" in job.error.remedy


@pytest.mark.parametrize("unknown", ["error", "gap", "404"])
def test_unknown_id_answers(cgc: CgcEmulator, client: CgcClient, unknown: str) -> None:
    cgc.option("unknown_ids", unknown)
    ids = started_ids(client.exports.bulk_create(export_items(cgc, 50), copy_only=True))
    asked = [*ids[:20], "unknownunknownunknownunknown0000", *ids[20:], "unknownunknownunknownunknown0001"]

    records = client.exports.bulk_get(asked)

    assert [record.id for record in records] == asked
    codes = {record.id: record.error.code for record in records if record.error is not None}
    assert codes == {asked[20]: 9008, asked[-1]: 9008}


def test_spoilt_call_cost(cgc: CgcEmulator, connect: Connect) -> None:
    """A hundred unknown ids that spoil the call cost at most 24 requests."""
    cgc.option("unknown_ids", "404")
    unknown = [f"unknown{number:025d}" for number in range(100)]

    records = connect(cgc).exports.bulk_get(unknown)

    assert calls(cgc, GET) == 24
    assert all(record.error is not None and (record.error.code == 9008 or record.error.may_pass) for record in records)


def test_two_files_to_one_key(cgc: CgcEmulator, client: CgcClient) -> None:
    first, second = export_items(cgc, 2)

    with pytest.raises(CgcUsageError, match="two files to one key"):
        client.exports.bulk_create(
            [first | {"overwrite": True}, second | {"location": first["location"], "overwrite": True}], copy_only=True
        )

    assert calls(cgc, CREATE) == 0


@pytest.mark.parametrize("foreign", ["error", "gap"])
def test_other_users_job(cgc: CgcEmulator, client: CgcClient, connect: Connect, foreign: str) -> None:
    cgc.option("foreign_ids", foreign)
    [job_id] = started_ids(client.exports.bulk_create(export_items(cgc, 1), copy_only=True))

    [record] = connect(cgc, token=cgc.add_token("somebody")).exports.bulk_get([job_id])

    assert record.error is not None
    assert record.error.code == (9005 if foreign == "error" else 9008)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("reset_unit", "ms"),
        ("rate_headers", False),
        ("list_order", "oldest"),
        ("absent", "null"),
        ("time_offset", "+02:00"),
        ("extra_fields", True),
        ("result", "absent"),
        ("jump", True),
        ("object_size", "absent"),
        ("object_size", "header"),
        ("type_case", "other"),
        ("empty", "null"),
        ("next_links", "absent"),
        ("alias_location", "whole"),
    ],
)
def test_documented_variants(cgc: CgcEmulator, client: CgcClient, option: str, value: Any) -> None:
    cgc.option(option, value)
    ids = started_ids(client.exports.bulk_create(export_items(cgc, 3), copy_only=True))
    finish(cgc)

    records = client.exports.bulk_get(ids)

    assert all(record.resource is not None and record.resource.completed for record in records)
    assert {job.id for job in client.exports.list(volume=cgc.volume)} == set(ids)
    assert client.budget.delay() == 0.0


def test_pasted_shape(cgc: CgcEmulator, client: CgcClient) -> None:
    ids = started_ids(client.exports.bulk_create(export_items(cgc, 3), copy_only=True))
    finish(cgc)
    cgc.option("pasted_shape", True)

    records = client.exports.bulk_get(ids)

    assert [record.resource.id for record in records if record.resource] == ids
    assert all(record.resource is not None and record.resource.completed for record in records)


def test_unknown_state_is_active(cgc: CgcEmulator, client: CgcClient) -> None:
    cgc.option("unknown_state", "THINKING")
    [job_id] = started_ids(client.exports.bulk_create(export_items(cgc, 1), copy_only=True))
    states = set()
    for _ in range(60):
        job = client.exports.get(job_id)
        states.add((job.state, job.state_text, job.done))
        cgc.clock.advance(1)

    assert (JobState.UNKNOWN, "THINKING", False) in states


def test_long_list_is_read_whole(cgc: CgcEmulator, client: CgcClient) -> None:
    ids = []
    for round_ in range(4):
        for chunk in chunks_of(export_items(cgc, 60, f"round{round_}")):
            ids += started_ids(client.exports.bulk_create(chunk, copy_only=True))

    found = [job.id for job in client.exports.list(volume=cgc.volume)]

    assert sorted(found) == sorted(ids)
    assert client.exports.page(limit=1).total == 240
    assert calls(cgc, "GET /v2/storage/exports") == 4
    assert len(list(client.exports.list(limit=130))) == 130


@pytest.mark.parametrize("total", ["present", "absent"])
@pytest.mark.parametrize("links", ["present", "absent"])
@pytest.mark.parametrize("empty", ["shown", "null"])
def test_lists_in_any_pages(cgc: CgcEmulator, client: CgcClient, total: str, links: str, empty: str) -> None:
    """Every list is read whole however its pages are told."""
    project = cgc.unwritable_project
    files = cgc.add_files([f"f{number}.bam" for number in range(230)], project=project)
    below = cgc.add_files([f"d/e/f{number}.bam" for number in range(200)], project=project)
    bare = cgc.add_files(["empty/", "empty/too/"], project=project)
    exports = [job for chunk in chunks_of(cgc.file_ids * 3) for job in cgc.submit_exports(chunk)]
    imports = [job for chunk in chunks_of(cgc.locations * 4) for job in cgc.submit_imports(chunk)]
    assert min(len(exports), len(imports)) > 100
    for name, value in {"total_header": total, "next_links": links, "empty": empty}.items():
        cgc.option(name, value)

    assert {placed.file.id for placed in client.files.tree(project)} == {*files, *below}
    assert {placed.file.id for placed in client.files.tree(project, recursive=False)} == set(files)
    assert {file.id for file in client.files.list(project) if not file.is_folder} == set(files)
    assert list(client.files.list(parent=bare[1])) == []
    assert {job.id for job in client.exports.list()} == set(exports)
    assert {job.id for job in client.imports.list()} == set(imports)
    assert {volume.id for volume in client.volumes.list()} >= {cgc.volume, cgc.read_only_volume}
    assert project in {found.id for found in client.projects.list()}


def test_states_are_filtered(cgc: CgcEmulator, client: CgcClient) -> None:
    ids = started_ids(client.exports.bulk_create(export_items(cgc, 3), copy_only=True))
    finish(cgc)

    assert {job.id for job in client.exports.list(state="COMPLETED")} == set(ids)
    assert list(client.exports.list(state=JobState.FAILED)) == []


def test_waiting_cost(cgc: CgcEmulator, client: CgcClient) -> None:
    """Waiting ids cost a hundredth in requests."""
    known = started_ids(client.exports.bulk_create(export_items(cgc, 60), copy_only=True))
    unknown = [f"unknown{number:025d}" for number in range(1940)]

    records = client.exports.bulk_get(known + unknown)

    assert len(records) == 2_000
    assert sum(record.resource is not None for record in records) == 60
    assert calls(cgc, GET) == 20


@pytest.mark.parametrize("size", ["present", "header", "google", "absent"])
@pytest.mark.parametrize("time", ["iso", "http", "ms", "absent"])
def test_object_time_in_any_shape(cgc: CgcEmulator, client: CgcClient, size: Any, time: Any) -> None:
    cgc.option("object_size", size)
    cgc.option("object_time", time)
    cgc.put_objects(["a/x"], volume=cgc.volume, modified=1767615600)

    [found] = client.volumes.contents(cgc.volume, prefix="a/")

    told = "absent" not in (size, time)
    assert found.modified_on == (datetime(2026, 1, 5, 12, 20, tzinfo=UTC) if told else None)
