"""Where in a project files are: a folder by its id or by its path, and the folders above a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.errors import CgcNotFound
from airflow_provider_cgc.client.errors.codes import NO_SUCH_FILE, NO_SUCH_PROJECT
from airflow_provider_cgc.jobs.forms import named_problem, part_of_page
from airflow_provider_cgc.jobs.text import BadInput, shown

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.models import File
    from airflow_provider_cgc.client.models.account import Project

_ID = re.compile(r"[0-9a-f]{24}")
_NOTHING = {"", "none", "null"}
_MOST_SHOWN = 10
_DEEPEST = 500
"""Folders above one; more is a circle."""


class BadPlace(BadInput):
    """There is no such place to look in; the text names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """A project, or a folder in it; `path` is the folder's own, "" for the project itself."""

    project: str
    folder: str | None = None
    path: str = ""

    @property
    def project_or_folder(self) -> tuple[str | None, str | None]:
        """The two arguments of `files.list` and `files.tree`, of which one is None."""
        return (self.project, None) if self.folder is None else (None, self.folder)

    def __str__(self) -> str:
        return f"folder {self.path!r} of project {self.project}" if self.folder else f"project {self.project}"


@dataclass(frozen=True, slots=True)
class PlaceWanted:
    """What a user wrote, checked as far as it can be without asking."""

    project: str | None
    folder_id: str | None = None
    folder_names: tuple[str, ...] = ()

    @classmethod
    def of(cls, project: Any, folder: Any) -> PlaceWanted:
        """
        Read the id of a project, "owner/short-name", and a folder, each None if not given. Raises BadPlace.

        A folder is an id (24 hexadecimal digits) or the names of folders below the project with slashes between; a
        folder whose name looks like an id is written with a slash before it.
        """
        problem = None if project is None else named_problem(project, kind="project")
        if problem:
            raise BadPlace(f"project {problem} (as in its web address), or leave it out to take the connection's")
        if folder is None:
            return cls(project)
        if not isinstance(folder, str) or folder.strip().lower() in _NOTHING:
            raise BadPlace(
                f"folder is {shown(folder)}; give a folder's id, or its path such as 'raw/2026', or leave it out"
            )
        page = part_of_page(folder, "folder")
        if page:
            raise BadPlace(f"folder is {shown(folder)}; give {page}")
        if _ID.fullmatch(folder):
            return cls(project, folder)
        names = tuple(folder.strip("/").split("/"))
        if not all(name.strip() for name in names):
            raise BadPlace(f"folder is {shown(folder)}, where a name is empty; write it like 'raw/2026'")
        return cls(project, None, names)

    def find(self, client: CgcClient, *, default_project: str | None) -> Place:
        """
        Ask the platform where that is; `default_project` counts where neither a project nor a folder's id is given.

        Costs a request for the project and one for each folder on the way. Raises BadPlace, or a CgcError.
        """
        if self.folder_id is not None:
            return _by_id(client, self.folder_id, self.project)
        name = self.project or default_project
        if name is None:
            raise BadPlace(
                "no project is given; set project='owner/short-name', or the field 'project' of the connection"
            )
        _project(client, name)
        if not self.folder_names:
            return Place(name)
        return _by_path(client, name, self.folder_names)


def _project(client: CgcClient, name: str) -> Project:
    try:
        return client.projects.get(name)
    except CgcNotFound as error:
        if error.code != NO_SUCH_PROJECT:
            raise
        raise BadPlace(
            f"there is no project {name!r}, or the connection's user is no member of it: check the id"
            " ('owner/short-name', as in its web address)"
        ) from error


def _by_path(client: CgcClient, project: str, names: tuple[str, ...]) -> Place:
    place = Place(project)
    for depth, name in enumerate(names, start=1):
        place = Place(project, _folder_named(client, name, place).id, "/".join(names[:depth]))
    return place


def _folder_named(client: CgcClient, name: str, place: Place) -> File:
    project, parent = place.project_or_folder
    asked = client.files.list(project, parent=parent, name=name)
    found = next((item for item in asked if item.is_folder and item.name == name), None)
    if found is not None:
        return found
    # That the filter for names finds folders is documented nowhere, so the whole level is read before it is believed.
    names = []
    for item in client.files.list(project, parent=parent):
        if item.is_folder and item.name == name:
            return item
        if item.is_folder:
            names.append(item.name)
        elif item.name == name:
            raise BadPlace(f"{name!r} in {place} is a file; give the folder that it lies in")
    told = ", ".join(map(shown, sorted(names)[:_MOST_SHOWN])) + (", ..." if len(names) > _MOST_SHOWN else "")
    there = f"there are {told}; capitals count" if names else "it has no folders; check the path"
    raise BadPlace(f"there is no folder {name!r} in {place}: {there}")


def _by_id(client: CgcClient, folder_id: str, project: str | None) -> Place:
    try:
        folder = client.files.get(folder_id)
    except CgcNotFound as error:
        if error.code != NO_SUCH_FILE:
            raise
        raise BadPlace(
            f"there is no folder with the id {folder_id!r}, or the connection's user cannot see it: check the id; a"
            " folder whose name looks like an id is written with a slash before it"
        ) from error
    if not folder.is_folder:
        raise BadPlace(f"folder {folder_id!r} is the file {folder.name!r}; give the id of the folder that it lies in")
    if project is not None and folder.project != project:
        raise BadPlace(
            f"folder {folder_id!r} ({folder.name!r}) is in project {folder.project}, not in {project}; correct one of"
            " the two, or leave project out"
        )
    if folder.project is None:
        raise BadPlace(f"the platform does not tell the project of folder {folder_id!r}; give a path and a project")
    root = _project(client, folder.project).raw.get("root_folder")
    names: list[str] = []
    # A project's root is a folder, too, without one above it.
    while folder.id != root and folder.parent is not None:
        names.append(folder.name)
        if folder.parent == root:
            break
        if len(names) > _DEEPEST:
            raise BadPlace(f"the folders above {folder_id!r} have no end; list its project instead")
        folder = client.files.get(folder.parent)
    return Place(folder.project or "", folder_id, "/".join(reversed(names)))


def paths_of(client: CgcClient, files: Sequence[File]) -> dict[str, str]:
    """
    Return the folders below its project for each file, joined by slashes, "" for none.

    Asks for the folders in hundreds, one level of the tree after the other.
    """
    folders: dict[str, File] = {}
    wanted = {file.parent for file in files if file.parent}
    for _ in range(_DEEPEST):
        if not wanted:
            break
        for record in client.files.bulk_get(sorted(wanted)):
            if record.resource is not None:
                folders[record.resource.id] = record.resource
        parents = {folders[name].parent for name in wanted if name in folders}
        wanted = {parent for parent in parents if parent and parent not in folders}
    paths: dict[str, str] = {}
    for file in files:
        names: list[str] = []
        folder = folders.get(file.parent or "")
        # A folder without a parent is the project itself.
        while folder is not None and folder.parent:
            names.append(folder.name)
            folder = folders.get(folder.parent)
        if folder is not None:
            paths[file.id] = "/".join(reversed(names))
    return paths
