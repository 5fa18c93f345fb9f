"""Failures counted by their cause, so that a thousand of them read as the three things that are wrong.

A cause is the platform's code with its message, or the message alone. Messages that differ only by names, numbers and
ids are one. Counts are of all failures, also of those that no list has room for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from airflow_provider_cgc.jobs.text import storable

T = TypeVar("T")

MOST_CAUSES = 20
"""Different causes that are counted apart."""
MOST_BYTES = 4_500
"""The bytes of JSON that they may take together, for they are part of a trigger's row."""
MOST_MESSAGE = 300
"""Characters of the platform's message that a failure and a cause keep."""
UNCOUNTED = "Not counted by cause."
"""Stands for failures beyond those limits, and for those that an older release has counted."""
NO_REASON = "The platform gave no reason."

_QUOTED = re.compile(r"""(?<!\w)(?:'[^']*(?:'|$)|"[^"]*(?:"|$))""")
"""Text in quotes, also if it was cut off there."""
_WORD = re.compile(r"""[^\s'"]+""")
_PIECE = re.compile(rf"{_QUOTED.pattern}|{_WORD.pattern}|.", re.DOTALL)
"""A text in quotes, a word, or a single character between these."""
_VARIES = re.compile(r"\d|/|\w\.\w")
"""A number, an id, a path, a name with an extension."""


class Cause(NamedTuple):
    """One reason for failures: the platform's code, if any, and its message without what differs from job to job."""

    code: int | None
    pattern: str


@dataclass(frozen=True, slots=True)
class Group:
    """A cause as people read it, how many failures it has, and those of them that are listed."""

    code: int | None
    message: str
    count: int
    items: list[Mapping[str, Any]]

    @property
    def is_uncounted(self) -> bool:
        """Nothing is known of these failures but their number."""
        return self.code is None and self.message == UNCOUNTED


_REST = Cause(None, UNCOUNTED)
_FRAME = 60
"""Bytes of JSON around a message: its keys, the code and the count."""


class Causes:
    """The causes of the failures of one task and how often each was met; a few of them, the rest under `UNCOUNTED`."""

    def __init__(self) -> None:
        self._counts: dict[Cause, int] = {}
        self._messages: dict[Cause, str] = {}
        self._size = 0
        self._rest = 0

    @classmethod
    def of(cls, items: Iterable[Mapping[str, Any]]) -> Causes:
        """Count failed items."""
        causes = cls()
        for item in items:
            causes.add(item)
        return causes

    @classmethod
    def read(cls, stored: object, *, items: Sequence[Mapping[str, Any]], bad: int) -> Causes:
        """
        Go on from what `to_json` gave.

        Where it does not add up to the `bad` ones, or an older release has left it out, the listed `items` are counted
        instead: a wrong sum is not shown as one.
        """
        causes = cls()
        for one in stored if isinstance(stored, list) else ():
            count = one.get("count") if isinstance(one, Mapping) else None
            if type(count) is not int or count <= 0:
                break
            causes.add(one, count)
        if causes.total != bad:
            causes = cls.of(items[:bad])
            causes._rest += bad - causes.total
        return causes

    @classmethod
    def of_summary(cls, summary: Mapping[str, Any]) -> Causes:
        """Go on from the causes of an XCom `cgc_summary`, whichever release has written it."""
        bad = summary["failed"] + summary["missing"]
        return cls.read(summary.get("causes"), items=summary["failed_items"], bad=bad)

    @property
    def total(self) -> int:
        """The number of failures that were counted."""
        return sum(self._counts.values()) + self._rest

    def add(self, item: Mapping[str, Any], count: int = 1) -> None:
        """Count failures of one cause."""
        cause, message = cause_of(item), _message(item)
        if cause in self._counts:
            self._counts[cause] += count
            self._messages[cause] = in_common(self._messages[cause], message)
            return
        if cause == _REST or len(self._counts) >= MOST_CAUSES:
            self._rest += count
            return
        size = max(len(json.dumps(text)) for text in (message, cause.pattern)) + _FRAME
        if self._size + size > MOST_BYTES:
            self._rest += count
            return
        self._size += size
        self._counts[cause] = count
        self._messages[cause] = message

    def remove(self, item: Mapping[str, Any]) -> None:
        """Take a failure back that is none any more."""
        cause = cause_of(item)
        if cause not in self._counts:
            self._rest = max(self._rest - 1, 0)
        elif self._counts[cause] > 1:
            self._counts[cause] -= 1
        else:
            del self._counts[cause], self._messages[cause]

    def to_json(self) -> list[dict[str, Any]]:
        """Return the causes, the largest first; what was not counted apart comes last."""
        ordered = sorted(self._counts.items(), key=lambda pair: -pair[1])
        told = [{"code": one.code, "message": self._messages[one], "count": count} for one, count in ordered]
        return told + ([{"code": None, "message": UNCOUNTED, "count": self._rest}] if self._rest else [])


def cause_of(item: Mapping[str, Any]) -> Cause:
    """Return the cause of a failed item, or of one of the `causes` of a summary."""
    code = item.get("code")
    return Cause(code if type(code) is int else None, _pattern(_message(item)))


def causes_of(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the causes of an XCom `cgc_summary`, the largest first, whichever release has written it."""
    return Causes.of_summary(summary).to_json()


def groups_of(causes: Iterable[Mapping[str, Any]], items: Iterable[Mapping[str, Any]]) -> list[Group]:
    """Return causes, in their order, each with those of the failed `items` that are of it."""
    listed = grouped(items, of=lambda item: item)
    groups = []
    for one in causes:
        items = [] if one["message"] == UNCOUNTED else listed.pop(cause_of(one), [])
        groups.append(Group(one["code"], one["message"], one["count"], items))
    # What is listed, but was not counted apart: its cause came after too many others.
    if groups and groups[-1].is_uncounted:
        groups[-1].items.extend(item for items in listed.values() for item in items)
    return groups


def grouped(things: Iterable[T], *, of: Callable[[T], Mapping[str, Any]]) -> dict[Cause, list[T]]:
    """Group things by the cause of what `of` gives for each: the largest group first, each in the order given."""
    groups: dict[Cause, list[T]] = {}
    for thing in things:
        groups.setdefault(cause_of(of(thing)), []).append(thing)
    return dict(sorted(groups.items(), key=lambda pair: -len(pair[1])))


def in_common(one: str, other: str) -> str:
    """Return the text of two messages of one cause, with "..." only where they differ."""
    if one == other:
        return one
    pieces, others = _PIECE.findall(one), _PIECE.findall(other)
    common = "".join(piece if piece == its else "..." for piece, its in zip(pieces, others, strict=False))
    same = len(pieces) == len(others) and len(common) <= MOST_MESSAGE and _pattern(common) == _pattern(one)
    return common if same else _pattern(one)


def _message(item: Mapping[str, Any]) -> str:
    message = item.get("message")
    return storable(message[:MOST_MESSAGE]) if isinstance(message, str) and message.strip() else NO_REASON


@lru_cache(maxsize=1024)
def _pattern(message: str) -> str:
    """Return a message with "..." in place of what differs from one failure to the next."""
    before = ""
    while message not in (before, UNCOUNTED):  # a quote that was left alone may be one now
        before, message = message, _WORD.sub(_without_variables, _QUOTED.sub("...", message))[:MOST_MESSAGE]
    return message


def _without_variables(word: re.Match[str]) -> str:
    return "..." if _VARIES.search(word[0]) else word[0]
