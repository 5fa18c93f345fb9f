"""The number of items that may fail before their task does."""

from __future__ import annotations

import math
from dataclasses import dataclass

from airflow_provider_cgc.jobs.text import counted


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The number of items that may fail: a number, or a share of all; if both are given, the smaller one."""

    most: int = 0
    share: float | None = None

    def of(self, total: int) -> int:
        """Return the number of `total` items that may fail."""
        if self.share is None:
            return self.most
        by_share = math.floor(self.share * total + 1e-9)
        return min(self.most, by_share) if self.most else by_share

    def exceeded(self, failed: int, total: int) -> bool:
        """Return True if more of `total` items failed than may."""
        return failed > self.of(total)

    def words(self, total: int) -> str:
        """Name the argument that limits failures, and how many of `total` items may fail."""
        most = self.of(total)
        if self.share is None or (self.most and self.most == most):
            argument = f"max_failures={self.most}"
        else:
            argument = f"max_failure_share={self.share:g} of {counted(total, 'item')}"
        return f"{argument} tolerates {most or 'none'}"
