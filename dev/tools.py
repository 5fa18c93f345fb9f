"""Finds the programs that are installed beside the Python that runs this."""

from __future__ import annotations

import sys
from pathlib import Path


def tool(name: str) -> str:
    """Give the path of a program of this venv, whatever the PATH says."""
    return str(Path(sys.executable).with_name(name))
