"""The connection of a poller to the platform: its client, its threads, and what is known of the address."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_cgc.client.errors import CgcBudgetSpent, CgcError, CgcSettingsError, CgcUnauthorized
from airflow_provider_cgc.client.http.retry import not_from_platform, transient

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.http.budget import RateBudget
    from airflow_provider_cgc.jobs.waiting.sharing import SharedClient
    from airflow_provider_cgc.jobs.waiting.waiter import Waiter

T = TypeVar("T")

LONGEST_FOREIGN = 900.0
"""Seconds during which only redirects and foreign pages may come from an address that has not answered; then the wait
fails. Not at once, because a poller that has just started does not know what its predecessor was answered."""


class Connection:
    """
    Makes the calls of a poller.

    :param client: the client that all waits of a connection share.
    :param threads: make the requests; they are left open.
    :param on_request: gets the budget and the seconds after each request, in the thread that made it; must not raise.
    """

    def __init__(
        self,
        client: SharedClient,
        threads: Executor,
        on_request: Callable[[RateBudget, float], object] | None,
    ) -> None:
        self._client = client
        self._threads = threads
        self._on_request = on_request
        self.addresses = Addresses()

    @property
    def budget(self) -> RateBudget | None:
        """The rate budget of the client now in use; None while there is none."""
        return self._client.budget

    def close(self) -> None:
        """Close the client now in use."""
        self._client.close()

    async def ask(self, call: Callable[[CgcClient], T], waiters: Iterable[Waiter]) -> T:
        """Make a call for `waiters` once, and once more with the connection read again if the token is refused."""
        client = await self._client.get()
        try:
            return await self._in_thread(client, call, waiters)
        except CgcUnauthorized:
            self._client.refused(client)
        return await self._in_thread(await self._client.get(), call, waiters)

    async def _in_thread(self, client: CgcClient, call: Callable[[CgcClient], T], waiters: Iterable[Waiter]) -> T:
        self.addresses.note_asked(client.settings.base_url, waiters)

        def ask() -> T:
            began = time.monotonic()
            try:
                return call(client)
            finally:
                if self._on_request is not None:
                    self._on_request(client.budget, time.monotonic() - began)

        answer = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        self.addresses.note_answer(client.settings.base_url)
        return answer


class Addresses:
    """The addresses of one connection, which may change while waits go on, and what came from them."""

    def __init__(self) -> None:
        self._answered: set[str] = set()
        self._now: str | None = None
        """The address that is asked; None before the first request."""

    def note_asked(self, address: str, waiters: Iterable[Waiter]) -> None:
        """Note the address that is asked; if it is new, forget the answers that each wait got from the old one."""
        if self._now not in (None, address):
            for waiter in waiters:
                waiter.answered, waiter.foreign_since = False, None
        self._now = address

    def note_answer(self, address: str) -> None:
        """Note that the platform has answered there."""
        self._answered.add(address)

    def note_error(self, waiter: Waiter, error: CgcError, now: float) -> None:
        """Note since when an address that has not answered gives `waiter` only answers that are not the platform's."""
        if not not_from_platform(error):
            # Our own budget says nothing about the address.
            if not isinstance(error, CgcBudgetSpent):
                waiter.foreign_since = None
        elif waiter.foreign_since is None and not self._has_answered(waiter):
            waiter.foreign_since = now

    def patience(self, waiter: Waiter, error: CgcError, now: float) -> float:
        """Seconds for which more answers like this one are waited out; 0 or less: the address must be wrong."""
        if not not_from_platform(error) or waiter.foreign_since is None or self._has_answered(waiter):
            return math.inf
        return waiter.foreign_since + LONGEST_FOREIGN - now

    def _has_answered(self, waiter: Waiter) -> bool:
        return waiter.answered or self._now in self._answered


def cannot_pass(error: CgcError) -> bool:
    """Return True if asking again is no use, wherever the answer came from."""
    return not transient(error, answered=True)


def may_be_about_an_id(error: CgcError) -> bool:
    """Return True if a request with other ids might be answered."""
    return not (transient(error) or not_from_platform(error) or isinstance(error, (CgcUnauthorized, CgcSettingsError)))
