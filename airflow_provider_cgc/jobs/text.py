"""Values and text: how a value stands in a message, and what it is when a template or a store gives it back as text."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, TypeVar, cast

T = TypeVar("T")

_LONGEST_SHOWN = 80
_UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")
_NUMBER = re.compile(r"\s*[0-9]{1,19}\s*")


class BadNumber(ValueError):
    """The value is no whole number; the text goes on where an argument's name begins."""


def shown(value: Any) -> str:
    """Return a value as it would be written in Python, cut off where it gets long."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def counted(number: int, word: str) -> str:
    """Return a number of things, such as "1 item" or "2 items"."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def storable(value: T) -> T:
    """Replace NUL and lone surrogates in text by "?": PostgreSQL or UTF-8 refuses them. Other values stay unchanged."""
    return cast(T, _UNSTORABLE.sub("?", value)) if isinstance(value, str) else value


def number_from(value: Any) -> int | None:
    """Read a number from 0 on that a template may have turned into text; None stays None. Raises BadNumber."""
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return int(value)
    raise BadNumber(f"is {shown(value)}; give a whole number from 0 on, or leave it out")


def moment(value: object) -> datetime | None:
    """Read a moment that `isoformat` wrote; None without a time zone, for then it could not be compared."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return read if read is not None and read.tzinfo is not None else None
