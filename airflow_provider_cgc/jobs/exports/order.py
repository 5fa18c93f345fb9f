"""What is to be exported and how, and the place that each item gets once the platform was asked about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.errors.codes import NOT_EXPORTABLE
from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.jobs.exports.facts import Facts, ask, undecided_error
from airflow_provider_cgc.jobs.exports.item import Item
from airflow_provider_cgc.jobs.exports.locations import (
    BadLocation,
    LocationTemplate,
    clashes,
    moved_twice,
    named,
    own_template,
    targets,
)
from airflow_provider_cgc.jobs.exports.problems import Unfit, common_problems, sentences, unfit_items
from airflow_provider_cgc.jobs.listing.folders import paths_of
from airflow_provider_cgc.jobs.submitting.items import BadItems
from airflow_provider_cgc.jobs.submitting.search import Key
from airflow_provider_cgc.jobs.text import counted

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
    aliases: str = "fail"
    properties: Mapping[str, Any] = field(default_factory=dict)
    too_many: Callable[[int], bool] = bool
    tolerance: str = ""
    """How many items may fail, in words, for a refusal."""
    verify: bool = False
    """A job's word that it COMPLETED is not enough."""
    recorded: bool = True
    """What is started, or taken over, is remembered for the next attempt."""
    where: str = "items"
    """The argument that the items come from, for messages."""

    def skips(self, problem: Problem) -> bool:
        """Say whether an item that cannot be exported for this reason is passed over, and counts as no failure."""
        return self.aliases == "skip" and problem.made_here and problem.code == NOT_EXPORTABLE

    def check(self, unfit: Sequence[Unfit], common: Sequence[str] = ()) -> None:
        """
        Check that nothing is wrong with the whole order, and that no more of its items are unfit than may fail.

        :raises BadItems: with everything that is wrong.
        :raises CgcUnreadableError: if it is not known yet of some items whether they can be exported.
        """
        failing = [one for one in unfit if not self.skips(one.problem)]
        too_many = self.too_many(sum(not one.problem.may_pass for one in failing))
        if common or too_many:
            raise BadOrder(self, failing, common, too_many=too_many)
        unsure = {one.item.file: one.problem for one in failing if one.problem.may_pass}
        if unsure:
            raise undecided_error(unsure)


class BadOrder(BadItems):
    """
    An order of which nothing is sent: something is wrong with all of it, or more of its items are unfit than may fail.

    `unfit` are the items that cannot be exported.
    """

    def __init__(self, order: Order, unfit: Sequence[Unfit], common: Sequence[str], *, too_many: bool) -> None:
        count = len(order.items)
        tolerance = f"; {order.tolerance}" if order.tolerance else ""
        head = f"{len(unfit)} of {counted(count, 'item')} cannot be exported{tolerance}" if too_many else ""
        super().__init__(order.where, [*common, *sentences(unfit)], head)
        self.unfit = list(unfit)

    def __reduce__(self) -> tuple[Any, ...]:
        return BadItems, (self.where, self.problems, self.head)


@dataclass(frozen=True, slots=True)
class Placed:
    """The items of an order by what identifies an export, what the platform told of them, and lines to log."""

    items: dict[Key, Item]
    unplaced: list[Unfit]
    """The items for which there is no place on a volume."""
    facts: Facts
    warnings: list[str]


def place(client: CgcClient, order: Order, *, first: bool) -> Placed:
    """
    Ask the platform about files and volumes, and give every item its place.

    Where an earlier attempt may have sent something, `first` is False: a file may be gone that was exported long ago,
    so that what is wrong with a file counts only if it is still to be sent, which is not known here.

    :raises BadItems: with everything that is wrong, if it is wrong with the whole order, or with more items than may
        fail; nothing was submitted.
    """
    facts = ask(client, order.items, [order.volume] if order.volume else [])
    items = _with_paths(client, order, facts)
    found = targets(items, template=order.template, volume=order.volume, files=facts.files)
    unplaced = [_unplaced(item, reason, facts) for item, reason in found.unplaced]
    unfit = unfit_items(found.items, facts)
    # On a later attempt an unfit item may have been exported before; only an alias that is skipped was certainly not.
    left_out = {one.item for one in unfit if first or order.skips(one.problem)}
    to_export = [item for item in found.items if item not in left_out]
    wrong = [*found.problems, *clashes(to_export), *([] if order.copy_only else moved_twice(to_export))]
    # A volume that is closed by now stops a later attempt only if something is still to be sent there.
    checked = to_export if first or facts.refused_volumes else []
    # An object that is there already may be skipped, whatever has become of its file.
    judged = unfit if first and order.if_exists != "skip" else []
    order.check([*unplaced, *judged], common=[*common_problems(checked, facts), *wrong])
    by_key = {Key(item.file, str(item.volume), str(item.location)): item for item in found.items}
    return Placed(by_key, unplaced, facts, list(found.warnings))


def _unplaced(item: Item, reason: str, facts: Facts) -> Unfit:
    """Say why there is no place for an item; what is wrong with its file says more."""
    file = facts.files.get(item.file)
    # The item's name stands before it wherever it is told.
    reason = f"It {rest}" if (rest := reason.removeprefix(f"{named(item, file)} ")) != reason else reason
    own = Problem(None, None, reason, made_here=True)
    [unfit] = unfit_items([item], facts) or [Unfit.of(item, own, file)]
    return unfit


def _with_paths(client: CgcClient, order: Order, facts: Facts) -> list[Item]:
    """Look up the folders of files that bring no path, if the template wants one."""
    items = list(order.items)
    lacking = {item.file for item in items if item.path is None and item.location is None and _wants_path(item, order)}
    if not lacking:
        return items
    files = [file for file_id, file in facts.files.items() if file_id in lacking and not file.is_folder]
    paths = paths_of(client, files)
    return [replace(item, path=paths.get(item.file, item.path)) for item in items]


def _wants_path(item: Item, order: Order) -> bool:
    try:
        return "path" in own_template(item, order.template).fields
    except BadLocation:
        return False  # it is told of with the other items that have no place
