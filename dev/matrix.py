"""Runs the tests on every supported line of Airflow, each in a venv of its own with the pins that belong to it.

For example `python -m dev.matrix 2.11 3.0`, or `make matrix VERSIONS="2.11 3.0" PYTHONS="3.12 3.13"`; `--help` tells
the rest. With `--wheel` the tests meet the package as users have it: a built wheel in site-packages, with the source
tree nowhere near.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dev import pythons
from dev.constraints import LINES, ROOT, Line, line_named
from dev.tools import tool
from dev.tree import PACKAGE, copy_tree

TESTS = ("tests/unit", "tests/airflow", "tests/crash")
WHERE = "import airflow_provider_cgc as it; print(it.__path__[0])"


def interpreter(line: Line, python: str = pythons.OWN) -> Path:
    """Make the venv of a line, with the tree's package, if it is not there as its pins want it; give its Python."""
    venv = _venv(line, python)
    used = venv / "constraints.txt"
    if used.exists() and used.read_bytes() == line.constraints.read_bytes():
        return venv / "bin" / "python"
    _make(venv, python)
    _install(venv, line, "--editable", ".[emulator,test]")
    shutil.copy(line.constraints, used)
    return venv / "bin" / "python"


def interpreter_with(wheel: Path, line: Line, python: str) -> Path:
    """Make a venv of a line in which the wheel is installed and not the tree; give its Python."""
    venv = _venv(line, python, "-wheel")
    _make(venv, python)
    _install(venv, line, f"airflow-provider-cgc[emulator,test] @ {wheel.as_uri()}")
    return venv / "bin" / "python"


@contextmanager
def tree_with_installed(python: Path) -> Iterator[Path]:
    """A copy of the tree for the tests, in which the package is the one that this Python has installed."""
    with tempfile.TemporaryDirectory() as folder:
        installed = _where(python, folder)
        if "site-packages" not in installed.parts:
            raise RuntimeError(f"the package is not the wheel's: it is imported from {installed}")
        copy_tree(Path(folder), without=f"{PACKAGE}/")
        # Some tests read the package's files, and `python -m pytest` looks here first: both find the installed ones.
        (Path(folder) / PACKAGE).symlink_to(installed)
        yield Path(folder)


def main(arguments: Sequence[str]) -> int:
    """Run the tests of each wanted line on each wanted Python; give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dev.matrix", description="Run the tests on lines of Airflow.")
    parser.add_argument(
        "lines",
        nargs="*",
        type=line_named,
        metavar="LINE",
        help='a line such as 3.1, "lowest" for the lowest versions that setup.cfg allows, or "newest"; default: all',
    )
    parser.add_argument(
        "--python",
        action="append",
        type=_python,
        metavar="VERSION",
        help=f'such as 3.13, or "newest" of this machine; may be repeated; default: {pythons.OWN}, which runs this',
    )
    parser.add_argument("--whole", action="store_true", help="all combinations, not a sample")
    parser.add_argument(
        "--only", action="append", metavar="PATH", help="these tests instead, one after the other; may be repeated"
    )
    parser.add_argument("--wheel", type=_wheel, metavar="FILE", help="test this wheel, as built, not the tree")
    wanted = parser.parse_intermixed_args(arguments)
    tests = ["--numprocesses", "0", *wanted.only] if wanted.only else ["--numprocesses", "auto", *TESTS]
    if wanted.whole:
        tests.insert(0, "--whole")
    pairs = list(_pairs(wanted.lines, wanted.python or [pythons.OWN]))
    if not pairs:
        print("nothing to run: no wanted line of Airflow supports a wanted Python")
        return 1
    failed = [
        f"{line.name} (Python {python})" for line, python in pairs if not _passes(line, python, wanted.wheel, tests)
    ]
    if failed:
        print(f"\nfailed on Airflow {', '.join(failed)}")
    return 1 if failed else 0


def _pairs(lines: Sequence[Line], wanted: Sequence[str]) -> Iterator[tuple[Line, str]]:
    for line in LINES:
        if lines and line not in lines:
            continue
        for name in wanted:
            python = pythons.newest(line.newest_python) if name == "newest" else name
            if python is None:
                print(f"Airflow {line.patch} supports no Python of this machine: left out")
                continue
            if pythons.as_numbers(python) > pythons.as_numbers(line.newest_python):
                print(f"Airflow {line.patch} does not support Python {python}: left out")
                continue
            if name == "newest" and python != line.newest_python:
                print(f"Airflow {line.patch}: no newer Python that it supports is on this machine, {python} is taken")
            yield line, python


def _passes(line: Line, python: str, wheel: Path | None, tests: Sequence[str]) -> bool:
    of_what = f", {wheel.name}" if wheel else ""
    print(f"\n=== Airflow {line.patch}, Python {python}{of_what} ===", flush=True)
    if wheel is None:
        return _play(interpreter(line, python), tests, ROOT)
    with_wheel = interpreter_with(wheel, line, python)
    with tree_with_installed(with_wheel) as tree:
        return _play(with_wheel, tests, tree)


def _play(python: Path, tests: Sequence[str], tree: Path) -> bool:
    return subprocess.run([str(python), "-m", "pytest", "-q", *tests], cwd=tree, check=False).returncode == 0


def _venv(line: Line, python: str, kind: str = "") -> Path:
    other = "" if python == pythons.OWN else f"-py{python}"
    return ROOT / f".venv-{line.name}{other}{kind}"


def _make(venv: Path, python: str) -> None:
    command = [tool("uv"), "venv", "--quiet", "--clear", "--python", str(pythons.found(python)), str(venv)]
    subprocess.run(command, check=True)


def _install(venv: Path, line: Line, *what: str) -> None:
    command = [tool("uv"), "pip", "install", "--quiet", "--compile-bytecode", "--python", str(venv / "bin" / "python")]
    pins = ["--constraint", str(line.constraints), f"apache-airflow=={line.patch}"]
    subprocess.run([*command, *pins, *what], check=True, cwd=ROOT)


def _where(python: Path, folder: str) -> Path:
    answer = subprocess.run([str(python), "-c", WHERE], cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return Path(answer.stdout.strip())


def _wheel(name: str) -> Path:
    wheel = Path(name).resolve()
    if not wheel.is_file():
        raise argparse.ArgumentTypeError(f"no such file: {name}; `make package` builds dist/*.whl")
    return wheel


def _python(version: str) -> str:
    if version == "newest":
        return version
    if version not in pythons.SUPPORTED:
        raise argparse.ArgumentTypeError(f"Python {version} is not among {', '.join(pythons.SUPPORTED)}")
    if pythons.found(version) is None:
        raise argparse.ArgumentTypeError(f"Python {version} is not on this machine; uv python install {version}")
    return version


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
