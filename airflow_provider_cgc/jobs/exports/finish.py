"""The checks at the end of an export: objects that were there already, files that were moved, objects to verify."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from airflow_provider_cgc.client.errors import CgcError
from airflow_provider_cgc.client.errors.codes import NO_SUCH_FILE
from airflow_provider_cgc.client.errors.problem import as_sentence
from airflow_provider_cgc.jobs.exports.item import ExportKey
from airflow_provider_cgc.jobs.exports.problems import alias_target
from airflow_provider_cgc.jobs.files import file_records
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.objects import sizes_of
from airflow_provider_cgc.jobs.submitting.taken import take_back
from airflow_provider_cgc.jobs.text import counted
from airflow_provider_cgc.jobs.waiting.look import is_undecided

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.errors.problem import BulkRecord
    from airflow_provider_cgc.client.models import ExportJob, File
    from airflow_provider_cgc.jobs.submitting.account import Account, Done
    from airflow_provider_cgc.jobs.submitting.order import Order

NOT_THERE = "The job COMPLETED, but the object is not on the volume."
OTHER_SIZE = "The job COMPLETED, but the object has {found} bytes instead of {wanted}."
COPIED = (
    "The job has copied the file and not moved it: the file is no alias of the object. To move it over the copy, clear"
    ' this task with if_exists="overwrite" and resume=False (below Airflow 3.3 with a manifest_path).'
)
OTHER_ALIAS = "The file was not moved here: its bytes are {target}."
ALIAS_PAUSE = 20.0
"""Seconds that a moved file is given to become an alias."""


def finish(
    order: Order, account: Account, *, moves: bool, since: datetime | None, log_info: Callable[[str], object]
) -> list[str]:
    """
    Correct the account of exports; return what cannot be known yet, in sentences.

    An object that was in the way (9107) counts as exported if another job of this task, started at `since` or later,
    has put it there; and as skipped if it has the file's size and the order skips such objects. If the order verifies,
    the objects themselves are looked for.

    :param moves: the platform keeps no copy: each exported file must have become an alias of its object.
    :param since: the platform's clock before anything of this task was sent.
    """
    doubts = [take_back(order, account, since=since, alike=_same_properties, log_info=log_info)]
    if order.skips_existing:
        _skip_what_is_there(order.client, account, log_info)
    # With `fail_fast` jobs may still run: the task has failed already, and the objects there show nothing yet.
    if order.finishes and account.is_over:
        doubts.append(_unaccounted(account))
    if moves and account.is_over:
        doubts.append(_check_moves(order.client, account))
    if order.verify and account.is_over:
        try:
            _verify(order.client, account, log_info)
        except CgcError as error:
            doubts.append(f"{as_sentence(error)} The objects on the volume could not be verified.")
    return [doubt for doubt in doubts if doubt]


def _same_properties(one: ExportJob, other: ExportJob) -> bool:
    return one.properties == other.properties


def _skip_what_is_there(client: CgcClient, account: Account, log_info: Callable[[str], object]) -> None:
    """Count as skipped the objects that jobs found at their destination, if they have the files' sizes."""
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
    """Return the objects that should be on their volumes now."""
    return {ExportKey(*key): one for key, one in account.done().items()}


def _unaccounted(account: Account) -> str | None:
    jobs = account.unaccounted()
    if not jobs:
        return None
    return (
        f"The platform no longer shows how {EXPORT.count(len(jobs))} ended, such as {jobs[0]}, so their objects cannot"
        " be checked."
    )


def _check_moves(client: CgcClient, account: Account) -> str | None:
    """
    Count files as failed that were only copied, by a job of another run or of the Dag as it was: no job shows that.

    A file that is no alias yet is looked at once more a little later, because it may not be one the moment its job has
    ended. If the platform no longer has the file, or does not show what it is an alias of, the object itself must be
    there. Returns what cannot be known yet.
    """
    done = {key: one for key, one in _done(account).items() if one.job_id is not None}
    records = file_records(client, {key.file for key in done})
    late = {key.file for key in done if _may_become_an_alias(records[key.file])}
    if late:
        time.sleep(ALIAS_PAUSE)
        records |= file_records(client, late)
    left = {key: one for key, one in done.items() if not _is_moved(records[key.file], key)}
    unseen = {key for key in left if _shows_no_target(records[key.file], key)}
    there = sizes_of(client, unseen)
    unknown: list[ExportKey] = []
    for key, one in left.items():
        file = records[key.file].resource
        if key in unseen:
            problem = _problem_of(key, one, there)
        elif file is None:
            unknown.append(key)
            continue
        else:
            problem = OTHER_ALIAS.format(target=alias_target(file)) if file.is_alias else COPIED
        if problem:
            account.count_failed(key, one, problem)
    if not unknown:
        return None
    files = counted(len(unknown), "file")
    reason = records[unknown[0].file].error
    return f"For {files}, such as {unknown[0].file}, the platform does not show whether they were moved ({reason})."


def _may_become_an_alias(record: BulkRecord[File]) -> bool:
    """Return True if a second look may show an alias: the file is none yet, or the answer about it was unclear."""
    return is_undecided(record) or (record.resource is not None and not record.resource.is_alias)


def _is_moved(record: BulkRecord[File], key: ExportKey) -> bool:
    return record.resource is not None and record.resource.is_alias_of(key.volume, key.location)


def _shows_no_target(record: BulkRecord[File], key: ExportKey) -> bool:
    """Return True if the platform no longer has the file, or does not show for certain what it is an alias of."""
    file = record.resource
    if file is None:
        return record.error is not None and record.error.code == NO_SUCH_FILE
    return file.may_be_alias_of(key.volume, key.location)


def _verify(client: CgcClient, account: Account, log_info: Callable[[str], object]) -> None:
    """Look on each volume for the objects that should be there, and compare."""
    done = _done(account)
    there = sizes_of(client, done)
    by_size = by_presence = 0
    for key, one in done.items():
        problem = _problem_of(key, one, there)
        if problem is not None:
            account.count_failed(key, one, problem)
        elif there[key] is None or one.size is None:
            by_presence += 1
        else:
            by_size += 1
    if not done:
        return
    compared = f"{by_size} by their size and {by_presence} by their presence alone, because no size was given"
    log_info(f"Verified {by_size + by_presence} of {len(done)} objects on the volume: {compared}.")


def _problem_of(key: ExportKey, done: Done, there: Mapping[ExportKey, int | None]) -> str | None:
    """Return the problem of an object, by its size or its presence alone; None if there is none."""
    if key not in there:
        return NOT_THERE
    found = there[key]
    if found is None or done.size is None or found == done.size:
        return None
    return OTHER_SIZE.format(found=found, wanted=done.size)
