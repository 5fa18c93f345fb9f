"""The provider's promises in numbers, each kept or broken; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.cases import INTERVAL

Results = Mapping[tuple[str, str], Mapping[str, Any]]
"""The measurements, by names of case and contender."""

OURS = "ours"
MOST_REQUESTS = 1200
LONGEST_LAG = 75.0
LONGEST_LAG_OF_ONE = INTERVAL + 1
MOST_IN_A_SWEEP = 105
LONGEST_TURN = 0.020
BUDGET_SLACK = 1.2
MOST_CPU = 2.0
UNITS = {"s": "s", "ms": "ms", "x": "times", "MB": "MB", "MiB": "MiB"}


@dataclass(frozen=True, slots=True)
class Bar:
    """One promise: a value that may be at most so much."""

    what: str
    value: float
    most: float
    unit: str = ""
    by_machine: bool = False
    """A busy machine can make the value worse: CPU, real time, memory."""

    @property
    def kept(self) -> bool:
        """Tell if the value is within its bar."""
        return self.value <= self.most

    def told(self, number: float) -> str:
        """A number in the unit of this bar."""
        scaled = number * 1000 if self.unit == "ms" else number
        text = f"{scaled:,.0f}" if scaled == int(scaled) and not self.unit else f"{scaled:,.2f}"
        return f"{text} {UNITS[self.unit]}" if self.unit else text

    def __str__(self) -> str:
        verdict = "kept" if self.kept else "MISSED"
        return f"{verdict}: {self.what}: {self.told(self.value)}, at most {self.told(self.most)}"


def bars(results: Results, sweep: Mapping[str, Any] | None = None) -> list[Bar]:
    """The bars of all cases that were measured, for the provider; the others may do as they like."""
    checks = {
        "one-job": _one_job,
        "ten-thousand-jobs": _ten_thousand_jobs,
        "thousand-waits": _thousand_waits,
        "restart": _restart,
        "second-client": _second_client,
    }
    found = []
    for (case, contender), result in results.items():
        if contender != OURS:
            continue
        found += list(checks[case](result)) if case in checks else []
        found.append(Bar(f"{case}: jobs whose end was not seen", result["jobs"] - result["seen"], 0))
    return found + list(_worker(sweep) if sweep else [])


def _one_job(result: Mapping[str, Any]) -> Iterator[Bar]:
    yield Bar("one job: worst detection lag", result["lag_worst"], LONGEST_LAG_OF_ONE, "s")


def _ten_thousand_jobs(result: Mapping[str, Any]) -> Iterator[Bar]:
    yield Bar("10,000 jobs: requests in all", result["requests"], MOST_REQUESTS)
    yield Bar("10,000 jobs: answers 429", result["refused"], 0)
    yield Bar("10,000 jobs: worst detection lag", result["lag_worst"], LONGEST_LAG, "s")


def _thousand_waits(result: Mapping[str, Any]) -> Iterator[Bar]:
    yield Bar("1,000 waits: requests at start-up", result["at_start"], MOST_IN_A_SWEEP)
    yield Bar("1,000 waits: requests of a sweep", result["in_a_minute"], MOST_IN_A_SWEEP)
    yield Bar("1,000 waits: CPU of a turn of the event loop, p99", result["loop_p99"], LONGEST_TURN, "ms", True)


def _restart(result: Mapping[str, Any]) -> Iterator[Bar]:
    yield Bar("1,000 waits restarted: requests of the restart", result["at_restart"], MOST_IN_A_SWEEP)


def _second_client(result: Mapping[str, Any]) -> Iterator[Bar]:
    beside = result["beside"]
    allowed = beside["lag_allowed_steady"]
    yield Bar("beside a second client: our answers 429, steady", beside["refused_steady"], 0)
    yield Bar("beside a second client: its answers 429, steady", beside["others_refused_steady"], 0)
    yield Bar(
        f"beside a second client: worst detection lag, steady ({allowed:.1f} s by the budget, plus 20 %)",
        beside["lag_worst_steady"],
        BUDGET_SLACK * allowed,
        "s",
    )


def _worker(sweep: Mapping[str, Any]) -> Iterator[Bar]:
    for state in ("running", "ended"):
        what = f"a worker's sweep of 10,000 ids, jobs {state}: CPU of a bare loop"
        yield Bar(what, sweep[state]["ratio"], MOST_CPU, "x", True)
