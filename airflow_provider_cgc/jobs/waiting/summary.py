"""The summary of a wait: its counts, its first failures, and the lines that tell of them at the end of the log."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from airflow_provider_cgc.client.errors.problem import REMEDIES, one_line
from airflow_provider_cgc.jobs.kinds import Job, JobKind
from airflow_provider_cgc.jobs.text import duration, human_bytes, joined, storable
from airflow_provider_cgc.jobs.waiting.causes import MOST_MESSAGE, NO_REASON, Causes, Group, groups_of

VERSION = 1
_COUNTS = ("total", "completed", "failed", "missing", "skipped", "bytes")

MOST_ROWS = 10
"""Failures that the table at the end names; the summary in XCom has a hundred, the counts have all."""
LONGEST_ROW = 3000
"""Characters of one row: a key and a name of 1,024 each, and a message."""


MOST_ITEMS = 100
"""Failed items that a summary carries at most; the counts are always of all."""
MOST_ITEM_BYTES = 34_000
"""The bytes of JSON that they may take together: a key may be 1,024 bytes long, and MySQL's column 64 KiB."""


class Outcome(StrEnum):
    """The ways in which a wait ends."""

    COMPLETED = "completed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    EXECUTION_TIMEOUT = "execution_timeout"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Summary:
    """
    The result of a wait so far, in memory; `to_json` gives the XCom `cgc_summary`, version 1.

    :param bytes: the sizes of the completed jobs, as far as the platform told them, added up.
    :param seconds: from the first job's start to the last job's end by the platform's own clock, so that it does not
        depend on how or how often the wait was done; None as long as no job told both.
    :param failed_items: the first failures; the counts are of all.
    :param causes: the causes of all failures, the largest first, each with its count.
    :param unsent: the failed ones that were never sent; for the words of an error alone.
    """

    kind: JobKind
    total: int
    completed: int = 0
    failed: int = 0
    missing: int = 0
    skipped: int = 0
    bytes: int = 0
    seconds: float | None = None
    failed_items: Sequence[Mapping[str, Any]] = ()
    manifest: str | None = None
    causes: Sequence[Mapping[str, Any]] = ()
    unsent: int = 0

    @property
    def bad(self) -> int:
        """The number of those that did not end well: they FAILED, or the platform does not know them."""
        return self.failed + self.missing

    @property
    def ended(self) -> int:
        """The number of those that need no further look."""
        return self.completed + self.skipped + self.bad

    @property
    def left(self) -> int:
        """The number of those that have not ended."""
        return self.total - self.ended

    @property
    def groups(self) -> list[Group]:
        """The causes of all failures, each with the failures of it that are listed."""
        return groups_of(self.causes, self.failed_items)

    def to_json(self) -> dict[str, Any]:
        """Return the value of the XCom."""
        return {
            "version": VERSION,
            "kind": self.kind.name,
            "total": self.total,
            "completed": self.completed,
            "failed": self.failed,
            "missing": self.missing,
            "skipped": self.skipped,
            "bytes": self.bytes,
            "seconds": self.seconds,
            "failed_items": [dict(item) for item in self.failed_items],
            "manifest": self.manifest,
            "causes": [dict(one) for one in self.causes],
        }

    @classmethod
    def from_json(cls, value: Any, *, kind: JobKind, unsent: object = 0) -> Summary:
        """
        Read a value that should be a summary of this kind, of any release; `unsent` was stored beside it.

        Raises ValueError that names its fault.
        """
        if not isinstance(value, Mapping) or value.get("kind") != kind.name:
            raise ValueError("there is no summary of this kind")
        counts: dict[str, Any] = {name: _count_in(value, name) for name in _COUNTS}
        summary = cls(
            kind,
            **counts,
            seconds=_seconds_in(value),
            failed_items=_items_in(value),
            manifest=value.get("manifest"),
            unsent=unsent if type(unsent) is int and 0 <= unsent <= counts["failed"] else 0,
        )
        if len(summary.failed_items) > summary.bad:
            raise ValueError(f"the summary describes {len(summary.failed_items)} failed items, more than it counts")
        causes = Causes.read(value.get("causes"), items=summary.failed_items, bad=summary.bad)
        return replace(summary, causes=causes.to_json())

    def check_outcome(self, outcome: Outcome) -> None:
        """Refuse an outcome that the counts contradict: above all a success with a job that did not complete."""
        if self.left < 0:
            raise ValueError(f"the event's summary counts {self.ended} jobs of {self.total}")
        if outcome is Outcome.COMPLETED and (self.bad or self.left):
            well = self.completed + self.skipped
            raise ValueError(f"the event says completed, but only {well} of {self.total} jobs are")
        if outcome is Outcome.FAILED and not self.bad:
            raise ValueError("the event says failed, but names no job that is")


class FirstItems:
    """
    The first failed items, as many as a summary carries.

    One that does not fit any more is left out, and a smaller one after it may still fit. So the list is the same
    whether it is made at once or bit by bit, or made again of what it holds and of what it has left out.
    """

    def __init__(self, items: Iterable[Mapping[str, Any]] = ()) -> None:
        self.items: list[dict[str, Any]] = []
        self._size = 0
        for item in items:
            self.add(item)

    def add(self, item: Mapping[str, Any]) -> None:
        """Take an item if there is room for it, with text that every database and XCom backend can hold."""
        one = {key: storable(value) for key, value in item.items()}
        size = len(json.dumps(one))
        if len(self.items) < MOST_ITEMS and self._size + size <= MOST_ITEM_BYTES:
            self.items.append(one)
            self._size += size


def failed_item(job: Job) -> dict[str, Any]:
    """Return the work of a FAILED job, in the form that starts such a job, and its error."""
    problem = job.error
    return {
        "id": job.id,
        **job.item,
        "code": problem.code if problem else None,
        "message": (problem.message if problem else NO_REASON)[:MOST_MESSAGE],
    }


def not_sent(count: int) -> str:
    """Say after a number of failed items how many of them were never sent, if any were not."""
    return f" (of which {count} {'was' if count == 1 else 'were'} not sent)" if count else ""


def closing_line(summary: Summary) -> str:
    """Say in one line how a wait that ended well ended."""
    kind = summary.kind
    if not summary.total:
        return f"There were no {kind.plural}: nothing had to be done."
    took = f" in {duration(summary.seconds)}" if summary.seconds is not None else ""
    size = f", {human_bytes(summary.bytes)}" if summary.bytes else ""
    bad = [f"{summary.failed} failed{not_sent(summary.unsent)}"] if summary.failed else []
    bad += [f"{summary.missing} unknown to the platform"] if summary.missing else []
    others = f", {summary.skipped} skipped" if summary.skipped else ""
    others += f", {' and '.join(bad)} and tolerated" if bad else ""
    return f"{summary.completed} of {kind.count(summary.total)} completed{took}{size}{others}."


def failed_line(summary: Summary) -> str:
    """Say in one line how a wait for jobs that failed ended."""
    head = f"{summary.bad} of {summary.kind.count(summary.total)} did not complete{not_sent(summary.unsent)}."
    return joined(head, f"{summary.kind.still_running(summary.left)}." if summary.left else "")


def failure_table(summary: Summary, *, rows: int = MOST_ROWS) -> list[str]:
    """
    Return the lines that end the log of a failed wait.

    These are the causes, the largest first, each with its failed items, and the remedy once for each code. The row of
    an item has all that is known of it, so that a search of the log for its name finds it.
    """
    groups = summary.groups
    shares = shared_out(groups, rows)
    lines: list[str] = []
    advised: set[int | None] = set()
    for group, share in zip(groups, shares, strict=True):
        remedy = REMEDIES.get(group.code) if group.code is not None and group.code not in advised else None
        advice = f"What to do about {group.code}: {remedy.text}" if remedy is not None else ""
        advised.add(group.code)
        named = [f"  {describe_item(item, summary.kind)}" for item in group.items[:share]]
        if group.count == 1 and named:
            lines += named + ([f"  {advice}"] if advice else [])
            continue
        lines += [f"  {cause_words(group)}. {advice}".rstrip(), *(f"  {row}" for row in named)]
        if named and group.count > share:
            lines.append(f"    ... and {group.count - share} more")
    if sum(group.count for group in groups) > sum(shares) and summary.failed_items:
        lines.append(f"  XCom 'cgc_summary' has {len(summary.failed_items)} of them.")
    return lines + [f"  {line}" for line in [manifest_line(summary)] if lines and line]


def manifest_line(summary: Summary) -> str:
    """Name the manifest with all items, if there is one."""
    where = one_line(summary.manifest, LONGEST_ROW)
    return f"All items, each with its outcome, are in the manifest {where}" if where else ""


def cause_words(group: Group) -> str:
    """Return the number of a cause's failures, and its name."""
    if group.is_uncounted:
        return f"{group.count} not counted by cause"
    message = group.message.removesuffix(".")
    cause = f": {message}" if group.code is None else f" with {group.code} ({message})"
    return one_line(f"{group.count}{cause}", LONGEST_ROW)


def shared_out(groups: Sequence[Group], rows: int) -> list[int]:
    """Share rows out among the causes: one for each as far as they reach, the largest causes first, then in turn."""
    shares = [0] * len(groups)
    while rows > sum(shares) and (short := [n for n, one in enumerate(groups) if shares[n] < len(one.items)]):
        for number in short[: rows - sum(shares)]:
            shares[number] += 1
    return shares


def name_item(item: Mapping[str, Any], kind: JobKind) -> str:
    """Name one item in one line, whatever its key holds: its key, and where from or to."""
    name = str(item.get("name") or "")
    where = str(item.get(kind.title) or name or item.get("id") or "")
    shown = f" ({name})" if not where.rstrip("/").endswith(name) else ""
    others = "".join(f", {word} {item[key]}" for key, word in kind.about if item.get(key))
    return one_line(f"{where}{shown}{others}".removeprefix(", "), LONGEST_ROW)


def describe_item(item: Mapping[str, Any], kind: JobKind) -> str:
    """Name one failed item in one line, and say what the platform said."""
    code = f"{item['code']}: " if item.get("code") is not None else ""
    return one_line(f"{name_item(item, kind)}: {code}{item['message']}", LONGEST_ROW)


def _count_in(summary: Mapping[str, Any], name: str) -> int:
    count = summary.get(name)
    if type(count) is not int or count < 0:
        raise ValueError(f"the summary has {count!r} for {name!r}, not a count")
    return count


def _seconds_in(summary: Mapping[str, Any]) -> float | None:
    seconds: float | None = summary.get("seconds")
    if seconds is not None and not (is_number(seconds) and seconds >= 0):
        raise ValueError(f"the summary has {seconds!r} for 'seconds', not a duration")
    return seconds


def _items_in(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    items = summary.get("failed_items")
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise ValueError("the summary has no list of failed items")
    return [_item(item) for item in items]


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in what the table of failures needs, should another release have left it out."""
    code, message = item.get("code"), item.get("message")
    known = {
        "code": code if isinstance(code, int) else None,
        "message": message if isinstance(message, str) else NO_REASON,
    }
    return {**item, **known}


def is_number(value: Any) -> bool:
    """Tell a number from anything else that JSON may hold; true, false and what no float can hold are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
