"""An item of an import: one object of a volume, and the file that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from airflow_provider_cgc.jobs.forms import named_problem
from airflow_provider_cgc.jobs.ids import id_problem, is_uri
from airflow_provider_cgc.jobs.imports.metadata import metadata_problems, tag_problems
from airflow_provider_cgc.jobs.submitting.entry import given_in, object_in, read_keys, size_in, text_in, unknown_keys
from airflow_provider_cgc.jobs.submitting.items import BadItem, Item
from airflow_provider_cgc.jobs.text import shown


class ImportKey(NamedTuple):
    """The identity of an import: two with the same key are the same one."""

    volume: str
    location: str
    destination: str
    """A project, "owner/short-name", or the id of a folder."""
    name: str
    """The wanted path below the destination; with `if_exists="rename"` the file may get another name."""


@dataclass(frozen=True, slots=True)
class ImportItem(Item):
    """One object to import and its destination; the operator's arguments give fields that are None."""

    location: str
    volume: str | None = None
    project: str | None = None
    parent: str | None = None
    name: str | None = None
    """The path of the file below its project or folder, taken literally."""
    metadata: dict[str, str] | None = field(default=None, hash=False)
    tags: tuple[str, ...] | None = None
    path: str | None = None
    """The folders of the object, joined by slashes, for the placeholder `{path}`; None: all of its location."""
    source_name: str | None = None
    """The name that an exported file had, for the placeholder `{name}`; None: the last part of its location."""
    columns: dict[str, str] | None = field(default=None, hash=False)
    """The further columns of a table, by their names in lower case."""

    _COMMON: ClassVar[tuple[str, ...]] = (
        *("location", "volume", "project", "parent", "name", "metadata", "tags", "path"),
    )
    ASKED: ClassVar[tuple[str, ...]] = (*_COMMON, "source_name", "columns")
    COLUMNS: ClassVar[tuple[str, ...]] = (*_COMMON, "size")
    JSON_COLUMNS: ClassVar[tuple[str, ...]] = ("metadata", "tags", "size")
    FURTHER: ClassVar[str] = "columns"
    HAS_RESULT: ClassVar[bool] = True

    @classmethod
    def read(cls, entry: object, line: str = "") -> ImportItem:
        """Read a location, or a dict with an item's keys. Raises BadItem with everything that is wrong with it."""
        if not isinstance(entry, Mapping):
            return cls(_location(entry), line=line)
        if "failed_items" in entry:
            raise BadItem("is a whole summary; give its 'failed_items', or its manifest if it counts more than these")
        said, problems = read_keys(entry, _READERS)
        problems += unknown_keys(entry, KEYS, ignored=IGNORED)
        if said.get("project") and said.get("parent"):
            problems.append("has both a 'project' and a 'parent'; give the one that the file shall go to")
        if problems:
            raise BadItem(*problems)
        return cls(**said, line=line)

    def key(self) -> ImportKey | None:
        """Return its key; None while a part of it is not known."""
        destination = self.parent or self.project
        if self.volume is None or destination is None or self.name is None:
            return None
        return ImportKey(self.volume, self.location, destination, self.name)

    def named(self) -> str:
        """Name it for a message."""
        return f"object {shown(self.location)}"

    def asked(self) -> dict[str, Any]:
        """Return the item as it was asked for, in the form that starts an import."""
        given = {key: value for key in self.ASKED if (value := getattr(self, key)) is not None}
        return given | ({"tags": list(self.tags)} if self.tags is not None else {})


IGNORED = frozenset(
    {
        *("id", "code", "message", "state", "started_on", "finished_on", "user", "conn_id", "task", "version"),
        *("overwrite", "autorename", "preserve_folder_structure", "result"),
        *("file", "source_project", "origin_task", "other_metadata"),
    }
)
"""The keys that failed items of a summary and lines of a manifest have from an earlier try, and the lines of exported
files from the project that these came from. They are ignored."""


def check_places(item: ImportItem) -> list[str]:
    """Return the problems of an item's volume, project and folder."""
    given = (("volume", item.volume), ("project", item.project))
    wrong = [(kind, named_problem(value, kind=kind)) for kind, value in given if value]
    parent = id_problem(item.parent) if item.parent else None
    return [f"has a {kind!r} that {problem}" for kind, problem in [*wrong, ("parent", parent)] if problem]


def _location(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise BadItem(
            f"is {shown(value)}, of type {type(value).__name__}, not the key of an object; give text, or an object"
            ' such as {"location": "run7/a.bam"}'
        )
    problem = location_problem(value)
    if problem:
        raise BadItem(f"is {shown(value)}, which {problem}")
    return value


def location_problem(location: str) -> str | None:
    """Return the problem of a location and its remedy, to follow the location; None if there is none."""
    if location.endswith("/"):
        return (
            "ends with a slash, so that it is a folder, and files are imported one by one, because only then the"
            " platform tells the id of each; CgcListVolumeOperator lists the objects of a folder"
        )
    if location.startswith("/"):
        return "starts with a slash; remove it: locations begin below the volume's bucket and prefix"
    if is_uri(location):
        return "is a whole address; give only what comes after the volume's bucket and prefix"
    if "\x00" in location or any("\ud800" <= char <= "\udfff" for char in location):
        return "has a character that no object's key can have; correct it"
    return None


def _location_in(entry: Mapping[Any, Any], key: str) -> str:
    value = given_in(entry, key)
    if value is None:
        raise BadItem("has no 'location'; give the key of the object on the volume")
    problem = location_problem(value)
    if problem:
        raise BadItem(f"has the location {shown(value)}, which {problem}")
    return value


def _metadata_in(entry: Mapping[Any, Any], key: str) -> dict[str, str] | None:
    value = object_in(entry, key)
    problems = metadata_problems(value or {})
    if problems:
        raise BadItem(*(f"has metadata whose {problem}" for problem in problems))
    return value


def _tags_in(entry: Mapping[Any, Any], key: str) -> tuple[str, ...] | None:
    value = entry.get(key)
    if value is None:
        return None
    if not isinstance(value, list | tuple):
        raise BadItem(f"has {shown(value)} for {key!r}, of type {type(value).__name__}; give a list of text")
    problems = tag_problems(value)
    if problems:
        raise BadItem(*(f"has tags, of which {problem}" for problem in problems))
    return tuple(value)


def _columns_in(entry: Mapping[Any, Any], key: str) -> dict[str, str] | None:
    value = object_in(entry, key)
    if value is not None and not all(isinstance(one, str) for one in value.values()):
        raise BadItem(f"has {shown(value)} for {key!r}; give an object with text for values")
    return value


_READERS: dict[str, Any] = {
    "location": _location_in,
    "volume": given_in,
    "project": given_in,
    "parent": given_in,
    "name": given_in,
    "metadata": _metadata_in,
    "tags": _tags_in,
    "size": size_in,
    "path": text_in,
    "source_name": given_in,
    "columns": _columns_in,
}
"""By key, the reader of an item's value for it. Raises BadItem."""
KEYS = tuple(_READERS)
"""The keys that an item may have."""
