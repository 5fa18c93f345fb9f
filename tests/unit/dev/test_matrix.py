"""The lines of Airflow and the Pythons that `make matrix`, `make wheel` and `make triggerer` play, and the tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dev import matrix, pythons, tree
from dev.constraints import LINES, ROOT, line_named

USUAL = ["--numprocesses", "auto", *matrix.TESTS]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """Each line that is played, with the arguments of its pytest; the tests of 3.0 fail.

    The machine has Python 3.11, which runs this, and 3.13.
    """
    played: list[tuple[str, list[str]]] = []

    def run(command: list[str], **how: Any) -> SimpleNamespace:
        python, *module, quiet = command[:4]
        assert (module, quiet) == (["-m", "pytest"], "-q")
        played.append((python if how["cwd"] == ROOT else f"{python} in {how['cwd']}", command[4:]))
        return SimpleNamespace(returncode=int(python == "3.0 on 3.11"))

    @contextmanager
    def tree(python: Path) -> Iterator[Path]:
        yield Path("copy")

    monkeypatch.setattr(pythons, "OWN", "3.11")
    monkeypatch.setattr(pythons, "found", lambda version: Path(version) if version in ("3.11", "3.13") else None)
    monkeypatch.setattr(matrix, "interpreter", lambda line, python: Path(f"{line.name} on {python}"))
    monkeypatch.setattr(
        matrix, "interpreter_with", lambda wheel, line, python: Path(f"{wheel.stem} on {line.name} on {python}")
    )
    monkeypatch.setattr(matrix, "tree_with_installed", tree)
    monkeypatch.setattr(matrix.subprocess, "run", run)
    return played


def lines_of(played: list[tuple[str, list[str]]]) -> list[str]:
    return [line for line, _ in played]


def test_lines_play_usual_tests(played: list[tuple[str, list[str]]]) -> None:
    assert matrix.main([]) == 1
    assert played == [(f"{line.name} on 3.11", USUAL) for line in LINES]


@pytest.mark.parametrize(
    "arguments", [["2.11", "3.1", "--whole"], ["--whole", "3.1", "2.11"], ["3.1", "--whole", "2.11"]]
)
def test_named_lines_play_all(arguments: list[str], played: list[tuple[str, list[str]]]) -> None:
    assert matrix.main(arguments) == 0
    assert played == [("2.11 on 3.11", ["--whole", *USUAL]), ("3.1 on 3.11", ["--whole", *USUAL])]


def test_few_tests_run_in_turn(played: list[tuple[str, list[str]]]) -> None:
    assert matrix.main(["3.1", "--only", "tests/a.py", "--only", "tests/b.py"]) == 0
    assert played == [("3.1 on 3.11", ["--numprocesses", "0", "tests/a.py", "tests/b.py"])]


def test_wheel_is_tested_elsewhere(played: list[tuple[str, list[str]]], tmp_path: Path) -> None:
    """The wheel's tests run in a copy of the tree, not in the tree."""
    wheel = tmp_path / "it.whl"
    wheel.write_text("")

    assert matrix.main(["lowest", "--wheel", str(wheel)]) == 0
    assert played == [("it on lowest on 3.11 in copy", USUAL)]


def test_each_python_plays(played: list[tuple[str, list[str]]], capsys: pytest.CaptureFixture[str]) -> None:
    """Each line plays on the Pythons that it supports, and the others are named."""
    assert matrix.main(["2.11", "3.3", "--python", "3.11", "--python", "3.13"]) == 0
    assert lines_of(played) == ["2.11 on 3.11", "3.3 on 3.11", "3.3 on 3.13"]
    assert "Airflow 2.11.2 does not support Python 3.13: left out" in capsys.readouterr().out


def test_nothing_played_is_failure(played: list[tuple[str, list[str]]], capsys: pytest.CaptureFixture[str]) -> None:
    assert matrix.main(["2.11", "--python", "3.13"]) == 1
    assert played == []
    assert "nothing to run" in capsys.readouterr().out


def test_newest_python_of_each_line(played: list[tuple[str, list[str]]], capsys: pytest.CaptureFixture[str]) -> None:
    """The newest Python is the newest here that the line supports; where that is our own, it is said."""
    assert matrix.main(["2.11", "newest", "--python", "newest"]) == 0
    assert lines_of(played) == ["2.11 on 3.11", f"{LINES[-1].name} on 3.13"]
    assert "Airflow 2.11.2: no newer Python that it supports is on this machine, 3.11 is taken" in (
        capsys.readouterr().out
    )


def test_newest_python_is_our_own(
    played: list[tuple[str, list[str]]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line that does not support the only Python is left out, and nothing is missed where that is the newest."""
    monkeypatch.setattr(pythons, "OWN", "3.13")
    monkeypatch.setattr(pythons, "found", lambda version: Path(version) if version == "3.13" else None)

    assert matrix.main(["2.11", "3.3", "--python", "newest"]) == 0
    assert lines_of(played) == ["3.3 on 3.13"]
    said = capsys.readouterr().out
    assert "Airflow 2.11.2 supports no Python of this machine: left out" in said
    assert "is taken" not in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["2.10"], "no such line: 2.10; there are lowest, 2.11, 3.0"),
        (["tests/unit"], "no such line: tests/unit"),
        (["--python", "3.12"], "Python 3.12 is not on this machine"),
        (["--python", "3.10"], "Python 3.10 is not among 3.11, 3.12, 3.13"),
        (["--python", "python3"], "Python python3 is not among"),
        (["--wheel", "dist/none.whl"], "no such file: dist/none.whl; `make package` builds"),
    ],
)
def test_unknown_is_refused(
    arguments: list[str], said: str, played: list[tuple[str, list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        matrix.main(arguments)

    assert said in capsys.readouterr().err
    assert played == []


@pytest.mark.parametrize(
    ("python", "kind", "name"),
    [("3.11", "", ".venv-3.3"), ("3.13", "", ".venv-3.3-py3.13"), ("3.13", "-wheel", ".venv-3.3-py3.13-wheel")],
)
def test_venvs_do_not_meet(python: str, kind: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons, "OWN", "3.11")

    assert matrix._venv(line_named("3.3"), python, kind) == ROOT / name


def test_copy_has_the_installed_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In the copy of the tree the package is the installed one, also for tests that read its files."""
    installed = tmp_path / "site-packages" / tree.PACKAGE
    installed.mkdir(parents=True)
    monkeypatch.setattr(matrix, "_where", lambda python, folder: installed)
    monkeypatch.setattr(tree, "known_files", lambda: ["setup.cfg", f"{tree.PACKAGE}/__init__.py"])

    with matrix.tree_with_installed(Path("python")) as copy:
        assert sorted(path.name for path in copy.iterdir()) == [tree.PACKAGE, "setup.cfg"]
        assert (copy / tree.PACKAGE).resolve() == installed


def test_tree_is_no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that imports the tree's package is not taken for one with the wheel."""
    monkeypatch.setattr(matrix, "_where", lambda python, folder: ROOT / tree.PACKAGE)

    with pytest.raises(RuntimeError, match="is not the wheel's"), matrix.tree_with_installed(Path(sys.executable)):
        pass
