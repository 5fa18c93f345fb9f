"""The import operator's work without Airflow, whatever the platform does where its documents are silent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.submitting.items import BadItems
from tests.contract.importing import LOCATIONS, PROJECT, VOLUME, Work

SWITCHES: list[dict[str, Any]] = [
    {"alias_location": "whole"},
    {"destination_name": "asked"},
    {"taken_name": "submit"},
    {"null_metadata": "removed"},
    {"null_metadata": "ignored"},
    {"odd_metadata": "converted"},
    {"edit_key": "both"},
    {"edit_tags": "add"},
    {"record_order": "reversed"},
    {"record_order": "shuffled"},
    {"list_order": "oldest"},
    {"list_order": "id"},
    {"list_order": "shuffled"},
    {"list_lag": 30.0},
    {"total_header": "absent"},
    {"total_header": "twice"},
    {"empty_links": "absent"},
    {"next_links": "absent"},
    {"failed_status": "error"},
    {"absent": "null"},
    {"empty": "null"},
    {"extra_fields": True},
    {"import_checks": "job"},
    {"import_project": "named"},
    {"type_case": "other"},
    {"time_offset": "+02:00"},
    {"result": "absent"},
    {"job_error": "absent"},
    {"bulk_fields": "plain"},
    {"bulk_fields": "ignored"},
    {"unknown_ids": "gap"},
    {"unknown_for": 20.0},
    {"hosted_on": "absent"},
    {"jump": True},
    {"default_limit": 1},
    {"retry_after": True, "reset_unit": "ms"},
    {"alias_location": "whole", "result": "absent", "destination_name": "asked", "absent": "null", "empty": "null"},
]


@pytest.mark.sampled(each="switches")
@pytest.mark.parametrize("has_manifest", [True, False])
@pytest.mark.parametrize("if_exists", ["fail", "skip", "overwrite", "rename"])
@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_each_once_and_described(
    cgc: CgcEmulator, work: Callable[..., Work], switches: dict[str, Any], if_exists: str, has_manifest: bool
) -> None:
    """Whatever the platform's documents leave open, each object becomes one file, which is described and returned."""
    cgc.set_options(switches)
    one = work(if_exists=if_exists, has_manifest=has_manifest)

    one.must_be_right(one.play())


MANIFEST = pytest.mark.parametrize("has_manifest", [True, False])
SPECIAL = {
    "letters": ["in/caf\u00e9/e\u0301.bam", "in/cafe\u0301/\u00e9.bam", "in/\u65e5\u672c\u8a9e.bam"],
    "spaces_and_dots": ["in/a b/c  d.bam", "in/.hidden/.x", "in/-"],
    "marks": ["in/'\"<>&%{}#?+*.bam", "in/a\\b.bam"],
    "like_renamed": ["in/_1_a.bam", "in/a.bam", "in/_1__1_a.bam"],
    "long": ["in/" + "n" * 255],
}


@pytest.mark.sampled(each="names")
@MANIFEST
@pytest.mark.parametrize("result", ["present", "absent"])
@pytest.mark.parametrize("if_exists", ["fail", "skip", "overwrite", "rename"])
@pytest.mark.parametrize("names", SPECIAL)
def test_hostile_names(
    cgc: CgcEmulator, work: Callable[..., Work], names: str, if_exists: str, result: str, has_manifest: bool
) -> None:
    locations = SPECIAL[names]
    cgc.put_objects(locations, volume=VOLUME)
    cgc.option("result", result)
    one = work(items=locations, if_exists=if_exists, has_manifest=has_manifest)

    account = one.play()
    again = work(items=locations, if_exists="skip", has_manifest=has_manifest).play()

    files = one.files()
    assert {path: file.location for path, file in files.items()} == {path: path for path in locations}
    assert (account.summary.completed, again.summary.skipped) == (len(locations), len(locations))
    assert {file.metadata["source"] for file in files.values()} == set(locations)
    assert list(again.results.values()) == list(account.results.values())


@pytest.mark.parametrize(
    "location", ["in/" + "n" * 256, "in/__x/a", "in/a\nb", "in/ a", "in/a ", "in//a", "in/./a", "in/a\x00", "/in/a"]
)
def test_impossible_names(cgc: CgcEmulator, work: Callable[..., Work], location: str) -> None:
    with pytest.raises(BadItems):
        work(items=[location]).play()

    assert not any(request.path.endswith("/create") for request in cgc.requests)


@MANIFEST
def test_old_file_is_not_the_new_one(cgc: CgcEmulator, work: Callable[..., Work], has_manifest: bool) -> None:
    """Without the result of a job that renames, an older alias under its name is not taken for the new one."""
    one = work(if_exists="rename", has_manifest=has_manifest)
    old = one.put_alias("in/s1/a.bam", LOCATIONS[0])
    cgc.option("result", "absent")

    account = one.play()

    assert (account.summary.completed, account.summary.failed) == (2, 1)
    assert old not in {result["file"] for result in account.results.values()}
    assert one.files()["in/s1/a.bam"].metadata == {}


@MANIFEST
def test_skipped_file_that_is_gone(cgc: CgcEmulator, work: Callable[..., Work], has_manifest: bool) -> None:
    """A task is not over if a file that it skipped is gone at its end."""
    one = work(if_exists="skip", has_manifest=has_manifest)
    old = one.put_alias("in/s1/a.bam", LOCATIONS[0])
    outcomes = one.send()
    with cgc.world.open() as world:
        world.files.remove(world.files[old])

    account = one.end(outcomes)

    assert account.summary.skipped == 1
    assert "1 is not there any more" in str(account.not_yet_known)


@MANIFEST
def test_others_tags_stay(cgc: CgcEmulator, work: Callable[..., Work], has_manifest: bool) -> None:
    one = work(if_exists="skip", has_manifest=has_manifest)
    old = one.put_alias("in/s1/a.bam", LOCATIONS[0], tags=["mine"], metadata={"k": "v"})

    account = one.play()

    file = one.files()["in/s1/a.bam"]
    assert (file.id, file.tags, file.metadata["k"]) == (old, ("mine", "night"), "v")
    assert (account.summary.skipped, len(account.results)) == (1, 3)


@pytest.mark.parametrize("verify", [True, False])
@MANIFEST
def test_folder_that_was_renamed(cgc: CgcEmulator, work: Callable[..., Work], has_manifest: bool, verify: bool) -> None:
    """Files whose folder somebody renames before the end are described and returned."""
    one = work(has_manifest=has_manifest, verify=verify)
    outcomes = one.send()
    cgc.clock.advance(60)
    with cgc.world.open() as world:
        world.files.rename(next(file for file in world.files.values() if file.name == "s1"), "old")

    account = one.end(outcomes)

    assert (account.summary.completed, account.not_yet_known, len(account.results)) == (3, None, 3)
    assert [file.metadata["sample_id"] for file in one.files().values()] == ["s1", "s1", "s2"]


@MANIFEST
def test_folder_that_was_removed(cgc: CgcEmulator, work: Callable[..., Work], has_manifest: bool) -> None:
    one = work(has_manifest=has_manifest)
    outcomes = one.send()
    cgc.clock.advance(60)
    with cgc.world.open() as world:
        folder = next(file for file in world.files.values() if file.name == "s1")
        for file in [*world.files.children(folder.id), folder]:
            world.files.remove(file)

    account = one.end(outcomes)

    assert (account.summary.completed, account.summary.failed, account.not_yet_known) == (1, 2, None)


@MANIFEST
def test_items_changed_and_verified(cgc: CgcEmulator, work: Callable[..., Work], has_manifest: bool) -> None:
    """An item that is not among those at the end is verified all the same."""
    one = work(has_manifest=has_manifest, verify=True, metadata={}, tags=())
    outcomes = one.send()
    one.items = LOCATIONS[:2]

    account = one.end(outcomes)

    assert (account.summary.completed, account.summary.failed) == (3, 0)


@pytest.mark.parametrize("below", ["a.bam", "new/a.bam"])
@pytest.mark.parametrize("if_exists", ["fail", "skip", "overwrite", "rename"])
def test_one_place_by_two_destinations(cgc: CgcEmulator, work: Callable[..., Work], if_exists: str, below: str) -> None:
    """A folder's id and a path in its project may name one place, where two items cannot go."""
    [folder] = cgc.add_files(["x/"], project=PROJECT)
    items = [
        {"location": LOCATIONS[0], "name": f"x/{below}"},
        {"location": LOCATIONS[1], "parent": folder, "name": below},
    ]

    with pytest.raises(BadItems, match="two items go to one name"):
        work(if_exists=if_exists, items=items).play()


@MANIFEST
@pytest.mark.parametrize("code", [5002, 5009, 5010, 5006])
def test_edit_that_fails(cgc: CgcEmulator, work: Callable[..., Work], code: int, has_manifest: bool) -> None:
    """A file that cannot be described is a failure, or not known yet if that may pass; never a success."""
    cgc.fail_files("b.bam", code=code, at="edit")

    account = work(has_manifest=has_manifest).play()

    assert account.summary.failed == (code != 5010)
    assert (account.not_yet_known is not None) == (code == 5010)
    assert len(account.results) == 2 + (code == 5010)


def test_folder_gone_at_a_retry(cgc: CgcEmulator, work: Callable[..., Work]) -> None:
    """A destination that is gone at a retry refuses the items to be sent, also if they may be skipped."""
    one = work(if_exists="skip", parent="0" * 24)
    one.began = datetime.fromtimestamp(cgc.clock.now(), UTC)

    with pytest.raises(BadItems, match="5002"):
        one.planned()


def test_job_into_a_gone_folder(cgc: CgcEmulator, work: Callable[..., Work]) -> None:
    """A job of the same object into a folder that is gone hides no lost job of this task."""
    [gone] = cgc.add_files(["gone/"], project=PROJECT)
    cgc.submit_imports(LOCATIONS, parent=gone, volume=VOLUME)
    cgc.clock.advance(600)
    with cgc.world.open() as world:
        for file in [*world.files.children(gone), world.files[gone]]:
            world.files.remove(file)
    cgc.fault("drop_before", path="/v2/bulk/storage/imports/create")
    one = work()

    one.must_be_right(one.play())
