"""The records of a bulk answer, each matched to what was asked for; pure.

A bulk call answers 200 even if every item failed, and its error records carry no id
(https://docs.cancergenomicscloud.org/reference/get-details-of-a-bulk-export-job). So a resource is known by what it
says of itself, and an error by its position only where all the resources prove that positions can be trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from airflow_provider_cgc.client.errors import CgcItemsRefused, CgcUnreadableError
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem

__all__ = ["BULK_LIMIT", "Accounts", "account", "chunks_of", "started_ids"]

T = TypeVar("T")
K = TypeVar("K")

BULK_LIMIT = 100
"""Items or ids in one bulk call, which counts as one request
(https://docs.sevenbridges.com/reference/bulk-features-overview)."""

_NAMED_AT_MOST = 5


def chunks_of(items: Iterable[T], size: int = BULK_LIMIT) -> Iterator[list[T]]:
    """Cut anything iterable into lists of at most `size`."""
    if size < 1:
        raise ValueError("size must be at least 1")
    chunk: list[T] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def started_ids(records: Sequence[BulkRecord[Any]]) -> list[str]:
    """Return the ids of the jobs that a bulk create started, in order.

    Raises `CgcItemsRefused` if an item was refused; it names the first five and carries the ids that do run.
    """
    started = [record.id for record in records if record.id is not None]
    refused = [(index, record.error) for index, record in enumerate(records) if record.error is not None]
    if not refused:
        return started
    named = [f"item {index}: {problem} {problem.remedy}".rstrip(" .") for index, problem in refused[:_NAMED_AT_MOST]]
    if len(refused) > _NAMED_AT_MOST:
        named.append(f"and {len(refused) - _NAMED_AT_MOST} more, see .records")
    text = f"{len(refused)} of {len(records)} items were refused: {'; '.join(named)}"
    if started:
        ids = ", ".join(started[:_NAMED_AT_MOST]) + (", ..." if len(started) > _NAMED_AT_MOST else "")
        text += f". {len(started)} were started and keep running: {ids}"
    raise CgcItemsRefused(text, records=records, started=started)


@dataclass
class Accounts(Generic[K, T]):
    """The records of an answer by the thing asked for; `strays` are resources that nobody asked for."""

    records: dict[K, BulkRecord[T]] = field(default_factory=dict)
    unplaced: list[Problem] = field(default_factory=list)
    strays: list[T] = field(default_factory=list)
    unreadable: set[K] = field(default_factory=set)
    """Things whose record is there, in a shape that cannot be read."""
    unreadable_unplaced: int = 0
    """The number of such records that cannot be tied to a thing."""

    def add(self, other: Accounts[K, T]) -> None:
        """Take in what another answer says; where both speak of one thing, the other one counts."""
        self.records |= other.records
        self.unplaced += other.unplaced
        self.strays += other.strays
        self.unreadable |= other.unreadable
        self.unreadable_unplaced += other.unreadable_unplaced


def account(
    asked: Sequence[K],
    answer: object,
    *,
    parse: Callable[[object], T],
    key: Callable[[T], K],
    id_of: Callable[[T], str],
) -> Accounts[K, T]:
    """Match the records of a bulk answer to the keys asked for.

    Resources match by their key; errors and unreadable records by position, and only if there are as many records as
    were asked for and every resource stands at its own position. Raises `CgcUnreadableError` if the answer has no
    list of items.
    """
    records = _records(answer, parse)
    result: Accounts[K, T] = Accounts()
    wanted = set(asked)
    positions_hold = len(records) == len(asked)
    for position, (resource, _) in enumerate(records):
        if resource is None:
            continue
        name = key(resource)
        positions_hold = positions_hold and asked[position] == name
        if name not in wanted:
            result.strays.append(resource)
        elif name not in result.records:
            result.records[name] = BulkRecord(id_of(resource), resource)
    for position, (resource, problem) in enumerate(records):
        if resource is not None:
            continue
        if problem is not None and positions_hold:
            result.records[asked[position]] = BulkRecord(None, None, problem)
        elif problem is not None:
            result.unplaced.append(problem)
        elif positions_hold:
            result.unreadable.add(asked[position])
        else:
            result.unreadable_unplaced += 1
    return result


def _records(answer: object, parse: Callable[[object], T]) -> list[tuple[T | None, Problem | None]]:
    items = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        raise CgcUnreadableError("the platform answered a bulk call without a list of 'items'")
    return [_record(item, parse) for item in items]


def _record(item: object, parse: Callable[[object], T]) -> tuple[T | None, Problem | None]:
    """Return a resource, a problem, or neither if the record is unreadable: a bad record must not spoil the others."""
    if not isinstance(item, dict):
        return None, None
    resource = item.get("resource")
    if resource is not None:
        try:
            return parse(resource), None
        except CgcUnreadableError:
            return None, None
    return None, Problem.from_json(item.get("error"))
