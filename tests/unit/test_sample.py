"""The part of a matrix that `make test` plays."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from tests.sample import covering, in_turn

MODES, FAULTS, CASES = ("poke", "reschedule", "deferrable"), ("none", "429", "503", "lost"), ("ends", "fails", "hangs")


def rows(*axes: tuple[str, ...]) -> dict[tuple[str, ...], frozenset[Any]]:
    return {row: frozenset(enumerate(row)) for row in product(*axes)}


def meetings(values: frozenset[Any]) -> set[frozenset[Any]]:
    return set(map(frozenset, combinations(values, 2)))


@given(st.dictionaries(st.integers(), st.frozensets(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=4)))
def test_pairs_are_all_chosen(matrix: dict[int, frozenset[Any]]) -> None:
    """Every pair of values that occurs is in the sample."""
    chosen = covering(matrix)

    assert chosen <= matrix.keys()
    assert set().union(*(meetings(matrix[row]) for row in chosen)) == set().union(*map(meetings, matrix.values()))


def test_few_rows_are_enough() -> None:
    matrix = rows(MODES, FAULTS, CASES)

    assert len(covering(matrix)) <= 14 < len(matrix) == 36


def test_two_axes_play_whole() -> None:
    matrix = rows(MODES, FAULTS)

    assert covering(matrix) == matrix.keys()


def test_row_alone_is_played() -> None:
    assert covering({"one": frozenset({("mode", "poke"), ("fault", "429")})}) == {"one"}


def test_each_value_comes_once() -> None:
    """Each value comes once, and the others take turns."""
    items: Any = [
        SimpleNamespace(callspec=SimpleNamespace(params={"name": name, "mode": mode}))
        for name, mode in product("abcd", MODES)
    ]

    chosen = [tuple(item.callspec.params.values()) for item in in_turn(items, "name")]

    assert chosen == [("a", "poke"), ("b", "reschedule"), ("c", "deferrable"), ("d", "poke")]


PROBE = """
import pytest
pytestmark = pytest.mark.sampled

@pytest.mark.parametrize("mode", "abc")
@pytest.mark.parametrize("fault", "xyz")
@pytest.mark.parametrize("case", "123")
def test_matrix(case, fault, mode): pass

@pytest.mark.sampled(each="case")
@pytest.mark.parametrize("mode", "abc")
@pytest.mark.parametrize("case", "123")
def test_in_turn(case, mode): pass

def test_alone(): pass

@pytest.mark.whole
def test_long(): pass
"""


class Collected:
    """The tests that a run of pytest plays."""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.names = [item.name for item in session.items]


@pytest.fixture
def collected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[list[str], str]]:
    """Give the names of the tests that are played with some arguments, and what is said at the end."""
    hooks = "pytest_addoption, pytest_collection_modifyitems, pytest_terminal_summary"
    (tmp_path / "conftest.py").write_text(f"from tests.conftest import {hooks}")
    (tmp_path / "test_probe.py").write_text(PROBE)

    def run(*arguments: str, only: str = "") -> tuple[list[str], str]:
        seen = Collected()
        how = (
            f"-q -p no:cacheprovider -p no:xdist --import-mode=importlib -c {ROOT}/pyproject.toml --rootdir={tmp_path}"
        )
        assert pytest.main([*how.split(), *arguments, f"{tmp_path}/test_probe.py{only}"], plugins=[seen]) == 0
        return seen.names, capsys.readouterr().out

    return run


def test_sample_tells_left_out(collected: Callable[..., tuple[list[str], str]]) -> None:
    names, said = collected()

    assert len([name for name in names if name.startswith("test_matrix")]) < 27
    assert len([name for name in names if name.startswith("test_in_turn")]) == 3
    assert "test_alone" in names
    assert "test_long" not in names
    assert f"without {27 + 9 + 2 - len(names)} combinations" in said


def test_whole_leaves_out_none(collected: Callable[..., tuple[list[str], str]]) -> None:
    names, said = collected("--whole")

    assert len(names) == 27 + 9 + 2
    assert "A sample was played" not in said


@pytest.mark.parametrize(
    ("asked_for", "count"), [("test_matrix[2-z-c]", 1), ("test_in_turn[2-a]", 1), ("test_in_turn", 9), ("test_long", 1)]
)
def test_named_is_played_whole(collected: Callable[..., tuple[list[str], str]], asked_for: str, count: int) -> None:
    names, said = collected(only=f"::{asked_for}")

    assert len(names) == count
    assert all(name.startswith(asked_for) for name in names)
    assert "A sample was played" not in said
