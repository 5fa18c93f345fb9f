"""The readers of an answer's fields: each gives the value that a field should hold, or None if it has none.

Answers leave fields out, hold null or another type than documented; only an object without its id is an error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from airflow_provider_cgc.client.errors import CgcUnreadableError

__all__ = [
    "Json",
    "epoch_seconds",
    "flag",
    "http_date",
    "id_of",
    "mapping",
    "moment",
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
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTEST_EPOCH_TEXT = 9
"""Digits of a unix time in a text; "20260105" is a day."""


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
        return _with_zone(datetime.fromisoformat(value.strip()))
    except (ValueError, OverflowError):
        return None


def http_date(value: object) -> datetime | None:
    """Read a time as HTTP headers have it, such as "Mon, 05 Jan 2026 12:20:00 GMT"."""
    if not isinstance(value, str):
        return None
    try:
        return _with_zone(parsedate_to_datetime(value))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def moment(value: object) -> datetime | None:
    """Read a time in any of the shapes of storage services, which Google's puts into `{"value": ...}`.

    These are ISO 8601, the date of an HTTP header, and a unix time in seconds or milliseconds, a number or its text.
    """
    told = value.get("value") if isinstance(value, dict) else value
    if isinstance(told, str) and len(told.strip()) < _SHORTEST_EPOCH_TEXT:
        return time(told)
    seconds = epoch_seconds(told)
    if seconds is None:
        return time(told) or http_date(told)
    try:
        return _with_zone(_EPOCH + timedelta(seconds=seconds))
    except OverflowError:
        return None


def _with_zone(moment: datetime) -> datetime:
    """Return the same time with its zone, UTC if it has none; raises OverflowError unless it is one in UTC, too."""
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    moment.astimezone(UTC)  # which the first or the last day of the calendar may not have
    return moment
