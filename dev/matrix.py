"""Runs the tests on every supported line of Airflow, each in a venv of its own with the pins that belong to it.

For example `python -m dev.matrix 2.11 3.0`, or `make matrix VERSIONS="2.11 3.0"`; `--help` tells the rest.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from dev.constraints import LINES, ROOT, Line

TESTS = ("tests/unit", "tests/airflow", "tests/crash")


def interpreter(line: Line) -> Path:
    """Make the venv of a line if it is not there as its pins want it; give its Python."""
    venv = ROOT / f".venv-{line.name}"
    python = venv / "bin" / "python"
    used = venv / "constraints.txt"
    if used.exists() and used.read_bytes() == line.constraints.read_bytes():
        return python
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(venv)], check=True)
    subprocess.run(
        [
            *(
                uv,
                "pip",
                "install",
                "--quiet",
                "--compile-bytecode",
                "--python",
                str(python),
                "--constraint",
                str(line.constraints),
            ),
            *("--editable", ".[emulator,test]", f"apache-airflow=={line.patch}"),
        ],
        check=True,
        cwd=ROOT,
    )
    shutil.copy(line.constraints, used)
    return python


def main(arguments: Sequence[str]) -> int:
    """Run the tests of each wanted line; give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dev.matrix", description="Run the tests on lines of Airflow.")
    parser.add_argument("lines", nargs="*", type=_line, metavar="LINE", help="a line such as 3.1; default: all of them")
    parser.add_argument("--whole", action="store_true", help="all combinations, not a sample")
    parser.add_argument(
        "--only", action="append", metavar="PATH", help="these tests instead, one after the other; may be repeated"
    )
    wanted = parser.parse_intermixed_args(arguments)
    tests = ["--numprocesses", "0", *wanted.only] if wanted.only else ["--numprocesses", "auto", *TESTS]
    if wanted.whole:
        tests.insert(0, "--whole")
    failed = []
    for line in LINES:
        if wanted.lines and line not in wanted.lines:
            continue
        print(f"\n=== Airflow {line.patch} ===", flush=True)
        command = [str(interpreter(line)), "-m", "pytest", "-q", *tests]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(line.name)
    if failed:
        print(f"\nfailed on Airflow {', '.join(failed)}")
    return 1 if failed else 0


def _line(name: str) -> Line:
    for line in LINES:
        if line.name == name:
            return line
    raise argparse.ArgumentTypeError(f"no such line: {name}; there are {', '.join(line.name for line in LINES)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
