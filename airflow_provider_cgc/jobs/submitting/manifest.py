"""A manifest: a table or JSON lines of the files to move, and the JSON lines that tell what became of each.

Takes and gives lines of text; where they are kept is the caller's business.

Tables (CSV, TSV) have a line of column names, which lines that start with "#" may precede: further down, such a line
could be a file's. A row is one line; a cell with quotes, a delimiter or JSON in it stands in quotes, with those inside
doubled. A JSON line is an item, or an outcome that was written here. Blank lines and a byte order mark do not count.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from typing import Any, Literal, TypeVar

from airflow_provider_cgc.jobs.exports.item import Item, item_from
from airflow_provider_cgc.jobs.submitting.items import BadItem, BadItems
from airflow_provider_cgc.jobs.text import counted, shown

T = TypeVar("T")
Form = Literal["csv", "tsv", "jsonl"]

VERSION = 1
"""Of the lines written here. It changes when a key changes its meaning; keys that are new are no reason."""
_BEGINNING = '{"version": '

_FORMS: dict[str, Form] = {".csv": "csv", ".tsv": "tsv", ".txt": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
"""By the end of a name; the manifests of the GDC are named .txt and hold tabs."""
_DELIMITERS = {"csv": ",", "tsv": "\t"}
_COLUMNS = ("location", "volume")


class ItemState(StrEnum):
    """How one item stands: the platform's word for its job, or ours."""

    UNSENT = "UNSENT"
    """Sending stopped before its turn."""
    SUBMITTED = "SUBMITTED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    UNKNOWN = "UNKNOWN"
    """A word that this release does not know: the job may well be running."""
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    """Nothing had to be done: the object is there."""
    MISSING = "MISSING"
    """The platform does not know the job."""

    @property
    def failed(self) -> bool:
        """True if the item was given up without its object being there: what "failed only" takes."""
        return self in (ItemState.UNSENT, ItemState.FAILED, ItemState.MISSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemOutcome:
    """What became of one item: a line of the manifest. `id` is the job's, `size` in bytes, times are the platform's."""

    file: str
    location: str | None = None
    volume: str | None = None
    properties: dict[str, Any] | None = field(default=None, hash=False)
    state: ItemState
    id: str | None = None
    code: int | None = None
    message: str | None = None
    size: int | None = None
    started_on: datetime | None = None
    finished_on: datetime | None = None
    user: str | None = None
    conn_id: str | None = None
    copy_only: bool | None = None
    location_template: str | None = None
    """By what an item that has no location was to get one, so that it gets no other when it is tried again."""
    task: dict[str, Any] | None = field(default=None, hash=False)
    """Whose retry goes on from here: `id` names the task of one Dag run, `max_tries` tells a Clear from a retry, and
    `succeeded` is true once there is nothing to go on with."""

    def item(self, *, line: str = "") -> Item:
        """Return what was asked for, to ask for it again."""
        return Item(
            self.file,
            self.location,
            self.volume,
            self.properties,
            size=self.size,
            location_template=self.location_template,
            line=line,
        )

    def to_line(self) -> str:
        """Return the line of the manifest, in ASCII, so that a line cut off anywhere can still be decoded."""
        values = {key: getattr(self, key) for key in _KEYS}
        values |= {"started_on": _written(self.started_on), "finished_on": _written(self.finished_on)}
        return json.dumps({"version": VERSION} | values, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> ItemOutcome:
        """Read a line again; keys that a newer release added are ignored. Raises BadItem."""
        if "version" not in raw:
            raise BadItem(
                "has no outcome; give the manifest that an export wrote to its manifest_path (a list by"
                " CgcListFilesOperator has no outcomes)"
            )
        if raw["version"] != VERSION:
            raise BadItem(
                f"has version {shown(raw['version'])}, and this release reads the outcomes of version {VERSION};"
                " upgrade the provider"
            )
        asked = ("file", "location", "volume", "properties", "location_template")
        item = item_from({key: raw.get(key) for key in asked})
        return cls(
            file=item.file,
            location=item.location,
            volume=item.volume,
            properties=item.properties,
            state=_state(_typed(raw, "state", str)),
            id=_typed(raw, "id", str),
            code=_typed(raw, "code", int),
            message=_typed(raw, "message", str),
            size=_typed(raw, "size", int),
            started_on=_time(raw, "started_on"),
            finished_on=_time(raw, "finished_on"),
            user=_typed(raw, "user", str),
            conn_id=_typed(raw, "conn_id", str),
            copy_only=_typed(raw, "copy_only", bool),
            location_template=item.location_template,
            task=_typed(raw, "task", dict),
        )


_KEYS = tuple(entry.name for entry in fields(ItemOutcome))


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a manifest tells; `cut_off` says so if its last line ends halfway: whoever wrote it was killed."""

    outcomes: list[ItemOutcome]
    cut_off: str | None = None


def read_items(lines: Iterable[str], *, name: str, form: Form | None = None) -> list[Item]:
    """
    Return the items of a manifest; `lines` are read once, one at a time, and may end in any line ending.

    `name` is for messages, and its end tells the form unless `form` does. In a table the columns `file` (or `id`, where
    there is none), `location`, `volume` and `properties` (JSON) count, and an empty cell is one that says nothing;
    other columns are ignored. Nothing at all is a manifest without items, in every form.

    Raises BadItems with all that is wrong, by line. A last line that is cut off is wrong, too: items are lost.
    """
    numbered = _numbered(lines)
    form = form or form_of(name)
    first = next(numbered, None)
    if first is None:
        return []
    numbered = chain([first], numbered)
    if form == "jsonl":
        items, problems, cut_off = _each(numbered, _json_item)
    elif form not in _DELIMITERS:
        raise BadItems(name, [f"the form {form!r} is unknown; tell csv, tsv or jsonl"])
    else:
        items, problems, cut_off = _each(numbered, _Table.of(numbered, _DELIMITERS[form], name=name).item)
    problems += [cut_off] if cut_off else []
    if problems:
        raise BadItems(name, problems)
    return [item for item in items if item is not None]


def read_outcomes(lines: Iterable[str], *, name: str) -> Outcomes:
    """
    Return what `ItemOutcome.to_line` wrote. The lines must come with their ends: a last one without may be cut off.

    Raises BadItems with all that is wrong, by line.
    """
    outcomes, problems, cut_off = _each(_numbered(lines), lambda text, line: ItemOutcome.from_json(_object(text)))
    if problems:
        raise BadItems(name, problems)
    return Outcomes(outcomes, cut_off)


class _CutOff(BadItem):
    """The line is the beginning of one that was written here."""


def _numbered(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    if isinstance(lines, str):
        raise TypeError("give the lines of the text, not the text")
    for number, text in enumerate(lines, start=1):
        text = text.removeprefix("\ufeff") if number == 1 else text
        if text.strip():
            yield number, text


def _each(numbered: Iterable[tuple[int, str]], read: Callable[[str, str], T]) -> tuple[list[T], list[str], str | None]:
    """Read line by line: what came out, what is wrong, and whether the last line is cut off. `read` raises BadItem."""
    results: list[T] = []
    problems: list[str] = []
    cut_off: str | None = None
    for number, text in numbered:
        if cut_off:  # ... but it was not the last line, so it is broken
            problems.append(cut_off)
            cut_off = None
        line = f"line {number}"
        try:
            results.append(read(text, line))
        except _CutOff as error:
            cut_off = f"{line} {error}"
        except BadItem as error:
            problems += [f"{line} {problem}" for problem in error.problems]
    return results, problems, cut_off


@dataclass(frozen=True, slots=True)
class _Table:
    """The columns of a CSV or TSV manifest, and how a row of them is read."""

    delimiter: str
    columns: tuple[str, ...]
    file: str
    """The column that holds the ids of the files."""

    @classmethod
    def of(cls, numbered: Iterator[tuple[int, str]], delimiter: str, *, name: str) -> _Table:
        """Read up to the line with the names of the columns. Raises BadItems: without it no row can be read."""
        for number, text in numbered:
            if text.startswith("#"):
                continue
            try:
                columns = tuple(cell.strip().lower() for cell in _cells(text, delimiter))
                return cls(delimiter, columns, _file_column(columns, delimiter))
            except BadItem as error:
                raise BadItems(name, [f"line {number} {error}"]) from None
        raise BadItems(name, ["there is no line with the names of the columns; begin with one, such as 'file'"])

    def item(self, text: str, line: str) -> Item | None:
        """Read one row; None for a row of empty cells, as spreadsheets leave them."""
        cells = _cells(text, self.delimiter)
        if not any(cells):
            return None
        if len(cells) != len(self.columns):
            few = "add what is missing" if len(cells) < len(self.columns) else "put what holds a delimiter in quotes"
            raise BadItem(
                f"has {counted(len(cells), 'field')}, and the line of column names has {len(self.columns)}; {few}"
            )
        row = dict(zip(self.columns, cells, strict=True))
        entry: dict[str, Any] = {key: _exact(key, row[key]) for key in _COLUMNS if row.get(key)}
        if row.get("properties"):
            entry["properties"] = _json(row["properties"], "has 'properties' that are")
        return item_from({"file": row[self.file], **entry}, line=line)


def _file_column(columns: tuple[str, ...], delimiter: str) -> str:
    for key in ("file", *_COLUMNS, "properties"):
        if columns.count(key) > 1:
            raise BadItem(f"has the column {key!r} more than once; keep one")
    for key in ("file", "id"):
        if columns.count(key) == 1:
            return key
    if columns[0].startswith("{"):
        raise BadItem("is JSON; let the name of the manifest end in .jsonl, which tells its form")
    raise BadItem(
        f"has no column 'file' with the ids of the files (or one 'id'), but, with {delimiter!r} between them,"
        f" {shown(list(columns))}; add it, or put that between them that its name says: commas in a .csv, tabs in a"
        " .tsv, JSON lines in a .jsonl"
    )


def _cells(text: str, delimiter: str) -> list[str]:
    """Split one line. A reader of its own for each keeps a stray quote from swallowing the lines that follow."""
    try:
        return next(csv.reader([text.rstrip("\r\n")], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise BadItem(
            f"is no row of a table ({error}); a cell in quotes begins and ends on one line, with quotes inside doubled"
        ) from None


def _exact(key: str, cell: str) -> str:
    # A space beside a delimiter is nearly always for the eye, and would be part of the object's name for good.
    if cell != cell.strip():
        raise BadItem(
            f"has white space around the {key!r} {shown(cell)}; remove it (a JSON line may say so if it is meant)"
        )
    return cell


def _json_item(text: str, line: str) -> Item | None:
    raw = _object(text)
    if "version" in raw:
        return ItemOutcome.from_json(raw).item(line=line)
    if "file" not in raw and "id" in raw:
        raw = {**raw, "file": raw["id"]}
    return item_from(raw, line=line)


def _object(text: str) -> dict[str, Any]:
    try:
        raw = _json(text, "is")
    except BadItem:
        if not text.endswith("\n") and (text.startswith(_BEGINNING) or _BEGINNING.startswith(text)):
            raise _CutOff("is cut off: whoever wrote it was stopped, and what followed is lost") from None
        raise
    if not isinstance(raw, dict):
        raise BadItem(f"is {shown(raw)}, and no JSON object; write one object for each item")
    return raw


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        reason = f"{error.msg.removesuffix(' at')} at character {error.pos + 1}"
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets without end
        reason = type(error).__name__
    raise BadItem(f"{what} no JSON ({reason}): {shown(text.strip())}; correct or remove it")


def form_of(name: str) -> Form:
    """Return the form that a manifest's name tells by its end. Raises BadItems."""
    for end, form in _FORMS.items():
        if name.lower().endswith(end):
            return form
    raise BadItems(name, [f"the name does not tell the form; let it end in {', '.join(_FORMS)}"])


def _state(text: str | None) -> ItemState:
    if text is None:
        raise BadItem("has no 'state'; correct it, or remove the line")
    return ItemState(text) if text in ItemState.__members__ else ItemState.UNKNOWN


def _typed(raw: Mapping[str, Any], key: str, kind: type[T]) -> T | None:
    value = raw.get(key)
    if value is None or type(value) is kind:  # an exact look, because True is an int
        return value
    raise BadItem(f"has {shown(value)} for {key!r}, of type {type(value).__name__}, not {kind.__name__}; correct it")


def _time(raw: Mapping[str, Any], key: str) -> datetime | None:
    text = _typed(raw, key, str)
    try:
        return None if text is None else _in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise BadItem(f"has {shown(text)} for {key!r}, which is no time; write it like 2025-01-31T12:00:00Z") from None


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else _in_utc(moment).isoformat().replace("+00:00", "Z")


def _in_utc(moment: datetime) -> datetime:
    """Return the moment by the platform's clock; a time that does not say where is by it already."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
