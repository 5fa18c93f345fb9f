"""Resolves the pinned dependencies anew: constraints.txt for the newest Airflow, constraints/ for each older one.

An older Airflow is resolved as of the days after its last patch, because that is what its users have and because
several do not work with what came later; the compatibility layer, which we need newer, is let through.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Line:
    """One supported line of Airflow: its newest patch and the day whose dependencies go with it (None: today's)."""

    name: str
    patch: str
    as_of: str | None

    @property
    def constraints(self) -> Path:
        """The file with this line's pins."""
        return ROOT / ("constraints.txt" if self.as_of is None else f"constraints/airflow-{self.name}.txt")


LINES = (
    Line("2.11", "2.11.2", "2026-06-01"),
    Line("3.0", "3.0.6", "2025-09-15"),
    Line("3.1", "3.1.8", "2026-04-15"),
    Line("3.2", "3.2.2", "2026-06-01"),
    Line("3.3", "3.3.2", None),
)

# What an older line takes as new as it comes: the compatibility layer and what it asks for, and the tests' own SDK.
NEEDED_NEWER = ("apache-airflow-providers-common-compat", "asgiref", "sevenbridges-python")


def resolve(line: Line) -> None:
    """Write the pins of one line, for every Python and platform that it runs on."""
    line.constraints.parent.mkdir(exist_ok=True)
    command = [
        str(Path(sys.executable).with_name("uv")), "pip", "compile", "--universal", "--quiet", "--upgrade",
        "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links",
        "--python-version", "3.11", "--output-file", str(line.constraints),
        "setup.cfg", "-",
    ]  # fmt: skip
    extras = ["emulator", "test"] if line.as_of else ["emulator", "test", "browser", "docs", "dev"]
    for extra in extras:
        command += ["--extra", extra]
    if line.as_of:
        command += ["--exclude-newer", line.as_of]
        for package in NEEDED_NEWER:
            command += ["--exclude-newer-package", f"{package}=2099-01-01"]
    subprocess.run(command, input=f"apache-airflow=={line.patch}\n", text=True, cwd=ROOT, check=True)


if __name__ == "__main__":
    wanted = sys.argv[1:]
    for supported in LINES:
        if not wanted or supported.name in wanted:
            print(f"resolving Airflow {supported.patch}")
            resolve(supported)
