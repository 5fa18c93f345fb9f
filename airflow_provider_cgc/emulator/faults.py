"""Knows what goes wrong on demand: faults of the line and the service, and files whose export fails."""

from __future__ import annotations

import random
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, get_args

from airflow_provider_cgc.emulator.errors import PlatformError
from airflow_provider_cgc.emulator.limits import WINDOW_SECONDS

Kind = Literal[
    "429", "503_maintenance", "503", "503_html", "502_html", "500", "504_html", "401", "403", "404_gateway",
    "slow", "drop_before", "drop_after", "half_body", "broken_json",
]  # fmt: skip
KINDS: tuple[str, ...] = get_args(Kind)
# The request reaches the service and takes effect; only its answer is spoiled.
SPOILED_ANSWERS = ("drop_after", "half_body", "broken_json")
Moment = Literal["job", "submit"]


@dataclass(slots=True)
class Fault:
    """One fault and how often it strikes.

    :param count: strikes left, None for ever.
    :param seconds: of "slow": the delay before the request takes effect; of "429": until the reset, by default as
        `retry_after` says.
    :param retry_after: value of a `Retry-After` header on the faulty answer.
    """

    kind: str
    method: str | None = None
    path: str | None = None
    count: int | None = 1
    probability: float = 1.0
    seconds: float | None = None
    retry_after: str | int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault {self.kind!r}; there are {', '.join(KINDS)}")
        if self.kind == "slow" and self.seconds is None:
            raise ValueError("fault 'slow' needs seconds")
        if not 0 < self.probability <= 1:
            raise ValueError(f"probability must be above 0 and at most 1, got {self.probability}")
        if self.count is not None and self.count < 1:
            raise ValueError(f"count must be at least 1, or None for ever, got {self.count}")

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
        """Whether a request is of the kind this fault waits for."""
        if self.method is not None and self.method.upper() != method:
            return False
        return self.path is None or fnmatchcase(path, self.path)


@dataclass(frozen=True, slots=True)
class FailRule:
    """Files, by name, id or glob, whose export fails when it is submitted, or later in the job."""

    pattern: str
    error: PlatformError
    at: Moment

    def hits(self, at: Moment, *names: str) -> bool:
        """Whether this rule speaks about a file at that moment."""
        return at == self.at and any(name == self.pattern or fnmatchcase(name, self.pattern) for name in names)


class FaultBox:
    """The faults that wait for their request; the first that aims at it strikes."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # a repeatable dice is the point
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let a fault wait behind those that wait already."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._faults.clear()

    def strike(self, method: str, path: str) -> tuple[float, Fault | None]:
        """What one request suffers: a delay in seconds, and at most one other fault."""
        delay, struck = 0.0, None
        for fault in list(self._faults):
            if not fault.aims_at(method, path) or (struck is not None and fault.kind != "slow"):
                continue
            if self._random.random() >= fault.probability:
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
