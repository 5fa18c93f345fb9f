"""Builds the sdist and the wheel into a folder, and checks that they hold what they should and nothing else.

`python -m dev.package` or `make package` leaves them in `dist/`. The known files are copied before they are built,
because setuptools also packs what an earlier build has left behind.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from airflow_provider_cgc import __version__
from dev.tools import tool
from dev.tree import PACKAGE, ROOT, copy_tree, known_files

NAME = f"{PACKAGE}-{__version__}"
_METADATA = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt")
_EGG_INFO = ("PKG-INFO", "SOURCES.txt", "dependency_links.txt", "entry_points.txt", "requires.txt", "top_level.txt")
WRITTEN_INTO_WHEEL = [f"{NAME}.dist-info/{name}" for name in _METADATA]
WRITTEN_INTO_SDIST = ["PKG-INFO", *(f"{PACKAGE}.egg-info/{name}" for name in _EGG_INFO)]
"""The files that the build itself writes, each by its name: anything else is somebody's."""


class PackageError(RuntimeError):
    """The sdist or the wheel is not as it should be."""


@dataclass(frozen=True)
class Built:
    """The files of one build."""

    sdist: Path
    wheel: Path


def main() -> int:
    """Build into `dist/` and check; give the exit status."""
    into = ROOT / "dist"
    shutil.rmtree(into, ignore_errors=True)
    try:
        built = build(into)
        check(built)
    except (PackageError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    for path, names in ((built.sdist, names_in_sdist(built.sdist)), (built.wheel, names_in_wheel(built.wheel))):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes, {len(names)} files; {', '.join(tops(names))}")
    print("The sdist builds the same wheel, byte for byte.")
    return 0


def build(into: Path) -> Built:
    """Build the sdist, and the wheel from the sdist."""
    with tempfile.TemporaryDirectory() as folder:
        copy_tree(Path(folder))
        _build(Path(folder), into)
    [sdist], [wheel] = into.glob("*.tar.gz"), into.glob("*.whl")
    return Built(sdist, wheel)


def check(built: Built) -> None:
    """
    Check both files: their contents, their metadata, and that the tree makes the same wheel as the sdist.

    :raises PackageError: for wrong contents, or another wheel.
    :raises subprocess.CalledProcessError: if `twine` or `check-wheel-contents` finds something.
    """
    known = known_files()
    wrong = [
        *(f"{built.wheel.name}: {what}" for what in wrong_in_wheel(names_in_wheel(built.wheel), known)),
        *(f"{built.sdist.name}: {what}" for what in wrong_in_sdist(names_in_sdist(built.sdist), known)),
    ]
    if wrong:
        raise PackageError("\n".join(wrong))
    with tempfile.TemporaryDirectory() as tree, tempfile.TemporaryDirectory() as again:
        copy_tree(Path(tree))
        _build(Path(tree), Path(again), "--wheel")
        [other] = Path(again).glob("*.whl")
        if other.read_bytes() != built.wheel.read_bytes():
            raise PackageError(f"{built.wheel.name}: the wheel from the sdist and the one from the tree are different")
    _run(tool("twine"), "check", "--strict", str(built.sdist), str(built.wheel))
    _run(tool("check-wheel-contents"), "--toplevel", PACKAGE, str(built.wheel))


def wrong_in_wheel(names: Collection[str], known: Collection[str]) -> Iterator[str]:
    """List the faults of a wheel's contents: it holds the package's files and its own metadata."""
    expected = [name for name in known if name.startswith(f"{PACKAGE}/")]
    yield from _differences(names, [*expected, *WRITTEN_INTO_WHEEL])


def wrong_in_sdist(names: Collection[str], known: Collection[str]) -> Iterator[str]:
    """List the faults of an sdist's contents: it holds all known files, so that all tests run in it."""
    yield from _differences(names, [*known, *WRITTEN_INTO_SDIST])


def names_in_wheel(wheel: Path) -> list[str]:
    """List a wheel's files."""
    with zipfile.ZipFile(wheel) as archive:
        return [name for name in archive.namelist() if not name.endswith("/")]


def names_in_sdist(sdist: Path) -> list[str]:
    """List an sdist's files and links, below its one folder; one that is elsewhere has its whole name."""
    with tarfile.open(sdist) as archive:
        return [one.name.removeprefix(f"{NAME}/") for one in archive if not one.isdir()]


def tops(names: Collection[str]) -> list[str]:
    """Count the files in each folder at the top, and name the files beside them."""
    folders = Counter(name.split("/")[0] for name in names if "/" in name)
    return [*(f"{name}/ {count}" for name, count in sorted(folders.items())), *sorted(n for n in names if "/" not in n)]


def _build(tree: Path, into: Path, *options: str) -> None:
    moment = os.environ.get("SOURCE_DATE_EPOCH")
    if not moment:
        command = ["git", "log", "-1", "--format=%ct"]
        moment = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    # With the pinned setuptools, whose version is written into the wheel.
    command = [sys.executable, "-m", "build", "--no-isolation", *options, "--outdir", str(into.resolve()), str(tree)]
    _run(*command, env={**os.environ, "SOURCE_DATE_EPOCH": moment})


def _run(*command: str, env: dict[str, str] | None = None) -> None:
    """Run a program; show what it says only if it fails."""
    answer = subprocess.run(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if answer.returncode:
        print(answer.stdout, file=sys.stderr)
        raise subprocess.CalledProcessError(answer.returncode, command)


def _differences(names: Collection[str], expected: Collection[str]) -> Iterator[str]:
    for name in sorted(set(expected) - set(names)):
        yield f"{name} is missing"
    for name in sorted(set(names) - set(expected)):
        yield f"{name} does not belong there"
    for name, times in sorted(Counter(names).items()):
        if times > 1:
            yield f"{name} is there {times} times"


if __name__ == "__main__":
    sys.exit(main())
