"""A manifest: a table or JSON lines of items, and the JSON lines that tell the outcome of each.

Takes and gives lines of text; where they are kept is the caller's business.

Tables (CSV, TSV) have a line of column names, which lines that start with "#" may precede: further down, such a line
could be a file's. A row is one line; a cell with quotes, a delimiter or JSON in it stands in quotes, with those inside
doubled. A JSON line is an item, or an outcome that was written here. Blank lines and a byte order mark do not count.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, TypeVar, cast

from airflow_provider_cgc.jobs.submitting.items import BadItem, BadItems, Item, ItemT
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome
from airflow_provider_cgc.jobs.text import counted, shown

T = TypeVar("T")
Form = Literal["csv", "tsv", "jsonl"]

_BEGINNING = '{"version": '

_FORMS: dict[str, Form] = {".csv": "csv", ".tsv": "tsv", ".txt": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
"""By the end of a name; the manifests of the GDC are named .txt and hold tabs."""
_DELIMITERS = {"csv": ",", "tsv": "\t"}


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The outcomes in a manifest; `cut_off` says so if its last line ends halfway: whoever wrote it was killed."""

    outcomes: list[ItemOutcome]
    cut_off: str | None = None


def read_items(lines: Iterable[str], *, name: str, of: type[ItemT], form: Form | None = None) -> list[ItemT]:
    """
    Return the items of a manifest; `lines` are read once, one at a time, and may end in any line ending.

    `name` is for messages, and its end tells the form unless `form` does; `of` is what they are read as. In a table its
    `COLUMNS` count, and an empty cell is one that says nothing; other columns are ignored. Nothing at all is a manifest
    without items, in every form.

    Raises BadItems with all that is wrong, by line. A last line that is cut off is wrong, too: items are lost.
    """
    numbered = _numbered(lines)
    form = form or form_of(name)
    first = next(numbered, None)
    if first is None:
        return []
    numbered = chain([first], numbered)
    if form == "jsonl":
        items, problems, cut_off = _each(numbered, lambda text, line: _json_item(text, line, of))
    elif form not in _DELIMITERS:
        raise BadItems(name, [f"the form {form!r} is unknown; tell csv, tsv or jsonl"])
    else:
        items, problems, cut_off = _each(numbered, _Table.of(numbered, _DELIMITERS[form], of=of, name=name).item)
    problems += [cut_off] if cut_off else []
    if problems:
        raise BadItems(name, problems)
    return [cast(ItemT, item) for item in items if item is not None]


def read_outcomes(lines: Iterable[str], *, name: str, of: type[Item]) -> Outcomes:
    """
    Return what `ItemOutcome.to_line` wrote. The lines must come with their ends: a last one without may be cut off.

    Raises BadItems with all that is wrong, by line.
    """
    numbered = _numbered(lines)
    outcomes, problems, cut_off = _each(
        numbered, lambda text, line: ItemOutcome.from_json(_object(text), of=of, line=line)
    )
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
    item_class: type[Item]
    first: str
    """The column that holds the values of the first of the item's own columns."""

    @classmethod
    def of(cls, numbered: Iterator[tuple[int, str]], delimiter: str, *, of: type[Item], name: str) -> _Table:
        """Read up to the line with the names of the columns. Raises BadItems: without it no row can be read."""
        for number, text in numbered:
            if text.startswith("#"):
                continue
            try:
                columns = tuple(cell.strip().lower() for cell in _cells(text, delimiter))
                return cls(delimiter, columns, of, _first_column(columns, delimiter, of))
            except BadItem as error:
                raise BadItems(name, [f"line {number} {error}"]) from None
        first = of.COLUMNS[0]
        raise BadItems(name, [f"there is no line with the names of the columns; begin with one, such as {first!r}"])

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
        name, *others = self.item_class.COLUMNS
        entry: dict[str, Any] = {name: row[self.first]}
        for key in others:
            if row.get(key):
                in_json = key in self.item_class.JSON_COLUMNS
                entry[key] = _json(row[key], f"has {key!r} that are") if in_json else _exact(key, row[key])
        return self.item_class.read(entry, line)


def _first_column(columns: tuple[str, ...], delimiter: str, of: type[Item]) -> str:
    for key in of.COLUMNS:
        if columns.count(key) > 1:
            raise BadItem(f"has the column {key!r} more than once; keep one")
    name = of.COLUMNS[0]
    also = of.ALSO.get(name)
    for key in filter(None, (name, also)):
        if columns.count(key) == 1:
            return key
    if columns[0].startswith("{"):
        raise BadItem("is JSON; let the name of the manifest end in .jsonl, which tells its form")
    other = f" (or {also!r})" if also else ""
    raise BadItem(
        f"has no column {name!r}{other}, but, with {delimiter!r} between them, {shown(list(columns))}; add it, or put"
        " that between them that its name says: commas in a .csv, tabs in a .tsv, JSON lines in a .jsonl"
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


def _json_item(text: str, line: str, of: type[Item]) -> Item | None:
    raw = _object(text)
    if "version" in raw:
        return ItemOutcome.from_json(raw, of=of).again(line=line)
    return of.read({**{key: raw[also] for key, also in of.ALSO.items() if also in raw}, **raw}, line)


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
