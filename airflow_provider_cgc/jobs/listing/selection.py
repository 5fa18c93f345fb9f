"""The choice of files from a project: the arguments as a user may write them, and the rules that they stand for.

Pure: the platform is not asked, and its own filters are not used. They know no patterns, leave out folders, and are not
documented for numbers. Templates have been rendered by the time a value gets here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.jobs.ids import BadIds, literal
from airflow_provider_cgc.jobs.listing.rules import BadSelection, Rules, any_of, read_rules, text_of, texts_of
from airflow_provider_cgc.jobs.text import shown

if TYPE_CHECKING:
    from airflow_provider_cgc.client.models import File


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection(Rules):
    """The rules that a wanted file must meet, all of them. A file without a known size or time passes that rule."""

    metadata: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """By key, the values of which the file must have one."""
    tags: tuple[str, ...] = ()
    """Tags of which the file must have one."""
    origin_task: str | None = None

    @classmethod
    def of(cls, *, metadata: Any = None, tag: Any = None, origin_task: Any = None, **others: Any) -> Selection:
        """Read the arguments of a user; None means any, `others` are those of `read_rules`. Raises BadSelection."""
        return cls(
            **read_rules(**others),
            metadata={} if metadata is None else _metadata(metadata),
            tags=() if tag is None else texts_of("tag", tag),
            origin_task=None if origin_task is None else text_of("origin_task", origin_task),
        )

    def takes(self, file: File) -> bool:
        """Return True if a file is wanted."""
        return (
            self.take(file)
            and (not self.tags or not set(self.tags).isdisjoint(file.tags))
            and (self.origin_task is None or _task_of(file) == self.origin_task)
            and all(_has(file.metadata.get(key), values) for key, values in self.metadata.items())
        )

    def _about_more(self) -> Iterable[str]:
        yield from (f"metadata {key} {any_of(values)}" for key, values in self.metadata.items())
        if self.tags:
            yield f"tag {any_of(self.tags)}"
        if self.origin_task is not None:
            yield f"made by task {self.origin_task}"


def _has(value: Any, wanted: tuple[str, ...]) -> bool:
    """Compare as text, because the platform gives numbers as numbers; one matching entry of a list is enough."""
    values = value if isinstance(value, list) else [value]
    return any(entry is not None and str(entry) in wanted for entry in values)


def _task_of(file: File) -> str | None:
    origin = file.raw.get("origin")
    return origin.get("task") if isinstance(origin, Mapping) else None


def _metadata(value: Any) -> dict[str, tuple[str, ...]]:
    if isinstance(value, str):
        try:
            value = literal(text_of("metadata", value).strip())
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
    return {text_of("a key of metadata", key): _metadata_values(key, wanted) for key, wanted in value.items()}


def _metadata_values(key: str, wanted: Any) -> tuple[str, ...]:
    entries = wanted if isinstance(wanted, list | tuple) else [wanted]
    # Numbers too: JSON has them, and `_has` compares as text.
    numbers = [str(entry) if type(entry) in (int, float) else entry for entry in entries]
    return texts_of(f"metadata {key!r}", numbers)
