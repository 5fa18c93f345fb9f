"""The readers of an answer's fields: each gives the value that a field should hold, or None if it has none.

Answers leave fields out, hold null or another type than documented; only an object without its id is an error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from airflow_provider_cgc.client.errors import CgcUnreadableError

__all__ = [
    "Json",
    "epoch_seconds",
    "flag",
    "id_of",
    "mapping",
    "number",
    "object_of",
    "size",
    "text",
    "time",
    "truth",
    "upper",
    "whole_number",
]

Json = Mapping[str, Any]

_ABOVE_THIS_IT_IS_MILLISECONDS = 1e11


def object_of(raw: object, what: str) -> dict[str, Any]:
    """Read the object that an answer should be; raises `CgcUnreadableError`."""
    if not isinstance(raw, dict):
        raise CgcUnreadableError(f"the platform did not send an object for the {what}, but a {type(raw).__name__}")
    return raw


def id_of(item: Json, what: str) -> str:
    """Read the id that everything has; raises `CgcUnreadableError`."""
    value = item.get("id")
    if not isinstance(value, str) or not value:
        raise CgcUnreadableError(f"the platform described a {what} without an id")
    return value


def mapping(value: object) -> Json:
    """Read an object within an object; empty when it is none."""
    return value if isinstance(value, dict) else {}


def text(value: object) -> str | None:
    """Read a text that is not empty."""
    return value if isinstance(value, str) and value else None


def upper(value: object) -> str | None:
    """Read one of a few words, in capitals."""
    word = text(value)
    return None if word is None else word.upper()


def flag(value: object) -> bool | None:
    """Read a flag, a JSON boolean or its text; None if it is neither true nor false."""
    word = value.strip().lower() if isinstance(value, str) else value
    if word is True or word == "true":
        return True
    return False if word is False or word == "false" else None


def truth(value: object) -> bool:
    """Read a flag that is false unless it is given as true."""
    return flag(value) is True


def size(value: object) -> int | None:
    """Read a number of bytes."""
    return whole_number(value)


def whole_number(value: object) -> int | None:
    """Read a number from 0 on, of 19 digits at most, which some answers give as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**19 else None


def number(value: object) -> float | None:
    """Read a finite number, which some answers give as text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def epoch_seconds(value: object) -> float | None:
    """Read a unix time in seconds or milliseconds as seconds."""
    seconds = number(value)
    if seconds is None or seconds <= 0:
        return None
    return seconds / 1000 if seconds > _ABOVE_THIS_IT_IS_MILLISECONDS else seconds


def time(value: object) -> datetime | None:
    """Read a time, ISO 8601 with "Z" or an offset, which is kept; a time without either is UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        moment.astimezone(UTC)  # which the first or the last day of the calendar may not have
    except (ValueError, OverflowError):
        return None
    return moment
