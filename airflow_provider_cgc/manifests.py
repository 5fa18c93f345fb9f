"""Items and manifests that tasks pass on: `read_items` for a Dag's own tasks, and the readers of the operators.

Nothing that sends is imported, so that a Dag file may import this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from airflow_provider_cgc import storage
from airflow_provider_cgc.arguments import same_address
from airflow_provider_cgc.exceptions import CgcBadInput, CgcInputRefused, CgcJobsNotYetKnown
from airflow_provider_cgc.jobs.ids import is_uri
from airflow_provider_cgc.jobs.kinds import JobKind
from airflow_provider_cgc.jobs.submitting import manifest
from airflow_provider_cgc.jobs.submitting.items import (
    MANIFEST_ENDS,
    BadItem,
    BadItems,
    Item,
    ItemT,
    parted,
    read_each,
)
from airflow_provider_cgc.jobs.submitting.manifest import read_outcomes, read_rows
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, with_record
from airflow_provider_cgc.jobs.text import shown
from airflow_provider_cgc.jobs.waiting.look import records_of


def read_items(value: Any) -> list[dict[str, Any]]:
    """
    Read the result of an operator, in a task of your own: a list of items, or the address of a manifest with them.

    So a task between two operators reads ten items and ten thousand alike:

    .. code-block:: python

        from airflow.sdk import task  # Airflow 2.11: airflow.decorators

        from airflow_provider_cgc.manifests import read_items


        @task
        def only_tumors(listed):
            return [item for item in read_items(listed) if "tumor" in item["name"]]

    It may be given a list of items, also of several mapped tasks; the address of a manifest (JSON Lines, CSV or TSV);
    the summary of a task with a `manifest_path`; or a template's text of these. Lines with outcomes are returned as
    they are, with `state`, `code` and `message`; of jobs that made files, the items are these files. The further
    columns of a table are keys of its items, with names in lower case.

    :raises CgcInputRefused: if it is none of these, a manifest cannot be read, or a line of it is wrong.
    """
    given = storage.texts_in(value)
    try:
        if isinstance(given, str) and _is_address(given):
            return _rows_at(given)
        return [row for rows in read_each(given, where="read_items", read=_rows_of) for row in rows]
    except (BadItems, CgcBadInput) as error:
        raise CgcInputRefused(str(error)) from error


def _is_address(text: str) -> bool:
    """Return True for one address; those of files in folders with blanks in their names, too."""
    return is_uri(text) or (text.count("://") == 1 and text.strip().endswith(MANIFEST_ENDS) and "," not in text)


def _rows_at(address: str) -> list[dict[str, Any]]:
    name = storage.address(address)
    return read_rows(storage.read_lines(name), name=name)


def _rows_of(entry: object, line: str) -> list[dict[str, Any]]:
    """Return the items of one entry: itself, or those of a manifest."""
    if isinstance(entry, str) and is_uri(entry):
        return _rows_at(entry)
    if not isinstance(entry, Mapping):
        raise BadItem(
            f"is {shown(entry)}, of type {type(entry).__name__}, neither an item nor the address of a manifest; give"
            " the value that an operator returns"
        )
    if not _RESULTS.isdisjoint(entry):
        if not entry.get("manifest"):
            raise BadItem(
                "is a summary without a manifest, which has no more than its first failed items; set manifest_path in"
                " the task that returns it, or give its 'failed_items'"
            )
        return _rows_at(str(entry["manifest"]))
    return [dict(entry)]


_RESULTS = frozenset({"failed_items", "dry_run"})
"""Keys of a task's summary, or of the report of a dry run, that no item has."""


def outcomes_at(address: str, *, kind: JobKind, of: type[Item], where: str) -> list[ItemOutcome]:
    """
    Read a manifest of started jobs of this kind.

    :param of: the class of the items.
    :raises CgcBadInput: if there is none, it is incomplete, or it lacks the jobs of some items.
    """
    try:
        found = read_outcomes(storage.read_lines(address), name=address, of=of)
    except BadItems as error:
        raise CgcBadInput(
            f"{where}: {address} is no manifest of started {kind.plural} ({error.problems[0]}); give the result of an"
            " operator with wait=False and a manifest_path"
        ) from None
    except CgcBadInput as error:
        raise CgcBadInput(f"{where}: {error}") from error
    if found.cut_off:
        raise CgcBadInput(
            f"{where}: {address}, {found.cut_off}; clear the task that writes it: it takes over the running jobs"
        )
    if any(one.task.dry_run for one in found.outcomes):
        raise CgcBadInput(
            f"{where}: {address} is of a dry run, which started nothing; give the manifest of the task that sends its"
            " items"
        )
    unknown = [one for one in found.outcomes if one.id is None and not one.state.ended]
    if unknown:
        raise CgcBadInput(
            f"{where}: {address} lacks the jobs of {len(unknown)} of {kind.count(len(found.outcomes))}, such as"
            f" {unknown[0].item.named()}: the task that writes it has not ended, or was stopped. Clear that task, which"
            " finds its jobs, then clear this one"
        )
    return found.outcomes


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
    Read the argument `items`: a list or text of one, which may contain addresses of manifests, too.

    :param of: the class of the items.
    :param check: returns further problems of an item.
    :param conn_id: the connection for manifests whose address names none.
    :param written: the address that the task writes to, which it must not read.
    :raises BadItems: with everything that is wrong, line numbers included.
    :raises CgcBadInput: if a manifest cannot be read.
    """
    addresses, others = parted(storage.texts_in(given))
    how: dict[str, Any] = {"of": of, "conn_id": conn_id, "written": written, "where": where}
    items: list[ItemT] = [item for address in addresses for item in manifest_items(address, **how)]
    return items + (read_each(others, where=where, read=of.read, check=check) if others or not addresses else [])


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
    Read a manifest; with `failed_of`, return only failed items, and ask for jobs whose end it does not have.

    :param of: the class of the items.
    :param conn_id: the connection, if the address names none.
    :param written: the address that the task writes to, which it must not read.
    :raises BadItems: with everything that is wrong, line numbers included.
    :raises CgcBadInput: if it cannot be read.
    :raises CgcInputRefused: and `CgcJobsNotYetKnown` if it is not known yet which items failed.
    :raises CgcError: if the platform does not answer.
    """
    name = storage.address(address)
    if not storage.connection_of(name):
        name = storage.address(name, conn_id)
    if name == written:
        raise same_address(name, where=where)
    lines = storage.read_lines(name)
    if failed_of is None:
        return manifest.read_items(lines, name=name, of=of)
    return failed_items(lines, name=name, of=of, failed_of=failed_of)


class FailedOf(NamedTuple):
    """The kind of job whose failures are wanted, and the call that asks for jobs."""

    kind: JobKind
    bulk_get: Callable[[Sequence[str]], Sequence[Any]]
    sensor: str
    """The sensor that waits for such jobs, in Python, with braces for an address."""


def failed_items(lines: Iterable[str], *, name: str, of: type[ItemT], failed_of: FailedOf) -> list[ItemT]:
    """
    Return the failed items of a manifest; jobs whose end it does not have, because nobody waited, are asked for now.

    :raises CgcInputRefused: if it does not show which jobs were started.
    :raises CgcJobsNotYetKnown: if some of them still run.
    :raises CgcError: if the platform does not answer.
    """
    kind = failed_of.kind
    outcomes = read_outcomes(lines, name=name, of=of).outcomes
    if any(one.task.dry_run for one in outcomes):
        raise CgcInputRefused(
            f"{name} is of a dry run, in which nothing can fail; leave failed_only out to take all its items. Nothing"
            " was sent."
        )
    left = [one for one in outcomes if not one.state.ended]
    lost = [one for one in left if one.id is None]
    if lost:
        raise CgcInputRefused(
            f"{name} has {kind.count(len(lost))} that may or may not have been started, such as that of"
            f" {lost[0].item.named()}: the task that writes it has not ended, or was stopped. Clear that task, which"
            " finds its jobs. Nothing was sent."
        )
    records = records_of(failed_of.bulk_get, [str(one.id) for one in left])
    outcomes = [with_record(kind, one, records.get(one.id or "")) for one in outcomes]
    running = [one for one in outcomes if not one.state.ended]
    if running:
        raise CgcJobsNotYetKnown(
            f"{kind.count(len(running))} of {name} have not ended, such as {running[0].id}, so it is not known yet"
            f" which fail. Nothing was sent. Let {failed_of.sensor.format(repr(name))} wait for them first."
        )
    lines_of = enumerate(outcomes, start=1)
    return [cast(ItemT, one.again(line=f"line {number}")) for number, one in lines_of if one.state.failed]
