"""The questions before an export, over a real line: their number, and that the platform agrees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from airflow_provider_cgc.client import (
    CgcClient,
    CgcNotFound,
    CgcUnauthorized,
    CgcUnavailable,
)
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.exports.facts import Facts, ask
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.exports.problems import common_problems, report, unfit_items
from airflow_provider_cgc.jobs.submitting.unfit import sentences
from tests.contract.clients import Connect

BULK = "POST /v2/bulk/files/get"
VOLUME = "GET /v2/storage/volumes/{id}"
PROJECT = "GET /v2/projects/{id}"


def to(volume: str, *file_ids: str) -> list[ExportItem]:
    return [
        ExportItem(file_id, volume=volume, location=f"run7/{file_id}", line=f"item {number}")
        for number, file_id in enumerate(file_ids, start=1)
    ]


def problems(items: Sequence[ExportItem], facts: Facts) -> list[str]:
    return [*common_problems(items, facts), *sentences(unfit_items(items, facts))]


def found(client: CgcClient, items: Sequence[ExportItem]) -> list[str]:
    return problems(items, ask(client, items, []))


def refusals(client: CgcClient, items: Sequence[ExportItem]) -> list[int | None]:
    """The codes with which the platform refuses the items when they are submitted all the same; None: it takes one."""
    wanted = [{"file": item.file, "volume": item.volume, "location": item.location} for item in items]
    return [
        record.error.code if record.error else None for record in client.exports.bulk_create(wanted, copy_only=True)
    ]


def move(cgc: CgcEmulator, items: Sequence[ExportItem]) -> None:
    """Export files for good: they become aliases."""
    for item in items:
        assert item.location is not None
        cgc.submit_exports([item.file], volume=item.volume or "", location=item.location, copy_only=False)
    cgc.clock.advance(7 * 24 * 3600)


def test_cost_of_all_files(connect: Connect) -> None:
    """Files cost a request for a hundred, each place costs one."""
    with CgcEmulator(speed=0) as cgc:
        client = connect(cgc)
        items = to(cgc.volume, *cgc.file_ids, *cgc.file_ids[:50], cgc.alias_id)

        facts = ask(client, items, [cgc.volume, cgc.read_only_volume])

        assert len(cgc.file_ids) == 300
        assert cgc.stats()["requests"] == {BULK: 4, VOLUME: 2, PROJECT: 2}
        asked = Counter(file_id for request in cgc.requests if request.body for file_id in request.body["file_ids"])
        assert asked == dict.fromkeys([*cgc.file_ids, cgc.alias_id], 1)
        assert set(facts.files) == set(asked)
        assert facts.locations == {cgc.project: "aws:us-east-1", cgc.other_project: "aws:us-east-1"}


def test_good_is_taken(cgc: CgcEmulator, client: CgcClient) -> None:
    items = to(cgc.volume, *cgc.file_ids[:5])

    assert found(client, items) == []
    assert refusals(client, items) == [None] * 5


def test_platform_agrees(cgc: CgcEmulator, client: CgcClient) -> None:
    """The platform, too, refuses the files that were found to be wrong."""
    items = to(cgc.volume, "0" * 24, cgc.file_ids[0], cgc.folder_id, cgc.alias_id)

    unknown, folder, alias = found(client, items)

    assert unknown.startswith(f"item 1: file {'0' * 24}: 5002: ")
    assert folder.startswith(f"item 3: file {cgc.folder_id} (")
    assert "It is a folder" in folder
    assert alias.startswith(f"item 4: file {cgc.alias_id} ('imported.bam'): 9006: It is an alias")
    assert f"on volume {cgc.read_only_volume} at 'incoming/imported.bam'" in alias
    assert refusals(client, items) == [9009, None, 9006, 9006]


@pytest.mark.parametrize(
    ("volume", "code"),
    [
        (lambda cgc: "demo-lab/nowhere", 9007),
        (lambda cgc: cgc.inactive_volume, 9069),
        (lambda cgc: cgc.read_only_volume, 9026),
        (lambda cgc: cgc.other_region_volume, 9027),
    ],
    ids=["unknown", "inactive", "read-only", "other region"],
)
def test_bad_volume_is_one(
    cgc: CgcEmulator, client: CgcClient, volume: Callable[[CgcEmulator], str], code: int
) -> None:
    """A volume that takes nothing is one problem, with the platform's own code."""
    items = to(volume(cgc), *cgc.file_ids[:3])

    [problem] = found(client, items)

    assert f" {code}: " in problem
    assert volume(cgc) in problem
    assert "where 3 items" in problem
    assert refusals(client, items) == [code] * 3


def test_other_cloud_is_one(cgc: CgcEmulator, client: CgcClient) -> None:
    cgc.option("extra_fields", {"service": {"type": "GCS", "bucket": "radium"}})

    [problem] = found(client, to(cgc.volume, *cgc.file_ids[:3]))

    assert "is of type 'gcs': 9027" in problem


def test_case_is_no_problem(cgc: CgcEmulator, client: CgcClient) -> None:
    """Case and fields that are not told make no problem."""
    cgc.set_options({"type_case": "other", "hosted_on": "absent", "extra_fields": True})

    assert found(client, to(cgc.volume, *cgc.file_ids[:3])) == []
    assert "is a folder" in found(client, to(cgc.volume, cgc.folder_id))[0]


def test_closed_volume_is_seen(cgc: CgcEmulator, client: CgcClient) -> None:
    items = to(cgc.volume, cgc.file_ids[0])
    assert found(client, items) == []

    with cgc.world.open() as world:
        world.volumes[cgc.volume].active = False

    assert "9069" in found(client, items)[0]


@pytest.mark.parametrize("told", ["sent", "whole"])
def test_moved_is_there_already(cgc: CgcEmulator, client: CgcClient, told: str) -> None:
    """A moved file is there already, and no problem even if the volume is closed."""
    cgc.option("alias_location", told)
    assert client.volumes.get(cgc.volume).prefix
    items = to(cgc.volume, *cgc.file_ids[:3])
    move(cgc, items[:2])
    with cgc.world.open() as world:
        world.volumes[cgc.volume].access_mode = "RO"

    facts = ask(client, items, [])

    there = [facts.files[item.file].is_alias_of(item.volume, item.location) for item in items]
    assert there == [True, True, False]
    assert problems(items[:2], facts) == []
    [problem] = problems(items, facts)
    assert "where 1 item goes" in problem


@pytest.mark.parametrize("told", ["sent", "whole"])
def test_moved_is_an_alias(cgc: CgcEmulator, client: CgcClient, told: str) -> None:
    """A moved file that is wanted elsewhere is an alias."""
    cgc.option("alias_location", told)
    [item] = to(cgc.volume, cgc.file_ids[0])
    move(cgc, [item])
    elsewhere = [ExportItem(item.file, volume=cgc.volume, location="run8/a.bam", line="item 1")]

    [problem] = found(client, elsewhere)

    location = item.location if told == "sent" else f"cgc/{item.location}"
    assert f"on volume {cgc.volume} at {location!r} already" in problem
    assert refusals(client, elsewhere) == [9006]


def test_copied_is_not_there(cgc: CgcEmulator, client: CgcClient) -> None:
    [item] = to(cgc.volume, cgc.file_ids[0])
    cgc.submit_exports([item.file], location=item.location or "", copy_only=True)
    cgc.clock.advance(7 * 24 * 3600)

    facts = ask(client, [item], [])

    assert not facts.files[item.file].is_alias_of(item.volume, item.location)


def test_hidden_is_left(cgc: CgcEmulator, client: CgcClient) -> None:
    """A fact that no field shows is left to the platform."""
    archived, unwritable = to(cgc.volume, cgc.archived_id), to(cgc.unwritable_volume, cgc.file_ids[0])

    assert found(client, archived) == found(client, unwritable) == []
    assert refusals(client, archived) == [9006]
    assert refusals(client, unwritable) == [9020]


@pytest.mark.parametrize(
    ("kind", "path", "error"),
    [
        ("401", BULK, CgcUnauthorized),
        ("503", BULK, CgcUnavailable),
        ("503", "GET /v2/storage/volumes/*", CgcUnavailable),
        ("404_gateway", "GET /v2/storage/volumes/*", CgcNotFound),
        ("503", "GET /v2/projects/*", CgcUnavailable),
    ],
)
def test_whole_trouble_is_raised(
    cgc: CgcEmulator, client: CgcClient, kind: str, path: str, error: type[Exception]
) -> None:
    method, _, glob = path.partition(" ")
    cgc.fault(kind, method=method, path=glob, count=None)

    with pytest.raises(error):
        ask(client, to(cgc.volume, cgc.file_ids[0]), [])


def test_dry_run_has_answers(cgc: CgcEmulator, client: CgcClient) -> None:
    items = to(cgc.other_region_volume, *cgc.file_ids[:3])

    lines = report(items, ask(client, items, []))

    assert f"From {cgc.project} (aws:us-east-1)." in lines
    assert f"To {cgc.other_region_volume} (eu-central-1)." in lines
