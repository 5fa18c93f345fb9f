"""A manifest that cannot be written: refused once while nothing was sent, and retried ever after."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_cgc import storage
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.exceptions import CgcInputRefused
from tests.airflow.attempts.attempts import Attempts

every_memory = pytest.mark.parametrize("store", [True, False], ids=["remembered", "forgotten"])


def a_file_for_a_folder(tmp_path: Path) -> str:
    (tmp_path / "taken").write_text("x")
    return f"file://{tmp_path}/taken/m.jsonl"


def a_folder(tmp_path: Path) -> str:
    return tmp_path.as_uri()


def other_text(tmp_path: Path) -> str:
    (tmp_path / "m.jsonl").write_bytes(b"\xff\xfe\n")
    return f"file://{tmp_path}/m.jsonl"


def a_long_name(tmp_path: Path) -> str:
    return f"file://{tmp_path}/{'n' * 300}.jsonl"


UNWRITABLE: dict[str, Callable[[Path], Any]] = {
    "no_folder_can_be_made": lambda tmp_path: "file:///proc/x/z.jsonl",
    "a_path_of_this_machine": lambda tmp_path: Path("/proc/x/z.jsonl"),
    "a_file_for_a_folder": a_file_for_a_folder,
    "a_folder": a_folder,
    "no_text": other_text,
    "a_long_name": a_long_name,
    "relative": lambda tmp_path: "m.jsonl",
    "no_store": lambda tmp_path: "nostore://b/m.jsonl",
}


def run(task: Attempts, **changed: Any) -> str:
    """Run a try: "success", "refused" for good, or "retried" by Airflow."""
    end = task.run(**changed)
    if task.error is None:
        return end
    return "refused" if isinstance(task.error, AirflowFailException) else "retried"


@every_memory
@pytest.mark.parametrize("name", UNWRITABLE)
def test_unwritable_is_refused(emulator: CgcEmulator, tmp_path: Path, name: str, store: bool) -> None:
    task = Attempts(
        emulator, store=store, items=emulator.file_ids[:2], manifest_path=UNWRITABLE[name](tmp_path), wait=False
    )

    assert run(task) == "refused"
    assert isinstance(task.error, CgcInputRefused)
    assert "This attempt has sent nothing." in str(task.error)
    assert task.jobs == []


@every_memory
@pytest.mark.parametrize(
    ("error", "end"),
    [
        (PermissionError(errno.EACCES, "denied"), "refused"),
        (FileNotFoundError(errno.ENOENT, "no such bucket"), "refused"),
        (OSError(errno.EROFS, "read-only"), "refused"),
        (OSError(errno.ENOSPC, "disk full"), "retried"),
        (OSError(errno.EDQUOT, "over quota"), "retried"),
        (ConnectionError("the store is down"), "retried"),
    ],
    ids=repr,
)
def test_may_pass_is_retried(
    emulator: CgcEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: bool, error: OSError, end: str
) -> None:
    """Trouble that may pass is retried, and nothing is sent."""
    task = Attempts(emulator, store=store, items=emulator.file_ids[:2], manifest_path=f"file://{tmp_path}/m.jsonl")

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(storage, "_write_beside", fail)

    assert run(task) == end
    assert task.jobs == []


@every_memory
@pytest.mark.parametrize("good_writes", [1, 2], ids=["after_the_sending", "at_the_end"])
def test_no_end_after_a_send(
    emulator: CgcEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: bool, good_writes: int
) -> None:
    """After a send no address ends the retries."""
    path = f"file://{tmp_path}/m.jsonl"
    task = Attempts(emulator, store=store, items=emulator.file_ids[:2], manifest_path=path)
    write, left = storage._write_beside, [good_writes]

    def fail_later(*arguments: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise PermissionError(errno.EACCES, "denied")
        write(*arguments)

    monkeypatch.setattr(storage, "_write_beside", fail_later)

    assert run(task) == "retried"
    task.try_number = 2
    assert run(task) == "retried", "the address is still bad, and jobs run"
    monkeypatch.setattr(storage, "_write_beside", write)
    task.try_number = 3
    assert run(task) == "success"
    assert len(task.jobs) == 2


@every_memory
def test_unreadable_is_reread(
    emulator: CgcEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: bool
) -> None:
    """An unreadable manifest is looked at again."""
    emulator.option("stuck", True)
    path = f"file://{tmp_path}/m.jsonl"
    task = Attempts(emulator, store=store, items=emulator.file_ids[:2], manifest_path=path)
    task.run(timeout=1)
    exists = storage.exists

    def denied(*_: Any) -> bool:
        raise storage.BadPath("The path is not allowed")

    monkeypatch.setattr(storage, "exists", denied)
    task.try_number = 2
    assert run(task) == "retried"
    assert "An earlier attempt of this task may have started exports" in str(task.error)

    monkeypatch.setattr(storage, "exists", exists)
    emulator.option("stuck", False)
    task.try_number = 3
    assert run(task) == "success"
    assert len(task.jobs) == 2
