"""The figures in the table from the observations of a triggerer, and the promises that these keep or break; pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from bench.bars import Bar

TICK = 0.01
"""Seconds between two looks of the probe at the clock."""


class Lag(NamedTuple):
    """The seconds by which the event loop was late at a time (epoch seconds)."""

    when: float
    seconds: float


class Lags(NamedTuple):
    """Milliseconds by which the event loop was late, at any moment of a stretch of time."""

    p50: float
    p99: float
    worst: float


def lags_between(lags: Iterable[Lag], begin: float, end: float) -> Lags:
    """
    Sum up how late the loop was between two times.

    While the loop stands still the probe cannot look, so that one long stop would count as a single look among
    thousands. The looks that it missed are added as they would have been: the first late by the whole stop, each
    later one by 10 ms less.
    """
    found = sorted(1000 * late for lag in lags if begin <= lag.when <= end for late in _with_the_missed(lag.seconds))
    if not found:
        raise ValueError("the probe said nothing in that time")
    return Lags(_percentile(found, 50), _percentile(found, 99), found[-1])


def longest_turn(turns: Iterable[Lag], begin: float, end: float) -> float:
    """Milliseconds of CPU that the longest turn of the loop took between two times."""
    return max(1000 * turn.seconds for turn in turns if begin <= turn.when <= end)


def _with_the_missed(seconds: float) -> list[float]:
    return [seconds - missed * TICK for missed in range(max(math.ceil(seconds / TICK), 1))]


def _percentile(ordered: Sequence[float], percent: float) -> float:
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]


class Plan(NamedTuple):
    """The bench's sizes."""

    waits: int = 1000
    jobs_each: int = 10
    sweeps: int = 6
    rounds: int = 1

    @property
    def jobs(self) -> int:
        """Jobs of all waits."""
        return self.waits * self.jobs_each


WAYS = {
    "idle": "idle",
    "asleep": "triggers that only sleep",
    "alone": "each polls for itself",
    "shared": "this provider",
}
FIGURES = {
    "start_seconds": ("start until all are served, s", 1),
    "restart_seconds": ("restart after SIGKILL until all are served, s", 1),
    "restart_requests": ("requests of the restart", 0),
    "restart_look_ups": ("connection look-ups of the restart", 0),
    "restart_lag_worst_ms": ("event loop late while restarting, worst, ms", 0),
    "restart_turn_worst_ms": ("CPU of the event loop's longest turn while restarting, ms", 1),
    "requests_per_sweep": ("requests an interval", 1),
    "fewest_looks_per_sweep": ("looks at the least asked job an interval", 2),
    "lag_p50_ms": ("event loop late, p50, ms", 2),
    "lag_p99_ms": ("event loop late, p99, ms", 1),
    "lag_worst_ms": ("event loop late, worst, ms", 0),
    "turn_worst_ms": ("CPU of the event loop's longest turn, ms", 1),
    "blocked": ("times Airflow saw the loop blocked", 0),
    "runner_cpu_per_sweep": ("CPU of the triggers' process an interval, s", 2),
    "all_cpu_per_sweep": ("CPU of the triggerer an interval, s", 2),
    "runner_rss_mib": ("memory of the triggers' process, RSS, MiB", 1),
    "runner_pss_mib": ("memory of the triggers' process, PSS, MiB", 1),
    "all_rss_mib": ("memory of the triggerer, RSS, MiB", 1),
    "stop_seconds": ("stop after SIGTERM, s", 1),
}
"""The table's rows: their titles and decimals."""


def merged(played: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Put the rounds together: one row a way of waiting, each figure a list."""
    rows: dict[str, dict[str, Any]] = {}
    for one in played:
        row = rows.setdefault(one["how"], {"how": one["how"]})
        for figure, value in one.items():
            if figure != "how":
                row.setdefault(figure, []).append(value)
    return list(rows.values())


def table(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """A head, and one line a figure, one column a way of waiting: the median, and the spread of several rounds."""
    lines = [["", *(WAYS.get(row["how"], row["how"]) for row in rows)]]
    for figure, (title, decimals) in FIGURES.items():
        lines.append([title, *(_cell(row[figure], decimals) for row in rows)])
    return lines


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """A table for a terminal."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(_aligned(line, widths)).rstrip() for line in lines]


def bars(rows: Sequence[Mapping[str, Any]], plan: Plan) -> list[Bar]:
    """Our promises; none without an idle triggerer to compare with."""
    by_how = {row["how"]: row for row in rows}
    if not {"shared", "idle"} <= by_how.keys():
        return []
    ours, idle = by_how["shared"], by_how["idle"]
    most = math.ceil(plan.jobs / 100 * 1.05)
    waits = f"real triggerer, {plan.waits:,} waits"
    return [
        Bar(f"{waits}: requests of a sweep", max(ours["requests_per_sweep"]), most),
        Bar(f"{waits}: requests of a restart", max(ours["restart_requests"]), most),
        Bar(
            f"{waits}: memory of the triggers' process above an idle one", _memory(ours, idle), MOST_MEMORY, "MiB", True
        ),
        Bar(
            f"{waits}: event loop late at p99, above an idle one",
            _above(ours, idle, "lag_p99_ms") / 1000,
            MOST_LAG / 1000,
            "ms",
            True,
        ),
        Bar(f"{waits}: restart until all are served", median(ours["restart_seconds"]), MOST_RESTART, "s", True),
    ]


MOST_MEMORY = 100.0
MOST_LAG = 20.0
MOST_RESTART = 15.0


def _above(ours: Mapping[str, Any], idle: Mapping[str, Any], figure: str) -> float:
    return median(ours[figure]) - median(idle[figure])


def _memory(ours: Mapping[str, Any], idle: Mapping[str, Any]) -> float:
    """MiB of the process that runs the triggers, by the measure that says more: RSS, or PSS where the system tells."""
    figures = ["runner_rss_mib"] + ["runner_pss_mib"] * (None not in (*ours["runner_pss_mib"], *idle["runner_pss_mib"]))
    return max(_above(ours, idle, figure) for figure in figures)


def _cell(values: Sequence[float | None], decimals: int) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    spread = f" ({min(known):.{decimals}f} to {max(known):.{decimals}f})" if len(known) > 1 else ""
    return f"{median(known):.{decimals}f}{spread}"


def _aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
