"""The files that git knows of or does not ignore are built and tested, with the same modes everywhere."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dev import tree


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A tree with a committed file, a new one, one that was deleted, and one that is ignored."""
    root = tmp_path / "root"
    files = {"bin/run": 0o700, "it/inside": 0o600, "it_beside": 0o666, "deleted": 0o644, ".gitignore": 0o644}
    for name, mode in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("left\n")
        (root / name).chmod(mode)
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    subprocess.run(["git", "add", "--all"], cwd=root, check=True)
    (root / "deleted").unlink()
    (root / "new").write_text("")
    (root / "left").write_text("")
    monkeypatch.setattr(tree, "ROOT", root)
    return root


def test_only_known_files_are_copied(root: Path, tmp_path: Path) -> None:
    """A file that git ignores, such as one of an earlier build, is no part of the copy, nor is a deleted one."""
    copy = tmp_path / "copy"

    tree.copy_tree(copy)

    modes = {str(path.relative_to(copy)): path.stat().st_mode & 0o777 for path in copy.rglob("*") if path.is_file()}
    others = dict.fromkeys([".gitignore", "it/inside", "it_beside", "new"], 0o644)
    assert modes == {"bin/run": 0o755, **others}


def test_part_is_left_out(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"

    tree.copy_tree(copy, without="it/")

    assert sorted(path.name for path in copy.iterdir()) == [".gitignore", "bin", "it_beside", "new"]


def test_names_are_as_they_are(root: Path) -> None:
    """git quotes names with other letters unless it is told not to."""
    (root / "é and\nso on").write_text("")

    assert "é and\nso on" in tree.known_files()
