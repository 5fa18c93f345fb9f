"""The figures computed from measurements; pure."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

CHUNK = 100


@dataclass(frozen=True, slots=True)
class Lags:
    """A contender's delays in noticing ends of jobs."""

    ended: int
    seen: int
    mean: float
    worst: float


def lags(ends: Mapping[str, float], seen: Mapping[str, float], *, until: float, since: float = -math.inf) -> Lags:
    """
    The lags of the jobs that ended from `since` to `until`, when the contender was stopped.

    A job that was not seen by then counts with the lag that it had reached: the true one is longer.
    """
    late = [min(seen.get(job, until), until) - end for job, end in ends.items() if since <= end <= until]
    found = sum(1 for job, end in ends.items() if since <= end <= until and seen.get(job, math.inf) <= until)
    return Lags(len(late), found, sum(late) / len(late) if late else 0.0, max(late, default=0.0))


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest of the values that `share` of them do not exceed; 0 if there are none."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1] if ordered else 0.0


def between(times: Sequence[float], start: float, end: float) -> int:
    """Count the times from `start` on and before `end`; they are in order."""
    return bisect_left(times, end) - bisect_left(times, start)


def most_in_a_slot(times: Sequence[float], *, start: float, length: float) -> int:
    """The most times in one of the slots of a length that follow each other from `start` on."""
    if not times:
        return 0
    slots = max(math.floor((times[-1] - start) / length) + 1, 0)
    return max((between(times, start + n * length, start + (n + 1) * length) for n in range(slots)), default=0)


def sweep_by_the_budget(
    jobs: int, *, interval: float, limit: int, window: float, share: float, others: int, latency: float
) -> float:
    """Seconds between two looks at a job that the interval or, where that is longer, the budget allows."""
    rate = (limit * share - others) / window
    return max(interval, math.ceil(jobs / CHUNK) / rate) + latency
