"""Readers for the values of an entry in a list of items, the same for every kind; each raises BadItem."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from airflow_provider_cgc.jobs.forms import did_you_mean
from airflow_provider_cgc.jobs.submitting.items import MOST_SHOWN, BadItem, is_json
from airflow_provider_cgc.jobs.text import is_count, shown

Entry = Mapping[Any, Any]
Reader = Callable[[Entry, str], Any]
"""Returns the value of an entry for a key."""


def read_keys(entry: Entry, readers: Mapping[str, Reader]) -> tuple[dict[str, Any], list[str]]:
    """Return the values of an entry for all keys that can be read, and the problems of the others."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for key, reader in readers.items():
        try:
            values[key] = reader(entry, key)
        except BadItem as error:
            problems += error.problems
    return values, problems


def unknown_keys(entry: Entry, known: Collection[str], *, ignored: Collection[str]) -> list[str]:
    """Return the problem of an entry's keys that an item cannot have, if there are any."""
    unknown = sorted(str(key) for key in entry if key not in ignored and key not in known)
    if not unknown:
        return []
    close = "".join(did_you_mean(key, known) for key in unknown[:MOST_SHOWN])
    named = f"{shown(unknown[:MOST_SHOWN])}, which no item knows"
    return [f"has {named}; correct or remove it: an item may say {', '.join(known)}{close}"]


def text_in(entry: Entry, key: str) -> str | None:
    """Return a text; None if there is none."""
    value = entry.get(key)
    if value is not None and not isinstance(value, str):
        raise BadItem(f"has {shown(value)} for {key!r}, of type {type(value).__name__}; give text, or leave it out")
    return value


def given_in(entry: Entry, key: str) -> str | None:
    """Return a text that is not empty; None if there is none."""
    text = text_in(entry, key)
    if text == "":
        raise BadItem(f"has an empty {key!r}; leave it out to get what the operator's arguments say")
    return text


def some_in(entry: Entry, key: str) -> str | None:
    """Return a text; None if there is none, or it is empty."""
    return text_in(entry, key) or None


def size_in(entry: Entry, key: str) -> int | None:
    """Return a number of bytes; None if there is none."""
    value = entry.get(key)
    if value is None or is_count(value):
        return value
    raise BadItem(f"has {shown(value)} for {key!r}; give the number of bytes, or leave it out")


def object_in(entry: Entry, key: str) -> dict[str, Any] | None:
    """Return an object that JSON can hold; None if there is none."""
    value = entry.get(key)
    if value is None:
        return None
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise BadItem(f"has {shown(value)} for {key!r}, which is no object with text for keys; give one")
    if not is_json(dict(value)):
        raise BadItem(f"has {key!r} that JSON cannot hold: {shown(value)}; give plain values")
    return dict(value)
