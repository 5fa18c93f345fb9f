"""The files of the tree that belong to it: those that git knows of or does not ignore; copies of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "airflow_provider_cgc"


def known_files() -> list[str]:
    """List the files that git knows of or does not ignore, without those that are gone."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    return sorted(name for name in set(listed.split("\0")) if name and (ROOT / name).is_file())


def copy_tree(folder: Path, without: str | None = None) -> None:
    """Copy the known files, but those below `without`; with the same modes on every machine."""
    for name in known_files():
        if without is None or not name.startswith(without):
            copy = folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy)
            copy.chmod(0o755 if os.access(ROOT / name, os.X_OK) else 0o644)
