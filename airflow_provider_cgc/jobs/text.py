"""Values and text: how a value stands in a message, and what it is when it comes back as text."""

from __future__ import annotations

from typing import Any

_LONGEST_SHOWN = 80


def shown(value: Any) -> str:
    """Give a value as it would be written in Python, cut off where it gets long."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
