"""The order of an import: the objects to import, the options, and the name of each file in its project or folder."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_cgc.client.errors.codes import NAME_TAKEN
from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.client.models.lists import PAGE_LIMIT
from airflow_provider_cgc.jobs.files import file_records
from airflow_provider_cgc.jobs.imports.datasets import datasets_of
from airflow_provider_cgc.jobs.imports.destinations import BLOCKED, Destinations
from airflow_provider_cgc.jobs.imports.finish import Files, file_item
from airflow_provider_cgc.jobs.imports.item import ImportItem, ImportKey
from airflow_provider_cgc.jobs.imports.names import Wishes, clashes, named
from airflow_provider_cgc.jobs.imports.sources import Sources
from airflow_provider_cgc.jobs.kinds import IMPORT
from airflow_provider_cgc.jobs.objects import common_folder
from airflow_provider_cgc.jobs.submitting.order import Standing
from airflow_provider_cgc.jobs.submitting.tolerance import Tolerance
from airflow_provider_cgc.jobs.submitting.unfit import Unfit, listed_names, with_remedy
from airflow_provider_cgc.jobs.text import counted, human_bytes, shown
from airflow_provider_cgc.jobs.transfers import TransferOrder

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.errors.problem import BulkRecord
    from airflow_provider_cgc.client.models import File, ImportJob, JobState
    from airflow_provider_cgc.client.models.lists import Page
    from airflow_provider_cgc.jobs.datasets import Moved, Namespaces
    from airflow_provider_cgc.jobs.submitting.account import Account
    from airflow_provider_cgc.jobs.submitting.items import Item, Key
    from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome

OTHER_FILE = "A {what} of this name is there, and it is no alias of this object"
IS_THERE = "A {what} of this name is there already"
_RENAMED = re.compile(r"_\d+_(?P<name>.+)", re.DOTALL)


class ImportOrder(TransferOrder):
    """
    The objects that one task imports, and the options; `CgcBulkImportOperator` explains the arguments.

    :param wishes: the arguments that hold for all items which do not say otherwise.
    :param read_again: reads the items at the end of a task that has no manifest.
    """

    kind = IMPORT
    taken_codes = frozenset({NAME_TAKEN})
    cannot = "cannot be imported"
    twice = "import an object twice"
    gone = "The file was there, and is not there any more, or is no alias of the object; clear the task to import it."
    where_results_are = "the project and at the import jobs"
    items: Sequence[ImportItem]
    keys: Mapping[Key, ImportItem]
    """The items, each with its name; empty before `check`."""

    def __init__(
        self,
        client: CgcClient,
        *,
        wishes: Wishes,
        if_exists: str = "fail",
        verify: bool = False,
        recorded: bool = True,
        tolerance: Tolerance | None = None,
        where: str = "items",
        read_again: Callable[[], Sequence[Item]] | None = None,
    ) -> None:
        super().__init__(
            client,
            if_exists=if_exists,
            verify=verify,
            recorded=recorded,
            tolerance=tolerance,
            where=where,
        )
        self.wishes = wishes
        self._read_again = read_again
        self._recognized: dict[str, Key] = {}
        """By the id of a job of this task, its item, if the folder that it went to does not show it any more."""
        self._found: dict[tuple[str, ...], File] = {}
        """The files that had the items' names when somebody looked."""
        self._indexed: Mapping[Key, ImportItem] = {}
        self._by_location: dict[str, list[ImportKey]] = {}
        self.destinations = Destinations(client)
        self.sources = Sources(client)

    def name_items(self, items: Sequence[Item]) -> list[str]:
        """Give each item its key, without asking the platform; return what is wrong with the whole order."""
        self.items = cast("Sequence[ImportItem]", items)
        found = named(self.items, self.wishes)
        self.keyless = [self._unfit(item, Problem(None, None, why, made_here=True)) for item, why in found.unnamed]
        self.keys = {key: item for item in found.items if (key := item.key()) is not None}
        return [*found.problems, *clashes(found.items)]

    def check(self, items: Sequence[Item], *, first: bool) -> list[str]:
        """
        Give every item its name, and ask the platform about volumes and destinations.

        `first` is False if an earlier attempt may have sent something: a volume or project that has been closed since
        then stops this one only if something is still to be imported, which is not known here.

        :raises BadItems: with everything that is wrong, if that concerns the whole order or more items than may fail;
            nothing was sent.
        """
        wrong = self.name_items(items)
        keys = self._keys(self.keys)
        self.sources.ask([key.volume for key in keys])
        self.destinations.ask(key.destination for key in keys)
        common = self._common(keys) if first else []
        self.refuse(self.keyless, [*common, *wrong])
        self.destinations.find_folders(keys)
        if len({key.destination for key in keys}) > 1:
            self.refuse(self.keyless, clashes(self.keys.values(), self.destinations.spot))
        return []

    def problems(self, keys: Sequence[Key]) -> tuple[dict[Key, Unfit], list[str]]:
        """Return the items that cannot be sent, and the problems of volumes and destinations."""
        open_keys = self._keys(keys)
        common = self._common(open_keys)
        if common:
            return {}, common
        unfit: dict[Key, Problem] = {}
        for key, file in (self.destinations.files_at(open_keys) if self.if_exists == "fail" else {}).items():
            unfit[key] = Problem(409, NAME_TAKEN, IS_THERE.format(what=_what(file)), made_here=True)
        for key in open_keys:
            if blocked := self.destinations.blocked_by(key):
                # Without a code: the advice for a name that is taken does not help here.
                unfit[key] = Problem(None, None, BLOCKED.format(name=shown(blocked.name)), made_here=True)
        return {key: self._unfit(self.keys[key], problem) for key, problem in unfit.items()}, []

    def there(self, keys: Collection[Key]) -> dict[Key, Standing]:
        """Return the files that have the names of these items: only an alias of the very object is the wanted one."""
        found = self.destinations.files_at(self._keys(keys))
        self._found.update(found.items())
        return {key: self._standing(key, file) for key, file in found.items()}

    def _standing(self, key: ImportKey, file: File) -> Standing:
        is_wanted = self.sources.is_alias(key, file)
        text = OTHER_FILE.format(what=_what(file))
        return Standing(is_wanted, is_wanted, Problem(409, NAME_TAKEN, text, made_here=True))

    @property
    def believes_what_is_there(self) -> bool:
        """A file there proves nothing where it was to be replaced, or where it may have another name."""
        return self.if_exists in ("fail", "skip")

    def prepare(self, keys: Sequence[Key]) -> Mapping[Key, Problem]:
        """Make the folders that are missing."""
        return cast("Mapping[Key, Problem]", self.destinations.make_folders(self._keys(keys)))

    def still_there(self, done: Mapping[Key, Any | None]) -> set[Key]:
        """Return the items whose files still exist: those that jobs show by their ids, whatever their names are now."""
        made = {key: job.result.id for key, job in done.items() if job is not None and job.result is not None}
        records = file_records(self.client, made.values())
        exist = {key for key, file_id in made.items() if records[file_id].resource is not None}
        return exist | super().still_there({key: None for key in done if key not in made})

    def result_of(self, key: Key) -> dict[str, Any] | None:
        """Return the file that was there already."""
        file = self._found.get(key)
        return None if file is None else file_item(ImportKey(*key), file)

    def page(
        self, scope: str, offset: int = 0, *, state: JobState | None = None, limit: int = PAGE_LIMIT
    ) -> Page[ImportJob]:
        """Return one page of the list of jobs of a volume; the folders that they go to are asked for."""
        page = super().page(scope, offset, state=state, limit=limit)
        self.destinations.trace(job.parent for job in page.items if self._alike(job))
        return page

    def key_of(self, job: ImportJob, scope: str | None = None) -> Key | None:
        """Return the key of a job's item, None if it goes elsewhere; `scope` is the volume whose list it is from."""
        if job.id in self._recognized:
            return self._recognized[job.id]
        volume = job.volume or scope
        if volume is None or job.location is None:
            return None
        names = _names_of(job)
        possible = [
            ImportKey(volume, job.location, place.destination, "/".join(filter(None, (place.path, one))))
            for one in names
            for place in sorted(self.destinations.places_of(job.project, job.parent))
        ]
        if job.parent is None and any(_is_in_folder(key) for key in self._alike(job) if _could_have(key, job, names)):
            # The platform may tell the project in place of a folder in it: the job could be that of either place.
            return None
        return next((key for key in possible if key in self.keys), None) or next(iter(possible), None)

    def _alike(self, job: ImportJob) -> list[ImportKey]:
        """Return the items with the object of a job, as far as it tells this."""
        if self._indexed is not self.keys:
            self._indexed, self._by_location = self.keys, defaultdict(list)
            for key in self._keys(self.keys):
                self._by_location[key.location].append(key)
        return [key for key in self._by_location.get(job.location or "", ()) if job.volume in (None, key.volume)]

    def _recognize(self, jobs: Iterable[ImportJob]) -> None:
        """
        Find the items of this task's own jobs whose folders were renamed, moved or removed since.

        Such a job is that of the only item without one that has the same object and name.
        """
        strangers = {job.id: job for job in jobs if self.key_of(job) not in self.keys}
        if not strangers:
            return
        known = {self.key_of(job) for job in jobs}
        left: dict[tuple[str | None, ...], list[ImportKey]] = defaultdict(list)
        for key in self._keys(self.keys.keys() - known):
            left[key.volume, key.location, key.name.rpartition("/")[2]].append(key)
        for job in strangers.values():
            alike = next(
                (found for name in _names_of(job) if (found := left.get((job.volume, job.location, name)))), []
            )
            if len(alike) == 1:
                self._recognized[job.id] = alike.pop()

    def unlike(self, key: Key, job: ImportJob) -> str | None:
        """Return the difference of a job from the one wanted; None if there is none."""
        return None if job.autorename == (self.if_exists == "rename") else f"with autorename={job.autorename}"

    def is_whole(self, job: ImportJob) -> bool:
        """Return True if a job has its location and start time, and it is known where it goes if it may be ours."""
        if None in (job.location, job.started_on):
            return False
        alike = self._alike(job)
        return not alike or self.key_of(job, alike[0].volume) is not None

    def could_be(self, job: ImportJob, key: Key) -> bool:
        """Return True if a job could be the one with this key, by the fields that it has."""
        wanted = ImportKey(*key)
        return job.volume in (None, wanted.volume) and job.location in (None, wanted.location)

    def body(self, key: Key) -> dict[str, Any]:
        """Return the body that starts the import of an item."""
        wanted = ImportKey(*key)
        return {
            "volume": wanted.volume,
            "location": wanted.location,
            **self.destinations.body_of(wanted),
            "overwrite": self.if_exists == "overwrite",
            "autorename": self.if_exists == "rename",
        }

    def create(self, bodies: Sequence[Mapping[str, Any]]) -> Sequence[BulkRecord[ImportJob]]:
        """Start imports: https://docs.cancergenomicscloud.org/reference/start-a-bulk-import-job."""
        return self.client.imports.bulk_create(bodies)

    def describe(self, key: Key) -> str:
        """Name an item by its key."""
        wanted = ImportKey(*key)
        return f"{shown(wanted.location)} of {wanted.volume} as {shown(wanted.name)} in {wanted.destination}"

    def datasets(self, here: Namespaces) -> Moved:
        """Return the objects that are read, and the files that are made."""
        volumes, projects = self.sources.volumes, self.destinations.projects
        return datasets_of(self._keys(self.keys), volumes=volumes, projects=projects, here=here)

    def intent(self, keys: Sequence[Key]) -> list[str]:
        """Return the lines that announce the sending: the items, their source and destination, folders to make."""
        wanted = self._keys(keys)
        lines = []
        for volume, destination in sorted({(key.volume, key.destination) for key in wanted}):
            names = [key.name for key in wanted if (key.volume, key.destination) == (volume, destination)]
            folder = common_folder(names)
            below = f", below {folder!r}" if folder else ""
            of_all = f"{len(names)} of {counted(len(self.items), 'item')}"
            lines.append(f"Importing {of_all} from {volume} into {destination}{below}.")
        missing = len(self.destinations.missing(wanted))
        return [*lines, f"Folders that are missing there: {missing}; they are made first."] if missing else lines

    def obstructed(self, keys: Sequence[Key]) -> list[str]:
        """Name the files that are there already, and say what would happen."""
        fates = {"overwrite": "would be replaced, and get new ids", "rename": "would keep their names"}
        fate = fates.get(self.if_exists, "would fail these items")
        names = listed_names(shown(key.name) for key in self._keys(keys))
        return [f"{len(keys)} of the names to be used are taken already, and the files there {fate}: {names}."]

    def report(self, keys: Collection[Key]) -> list[str]:
        """Return the lines of a dry run: the number and size of the objects, their volumes and destinations."""
        items = [self.keys[key] for key in keys]
        sizes = [item.size for item in items if item.size is not None]
        unknown = f", {len(items) - len(sizes)} of unknown size" if len(sizes) < len(items) else ""
        wanted = self._keys(keys)
        return [
            f"{counted(len(items), 'object')}: {human_bytes(sum(sizes))}{unknown}. No bytes are copied.",
            *(f"From {one}." for one in sorted({key.volume for key in wanted})),
            *(f"To {one}." for one in sorted({key.destination for key in wanted})),
        ]

    def place(self, outcomes: Sequence[ItemOutcome]) -> dict[str, Any]:
        """Return the facts that all items share, for the live snapshot."""
        items = [cast(ImportItem, one.item) for one in outcomes if not one.state.failed]
        projects = {self.destinations.projects.get(item.parent or str(item.project)) for item in items}
        common = {"volume": {item.volume for item in items}, "project": projects}
        known = {name: one for name, seen in common.items() if len(seen) == 1 and (one := next(iter(seen)))}
        sizes = [item.size for item in items if item.size is not None]
        return known | ({"bytes_total": sum(sizes)} if len(sizes) == len(items) else {})

    @property
    def finishes(self) -> bool:
        """The files that came of it are always asked for: their ids are what the task returns."""
        return True

    def finish(self, account: Account, *, since: datetime | None, log_info: Callable[[str], object]) -> list[str]:
        """
        Find the file of each item, set its metadata and tags, and check it; repeatable.

        The lines of a manifest have the metadata as they were when the items were sent.
        """
        if account.outcomes is not None:
            lines = [cast(ImportItem, one.item) for one in account.outcomes]
            self.keys = {key: item for item in lines if (key := item.key()) is not None}
        elif self._read_again is not None:
            self.name_items(self._read_again())
        self.destinations.expect(key.destination for key in self._keys(self.keys))
        self.destinations.trace(job.parent for job in account.jobs)
        self._recognize(account.jobs)
        files = Files(self, self.destinations, self.sources)
        return files.finish(account, since=since, log_info=log_info)

    def _keys(self, keys: Collection[Key]) -> list[ImportKey]:
        return [ImportKey(*key) for key in keys]

    def _common(self, keys: Sequence[ImportKey]) -> list[str]:
        """Describe the problems of whole volumes and destinations, each with its remedy."""
        return [*self.sources.problems(keys), *self.destinations.problems(keys)]

    def _unfit(self, item: ImportItem, problem: Problem) -> Unfit:
        name = f"{item.line}: {item.named()}" if item.line else item.named()
        return Unfit(item, problem, f"{name}: {with_remedy(problem)}", name)


def _names_of(job: ImportJob) -> list[str]:
    """Return the names that a job may have been asked for: the platform may tell the one that it gave instead."""
    name = job.name or (job.location or "").rpartition("/")[2]
    own = _RENAMED.fullmatch(name) if job.autorename else None
    return [name, *([own["name"]] if own else [])]


def _is_in_folder(key: ImportKey) -> bool:
    """Return True if an item goes to a folder, not to a project itself."""
    return "/" in key.name or "/" not in key.destination


def _could_have(key: ImportKey, job: ImportJob, names: Collection[str]) -> bool:
    """Return True if the file of an item could have one of these names of a job, or the job tells none."""
    return job.name is None or key.name.rpartition("/")[2] in names


def _what(file: File) -> str:
    return "folder" if file.is_folder else "file"
