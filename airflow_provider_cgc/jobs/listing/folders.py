"""The folders of a project: one given by its id or path, and the folders above a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.errors import CgcNotFound
from airflow_provider_cgc.client.errors.codes import NO_SUCH_FILE, NO_SUCH_PROJECT
from airflow_provider_cgc.jobs.forms import named_problem, part_of_page
from airflow_provider_cgc.jobs.listing.pages import id_or_page, refuse_other_platform
from airflow_provider_cgc.jobs.listing.rules import is_pattern
from airflow_provider_cgc.jobs.text import BadInput, is_nothing, shown

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.models import File
    from airflow_provider_cgc.client.models.account import Project

_ID = re.compile(r"[0-9a-f]{24}")
_ADDRESS = re.compile(r"\s*https?://", re.IGNORECASE)
_MOST_SHOWN = 10
_DEEPEST = 500
"""Levels of folders; more is a circle."""


class BadFolder(BadInput):
    """There is no such project or folder; the text names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of a project, or the project itself: then `id` is None and `path` is ""."""

    project: str
    id: str | None = None
    path: str = ""

    @property
    def project_or_folder(self) -> tuple[str | None, str | None]:
        """The arguments `project` and `parent` of `files.list` and `files.tree`, of which one is None."""
        return (self.project, None) if self.id is None else (None, self.id)

    def __str__(self) -> str:
        return f"folder {self.path!r} of project {self.project}" if self.id else f"project {self.project}"


@dataclass(frozen=True, slots=True)
class FolderWanted:
    """A project and folder as the user wrote them, checked as far as possible without asking the platform."""

    project: str | None
    folder_id: str | None = None
    folder_names: tuple[str, ...] = ()
    pages: tuple[tuple[str, str | None], ...] = ()
    """The arguments, each with the address that was given in place of an id."""

    @classmethod
    def of(cls, project: Any, folder: Any) -> FolderWanted:
        """
        Read the id of a project, "owner/short-name", and a folder, each None if not given. Raises BadFolder.

        A folder is an id (24 hexadecimal digits) or a path: the names of folders below the project with slashes between
        them. A folder whose name looks like an id is written with a slash before it. Each may be given as the address
        of its page on the platform's web site.
        """
        if part_of_page(project, "folder"):
            raise BadFolder(f"project is {shown(project)}, the page of a folder; give that address as 'folder'")
        project, project_page = id_or_page(project, "project")
        folder, folder_page = id_or_page(folder, "folder")
        pages = (("project", project_page), ("folder", folder_page))
        problem = None if project is None else named_problem(project, kind="project")
        if problem:
            raise BadFolder(f"project {problem} (as in its web address), or leave it out to take the connection's")
        if folder is None:
            return cls(project, pages=pages)
        if not isinstance(folder, str) or is_nothing(folder):
            raise BadFolder(
                f"folder is {shown(folder)}; give a folder's id, or its path such as 'raw/2026', or leave it out"
            )
        if _ADDRESS.match(folder):
            raise BadFolder(
                f"folder is {shown(folder)}, an address that is not of one folder; give a folder's id, or its path such"
                " as 'raw/2026', or the address of a whole project as 'project'"
            )
        if _ID.fullmatch(folder):
            return cls(project, folder, pages=pages)
        names = tuple(folder.strip("/").split("/"))
        if not all(name.strip() for name in names):
            raise BadFolder(f"folder is {shown(folder)}, where a name is empty; write it like 'raw/2026'")
        return cls(project, None, names, pages)

    def find(self, client: CgcClient, *, default_project: str | None) -> Folder:
        """
        Ask the platform for the folder; `default_project` is used if neither a project nor a folder's id is given.

        Costs a request for the project and one for each folder on the way. Raises BadFolder, OtherPlatform or CgcError.
        """
        for argument, page in self.pages:
            refuse_other_platform(argument, page, client.settings)
        if self.folder_id is not None:
            return _by_id(client, self.folder_id, self.project)
        name = self.project or default_project
        if name is None:
            raise BadFolder(
                "no project is given; set project='owner/short-name', or the field 'project' of the connection"
            )
        _project(client, name)
        if not self.folder_names:
            return Folder(name)
        return _by_path(client, name, self.folder_names)


def _project(client: CgcClient, name: str) -> Project:
    try:
        return client.projects.get(name)
    except CgcNotFound as error:
        if error.code != NO_SUCH_PROJECT:
            raise
        raise BadFolder(
            f"there is no project {name!r}, or the connection's user is no member of it: check the id"
            " ('owner/short-name', as in its web address)"
        ) from error


def _by_path(client: CgcClient, project: str, names: tuple[str, ...]) -> Folder:
    folder = Folder(project)
    for depth, name in enumerate(names, start=1):
        folder = Folder(project, _folder_named(client, name, folder).id, "/".join(names[:depth]))
    return folder


def _folder_named(client: CgcClient, name: str, above: Folder) -> File:
    project, parent = above.project_or_folder
    asked = client.files.list(project, parent=parent, name=name)
    found = next((item for item in asked if item.is_folder and item.name == name), None)
    if found is not None:
        return found
    # It is not documented that the filter for names finds folders, so without a match the whole level is read.
    names = []
    for item in client.files.list(project, parent=parent):
        if item.is_folder and item.name == name:
            return item
        if item.is_folder:
            names.append(item.name)
        elif item.name == name:
            raise BadFolder(f"{name!r} in {above} is a file; give the folder that contains it")
    known = ", ".join(map(shown, sorted(names)[:_MOST_SHOWN])) + (", ..." if len(names) > _MOST_SHOWN else "")
    there = f"folders there: {known} (case-sensitive)" if names else "it has no folders; check the path"
    hint = "; 'folder' takes no pattern, so give one folder and choose its files by 'name'" if is_pattern(name) else ""
    raise BadFolder(f"there is no folder {name!r} in {above}; {there}{hint}")


def _by_id(client: CgcClient, folder_id: str, project: str | None) -> Folder:
    try:
        folder = client.files.get(folder_id)
    except CgcNotFound as error:
        if error.code != NO_SUCH_FILE:
            raise
        raise BadFolder(
            f"there is no folder with the id {folder_id!r}, or the connection's user cannot see it: check the id; a"
            " folder whose name looks like an id is written with a slash before it"
        ) from error
    if not folder.is_folder:
        raise BadFolder(f"folder {folder_id!r} is the file {folder.name!r}; give the id of the folder that contains it")
    if project is not None and folder.project != project:
        raise BadFolder(
            f"folder {folder_id!r} ({folder.name!r}) is in project {folder.project}, not in {project}; correct one of"
            " the two, or leave project out"
        )
    if folder.project is None:
        raise BadFolder(f"the platform does not name the project of folder {folder_id!r}; give a path and a project")
    root = _project(client, folder.project).root_folder
    names: list[str] = []
    # A project's root is a folder, too, without one above it.
    while folder.id != root and folder.parent is not None:
        names.append(folder.name)
        if folder.parent == root:
            break
        if len(names) > _DEEPEST:
            raise BadFolder(f"the folders above {folder_id!r} have no end; list its project instead")
        folder = client.files.get(folder.parent)
    return Folder(folder.project or "", folder_id, "/".join(reversed(names)))


def paths_of(client: CgcClient, files: Sequence[File]) -> dict[str, str]:
    """
    Return the path of each file's folder below its project, with slashes; "" for a file in no folder.

    Asks for up to a hundred folders in a request, one level of the tree after the other.
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
