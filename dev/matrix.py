"""Runs the tests on every supported line of Airflow, each in a venv of its own with the pins that belong to it.

`python -m dev.matrix [--whole] [LINE ...]`, for example `python -m dev.matrix 2.11 3.0`; `make matrix VERSIONS="2.11"`.
With `--whole` all combinations are played, not a sample. Tests that are named by their path, as `tests/system/...`, are
played instead of the usual ones, one after the other.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
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


def main(arguments: list[str]) -> int:
    """Run the tests of each wanted line (all if none is named); give the exit status."""
    options = [argument for argument in arguments if argument == "--whole"]
    named = [argument for argument in arguments if argument.startswith("tests/")]
    wanted = [argument for argument in arguments if argument not in (*options, *named)]
    tests = ["--numprocesses", "0", *named] if named else ["--numprocesses", "auto", *TESTS]
    unknown = set(wanted) - {line.name for line in LINES}
    if unknown:
        print(f"no such line: {', '.join(sorted(unknown))}; there are {', '.join(line.name for line in LINES)}")
        return 2
    failed = []
    for line in LINES:
        if wanted and line.name not in wanted:
            continue
        print(f"\n=== Airflow {line.patch} ===", flush=True)
        command = [str(interpreter(line)), "-m", "pytest", "-q", *options, *tests]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(line.name)
    if failed:
        print(f"\nfailed on Airflow {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
