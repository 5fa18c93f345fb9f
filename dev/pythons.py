"""Finds the Pythons of this machine; downloads none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from dev.tools import tool

SUPPORTED = ("3.11", "3.12", "3.13")
"""The Pythons in setup.cfg's classifiers, oldest first."""
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


def found(version: str) -> Path | None:
    """Find a Python such as "3.13": the one that runs this, one of uv or pyenv, or one on the PATH; else None."""
    if version == OWN:
        return Path(sys.executable)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    # pyenv's own `python3.13` on the PATH runs only where pyenv was told to; the interpreter behind it always does.
    path = os.pathsep.join([*(str(one) for one in pyenv.glob(f"{version}.*/bin")), os.environ.get("PATH", "")])
    answer = subprocess.run(
        [tool("uv"), "python", "find", "--no-python-downloads", "--no-project", "--system", version],
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    return Path(answer.stdout.strip()) if answer.returncode == 0 else None


def newest(up_to: str) -> str | None:
    """Give the newest supported Python of this machine that is not newer than `up_to`; None if there is none."""
    for version in reversed(SUPPORTED):
        if as_numbers(version) <= as_numbers(up_to) and found(version):
            return version
    return None


def as_numbers(version: str) -> tuple[int, ...]:
    """Give "3.9" as something that is less than "3.13"."""
    return tuple(int(part) for part in version.split("."))
