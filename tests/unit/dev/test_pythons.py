"""The Pythons of this machine are found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dev import pythons


def test_own_python_is_found() -> None:
    assert pythons.found(pythons.OWN) == Path(sys.executable)


def test_absent_python_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that uv does not find is not here."""
    monkeypatch.setattr(pythons.subprocess, "run", lambda command, **how: subprocess.CompletedProcess(command, 2, ""))

    assert pythons.found("3.99") is None


@pytest.mark.parametrize(("up_to", "newest"), [("3.13", "3.13"), ("3.12", "3.11"), ("3.11", "3.11")])
def test_newest_is_here(up_to: str, newest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons, "found", lambda version: Path(version) if version != "3.12" else None)

    assert pythons.newest(up_to) == newest


def test_too_new_is_no_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own Python is not taken where it is newer than wanted and there is no other."""
    monkeypatch.setattr(pythons, "OWN", "3.13")
    monkeypatch.setattr(pythons, "found", lambda version: Path(version) if version == "3.13" else None)

    assert pythons.newest("3.12") is None
    assert pythons.newest("3.13") == "3.13"


def test_versions_compare_as_numbers() -> None:
    assert pythons.as_numbers("3.9") < pythons.as_numbers("3.13")


def test_pyenv_is_asked_before_shims(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """pyenv's command on the PATH may refuse to run; the interpreter behind it comes first."""
    real = tmp_path / "versions" / "3.13.7" / "bin"
    real.mkdir(parents=True)
    (tmp_path / "versions" / "3.1.3" / "bin").mkdir(parents=True)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", "/shims")
    monkeypatch.setattr(pythons, "OWN", "3.11")
    asked: list[str] = []

    def run(command: list[str], env: dict[str, str], **how: Any) -> subprocess.CompletedProcess[str]:
        asked.append(env["PATH"])
        return subprocess.CompletedProcess(command, 0, "/found/python3.13\n")

    monkeypatch.setattr(pythons.subprocess, "run", run)

    assert pythons.found("3.13") == Path("/found/python3.13")
    assert asked == [f"{real}:/shims"]
