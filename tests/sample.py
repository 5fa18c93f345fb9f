"""The part of a matrix that `make test` plays; `make test-all` plays all of it.

Most faults need at most two particular values at once, such as a mode and a network fault. The sample therefore has
every pair of values (pairwise testing), in a fraction of all combinations. The tests of a module that are marked as
`sampled` are one matrix, whose axes are the tests and their parameters.

Of a test that is marked as `sampled(each="name")`, each value of this parameter is played once, with the values of the
others in turn. What is marked as `whole` is in no sample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from itertools import combinations
from typing import TypeVar

import pytest

T = TypeVar("T", bound=Hashable)
LEFT_OUT: pytest.StashKey[Counter[str]] = pytest.StashKey()
"""The number of combinations that were not played, by tier."""


def covering(rows: dict[T, frozenset[Hashable]]) -> set[T]:
    """
    Choose rows that together contain every pair of values found in any row.

    :param rows: the values of each, with their axes.
    """
    met: set[Hashable] = set()
    chosen: set[T] = set()
    meetings = {row: set(map(frozenset, combinations(values, 2))) for row, values in rows.items()}
    # What a row adds only shrinks, so that this takes the row that adds most, again and again.
    for adds in range(max(map(len, meetings.values()), default=0), 0, -1):
        for row, its in meetings.items():
            if row not in chosen and len(its - met) >= adds:
                chosen.add(row)
                met |= its
    return chosen


def values_of(item: pytest.Function) -> frozenset[Hashable]:
    """The test and its parameters: of a dataclass each field is one."""
    test, _, _ = item.nodeid.partition("[")
    return frozenset([("test", test), *_axes(item.callspec.params.items())])


def _axes(parameters: Iterable[tuple[str, object]]) -> Iterator[tuple[str, str]]:
    for name, value in parameters:
        if is_dataclass(value):
            yield from ((f"{name}.{field.name}", repr(getattr(value, field.name))) for field in fields(value))
        else:
            yield name, repr(value)


def in_turn(items: Sequence[pytest.Function], axis: str) -> Iterator[pytest.Function]:
    """Choose one test for each value of a parameter, another one of its values each time."""
    by_value: dict[str, list[pytest.Function]] = {}
    for item in items:
        if axis not in item.callspec.params:
            raise pytest.UsageError(f"{item.nodeid}: sampled(each={axis!r}) names no parameter of it")
        by_value.setdefault(repr(item.callspec.params[axis]), []).append(item)
    for number, those in enumerate(by_value.values()):
        yield those[number % len(those)]


def plays_whole(config: pytest.Config) -> bool:
    """Tell if nothing is left out: with --whole, for tests that failed the last time, and for tests that are named."""
    named = bool(config.args) and all("::" in argument for argument in config.args)
    return bool(named or config.getoption("whole") or config.getoption("lf", False))


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take the tests that are not played out of the collected ones, and remember their number."""
    matrices: dict[str, dict[str, frozenset[Hashable]]] = {}
    turns: dict[tuple[str, str], list[pytest.Function]] = {}
    played: set[str] = set()
    for item in items:
        marker = item.get_closest_marker("sampled")
        if item.get_closest_marker("whole"):
            continue
        if marker is None or not hasattr(item, "callspec"):
            played.add(item.nodeid)
        elif "each" in marker.kwargs:
            turns.setdefault((item.nodeid.partition("[")[0], marker.kwargs["each"]), []).append(item)
        else:
            matrices.setdefault(item.nodeid.partition("::")[0], {})[item.nodeid] = values_of(item)
    for (_, axis), those in turns.items():
        played |= {item.nodeid for item in in_turn(those, axis)}
    for matrix in matrices.values():
        played |= covering(matrix)
    left_out = [item for item in items if item.nodeid not in played]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item.nodeid in played]
    config.stash[LEFT_OUT] = Counter("/".join(item.nodeid.split("/")[:2]) for item in left_out)
