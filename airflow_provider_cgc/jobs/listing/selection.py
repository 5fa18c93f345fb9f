"""The choice of files from a project: the arguments as a user may write them, and the rules that they stand for.

Pure: the platform is not asked, and its own filters are not used. They know no patterns, leave out folders, and are not
documented for numbers. Templates have been rendered by the time a value gets here.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.jobs.ids import BadIds, literal
from airflow_provider_cgc.jobs.text import BadInput, BadNumber, is_nothing, number_from, shown

if TYPE_CHECKING:
    from airflow_provider_cgc.client.models import File

_SIZE_WITH_UNIT = re.compile(
    r"\s*(?P<number>[0-9]{1,12}(\.[0-9]{1,12})?)\s*(?P<unit>[kmgtp]?)(?P<binary>i?)b(ytes)?\s*", re.IGNORECASE
)


class BadSelection(BadInput):
    """One argument is wrong; the text begins with its name and says what is wrong and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The rules that a wanted file must meet, all of them. A file without a known size or time passes that rule."""

    names: tuple[str, ...] = ()
    """Shell patterns, case-sensitive, of which one must match."""
    metadata: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """By key, the values of which the file must have one."""
    tags: tuple[str, ...] = ()
    """Tags of which the file must have one."""
    origin_task: str | None = None
    min_size: int | None = None
    max_size: int | None = None
    """Bytes, both included."""
    modified_after: datetime | None = None
    """With a time zone; not included."""

    @classmethod
    def of(
        cls,
        *,
        name: Any = None,
        metadata: Any = None,
        tag: Any = None,
        origin_task: Any = None,
        min_size: Any = None,
        max_size: Any = None,
        modified_after: Any = None,
    ) -> Selection:
        """Read the arguments of a user; None means any. Raises BadSelection."""
        low, high = size_of("min_size", min_size), size_of("max_size", max_size)
        if low is not None and high is not None and low > high:
            raise BadSelection(f"min_size is {low} and max_size {high}, which no file can be; correct one of them")
        return cls(
            names=() if name is None else _texts("name", name),
            metadata={} if metadata is None else _metadata(metadata),
            tags=() if tag is None else _texts("tag", tag),
            origin_task=None if origin_task is None else _text("origin_task", origin_task),
            min_size=low,
            max_size=high,
            modified_after=None if modified_after is None else _moment("modified_after", modified_after),
        )

    def takes(self, file: File) -> bool:
        """Return True if a file is wanted."""
        return (
            (not self.names or any(fnmatch.fnmatchcase(file.name, pattern) for pattern in self.names))
            and (not self.tags or not set(self.tags).isdisjoint(file.tags))
            and (self.origin_task is None or _task_of(file) == self.origin_task)
            and all(_has(file.metadata.get(key), values) for key, values in self.metadata.items())
            and self._fits(file)
        )

    def _fits(self, file: File) -> bool:
        if file.size is not None and (
            (self.min_size is not None and file.size < self.min_size)
            or (self.max_size is not None and file.size > self.max_size)
        ):
            return False
        return self.modified_after is None or file.modified_on is None or file.modified_on > self.modified_after

    def __str__(self) -> str:
        """Return the rules for a log line or an error; empty if every file is wanted."""
        parts = []
        if self.names:
            parts.append(f"name {_any_of(self.names)}")
        parts += [f"metadata {key} {_any_of(values)}" for key, values in self.metadata.items()]
        if self.tags:
            parts.append(f"tag {_any_of(self.tags)}")
        if self.origin_task is not None:
            parts.append(f"made by task {self.origin_task}")
        if self.min_size is not None:
            parts.append(f"at least {self.min_size} bytes")
        if self.max_size is not None:
            parts.append(f"at most {self.max_size} bytes")
        if self.modified_after is not None:
            parts.append(f"modified after {self.modified_after.isoformat()}")
        return ", ".join(parts)


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


def _has(value: Any, wanted: tuple[str, ...]) -> bool:
    """Compare as text, because the platform gives numbers as numbers; one matching entry of a list is enough."""
    values = value if isinstance(value, list) else [value]
    return any(entry is not None and str(entry) in wanted for entry in values)


def _task_of(file: File) -> str | None:
    origin = file.raw.get("origin")
    return origin.get("task") if isinstance(origin, Mapping) else None


def _any_of(values: tuple[str, ...]) -> str:
    return " or ".join(map(shown, values))


def _texts(argument: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = _list_in(value)
    if isinstance(value, str):
        return (_text(argument, value),)
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, Mapping | bytes | bytearray) or not isinstance(value, Iterable):
        raise BadSelection(f"{argument} is {shown(value)}, of type {type(value).__name__}; give text or a list of it")
    texts = tuple(_text(argument, entry) for entry in value)
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


def _text(argument: str, value: Any) -> str:
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


def _metadata(value: Any) -> dict[str, tuple[str, ...]]:
    if isinstance(value, str):
        try:
            value = literal(_text("metadata", value).strip())
        except BadIds:
            raise BadSelection(
                f"metadata is {shown(value)}, which is neither JSON nor a Python dict; give one such as"
                " {'sample_id': 'S1'}"
            ) from None
    if isinstance(value, Mapping) and not value:
        raise BadSelection("metadata is {}, which asks for nothing; leave it out to match every file")
    if not isinstance(value, Mapping):
        raise BadSelection(
            f"metadata is {shown(value)}, of type {type(value).__name__}; give a dict such as"
            " {'sample_id': 'S1'}, or leave it out"
        )
    return {_text("a key of metadata", key): _metadata_values(key, wanted) for key, wanted in value.items()}


def _metadata_values(key: str, wanted: Any) -> tuple[str, ...]:
    entries = wanted if isinstance(wanted, list | tuple) else [wanted]
    # Numbers too: JSON has them, and `_has` compares as text.
    numbers = [str(entry) if type(entry) in (int, float) else entry for entry in entries]
    return _texts(f"metadata {key!r}", numbers)


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
