"""The addresses at which the platform has answered; one that never has may be a wrong one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from airflow_provider_cgc.client.errors import CgcBudgetSpent, CgcError
from airflow_provider_cgc.client.http.retry import not_from_platform

if TYPE_CHECKING:
    from airflow_provider_cgc.jobs.waiting.waiter import Waiter

LONGEST_ASTRAY = 900.0
"""Seconds during which only redirects and foreign pages may come from an address that has not answered; then the wait
fails. Not at once, because a poller that has just started does not know what its predecessor was answered."""


class Addresses:
    """What was answered at the addresses of one connection, which may change while waits go on."""

    def __init__(self) -> None:
        self._answered: set[str] = set()
        self._now: str | None = None
        """The address that is asked; None before the first request."""

    def ask(self, address: str, waiters: Iterable[Waiter]) -> None:
        """Note which address is asked; forget what each wait was answered at the one before, if this is another."""
        if self._now not in (None, address):
            for waiter in waiters:
                waiter.answered, waiter.astray_since = False, None
        self._now = address

    def note_answer(self, address: str) -> None:
        """Note that the platform has answered there."""
        self._answered.add(address)

    def note_error(self, waiter: Waiter, error: CgcError, now: float) -> None:
        """Note since when an address that has not answered gives `waiter` only answers that are not the platform's."""
        if not not_from_platform(error):
            # Our own budget says nothing about the address.
            if not isinstance(error, CgcBudgetSpent):
                waiter.astray_since = None
        elif waiter.astray_since is None and not self._has_answered(waiter):
            waiter.astray_since = now

    def patience(self, waiter: Waiter, error: CgcError, now: float) -> float:
        """Seconds for which more answers like this one are waited out; 0 or less: the address must be wrong."""
        if not not_from_platform(error) or waiter.astray_since is None or self._has_answered(waiter):
            return math.inf
        return waiter.astray_since + LONGEST_ASTRAY - now

    def _has_answered(self, waiter: Waiter) -> bool:
        return waiter.answered or self._now in self._answered
