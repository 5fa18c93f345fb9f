"""A test file stays as long as a reader can keep in mind."""

from __future__ import annotations

from tests.conftest import ROOT

MOST_LINES = 450


def test_files_stay_small() -> None:
    paths = [*ROOT.glob("tests/**/test_*.py")]
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in paths}

    assert len(lines) == len(paths) > 0
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}
