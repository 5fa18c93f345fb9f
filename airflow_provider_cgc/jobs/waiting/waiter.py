"""One wait's end of the shared poller: its open ids, and the letterbox for what the poller finds out about them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from airflow_provider_cgc.client.errors import CgcError
    from airflow_provider_cgc.client.errors.problem import BulkRecord


@dataclass(frozen=True, slots=True)
class News:
    """The outcome of one look for a waiter, begun at `at` (epoch seconds): records, or why there are none."""

    at: float
    records: tuple[BulkRecord[Any], ...] = ()
    error: CgcError | None = None
    hopeless: bool = False
    next_look: float = 0.0
    """Seconds until the ids are asked for again; of use with an error that may pass."""
    every: float = 0.0
    """Seconds between two looks at a job where the rate budget, not the interval, decides; else 0."""
    starting: tuple[str, ...] = ()
    """The drafts whose start this is about, if it is about no look."""


@dataclass(frozen=True, slots=True)
class Bug:
    """An exception that broke the poller, with the traceback from where it began."""

    error: BaseException
    traceback: TracebackType | None

    @classmethod
    def of(cls, error: BaseException) -> Bug:
        """Keep an exception as it is now."""
        return cls(error, error.__traceback__)


class Asking(Protocol):
    """The poller, as far as a waiter tells it something."""

    def drop(self, waiter: Waiter, job_id: str) -> None: ...
    def look_now(self, waiter: Waiter) -> float: ...
    def start(self, waiter: Waiter, ids: Sequence[str]) -> None: ...


@dataclass(eq=False, slots=True)
class Waiter:
    """One wait's end of the poller: its open ids and the letterbox for the news about them."""

    ids: set[str]
    interval: float
    poller: Asking = field(repr=False)
    answered: bool = False
    """The platform had answered this wait before it joined, at the address that is asked now."""
    foreign_since: float | None = None
    """The time since which it hears only answers that are not the platform's own; None if it hears others."""
    _letters: asyncio.Queue[News | Bug] = field(default_factory=asyncio.Queue, repr=False)

    async def news(self, *, timeout: float) -> News | None:
        """
        Wait for the next news, or give None after `timeout` seconds.

        Raises what broke the poller, if something did: a bug must not look like a quiet platform.
        """
        try:
            async with asyncio.timeout(timeout):
                letter = await self._letters.get()
        except TimeoutError:
            return None
        if isinstance(letter, Bug):
            # From where it began: every waiter raises the same object, and each would add its own lines to it.
            raise letter.error.with_traceback(letter.traceback)
        return letter

    def deliver(self, letter: News | Bug) -> None:
        """Put news, or the exception that ended the poller, into the letterbox."""
        self._letters.put_nowait(letter)

    def drop(self, job_id: str) -> None:
        """Stop asking for one id."""
        self.poller.drop(self, job_id)

    def look_now(self) -> float:
        """Look at what is still open now, and give the seconds that it may take (`Poller.look_now`)."""
        return self.poller.look_now(self)

    def start(self, ids: Sequence[str]) -> None:
        """Start drafts; how the platform takes it comes as news."""
        self.poller.start(self, ids)
