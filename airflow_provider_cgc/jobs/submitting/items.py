"""The items of a task, of any kind of job: reading a list of them, and the errors of a wrong one.

A value that cannot be an item is refused before anything is sent. The items of a kind are in `jobs/<kind>/item.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from airflow_provider_cgc.jobs.ids import BadIds, flatten, is_uri, literal
from airflow_provider_cgc.jobs.text import BadInput, shown

T = TypeVar("T")
ItemT = TypeVar("ItemT", bound="Item")
Key = tuple[str, ...]
"""The identity of a job: two with the same key are the same one. A NamedTuple of each kind."""

MANIFEST_ENDS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson")
"""File extensions of manifests."""
MOST_SHOWN = 10
"""Problems that an error's text spells out at most; the others are counted."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to start a job for; a frozen dataclass of each kind. A field that is None is not known yet."""

    size: int | None = field(default=None, kw_only=True)
    """Bytes."""
    line: str = field(default="", compare=False, kw_only=True)
    """Its position in its source, for messages: "item 3" of a list, "line 3" of a manifest."""

    ASKED: ClassVar[tuple[str, ...]] = ()
    """The fields that a line of a manifest keeps."""
    COLUMNS: ClassVar[tuple[str, ...]] = ()
    """The columns of a table that are read; the first one is required."""
    JSON_COLUMNS: ClassVar[tuple[str, ...]] = ()
    """Those of the columns whose cells are JSON."""
    ALSO: ClassVar[Mapping[str, str]] = {}
    """Other names of columns, for tables from other tools."""
    FURTHER: ClassVar[str] = ""
    """The field that takes the further columns of a table, if there is one."""
    HAS_RESULT: ClassVar[bool] = False
    """Its job makes something that other tasks take as an item."""

    @classmethod
    def read(cls: type[ItemT], entry: object, line: str = "") -> ItemT:
        """Read one entry of a list. Raises BadItem with everything that is wrong with it."""
        raise NotImplementedError

    @classmethod
    def read_line(cls: type[ItemT], raw: Mapping[str, Any], line: str = "") -> ItemT:
        """Read the item in a line of a manifest. Raises BadItem."""
        return cls.read({key: raw.get(key) for key in cls.ASKED}, line)

    def key(self) -> Key | None:
        """Return its key; None while a part of the key is not known."""
        raise NotImplementedError

    def named(self) -> str:
        """Name it for a message."""
        return str(self.asked())

    def asked(self) -> dict[str, Any]:
        """Return the item as it was asked for, in the form that starts such a job."""
        return {key: value for key in self.ASKED if (value := getattr(self, key)) is not None}


class BadItem(ValueError):
    """One entry is no item; each of its `problems` follows "item 3 " or "line 3 "."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("; it ".join(problems))


class BadItems(BadInput):
    """
    All problems of the items, one sentence each in `problems`; `str()` shows ten and counts the others.

    `head` comes before them, such as the number of items that cannot be started.
    """

    def __init__(self, where: str, problems: Sequence[str], head: str = "") -> None:
        self.where, self.problems, self.head = where, tuple(problems), head
        super().__init__(_listed(where, self.problems, head))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.where, self.problems, self.head)


def read_each(
    value: Any, *, where: str, read: Callable[[object, str], T], check: Callable[[T], Sequence[str]] | None = None
) -> list[T]:
    """
    Return the items that `value` stands for, in order; duplicates are kept.

    :param value: an item or a list of items (lists of lists, as a mapped upstream task gives them, are flattened), or
        text of it: JSON, a Python literal (as a Jinja template renders it), or ids separated by commas or white space.
    :param where: the argument, for messages.
    :param read: reads one entry, given its name, such as "item 3"; raises BadItem.
    :param check: returns further problems of an item that was read.
    :raises BadItems: with everything that is wrong; items are counted from 1.
    """
    items: list[T] = []
    problems: list[str] = []
    try:
        for position, entry in enumerate(_entries(value), start=1):
            line = f"item {position}"
            try:
                items.append(read(entry, line))
                wrong = check(items[-1]) if check else ()
            except BadItem as error:
                wrong = error.problems
            problems += [f"{line} {problem}" for problem in wrong]
    except BadIds as error:
        # The reason is in the text; a second traceback would only hide it.
        raise BadItems(where, [*problems, str(error)]) from None
    if problems:
        raise BadItems(where, problems)
    return items


def parted(value: Any) -> tuple[list[str], Any]:
    """
    Separate addresses of manifests from items: a mapped `CgcListFilesOperator` may return both.

    A value that cannot be read is left to `read_each`, which says why.
    """
    if is_uri(value):
        return [value.strip()], []
    try:
        entries = list(_entries(value))
    except BadIds:
        return [], value
    addresses = [entry.strip() for entry in entries if is_uri(entry)]
    return addresses, [entry for entry in entries if not is_uri(entry)]


def _entries(value: Any) -> Iterator[Any]:
    if isinstance(value, str) and _is_object(value.strip()):
        try:
            value = literal(value.strip())
        except BadIds:
            raise BadIds(
                f"starts like an item, but is neither JSON nor a Python dict: {shown(value)}; give several items as"
                " one list"
            ) from None
    if isinstance(value, Mapping):
        yield value
    else:
        yield from flatten(value)


def _is_object(text: str) -> bool:
    # Two braces are a template that was not rendered; the reader of ids says so.
    return text.startswith("{") and not text.startswith("{{")


def is_json(value: Any) -> bool:
    """Return True if JSON can hold a value as it is."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def listed(problems: Sequence[str]) -> list[str]:
    """Return the lines of a list of problems: the first ten, and the number of the others."""
    rows = [f"- {problem}" for problem in problems[:MOST_SHOWN]]
    return [*rows, f"- and {len(problems) - MOST_SHOWN} more"] if len(problems) > MOST_SHOWN else rows


def _listed(where: str, problems: Sequence[str], head: str) -> str:
    if len(problems) == 1:
        return ": ".join(filter(None, (where, head, problems[0])))
    return "\n".join([f"{where}: {head or f'{len(problems)} problems'}", *listed(problems)])
