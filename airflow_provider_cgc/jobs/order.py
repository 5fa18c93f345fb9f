"""What is to be exported and how, and the place that each item gets once the platform was asked about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.jobs.items import BadItems, Item
from airflow_provider_cgc.jobs.locations import LocationTemplate, moved_twice, targets
from airflow_provider_cgc.jobs.places import paths_of
from airflow_provider_cgc.jobs.preflight import Facts, ask, problems
from airflow_provider_cgc.jobs.recovery import Key

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be exported and how; see `CgcBulkExportOperator` for the words."""

    items: Sequence[Item]
    volume: str | None
    template: LocationTemplate
    copy_only: bool
    if_exists: str = "fail"
    properties: Mapping[str, Any] = field(default_factory=dict)
    too_many: Callable[[int], bool] = bool
    verify: bool = False
    """A job's word that it COMPLETED is not enough."""
    recorded: bool = True
    """What is started, or taken over, is remembered for the next attempt."""
    where: str = "items"
    """The argument that the items come from, for messages."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The items of an order by what identifies an export, what the platform told of them, and lines to log."""

    items: dict[Key, Item]
    facts: Facts
    warnings: list[str]


def place(client: CgcClient, order: Order, *, first: bool) -> Placed:
    """
    Ask the platform about files and volumes, and give every item its place.

    Where an earlier attempt may have sent something, `first` is False: a file may be gone that was exported long ago,
    so that what is wrong with a file counts only if it is still to be sent, which is not known here.

    :raises BadItems: with everything that is wrong; nothing was submitted.
    """
    facts = ask(client, order.items, [order.volume] if order.volume else [])
    items = _with_paths(client, order, facts)
    # A folder is refused whatever its key would be, so nothing is said of that.
    folders = {file_id for file_id, file in facts.files.items() if file.is_folder}
    known = [item for item in items if item.file not in folders and (item.file in facts.files or not first)]
    try:
        placed = targets(known, template=order.template, where=order.where, volume=order.volume, files=facts.files)
    except BadItems as error:
        raise BadItems(order.where, [*problems(items, facts), *error.problems]) from None
    unknown = [item for item in items if item.file not in facts.files]
    wrong = [] if order.copy_only else moved_twice(placed.items)
    checked = [*placed.items, *(unknown if first else [])] if first or facts.refused_volumes else []
    wrong += problems([*checked, *(item for item in items if item.file in folders)], facts)
    if wrong:
        raise BadItems(order.where, wrong)
    by_key = {Key(item.file, str(item.volume), str(item.location)): item for item in placed.items}
    return Placed(by_key, facts, list(placed.warnings))


def _with_paths(client: CgcClient, order: Order, facts: Facts) -> list[Item]:
    """Look up the folders of files that bring no path, if the template wants one."""
    items = list(order.items)
    if "path" not in order.template.fields:
        return items
    lacking = {item.file for item in items if item.path is None and item.location is None}
    files = [file for file_id, file in facts.files.items() if file_id in lacking and not file.is_folder]
    paths = paths_of(client, files)
    return [replace(item, path=paths.get(item.file, item.path)) for item in items]
