"""The bench's import: its promises at a small size, the usual script beside it, and what the page tells of both."""

from __future__ import annotations

import importlib.util
import re
from typing import Any

import pytest

from bench import import_figures, report
from bench.cases import LATENCY
from bench.import_figures import HEAD, WAYS
from bench.imports import locations, measure
from tests.unit.test_bench import STATES

SMALL = {"objects": 900, "prefixes": 30}
OURS = {
    "way": "ours",
    "objects": 10_000,
    "prefixes": 1_500,
    "imported": 10_000,
    "described": 10_000,
    "refused": 0,
    "requests": 4_000,
    "polls": 900,
    "creates": 100,
    "folders": 1_500,
    "edits": 100,
    "slots": [480.0, 500.0, 40.0],
    "slot_requests": [1_500, 1_700, 220],
    "seconds": 3_600.0,
    "largest_xcom": 54_000,
    "cpu": 9.3,
    "memory": 250 * 1024 * 1024,
}
SCRIPT = OURS | {"way": "script", "requests": 30_000, "slots": [10_200.0]}


@pytest.mark.skipif(importlib.util.find_spec("airflow.sdk") is None, reason="the bench runs on Airflow 3")
class TestMeasured:
    """In virtual time, with real code against a real emulator."""

    def test_promises_hold_for_few(self) -> None:
        result = measure("ours", **SMALL)

        assert [str(bar) for bar in import_figures.bars([result]) if not (bar.kept or bar.by_machine)] == []
        assert (result["folders"], result["edits"], result["described"]) == (30, 9, 900)

    def test_siblings_are_made_together(self) -> None:
        """On virtual time: one after the other, the folders alone would take longer than all that is sent here."""
        result = measure("ours", **SMALL)

        assert result["slots"][1] < result["folders"] * LATENCY

    def test_script_asks_for_each(self) -> None:
        result = measure("script", objects=30, prefixes=15)

        assert (result["creates"], result["edits"], result["described"]) == (30, 30, 30)
        assert result["polls"] > 30
        assert result["requests"] == result["creates"] + result["polls"] + result["edits"]


def test_prefixes_are_as_many_as_said() -> None:
    assert len({location.rpartition("/")[0] for location in locations(10_000, 1_500)}) == 1_500


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({"slot_requests": [1_611, 1_700, 220]}, "requests of the listing"),
        ({"creates": 103}, "creates"),
        ({"folders": 1_501}, "requests for folders"),
        ({"edits": 101}, "edits of metadata"),
        ({"polls": 1_201}, "polls"),
        ({"refused": 1}, "answers 429"),
        ({"largest_xcom": 65_537}, "largest XCom, bytes"),
        ({"memory": 301 * 1024 * 1024}, "memory of the worker"),
        ({"slots": [541.0, 500.0, 40.0]}, "worker-slot time of the listing, at 0.3 s a call"),
        ({"slots": [480.0, 652.0, 40.0]}, "worker-slot time of the import, at 0.3 s a call"),
        ({"described": 9_999}, "files missing, or without their metadata"),
    ],
)
def test_broken_promise_is_missed(changes: dict[str, Any], missed: str) -> None:
    bars = import_figures.bars([OURS | changes, SCRIPT])

    assert [bar.what.partition(": ")[2] for bar in bars if not bar.kept] == [missed]


def test_script_promises_nothing() -> None:
    assert import_figures.bars([SCRIPT]) == []


def test_script_is_compared_with_ours() -> None:
    told = import_figures.compared([OURS, SCRIPT])

    assert re.findall(r"[\d.]+(?= times)", told) == ["7.5", "10.0"]
    assert import_figures.compared([OURS]) == ""


def test_page_has_a_row_for_each_way() -> None:
    page = report.page([], [], STATES, [], [OURS, SCRIPT], "made today")

    table = [line for line in page.partition("## An import")[2].splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0].removeprefix("| ") for line in table] == [HEAD[0], "---", *WAYS.values()]
    assert {line.count("|") for line in table} == {len(HEAD) + 1}
