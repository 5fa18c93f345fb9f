"""The end of an export: what was there already, whether files were moved, and whether the objects are there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_cgc.client.errors import CgcError
from airflow_provider_cgc.client.errors.codes import NO_SUCH_FILE
from airflow_provider_cgc.client.errors.problem import as_sentence
from airflow_provider_cgc.jobs.exports.item import ExportKey
from airflow_provider_cgc.jobs.exports.problems import bytes_place
from airflow_provider_cgc.jobs.files import file_records
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.objects import sizes_of
from airflow_provider_cgc.jobs.submitting.search import find
from airflow_provider_cgc.jobs.text import counted
from airflow_provider_cgc.jobs.waiting.look import is_undecided

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.errors.problem import BulkRecord
    from airflow_provider_cgc.client.models import File
    from airflow_provider_cgc.jobs.submitting.account import Account, Done
    from airflow_provider_cgc.jobs.submitting.order import Order

NOT_THERE = "The job COMPLETED, but the object is not on the volume."
OTHER_SIZE = "The job COMPLETED, but the object has {found} bytes instead of {wanted}."
COPIED = (
    "The job has copied the file and not moved it: it is no alias of the object. To move it over the copy, clear this"
    ' task with if_exists="overwrite" and resume=False (below Airflow 3.3 with a manifest_path).'
)
OTHER_ALIAS = "The file was not moved here: its bytes are {place}."
ALIAS_PAUSE = 20.0
"""Seconds that a file which was moved is given to become an alias."""
WHOLE_SECONDS = 2.0
"""Seconds by which a job of this task may seem older than the task: both are told in whole seconds."""


def finish(
    order: Order, account: Account, *, moves: bool, since: datetime | None, log_info: Callable[[str], object]
) -> list[str]:
    """
    Put the account of exports right; return what cannot be told yet, in sentences.

    An object that was there before (9107) and was put there by another job of this task, one started at `since` or
    later, is one that is there as wanted; so is any object of the file's size, where the order skips these. Where it
    verifies, a job's word is not enough.

    :param moves: the platform is to keep no file: what was exported must have become an alias of its object.
    :param since: the platform's clock before anything of this task was sent.
    """
    doubts = [None if since is None else _take_back(order, account, since=since, log_info=log_info)]
    if order.skips_existing:
        _skip_what_is_there(order.client, account, log_info)
    # With `fail_fast` jobs may still run: the task has failed already, and what is there says nothing yet.
    if (moves or order.verify) and account.is_over:
        doubts.append(_what_is_untold(account))
    if moves and account.is_over:
        doubts.append(_prove_moves(order.client, account))
    if order.verify and account.is_over:
        try:
            _verify(order.client, account, log_info)
        except CgcError as error:
            doubts.append(f"{as_sentence(error)} The objects on the volume could not be verified.")
    return [doubt for doubt in doubts if doubt]


def _take_back(order: Order, account: Account, *, since: datetime, log_info: Callable[[str], object]) -> str | None:
    """Count as completed what another job of this task has exported; say so if such a job still runs."""
    taken = account.taken()
    if not taken:
        return None
    shown = find(order, taken, since=since, details=order.bulk_get)
    running: str | None = None
    earliest = since - timedelta(seconds=WHOLE_SECONDS)
    taken_back: list[str] = []
    for key, job in taken.items():
        ours = (one for one in shown.found.get(key, ()) if one.started_on and one.started_on >= earliest)
        best = next((one for one in ours if one.properties == job.properties), None)
        if best is not None and order.kind.completed(best):
            account.count_completed(job, best)
            taken_back.append(best.id)
        elif best is not None and not order.kind.failed(best):
            running = f"Export {best.id} of an earlier attempt is still writing {ExportKey(*key).location!r}."
    if taken_back:
        log_info(
            f"{EXPORT.count(len(taken_back))} found the object there already (9107), put there by another job of this"
            f" very task, such as {taken_back[0]}: counted as completed."
        )
    return running


def _skip_what_is_there(client: CgcClient, account: Account, log_info: Callable[[str], object]) -> None:
    """Count as skipped what a job found at its place, if its size is the file's."""
    found = {ExportKey(*key): job for key, job in account.taken().items()}
    if not found:
        return
    files = file_records(client, {key.file for key in found})
    skipped = 0
    for key, there in sizes_of(client, found).items():
        file = files[key.file].resource
        if file is None:
            continue
        size = account.size_of(found[key]) if file.size is None else file.size
        if there is None or size is None or there == size:
            account.count_skipped(found[key])
            skipped += 1
    if skipped:
        log_info(f'{EXPORT.count(skipped)} found the object there already (9107): skipped, because if_exists="skip".')


def _done(account: Account) -> dict[ExportKey, Done]:
    """Return the objects that are said to be on their volumes."""
    return {ExportKey(*key): one for key, one in account.done().items()}


def _what_is_untold(account: Account) -> str | None:
    untold = account.untold()
    if not untold:
        return None
    return (
        f"The platform does not tell any more what became of {EXPORT.count(len(untold))}, such as {untold[0]}, so that"
        " nobody can check their objects."
    )


def _prove_moves(client: CgcClient, account: Account) -> str | None:
    """
    Count as failed what was only copied, by a job of another run or before the Dag was changed: no job tells which.

    A file that is no alias yet is looked at once more a little later, because it may not be one the moment its job has
    ended. Where the platform no longer has the file, or does not tell what it is an alias of, the object itself must be
    there. Returns what cannot be told yet.
    """
    done = {key: one for key, one in _done(account).items() if one.job_id is not None}
    records = file_records(client, {key.file for key in done})
    late = {key.file for key in done if _may_become_an_alias(records[key.file])}
    if late:
        time.sleep(ALIAS_PAUSE)
        records |= file_records(client, late)
    left = {key: one for key, one in done.items() if not _is_moved(records[key.file], key)}
    unseen = {key for key in left if _shows_no_place(records[key.file], key)}
    there = sizes_of(client, unseen)
    untold: list[ExportKey] = []
    for key, one in left.items():
        file = records[key.file].resource
        if key in unseen:
            problem = _what_is_wrong(key, one, there)
        elif file is None:
            untold.append(key)
            continue
        else:
            problem = OTHER_ALIAS.format(place=bytes_place(file)) if file.is_alias else COPIED
        if problem:
            account.count_failed(key, one, problem)
    if not untold:
        return None
    files = counted(len(untold), "file")
    reason = records[untold[0].file].error
    return f"For {files}, such as {untold[0].file}, the platform does not show whether they were moved ({reason})."


def _may_become_an_alias(record: BulkRecord[File]) -> bool:
    """Say whether a second look may show an alias: the file is none yet, or an answer tells nothing of it."""
    return is_undecided(record) or (record.resource is not None and not record.resource.is_alias)


def _is_moved(record: BulkRecord[File], key: ExportKey) -> bool:
    return record.resource is not None and record.resource.is_alias_of(key.volume, key.location)


def _shows_no_place(record: BulkRecord[File], key: ExportKey) -> bool:
    """Say whether the platform has no such file any more, or does not tell for sure what it is an alias of."""
    file = record.resource
    if file is None:
        return record.error is not None and record.error.code == NO_SUCH_FILE
    return file.may_be_alias_of(key.volume, key.location)


def _verify(client: CgcClient, account: Account, log_info: Callable[[str], object]) -> None:
    """Look on each volume for the objects that are said to be there, and compare."""
    done = _done(account)
    there = sizes_of(client, done)
    by_size = by_presence = 0
    for key, one in done.items():
        problem = _what_is_wrong(key, one, there)
        if problem is not None:
            account.count_failed(key, one, problem)
        elif there[key] is None or one.size is None:
            by_presence += 1
        else:
            by_size += 1
    if not done:
        return
    compared = f"{by_size} by their size and {by_presence} by their presence alone, because no size was told"
    log_info(f"Verified {by_size + by_presence} of {len(done)} objects on the volume: {compared}.")


def _what_is_wrong(key: ExportKey, done: Done, there: Mapping[ExportKey, int | None]) -> str | None:
    """Say what is wrong with an object, by its size or its presence alone; None if nothing is."""
    if key not in there:
        return NOT_THERE
    found = there[key]
    if found is None or done.size is None or found == done.size:
        return None
    return OTHER_SIZE.format(found=found, wanted=done.size)
