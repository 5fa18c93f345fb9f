"""A folder that a program may wipe at each start because nobody else's files can be in it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import psutil

from dev import processes

MARKER = ".made-by-the-demo"


class FolderRefusedError(RuntimeError):
    """The folder holds something that is not ours to delete, or is in use."""


def claim(folder: Path) -> None:
    """Make `folder` an empty folder that is ours: new, or wiped if an earlier claim made it.

    Processes that a killed program left in it are ended first. Raises `FolderRefusedError` for a folder with files
    and no marker, for a link, and while another program that claimed it runs.
    """
    marker = folder / MARKER
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise FolderRefusedError(f"{folder} is not a folder: remove it or choose another one.")
    if folder.exists() and any(folder.iterdir()):
        if not marker.is_file():
            raise FolderRefusedError(
                f"{folder} has files that this program did not make and will not delete: choose another one."
            )
        if (pid := _living_owner(marker)) is not None:
            raise FolderRefusedError(f"{folder} is in use by process {pid}: end that one first.")
        processes.end_leftovers(folder)
        for path in folder.iterdir():
            # Last, so that a wipe that is interrupted can be taken up again.
            if path != marker:
                _remove(path)
    folder.mkdir(parents=True, exist_ok=True)
    marker.write_text(json.dumps(_identity(os.getpid())))
    (folder / ".gitignore").write_text("*\n")


def _living_owner(marker: Path) -> int | None:
    try:
        owner = json.loads(marker.read_text())
        if owner["pid"] != os.getpid() and _identity(owner["pid"]) == owner:
            return int(owner["pid"])
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        pass  # it is gone, or was killed while it wrote
    return None


def _identity(pid: int) -> dict[str, float]:
    # With its start, because ids are used again.
    return {"pid": pid, "created": psutil.Process(pid).create_time()}


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
