"""The pace of a poller's requests, so that Airflow keeps to its share of what the platform allows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_cgc.client.http.budget import RateBudget

SHORT_PAUSE = 30.0
"""Seconds that the budget may make everybody wait without a word in their logs."""
SLOWEST = 0.2
"""Requests a second: however little is left, the budget is asked again after 5 s."""


class Pace:
    """The turns of one poller, whom the budget knows as `owner`."""

    def __init__(self, owner: object) -> None:
        self._owner = owner
        self._rate = math.inf
        self.free_at = 0.0
        """Before this nothing is sent (epoch seconds)."""

    @property
    def is_free(self) -> bool:
        """True while as much may be sent as is due."""
        return self._rate == math.inf

    @property
    def rate(self) -> float:
        """Requests a second."""
        return max(self._rate, SLOWEST)

    def has_turn(self, budget: RateBudget | None, now: float, wish: Callable[[], float]) -> bool:
        """
        Return True if something may be sent at `now`: one request, or as many as are due if `is_free` says so then.

        A pause of the budget that is short passes in silence; in a long one every look is refused without being sent,
        so that everybody who waits is told.

        :param wish: gives the requests a second that it takes to look at everything as often as is asked.
        """
        if now < self.free_at:
            return False
        pause = budget.delay() if budget else 0.0
        if 0 < pause <= SHORT_PAUSE:
            self.free_at = now + pause
            return False
        self._rate = budget.pace_for(self._owner, wish()) if budget and not pause else math.inf
        return True

    def note_sent(self, requests: int, now: float) -> None:
        """Let the next request wait for its time."""
        # What the loop itself took is made up for, within a second, or the pace would be missed by it each time.
        if not self.is_free:
            self.free_at = max(self.free_at, now - 1.0) + requests / self.rate
