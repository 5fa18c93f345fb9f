"""An item of an export: one file, and its destination."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from airflow_provider_cgc.jobs.forms import is_file_name, is_page, named_problem
from airflow_provider_cgc.jobs.ids import id_problem
from airflow_provider_cgc.jobs.submitting.entry import (
    given_in,
    object_in,
    read_keys,
    size_in,
    some_in,
    text_in,
    unknown_keys,
)
from airflow_provider_cgc.jobs.submitting.items import MANIFEST_ENDS, BadItem, Item, read_each
from airflow_provider_cgc.jobs.submitting.task_facts import TaskFacts
from airflow_provider_cgc.jobs.text import shown


class ExportKey(NamedTuple):
    """The identity of an export: two with the same key are the same one."""

    file: str
    volume: str
    location: str


@dataclass(frozen=True, slots=True)
class ExportItem(Item):
    """One file to export and its destination; the operator's arguments or the platform give fields that are None."""

    file: str
    location: str | None = None
    volume: str | None = None
    properties: dict[str, Any] | None = field(default=None, hash=False)
    name: str | None = None
    path: str | None = None
    """The folders below the project, joined by slashes; "" is the project itself, None is unknown."""
    project: str | None = None
    location_template: str | None = None
    """The template to use instead of the operator's `location`; a failed item that got no location keeps its own."""
    copy_only: bool | None = field(default=None, compare=False)
    """The `copy_only` that it was sent with, if a task has sent it, or is meant to be sent with."""
    planned: bool = field(default=False, compare=False)
    """True if it must be sent with its `copy_only`: a dry run has planned it so, or no task has sent it."""

    ASKED: ClassVar[tuple[str, ...]] = ("file", "location", "volume", "properties", "location_template", "copy_only")
    COLUMNS: ClassVar[tuple[str, ...]] = ("file", "location", "volume", "properties", "copy_only")
    JSON_COLUMNS: ClassVar[tuple[str, ...]] = ("properties",)
    ALSO: ClassVar[Mapping[str, str]] = {"file": "id"}

    @classmethod
    def read(cls, entry: object, line: str = "") -> ExportItem:
        """Read a file's id, or a dict with an item's keys. Raises BadItem with everything that is wrong with it."""
        if not isinstance(entry, Mapping):
            return cls(_file_id(entry), line=line)
        if "failed_items" in entry:
            raise BadItem("is a whole summary; give its 'failed_items', or its manifest if it counts more than these")
        said, problems = read_keys(entry, _READERS)
        try:
            said["copy_only"], said["planned"] = _copy_only(entry)
        except BadItem as error:
            problems += error.problems
        problems += unknown_keys(entry, KEYS, ignored=IGNORED)
        if problems:
            raise BadItem(*problems)
        return cls(**said, line=line)

    @classmethod
    def read_line(cls, raw: Mapping[str, Any], line: str = "") -> ExportItem:
        """Read the item of a line of a manifest again. Raises BadItem."""
        if isinstance(raw.get("copy_only"), str):
            raise BadItem(_NO_FLAG.format(shown(raw["copy_only"]), "str"))
        return cls.read({key: raw.get(key) for key in (*cls.ASKED, "task")}, line)

    def key(self) -> ExportKey | None:
        """Return its key; None while its volume or location is not known."""
        if self.volume is None or self.location is None:
            return None
        return ExportKey(self.file, self.volume, self.location)

    def named(self) -> str:
        """Name it for a message: the file's id, and its name where that is known."""
        return f"file {self.file} ({shown(self.name)})" if self.name else f"file {self.file}"

    def asked(self) -> dict[str, Any]:
        """Return the item as it was asked for, in the form that starts an export."""
        item: dict[str, Any] = {"file": self.file, "volume": self.volume, "location": self.location}
        template = {"location_template": self.location_template} if self.location_template else {}
        return item | template | ({"properties": dict(self.properties)} if self.properties else {})

    def to_json(self) -> dict[str, Any]:
        """Return the known fields as plain JSON, in the form that `parse_items` takes."""
        return {key: getattr(self, key) for key in KEYS if getattr(self, key) is not None}


IGNORED = frozenset(
    {"id", "code", "message", "state", "started_on", "finished_on", "user", "conn_id", "copy_only", "task", "version"}
)
"""The keys that failed items of a summary and lines of a manifest have from an earlier try. They are ignored, but for
the `copy_only` of items that no task has sent."""


def parse_items(
    value: Any, *, where: str, check: Callable[[ExportItem], Sequence[str]] | None = None
) -> list[ExportItem]:
    """
    Return the items that `value` stands for: file ids, item dicts or both, as `read_each` takes them.

    The `failed_items` of a summary are items, too. Duplicates are kept; `jobs.exports.locations.targets` finds them.

    :raises BadItems: with everything that is wrong.
    """
    return read_each(value, where=where, read=ExportItem.read, check=check)


_NO_FLAG = "has {} for 'copy_only', of type {}, not bool; correct it"


def _copy_only(entry: Mapping[Any, Any]) -> tuple[bool | None, bool]:
    """Return the `copy_only` of an item, and True if it must be kept: it says nothing about one that was sent."""
    said, task = entry.get("copy_only"), entry.get("task")
    if isinstance(said, str):  # in a table
        said = {"true": True, "false": False}.get(said.lower(), said)
    if not isinstance(said, bool | None):
        raise BadItem(_NO_FLAG.format(shown(said), type(said).__name__))
    if not isinstance(task, Mapping):
        return said, said is not None
    planned = TaskFacts.from_json(task).dry_run
    if planned and said is None:
        raise BadItem("has no 'copy_only', although a dry run has planned it; take it as it was written")
    return said, planned


def _file_id_of(entry: Mapping[Any, Any], key: str) -> str:
    if key not in entry:
        raise BadItem("has no 'file'; give the id of the file there")
    if entry[key] is None:
        raise BadItem(
            "has None for 'file': nothing tells which file this was about (the platform did not know the job); leave"
            " it out, or take the file from the manifest or the list that the job was started from"
        )
    try:
        return _file_id(entry[key])
    except BadItem as error:
        raise BadItem(f"has a 'file' that {error}") from None


def _file_id(value: object) -> str:
    problem = id_problem(value)
    if isinstance(value, str):
        if problem is None:
            return value
        if is_page(value):
            raise BadItem(problem)
        if "://" not in value and is_file_name(value):
            name = value.rpartition("/")[2]
            is_manifest = name.endswith(MANIFEST_ENDS)
            whole = f"; a manifest has a whole address, such as s3://bucket/{name}" if is_manifest else ""
            raise BadItem(f"{problem}; CgcListFilesOperator(name={name!r}) finds it{whole}")
    raise BadItem(f"{problem}; give the file's id as the platform shows it")


_READERS: dict[str, Callable[[Mapping[Any, Any], str], Any]] = {
    "file": _file_id_of,
    "location": given_in,
    "volume": given_in,
    "properties": object_in,
    "name": some_in,
    "size": size_in,
    "path": text_in,
    "project": some_in,
    "location_template": given_in,
}
"""By key, the reader of an item's value for it. Raises BadItem."""


def check_volume(item: ExportItem) -> list[str]:
    """Return the problem of an item's volume, if there is one."""
    problem = named_problem(item.volume, kind="volume") if item.volume else None
    return [f"has a 'volume' that {problem}"] if problem else []


KEYS = tuple(_READERS)
"""The keys that an item may have."""
