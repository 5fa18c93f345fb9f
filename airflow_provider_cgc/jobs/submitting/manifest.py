"""A manifest: a table or JSON lines of items, or the JSON lines with the outcome of each item.

Takes and returns lines of text; the caller reads and writes them.

Tables (CSV, TSV) have a line of column names, which lines that start with "#" may precede; further down, such a line
could be an item. A row is one line; a cell with quotes, a delimiter or JSON in it is put in quotes, with quotes inside
doubled. A JSON line is an item, or an outcome that was written here. Blank lines and a byte order mark are ignored.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, TypeVar, cast

from airflow_provider_cgc.jobs.submitting.items import BadItem, BadItems, Item, ItemT
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, ItemState
from airflow_provider_cgc.jobs.text import counted, shown

T = TypeVar("T")
Form = Literal["csv", "tsv", "jsonl"]

_WITHOUT_RESULT = frozenset(state for state in ItemState if state.failed)
_BEGINNING = '{"version": '

_FORMS: dict[str, Form] = {".csv": "csv", ".tsv": "tsv", ".txt": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
"""By file extension; the manifests of the GDC are named .txt and contain tabs."""
_DELIMITERS = {"csv": ",", "tsv": "\t"}


def is_table(name: str) -> bool:
    """Return True if a name is that of a table."""
    return any(name.lower().endswith(end) for end, form in _FORMS.items() if form in _DELIMITERS)


def is_json_lines(name: str) -> bool:
    """Return True if a name is that of JSON Lines."""
    return any(name.lower().endswith(end) for end, form in _FORMS.items() if form not in _DELIMITERS)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The outcomes in a manifest; `cut_off` says so if the last line is incomplete, because its writer was killed."""

    outcomes: list[ItemOutcome]
    cut_off: str | None = None


def read_items(lines: Iterable[str], *, name: str, of: type[ItemT], form: Form | None = None) -> list[ItemT]:
    """
    Return the items of a manifest; `lines` are read once, one at a time, with any line ending.

    `name` is for messages, and its extension gives the form if `form` does not; `of` is the class of the items. In a
    table, only its `COLUMNS` are read, and an empty cell is a missing value. An empty file is a manifest without items,
    in every form.

    Raises BadItems with everything that is wrong, by line. An incomplete last line is wrong, too: items are lost.
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
        raise BadItems(name, [f"the form {form!r} is unknown; give csv, tsv or jsonl"])
    else:
        items, problems, cut_off = _each(numbered, _Table.of(numbered, _DELIMITERS[form], of=of, name=name).item)
    problems += [cut_off] if cut_off else []
    if problems:
        raise BadItems(name, problems)
    return [cast(ItemT, item) for item in items if item is not None]


def read_outcomes(lines: Iterable[str], *, name: str, of: type[Item]) -> Outcomes:
    """
    Return the outcomes that `ItemOutcome.to_line` wrote. Lines need their line endings: a last one without may be cut
    off.

    Raises BadItems with everything that is wrong, by line.
    """
    numbered = _numbered(lines)
    outcomes, problems, cut_off = _each(
        numbered, lambda text, line: ItemOutcome.from_json(_object(text), of=of, line=line)
    )
    if problems:
        raise BadItems(name, problems)
    return Outcomes(outcomes, cut_off)


def read_rows(lines: Iterable[str], *, name: str) -> list[dict[str, Any]]:
    """
    Return the items of a manifest of any kind as plain dicts, each with everything that its line has.

    Of lines with the outcomes of jobs that made something, these are the results; failed ones are left out then.
    In a table, the names of columns are in lower case, empty cells and white space around cells are left out, and cells
    that are JSON objects or lists are read as such. Raises BadItems with everything that is wrong, by line.
    """
    numbered = _numbered(lines)
    form = form_of(name)
    first = next(numbered, None)
    if first is None:
        return []
    numbered = chain([first], numbered)
    if form == "jsonl":
        rows, problems, cut_off = _each(numbered, lambda text, line: _made(_object(text)))
    else:
        delimiter = _DELIMITERS[form]
        number, columns = _header(numbered, delimiter, name)
        twice = next((column for column in columns if column and columns.count(column) > 1), None)
        if twice is not None:
            raise BadItems(name, [f"line {number} has the column {twice!r} more than once; keep one"])
        rows, problems, cut_off = _each(numbered, lambda text, line: _plain_row(text, delimiter, columns))
    problems += [cut_off] if cut_off else []
    if problems:
        raise BadItems(name, problems)
    return [row for row in rows if row]


def _made(row: dict[str, Any]) -> dict[str, Any] | None:
    """
    Return the result in the line of a job that makes something, None if it has made nothing; else the line.

    Raises BadItem if the result is not known: leaving it out would lose it.
    """
    if "version" not in row or "result" not in row:
        return row
    result, state = row["result"], row.get("state")
    if isinstance(result, dict):
        return result
    if state in _WITHOUT_RESULT or (state == ItemState.SKIPPED and row.get("code") is not None):
        return None
    raise BadItem(
        f"is of a job whose result is not known (state {shown(state)}), because its task did not wait, or has not"
        " succeeded; let it succeed first, or remove the line"
    )


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
    """Read line by line; return the results, the problems, and the error if the last line is cut off."""
    results: list[T] = []
    problems: list[str] = []
    cut_off: str | None = None
    for number, text in numbered:
        if cut_off:  # it was not the last line, so it is wrong
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
    """The columns of a CSV or TSV manifest; reads its rows."""

    delimiter: str
    columns: tuple[str, ...]
    item_class: type[Item]
    first: str
    """The column with the values of the first of the item's own columns; it may have another name."""

    @classmethod
    def of(cls, numbered: Iterator[tuple[int, str]], delimiter: str, *, of: type[Item], name: str) -> _Table:
        """Read up to the line with the names of the columns. Raises BadItems if there is none."""
        number, columns = _header(numbered, delimiter, name, first=of.COLUMNS[0])
        try:
            return cls(delimiter, columns, of, _first_column(columns, delimiter, of))
        except BadItem as error:
            raise BadItems(name, [f"line {number} {error}"]) from None

    def item(self, text: str, line: str) -> Item | None:
        """Read one row; None for a row of empty cells, as spreadsheets leave them."""
        row = _row(text, self.delimiter, self.columns)
        if row is None:
            return None
        name, *others = self.item_class.COLUMNS
        entry: dict[str, Any] = {name: row[self.first]}
        for key in others:
            if row.get(key):
                in_json = key in self.item_class.JSON_COLUMNS
                entry[key] = _json(row[key], f"has {key!r} that are") if in_json else _exact(key, row[key])
        further = {key: row[key] for key in self.columns if key not in (self.first, *others) and row[key]}
        if self.item_class.FURTHER and further:
            entry[self.item_class.FURTHER] = further
        return self.item_class.read(entry, line)


def _header(
    numbered: Iterator[tuple[int, str]], delimiter: str, name: str, *, first: str = "file"
) -> tuple[int, tuple[str, ...]]:
    """Read up to the line with the names of the columns; return its number and these. Raises BadItems."""
    for number, text in numbered:
        if text.startswith("#"):
            continue
        try:
            return number, tuple(cell.strip().lower() for cell in _cells(text, delimiter))
        except BadItem as error:
            raise BadItems(name, [f"line {number} {error}"]) from None
    raise BadItems(name, [f"there is no line with the names of the columns; begin with one, such as {first!r}"])


def _row(text: str, delimiter: str, columns: tuple[str, ...]) -> dict[str, str] | None:
    """Read the cells of one row; None if all are empty, as spreadsheets leave them."""
    cells = _cells(text, delimiter)
    if not any(cells):
        return None
    if len(cells) != len(columns):
        advice = (
            "add the missing ones" if len(cells) < len(columns) else "put cells that contain the delimiter in quotes"
        )
        raise BadItem(f"has {counted(len(cells), 'field')}, and the line of column names has {len(columns)}; {advice}")
    return dict(zip(columns, cells, strict=True))


def _plain_row(text: str, delimiter: str, columns: tuple[str, ...]) -> dict[str, Any]:
    """Read one row without knowing what its columns mean; an empty dict for a row of empty cells."""
    row = _row(text, delimiter, columns) or {}
    return {key: _plain_cell(key, cell.strip()) for key, cell in row.items() if cell.strip()}


def _plain_cell(key: str, cell: str) -> Any:
    if not cell.startswith(("{", "[")):
        return int(cell) if key == "size" and cell.isdecimal() else cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


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
        raise BadItem("is JSON; let the name of the manifest end in .jsonl")
    other = f" (or {also!r})" if also else ""
    raise BadItem(
        f"has no column {name!r}{other}; split at {delimiter!r}, its columns are {shown(list(columns))}. Add the"
        " column, or use the form that the file's name says: commas in a .csv, tabs in a .tsv, JSON lines in a .jsonl"
    )


def _cells(text: str, delimiter: str) -> list[str]:
    """Split one line. Each line has a reader of its own, so that a stray quote cannot swallow the following lines."""
    try:
        return next(csv.reader([text.rstrip("\r\n")], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise BadItem(
            f"is no row of a table ({error}); a cell in quotes begins and ends on one line, with quotes inside doubled"
        ) from None


def _exact(key: str, cell: str) -> str:
    # A space beside a delimiter is nearly always a mistake, and would become part of the object's name.
    if cell != cell.strip():
        raise BadItem(
            f"has white space around the {key!r} {shown(cell)}; remove it (if it is intended, use a JSON line)"
        )
    return cell


def _json_item(text: str, line: str, of: type[Item]) -> Item | None:
    raw = _object(text)
    if "version" in raw and "result" in raw and not of.HAS_RESULT:
        # The results of another kind of job are what this one takes.
        made = _made(raw)
        return None if made is None else of.read(made, line)
    if "version" in raw:
        return ItemOutcome.from_json(raw, of=of).again(line=line)
    return of.read({**{key: raw[also] for key, also in of.ALSO.items() if also in raw}, **raw}, line)


def _object(text: str) -> dict[str, Any]:
    try:
        raw = _json(text, "is")
    except BadItem:
        if not text.endswith("\n") and (text.startswith(_BEGINNING) or _BEGINNING.startswith(text)):
            raise _CutOff("is cut off: its writer was stopped, and the rest is lost") from None
        raise
    if not isinstance(raw, dict):
        raise BadItem(f"is {shown(raw)}, and no JSON object; write one object for each item")
    return raw


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        reason = f"{error.msg.removesuffix(' at')} at character {error.pos + 1}"
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, too many nested brackets
        reason = type(error).__name__
    raise BadItem(f"{what} no JSON ({reason}): {shown(text.strip())}; correct or remove it")


def form_of(name: str) -> Form:
    """Return the form of a manifest by its file extension. Raises BadItems."""
    for end, form in _FORMS.items():
        if name.lower().endswith(end):
            return form
    raise BadItems(name, [f"the file type cannot be told from the name; let it end in {', '.join(_FORMS)}"])
