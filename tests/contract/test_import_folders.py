"""The folders of an import: found or made with few requests, and what becomes of the items whose folder is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.submitting.items import BadItems
from airflow_provider_cgc.jobs.submitting.outcomes import ItemState
from tests.contract.clients import Connect
from tests.contract.importing import LOCATIONS, PROJECT, VOLUME, Work
from tests.fakes.store import Store

NAMES = ["x/new/a.bam", "x/new/b.bam", "x/b.bam"]


def requests_of(cgc: CgcEmulator, method: str, path: str) -> list[Any]:
    return [one for one in cgc.requests if (one.method, one.path) == (method, path)]


def sends_nothing(cgc: CgcEmulator) -> bool:
    """Return True if the platform was only asked so far."""
    return not any(one.method == "POST" and "/get" not in one.path for one in cgc.requests)


@pytest.mark.parametrize("given", ["folder", "deep_folder", "root"])
@pytest.mark.parametrize("if_exists", ["fail", "skip", "overwrite", "rename"])
@pytest.mark.parametrize("between", [0, 120], ids=["one_call", "two_calls"])
def test_one_place_given_twice(
    cgc: CgcEmulator, work: Callable[..., Work], given: str, if_exists: str, between: int
) -> None:
    """Two items to one place, by the project and by a folder's id, are refused before anything is sent."""
    [deep] = cgc.add_files(["x/y/"], project=PROJECT)
    with cgc.world.open() as world:
        above, root = world.files[deep].parent, world.projects[PROJECT].root
    parent, below = {"folder": (above, "y/a.bam"), "deep_folder": (deep, "a.bam"), "root": (root, "x/y/a.bam")}[given]
    others = [f"z/{number}" for number in range(between)]
    items = [
        {"location": LOCATIONS[0], "name": "x/y/a.bam"},
        *others,
        {"location": LOCATIONS[1], "parent": parent, "name": below},
    ]

    with pytest.raises(BadItems, match="two items go to one name"):
        work(items=items, if_exists=if_exists).send()

    assert sends_nothing(cgc)


@pytest.mark.parametrize("if_exists", ["fail", "skip", "overwrite", "rename"])
@pytest.mark.parametrize("has_manifest", [True, False])
def test_refused_folder_fails_its_items(
    cgc: CgcEmulator, work: Callable[..., Work], if_exists: str, has_manifest: bool
) -> None:
    """Only the items below a folder that cannot be made fail."""
    items = [{"location": one, "name": name} for one, name in zip(LOCATIONS, NAMES, strict=True)]
    one = work(items=items, if_exists=if_exists, max_failures=2, has_manifest=has_manifest)

    outcomes = one.send(meanwhile=lambda: cgc.add_files(["x/new"], project=PROJECT))

    assert [(told.state, told.code) for told in outcomes] == [
        (ItemState.FAILED, None),
        (ItemState.FAILED, None),
        (ItemState.SUBMITTED, None),
    ]
    assert str(outcomes[0].message).startswith("The file 'new' is where a folder of this name is needed")
    assert one.jobs() == [LOCATIONS[2]]
    assert sorted(one.end(outcomes).results) == [
        (VOLUME, LOCATIONS[2], PROJECT, NAMES[2]),
    ]


def test_too_many_refused_folders(cgc: CgcEmulator, work: Callable[..., Work]) -> None:
    """If more items fail than the task tolerates, nothing is sent."""
    items = [{"location": one, "name": name} for one, name in zip(LOCATIONS, NAMES, strict=True)]
    one = work(items=items, max_failures=1)

    outcomes = one.send(meanwhile=lambda: cgc.add_files(["x/new"], project=PROJECT))

    assert [told.state for told in outcomes] == [ItemState.FAILED, ItemState.FAILED, ItemState.UNSENT]
    assert "2 items failed already" in str(outcomes[2].message)
    assert not one.jobs()


@pytest.mark.parametrize("if_exists", ["fail", "skip", "overwrite", "rename"])
def test_closed_project_fails_all(cgc: CgcEmulator, work: Callable[..., Work], if_exists: str) -> None:
    """A project that is closed while its folders are made fails all items, and nothing is sent."""
    one = work(if_exists=if_exists, max_failures=3)

    def close() -> None:
        with cgc.world.open() as world:
            world.projects[PROJECT] = replace(world.projects[PROJECT], writers=frozenset())

    outcomes = one.send(meanwhile=close)

    assert [(told.state, told.code) for told in outcomes] == [(ItemState.FAILED, 5001)] * 3
    assert not one.jobs()


@pytest.mark.parametrize("kind", ["503", "502_html", "500", "drop_before", "429", "401"])
@pytest.mark.parametrize("passed", [0, 1, 2], ids="after_{}".format)
def test_trouble_leaves_items_unsent(
    cgc: CgcEmulator, work: Callable[..., Work], connect: Connect, kind: str, passed: int
) -> None:
    """If folders cannot be made for now, all items are certainly unsent, and a retry sends them."""
    one = work(store=Store())
    cgc.fault(kind, method="POST", path="/v2/files", count=None, after=passed)

    outcomes = one.send()

    assert [told.state for told in outcomes] == [ItemState.UNSENT] * 3
    cgc.clear_faults()
    one.client = connect(cgc)  # that of the retry
    assert not one.jobs()
    one.must_be_right(one.end(one.send()))


@pytest.mark.parametrize("kind", ["drop_after", "half_body", "503"])
def test_lost_answer_about_a_folder(cgc: CgcEmulator, work: Callable[..., Work], kind: str) -> None:
    """A folder whose answer was lost is found, or made by another try; each exists once."""
    one = work()
    cgc.fault(kind, method="POST", path="/v2/files", count=1, after=1)

    one.must_be_right(one.play())

    with cgc.world.open() as world:
        folders = Counter(file.name for file in world.files.values() if file.folder and file.project == PROJECT)
    assert (folders["in"], folders["s1"], folders["s2"]) == (1, 1, 1)


def test_folders_made_by_another_task(cgc: CgcEmulator, work: Callable[..., Work]) -> None:
    """Folders that another task has made since are found by reading the folder around them once."""
    locations = [f"in/{number}/x" for number in range(30)]
    cgc.put_objects(locations, volume=VOLUME)
    cgc.add_files(["in/", *(f"in/other{number}/" for number in range(150))], project=PROJECT)
    one = work(items=locations)

    def make() -> None:
        cgc.add_files([f"in/{number}/" for number in range(30)], project=PROJECT)
        cgc.journal.reset()

    one.send(meanwhile=make)

    assert len(requests_of(cgc, "POST", "/v2/files")) == 30
    assert len(requests_of(cgc, "GET", "/v2/files")) == 2  # the pages of 180 folders
    assert len(one.jobs()) == 30


@pytest.mark.parametrize("has_manifest", [True, False])
def test_skipped_folders_are_read_once(cgc: CgcEmulator, work: Callable[..., Work], has_manifest: bool) -> None:
    """If all files are there, each folder is read once; a task without a manifest reads it again at its end."""
    locations = [f"in/{number}/x" for number in range(20)]
    cgc.put_objects(locations, volume=VOLUME)
    work(items=locations).play()
    asked = len(cgc.requests)

    account = work(items=locations, if_exists="skip", has_manifest=has_manifest).play()

    assert (account.summary.skipped, len(account.results)) == (20, 20)
    with cgc.world.open() as world:
        inner = {file.id for file in world.files.values() if file.folder and file.name.isdecimal()}
    reads = Counter(one.query.get("parent", [""])[0] for one in cgc.requests[asked:] if one.path == "/v2/files")
    assert {reads[folder] for folder in inner} == {1 if has_manifest else 2}
