"""Our client imports from the emulated platform over a real line: whole lives of jobs, refusals, failures, variants."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cgc.client import (
    BulkRecord,
    CgcClient,
    CgcConnectionError,
    CgcItemsRefused,
    CgcNotFound,
    CgcUnreadableError,
    CgcUsageError,
    ImportJob,
    JobState,
    chunks_of,
    started_ids,
    transient,
)
from airflow_provider_cgc.emulator import CgcEmulator
from tests.contract.clients import Connect, calls

GET = "POST /v2/bulk/storage/imports/get"
CREATE = "POST /v2/bulk/storage/imports/create"
RUN = "runs/2026-02-11_NovaSeqX/"


def item(cgc: CgcEmulator, location: str, **more: Any) -> dict[str, Any]:
    place = {} if "parent" in more else {"project": cgc.project}
    return {"volume": cgc.read_only_volume, "location": location, **place, **more}


def items(cgc: CgcEmulator, count: int) -> list[dict[str, Any]]:
    return [item(cgc, location) for location in cgc.locations[:count]]


def finish(cgc: CgcEmulator) -> None:
    cgc.clock.advance(3600)


def jobs_of(records: list[BulkRecord[ImportJob]]) -> list[ImportJob]:
    assert all(record.error is None for record in records), records
    return [record.resource for record in records if record.resource is not None]


def test_folder_becomes_files(cgc: CgcEmulator, client: CgcClient) -> None:
    found = list(client.volumes.contents(cgc.read_only_volume, prefix=f"{RUN}fastq/"))
    wanted = [item(cgc, entry.location) for entry in found]

    ids = started_ids(client.imports.bulk_create(wanted))
    before = jobs_of(client.imports.bulk_get(ids))
    finish(cgc)
    after = jobs_of(client.imports.bulk_get(ids))

    assert len(found) == 48
    assert not any(job.done for job in before)
    assert [(job.id, job.location, job.project) for job in after] == [
        (job_id, given["location"], cgc.project) for job_id, given in zip(ids, wanted, strict=True)
    ]
    assert all(job.completed and job.finished_on is not None for job in after)
    assert [job.size for job in after] == [entry.size for entry in found]
    aliases = {file.location: file for file in client.files.list(cgc.project) if file.is_alias}
    assert [aliases[job.location or ""].id for job in after] == [job.result.id for job in after if job.result]


def test_folder_is_one_job(cgc: CgcEmulator, client: CgcClient) -> None:
    kept = item(cgc, RUN, parent=cgc.folder_id, name="run")
    flat = item(cgc, f"{RUN}qc/", preserve_folder_structure=False)

    ids = started_ids(client.imports.bulk_create([kept, flat]))
    finish(cgc)
    first, second = jobs_of(client.imports.bulk_get(ids))

    assert (first.completed, first.parent, first.name, first.size) == (True, cgc.folder_id, "run", None)
    assert first.result is not None
    assert (first.result.is_folder, first.result.parent) == (True, cgc.folder_id)
    assert {entry.name for entry in client.files.list(parent=first.result.id)} == {"fastq", "qc", "SampleSheet.csv"}
    assert second.completed
    assert "multiqc_report.html" in {entry.name for entry in client.files.list(cgc.project)}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("record_order", "request"),
        ("record_order", "reversed"),
        ("record_order", "shuffled"),
        ("destination_name", "asked"),
        ("absent", "null"),
        ("extra_fields", True),
        ("time_offset", "+02:00"),
        ("jump", True),
        ("reset_unit", "ms"),
        ("rate_headers", False),
    ],
)
def test_jobs_match_their_items(cgc: CgcEmulator, client: CgcClient, option: str, value: Any) -> None:
    """
    Each job is that of its own item, in each variant of the documents.

    One object into a project, into its folder and under two names; two objects to one name; whole folders.
    """
    cgc.option(option, value)
    one, two = cgc.locations[:2]
    wanted = [
        item(cgc, one),
        item(cgc, one, parent=cgc.folder_id),
        item(cgc, one, name="copy.fastq.gz"),
        item(cgc, one, project=cgc.other_project, name="copy.fastq.gz"),
        item(cgc, one, name="twin", autorename=True),
        item(cgc, two, name="twin", autorename=True),
        item(cgc, "references/"),
        item(cgc, f"{RUN}qc/", preserve_folder_structure=False),
    ]

    records = client.imports.bulk_create(wanted)
    finish(cgc)

    for given, job in zip(wanted, jobs_of(client.imports.bulk_get(started_ids(records))), strict=True):
        assert job.completed
        assert job.result is not None
        assert job.location == given["location"]
        assert job.result.project == given.get("project", cgc.project)
        if "parent" in given:
            assert job.result.parent == given["parent"]
        if "name" in given:
            assert job.result.name.endswith(given["name"])


@pytest.mark.parametrize("order", ["request", "reversed", "shuffled"])
def test_refused_items_are_told(cgc: CgcEmulator, client: CgcClient, order: str) -> None:
    """
    Refused items are told, and the others run.

    Where positions cannot be trusted the reasons are told of all the refused, and no running job is lost.
    """
    cgc.option("record_order", order)
    one, two, three, four, five = cgc.locations[:5]
    wanted = [
        item(cgc, one),
        item(cgc, two),
        item(cgc, three, volume="demo-lab/none"),
        item(cgc, one, project="demo-lab/none"),
        item(cgc, four, parent=cgc.file_ids[0]),
        item(cgc, five),
    ]

    with pytest.raises(CgcItemsRefused) as caught:
        started_ids(client.imports.bulk_create(wanted))

    records = caught.value.records
    finish(cgc)
    assert [record.id is not None for record in records] == [True, True, False, False, False, True]
    assert all(job.completed for job in jobs_of(client.imports.bulk_get(caught.value.started)))
    if order == "request":
        assert [record.error.code for record in records if record.error] == [9007, 9012, 5022]
    for code in ("9007", "9012", "5022"):
        assert code in str(caught.value)


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ({"volume": "demo-lab/retired"}, 9069),
        ({"volume": "partner-lab/dropbox"}, 9020),
        ({"project": "partner-lab/consortium"}, 9003),
        ({"parent": "0" * 24}, 9009),
        ({"location": "/"}, 9018),
    ],
)
def test_refusals_have_remedies(cgc: CgcEmulator, client: CgcClient, where: dict[str, Any], code: int) -> None:
    [record] = client.imports.bulk_create([item(cgc, **{"location": cgc.locations[0], **where})])

    assert record.error is not None
    assert record.error.code == code
    assert record.error.remedy


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"location": "runs/none.fastq.gz"}, 9105),
        ({"location": "runs"}, 9105),
        ({"location": "runs/none/"}, 9105),
        ({"name": "WXS"}, 9108),
    ],
)
def test_failures_have_remedies(cgc: CgcEmulator, client: CgcClient, given: dict[str, Any], code: int) -> None:
    [job_id] = started_ids(client.imports.bulk_create([item(cgc, **{"location": cgc.locations[0], **given})]))
    finish(cgc)

    [job] = jobs_of(client.imports.bulk_get([job_id]))

    assert (job.failed, job.result) == (True, None)
    assert job.error is not None
    assert job.error.code == code
    assert job.error.remedy


@pytest.mark.parametrize("import_checks", ["submit", "job"])
def test_failed_starts_again(cgc: CgcEmulator, client: CgcClient, import_checks: str) -> None:
    """A failed import can be started again from its job."""
    cgc.option("import_checks", import_checks)
    wanted = [
        item(cgc, "late/a.bam", parent=cgc.folder_id, name="first.bam"),
        item(cgc, "late/raw/", autorename=True, preserve_folder_structure=False),
    ]
    failed = started_ids(client.imports.bulk_create(wanted))
    finish(cgc)
    again = [job.item for job in jobs_of(client.imports.bulk_get(failed)) if job.failed]
    cgc.put_objects(["late/a.bam", "late/raw/b.bam"])

    ids = started_ids(client.imports.bulk_create(again))
    finish(cgc)

    assert len(ids) == 2
    first, second = jobs_of(client.imports.bulk_get(ids))
    assert first.result is not None
    assert (first.result.name, first.result.parent) == ("first.bam", cgc.folder_id)
    assert second.completed
    assert "b.bam" in {file.name for file in client.files.list(cgc.project)}


def test_two_things_to_one_name(cgc: CgcEmulator, client: CgcClient) -> None:
    one, two = cgc.locations[:2]

    with pytest.raises(CgcUsageError, match="two things under one name"):
        client.imports.bulk_create([item(cgc, one, name="x", overwrite=True), item(cgc, two, name="x")])

    assert calls(cgc, CREATE) == 0


def test_volume_spoils_the_call(cgc: CgcEmulator, client: CgcClient) -> None:
    cgc.option("bad_volume", "call")

    with pytest.raises(CgcNotFound) as caught:
        client.imports.bulk_create([*items(cgc, 1), item(cgc, cgc.locations[1], volume="demo-lab/none")])

    assert caught.value.code == 9007


@pytest.mark.parametrize("unknown", ["error", "gap", "404"])
def test_unknown_id_answers(cgc: CgcEmulator, client: CgcClient, unknown: str) -> None:
    cgc.option("unknown_ids", unknown)
    ids = started_ids(client.imports.bulk_create(items(cgc, 30)))
    asked = [*ids[:20], "unknownunknownunknownunknown0000", *ids[20:], "unknownunknownunknownunknown0001"]

    records = client.imports.bulk_get(asked)

    assert [record.id for record in records] == asked
    codes = {record.id: record.error.code for record in records if record.error is not None}
    assert codes == {asked[20]: 9008, asked[-1]: 9008}


def test_export_id_is_unknown(cgc: CgcEmulator, client: CgcClient) -> None:
    [export] = cgc.submit_exports(cgc.file_ids[:1])

    [record] = client.imports.bulk_get([export])

    assert record.error is not None
    assert record.error.code == 9008


@pytest.mark.parametrize("foreign", ["error", "gap"])
def test_other_users_job(cgc: CgcEmulator, client: CgcClient, connect: Connect, foreign: str) -> None:
    cgc.option("foreign_ids", foreign)
    [job_id] = started_ids(client.imports.bulk_create(items(cgc, 1)))

    [record] = connect(cgc, token=cgc.add_token("somebody")).imports.bulk_get([job_id])

    assert record.error is not None
    assert record.error.code == (9005 if foreign == "error" else 9008)


def test_failed_in_any_status(cgc: CgcEmulator, client: CgcClient) -> None:
    cgc.option("failed_status", "error")
    [job_id] = started_ids(client.imports.bulk_create([item(cgc, "runs/none")]))
    finish(cgc)

    assert client.imports.get(job_id).failed


def test_list_filters(cgc: CgcEmulator, client: CgcClient) -> None:
    here = started_ids(client.imports.bulk_create([*items(cgc, 3), item(cgc, "none")]))
    there = started_ids(client.imports.bulk_create([item(cgc, cgc.locations[0], project=cgc.other_project)]))
    finish(cgc)

    assert {job.id for job in client.imports.list(project=cgc.project)} == set(here)
    assert {job.id for job in client.imports.list(project=cgc.other_project)} == set(there)
    assert {job.id for job in client.imports.list(volume=cgc.read_only_volume)} == {*here, *there}
    assert [job.id for job in client.imports.list(state=JobState.FAILED)] == here[3:]
    assert list(client.imports.list(volume=cgc.volume)) == []
    assert client.imports.page(limit=1).total == 5


def test_long_list_is_read_whole(cgc: CgcEmulator, client: CgcClient) -> None:
    ids = [
        job_id
        for folder in range(5)
        for chunk in chunks_of([item(cgc, place, name=f"{folder}-{n}") for n, place in enumerate(cgc.locations[:50])])
        for job_id in started_ids(client.imports.bulk_create(chunk))
    ]

    assert sorted(job.id for job in client.imports.list()) == sorted(ids)
    assert calls(cgc, "GET /v2/storage/imports") == 3


@pytest.mark.parametrize("fault", ["drop_after", "half_body", "broken_json"])
def test_lost_create_sent_once(cgc: CgcEmulator, connect: Connect, fault: Any) -> None:
    client = connect(cgc, patience=20)
    cgc.fault(fault, path="/v2/bulk/storage/imports/create")

    with pytest.raises((CgcConnectionError, CgcUnreadableError)) as caught:
        client.imports.bulk_create(items(cgc, 3))

    assert transient(caught.value)
    assert calls(cgc, CREATE) == 1
    assert {job.location for job in client.imports.list(project=cgc.project)} == set(cgc.locations[:3])


def test_waiting_cost(cgc: CgcEmulator, client: CgcClient) -> None:
    """Waiting ids cost a hundredth in requests."""
    known = started_ids(client.imports.bulk_create(items(cgc, 50)))

    records = client.imports.bulk_get(known + [f"unknown{number:025d}" for number in range(450)])

    assert sum(record.resource is not None for record in records) == 50
    assert calls(cgc, GET) == 5
