"""The arguments of an import, and the checks that need no request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

from airflow_provider_cgc.arguments import word_of
from airflow_provider_cgc.exceptions import CgcBadInput
from airflow_provider_cgc.jobs.forms import named_problem
from airflow_provider_cgc.jobs.ids import BadIds, id_problem, literal
from airflow_provider_cgc.jobs.imports.item import ImportItem, check_places
from airflow_provider_cgc.jobs.imports.metadata import metadata_problems, tag_problems
from airflow_provider_cgc.jobs.imports.names import NameTemplate, TagTemplate, ValueTemplate, Wishes, clashes, named
from airflow_provider_cgc.jobs.placeholders import BadTarget
from airflow_provider_cgc.jobs.text import is_nothing, shown
from airflow_provider_cgc.literals import Literals
from airflow_provider_cgc.operators.base import CgcSubmittingOperator
from airflow_provider_cgc.operators.submitting_arguments import Arguments

IF_EXISTS = ("fail", "skip", "overwrite", "rename")
UNDESCRIBED = (
    "with wait=False nobody sets metadata and tags, because the files are not there yet; drop them, or wait=False"
)


def project_of(value: Any, *, where: str) -> str | None:
    """
    Read a project, "owner/short-name"; None or "", as a template may write it, is no project.

    :raises CgcBadInput: for anything else.
    """
    problem = named_problem(value, kind="project") if value not in (None, "") else None
    if problem:
        raise CgcBadInput(f"{where} {problem}")
    return value or None


def parent_of(value: Any, *, where: str) -> str | None:
    """
    Read the id of a folder; None or "", as a template may write it, is no folder.

    :raises CgcBadInput: for anything else.
    """
    if value in (None, ""):
        return None
    problem = id_problem(value)
    if problem is None and "/" not in value:
        return str(value)
    raise CgcBadInput(
        f"{where} {problem}; give the id of a folder. For a path give the project, and write the path in 'name', such"
        " as 'raw/2026/{path}/{name}'"
    )


def name_of(value: Any, *, where: str) -> NameTemplate:
    """Read the template for names. Raises BadTarget, which names the argument itself."""
    if isinstance(value, str) and value.strip() and is_nothing(value):
        raise BadTarget(f"the name is {value!r}: a template rendered to nothing; correct the template")
    return NameTemplate(value)


def metadata_of(value: Any, *, where: str) -> dict[str, ValueTemplate]:
    """
    Read the metadata of all files: a mapping of templates, or text of one (JSON or Python).

    :raises CgcBadInput: for anything else, and for keys that the platform does not take.
    :raises BadTarget: for a wrong template.
    """
    read = _literal(value)
    if read is None:
        return {}
    if not isinstance(read, Mapping):
        raise CgcBadInput(f'{where} is {shown(value)}; give an object such as {{"sample_id": "{{folder}}"}}')
    # Values with fields are known when these are filled in; here only that they are text.
    templates = {key: ValueTemplate(text) for key, text in read.items() if isinstance(text, str)}
    fixed = {key: "" if key in templates and templates[key].fields else text for key, text in read.items()}
    problems = metadata_problems(fixed)
    if problems:
        raise CgcBadInput(f"{where}: the metadata's {problems[0]}")
    return templates


def tags_of(value: Any, *, where: str) -> list[TagTemplate]:
    """
    Read the tags of all files: a list of templates, or text of one (JSON or Python).

    :raises CgcBadInput: for anything else.
    :raises BadTarget: for a wrong template.
    """
    read = _literal(value)
    if read is None:
        return []
    if isinstance(read, str) or not isinstance(read, Sequence):
        raise CgcBadInput(f"{where} is {shown(value)}; give a list of text such as ['from-{{folder}}']")
    problems = tag_problems(read)
    if problems:
        raise CgcBadInput(f"{where}: of the tags, {problems[0]}")
    return [TagTemplate(text) for text in read]


def _literal(value: Any) -> Any:
    """Return the value that a template rendered to text; other text stays unchanged."""
    if not isinstance(value, str):
        return value
    with suppress(BadIds):
        return literal(value.strip())
    return value


class ImportArguments(Arguments):
    """The arguments of `CgcBulkImportOperator`."""

    READERS: ClassVar[Mapping[str, Callable[..., Any]]] = {
        "project": project_of,
        "parent": parent_of,
        "name": name_of,
        "if_exists": partial(word_of, words=IF_EXISTS),
        "metadata": metadata_of,
        "tags": tags_of,
        **Arguments.READERS,
    }

    def check(self, item: ImportItem) -> list[str]:
        """Return the problems of an item's volume, project and folder."""
        return check_places(item)

    def wrong_together(self, task: CgcSubmittingOperator, values: Mapping[str, Any]) -> list[str]:
        """Return the problems of arguments that are right one by one."""
        wrong = super().wrong_together(task, values)
        if values["project"] and values["parent"]:
            wrong.append("give either project or parent, not both: a folder's id says in which project it is")
        if task.wait is False and (values["metadata"] or values["tags"]):
            wrong.append(UNDESCRIBED)
        return wrong

    def judge(self, given: Literals, items: list[ImportItem], values: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """Return the problems of items whose names do not depend on what is not known yet."""
        if not given.known("name", "metadata", "tags") or None in (values["name"], values["metadata"], values["tags"]):
            return [], []
        # A volume or a destination that is not known yet is not checked.
        wishes = wishes_of({**values, "volume": values["volume"] or "some/volume"}, project="some/project")
        found = named(items, wishes)
        return [*found.problems, *clashes(found.items)], [f"{item.line}: {why}" for item, why in found.unnamed]


IMPORT_ARGUMENTS = ImportArguments()


def wishes_of(values: Mapping[str, Any], *, project: str | None) -> Wishes:
    """
    Return the wishes for all items.

    :param project: the project if neither a project nor a folder is given.
    """
    return Wishes(
        name=values["name"],
        volume=values["volume"],
        project=values["project"] or (None if values["parent"] else project),
        parent=values["parent"],
        metadata=values["metadata"],
        tags=values["tags"],
    )
