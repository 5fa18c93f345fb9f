"""A test file stays as long as a reader can keep in mind, and has a name of its own."""

from __future__ import annotations

from collections import Counter

from tests.conftest import ROOT

MOST_LINES = 450


def test_files_stay_small() -> None:
    paths = [*ROOT.glob("tests/**/test_*.py")]
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in paths}

    assert len(lines) == len(paths) > 0
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_names_are_distinct() -> None:
    """Files outside of packages are modules by their names alone: a second one of a name cannot be imported."""
    names = Counter(path.name for path in ROOT.glob("tests/**/test_*.py") if not (path.parent / "__init__.py").exists())

    assert names
    assert [name for name, count in names.items() if count > 1] == []
