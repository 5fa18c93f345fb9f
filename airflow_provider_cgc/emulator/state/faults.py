"""The faults on demand: of the line and the service, and of files whose jobs fail."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, get_args

from airflow_provider_cgc.emulator.state.errors import PlatformError
from airflow_provider_cgc.emulator.state.limits import WINDOW_SECONDS
from airflow_provider_cgc.emulator.state.nouns import Jobs

Kind = Literal[
    "429", "503_maintenance", "503", "503_html", "502_html", "500", "504_html", "401", "403", "404_gateway", "408",
    "302_html", "404_html", "405_html",
    "slow", "slow_answer", "drop_before", "drop_after", "half_body", "broken_json",
]  # fmt: skip
KINDS: tuple[str, ...] = get_args(Kind)
# The request reaches the service and takes effect; only its answer is spoiled.
SPOILED_ANSWERS = ("slow_answer", "drop_after", "half_body", "broken_json")
Moment = Literal["job", "submit", "edit"]


@dataclass(slots=True)
class Fault:
    """One fault and how often it strikes.

    :param count: strikes left, None for ever.
    :param seconds: of "slow": the delay before the request takes effect; of "slow_answer": the delay after; of "429":
        until the reset, by default as `retry_after` says.
    :param retry_after: value of a `Retry-After` header on the faulty answer.
    :param after: how many of the requests that it aims at pass before it begins.
    :param seed: of its dice; which of the requests it strikes depends on nothing else.
    """

    kind: str
    method: str | None = None
    path: str | None = None
    count: int | None = 1
    probability: float = 1.0
    seconds: float | None = None
    retry_after: str | int | None = None
    after: int = 0
    seed: int | None = None
    _seen: int = 0
    _random: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault {self.kind!r}; there are {', '.join(KINDS)}")
        if self.kind in ("slow", "slow_answer") and self.seconds is None:
            raise ValueError(f"fault {self.kind!r} needs seconds")
        if not 0 < self.probability <= 1:
            raise ValueError(f"probability must be above 0 and at most 1, got {self.probability}")
        if self.count is not None and self.count < 1:
            raise ValueError(f"count must be at least 1, or None for ever, got {self.count}")
        if self.after < 0:
            raise ValueError(f"after must not be negative, got {self.after}")

    @property
    def until_reset(self) -> float:
        """Seconds until the window of a "429" ends: as said, or when its `Retry-After` is over, or a whole window."""
        if self.seconds is not None:
            return self.seconds
        try:
            return float(self.retry_after or WINDOW_SECONDS)
        except ValueError:
            return WINDOW_SECONDS  # `Retry-After` is a date, or nonsense on purpose

    def aims_at(self, method: str, path: str) -> bool:
        """Return True if a request is of the kind this fault waits for."""
        if self.method is not None and self.method.upper() != method:
            return False
        return self.path is None or fnmatchcase(path, self.path)

    def begin(self, seed: str) -> None:
        """Get ready to strike; a seed of its own goes before this one."""
        self._random = random.Random(seed if self.seed is None else self.seed)  # a repeatable dice is the point

    def ready(self) -> bool:
        """Count a request that it aims at; return True if enough others have passed."""
        self._seen += 1
        return self._seen > self.after

    def falls(self) -> bool:
        """Throw the dice."""
        return self._random.random() < self.probability


@dataclass(slots=True)
class FailRule:
    """Jobs that fail when they are submitted or later, by the file they export or the location they import; or edits.

    :param jobs: "exports" or "imports", None for both, and for edits.
    :param times: how often each file or location fails, None for always.
    """

    pattern: str
    error: PlatformError
    at: Moment
    jobs: Jobs | None = None
    times: int | None = None
    _failed: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        if self.at not in get_args(Moment):
            raise ValueError(f"at must be 'job', 'submit' or 'edit', not {self.at!r}")
        if self.jobs not in (None, *get_args(Jobs)):
            raise ValueError(f"jobs must be 'exports', 'imports' or None, not {self.jobs!r}")
        if self.at == "edit" and self.jobs is not None:
            raise ValueError(f"an edit is no job: with at='edit', jobs must be None, not {self.jobs!r}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times must be at least 1, or None for always, got {self.times}")

    def strikes(self, at: Moment, jobs: Jobs | None, thing: str, *names: str) -> bool:
        """Return True if a job fails at that moment; `thing` tells its file or location from all others."""
        if at != self.at or self.jobs not in (None, jobs) or not any(map(self._means, (thing, *names))):
            return False
        self._failed[thing] += 1
        return self.times is None or self._failed[thing] <= self.times

    def _means(self, name: str) -> bool:
        return name == self.pattern or fnmatchcase(name, self.pattern)


class FaultBox:
    """The faults that wait for their request; the first that aims at it strikes."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._number = 0
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let a fault wait behind those that wait already."""
        self._number += 1
        fault.begin(f"{self._seed}/{self._number}")
        self._faults.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    def strike(self, method: str, path: str) -> tuple[float, Fault | None]:
        """Return the faults of one request: a delay in seconds, and at most one other fault."""
        delay, struck = 0.0, None
        for fault in list(self._faults):
            if not fault.aims_at(method, path) or not fault.ready():
                continue
            if (struck is not None and fault.kind != "slow") or not fault.falls():
                continue
            self._use_up(fault)
            if fault.kind == "slow":
                delay += fault.seconds or 0.0
            else:
                struck = fault
        return delay, struck

    def _use_up(self, fault: Fault) -> None:
        if fault.count is None:
            return
        fault.count -= 1
        if fault.count == 0:
            self._faults.remove(fault)
