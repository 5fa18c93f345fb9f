"""The vendor's own SDK changes files on the emulator: folders, metadata, tags, names, alone and in bulk."""

from __future__ import annotations

import pytest
import sevenbridges
from sevenbridges.errors import BadRequest, Conflict, Forbidden, SbgError

from airflow_provider_cgc.emulator import CgcEmulator

FIRST = {"sample_id": "S1", "library_id": "L7"}


@pytest.fixture
def files(cgc: CgcEmulator, api: sevenbridges.Api) -> list[sevenbridges.models.file.File]:
    """Three files with a tag and two pairs of metadata."""
    made = cgc.add_files(["a.bam", "b.bam", "c.bam"], tags=["keep"], metadata=FIRST)
    return [api.files.get(file_id) for file_id in made]


def test_imports_with_metadata(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    """The round that its users make: a folder, imports into it, and a bulk edit of what came in."""
    folder = api.files.create_folder("run 7", project=cgc.project)
    orders = [{"volume": cgc.read_only_volume, "location": one, "parent": folder} for one in cgc.locations[:3]]
    jobs = [record.resource.id for record in api.imports.bulk_submit(orders)]
    cgc.clock.advance(60)
    made = [api.files.get(record.resource.result.id) for record in api.imports.bulk_get(jobs)]
    for number, file in enumerate(made):
        file.metadata["sample_id"] = f"S{number}"
        file.tags = ["run 7"]

    records = api.files.bulk_edit(made)

    assert [record.valid for record in records] == [True] * 3
    listed = list(folder.list_files())
    assert [file.metadata["sample_id"] for file in listed] == ["S0", "S1", "S2"]
    assert [file.tags for file in listed] == [["run 7"]] * 3
    assert [file.storage.location for file in listed] == cgc.locations[:3]


def test_edits_in_bulk(cgc: CgcEmulator, api: sevenbridges.Api, files: list[sevenbridges.models.file.File]) -> None:
    first, second, third = files
    first.name = "new.bam"
    second.metadata = {"sample_id": "S2"}
    third.metadata["sample_id"] = "x" * 301

    renamed, merged, refused = api.files.bulk_edit(files)

    assert (renamed.resource.id, renamed.resource.name) == (first.id, "new.bam")
    assert dict(merged.resource.metadata) == {"sample_id": "S2", "library_id": "L7"}
    assert (refused.valid, refused.error.code) == (False, 5006)
    assert api.files.get(third.id).metadata["sample_id"] == "S1"


def test_updates_in_bulk(api: sevenbridges.Api, files: list[sevenbridges.models.file.File]) -> None:
    first = files[0]
    first.metadata = {"sample_id": "S2"}
    first.tags = []

    [record] = api.files.bulk_update([first])

    assert (record.resource.name, record.resource.tags) == ("a.bam", [])
    assert dict(api.files.get(first.id).metadata) == {"sample_id": "S2"}


def test_saves_metadata(api: sevenbridges.Api, files: list[sevenbridges.models.file.File]) -> None:
    """A changed key is merged, a new dict replaces all."""
    merged, replaced, _ = files
    merged.metadata["sample_id"] = "S2"
    merged.save()
    replaced.metadata = {"sample_id": "S3"}
    replaced.save()

    after = [dict(api.files.get(file.id).metadata) for file in (merged, replaced)]

    assert after == [{"sample_id": "S2", "library_id": "L7"}, {"sample_id": "S3"}]


def test_saves_name_and_tags(api: sevenbridges.Api, files: list[sevenbridges.models.file.File]) -> None:
    file = files[0]
    file.name, file.tags = "z.bam", ["keep", "new"]

    file.save()

    again = api.files.get(file.id)
    assert (again.name, again.tags, dict(again.metadata)) == ("z.bam", ["keep", "new"], FIRST)


def test_makes_folders(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    top = api.files.create_folder("a", project=api.projects.get(cgc.project))

    below = api.files.create_folder("b", parent=top)

    assert (below.is_folder(), below.parent, below.project) == (True, top.id, cgc.project)
    assert [file.id for file in top.list_files()] == [below.id]


@pytest.mark.parametrize(
    ("name", "project", "error", "code"),
    [
        ("WXS", "demo-lab/cptac3", Conflict, 5030),
        ("__a", "demo-lab/cptac3", BadRequest, 5024),
        ("a", "partner-lab/consortium", Forbidden, 5001),
    ],
)
def test_refused_folder_raises(
    cgc: CgcEmulator, api: sevenbridges.Api, name: str, project: str, error: type[SbgError], code: int
) -> None:
    with pytest.raises(error) as caught:
        api.files.create_folder(name, project=project)

    assert caught.value.code == code


def test_refused_save_raises(cgc: CgcEmulator, api: sevenbridges.Api) -> None:
    [theirs] = cgc.add_files(["a"], project=cgc.unwritable_project)
    file = api.files.get(theirs)
    file.metadata["sample_id"] = "S1"

    with pytest.raises(Forbidden) as caught:
        file.save()

    assert caught.value.code == 5009
