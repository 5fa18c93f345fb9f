"""The place of an export: what all of its items have in common."""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_cgc.client.models import File
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.exports.place import MOST_NAME_BYTES, place_of
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, ItemState

FILES = {name: File(name, size=7, project=project) for name, project in (("a", "o/p"), ("b", "o/p"), ("c", "o/q"))}


def line(file: str, state: ItemState, **more: Any) -> ItemOutcome:
    asked = {"file": file, "volume": "o/v", "location": file}
    asked |= {name: more.pop(name) for name in asked.keys() & more.keys()}
    return ItemOutcome(item=ExportItem(**asked), state=state, **more)


def test_only_moving_has_a_goal() -> None:
    """Only jobs that move files tell where to and how many bytes."""
    lines = [
        line("a", ItemState.SUBMITTED, id="j1"),
        line("b", ItemState.COMPLETED),
        line("c", ItemState.SKIPPED),
        line("gone", ItemState.FAILED, location=None),
        line("c", ItemState.UNSENT, volume="o/w"),
    ]

    assert place_of(lines, FILES) == {"volume": "o/v", "project": "o/p", "bytes_total": 14}


def test_different_is_left_out() -> None:
    """A value that differs among the lines, or is not told, is left out."""
    lines = [line("a", ItemState.SUBMITTED), line("c", ItemState.SUBMITTED), line("unknown", ItemState.SUBMITTED)]

    assert place_of(lines, FILES) == {"volume": "o/v"}


def test_hidden_names_are_told() -> None:
    lines = [line("a", ItemState.SUBMITTED, location="x/a"), line("b", ItemState.SUBMITTED, location="x/0001")]
    files = {name: File(name, name=name, size=7) for name in ("a", "b")}

    assert place_of(lines, files)["names"] == {"b": "b"}


def test_names_leave_some_room() -> None:
    """Ten thousand names leave room in the row."""
    files = {f"{number:024x}": File(f"{number:024x}", name="\u00e4" * 200, size=7) for number in range(10_000)}

    names = place_of([line(name, ItemState.SUBMITTED) for name in files], files)["names"]

    assert 0 < len(json.dumps(names)) <= MOST_NAME_BYTES
