"""The metadata of exported files on real Airflow: what is written at `metadata_path`, and the way back by an import."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcClient, Settings
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.exports.order import ExportOrder
from airflow_provider_cgc.jobs.submitting import search
from tests.airflow.rows import MODES, Ended, play

SOURCE, TARGET, VOLUME = "demo-lab/cptac3", "demo-lab/leftovers", "demo-lab/results"
PLAIN = {"sample_id": "C3L-1", "investigation": "été 東京 🧬"}
FILES = {
    "night/s1/a.bam": {"metadata": PLAIN, "tags": ["wxs", "été"], "task": "7d3a6c0e-0000-4000-8000-000000000001"},
    "night/s1/a.bam.bai": {"metadata": {"sample_id": "C3L-1"}},
    "night/s2/deep/er/a.bam": {"tags": ["x, y", '"quoted"']},
    "night/Größe ü/ファイル.vcf.gz": {"metadata": {"Größe": "3 µm", "empty": ""}},
    "night/none.txt": {},
}
USUAL = {"volume": VOLUME, "copy_only": True, "location": "out/{id}/{name}"}


def put(emulator: CgcEmulator, files: Mapping[str, Mapping[str, Any]] = FILES) -> list[str]:
    """Put files of different sizes into the source project."""
    return [emulator.add_files([path], size=1000 + n, **how)[0] for n, (path, how) in enumerate(files.items())]


def nothing(emulator: CgcEmulator, ids: Sequence[str]) -> None:
    """Leave the platform as it is."""


def one_fails(emulator: CgcEmulator, ids: Sequence[str]) -> None:
    emulator.fail_files(ids[1], code=9104)


def one_is_there(emulator: CgcEmulator, ids: Sequence[str]) -> None:
    emulator.put_objects([f"out/{ids[0]}/a.bam"], volume=VOLUME, size=1000)


def one_is_gone(emulator: CgcEmulator, ids: Sequence[str]) -> None:
    """A file was exported before, and then deleted."""
    one_is_there(emulator, ids)
    remove(emulator, ids[0])


def remove(emulator: CgcEmulator, file_id: str) -> None:
    with emulator.world.open() as world:
        world.files.remove(world.file(file_id))


@dataclass(frozen=True)
class Case:
    """An export: the trouble before it, its arguments, its end, and the files of its lines by their number."""

    before: Callable[[CgcEmulator, Sequence[str]], None] = nothing
    arguments: dict[str, Any] = field(default_factory=dict)
    state: str = "success"
    lines: Sequence[int] = range(len(FILES))
    deleted: bool = False
    """The first file is deleted while the jobs run."""


CASES = {
    "copied": Case(),
    "moved": Case(arguments={"copy_only": False}),
    "verified": Case(arguments={"verify": True}),
    "one_fails": Case(one_fails, state="failed", lines=[0, 2, 3, 4]),
    "one_deleted": Case(deleted=True),
    "one_tolerated": Case(one_fails, {"max_failures": 1}, lines=[0, 2, 3, 4]),
    "one_skipped": Case(one_is_there, {"if_exists": "skip"}),
    "one_gone": Case(one_is_gone, {"if_exists": "skip", "location": "out/{id}/a.bam"}),
    "nothing": Case(arguments={"items": [], "allow_empty": True}, lines=[]),
}


@dataclass(frozen=True)
class Result:
    """The end of a task, the ids of the files, and the files of the folder."""

    ended: Ended
    ids: list[str]
    folder: Path

    @property
    def lines(self) -> list[dict[str, Any]]:
        return read(self.folder / "metadata.jsonl")


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


Play = Callable[[str, str], Result]


@pytest.fixture(scope="module")
def played(database: None, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """Run a case in one mode, once."""

    @functools.cache
    def play_it(name: str, mode: str) -> Result:
        case, folder = CASES[name], tmp_path_factory.mktemp("sidecar")
        with CgcEmulator(speed=600, files=0) as emulator, pytest.MonkeyPatch.context() as patch:
            patch.setenv("AIRFLOW_CONN_CGC_DEFAULT", emulator.airflow_conn)
            patch.setattr(search, "SETTLING", 0.3)
            ids = put(emulator)
            case.before(emulator, ids)
            if case.deleted:
                finish = ExportOrder.finish
                patch.setattr(
                    ExportOrder, "finish", lambda *args, **how: remove(emulator, ids[0]) or finish(*args, **how)
                )
            how = {**USUAL, "items": ids, "metadata_path": f"file://{folder}/metadata.jsonl", **MODES[mode]}
            # Without a store only a manifest can remember from one poke to the next.
            manifest = {"manifest_path": f"file://{folder}/manifest.jsonl"} if mode == "reschedule" else {}
            [ended] = play({"task_id": "export", **how, **manifest, **case.arguments})
            return Result(ended, ids, folder)

    return play_it


@pytest.mark.sampled(each="name")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CASES)
def test_lines_are_of_files_there(played: Play, name: str, mode: str) -> None:
    """There is one line for each file that is on the volume at the end; nothing else is left."""
    case, result = CASES[name], played(name, mode)

    assert result.ended.state == case.state, result.ended.error
    assert [line["file"] for line in result.lines] == [result.ids[number] for number in case.lines]
    assert not list(result.folder.glob("*.planned"))


@pytest.mark.sampled(each="name")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", [name for name in CASES if name not in ("nothing", "one_gone")])
def test_lines_say_all_of_a_file(played: Play, name: str, mode: str) -> None:
    result = played(name, mode)
    lines = {line["file"]: line for line in result.lines}
    for file_id, (number, (path, how)) in zip(result.ids, enumerate(FILES.items()), strict=True):
        if file_id not in lines:
            continue
        line = lines[file_id]
        folder, _, file_name = path.rpartition("/")
        assert line.pop("task")["id"].startswith("rows/")
        assert line == {
            "volume": VOLUME,
            "location": f"out/{file_id}/{file_name}",
            "file": file_id,
            "source_name": file_name,
            "size": 1000 + number,
            "path": folder,
            "source_project": SOURCE,
            "metadata": how.get("metadata", {}),
            "tags": how.get("tags", []),
            "origin_task": how.get("task"),
        }


@pytest.mark.parametrize("mode", ["poke"])
def test_gone_file_keeps_its_line(played: Play, mode: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The platform does not show the file any more, and nobody has told its metadata."""
    line = played("one_gone", mode).lines[0]

    assert (line["location"].rpartition("/")[2], line["metadata"], line["tags"]) == ("a.bam", None, None)


@pytest.mark.parametrize("location", ["{path}/{name}", "flat/{id}"])
@pytest.mark.parametrize("copy_only", [True, False])
def test_round_trip_is_equal(
    database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str, copy_only: bool
) -> None:
    """Files that are exported with their metadata and imported elsewhere have the same tree and the same metadata."""
    path = f"file://{tmp_path}/metadata.jsonl"
    export = {"task_id": "export", **USUAL, "location": location, "copy_only": copy_only, "metadata_path": path}
    bring = {"task_id": "bring", "operator": "import", "after": "export", "manifest": path, "project": TARGET}
    with CgcEmulator(speed=600, files=0) as emulator:
        monkeypatch.setenv("AIRFLOW_CONN_CGC_DEFAULT", emulator.airflow_conn)
        ids = put(emulator)
        before, others = facts(emulator, SOURCE), facts(emulator, TARGET)

        exported, brought = play({**export, "items": ids}, bring)
        after = {path: one for path, one in facts(emulator, TARGET).items() if path not in others}

    assert (exported.state, brought.state) == ("success", "success"), (exported.error, brought.error)
    assert after == before
    assert {path: size for path, (size, *_) in after.items()} == {path: 1000 + n for n, path in enumerate(FILES)}


def facts(emulator: CgcEmulator, project: str) -> dict[str, tuple[Any, ...]]:
    """Give size, metadata and tags of every file of a project, by its path."""
    with CgcClient(Settings(token=emulator.token, base_url=emulator.url)) as client:
        return {
            f"{one.path}/{one.file.name}": (one.file.size, one.file.metadata, one.file.tags)
            for one in client.files.tree(project)
        }
