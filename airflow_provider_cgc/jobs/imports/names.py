"""The name of each file in its project or folder, and its metadata and tags; and no two files under one name.

Pure: the platform is not asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from airflow_provider_cgc.jobs.imports.item import ImportItem
from airflow_provider_cgc.jobs.imports.metadata import metadata_problems, tag_problems
from airflow_provider_cgc.jobs.placeholders import BadTarget, Template, path_problem, single_text
from airflow_provider_cgc.jobs.submitting.items import MOST_SHOWN
from airflow_provider_cgc.jobs.text import joined, shown

MOST_CHARACTERS = 255
"""Characters of a name. Chosen: the limit of most file systems; the platform documents none."""
HIDDEN = "__"
"""The beginning that the platform allows no folder's name."""
_COLUMN = "column."
_OWN_NAME = "or give this item a 'name' of its own"
_OWN_METADATA = "or give this item 'metadata' of its own"
_ENDS_WITH_SLASH = "ends with a slash, which names a folder; give the full name of the file"


def check_name(name: str) -> str | None:
    """Return the problem of a file's path and its remedy, to follow the path; None if there is none."""
    problem = path_problem(name, thing="file", at_end=_ENDS_WITH_SLASH)
    if problem:
        return problem
    *folders, last = name.split("/")
    long = next((one for one in (*folders, last) if len(one) > MOST_CHARACTERS), None)
    if long is not None:
        return f"has a name of {len(long)} characters, and at most {MOST_CHARACTERS} are usual; shorten it"
    if any(one != one.strip() for one in (*folders, last)):
        return "has white space at the beginning or end of a name; remove it"
    hidden = next((one for one in folders if one.startswith(HIDDEN)), None)
    if hidden is not None:
        return f"has the folder {shown(hidden)}, and no folder may begin with {HIDDEN!r}; give it another name"
    return None


@dataclass(frozen=True, slots=True)
class NameTemplate(Template):
    """
    A text such as "{path}/{name}" that makes a file's path from an object's. Raises BadTarget if it cannot.

    `{name}`: the last part of the object's location, or the name that an exported file had. `{path}`: its folders,
    below the prefix that was listed. `{folder}`: the folder that it is in. `{column.KEY}`: a further column of the
    manifest. `{{` and `}}` stand for braces.
    """

    NOUN = "name"
    FIELDS = ("name", "path", "folder")
    FAMILY = _COLUMN

    def __post_init__(self) -> None:
        Template.__post_init__(self)
        # With every field filled, only the user's own text can be wrong, and then for every file.
        problem = check_name(self.fill(lambda name: "x"))
        if problem:
            raise BadTarget(f"the name {shown(self.text)} {problem}")

    def render(self, item: ImportItem) -> str:
        """Return the path for an item. Raises BadTarget, naming the item."""
        name = self.fill(lambda field: _value(field, item, noun=self.NOUN, otherwise=_OWN_NAME, slashes=False))
        problem = check_name(name)
        if problem:
            raise BadTarget(f"{item.named()} would become {shown(name)}, which {problem}, {_OWN_NAME}")
        return name


@dataclass(frozen=True, slots=True)
class ValueTemplate(Template):
    """
    A text of metadata, such as "{folder}". Raises BadTarget if it cannot be filled.

    The placeholders are those of a name, and `{location}`, the whole location.
    """

    NOUN = "metadata"
    FIELDS = (*NameTemplate.FIELDS, "location")
    FAMILY = _COLUMN

    def render(self, item: ImportItem) -> str:
        """Return the text for an item. Raises BadTarget, naming the item."""
        how = {"noun": self.NOUN, "otherwise": _OWN_METADATA}
        return self.fill(lambda field: _value(field, item, slashes=True, **how))


def _value(field: str, item: ImportItem, *, noun: str, otherwise: str, slashes: bool) -> str:
    above, _, last = item.location.rpartition("/")
    last = item.source_name or last
    if field == "path":
        return above if item.path is None else item.path
    value = {"name": last, "folder": above.rpartition("/")[2], "location": item.location}.get(field)
    spoken = repr(field)
    if field.startswith(_COLUMN):
        column = field[len(_COLUMN) :].strip()
        value, spoken = (item.columns or {}).get(column.lower()), f"column {column!r}"
    return single_text(value, about=item.named(), field=spoken, noun=noun, otherwise=otherwise, slashes=slashes)


@dataclass(frozen=True, slots=True)
class TagTemplate(ValueTemplate):
    """A tag, such as "{folder}"."""

    NOUN = "tag"


@dataclass(frozen=True, slots=True)
class Wishes:
    """
    The arguments of an import that hold for all items which do not say otherwise.

    :param project: the destination, "owner/short-name"; None if it is a folder, or each item has its own.
    :param parent: the destination, the id of a folder.
    """

    name: NameTemplate
    volume: str | None = None
    project: str | None = None
    parent: str | None = None
    metadata: Mapping[str, ValueTemplate] = field(default_factory=dict)
    tags: Sequence[TagTemplate] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """The items, each with its name and destination, and the problems of the others."""

    items: list[ImportItem]
    unnamed: list[tuple[ImportItem, str]]
    """Items for which there is no valid name or metadata, and why."""
    problems: list[str]
    """Reasons to refuse the whole order: items without a volume or a destination."""


def named(items: Iterable[ImportItem], wishes: Wishes) -> Named:
    """Give every item its volume, destination, name, metadata and tags: its own, or those of all."""
    found = Named([], [], [])
    for item in items:
        about = f"{item.line}: {item.named()}" if item.line else item.named()
        own = item.project is not None or item.parent is not None
        item = replace(
            item,
            volume=item.volume or wishes.volume,
            project=item.project if own else wishes.project,
            parent=item.parent if own else wishes.parent,
        )
        if not item.volume:
            found.problems.append(f"{about} has no volume; give the operator's 'volume', or the item's own")
        if item.project is None and item.parent is None:
            found.problems.append(f"{about} has no destination; give the operator's 'project', or 'parent'")
        try:
            found.items.append(_described(_with_name(item, wishes.name), wishes))
        except BadTarget as error:
            found.unnamed.append((item, str(error)))
    return found


def _with_name(item: ImportItem, template: NameTemplate) -> ImportItem:
    if item.name is None:
        return replace(item, name=template.render(item))
    problem = check_name(item.name)
    if problem:
        raise BadTarget(f"{item.named()} has the name {shown(item.name)}, which {problem}")
    return item


def _described(item: ImportItem, wishes: Wishes) -> ImportItem:
    metadata = {
        key: template.render(item) for key, template in wishes.metadata.items() if key not in (item.metadata or {})
    }
    metadata |= item.metadata or {}
    tags = dict.fromkeys([*(item.tags or ()), *(template.render(item) for template in wishes.tags)])
    wrong = [f"metadata whose {problem}" for problem in metadata_problems(metadata)]
    wrong += [f"tags, of which {problem}" for problem in tag_problems(tags)]
    if wrong:
        raise BadTarget(f"{item.named()} would get {'; and '.join(wrong)}")
    return replace(item, metadata=metadata or None, tags=tuple(tags) or None)


def as_given(item: ImportItem) -> tuple[str, str]:
    """Return the destination of an item and its path below it, as they were given."""
    return item.parent or str(item.project), str(item.name)


def clashes(items: Iterable[ImportItem], spot_of: Callable[[ImportItem], tuple[str, str]] = as_given) -> list[str]:
    """
    Name the items that would get the same name, and those of which one is a folder on the way of others.

    :param spot_of: returns the project or folder of an item, and its path below it.
    """
    by_name: dict[tuple[str, str], list[ImportItem]] = defaultdict(list)
    for item in items:
        by_name[spot_of(item)].append(item)
    folders = {(place, above): name for place, name in by_name for above in folders_above(name)}
    return [
        *(_clash(where, rivals) for where, rivals in by_name.items() if len(rivals) > 1),
        *(
            f"{by_name[where][0].named()} would be the file {shown(where[1])}, and {shown(folders[where])} needs a"
            " folder of this name: give one of them a 'name' of its own"
            for where in by_name
            if where in folders
        ),
    ]


def folders_above(name: str) -> list[str]:
    """Return the paths of the folders on the way to a path, the outermost first."""
    parts = name.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _clash(where: tuple[str, str], rivals: Sequence[ImportItem]) -> str:
    names = [joined(f"{rival.line}," if rival.line else "", rival.named()) for rival in rivals[:MOST_SHOWN]]
    more = [f"{len(rivals) - MOST_SHOWN} more"] if len(rivals) > MOST_SHOWN else []
    count = "two" if len(rivals) == 2 else str(len(rivals))
    what, remedy = f"{count} items go to one name", "give each a 'name' of its own, or put {path} into the template"
    if len({(rival.volume, rival.location) for rival in rivals}) == 1:
        what, remedy = "one object goes to one name more than once", "give it once"
    return f"{what}, {shown(where[1])} in {where[0]}: {'; '.join([*names, *more])}: {remedy}"
