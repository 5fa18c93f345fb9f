"""What an export task that did not wait hands over to a sensor: the address of its manifest, or several of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_cgc import storage
from airflow_provider_cgc.exceptions import CgcBadInput
from airflow_provider_cgc.jobs.ids import BadIds, flatten, is_uri, literal
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.submitting.items import BadItems
from airflow_provider_cgc.jobs.submitting.manifest import ItemOutcome, ItemState, read_outcomes

_HANDOVER = "let that task start the exports with wait=False, and hand on what it returns"


def manifests_given(value: Any, *, where: str) -> list[str]:
    """
    Return the addresses that a value means, in order and once each; none if it means ids, right or wrong.

    :param where: the argument and its task, for messages.
    :raises CgcBadInput: if it mixes addresses with something else, or is what a task returns that has waited itself.
    """
    value = storage.texts_in(value)
    if isinstance(value, str) and is_uri(value):
        return [value.strip()]
    given: Any = value.strip() if isinstance(value, str) else value
    try:
        if isinstance(given, str) and given.startswith("{"):  # a template renders a mapping to text
            given = literal(given)
        entries: list[Any] = [given] if isinstance(given, Mapping) else list(flatten(given))
    except BadIds:
        return []  # the reader of ids says what is wrong with it
    for entry in entries:
        _refuse_results(entry, where)
    addresses = [entry.strip() for entry in entries if is_uri(entry)]
    if addresses and len(addresses) < len(entries):
        other = next(entry for entry in entries if not is_uri(entry))
        raise CgcBadInput(
            f"{where} has the address {addresses[0]} beside {str(other)[:60]!r}; give either addresses of manifests or"
            " ids of jobs"
        )
    return list(dict.fromkeys(addresses))


def outcomes_at(address: str, *, where: str) -> list[ItemOutcome]:
    """
    Read a manifest of exports that were started.

    :raises CgcBadInput: if there is none, it is not whole, or it does not tell the jobs of all items.
    """
    try:
        found = read_outcomes(storage.read_lines(address), name=address)
    except BadItems as error:
        raise CgcBadInput(
            f"{where}: {address} is no manifest of exports that were started ({error.problems[0]}); give what"
            " CgcBulkExportOperator returns with wait=False and a manifest_path"
        ) from None
    except CgcBadInput as error:
        raise CgcBadInput(f"{where}: {error}") from error
    if found.cut_off:
        raise CgcBadInput(
            f"{where}: {address}, {found.cut_off}; clear the task that writes it, it takes over what runs"
        )
    untold = [one for one in found.outcomes if one.id is None and not _settled(one)]
    if untold:
        raise CgcBadInput(
            f"{where}: {address} does not tell the jobs of {len(untold)} of {EXPORT.count(len(found.outcomes))}, such"
            f" as file {untold[0].file}: the task that writes it has not ended, or was stopped in the middle; clear it,"
            " it finds out what it has started, then clear this one"
        )
    return found.outcomes


def _settled(outcome: ItemOutcome) -> bool:
    return outcome.state.failed or outcome.state in (ItemState.SKIPPED, ItemState.COMPLETED)


def _refuse_results(entry: Any, where: str) -> None:
    """Refuse what a task returns that leaves nothing to wait for; other mappings are for the reader of ids."""
    if not isinstance(entry, Mapping):
        return
    if entry.get("dry_run"):
        raise CgcBadInput(f"{where} is the report of a dry run, which started nothing; drop dry_run, and {_HANDOVER}")
    if "file" in entry:
        raise CgcBadInput(
            f"{where} has files to export, not ids of jobs; give them to CgcBulkExportOperator(items=...), with"
            " wait=False, and hand on what that returns"
        )
    if {"total", "failed_items"} <= entry.keys():
        raise CgcBadInput(
            f"{where} is the summary of a task that has waited already, so there is nothing left to wait for; drop"
            f" this sensor, or {_HANDOVER}"
        )
