"""The destinations of imports: projects and folders, the folders in them, and the files that are there already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import groupby
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_cgc.client.errors import CgcApiError, CgcError, CgcForbidden, CgcNotFound
from airflow_provider_cgc.client.errors.codes import FOLDER_EXISTS, NO_RIGHT_TO_PROJECT, NO_SUCH_FILE, NO_SUCH_PROJECT
from airflow_provider_cgc.client.errors.problem import REMEDIES, Problem, as_sentence, one_line
from airflow_provider_cgc.client.http.retry import transient
from airflow_provider_cgc.jobs.files import file_records, problem_unless_gateway
from airflow_provider_cgc.jobs.imports.names import as_given, folders_above
from airflow_provider_cgc.jobs.listing.folders import paths_of
from airflow_provider_cgc.jobs.places import side_by_side
from airflow_provider_cgc.jobs.text import counted, shown
from airflow_provider_cgc.jobs.waiting.look import THREADS

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.models import File
    from airflow_provider_cgc.client.models.account import Project
    from airflow_provider_cgc.jobs.imports.item import ImportItem, ImportKey

BLOCKED = "The file {name} is where a folder of this name is needed; give another name, or remove the file"
_FOLDER_IS_FILE = "it is the file {name}; give the id of a folder, or a project"


class Place(NamedTuple):
    """A place below a destination: the folders on the way, joined by slashes, "" for the destination itself."""

    destination: str
    path: str


class Destinations:
    """The platform's answers about the destinations of an order."""

    def __init__(self, client: CgcClient) -> None:
        self._client = client
        self._ids: dict[Place, str] = {}
        """The ids of folders; a project itself has none here."""
        self._places: dict[str, set[Place]] = defaultdict(set)
        self.in_the_way: dict[Place, File] = {}
        """The files where the items need folders."""
        self.projects: dict[str, str] = {}
        """By destination, its project."""
        self._tops: dict[str, str] = {}
        """By project, the id of its root folder."""
        self._problems: dict[str, str] = {}
        self._names: set[str] = set()
        self._traced: set[str] = set()
        self._levels: dict[str, dict[str, File]] = {}
        """By project or folder, what was in it when a folder could not be made there."""
        self._reading = Lock()

    def expect(self, destinations: Iterable[str]) -> None:
        """Note the destinations of an order, without asking for them."""
        self._names |= set(destinations)

    def ask(self, destinations: Iterable[str]) -> None:
        """Ask for the projects and folders themselves; one that the user may not see is a fact. Raises `CgcError`."""
        destinations = dict.fromkeys(destinations)
        self.expect(destinations)
        for destination, problem in side_by_side(self._ask, destinations, THREADS).items():
            if problem is not None:
                self._problems[destination] = problem

    def problems(self, keys: Iterable[ImportKey]) -> list[str]:
        """Describe the problems of whole destinations, each with its remedy."""
        counts: dict[str, int] = defaultdict(int)
        for key in keys:
            counts[key.destination] += 1
        return [
            f"{_name(destination)}, where {counted(count, 'item')} {'goes' if count == 1 else 'go'}:"
            f" {self._problems[destination]}"
            for destination, count in counts.items()
            if destination in self._problems
        ]

    def find_folders(self, keys: Iterable[ImportKey]) -> None:
        """Find the folders that items need, as far as they exist, and files that are in their place."""
        for destination, names in _by_destination(keys).items():
            if destination in self._problems and destination not in self.projects:
                continue
            wanted = {above for name in names for above in folders_above(name)}
            for path, found in self._things_at(destination, wanted).items():
                self._note(Place(destination, path), found)

    def files_at(self, keys: Collection[ImportKey]) -> dict[ImportKey, File]:
        """
        Return the files and folders that have the names of these items now. Raises `CgcError`.

        Nothing is there if the destination itself is not.
        """
        there = {
            destination: self._things_at(destination, names)
            for destination, names in _by_destination(keys).items()
            if destination not in self._problems or destination in self.projects
        }
        found = {key: there.get(key.destination, {}).get(key.name) for key in keys}
        return {key: file for key, file in found.items() if file is not None}

    def blocked_by(self, key: ImportKey) -> File | None:
        """Return the file that is where an item needs a folder; None if there is none."""
        on_the_way = _places_above(Place(key.destination, key.name))
        return next((self.in_the_way[place] for place in on_the_way if place in self.in_the_way), None)

    def missing(self, keys: Iterable[ImportKey]) -> list[Place]:
        """Return the folders that items need and that are missing, outer ones before those in them."""
        needed = {place for key in keys for place in _places_above(Place(key.destination, key.name))}
        return sorted(needed - self._ids.keys())

    def make_folders(self, keys: Collection[ImportKey]) -> dict[ImportKey, Problem]:
        """
        Make the folders that items need and that are missing, those of one depth side by side.

        Return the items whose folders are refused for good. Raises `CgcError` for any other trouble.
        """
        refused: dict[Place, Problem] = {}
        for _, level in groupby(sorted(self.missing(keys), key=_depth), _depth):
            possible = [place for place in level if not any(above in refused for above in _places_above(place))]
            made = side_by_side(self._make, possible, THREADS)
            refused |= {place: problem for place, problem in made.items() if problem is not None}
        ways = {key: _places_above(Place(key.destination, key.name)) for key in keys}
        return {key: refused[place] for key, way in ways.items() for place in way if place in refused}

    def body_of(self, key: ImportKey) -> dict[str, str]:
        """Return the destination of an item as the platform wants it."""
        above, _, name = key.name.rpartition("/")
        project, parent = self._project_or_folder(Place(key.destination, above))
        return {"parent": parent, "name": name} if parent else {"project": str(project), "name": name}

    def spot(self, item: ImportItem) -> tuple[str, str]:
        """Return the innermost folder on an item's way that exists, by its id, and the path below it."""
        destination, name = as_given(item)
        for above in [*reversed(folders_above(name)), ""]:
            if folder := self._ids.get(Place(destination, above)) or (None if above else self._tops.get(destination)):
                return folder, name[len(above) :].lstrip("/")
        return destination, name

    def places_of(self, project: str | None, parent: str | None) -> set[Place]:
        """Return the places that a job's destination is known to be; empty if it is none of this order."""
        if parent is not None:
            return self._places.get(parent, set())
        return set() if project is None else {Place(project, "")}

    def trace(self, parents: Iterable[str | None]) -> None:
        """Find out where folders are, by their ids, with a request for a hundred. Raises `CgcError`."""
        unknown = {one for one in parents if one is not None and one not in self._places} - self._traced
        if not unknown:
            return
        roots = {one for one in self._names if not _is_project(one)}
        self._traced |= unknown
        records = file_records(self._client, unknown | roots)
        folders = [one.resource for one in records.values() if one.resource is not None]
        for name, record in records.items():
            if record.error is not None and record.error.code == NO_SUCH_FILE:
                # A folder that is gone is none of those that the items go to now.
                self._places[name].add(Place(name, ""))
        above = paths_of(self._client, folders)
        paths = {
            folder.id: "/".join(filter(None, (above.get(folder.id, ""), folder.name))) if folder.parent else ""
            for folder in folders
        }
        for folder in folders:
            if folder.project is not None:
                self._places[folder.id].add(Place(folder.project, paths[folder.id]))
            for root in (one for one in folders if one.id in roots and one.project == folder.project):
                if f"{paths[folder.id]}/".startswith(f"{paths[root.id]}/".lstrip("/")):
                    below = paths[folder.id][len(paths[root.id]) :].strip("/")
                    self._places[folder.id].add(Place(root.id, below))

    def _ask(self, destination: str) -> str | None:
        """Ask for a destination; return its problem."""
        folder: File | None = None
        try:
            if not _is_project(destination):
                folder = self._client.files.get(destination)
                if not folder.is_folder:
                    return _FOLDER_IS_FILE.format(name=shown(folder.name))
            project_id = destination if folder is None else folder.project
            project = None if project_id is None else self._client.projects.get(project_id)
        except (CgcForbidden, CgcNotFound) as error:
            return _with_remedy(problem_unless_gateway(error), folder=not _is_project(destination))
        self._keep(destination, folder, project)
        if project is not None and project.permissions.write is False:
            return f"This user may not write to {one_line(project.id)}. {REMEDIES[NO_RIGHT_TO_PROJECT].text}"
        return None

    def _keep(self, destination: str, folder: File | None, project: Project | None) -> None:
        top = Place(destination, "")
        if project is not None:
            self.projects[destination] = project.id
        if folder is not None:
            self._ids[top] = folder.id
            self._places[folder.id].add(top)
        elif project is not None and project.root_folder is not None:
            self._tops[destination] = project.root_folder
            self._places[project.root_folder].add(top)

    def _note(self, place: Place, found: File) -> None:
        if found.is_folder:
            self.in_the_way.pop(place, None)
            self._ids[place] = found.id
            self._places[found.id].add(place)
        else:
            self.in_the_way[place] = found

    def _things_at(self, destination: str, paths: Collection[str]) -> dict[str, File]:
        """Return the files and folders at these paths, by reading the folders on the way that exist."""
        wanted = set(paths)
        if not wanted:
            return {}
        on_the_way = {above for path in wanted for above in folders_above(path)}
        project, parent = self._project_or_folder(Place(destination, ""))
        found: dict[str, File] = {}
        for one in self._client.files.tree(project, parent=parent, into=on_the_way.__contains__, folders=True):
            path = one.path if one.file.is_folder else "/".join(filter(None, (one.path, one.file.name)))
            if path in wanted:
                found.setdefault(path, one.file)
        return found

    def _make(self, place: Place) -> Problem | None:
        """
        Make a folder, and return the problem if it is refused for good.

        If the platform has it already, or its answer was lost, it is looked for.
        """
        above, _, name = place.path.rpartition("/")
        project, parent = self._project_or_folder(Place(place.destination, above))
        for is_last in (False, True):
            try:
                folder = self._client.files.create_folder(name, project=project, parent=parent)
            except CgcError as error:
                is_there = isinstance(error, CgcApiError) and error.code == FOLDER_EXISTS
                if not (is_there or transient(error)):
                    return _refusal(error)
                found = self._named(name, project, parent)
                if found is not None and found.is_folder:
                    self._note(place, found)
                    return None
                if found is not None:
                    return Problem(None, None, BLOCKED.format(name=shown(found.name)), made_here=True)
                if is_last:
                    return _refusal(error)
            else:
                self._note(place, folder)
                return None
        raise AssertionError("unreachable: the second try returns")

    def _named(self, name: str, project: str | None, parent: str | None) -> File | None:
        """Return the file or folder of this name in one folder, which is read once for all names that are there."""
        # Folders are made side by side: the others wait for the one that reads.
        with self._reading:
            level = self._levels.get(parent or str(project), {})
            if name not in level:
                found = self._client.files.tree(project, parent=parent, recursive=False, folders=True)
                level = self._levels[parent or str(project)] = {one.file.name: one.file for one in found}
            return level.get(name)

    def _project_or_folder(self, place: Place) -> tuple[str | None, str | None]:
        """Return the arguments `project` and `parent` of a call about a place, of which one is None."""
        if not place.path and _is_project(place.destination):
            return place.destination, None
        return None, self._ids.get(place, place.destination)


def _depth(place: Place) -> int:
    return place.path.count("/")


def _places_above(place: Place) -> list[Place]:
    """Return the folders on the way to a place, the outermost first."""
    return [Place(place.destination, above) for above in folders_above(place.path)]


def _refusal(error: CgcError) -> Problem:
    """Return the problem of a refusal for good. Raises any other error."""
    if not isinstance(error, CgcApiError) or error.status not in (400, 403, 404, 409) or not error.problem.is_final:
        raise error
    return error.problem


def _is_project(destination: str) -> bool:
    return "/" in destination


def _name(destination: str) -> str:
    return f"{'project' if _is_project(destination) else 'folder'} {one_line(destination)}"


def _by_destination(keys: Iterable[ImportKey]) -> Mapping[str, list[str]]:
    names: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        names[key.destination].append(key.name)
    return names


def _with_remedy(problem: Problem, *, folder: bool) -> str:
    remedy = problem.remedy or REMEDIES[NO_SUCH_FILE if folder else NO_SUCH_PROJECT].text
    return f"{as_sentence(problem)} {remedy}"
