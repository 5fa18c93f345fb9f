"""The tests that `make matrix` and `make triggerer` play."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dev import matrix
from dev.constraints import LINES

USUAL = ["--numprocesses", "auto", *matrix.TESTS]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """Each line that is played, with the arguments of its pytest; the tests of 3.0 fail."""
    played: list[tuple[str, list[str]]] = []

    def run(command: list[str], **how: Any) -> SimpleNamespace:
        python, *module, quiet = command[:4]
        assert (module, quiet) == (["-m", "pytest"], "-q")
        played.append((python, command[4:]))
        return SimpleNamespace(returncode=int(python == "3.0"))

    monkeypatch.setattr(matrix, "interpreter", lambda line: Path(line.name))
    monkeypatch.setattr(matrix.subprocess, "run", run)
    return played


def test_lines_play_usual_tests(played: list[tuple[str, list[str]]]) -> None:
    assert matrix.main([]) == 1
    assert played == [(line.name, USUAL) for line in LINES]


@pytest.mark.parametrize(
    "arguments", [["2.11", "3.1", "--whole"], ["--whole", "3.1", "2.11"], ["3.1", "--whole", "2.11"]]
)
def test_named_lines_play_all(arguments: list[str], played: list[tuple[str, list[str]]]) -> None:
    assert matrix.main(arguments) == 0
    assert played == [("2.11", ["--whole", *USUAL]), ("3.1", ["--whole", *USUAL])]


def test_few_tests_run_in_turn(played: list[tuple[str, list[str]]]) -> None:
    assert matrix.main(["3.1", "--only", "tests/a.py", "--only", "tests/b.py"]) == 0
    assert played == [("3.1", ["--numprocesses", "0", "tests/a.py", "tests/b.py"])]


@pytest.mark.parametrize("wrong", ["2.10", "tests/unit"])
def test_unknown_line_is_refused(
    wrong: str, played: list[tuple[str, list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        matrix.main([wrong])

    assert f"no such line: {wrong}; there are 2.11, 3.0" in capsys.readouterr().err
    assert played == []
