"""The figures of imports from their measurements, and the promises that these keep or break; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.bars import Bar
from bench.cases import LIMIT, MINUTE, WINDOW

WAYS = {"ours": "this provider, deferred", "script": "usual script: a POST, GETs and a PATCH for each object"}
HEAD = (
    *("importing by", "requests", "429", "creates", "folders", "looks", "edits", "requests an object"),
    *("in a worker", "in all", "CPU s", "memory"),
)
MOST_POLLS = 1200
MOST_MEMORY = 300
MOST_OF_LIMIT = 1.2
KIB_64 = 64 * 1024
MEBI = 1024 * 1024


def bars(results: Iterable[Mapping[str, Any]]) -> list[Bar]:
    """Give our promises; none where ours was not measured."""
    return [bar for one in results if one["way"] == "ours" for bar in _of_ours(one)]


def _of_ours(result: Mapping[str, Any]) -> list[Bar]:
    objects, prefixes = result["objects"], result["prefixes"]
    what = f"{objects:,} objects below {prefixes:,} prefixes"
    listed, *imported = zip(result["slots"], result["slot_requests"], strict=True)
    return [
        Bar(f"{what}: requests of the listing", result["slot_requests"][0], prefixes + objects // 100 + 10),
        Bar(f"{what}: creates", result["creates"], objects // 100 + 2),
        Bar(f"{what}: requests for folders", result["folders"], prefixes),
        Bar(f"{what}: edits of metadata", result["edits"], objects // 100),
        Bar(f"{what}: polls", result["polls"], MOST_POLLS),
        Bar(f"{what}: answers 429", result["refused"], 0),
        Bar(f"{what}: largest XCom, bytes", result["largest_xcom"], KIB_64),
        Bar(f"{what}: memory of the worker", result["memory"] / MEBI, MOST_MEMORY, "MiB", True),
        Bar(f"{what}: worker-slot time of the listing, at 0.3 s a call", _by_the_limit([listed]), MOST_OF_LIMIT, "x"),
        Bar(f"{what}: worker-slot time of the import, at 0.3 s a call", _by_the_limit(imported), MOST_OF_LIMIT, "x"),
        Bar(f"{what}: files missing, or without their metadata", objects - result["described"], 0),
    ]


def _by_the_limit(slots: Sequence[tuple[float, int]]) -> float:
    """The time in a worker's slot by the time that the platform's limit asks for so many requests."""
    return sum(seconds for seconds, _ in slots) / (sum(count for _, count in slots) * WINDOW / LIMIT)


def table(results: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """The measurements as a table, a line for each way."""
    return [
        HEAD,
        *(
            (
                WAYS[one["way"]],
                *(f"{one[name]:,}" for name in ("requests", "refused", "creates", "folders", "polls", "edits")),
                f"{one['requests'] / one['objects']:.2f}",
                *(f"{minutes / MINUTE:,.0f} min" for minutes in (sum(one["slots"]), one["seconds"])),
                f"{one['cpu']:,.1f}",
                f"{one['memory'] / MEBI:,.0f} MiB",
            )
            for one in results
        ),
    ]


def compared(results: Iterable[Mapping[str, Any]]) -> str:
    """Compare the script with ours, in a sentence; "" where either was not measured."""
    by_way = {one["way"]: one for one in results}
    if by_way.keys() != WAYS.keys():
        return ""
    ours, other = by_way["ours"], by_way["script"]
    requests, slot = other["requests"] / ours["requests"], sum(other["slots"]) / sum(ours["slots"])
    return f"The script sends {requests:.1f} times as many requests and is in a worker {slot:.1f} times as long."
