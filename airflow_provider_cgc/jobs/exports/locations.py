"""The destination of each file on its volume: the template for keys, the rules for a key, and no two files to one key.

Pure: the facts about the files are handed in. A "key" is the name of an object below its volume's own prefix.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.placeholders import CONTROL, BadTarget, Template, path_problem, single_text
from airflow_provider_cgc.jobs.submitting.items import MOST_SHOWN
from airflow_provider_cgc.jobs.text import shown

if TYPE_CHECKING:
    from airflow_provider_cgc.client.models import File

MOST_BYTES = 1024
"""Bytes of UTF-8 that a key may have on S3 and on Google Cloud Storage."""

_METADATA = "metadata."
_OWN_LOCATION = "or give this item a 'location' of its own"
_ENDS_WITH_SLASH = (
    "ends with a slash, which names a folder (the platform's error 9072); give the full name of the object"
)


def check_key(key: str) -> str | None:
    """Return the problem of a key and its remedy, to follow the key's name; None if there is none."""
    problem = path_problem(key, thing="object", at_end=_ENDS_WITH_SLASH)
    size = 0 if problem else len(key.encode())
    if size > MOST_BYTES:
        return f"has {size} bytes in UTF-8, and object stores take at most {MOST_BYTES}; shorten it"
    return problem


@dataclass(frozen=True, slots=True)
class LocationTemplate(Template):
    """
    A text such as "{path}/{name}" that makes a key from the facts about a file. Raises BadTarget if it cannot.

    `{name}`: the file's name. `{path}`: the folders below its project. `{project}`: the project's short name.
    `{id}`: the file's id. `{metadata.KEY}`: a metadata field. `{{` and `}}` stand for braces.

    A folder made only of empty fields is left out together with its slash; only `{path}` can be empty, for a file that
    is in no folder. Any other field that is missing or empty is an error, and so is one with a slash, or a list in the
    metadata: it would put the file where nobody looks for it.
    """

    NOUN = "location"
    FIELDS = ("name", "path", "project", "id")
    FAMILY = _METADATA

    def __post_init__(self) -> None:
        Template.__post_init__(self)
        # With every field filled, only the user's own text can be wrong, and then for every file.
        problem = check_key(self.fill(lambda name: "x"))
        if problem:
            raise BadTarget(f"the location {shown(self.text)} {problem}")

    def render(self, item: ExportItem, file: File | None = None) -> str:
        """
        Return the key for a file. The platform's current answer, `file`, wins over the item's own fields.

        Raises BadTarget, naming the file, if a field is unknown or the key would break a rule.
        """
        key = self.fill(lambda name: _value(name, item, file))
        problem = check_key(key)
        if problem:
            raise BadTarget(f"{named(item, file)} would go to {shown(key)}, which {problem}, {_OWN_LOCATION}")
        return key


@dataclass(frozen=True, slots=True)
class Targets:
    """The items, each with its volume and key, and the problems of the others."""

    items: list[ExportItem]
    unplaced: list[tuple[ExportItem, str]]
    """Items for which there is no valid key, and why."""
    problems: list[str]
    """Reasons to refuse the whole order: items without a volume, or with control characters in their location."""
    warnings: list[str]
    """Lines to log; they stop nothing."""


def targets(
    items: Iterable[ExportItem],
    *,
    template: LocationTemplate,
    volume: str | None = None,
    files: Mapping[str, File] | None = None,
) -> Targets:
    """
    Give every item its volume and key: its own, taken as they are, or else `volume` and the key that the template
    makes.

    `files` has the platform's current answers, by id. Keys are compared as the stores do, byte by byte: "A" and "a" are
    two objects, and so are two ways to write one accent (Unicode NFC and NFD), which causes a warning.
    """
    placed: list[ExportItem] = []
    unplaced: list[tuple[ExportItem, str]] = []
    problems: list[str] = []
    for item in items:
        file = (files or {}).get(item.file)
        target = item.volume or volume
        about = f"{item.line}: {named(item, file)}" if item.line else named(item, file)
        if not target:
            problems.append(f"{about} has no volume; give the operator's 'volume', or the item's own")
            continue
        if item.location is not None and CONTROL.search(item.location):
            # No store, XCom or log can hold it as it is, so it cannot be listed as a failure of this item.
            problems.append(f"{about} has the location {shown(item.location)}, which {check_key(item.location)}")
            continue
        try:
            placed.append(_placed(replace(item, volume=target), own_template(item, template), file))
        except BadTarget as error:
            unplaced.append((replace(item, volume=target), str(error)))
    return Targets(placed, unplaced, problems, _look_alikes(placed))


def own_template(item: ExportItem, template: LocationTemplate) -> LocationTemplate:
    """Return the template by which an item gets its location: its own, or the operator's. Raises BadTarget."""
    return template if item.location_template is None else LocationTemplate(item.location_template)


def clashes(items: Iterable[ExportItem]) -> list[str]:
    """Name the items that would go to the same key."""
    by_target: dict[tuple[str | None, str | None], list[ExportItem]] = defaultdict(list)
    for item in items:
        by_target[item.volume, item.location].append(item)
    return [_clash(rivals) for rivals in by_target.values() if len(rivals) > 1]


def moved_twice(items: Iterable[ExportItem]) -> list[str]:
    """Name the files that are to be moved to several keys: after the first move there is nothing left to move."""
    by_file: dict[str, list[ExportItem]] = defaultdict(list)
    for item in items:
        by_file[item.file].append(item)
    return [
        f"{named(rivals[0])} is to be moved to {len(rivals)} locations, {shown(rivals[0].location)} and"
        f" {shown(rivals[1].location)}, and after the first move there is nothing left to move: give it once, or set"
        " copy_only=True"
        for rivals in by_file.values()
        if len(rivals) > 1
    ]


def _value(name: str, item: ExportItem, file: File | None) -> str:
    if name == "path":
        if item.path is None:
            raise BadTarget(
                f"{named(item, file)} has no known 'path', which the location needs; give the folders below its"
                f' project ("" for none), {_OWN_LOCATION}'
            )
        return item.path
    value = _raw_value(name, item, file)
    about, noun = named(item, file), LocationTemplate.NOUN
    return single_text(value, about=about, field=_spoken(name), noun=noun, otherwise=_OWN_LOCATION)


def _raw_value(name: str, item: ExportItem, file: File | None) -> object:
    """Return the known value of a field; a project's id is "owner/short-name"."""
    if name == "id":
        return item.file
    if name == "name":
        return _name(item, file)
    if name == "project":
        project = (file.project if file else None) or item.project
        return project and project.rpartition("/")[2]
    return file.metadata.get(name.removeprefix(_METADATA)) if file else None


def _spoken(name: str) -> str:
    return f"metadata field {name[len(_METADATA) :]!r}" if name.startswith(_METADATA) else repr(name)


def _name(item: ExportItem, file: File | None) -> str | None:
    return (file.name if file else None) or item.name


def named(item: ExportItem, file: File | None = None) -> str:
    """Name a file for a message: its id, and its name if that is known."""
    name = _name(item, file)
    return f"file {item.file} ({shown(name)})" if name else f"file {item.file}"


def _placed(item: ExportItem, template: LocationTemplate, file: File | None) -> ExportItem:
    problem = None if item.location is None else check_key(item.location)
    if problem:
        raise BadTarget(f"{named(item, file)} has the location {shown(item.location)}, which {problem}")
    location = template.render(item, file) if item.location is None else item.location
    size = file.size if file and file.size is not None else item.size
    return replace(item, location=location, name=_name(item, file), size=size)


def _clash(rivals: Sequence[ExportItem]) -> str:
    names = [f"{rival.line}, {named(rival)}" if rival.line else named(rival) for rival in rivals[:MOST_SHOWN]]
    more = [f"{len(rivals) - MOST_SHOWN} more"] if len(rivals) > MOST_SHOWN else []
    destination = f"{shown(rivals[0].location)} on {rivals[0].volume}"
    what, remedy = (
        "two files go to one key",
        "give each a 'location' of its own, or put {path} or {id} into the template",
    )
    if len({rival.file for rival in rivals}) == 1:
        what, remedy = "one file goes to one key more than once", "give it once"
    elif len(rivals) > 2:
        what = f"{len(rivals)} items go to one key"
    return f"{what}, {destination}: {'; '.join([*names, *more])}: {remedy}"


def _look_alikes(items: Sequence[ExportItem]) -> list[str]:
    """Warn, in one line, of keys that differ only in how their accents are written."""
    by_look: dict[tuple[str | None, str], set[str]] = defaultdict(set)
    for item in items:
        if item.location and not item.location.isascii():
            by_look[item.volume, unicodedata.normalize("NFC", item.location)].add(item.location)
    alike = [look for (_, look), keys in by_look.items() if len(keys) > 1]
    if not alike:
        return []
    keys = ", ".join(map(shown, alike[:MOST_SHOWN])) + (", ..." if len(alike) > MOST_SHOWN else "")
    return [
        f"{len(alike)} of the keys are there in spellings that look the same (Unicode NFC and NFD): {keys}. Each is an"
        " object of its own, but a tool that unifies spellings, such as a copy to a Mac, keeps only one."
    ]
