"""One call to the platform, and what came back, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

__all__ = ["Answer", "Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `path` is below the base URL; `link`, if given, is a whole address that the platform named.

    `repeatable` is False for what must not be sent twice, `counted` for what the rate limit does not count.
    """

    method: str
    path: str
    params: Mapping[str, str | list[str]] = field(default_factory=dict)
    body: Any = None
    repeatable: bool = True
    counted: bool = True
    link: str | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON value of a good answer, the length of the whole list and the platform's clock, where told."""

    value: Any
    total: int | None
    date: datetime | None
