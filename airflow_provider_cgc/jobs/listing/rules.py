"""The rules that choose among files of a project and among objects of a volume: names, sizes and times.

Pure: the platform is not asked, and its own filters are not used. Templates have been rendered by the time a value gets
here.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol

from airflow_provider_cgc.jobs.ids import BadIds, literal
from airflow_provider_cgc.jobs.text import BadInput, BadNumber, is_nothing, number_from, shown

_SIZE_WITH_UNIT = re.compile(
    r"\s*(?P<number>[0-9]{1,12}(\.[0-9]{1,12})?)\s*(?P<unit>[kmgtp]?)(?P<binary>i?)b(ytes)?\s*", re.IGNORECASE
)


class BadSelection(BadInput):
    """One argument is wrong; the text begins with its name and says what is wrong and what to do."""


class Named(Protocol):
    """A file or an object, with its own name."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int | None: ...
    @property
    def modified_on(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules that must be met, all of them. Where a size or time is not known, that rule is met."""

    names: tuple[str, ...] = ()
    """Shell patterns, case-sensitive, of which one must match."""
    excluded: tuple[str, ...] = ()
    """Shell patterns, case-sensitive, of which none may match."""
    min_size: int | None = None
    max_size: int | None = None
    """Bytes, both included."""
    modified_after: datetime | None = None
    """With a time zone; not included."""

    def take(self, one: Named) -> bool:
        """Return True if a file or object is wanted, by its name, size and time."""
        return (
            (not self.names or _matches(one.name, self.names))
            and not self.excludes(one.name)
            and self._fit(one.size, one.modified_on)
        )

    def excludes(self, name: str) -> bool:
        """Return True if a name is left out."""
        return _matches(name, self.excluded)

    def _fit(self, size: int | None, modified_on: datetime | None) -> bool:
        if size is not None and (
            (self.min_size is not None and size < self.min_size) or (self.max_size is not None and size > self.max_size)
        ):
            return False
        return self.modified_after is None or modified_on is None or modified_on > self.modified_after

    def __str__(self) -> str:
        """Return the rules for a log line or an error; empty if everything is wanted."""
        return ", ".join([*self._about_names(), *self._about_more(), *self._about_facts()])

    def _about_names(self) -> Iterable[str]:
        if self.names:
            yield f"name {any_of(self.names)}"
        if self.excluded:
            yield f"except name {any_of(self.excluded)}"

    def _about_more(self) -> Iterable[str]:
        """Return the further rules of a subclass."""
        return ()

    def _about_facts(self) -> Iterable[str]:
        if self.min_size is not None:
            yield f"at least {self.min_size} bytes"
        if self.max_size is not None:
            yield f"at most {self.max_size} bytes"
        if self.modified_after is not None:
            yield f"modified after {self.modified_after.isoformat()}"


def read_rules(
    *, name: Any = None, exclude: Any = None, min_size: Any = None, max_size: Any = None, modified_after: Any = None
) -> dict[str, Any]:
    """Read the arguments of a user, None for any, and return the fields of `Rules`. Raises BadSelection."""
    low, high = size_of("min_size", min_size), size_of("max_size", max_size)
    if low is not None and high is not None and low > high:
        raise BadSelection(f"min_size is {low} and max_size {high}, which no file can be; correct one of them")
    return {
        "names": () if name is None else texts_of("name", name),
        "excluded": _excluded(exclude),
        "min_size": low,
        "max_size": high,
        "modified_after": None if modified_after is None else _moment("modified_after", modified_after),
    }


def is_pattern(name: str) -> bool:
    """Return True if a name has a mark of shell patterns."""
    return any(mark in name for mark in "*?[")


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _excluded(value: Any) -> tuple[str, ...]:
    """Read the patterns of names that are left out; an empty list leaves nothing out."""
    if value is None or value in ([], (), "[]"):
        return ()
    patterns = texts_of("exclude", value)
    for pattern in patterns:
        # A pattern that cannot match would leave out nothing, and nobody would see it.
        if "/" in pattern:
            raise BadSelection(
                f"exclude is {shown(pattern)}, and it is compared with a file's own name, without its folders; drop"
                " the folders, or leave out by 'path' in a task of your own (airflow_provider_cgc.manifests.read_items"
                " gives it the items)"
            )
    return patterns


def whole_number(argument: str, value: Any) -> int | None:
    """Read a number that a template may have turned into text; None stays None. Raises BadSelection."""
    try:
        return number_from(value)
    except BadNumber as error:
        raise BadSelection(f"{argument} {error}") from None


def size_of(argument: str, value: Any) -> int | None:
    """Read a number of bytes; None stays None. Raises BadSelection."""
    unit = _SIZE_WITH_UNIT.fullmatch(value) if isinstance(value, str) else None
    if unit is None:
        return whole_number(argument, value)
    size = Decimal(unit["number"]) * (1024 if unit["binary"] else 1000) ** (" kmgtp".index(unit["unit"].lower() or " "))
    raise BadSelection(f"{argument} is {shown(value)}; give the number of bytes, which is {int(size)}")


def any_of(values: tuple[str, ...]) -> str:
    """Return values of which one must match, for a message."""
    return " or ".join(map(shown, values))


def texts_of(argument: str, value: Any) -> tuple[str, ...]:
    """Read text, or a list of it that has entries. Raises BadSelection."""
    if isinstance(value, str):
        value = _list_in(value)
    if isinstance(value, str):
        return (text_of(argument, value),)
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, Mapping | bytes | bytearray) or not isinstance(value, Iterable):
        raise BadSelection(f"{argument} is {shown(value)}, of type {type(value).__name__}; give text or a list of it")
    texts = tuple(text_of(argument, entry) for entry in value)
    if not texts:
        raise BadSelection(f"{argument} is an empty list, which no file can match; leave it out to match every file")
    return texts


def _list_in(text: str) -> Any:
    """Return the list that a template rendered to text, or the text: "[ab]*.bam" is a pattern."""
    if text.strip()[:1] not in ("[", "("):
        return text
    try:
        value = literal(text.strip())
    except BadIds:
        return text
    is_list = isinstance(value, list | tuple) and all(isinstance(entry, str) for entry in value)
    return value if is_list else text


def text_of(argument: str, value: Any) -> str:
    """Read text that is not empty. Raises BadSelection."""
    if not isinstance(value, str):
        raise BadSelection(f"{argument} is {shown(value)}, of type {type(value).__name__}; give text")
    if is_nothing(value):
        raise BadSelection(
            f"{argument} is {value!r}: a template rendered to nothing; correct it, or leave {argument} out to match"
            " every file"
        )
    if "{{" in value:
        raise BadSelection(f"{argument} is {shown(value)}, a template that was not rendered")
    return value


def _moment(argument: str, value: Any) -> datetime:
    moment = value
    if isinstance(value, str):
        if is_nothing(value):
            raise BadSelection(
                f"{argument} is {value!r}: a template rendered to nothing, as one does for a run before the first;"
                " give it a default, such as {{ prev_start_date_success or '1970-01-01' }}"
            )
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            raise BadSelection(f"{argument} is {shown(value)}; write it like 2026-01-31T12:00:00Z") from None
    if not isinstance(moment, datetime):
        raise BadSelection(
            f"{argument} is {shown(value)}, of type {type(value).__name__}; give a datetime, or text like"
            " 2026-01-31T12:00:00Z"
        )
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
