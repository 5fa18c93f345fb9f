"""An error as the platform describes it, with the advice for it, and a record of a bulk answer.

The same small object stands in three places: the body of a refused call, `error` of a FAILED job and `error` of
one record of a bulk answer. Codes: https://docs.cancergenomicscloud.org/docs/api-status-codes
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from airflow_provider_cgc.client.errors.codes import DENIALS, REMEDIES, STATUS_REMEDIES, Remedy

T = TypeVar("T")


__all__ = ["REMEDIES", "Problem", "Remedy", "as_sentence", "naming_host", "one_line"]

_CODES_PAGE = "https://docs.cancergenomicscloud.org/docs/api-status-codes"
_MAY_PASS_STATUSES = frozenset({408, 425, 429})
_LONGEST_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as the platform tells it: `str()` gives "9107: Location on volume already contains a file."

    Any of the fields can be missing in an answer. `made_here` marks what this client had to say itself, because the
    platform's answer did not mention the thing at all, or not so that it can be read. `undecided` marks those of
    them that are no verdict: a later answer will tell.
    """

    status: int | None
    code: int | None
    message: str
    more_info: str | None = None
    made_here: bool = False
    undecided: bool = False

    @classmethod
    def from_json(cls, raw: object) -> Problem | None:
        """Read an error object; None when there is none (absent, null or empty)."""
        if not raw:
            return None
        if isinstance(raw, str) and raw.strip():
            return cls(None, None, one_line(raw))
        if not isinstance(raw, Mapping):
            return None
        return cls(
            status=_number(raw.get("status")),
            code=_number(raw.get("code")),
            message=one_line(raw.get("message")) or "the platform gave no reason",
            more_info=one_line(raw.get("more_info")) or None,
        )

    @property
    def remedy(self) -> str:
        """The advice for a person; empty when nothing is known about this code."""
        known = self._known
        return known.text if known else ""

    @property
    def may_pass(self) -> bool:
        """True if the same request, sent again, can succeed although nobody changed anything."""
        if self.undecided:
            return True
        known = self._known
        if known:
            return known.may_pass
        return self.status is not None and (self.status >= 500 or self.status in _MAY_PASS_STATUSES)

    @property
    def denies(self) -> bool:
        """True if this user lacks a right or a valid token, which waiting does not change."""
        return not DENIALS.isdisjoint((self.status, self.code))

    @property
    def is_final(self) -> bool:
        """True if the platform itself refused for good: nothing was done, and nothing will come of it."""
        return not self.made_here and not self.may_pass

    @property
    def link(self) -> str | None:
        """The page that explains this code."""
        if self.more_info:
            return self.more_info
        return None if self.code is None else f"{_CODES_PAGE}#{self.code}"

    @property
    def _known(self) -> Remedy | None:
        if self.code is not None and self.code in REMEDIES:
            return REMEDIES[self.code]
        return None if self.status is None else STATUS_REMEDIES.get(self.status)

    def __str__(self) -> str:
        if self.code is not None:
            return f"{self.code}: {self.message}"
        return self.message if self.status is None else f"HTTP {self.status}: {self.message}"


def as_sentence(error: object) -> str:
    """Return the text of an error or problem as a sentence that another can follow."""
    text = str(error).strip() or type(error).__name__
    return text if text.endswith((".", "!", "?")) else f"{text}."


def naming_host(error: object, host: str) -> str:
    """Return the text of an error with the host that it came from: an odd answer may be another server's."""
    text = as_sentence(error)
    if host in text:
        return text
    return f"{text} That came from {host}: if it is not the platform's API, correct the connection's host."


def one_line(value: object, longest: int = _LONGEST_MESSAGE) -> str:
    """Return text from outside as one printable line of bounded length, so that it cannot forge log lines."""
    if not isinstance(value, str):
        return ""
    if len(value) <= longest and value.isalnum():
        return value  # nearly all texts are a single word
    text = " ".join(value[: 8 * longest].split())
    text = "".join(char if char.isprintable() else "?" for char in text)
    return text if len(text) <= longest else text[: longest - 3] + "..."


def _number(value: Any) -> int | None:
    """Read a whole number or a text of digits; the gateway's status "NOT_FOUND" is neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) <= 9:
        return int(value)
    return None


@dataclass(frozen=True, slots=True)
class BulkRecord(Generic[T]):
    """The answer to one item of a bulk call: a resource, or the problem that stands in its place."""

    id: str | None
    resource: T | None = None
    error: Problem | None = None
