"""Values and text: a value as it is shown in a message, and the value of text from a template or a store."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any, TypeGuard, TypeVar, cast

_MOST_BYTES = 10**30
"""More bytes than anybody has; a larger whole number may be too large for a float."""


T = TypeVar("T")

_LONGEST_SHOWN = 80
_UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")
_NUMBER = re.compile(r"\s*[0-9]{1,19}\s*")


class BadInput(ValueError):
    """A user's input is wrong; the text names the problem and what to do."""


def is_nothing(text: str) -> bool:
    """Return True if a text is one that a template writes for a missing value."""
    return text.strip().lower() in ("", "none", "null")


def is_count(value: object) -> TypeGuard[int]:
    """Return True if a value is a whole number from 0; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


class BadNumber(ValueError):
    """The value is no whole number; the text follows an argument's name."""


def shown(value: Any) -> str:
    """Return a value as it would be written in Python, its middle left out if it is long: a quote stays closed."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}...{text[-1]}"


def counted(number: int, word: str) -> str:
    """Return a number of things, such as "1 item" or "2 items"."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def joined(*sentences: str) -> str:
    """Join sentences with spaces, without the empty ones."""
    return " ".join(filter(None, sentences))


def storable(value: T) -> T:
    """Replace NUL and lone surrogates in text by "?": PostgreSQL or UTF-8 refuses them. Other values stay unchanged."""
    return cast(T, _UNSTORABLE.sub("?", value)) if isinstance(value, str) else value


def number_from(value: Any) -> int | None:
    """Read a number from 0 that a template may have turned into text; None stays None. Raises BadNumber."""
    if value is None:
        return None
    if is_count(value):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return int(value)
    raise BadNumber(f"is {shown(value)}; give a whole number from 0 on, or leave it out")


def moment(value: object) -> datetime | None:
    """Read a time that `isoformat` wrote; None without a time zone, because it could not be compared."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return read if read is not None and read.tzinfo is not None else None


def human_bytes(count: float) -> str:
    """Write a number of bytes as people read it, in powers of 1000 like the platform's own pages."""
    size = float(min(count, _MOST_BYTES))
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if round(size, 1) < 1000 or unit == "TB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("unreachable: the loop ends at TB")


def duration(seconds: float) -> str:
    """Write seconds as people read them: 45 s, 12 min, 3 h 05 min."""
    if not math.isfinite(seconds):
        return "an unknown time"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def in_seconds(value: float) -> str:
    """Write a time in seconds, however long: "0.3 s", "1209600 s"."""
    return f"{round(value, 3):.10g} s"


def clock_time(epoch: float) -> str:
    """Write an epoch time in UTC, to the second; one beyond the calendar as a number of seconds."""
    try:
        return datetime.fromtimestamp(epoch, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{epoch:g} s after 1970"
