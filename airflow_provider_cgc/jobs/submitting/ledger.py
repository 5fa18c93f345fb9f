"""The ledger of everything that one task of one Dag run has sent, in a key-value store, for the next attempt.

Built for Airflow's task state store, which lists no keys, takes about 28 ms for a write and warns above 64 KiB. One
key holds the header, and one more each chunk: first the *intent* to send it, then the outcomes of its items. A chunk
names each item by a hash of its key, so that it counts for that item even if the next attempt has other items, and a
chunk of 100 takes about 6 kB however long the keys are. `header.py` has the stored form.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.endpoints.records import BULK_LIMIT, chunks_of
from airflow_provider_cgc.jobs.submitting.header import VERSION, Header, chunk_name, jobs_of

if TYPE_CHECKING:
    from airflow_provider_cgc.client.errors.problem import BulkRecord
    from airflow_provider_cgc.jobs.kinds import JobKind
    from airflow_provider_cgc.jobs.submitting.header import Store
    from airflow_provider_cgc.jobs.submitting.items import Key


class Fate(StrEnum):
    """The state of an item in the ledger."""

    NEVER_SENT = "never sent"
    STARTED = "started"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Past:
    """The past of an item: its state, and the id of its last job if that is known."""

    fate: Fate
    job_id: str | None = None
    refused: bool = False
    """It was sent once, and the platform refused it, or its whole call."""
    at: datetime | None = field(default=None, compare=False)
    """The platform's clock before it was last sent, if that is known."""


class OtherOwnerError(Exception):
    """An earlier attempt sent as another user, whose jobs this one cannot see; the text says what to do."""


class Ledger:
    """
    The ledger of one task of one Dag run; not for several threads at once.

    :param store: where it is kept.
    :param kind: kind of job.
    :param keys: the items of the task, in any order.
    :param since: the platform's clock before the first attempt that counts, not only this one, sent anything. The one
        that is stored counts more.
    :param owner: the sender, such as "rfranklin at cgc-api.sbgenomics.com": only who started a job can see it.
    :param fresh: if nothing is stored, nothing was sent before: this is the first attempt, the one before succeeded,
        or everything is to start anew.
    :param max_tries: the task's `max_tries`, by which a Clear and a retry are distinguished.
    :param cleared: the manifest of this task shows that it was cleared.
    :raises OtherOwnerError: an earlier attempt was another user's.
    """

    def __init__(
        self,
        store: Store,
        kind: JobKind,
        keys: Iterable[Key],
        *,
        since: datetime,
        owner: str,
        fresh: bool = False,
        max_tries: int = 0,
        cleared: bool = False,
    ) -> None:
        self._store = store
        self._keys = {_hash(key): key for key in keys}
        self._plural = kind.plural
        self._owner = owner
        self._since = since
        self._max_tries = max_tries
        self.cleared = cleared
        """The task was cleared since it failed, so that everything is to be tried again. Kept until the task succeeds:
        the attempt after the Clear may be killed before it has sent anything."""
        self._chunks: list[dict[str, Any]] = []
        self._pasts: dict[Key, Past] = {}
        self._first_sent: dict[Key, datetime] = {}
        header = Header.read(store, kind)
        self._name = header.name
        self._whole = fresh or header.untouched
        if not header.exists or header.untouched or header.was_cleared_after_success(max_tries=max_tries):
            self._write_header()
        else:
            self._take_over(header)

    @property
    def since(self) -> datetime:
        """The platform's clock before anything of this task was sent; jobs from before are not its own."""
        return self._since

    @property
    def owner(self) -> str:
        """The user and host that send, such as "rfranklin at cgc-api.sbgenomics.com"."""
        return self._owner

    def past(self, key: Key) -> Past:
        """Return the past of an item."""
        return self._pasts.get(key) or Past(Fate.NEVER_SENT if self._whole else Fate.UNCERTAIN)

    def search_from(self, keys: Collection[Key]) -> datetime:
        """Return the earliest start, by the platform's clock, of jobs that can decide about these items."""
        known = {key: self._first_sent.get(key) for key in keys if self.past(key).fate is Fate.UNCERTAIN}
        return min((known.get(key) or self._since for key in keys), default=self._since)

    def intend(self, keys: Sequence[Key], *, at: datetime) -> int:
        """Note that these items are about to be sent; `at` is the platform's clock at any time before. Two writes."""
        if len(keys) > BULK_LIMIT or len(set(keys)) != len(keys):
            raise ValueError(f"a chunk has at most {BULK_LIMIT} items, each once")
        self._chunks.append({"version": VERSION, "at": at.isoformat(), "items": [_hash(key) for key in keys]})
        number = len(self._chunks) - 1
        # The chunk before the header that counts it: a chunk that is counted but missing was lost, whatever it was.
        self._write(number)
        self._write_header()
        self._take(self._chunks[number])
        return number

    def answered(self, number: int, records: Sequence[BulkRecord[Any]]) -> None:
        """Note the answer of a bulk create, one record per item of the chunk in order. One write."""
        self._note_jobs(number, [_id_in(record) for record in records])

    def withdrawn(self, number: int) -> None:
        """Note that nothing of a chunk was started: it was refused as a whole, or never sent. One write."""
        self._note_jobs(number, [None] * len(self._chunks[number]["items"]))

    def adopted(self, jobs: Mapping[Key, str]) -> None:
        """Note jobs that were found in the platform's list, so that they need not be looked for again."""
        for chunk in chunks_of(jobs, BULK_LIMIT):
            # With the time since when they were looked for: if this is interrupted, they are looked for there again.
            self._note_jobs(self.intend(chunk, at=self.search_from(chunk)), [jobs[key] for key in chunk])

    def learn(self, pasts: Mapping[Key, Past]) -> None:
        """Take over the pasts in the manifest of this task, of items that are not in the ledger."""
        fresh = {key: past for key, past in pasts.items() if _hash(key) in self._keys and key not in self._pasts}
        self._pasts |= fresh
        self.adopted({key: past.job_id for key, past in fresh.items() if past.job_id is not None})

    def _take_over(self, header: Header) -> None:
        """Take over the stored ledger if it is this user's; one of another release leaves everything uncertain."""
        # The owner counts in a ledger of any release: nobody else can see the jobs.
        if header.owner not in (None, self._owner):
            raise OtherOwnerError(
                f"an earlier attempt of this task sent its {self._plural} as {header.owner}; the connection's user is"
                f" now {self._owner}, who cannot see them. Use the former connection, or start anew with resume=False."
            )
        # It may be later than the beginning of the Dag run: jobs from before a Clear after a success do not count.
        self._since = header.since or self._since
        self.cleared = self.cleared or header.was_cleared(max_tries=self._max_tries)
        chunks = header.chunks()
        if None in (header.owner, header.since, header.whole) or chunks is None:
            self._whole = False
            self._write_header()
            return
        self._whole = header.whole is True
        for chunk in chunks:
            self._chunks.append(chunk or {})
            if chunk is not None:
                self._take(chunk)
            else:
                # All items that were sent with it, also those of earlier chunks, are uncertain; later chunks are not.
                self._whole = False
                self._pasts.clear()
                self._first_sent.clear()
        if header.succeeded:
            # Airflow lost the success: if this attempt fails, a Clear continues and does not start anew.
            self._write_header()

    def _note_jobs(self, number: int, jobs: list[str | None]) -> None:
        chunk = self._chunks[number]
        if len(jobs) != len(chunk["items"]):
            raise ValueError(f"chunk {number} has {len(chunk['items'])} items, not {len(jobs)}")
        self._chunks[number] = {**chunk, "jobs": jobs}
        self._write(number)
        self._take(self._chunks[number])

    def _take(self, chunk: Mapping[str, Any]) -> None:
        """Let a chunk count for its items, in place of earlier ones."""
        at = datetime.fromisoformat(chunk["at"])
        for name, job in zip(chunk["items"], jobs_of(chunk), strict=True):
            key = self._keys.get(name)
            if key is None:
                continue  # it is not an item of the task any more
            self._first_sent[key] = min(at, self._first_sent.get(key, at))
            fate = Fate.NEVER_SENT if job is None else Fate.STARTED if job else Fate.UNCERTAIN
            self._pasts[key] = Past(fate, job or None, refused=job is None, at=at)

    def _write(self, number: int) -> None:
        self._store.set(chunk_name(self._name, number), self._chunks[number])

    def _write_header(self) -> None:
        self._store.set(
            self._name,
            {
                "version": VERSION,
                "owner": self._owner,
                "since": self._since.isoformat(),
                "whole": self._whole,
                "chunks": len(self._chunks),
                "max_tries": self._max_tries,
                "cleared": self.cleared,
                "succeeded": False,
            },
        )


def _id_in(record: BulkRecord[Any]) -> str | None:
    """Return the id in a record: a job's id, None for a refusal, "" if a job may run nevertheless."""
    if record.id is not None:
        return record.id
    return None if record.error is not None and record.error.is_final else ""


def _hash(key: Key) -> str:
    """Return the name of an item in a chunk."""
    return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]
