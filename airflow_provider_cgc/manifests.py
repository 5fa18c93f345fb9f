"""Manifests as tasks hand them on: their addresses, and the items and outcomes in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from airflow_provider_cgc import storage
from airflow_provider_cgc.exceptions import CgcBadInput, CgcInputRefused, CgcJobsNotYetKnown
from airflow_provider_cgc.jobs.ids import BadIds, flatten, is_uri, literal
from airflow_provider_cgc.jobs.kinds import JobKind
from airflow_provider_cgc.jobs.submitting.account import ENDED_WELL, with_record
from airflow_provider_cgc.jobs.submitting.items import BadItems, Item, ItemT, parted, read_each
from airflow_provider_cgc.jobs.submitting.manifest import read_items, read_outcomes
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, ItemState
from airflow_provider_cgc.jobs.waiting.look import records_of

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


def outcomes_at(address: str, *, kind: JobKind, of: type[Item], where: str) -> list[ItemOutcome]:
    """
    Read a manifest of jobs of this kind that were started.

    :param of: the items of this kind.

    :raises CgcBadInput: if there is none, it is not whole, or it does not tell the jobs of all items.
    """
    try:
        found = read_outcomes(storage.read_lines(address), name=address, of=of)
    except BadItems as error:
        raise CgcBadInput(
            f"{where}: {address} is no manifest of {kind.plural} that were started ({error.problems[0]}); give what"
            " an operator returns with wait=False and a manifest_path"
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
            f"{where}: {address} does not tell the jobs of {len(untold)} of {kind.count(len(found.outcomes))}, such"
            f" as {untold[0].item.named()}: the task that writes it has not ended, or was stopped in the middle; clear"
            " it, it finds out what it has started, then clear this one"
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


def items_given(
    given: Any,
    *,
    of: type[ItemT],
    check: Callable[[ItemT], Sequence[str]] | None = None,
    conn_id: str | None,
    written: str | None,
    where: str,
) -> list[ItemT]:
    """
    Read the argument `items`: a list or text of one, in which addresses of manifests may stand, too.

    :param of: the items of the kind of job.
    :param check: says what else is wrong with an item.
    :param conn_id: the connection for manifests whose address names none.
    :param written: the address that the task writes to, which it must not read.
    :raises BadItems: with everything that is wrong, line numbers included.
    :raises CgcBadInput: if a manifest cannot be read.
    """
    places, others = parted(storage.texts_in(given))
    how: dict[str, Any] = {"of": of, "conn_id": conn_id, "written": written, "where": where}
    items: list[ItemT] = [item for place in places for item in manifest_items(place, **how)]
    return items + (read_each(others, where=where, read=of.read, check=check) if others or not places else [])


def manifest_items(
    address: object,
    *,
    of: type[ItemT],
    conn_id: str | None,
    written: str | None,
    where: str,
    failed_of: FailedOf | None = None,
) -> list[ItemT]:
    """
    Read a manifest; with `failed_of`, only what failed, and what it leaves open is asked for.

    :param of: the items of the kind of job.
    :param conn_id: the connection, where the address names none.
    :param written: the address that the task writes to, which it must not read.
    :raises BadItems: with everything that is wrong, line numbers included.
    :raises CgcBadInput: if it cannot be read.
    :raises CgcInputRefused: and `CgcJobsNotYetKnown` if it does not tell yet what failed.
    :raises CgcError: if the platform does not answer.
    """
    name = storage.address(address)
    if not storage.connection_of(name):
        name = storage.address(name, conn_id)
    if name == written:
        raise same_address(name, where=where)
    lines = storage.read_lines(name)
    if failed_of is None:
        return read_items(lines, name=name, of=of)
    return failed_items(lines, name=name, of=of, failed_of=failed_of)


class FailedOf(NamedTuple):
    """The kind of job whose failures are wanted, and how jobs are asked for that a manifest leaves open."""

    kind: JobKind
    bulk_get: Callable[[Sequence[str]], Sequence[Any]]
    sensor: str
    """What waits for such jobs, in Python, with braces for an address."""


def failed_items(lines: Iterable[str], *, name: str, of: type[ItemT], failed_of: FailedOf) -> list[ItemT]:
    """
    Return the items of a manifest that failed; what it leaves open, because nobody waited then, is asked for now.

    :raises CgcInputRefused: if it does not tell which jobs were started.
    :raises CgcJobsNotYetKnown: if some of them still run.
    :raises CgcError: if the platform does not answer.
    """
    kind = failed_of.kind
    outcomes = read_outcomes(lines, name=name, of=of).outcomes
    left = [one for one in outcomes if not (one.state.failed or one.state in ENDED_WELL)]
    lost = [one for one in left if one.id is None]
    if lost:
        raise CgcInputRefused(
            f"{name} does not tell whether {kind.count(len(lost))} were started, such as that of"
            f" {lost[0].item.named()}: the task that writes it has not ended, or was stopped; clear it, it finds out."
            " Nothing was sent."
        )
    records = records_of(failed_of.bulk_get, [str(one.id) for one in left])
    outcomes = [with_record(kind, one, records.get(one.id or "")) for one in outcomes]
    running = [one for one in outcomes if not (one.state.failed or one.state in ENDED_WELL)]
    if running:
        raise CgcJobsNotYetKnown(
            f"{kind.count(len(running))} of {name} have not ended, such as {running[0].id}, so that nobody knows yet"
            f" which fail. Nothing was sent. Let {failed_of.sensor.format(repr(name))} wait for them first."
        )
    lines_of = enumerate(outcomes, start=1)
    return [cast(ItemT, one.again(line=f"line {number}")) for number, one in lines_of if one.state.failed]


def same_address(address: str, *, where: str) -> CgcBadInput:
    """Return the error of a task that would write its manifest where it reads one."""
    return CgcBadInput(
        f"{where} has the same address as manifest_path, {address}, and the task would write over what it reads; give"
        " manifest_path another one"
    )
