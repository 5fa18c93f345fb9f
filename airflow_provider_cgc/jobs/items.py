"""What a user may write where files to move are wanted, and the flat list of items that it means.

Refuses what cannot be an item before anything is sent. Knows no rule for keys (`jobs/locations.py`), and of files only
the ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from airflow_provider_cgc.jobs.ids import BadIds, flatten, id_problem, is_uri, literal
from airflow_provider_cgc.jobs.text import shown

MOST_SHOWN = 10
"""Problems that an error's text spells out; the others are counted."""


@dataclass(frozen=True, slots=True)
class Item:
    """One file to move and where to; what is None is for the operator's arguments to say, or for a look-up."""

    file: str
    location: str | None = None
    volume: str | None = None
    properties: dict[str, Any] | None = field(default=None, hash=False)
    name: str | None = None
    size: int | None = None
    """Bytes."""
    path: str | None = None
    """The folders below the project, joined by slashes; "" is the project itself, None is not known."""
    project: str | None = None
    location_template: str | None = None
    """In place of the operator's `location`: what a failed item that had no location was to get one by."""
    line: str = field(default="", compare=False)
    """Where it came from, for messages: "item 3" of a list, "line 3" of a manifest."""

    def to_json(self) -> dict[str, Any]:
        """Return what is known as plain JSON, in the form that `parse_items` takes."""
        return {key: getattr(self, key) for key in KEYS if getattr(self, key) is not None}


KEYS = tuple(entry.name for entry in fields(Item) if entry.name != "line")
"""What an item may say ..."""
IGNORED = frozenset(
    {"id", "code", "message", "state", "started_on", "finished_on", "user", "conn_id", "copy_only", "task", "version"}
)
"""... and what else the failed items of a summary and the lines of a manifest say, of an earlier try."""


class BadItem(ValueError):
    """One entry is no item; the text goes on where "item 3 " or "line 3 " begins."""


class BadItems(ValueError):
    """
    All that is wrong with the items, one sentence each in `problems`; `str()` shows ten and counts the others.

    `head` says before them how many items that is too many.
    """

    def __init__(self, where: str, problems: Sequence[str], head: str = "") -> None:
        self.where, self.problems, self.head = where, tuple(problems), head
        super().__init__(_listed(where, self.problems, head))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.where, self.problems, self.head)


def parse_items(value: Any, *, where: str) -> list[Item]:
    """
    Return the items that `value` stands for, in order; duplicates are kept, `jobs.locations.targets` finds them.

    File ids, item dicts or both: a list, lists of lists (flattened: what a mapped upstream task gives), a single one,
    or text of any of these: JSON, a Python literal (what a Jinja template renders to), or ids separated by commas or
    white space. The `failed_items` of a summary are items, too.

    `where` names the argument for messages. Raises BadItems with all that is wrong; items are counted from 1.
    """
    items: list[Item] = []
    problems: list[str] = []
    try:
        for position, entry in enumerate(_entries(value), start=1):
            line = f"item {position}"
            try:
                items.append(item_from(entry, line=line))
            except BadItem as error:
                problems.append(f"{line} {error}")
    except BadIds as error:
        # The reason is in the text; a second traceback would only hide it.
        raise BadItems(where, [*problems, str(error)]) from None
    if problems:
        raise BadItems(where, problems)
    return items


def parted(value: Any) -> tuple[list[str], Any]:
    """
    Part the addresses of manifests from the items: a mapped `CgcListFilesOperator` returns some of each.

    What cannot be read is left to `parse_items`, which says why.
    """
    if is_uri(value):
        return [value.strip()], []
    try:
        entries = list(_entries(value))
    except BadIds:
        return [], value
    places = [entry.strip() for entry in entries if is_uri(entry)]
    return places, [entry for entry in entries if not is_uri(entry)]


def item_from(entry: object, *, line: str = "") -> Item:
    """Read one entry: a file's id, or a dict of what an item says. Raises BadItem."""
    if not isinstance(entry, Mapping):
        return Item(_file_id(entry), line=line)
    _refuse_unknown(entry)
    return Item(
        file=_file_id_of(entry),
        location=_given(entry, "location"),
        volume=_given(entry, "volume"),
        properties=_properties(entry),
        name=_text(entry, "name") or None,
        size=_size(entry),
        path=_text(entry, "path"),
        project=_text(entry, "project") or None,
        location_template=_given(entry, "location_template"),
        line=line,
    )


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


def _refuse_unknown(entry: Mapping[Any, Any]) -> None:
    if "failed_items" in entry:
        raise BadItem("is a whole summary; give its 'failed_items', or its manifest if it counts more than these")
    unknown = sorted(str(key) for key in entry if key not in IGNORED and key not in KEYS)
    if unknown:
        named = f"{shown(unknown[:MOST_SHOWN])}, which no item knows"
        raise BadItem(f"has {named}; correct or remove it: an item may say {', '.join(KEYS)}")


def _file_id_of(entry: Mapping[Any, Any]) -> str:
    if "file" not in entry:
        raise BadItem("has no 'file'; give the id of the file there")
    if entry["file"] is None:
        raise BadItem(
            "has None for 'file': nothing tells which file this was about (the platform did not know the job); leave"
            " it out, or take the file from the manifest or the list that the job was started from"
        )
    try:
        return _file_id(entry["file"])
    except BadItem as error:
        raise BadItem(f"has a 'file' that {error}") from None


def _file_id(value: object) -> str:
    problem = id_problem(value)
    if problem or not isinstance(value, str):
        raise BadItem(f"{problem}; give the file's id as the platform shows it")
    return value


def _given(entry: Mapping[Any, Any], key: str) -> str | None:
    text = _text(entry, key)
    if text == "":
        raise BadItem(f"has an empty {key!r}; leave it out to get what the operator's arguments say")
    return text


def _text(entry: Mapping[Any, Any], key: str) -> str | None:
    value = entry.get(key)
    if value is not None and not isinstance(value, str):
        raise BadItem(f"has {shown(value)} for {key!r}, of type {type(value).__name__}; give text, or leave it out")
    return value


def _size(entry: Mapping[Any, Any]) -> int | None:
    value = entry.get("size")
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise BadItem(f"has {shown(value)} for 'size'; give the number of bytes, or leave it out")


def _properties(entry: Mapping[Any, Any]) -> dict[str, Any] | None:
    value = entry.get("properties")
    if value is None:
        return None
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise BadItem(f"has {shown(value)} for 'properties', which is no object with text for keys; give one")
    try:
        json.dumps(dict(value), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise BadItem(f"has 'properties' that JSON cannot hold: {shown(value)}; give plain values") from None
    return dict(value)


def listed(problems: Sequence[str]) -> list[str]:
    """Return the lines of a list of problems: ten of them, and how many more there are."""
    rows = [f"- {problem}" for problem in problems[:MOST_SHOWN]]
    return [*rows, f"- and {len(problems) - MOST_SHOWN} more"] if len(problems) > MOST_SHOWN else rows


def _listed(where: str, problems: Sequence[str], head: str) -> str:
    if len(problems) == 1:
        return ": ".join(filter(None, (where, head, problems[0])))
    return "\n".join([f"{where}: {head or f'{len(problems)} problems'}", *listed(problems)])
