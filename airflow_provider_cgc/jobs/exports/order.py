"""The order of an export: the files to export, the options, and the destination of each file on its volume."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_cgc.client.errors.codes import LOCATION_TAKEN, NOT_EXPORTABLE
from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.jobs.exports.datasets import datasets_of
from airflow_provider_cgc.jobs.exports.facts import Facts, ask
from airflow_provider_cgc.jobs.exports.finish import finish
from airflow_provider_cgc.jobs.exports.item import ExportItem, ExportKey
from airflow_provider_cgc.jobs.exports.locations import (
    LocationTemplate,
    clashes,
    moved_twice,
    named,
    own_template,
    targets,
)
from airflow_provider_cgc.jobs.exports.place import place_of
from airflow_provider_cgc.jobs.exports.problems import common_problems, report, unfit_item, unfit_items
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.listing.folders import paths_of
from airflow_provider_cgc.jobs.objects import common_folder, sizes_of
from airflow_provider_cgc.jobs.placeholders import BadTarget
from airflow_provider_cgc.jobs.submitting.order import Standing
from airflow_provider_cgc.jobs.submitting.tolerance import Tolerance
from airflow_provider_cgc.jobs.submitting.unfit import Unfit
from airflow_provider_cgc.jobs.text import counted
from airflow_provider_cgc.jobs.transfers import TransferOrder

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.errors.problem import BulkRecord
    from airflow_provider_cgc.client.models import ExportJob
    from airflow_provider_cgc.jobs.datasets import Moved, Namespaces
    from airflow_provider_cgc.jobs.exports.sidecar import Sidecar
    from airflow_provider_cgc.jobs.submitting.account import Account
    from airflow_provider_cgc.jobs.submitting.items import Item, Key
    from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome

MOST_NAMED = 10
"""Objects in the way that a dry run names at most."""
OTHER_OBJECT = (
    "An object of {there} bytes is there, and the file has {wanted} bytes: it is another one, or the file has changed;"
    ' set if_exists="overwrite", or give another location.'
)


class ExportOrder(TransferOrder):
    """
    The files that one task exports, and the options; `CgcBulkExportOperator` explains the arguments.

    :param template: makes the locations of items that have none of their own.
    :param with_paths: look up the folders of files even if no location needs them.
    :param sidecar: takes the metadata of the files that are on the volume at the end.
    """

    kind = EXPORT
    taken_codes = frozenset({LOCATION_TAKEN})
    cannot = "cannot be exported"
    why_skipped = "because the files are aliases"
    gone = "The file is an alias of this object, but the object is not on the volume, or not whole; put it back there."
    twice = "move a file twice"
    where_results_are = "the volume and at the jobs there"
    items: Sequence[ExportItem]
    keys: Mapping[Key, ExportItem]
    """The items, each with its destination; empty before `check`."""

    def __init__(
        self,
        client: CgcClient,
        *,
        copy_only: bool,
        volume: str | None = None,
        template: LocationTemplate | None = None,
        if_exists: str = "fail",
        aliases: str = "fail",
        properties: Mapping[str, Any] | None = None,
        verify: bool = False,
        recorded: bool = True,
        tolerance: Tolerance | None = None,
        where: str = "items",
        with_paths: bool = False,
        sidecar: Sidecar | None = None,
    ) -> None:
        super().__init__(
            client,
            if_exists=if_exists,
            verify=verify,
            recorded=recorded,
            tolerance=tolerance,
            where=where,
        )
        self._copy_only = copy_only
        self._volume = volume
        self._template = template or LocationTemplate("{path}/{name}")
        self._aliases = aliases
        self._properties = dict(properties or {})
        self._with_all_paths = with_paths
        self._sidecar = sidecar
        self.facts = Facts({}, {}, {}, {}, {})
        """The platform's answers about files and volumes; empty before `check`."""

    def check(self, items: Sequence[Item], *, first: bool) -> list[str]:
        """
        Ask the platform about files and volumes, and give every item its destination.

        `first` is False if an earlier attempt may have sent something: a file that was exported then may be gone by
        now, so a problem with a file counts only if it is still to be sent, which is not known here.

        :raises BadItems: with everything that is wrong, if that concerns the whole order or more items than may fail;
            nothing was submitted.
        """
        self.items = cast("Sequence[ExportItem]", items)
        self.facts = facts = ask(self.client, self.items, [self._volume] if self._volume else [])
        found = targets(self._with_paths(), template=self._template, volume=self._volume, files=facts.files)
        self.keyless = [self._keyless(item, reason) for item, reason in found.unplaced]
        unfit = unfit_items(found.items, facts)
        # On a later attempt an unfit item may have been exported before; only an alias that is skipped was not.
        left_out = {one.item for one in unfit if first or self.skips(one.problem)}
        to_export = [item for item in found.items if item not in left_out]
        moved = [] if self._copy_only else moved_twice(to_export)
        wrong = [*found.problems, *clashes(to_export), *moved, *self._planned_otherwise()]
        # A volume that has been closed since then stops a later attempt only if something is still to be sent there.
        checked = to_export if first or facts.refused_volumes else []
        # An item whose object is there already may be skipped, even if its file is gone.
        judged = unfit if first and not self.skips_existing else []
        self.refuse([*self.keyless, *judged], [*common_problems(checked, facts), *wrong])
        self.keys = {key: item for item in found.items if (key := item.key()) is not None}
        return list(found.warnings)

    def problems(self, keys: Sequence[Key]) -> tuple[dict[Key, Unfit], list[str]]:
        """Return the items that cannot be sent, and the problems of volumes and projects."""
        items = {self.keys[key]: key for key in keys}
        unfit = {items[item]: one for one in unfit_items(list(items), self.facts) if (item := one.item) in items}
        fit = [item for item, key in items.items() if key not in unfit]
        return unfit, common_problems(fit, self.facts)

    def there(self, keys: Collection[Key]) -> dict[Key, Standing]:
        """Return the objects that are at the destinations of these items."""
        found = sizes_of(self.client, [ExportKey(*key) for key in keys])
        return {key: self._standing(size, self.keys[key].size) for key, size in found.items()}

    def _standing(self, size: int | None, wanted: int | None) -> Standing:
        text = OTHER_OBJECT.format(there=size, wanted=wanted)
        return Standing(
            fits=size is None or wanted is None or size == wanted,
            proven=size is not None and size == wanted,
            problem=Problem(409, LOCATION_TAKEN, text, made_here=True),
        )

    @property
    def believes_what_is_there(self) -> bool:
        """An object there proves nothing where it was to be replaced; and a file that was moved is an alias."""
        return self.if_exists != "overwrite" and self._copy_only

    def done_already(self, key: Key) -> str | None:
        """Return the reason to do nothing, if an earlier export moved the file: it is an alias of that object."""
        file_id, volume, location = key
        file = self.facts.files.get(file_id)
        if file is None or not file.is_alias_of(volume, location):
            return None
        return "the file is an alias of the exported object already"

    def skips(self, problem: Problem) -> bool:
        """Return True if an alias is skipped instead of counted as a failure."""
        return self._aliases == "skip" and problem.made_here and problem.code == NOT_EXPORTABLE

    def key_of(self, job: ExportJob, scope: str | None = None) -> Key | None:
        """Return a job's file, volume and location, if it has them; `scope` is the volume whose list it is from."""
        volume = job.volume or scope
        if job.file is None or volume is None or job.location is None:
            return None
        return ExportKey(job.file, volume, job.location)

    def unlike(self, key: Key, job: ExportJob) -> str | None:
        """Return the difference of a job's properties from those wanted; None if there is none."""
        wanted = self._properties_of(self.keys[key])
        actual = {name: job.properties.get(name) for name in wanted}
        return None if actual == wanted else f"with properties {actual} instead of {wanted}"

    def is_whole(self, job: ExportJob) -> bool:
        """Return True if a job has its file, location and start time; its volume is the list's."""
        return None not in (job.file, job.location, job.started_on)

    def could_be(self, job: ExportJob, key: Key) -> bool:
        """Return True if a job could be the one with this key, by the fields that it has."""
        fields = zip((job.file, job.volume, job.location), key, strict=True)
        return all(value is None or value == wanted for value, wanted in fields)

    def body(self, key: Key) -> dict[str, Any]:
        """Return the body that starts the export of an item."""
        return {
            **ExportKey(*key)._asdict(),
            "overwrite": self.if_exists == "overwrite",
            "properties": self._properties_of(self.keys[key]),
        }

    def create(self, bodies: Sequence[Mapping[str, Any]]) -> Sequence[BulkRecord[ExportJob]]:
        """Start exports: https://docs.cancergenomicscloud.org/reference/start-a-bulk-export-job."""
        return self.client.exports.bulk_create(bodies, copy_only=self._copy_only)

    def asked(self, item: Item) -> Item:
        """Return an item with its volume, its properties, and the template for its location."""
        asked = cast(ExportItem, item)
        return ExportItem(
            asked.file,
            asked.location,
            asked.volume or self._volume,
            (self._properties_of(asked) or None) if asked.properties is None else asked.properties,
            location_template=None if asked.location else asked.location_template or self._template.text,
            copy_only=self._copy_only,
            line=asked.line,
        )

    def describe(self, key: Key) -> str:
        """Name an item by its key."""
        file_id, volume, location = key
        return f"file {file_id} to {location!r} on {volume}"

    def datasets(self, here: Namespaces) -> Moved:
        """Return the files that are read, and the folders that are written."""
        return datasets_of(self.keys.values(), self.facts, here=here)

    def intent(self, keys: Sequence[Key]) -> list[str]:
        """Return the line that announces the sending: the items, their destination, and the fate of the files."""
        destinations = [ExportKey(*key) for key in keys]
        lines = []
        for volume in sorted({one.volume for one in destinations}):
            locations = [one.location for one in destinations if one.volume == volume]
            folder = common_folder(locations)
            below = f", below {folder!r}" if folder else ""
            lines.append(f"Exporting {len(locations)} of {counted(len(self.items), 'item')} to {volume}{below}.")
        if self._copy_only:
            return lines
        return [*lines, "copy_only is False: these files are MOVED, and become aliases of the exported objects."]

    def obstructed(self, keys: Sequence[Key]) -> list[str]:
        """Name the objects to be sent that are there already, and say what would happen."""
        fate = "would be overwritten" if self.if_exists == "overwrite" else "would fail these items"
        locations = [ExportKey(*key).location for key in keys]
        named = ", ".join(map(repr, locations[:MOST_NAMED])) + (", ..." if len(locations) > MOST_NAMED else "")
        return [f"{len(locations)} of the objects to be sent are there already and {fate}: {named}."]

    def skipped(self, count: int) -> list[str]:
        """Count the files that were not moved because their objects are there already."""
        if self._copy_only:
            return []
        return [
            f"Not moved: {EXPORT.count(count)}, because the objects are there already; the platform keeps its files."
        ]

    def report(self, keys: Collection[Key]) -> list[str]:
        """Return the lines of a dry run: the number and size of the files, their projects and volumes."""
        return report([self.keys[key] for key in keys], self.facts)

    def place(self, outcomes: Sequence[ItemOutcome]) -> dict[str, Any]:
        """Return the facts that all items share, for the live snapshot."""
        return place_of(outcomes, self.facts.files)

    @property
    def finishes(self) -> bool:
        """Something is done at the end: moved files or objects are checked, or metadata is written."""
        return self.verify or not self._copy_only or self._sidecar is not None

    def finish(self, account: Account, *, since: datetime | None, log_info: Callable[[str], object]) -> list[str]:
        """
        Count the objects that were there already, check that moved files are aliases, verify objects, write metadata.

        All of it can be repeated.
        """
        doubts = finish(self, account, moves=not self._copy_only, since=since, log_info=log_info)
        doubt = self._sidecar.finish(account) if self._sidecar is not None else None
        return [*doubts, doubt] if doubt else doubts

    def _planned_otherwise(self) -> list[str]:
        """Return the problem of items that were planned with another `copy_only`."""
        others = [one for one in self.items if one.planned and one.copy_only != self._copy_only]
        if not others:
            return []
        return [
            f"{counted(len(others), 'item')}, such as {others[0].line}, {'was' if len(others) == 1 else 'were'} planned"
            f" with copy_only={not self._copy_only}, and this task has copy_only={self._copy_only}; give both the same"
            " one"
        ]

    def _properties_of(self, item: ExportItem) -> dict[str, Any]:
        """Return the properties of an item: its own, or else those of all."""
        return dict(self._properties if item.properties is None else item.properties)

    def _keyless(self, item: ExportItem, reason: str) -> Unfit:
        """Return an item without a destination, with the reason; a problem of its file says more."""
        file = self.facts.files.get(item.file)
        # The item's name is put before it wherever it is shown.
        reason = f"It {rest}" if (rest := reason.removeprefix(f"{named(item, file)} ")) != reason else reason
        own = Problem(None, None, reason, made_here=True)
        [unfit] = unfit_items([item], self.facts) or [unfit_item(item, own, file)]
        return unfit

    def _with_paths(self) -> list[ExportItem]:
        """Look up the folders of files that have no path, if they are wanted, or the template needs one."""
        lacking = {item.file for item in self.items if self._lacks_path(item)}
        if not lacking:
            return list(self.items)
        files = [file for file_id, file in self.facts.files.items() if file_id in lacking and not file.is_folder]
        paths = paths_of(self.client, files)
        return [replace(item, path=paths.get(item.file, item.path)) for item in self.items]

    def _lacks_path(self, item: ExportItem) -> bool:
        if item.path is not None:
            return False
        if self._with_all_paths:
            return True
        if item.location is not None:
            return False
        try:
            return "path" in own_template(item, self._template).fields
        except BadTarget:
            return False  # it is reported with the other items that have no destination
