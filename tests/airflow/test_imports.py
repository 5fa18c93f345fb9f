"""Imports by the operator on real Airflow: what ends how in poke, reschedule and deferrable mode."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcClient, File, Settings
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.submitting import search
from tests.airflow.rows import MODES, Ended, play

VOLUME, PROJECT = "demo-lab/archive", "demo-lab/alpha"
LOCATIONS = ["in/s1/a.bam", "in/s1/b.bam", "in/s2/a.bam"]
USUAL = {
    "operator": "import",
    "volume": VOLUME,
    "project": PROJECT,
    "metadata": {"sample_id": "{folder}", "source": "{location}"},
    "tags": ["night"],
}
CREATE = "/v2/bulk/storage/imports/create"
EDIT = "/v2/bulk/files/edit"


def objects(count: int = 3) -> Callable[[CgcEmulator], Any]:
    """Put objects on the volume, in as many folders as there are hundreds, and three for three."""

    def platform(emulator: CgcEmulator) -> Any:
        locations = LOCATIONS if count == 3 else [f"in/s{number // 100}/{number}.bam" for number in range(count)]
        emulator.put_objects(locations, volume=VOLUME, size=1000)
        return locations

    return platform


def with_one_missing(emulator: CgcEmulator) -> Any:
    return [*objects()(emulator), "in/s3/none.bam"]


def one_may_pass(emulator: CgcEmulator) -> Any:
    emulator.fail_files("in/s1/b.bam", code=9100)
    return objects()(emulator)


def one_is_there(emulator: CgcEmulator) -> Any:
    """The first object has been imported by another run, as a retry would name it."""
    locations = objects()(emulator)
    with CgcClient(Settings(token=emulator.token, base_url=emulator.url)) as client:
        folder = client.files.create_folder("s1", parent=client.files.create_folder("in", project=PROJECT).id)
        client.imports.bulk_create([{"volume": VOLUME, "location": locations[0], "parent": folder.id, "name": "a.bam"}])
    emulator.clock.advance(24 * 3600)
    return locations


def another_is_there(emulator: CgcEmulator) -> Any:
    emulator.put_objects(["other/a.bam"], volume=VOLUME, size=7)
    locations = objects()(emulator)
    with CgcClient(Settings(token=emulator.token, base_url=emulator.url)) as client:
        folder = client.files.create_folder("s1", parent=client.files.create_folder("in", project=PROJECT).id)
        client.imports.bulk_create([{"volume": VOLUME, "location": "other/a.bam", "parent": folder.id}])
    emulator.clock.advance(24 * 3600)
    return locations


def a_fault(kind: str, path: str) -> Callable[[CgcEmulator], Any]:
    def platform(emulator: CgcEmulator) -> Any:
        emulator.fault(kind, path=path, count=1)
        return objects()(emulator)

    return platform


@dataclass(frozen=True)
class Case:
    """The import, its arguments and the end that it must have; `jobs` is the number of jobs on the platform then."""

    items: Callable[[CgcEmulator], Any]
    state: str
    summary: dict[str, Any] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    jobs: int = 0
    modes: Sequence[str] = tuple(MODES)


CASES = {
    "all": Case(objects(), "success", {"total": 3, "completed": 3, "failed": 0, "skipped": 0}, jobs=3),
    "many": Case(objects(230), "success", {"completed": 230}, jobs=230),
    "one_missing": Case(with_one_missing, "failed", {"completed": 3, "failed": 1}, error="CgcJobsFailed: 9105", jobs=4),
    "one_tolerated": Case(with_one_missing, "success", {"completed": 3, "failed": 1}, {"max_failures": 1}, jobs=4),
    "one_may_pass": Case(
        one_may_pass, "failed", {"completed": 2, "failed": 1}, error="CgcJobsIncomplete: 9100", jobs=3
    ),
    "one_is_there": Case(one_is_there, "failed", error="CgcInputRefused: 9108", jobs=1),
    "one_skipped": Case(
        one_is_there, "success", {"total": 3, "completed": 2, "skipped": 1}, {"if_exists": "skip"}, jobs=3
    ),
    "another_not_skipped": Case(
        another_is_there,
        "failed",
        {"completed": 2, "failed": 1},
        {"if_exists": "skip"},
        error="CgcJobsFailed: no alias of this object",
        jobs=3,
    ),
    "one_overwritten": Case(one_is_there, "success", {"completed": 3}, {"if_exists": "overwrite"}, jobs=4),
    "one_renamed": Case(one_is_there, "success", {"completed": 3}, {"if_exists": "rename"}, jobs=4),
    "verified": Case(objects(), "success", {"completed": 3}, {"verify": True, "metadata": None, "tags": None}, jobs=3),
    "answer_lost_after": Case(a_fault("drop_after", CREATE), "success", {"completed": 3}, jobs=3),
    "answer_lost_before": Case(a_fault("drop_before", CREATE), "success", {"completed": 3}, jobs=3),
    "folder_lost_after": Case(a_fault("drop_after", "/v2/files"), "success", {"completed": 3}, jobs=3),
    "edit_lost_after": Case(a_fault("drop_after", EDIT), "success", {"completed": 3}, jobs=3),
    "edit_502": Case(a_fault("502_html", EDIT), "success", {"completed": 3}, jobs=3),
    "nothing": Case(lambda emulator: [], "failed", error="CgcInputRefused: is empty"),
    "nothing_allowed": Case(lambda emulator: [], "success", {"total": 0}, {"allow_empty": True}),
    "a_folder": Case(lambda emulator: ["in/s1/"], "failed", error="CgcInputRefused: ends with a slash"),
    "twice": Case(lambda emulator: ["in/a"] * 2, "failed", error="CgcInputRefused: more than once"),
    "two_to_one_name": Case(
        objects(), "failed", {}, {"name": "{name}"}, error="CgcInputRefused: go to one name", modes=["poke"]
    ),
    "no_volume": Case(objects(), "failed", {}, {"volume": "demo-lab/none"}, error="CgcInputRefused: demo-lab/none"),
    "no_project": Case(objects(), "failed", {}, {"project": "demo-lab/none"}, error="CgcInputRefused: demo-lab/none"),
    "dry_run": Case(objects(), "success", {}, {"dry_run": True}),
    "not_waited_for": Case(
        objects(), "success", {}, {"wait": False, "metadata": None, "tags": None}, jobs=3, modes=["poke"]
    ),
}
DESCRIBED = ("all", "one_tolerated", "one_skipped", "one_overwritten", "answer_lost_after", "edit_lost_after")
RUNS = [(name, mode) for name, case in CASES.items() for mode in case.modes]


@dataclass(frozen=True)
class Result:
    """The end of a task, and the platform's own facts then: of imports, and of the files of the project by path."""

    ended: Ended
    manifest: Path
    jobs: list[dict[str, Any]]
    files: dict[str, File]

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.manifest.read_text().splitlines()]


Play = Callable[[str, str], Result]


@pytest.fixture(scope="module")
def played(database: None, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Run a case in one mode, once."""
    folder = tmp_path_factory.mktemp("imports")

    @functools.cache
    def play_it(name: str, mode: str) -> Result:
        case, manifest = CASES[name], folder / f"{name}-{mode}.jsonl"
        with CgcEmulator(speed=600) as emulator, pytest.MonkeyPatch.context() as patch:
            patch.setenv("AIRFLOW_CONN_CGC_DEFAULT", emulator.airflow_conn)
            patch.setattr(search, "SETTLING", 0.3)
            how = {**USUAL, "items": case.items(emulator), **MODES[mode], **case.arguments}
            # Without a store only a manifest can remember from one poke to the next.
            if mode == "reschedule" or name in ("one_skipped", "one_tolerated"):
                how["manifest_path"] = f"file://{manifest}"
            [ended] = play({"task_id": "import", **how})
            with CgcClient(Settings(token=emulator.token, base_url=emulator.url)) as client:
                jobs = [dict(job.raw) for job in client.imports.list()]
                files = {f"{one.path}/{one.file.name}": one.file for one in client.files.tree(PROJECT)}
                return Result(ended, manifest, jobs, files)

    return play_it


@pytest.mark.sampled(each="name")
@pytest.mark.parametrize(("name", "mode"), RUNS)
def test_import_ends_as_it_should(played: Play, name: str, mode: str) -> None:
    case, result = CASES[name], played(name, mode)
    ended = result.ended
    kind, _, words = case.error.partition(": ")

    assert (ended.state, ended.error[0]) == (case.state, kind), ended.error[1]
    assert words in ended.error[1]
    if case.summary:
        assert ended.summary is not None
        assert {key: ended.summary[key] for key in case.summary} == case.summary
    assert len(result.jobs) == case.jobs


@pytest.mark.sampled(each="name")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", DESCRIBED)
def test_files_have_their_metadata(played: Play, name: str, mode: str) -> None:
    """Each file is an alias of its object, at its path, with its metadata and tags."""
    files = played(name, mode).files

    assert {
        path: (files[path].location, files[path].metadata["sample_id"], files[path].metadata["source"])
        for path in LOCATIONS
    } == {path: (path, path.split("/")[1], path) for path in LOCATIONS}
    assert {files[path].tags for path in LOCATIONS} == {("night",)}


@pytest.mark.sampled(each="name")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", DESCRIBED)
def test_files_are_returned(played: Play, name: str, mode: str) -> None:
    """The task returns its files, also those that were there."""
    result = played(name, mode)

    assert result.ended.xcoms["return_value"] == [
        {
            "file": result.files[path].id,
            "name": path.rpartition("/")[2],
            "size": 1000,
            "project": PROJECT,
            "path": path.rpartition("/")[0],
        }
        for path in LOCATIONS
    ]


@pytest.mark.parametrize("mode", MODES)
def test_manifest_has_the_files(played: Play, mode: str) -> None:
    result = played("one_skipped", mode)

    assert [line["state"] for line in result.lines] == ["SKIPPED", "COMPLETED", "COMPLETED"]
    assert [line["result"]["file"] for line in result.lines] == [result.files[path].id for path in LOCATIONS]


@pytest.mark.parametrize("mode", MODES)
def test_renamed_file_is_returned(played: Play, mode: str) -> None:
    """With `rename`, the new file has another name, and its id is returned."""
    result = played("one_renamed", mode)
    returned = result.ended.xcoms["return_value"]

    assert returned[0]["name"] == "_1_a.bam"
    assert returned[0]["file"] == result.files["in/s1/_1_a.bam"].id


def test_dry_run_sends_nothing(played: Play) -> None:
    result = played("dry_run", "poke")

    assert {key: result.ended.xcoms["return_value"][key] for key in ("items", "to_send", "not_importable")} == {
        "items": 3,
        "to_send": 3,
        "not_importable": 0,
    }
    assert not any(path.startswith("in/") for path in result.files)
