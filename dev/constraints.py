"""Resolves the pinned dependencies anew: constraints.txt for the newest Airflow, constraints/ for each older one.

An older Airflow is resolved as of the days after its last patch, because that is what its users have and because
several do not work with what came later; the compatibility layer, which we need newer, is let through. The line
"lowest" has the lowest versions that setup.cfg allows, of Airflow and of all that it names.

For example `python -m dev.constraints 3.3`; with `--keep`, pins stay where the requirements allow it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.tools import tool

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Line:
    """One supported line of Airflow: the patch, and the day whose dependencies go with it (None: today's)."""

    name: str
    patch: str
    as_of: str | None
    newest_python: str
    """The newest Python that Airflow supports there."""
    lowest: bool = False
    """Take the lowest versions that setup.cfg allows."""

    @property
    def constraints(self) -> Path:
        """The file with this line's pins."""
        return ROOT / ("constraints.txt" if self.as_of is None else f"constraints/airflow-{self.name}.txt")


LINES = (
    Line("lowest", "2.11.0", "2025-06-15", "3.12", lowest=True),
    Line("2.11", "2.11.2", "2026-06-01", "3.12"),
    Line("3.0", "3.0.6", "2025-09-15", "3.12"),
    Line("3.1", "3.1.8", "2026-04-15", "3.13"),
    Line("3.2", "3.2.2", "2026-06-01", "3.13"),
    Line("3.3", "3.3.2", None, "3.13"),
)

# What an older line takes as new as it comes: the compatibility layer and what it asks for, and the tests' own SDK.
NEEDED_NEWER = ("apache-airflow-providers-common-compat", "asgiref", "sevenbridges-python")


def resolve(line: Line, *, keep: bool = False) -> None:
    """Write the pins of one line, for every Python and platform that it runs on; `keep` those that may stay."""
    line.constraints.parent.mkdir(exist_ok=True)
    command = [
        tool("uv"), "pip", "compile", "--universal", "--quiet",
        "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links",
        "--python-version", "3.11", "--output-file", str(line.constraints),
        "setup.cfg", "-",
    ]  # fmt: skip
    if not keep:
        command.append("--upgrade")
    if line.lowest:
        command += ["--resolution", "lowest-direct"]
    extras = ["emulator", "test"] if line.as_of else ["emulator", "test", "browser", "docs", "dev"]
    for extra in extras:
        command += ["--extra", extra]
    if line.as_of:
        command += ["--exclude-newer", line.as_of]
        for package in NEEDED_NEWER:
            command += ["--exclude-newer-package", f"{package}=2099-01-01"]
    subprocess.run(command, input=f"apache-airflow=={line.patch}\n", text=True, cwd=ROOT, check=True)


def main(arguments: Sequence[str]) -> None:
    """Resolve the wanted lines."""
    parser = argparse.ArgumentParser(prog="python -m dev.constraints", description="Resolve the pinned dependencies.")
    parser.add_argument("lines", nargs="*", type=line_named, metavar="LINE", help="a line such as 3.1; default: all")
    parser.add_argument("--keep", action="store_true", help="change no pin that the requirements still allow")
    wanted = parser.parse_intermixed_args(arguments)
    for line in wanted.lines or LINES:
        print(f"resolving Airflow {line.patch}")
        resolve(line, keep=wanted.keep)


def line_named(name: str) -> Line:
    """Give the line of this name; "newest" is the last one."""
    if name == "newest":
        return LINES[-1]
    for line in LINES:
        if line.name == name:
            return line
    raise argparse.ArgumentTypeError(f"no such line: {name}; there are {', '.join(line.name for line in LINES)}")


if __name__ == "__main__":
    main(sys.argv[1:])
