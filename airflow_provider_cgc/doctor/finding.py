"""The result of one check, and its line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

__all__ = ["Finding", "State", "failed", "not_checked", "note", "ok", "without_secrets"]

_USER = re.compile(r"(?<=://)[^\s'\"<>]*@")
"""As much as can be: a password may have a slash or an @ in it."""
_QUERY = re.compile(r"(://[^\s'\"<>?]*\?)[^\s'\"<>)]+")


def without_secrets(text: str) -> str:
    """Return a text without user, password and query of the addresses in it."""
    return _QUERY.sub(r"\1***", _USER.sub("***@", text))


class State(Enum):
    """The state of the thing that was checked."""

    OK = "ok"
    NOTE = "note"
    """Nothing is wrong, or it cannot be told; there is something to know."""
    FAILED = "FAILED"
    NOT_CHECKED = "not checked"


_WIDTH = max(len(state.value) for state in State)
_WIDTH_OF_NAME = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; the text of a failed one names the object, the fact and the next step."""

    state: State
    text: str

    def line(self, check: str) -> str:
        """Return the line about a check, without secrets, and what could move a cursor or forge another line."""
        text = without_secrets(" ".join(self.text.split()))
        text = "".join(char if char.isprintable() else "?" for char in text)
        return f"{self.state.value:<{_WIDTH}}  {check:<{_WIDTH_OF_NAME}}  {text}"


def ok(text: str) -> Finding:
    """Return the result of a check that found nothing wrong."""
    return Finding(State.OK, text)


def note(text: str) -> Finding:
    """Return the result of a check after which there is something to know."""
    return Finding(State.NOTE, text)


def failed(text: str) -> Finding:
    """Return the result of a check that found something wrong."""
    return Finding(State.FAILED, text)


def not_checked(text: str) -> Finding:
    """Return the result of a check that could not be made, with the reason."""
    return Finding(State.NOT_CHECKED, text)
