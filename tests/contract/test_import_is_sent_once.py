"""Imports at a retry or a Clear: no object is imported twice, whatever happened to its file or project meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_cgc.client import ImportJob
from airflow_provider_cgc.client.endpoints.imports import ImportsEndpoint
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.imports.order import ImportOrder
from airflow_provider_cgc.jobs.submitting.items import BadItems
from airflow_provider_cgc.jobs.submitting.plan import UncertainJobs
from tests.contract.importing import LOCATIONS, PROJECT, Work
from tests.fakes.store import Store

OTHER = CgcEmulator.other_project
NONE = "in/s1/none.bam"


class Killed(BaseException):
    """The end of a process, which nothing catches."""


def kill_at(monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    """Let a task's process end when the platform has taken its n-th bulk create, and before it knows the answer."""
    calls: list[object] = []

    def create(self: ImportOrder, bodies: Any) -> Any:
        records = create_them(self, bodies)
        calls.append(records)
        if len(calls) == call:
            raise Killed
        return records

    create_them = ImportOrder.create
    monkeypatch.setattr(ImportOrder, "create", create)


def rename(cgc: CgcEmulator, work: Work, path: str, name: str) -> None:
    with cgc.world.open() as world:
        world.files.rename(work.files()[path], name)


@pytest.mark.parametrize("if_exists", ["fail", "overwrite", "rename"])
@pytest.mark.parametrize("renamed", [False, True], ids=["", "renamed_by_user"])
def test_no_second_import_by_a_clear(
    cgc: CgcEmulator, work: Callable[..., Work], renamed: bool, if_exists: str
) -> None:
    """A file that has another name than its item asked for is there, also for a Clear that verifies."""
    one = work(items=[*LOCATIONS, NONE], verify=True, if_exists=if_exists, store=Store())
    if if_exists == "rename":
        one.put_alias("in/s1/a.bam", "other/x.bam")
    one.play()
    made = one.files()
    if renamed:
        rename(cgc, one, max(made), "mine.bam")

    account = one.end(one.send(cleared=True))

    assert (account.summary.completed, account.summary.failed) == (3, 1)
    assert sorted(filter(None, one.jobs())) == sorted([*LOCATIONS, NONE, NONE])
    assert {file.id for file in one.files().values()} == {file.id for file in made.values()}


def test_gone_file_is_made_by_a_clear(cgc: CgcEmulator, work: Callable[..., Work]) -> None:
    """Only the file that does not exist any more is made again by a Clear that verifies."""
    one = work(items=[*LOCATIONS, NONE], verify=True, if_exists="rename", store=Store())
    one.play()
    with cgc.world.open() as world:
        world.files.remove(one.files()[LOCATIONS[0]])

    account = one.end(one.send(cleared=True))

    assert (account.summary.completed, account.summary.failed) == (3, 1)
    assert sorted(one.files()) == LOCATIONS
    assert one.jobs().count(LOCATIONS[0]) == 2


def close(cgc: CgcEmulator, project: str) -> None:
    """Take the right to write to a project from its user."""
    with cgc.world.open() as world:
        world.projects[project] = replace(world.projects[project], writers=frozenset())


@pytest.mark.parametrize("if_exists", ["fail", "skip", "overwrite", "rename"])
def test_closed_project_hides_no_job(
    cgc: CgcEmulator, work: Callable[..., Work], monkeypatch: pytest.MonkeyPatch, if_exists: str
) -> None:
    """Jobs whose answers died with their task are found, also if another project of the order has been closed."""
    others = [f"x/{number}" for number in range(100)]
    cgc.put_objects(others, volume="demo-lab/results")
    items = [*({"location": one, "project": OTHER} for one in others), *LOCATIONS]
    one = work(items=items, if_exists=if_exists, store=Store(), metadata={}, tags=())
    kill_at(monkeypatch, 2)
    with pytest.raises(Killed):
        one.send()
    cgc.clock.advance(600)
    close(cgc, OTHER)

    account = one.end(one.send())

    assert account.summary.completed + account.summary.skipped == 103
    assert sorted(filter(None, one.jobs())) == sorted([*others, *LOCATIONS])
    assert set(LOCATIONS) < set(one.files())


def test_closed_project_is_told(cgc: CgcEmulator, work: Callable[..., Work]) -> None:
    """Items that still have to go to a closed project are refused, and the others are not sent again."""
    one = work(items=[*LOCATIONS, {"location": "other/x.bam", "project": OTHER}], if_exists="rename", store=Store())
    cgc.fail_files("other/x.bam", code=9100)
    one.play()
    close(cgc, OTHER)

    with pytest.raises(BadItems, match="may not write"):
        one.send(cleared=True)

    assert len(one.jobs()) == 4


@pytest.fixture
def telling_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let jobs tell the project that they go to, in place of the folder in it."""

    def parse(self: ImportsEndpoint, raw: Any) -> ImportJob:
        job = parse_it(self, raw)
        return replace(job, parent=None, project=PROJECT) if job.parent else job

    parse_it = ImportsEndpoint._parse
    monkeypatch.setattr(ImportsEndpoint, "_parse", parse)


@pytest.mark.usefixtures("telling_the_project")
@pytest.mark.parametrize("has_manifest", [True, False])
@pytest.mark.parametrize("if_exists", ["fail", "skip", "overwrite", "rename"])
def test_folder_that_jobs_do_not_tell(
    cgc: CgcEmulator, work: Callable[..., Work], if_exists: str, has_manifest: bool
) -> None:
    """Jobs that tell their project only are those of their items, whose names end alike."""
    one = work(items=[*LOCATIONS, "in/none"], if_exists=if_exists, store=Store(), has_manifest=has_manifest)
    first = one.play()

    again = one.end(one.send(cleared=True))

    assert [(told.summary.completed + told.summary.skipped, told.summary.failed) for told in (first, again)] == [
        (3, 1)
    ] * 2
    assert sorted(filter(None, one.jobs())) == sorted([*LOCATIONS, "in/none", "in/none"])
    files = one.files()
    assert [again.results[key]["file"] for key in sorted(again.results)] == [files[path].id for path in LOCATIONS]


@pytest.mark.usefixtures("telling_the_project")
@pytest.mark.parametrize("destination", ["project", "folder"])
@pytest.mark.parametrize("if_exists", ["fail", "overwrite", "rename"])
def test_lost_job_that_tells_no_folder(
    cgc: CgcEmulator, work: Callable[..., Work], monkeypatch: pytest.MonkeyPatch, if_exists: str, destination: str
) -> None:
    """A retry sends nothing if nobody can tell whether a job is its own."""
    [folder] = cgc.add_files(["x/"], project=PROJECT)
    items = [{"location": LOCATIONS[0], "parent": folder, "name": "a.bam"}] if destination == "folder" else LOCATIONS
    one = work(items=items, if_exists=if_exists, store=Store())
    kill_at(monkeypatch, 1)
    with pytest.raises(Killed):
        one.send()
    cgc.clock.advance(600)

    with pytest.raises(UncertainJobs):
        one.send()

    assert len(one.jobs()) == len(items)


@pytest.mark.parametrize("has_manifest", [True, False])
@pytest.mark.parametrize("if_exists", ["fail", "skip", "overwrite", "rename"])
def test_one_object_to_two_places(
    cgc: CgcEmulator, work: Callable[..., Work], if_exists: str, has_manifest: bool
) -> None:
    """An object may go to a project and to a folder in it, under one name."""
    names = ["x/a.bam", "a.bam"]
    items = [{"location": LOCATIONS[0], "name": name} for name in names]
    one = work(items=items, if_exists=if_exists, has_manifest=has_manifest)

    account = one.play()

    assert (account.summary.completed, account.not_yet_known) == (2, None)
    assert [told["file"] for told in account.results.values()] == [one.files()[name].id for name in names]


@pytest.mark.usefixtures("telling_the_project")
@pytest.mark.parametrize("if_exists", ["fail", "overwrite", "rename"])
def test_place_that_jobs_do_not_tell(
    cgc: CgcEmulator, work: Callable[..., Work], monkeypatch: pytest.MonkeyPatch, if_exists: str
) -> None:
    """A job into a folder is not taken for that of the same object into the project itself."""
    items = [{"location": LOCATIONS[0], "name": name} for name in ("x/a.bam", "a.bam")]
    one = work(items=items, if_exists=if_exists, store=Store())
    kill_at(monkeypatch, 1)
    with pytest.raises(Killed):
        one.send()
    cgc.clock.advance(600)

    with pytest.raises(UncertainJobs):
        one.send()

    assert len(one.jobs()) == 2
