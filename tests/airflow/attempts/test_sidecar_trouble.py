"""The metadata of exported files across attempts: lost, in the way, of deleted files, or at a path that is no place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc import storage
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.exceptions import CgcJobsNotYetKnown
from airflow_provider_cgc.jobs.exports.order import ExportOrder
from tests.airflow.attempts.attempts import Attempts, manifest_lines, remove_files
from tests.airflow.attempts.test_manifest_trouble import UNWRITABLE, run

every_memory = pytest.mark.parametrize("store", [True, False], ids=["remembered", "forgotten"])
FINISH = ExportOrder.finish


@pytest.fixture
def path(tmp_path: Path) -> str:
    return f"file://{tmp_path}/metadata.jsonl"


@pytest.fixture
def ids(emulator: CgcEmulator) -> list[str]:
    """Two files with metadata."""
    return emulator.add_files(["x/a.bam", "x/b.bam"], metadata={"sample_id": "S1"}, tags=["t"])


def told(path: str) -> list[tuple[str, Any, Any]]:
    return [(line["file"], line["metadata"], line["tags"]) for line in manifest_lines(path)]


def at_the_end(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen once, when the jobs have ended and before the task accounts for them."""

    def finish(*args: Any, **how: Any) -> Any:
        monkeypatch.setattr(ExportOrder, "finish", FINISH)
        happens()
        return FINISH(*args, **how)

    monkeypatch.setattr(ExportOrder, "finish", finish)


@every_memory
@pytest.mark.parametrize("name", UNWRITABLE)
def test_unwritable_is_refused(emulator: CgcEmulator, tmp_path: Path, name: str, store: bool) -> None:
    task = Attempts(emulator, store=store, items=emulator.file_ids[:2], metadata_path=UNWRITABLE[name](tmp_path))

    assert run(task) == "refused"
    assert "This attempt has sent nothing." in str(task.error)
    assert task.jobs == []


@pytest.mark.parametrize("text", ["a,b\n1,2\n", '{"x": 1}\n', '{"task": 1}\n', "[]\n", '{"version": 1}\n', "[" * 10**5])
def test_other_file_is_kept(emulator: CgcEmulator, tmp_path: Path, path: str, text: str) -> None:
    """A file that this operator has not written is not overwritten."""
    Path(tmp_path, "metadata.jsonl").write_text(text)
    task = Attempts(emulator, items=emulator.file_ids[:2], metadata_path=path)

    assert run(task) == "refused"
    assert "give another path, or remove it" in str(task.error)
    assert Path(tmp_path, "metadata.jsonl").read_text() == text
    assert task.jobs == []


def test_other_task_is_refused(emulator: CgcEmulator, path: str, ids: list[str]) -> None:
    """Two tasks of one run would overwrite each other's lines, and both be green."""
    assert Attempts(emulator, items=ids[:1], metadata_path=path).run() == "success"
    other = Attempts(emulator, task_id="other", items=ids[1:], metadata_path=path)

    assert run(other) == "refused"
    assert "is also that of another task of this Dag run, export/-1" in str(other.error)
    assert [file for file, *_ in told(path)] == ids[:1]


def test_overtaken_is_not_green(
    emulator: CgcEmulator, path: str, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another task that began at the same moment has overwritten the lines that wait for the end."""
    task = Attempts(emulator, items=ids[:1], metadata_path=path)
    other = f"{path}.planned"
    at_the_end(monkeypatch, lambda: storage.write_lines(other, ['{"task": {"id": "d/r/other/-1"}}\n']))

    assert task.run() == "CgcJobsNotYetKnown"
    assert not storage.exists(path)


@every_memory
def test_lost_lines_are_made_again(
    emulator: CgcEmulator, path: str, ids: list[str], store: bool, manifest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its lines a task is not green; a retry asks for the files again, and exports none twice."""
    task = Attempts(emulator, store=store, items=ids, metadata_path=path, manifest_path=manifest)
    at_the_end(monkeypatch, lambda: storage.remove(f"{path}.planned"))

    assert task.run() == "CgcJobsNotYetKnown"
    assert isinstance(task.error, CgcJobsNotYetKnown)
    assert f"The metadata of 2 exported files, such as {min(ids)}, cannot be written to {path}" in str(task.error)
    assert task.retry() == "success"
    assert told(path) == [(file, {"sample_id": "S1"}, ["t"]) for file in ids]
    assert len(task.jobs) == 2


@every_memory
@pytest.mark.parametrize("copy_only", [True, False])
def test_deleted_between_tries(
    emulator: CgcEmulator,
    path: str,
    ids: list[str],
    manifest: str,
    store: bool,
    copy_only: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worker dies while the jobs run, and a file is deleted before the retry: its line is that of the first try."""
    task = Attempts(emulator, store=store, items=ids, metadata_path=path, manifest_path=manifest, copy_only=copy_only)

    def die() -> None:
        raise KeyboardInterrupt

    at_the_end(monkeypatch, die)
    assert task.run() == "KeyboardInterrupt"
    remove_files(emulator, ids[0])

    assert task.retry() == "success", task.error
    assert told(path) == [(file, {"sample_id": "S1"}, ["t"]) for file in ids]


@every_memory
def test_cleared_success_skips(emulator: CgcEmulator, path: str, ids: list[str], store: bool) -> None:
    """After a Clear all objects are skipped, and are on the volume all the same."""
    task = Attempts(emulator, store=store, items=ids, metadata_path=path, if_exists="skip")
    assert task.run() == "success"
    emulator.clock.advance(24 * 3600)

    assert task.clear() == "success", task.error
    assert [file for file, *_ in told(path)] == ids
    assert len(task.jobs) == 2


@pytest.mark.parametrize("store", [True, False], ids=["remembered", "forgotten"])
def test_rescheduled_is_whole(emulator: CgcEmulator, path: str, ids: list[str], manifest: str, store: bool) -> None:
    task = Attempts(emulator, store=store, items=ids, metadata_path=path, manifest_path=manifest)

    assert task.pokes() == "success", task.error
    assert [file for file, *_ in told(path)] == ids


def test_dry_run_writes_none(emulator: CgcEmulator, tmp_path: Path, path: str, ids: list[str]) -> None:
    task = Attempts(emulator, items=ids, metadata_path=path, dry_run=True)

    assert task.run() == "success"
    assert list(tmp_path.iterdir()) == []


def test_unremovable_is_green(
    emulator: CgcEmulator, path: str, ids: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bucket in which nothing may be deleted keeps the lines that waited for the end."""

    def denied(uri: object) -> None:
        raise PermissionError("denied")

    monkeypatch.setattr(storage, "remove", denied)
    task = Attempts(emulator, items=ids, metadata_path=path)

    assert task.run() == "success"
    assert [file for file, *_ in told(path)] == ids


@pytest.mark.parametrize("at", ["submit", "job"])
def test_appeared_has_its_line(
    emulator: CgcEmulator, path: str, ids: list[str], at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An object that appears after the first look is skipped, and has its line."""
    emulator.fail_files(ids[0], code=9107, at=at, times=1)
    with emulator.world.open() as world:
        size = world.files[ids[0]].size

    def appear() -> None:
        emulator.put_objects([f"out/{ids[0]}"], volume=emulator.volume, size=size)

    if at == "job":
        at_the_end(monkeypatch, appear)
    else:
        create = ExportOrder.create
        monkeypatch.setattr(ExportOrder, "create", lambda *args: (appear(), create(*args))[1])
    task = Attempts(emulator, items=ids, metadata_path=path, if_exists="skip")

    assert task.run() == "success", task.error
    assert task.summary == {"total": 2, "completed": 1, "skipped": 1}
    assert sorted(file for file, *_ in told(path)) == sorted(ids)
