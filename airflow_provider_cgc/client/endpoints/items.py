"""The items of a bulk call, checked before anything is sent: each refusal names the index of the item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_cgc.client.errors import CgcUsageError

__all__ = ["checked_flag", "checked_text", "known_item", "refuse_no_list"]


def refuse_no_list(items: object) -> None:
    """Refuse a single text or object, which would be taken letter by letter, or key by key."""
    if isinstance(items, str | bytes | Mapping):
        raise CgcUsageError("give a list of items")


def known_item(index: int, item: Mapping[str, Any], keys: frozenset[str]) -> Mapping[str, Any]:
    """Return the item itself, if it is an object with known keys only."""
    known = ", ".join(sorted(keys))
    if not isinstance(item, Mapping):
        raise CgcUsageError(f"item {index}: must be an object with keys among {known}, not {item!r}")
    unknown = ", ".join(repr(key) for key in item if key not in keys)
    if unknown:
        raise CgcUsageError(f"item {index}: unknown key {unknown}; known are {known}")
    return item


def checked_text(index: int, item: Mapping[str, Any], key: str) -> str:
    """Return a required text of an item."""
    value = item.get(key)
    if not isinstance(value, str) or not value:
        raise CgcUsageError(f"item {index}: '{key}' must be a text, and not empty, but is {value!r}")
    return value


def checked_flag(index: int, item: Mapping[str, Any], key: str) -> bool:
    """Return a flag of an item; false unless given."""
    value = item.get(key, False)
    if not isinstance(value, bool):
        raise CgcUsageError(f"item {index}: '{key}' must be true or false, not {value!r}")
    return value
