"""The stored form of a ledger: its header, by which a task's next attempt knows what it may rely on, and its chunks.

header        {"version", "max_tries", "untouched": true}                             nothing was ever sent
              {"version", "owner", "since", "whole", "chunks", "max_tries", "cleared", "succeeded"}
chunk n       {"version", "at", "items": [hash ...]}                                  it may have been sent
              ... and "jobs": [id | "" (unknown) | null (certainly not started)]      it was answered
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_cgc.jobs.text import is_count, moment

if TYPE_CHECKING:
    from airflow_provider_cgc.jobs.kinds import JobKind

VERSION = 2
_MOST_CHUNKS = 100_000


class Store(Protocol):
    """The part of Airflow's task state store that is needed."""

    def get(self, key: str, default: Any = None) -> Any: ...
    def set(self, key: str, value: Any) -> None: ...
    def delete(self, key: str) -> None: ...


class NoStore:
    """The store to use if Airflow has none: it remembers nothing."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return the default."""
        return default

    def set(self, key: str, value: Any) -> None:
        """Do nothing."""

    def delete(self, key: str) -> None:
        """Do nothing."""


def header_name(kind: JobKind) -> str:
    """Return the header's name in the store, such as "cgc_runs"."""
    return f"cgc_{kind.plural}"


@dataclass(frozen=True, slots=True)
class Header:
    """
    The header of a ledger; an empty one if there is none.

    :param store: the store that it was read from.
    :param name: its name there.
    :param value: the stored value, of any form.
    """

    store: Store
    name: str
    value: object

    @classmethod
    def read(cls, store: Store, kind: JobKind) -> Header:
        """Read the header of the ledger for jobs of this kind."""
        name = header_name(kind)
        return cls(store, name, store.get(name))

    def discard(self) -> None:
        """Discard the ledger, so that a task starts anew although it did not succeed (`resume=False`)."""
        self.store.delete(self.name)

    def begin(self, *, max_tries: int) -> None:
        """Note that nothing was sent so far, in case the first attempt ends before it has a ledger."""
        if self.value is None:
            self.store.set(self.name, {"version": VERSION, "max_tries": max_tries, "untouched": True})

    def note_success(self) -> None:
        """
        Note that the task succeeded.

        Nothing is deleted: if Airflow loses the success and tries the task again, everything is done already.
        """
        if self._known and not self.untouched:
            self.store.set(self.name, {**self._known, "succeeded": True})

    @property
    def exists(self) -> bool:
        """Something is recorded."""
        return self.value is not None

    @property
    def untouched(self) -> bool:
        """Nothing was ever sent."""
        return self._any.get("untouched") is True

    @property
    def succeeded(self) -> bool:
        """The task has succeeded, according to a ledger of any release."""
        return self._any.get("succeeded") is True

    def was_cleared_after_success(self, *, max_tries: int) -> bool:
        """
        Return True if the task succeeded and was cleared since: it has to start anew.

        A Clear raises Airflow's `max_tries`, a retry does not. A ledger of another release shows this as well.
        """
        recorded = self._any.get("max_tries")
        return self.succeeded and isinstance(recorded, int) and recorded != max_tries

    @property
    def has_sent(self) -> bool:
        """
        Jobs were started, or may have been, and the task has not succeeded since.

        A ledger that is damaged, or of another release, may stand for anything.
        """
        if not self.exists or self.untouched or self.succeeded:
            return False
        chunks = self.chunks()
        if self.whole is not True or chunks is None:
            return True
        return any(chunk is None or any(job is not None for job in jobs_of(chunk)) for chunk in chunks)

    @property
    def max_tries(self) -> int | None:
        """Airflow's `max_tries` when the ledger was written, which a Clear raises; None if there is no ledger."""
        known = self._known.get("max_tries")
        return known if isinstance(known, int) else None

    @property
    def since(self) -> datetime | None:
        """The platform's clock before anything of the task was sent; None if there is no ledger."""
        return moment(self._known.get("since"))

    @property
    def owner(self) -> str | None:
        """The sender, according to a ledger of any release; None if there is no ledger."""
        owner = self._any.get("owner")
        return owner if isinstance(owner, str) else None

    @property
    def whole(self) -> bool | None:
        """Items that are in no chunk were never sent; None if there is no ledger."""
        whole = self._known.get("whole")
        return whole if isinstance(whole, bool) else None

    def was_cleared(self, *, max_tries: int) -> bool:
        """Return True if the task was cleared since it failed, now or before one of the attempts since."""
        return bool(self._known.get("max_tries", max_tries) != max_tries) or self._known.get("cleared") is True

    def chunks(self) -> Iterator[dict[str, Any] | None] | None:
        """Read the chunks in order, None for one that is lost or damaged; None if there is no ledger."""
        count = self._known.get("chunks")
        if not is_count(count) or count >= _MOST_CHUNKS:
            return None
        return (_whole_chunk(self.store.get(chunk_name(self.name, number))) for number in range(count))

    def ids(self) -> list[str] | None:
        """Return the ids of the jobs that count for the items, sorted; None if there is no whole ledger."""
        chunks = self.chunks()
        if self.untouched or chunks is None:
            return None
        jobs: dict[str, str | None] = {}
        for chunk in chunks:
            if chunk is None:
                return None
            jobs |= dict(zip(chunk["items"], jobs_of(chunk), strict=True))
        return sorted(job for job in jobs.values() if job)

    @property
    def _any(self) -> Mapping[str, Any]:
        """The header if it is in the form of any release; else an empty one."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def _known(self) -> Mapping[str, Any]:
        """The header if it is in the form of this release; else an empty one."""
        return self._any if self._any.get("version") == VERSION else {}


def chunk_name(header: str, number: int) -> str:
    """Return the name of a chunk in the store, such as "cgc_runs_7"."""
    return f"{header}_{number}"


def jobs_of(chunk: Mapping[str, Any]) -> list[str | None]:
    """Return the jobs of the items of a chunk; without an answer, nothing is known of any."""
    jobs: list[str | None] = chunk.get("jobs") or [""] * len(chunk["items"])
    return jobs


def _whole_chunk(value: object) -> dict[str, Any] | None:
    """Return a value of the store if it is a whole chunk in the form of this release."""
    if not isinstance(value, dict) or value.get("version") != VERSION:
        return None
    items = value.get("items")
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        return None
    if len(set(items)) != len(items) or moment(value.get("at")) is None:
        return None
    # Without an answer yet, every item's job is unknown.
    jobs = value.get("jobs", [""] * len(items))
    good = isinstance(jobs, list) and all(job is None or isinstance(job, str) for job in jobs)
    return value if good and len(jobs) == len(items) else None
