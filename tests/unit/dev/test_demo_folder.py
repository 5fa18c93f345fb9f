"""The folder that the demo may wipe."""

from __future__ import annotations

import json
import subprocess
import sys

import psutil
import pytest

from dev.demo_folder import MARKER, FolderRefusedError, claim


@pytest.fixture
def other_program():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield psutil.Process(process.pid)
    process.kill()
    process.communicate()


def test_makes_an_ignored_folder(tmp_path):
    claim(tmp_path / "a" / "b")

    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == [".gitignore", MARKER]


def test_wipes_its_own_folder(tmp_path):
    claim(tmp_path)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "old").write_text("x")

    claim(tmp_path)

    assert not (tmp_path / "logs").exists()


def test_refuses_foreign_files(tmp_path):
    (tmp_path / "thesis.txt").write_text("x")

    with pytest.raises(FolderRefusedError, match="did not make"):
        claim(tmp_path)

    assert (tmp_path / "thesis.txt").read_text() == "x"


def test_refuses_a_link(tmp_path):
    claim(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")

    with pytest.raises(FolderRefusedError):
        claim(tmp_path / "link")


def test_wipes_past_no_link(tmp_path):
    """Follow no link while wiping."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("x")
    claim(tmp_path / "mine")
    (tmp_path / "mine" / "link").symlink_to(tmp_path / "other")

    claim(tmp_path / "mine")

    assert (tmp_path / "other" / "file").exists()


def test_refuses_a_running_owner(tmp_path, other_program):
    claim(tmp_path)
    owner = {"pid": other_program.pid, "created": other_program.create_time()}
    (tmp_path / MARKER).write_text(json.dumps(owner))

    with pytest.raises(FolderRefusedError, match=f"in use by process {other_program.pid}"):
        claim(tmp_path)


def test_takes_a_recycled_id(tmp_path, other_program):
    """Take a folder whose owner's process id belongs to somebody else by now."""
    claim(tmp_path)
    (tmp_path / MARKER).write_text(json.dumps({"pid": other_program.pid, "created": 1.0}))

    claim(tmp_path)

    assert json.loads((tmp_path / MARKER).read_text())["pid"] != other_program.pid
