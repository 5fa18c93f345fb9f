"""The vendor's own SDK imports from the emulator: alone, in bulk, whole folders, and what it sees of failures."""

from __future__ import annotations

import pytest
import sevenbridges
from sevenbridges.errors import BadRequest, Forbidden, NotFound, SbgError

from airflow_provider_cgc.emulator import CgcEmulator


def test_imports_what_it_listed(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    volume = api.volumes.get(cgc.read_only_volume)
    reads = list(volume.list(prefix="runs/2026-02-11_NovaSeqX/fastq/", limit=20).all())
    items = [{"volume": volume, "location": read.location, "project": cgc.project} for read in reads]

    submitted = api.imports.bulk_submit(items)
    cgc.clock.advance(60)
    records = api.imports.bulk_get([record.resource.id for record in submitted])

    assert len(records) == 48
    assert {record.resource.state for record in submitted} == {"PENDING"}
    assert {record.resource.state for record in records} == {"COMPLETED"}
    made = {file.name: file for file in api.files.query(project=cgc.project, limit=100)}
    for record, read in zip(records, reads, strict=True):
        storage = made[record.resource.result.name].storage
        assert (storage.type, storage.volume, storage.location) == ("VOLUME", volume.id, read.location)


def test_follows_one_import(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    job = api.imports.submit_import(
        volume=cgc.read_only_volume, location=cgc.locations[0], project=cgc.project, name="a.fastq.gz", overwrite=True
    )
    before = job.state

    cgc.clock.advance(60)
    job.reload()

    assert (before, job.state, job.overwrite, job.autorename) == ("PENDING", "COMPLETED", True, False)
    assert 0 <= (job.finished_on - job.started_on).total_seconds() <= 1
    assert (job.source.volume, job.source.location) == (cgc.read_only_volume, cgc.locations[0])
    assert (job.destination.project, job.destination.name) == (cgc.project, "a.fastq.gz")
    assert (job.result.name, job.result.size > 4e9) == ("a.fastq.gz", True)
    assert job.error is None


def test_imports_a_folder(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    parent = api.files.get(cgc.folder_id)
    jobs = [
        api.imports.submit_import(
            volume=cgc.read_only_volume, location="references/", parent=parent, autorename=True,
            preserve_folder_structure=whole,
        )
        for whole in (True, True, False)
    ]  # fmt: skip

    cgc.clock.advance(60)
    results = [job.reload().result for job in jobs]

    assert [result.name for result in results] == ["references", "_1_references", parent.name]
    assert [file.name for file in results[0].list_files()] == ["GRCh38.d1.vd1"]
    assert [job.preserve_folder_structure for job in jobs] == [True, True, False]
    assert jobs[0].destination.parent == parent.id


def test_sees_failed_imports(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    good = {"volume": cgc.read_only_volume, "location": cgc.locations[0], "project": cgc.project}
    items = [good, good | {"location": "none"}, good | {"volume": cgc.inactive_volume}]

    records = api.imports.bulk_submit(items)
    cgc.clock.advance(60)
    ended = api.imports.bulk_get([record.resource.id for record in records[:2]] + ["none"])

    assert [record.valid for record in records] == [True, True, False]
    assert records[2].error.code == 9069
    assert [record.resource.state for record in ended[:2]] == ["COMPLETED", "FAILED"]
    assert (ended[1].resource.error.status, ended[1].resource.error.code) == (404, 9105)
    assert ended[2].error.code == 9008


@pytest.mark.parametrize(
    ("where", "error", "code"),
    [
        ({"volume": "demo-lab/none", "project": "demo-lab/cptac3"}, NotFound, 9007),
        ({"volume": "demo-lab/archive", "project": "demo-lab/none"}, BadRequest, 9012),
        ({"volume": "demo-lab/archive", "project": "partner-lab/consortium"}, Forbidden, 9003),
        ({"volume": "partner-lab/dropbox", "project": "demo-lab/cptac3"}, Forbidden, 9020),
    ],
)
def test_refused_import_raises(api: sevenbridges.Api, where: dict[str, str], error: type[SbgError], code: int) -> None:
    with pytest.raises(error) as caught:
        api.imports.submit_import(location="a.bam", **where)

    assert caught.value.code == code


def test_lists_imports(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    jobs = cgc.submit_imports([*cgc.locations[:4], "none"])
    [other] = cgc.submit_imports(cgc.locations[:1], project=cgc.other_project)
    cgc.clock.advance(60)

    everything = list(api.imports.query(project=cgc.project, limit=2).all())
    failed = api.volumes.get(cgc.read_only_volume).get_imports(state="FAILED")

    assert [job.id for job in everything] == jobs[::-1]
    assert [job.id for job in api.imports.query(project=cgc.other_project)] == [other]
    assert [job.id for job in failed] == jobs[4:]
    assert api.imports.get(other).result.project == cgc.other_project
