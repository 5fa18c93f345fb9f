"""Job ids as users may write them, and the flat list that they stand for.

A value that cannot be a list of ids is refused before anything is sent. Airflow is not involved: templates have been
rendered and XComs pulled by the time a value gets here.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from airflow_provider_cgc.jobs.forms import is_file_name, is_page, part_of_page
from airflow_provider_cgc.jobs.text import is_nothing, shown

# Ids of export and import jobs are 32 letters and digits, those of tasks UUIDs; nothing promises that this stays so.
LONGEST_ID = 128
# One of many things that a job moves has the job's id, "#" and its position.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:\-]*(#[0-9]+)?")
_SEPARATORS = re.compile(r"[\s,]+")
_MOST_SHOWN = 10
_DEEPEST = 10
"""Levels of lists within lists; deeper is a mistake, or a list that contains itself."""


class BadIds(ValueError):
    """The value is no list of job ids; the text names the problem, and the caller adds the argument's name."""


class Address(str):
    """Text that is an address whatever its form, because it came from a path object."""

    __slots__ = ()


def parse_ids(value: Any) -> list[str]:
    """
    Return the job ids that `value` stands for, in order; duplicates are kept for the caller to count.

    A list, a tuple or another sequence of ids (lists of lists, as a mapped upstream task gives them, are flattened),
    one id, a JSON or Python list as text (as a Jinja template renders it), or ids separated by commas or white space.

    Raises BadIds for anything else: nothing at all, numbers, mappings, text that is no id.
    """
    ids: list[str] = []
    bad: list[str] = []
    for position, item in enumerate(flatten(value), start=1):
        problem = id_problem(item)
        if problem:
            bad.append(f"item {position} {problem}")
        else:
            ids.append(item)
    if bad:
        problems = "; ".join(bad[:_MOST_SHOWN])
        more = f" (and {len(bad) - _MOST_SHOWN} more)" if len(bad) > _MOST_SHOWN else ""
        raise BadIds(f"{problems}{more}")
    return ids


def flatten(value: Any, depth: int = 0) -> Iterator[Any]:
    """Return the entries of a list, of lists of lists, or of the text of one. Raises BadIds for anything else."""
    if depth > _DEEPEST:
        raise BadIds(f"has lists within lists, more than {_DEEPEST} deep")
    if value is None:
        raise BadIds(
            "is None: the upstream task pushed no XCom, or it was skipped; let it return a list ([] if there is"
            " nothing to wait for)"
        )
    if isinstance(value, str):
        yield from _from_text(value)
    elif isinstance(value, Mapping):
        raise BadIds(f"is a mapping with the keys {sorted(map(str, value))[:5]}, not a list of ids")
    elif isinstance(value, (set, frozenset)):
        # A set has a different order in each process, and a rescheduled sensor's memory depends on the order.
        yield from sorted(value, key=str)
    elif isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        for item in value:
            if isinstance(item, Iterable) and not isinstance(item, (str, bytes, bytearray, Mapping)):
                yield from flatten(item, depth + 1)
            else:
                yield item
    else:
        raise BadIds(f"is {shown(value)}, of type {type(value).__name__}, not a list of ids")


def is_uri(value: object) -> bool:
    """Return True if this is text with the form of an address, such as that of a manifest; no id has "://" in it."""
    if isinstance(value, Address):
        return True
    if not isinstance(value, str) or "://" not in value or len(value.split()) != 1:
        return False
    # The address of one of the platform's own pages is no manifest: the reader of ids says which part of it is the id.
    return value.lstrip()[0] not in "[({\"'" and not is_page(value)


def _from_text(text: str) -> Iterator[Any]:
    stripped = text.strip()
    if is_nothing(stripped):
        raise BadIds(
            f"is {text!r}: a template rendered to nothing; check the task id and the key in xcom_pull, and let the"
            " upstream task return a list ([] if there is nothing to wait for)"
        )
    if "{{" in stripped:
        raise BadIds(f"is {stripped[:80]!r}, a template that was not rendered; pass it where templates are allowed")
    if stripped[0] in "[(":
        yield from flatten(literal(stripped))
    else:
        yield from (part for part in _SEPARATORS.split(stripped) if part)


def literal(text: str) -> Any:
    """Read text that a template made of a list or a mapping: JSON or Python. Raises BadIds."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise BadIds(
            f"starts like a list, but is neither JSON nor a Python list: {text[:80]!r}; check its brackets and quotes"
        ) from error


def id_problem(item: Any) -> str | None:
    """Return the fault of one id, to follow its name; None if it has none."""
    if not isinstance(item, str):
        return f"is {shown(item)}, of type {type(item).__name__}, not a string"
    if not item.strip():
        return "is empty"
    if is_nothing(item):
        return f"is the word {item!r}, which a template writes for a missing value"
    part = part_of_page(item, "id")
    if part:
        return f"is {item[:120]!r}, which is not an id but a web address; give {part}"
    if "://" in item:
        return f"is {item[:120]!r}, which is not an id but an address"
    if is_file_name(item):
        return f"is {item[:60]!r}, which looks like a file's name, and ids are wanted"
    if len(item) > LONGEST_ID:
        return f"begins with {item[:60]!r} and has {len(item)} characters, more than an id; put commas between ids"
    if not _ID.fullmatch(item):
        advice = "; put commas between ids" if ";" in item else ""
        return f"is {item[:60]!r}, which is not an id (letters, digits, '-', '_', '.', ':'){advice}"
    return None


def to_bits(ids: Sequence[str], chosen: Container[str]) -> str:
    """Write down which of `ids` are `chosen`; the order of `ids` is what the bits mean."""
    digits = "".join("1" if job_id in chosen else "0" for job_id in reversed(ids))
    return format(int(digits or "0", 2), "x")


def from_bits(ids: Sequence[str], text: str) -> list[str]:
    """Return the ids that `to_bits` wrote down, in order; raises ValueError if `text` is not hexadecimal."""
    bits = int(text, 16)
    return [job_id for position, job_id in enumerate(ids) if bits >> position & 1]
