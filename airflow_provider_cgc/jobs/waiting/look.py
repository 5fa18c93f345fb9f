"""One look at many jobs: which ids go into one request, and, for a worker, the look itself with its answers kept.

The platform takes 100 ids in a request that counts as one, so a question is always put for many jobs at once.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.endpoints.records import chunks_of
from airflow_provider_cgc.client.errors import CgcError
from airflow_provider_cgc.client.http.retry import transient, unreached

if TYPE_CHECKING:
    from airflow_provider_cgc.client.errors.problem import BulkRecord
    from airflow_provider_cgc.jobs.kinds import BulkGet

THREADS = 8
"""Requests of one look that are under way at once."""


@dataclass(slots=True)
class Answers:
    """The answers to one look, or to one request of it: the records that came, and the worst error if some did not."""

    records: list[BulkRecord[Any]] = field(default_factory=list)
    error: CgcError | None = None

    def hopeless(self, *, answered: bool = False) -> bool:
        """Return True if another look cannot help: token, rights, or an address that never `answered` are wrong."""
        return self.error is not None and not transient(self.error, answered=answered)

    def note(self, error: CgcError | None) -> None:
        """Keep an error; one that waiting does not cure takes the place of any other, also of an earlier one."""
        if self.error is None or (error is not None and not transient(error)):
            self.error = error or self.error


def chunks(ids: Iterable[str], *, suspects: Collection[str] = ()) -> list[list[str]]:
    """
    Put ids into requests of at most 100.

    Suspects, ids that the platform did not know when it was last asked, travel apart: where it answers 404 for a
    whole call because of one of them, they must not spoil the answer for the others. They are shuffled, because the
    client settles only some of many in one call, and each shall have its turn.
    """
    ids = list(ids)
    known = [job_id for job_id in ids if job_id not in suspects]
    doubtful = [job_id for job_id in ids if job_id in suspects]
    random.shuffle(doubtful)
    return [chunk for group in (known, doubtful) for chunk in chunks_of(group)]


def look(bulk_get: BulkGet, ids: Iterable[str], *, suspects: Collection[str] = ()) -> Answers:
    """
    Ask for all `ids` once, as `ask_all` does, and keep every answer that came.

    Never raises a client error: a chunk that failed leaves its ids open, and `Answers.error` says why.
    """
    result = Answers()
    for answer in ask_all(bulk_get, ids, suspects=suspects):
        result.records += answer.records
        result.note(answer.error)
    return result


def records_of(bulk_get: BulkGet, ids: Iterable[str]) -> dict[str, BulkRecord[Any]]:
    """
    Ask for all `ids`, and once more for those that an answer leaves undecided; give the records by id.

    :raises CgcError: if a request fails.
    """
    records: dict[str, BulkRecord[Any]] = {}
    left = list(ids)
    for _ in range(2):
        found = look(bulk_get, left, suspects=records.keys())
        if found.error is not None:
            raise found.error
        records |= {record.id: record for record in found.records if record.id is not None}
        left = [one for one in left if one not in records or is_undecided(records[one])]
        if not left:
            break
    return records


def is_undecided(record: BulkRecord[Any]) -> bool:
    """Return True if a record tells nothing of its id for now."""
    return record.resource is None and (record.error is None or record.error.may_pass)


def ask_all(
    bulk_get: BulkGet, ids: Iterable[str], *, suspects: Collection[str] = (), answered: bool = True
) -> Iterator[Answers]:
    """
    Ask for all `ids` once, several requests side by side, and give what each request brought, in order.

    Who takes in each answer before the next never holds ten thousand jobs at once. An address that has never
    `answered` is asked with one request, and the others follow if it can be reached.
    """
    requests = chunks(ids, suspects=suspects)
    if not answered and len(requests) > 1:
        first = _ask(bulk_get, requests.pop(0))
        yield first
        if unreached(first.error):
            return
    if len(requests) <= 1:
        yield from (_ask(bulk_get, chunk) for chunk in requests)
        return
    with ThreadPoolExecutor(max_workers=min(THREADS, len(requests)), thread_name_prefix="cgc-look") as pool:
        yield from pool.map(lambda chunk: _ask(bulk_get, chunk), requests)


def _ask(bulk_get: BulkGet, chunk: Sequence[str]) -> Answers:
    try:
        return Answers(records=list(bulk_get(chunk)))
    except CgcError as error:
        return Answers(error=error)
