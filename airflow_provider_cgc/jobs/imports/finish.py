"""The end of an import: the file of each item, and its metadata and tags, which are set when its job has COMPLETED."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_cgc.client.errors.codes import NO_SUCH_FILE
from airflow_provider_cgc.client.errors.problem import as_sentence
from airflow_provider_cgc.jobs.files import file_records
from airflow_provider_cgc.jobs.imports.item import ImportItem, ImportKey
from airflow_provider_cgc.jobs.kinds import IMPORT
from airflow_provider_cgc.jobs.submitting.account import Done
from airflow_provider_cgc.jobs.submitting.taken import WHOLE_SECONDS, take_back
from airflow_provider_cgc.jobs.text import counted, shown, storable
from airflow_provider_cgc.jobs.waiting.look import is_undecided

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_cgc.client.errors.problem import BulkRecord
    from airflow_provider_cgc.client.models import File
    from airflow_provider_cgc.jobs.imports.destinations import Destinations
    from airflow_provider_cgc.jobs.imports.sources import Sources
    from airflow_provider_cgc.jobs.submitting.account import Account
    from airflow_provider_cgc.jobs.submitting.order import Order

NO_FILE = (
    "The job COMPLETED, but the platform shows no file of it, and the destination has none of this name from it. To"
    " import the object again, set verify=True and clear this task."
)
OTHER_FILE = (
    "The job COMPLETED, but its file {file} is no alias of the object: it is {target}. To import the object again,"
    " remove that file, set verify=True and clear this task."
)
GONE = (
    "The job COMPLETED, but its file {file} does not exist any more. To import the object again, set verify=True and"
    " clear this task."
)
NOT_SET = (
    "The file {file} was imported, but its metadata or tags could not be set: {problem} When the cause is fixed, clear"
    " this task to set them; another task with failed_only=True would import the object again."
)
OTHER_ITEMS = (
    "The object was imported, but the items of this task have changed since, so its metadata are not known any more."
    " Give the task a manifest_path, which keeps them, and clear it."
)
NOT_KEPT = "The file {file} was imported, but the platform did not keep its {what}. Clear this task to set them again."


class Files:
    """The files that an order has made or found."""

    def __init__(self, order: Order, destinations: Destinations, sources: Sources) -> None:
        self._order = order
        self._keys = cast("Mapping[ImportKey, ImportItem]", order.keys)
        self._destinations = destinations
        self._sources = sources

    def finish(self, account: Account, *, since: datetime | None, log_info: Callable[[str], object]) -> list[str]:
        """
        Correct the account of imports, and set metadata and tags; return what cannot be known yet, in sentences.

        A name that was taken (9108) counts as imported if another job of this task has taken it, and as skipped if the
        order skips, and an alias of the object has it. Setting the same metadata again ends the same, so that nothing
        has to be remembered.

        :param since: the platform's clock before anything of this task was sent.
        """
        doubts = [take_back(self._order, account, since=since, log_info=log_info)]
        if self._order.skips_existing:
            self._skip_what_is_there(account, log_info)
        if account.is_over:
            doubts.append(_unaccounted(account))
        done = {ImportKey(*key): one for key, one in account.done().items()}
        files = self._of_jobs(account, done)
        files |= self._there(account, done, files)
        if account.is_over and self._order.skips_existing:
            doubts.append(self._gone(account, done, files))
        self._refuse_others(account, done)
        doubts.append(self._set_metadata(account, done, files, log_info))
        for key in [*(key for key in self._keys if key in files), *(files.keys() - self._keys.keys())]:
            if not account.has_failed(key):
                account.note_result(key, file_item(key, files[key]))
        known = [doubt for doubt in doubts if doubt]
        return known or ([_incomplete(account)] if account.is_over and not account.has_all_results else [])

    def _skip_what_is_there(self, account: Account, log_info: Callable[[str], object]) -> None:
        taken = account.taken()
        there = self._order.there(taken)
        skipped = [job for key, job in taken.items() if key in there and there[key].fits]
        for job in skipped:
            account.count_skipped(job)
        if skipped:
            log_info(
                f"{IMPORT.count(len(skipped))} found an alias of the object there already (9108): skipped, because"
                ' if_exists="skip".'
            )

    def _of_jobs(self, account: Account, done: Mapping[ImportKey, Done]) -> dict[ImportKey, File]:
        """Return the files that jobs show as their results; one that is no alias of the object is a failure."""
        files: dict[ImportKey, File] = {}
        for key, one in done.items():
            job = account.job(one.job_id)
            file = None if job is None else job.result
            if file is None or file.is_folder:
                continue
            if other := self._other(key, file):
                account.count_failed(key, one, other)
            else:
                files[key] = file
        return files

    def _other(self, key: ImportKey, file: File) -> str | None:
        """Return the problem of a file that is certainly no alias of an item's object."""
        if not self._sources.is_other(key, file):
            return None
        target = f"one of {shown(file.location)} on volume {file.volume}" if file.is_alias else "no alias at all"
        return OTHER_FILE.format(file=file.id, target=target)

    def _there(
        self, account: Account, done: Mapping[ImportKey, Done], made: Collection[ImportKey]
    ) -> dict[ImportKey, File]:
        """Look for the files of items without a job, and of jobs without a result."""
        wanted = [key for key in done if key not in made]
        if self._order.skips_existing:
            wanted += [key for key in self._keys if key not in done]
        wanted = [key for key in wanted if not account.has_failed(key)]
        files = self._seen_before(account, wanted)
        there = self._destinations.files_at([key for key in wanted if key not in files])
        files |= {
            key: file
            for key, file in there.items()
            if self._sources.is_alias(key, file) and not self._is_older(account, done.get(key), file)
        }
        for key in wanted:
            if key in done and key not in files and done[key].job_id is not None:
                account.count_failed(key, done[key], NO_FILE)
        return files

    def _seen_before(self, account: Account, wanted: Collection[ImportKey]) -> dict[ImportKey, File]:
        """Return the files that the manifest knows already, as they are now: those of skipped items."""
        lines = ((one.item.key(), one.result) for one in account.outcomes or () if one.result)
        known = {key: str(result["file"]) for key, result in lines if result and "file" in result}
        ids = {key: known[key] for key in wanted if key in known}
        records = file_records(self._order.client, ids.values())
        files = {key: records[file_id].resource for key, file_id in ids.items()}
        return {key: file for key, file in files.items() if file is not None and self._sources.is_alias(key, file)}

    def _is_older(self, account: Account, done: Done | None, file: File) -> bool:
        """Return True if a file cannot be that of a job which gives it another name if its own is taken."""
        job = None if done is None else account.job(done.job_id)
        if job is None or not job.autorename or None in (file.created_on, job.started_on):
            return False
        return bool(file.created_on < job.started_on - timedelta(seconds=WHOLE_SECONDS))

    def _gone(self, account: Account, done: Mapping[ImportKey, Done], files: Collection[ImportKey]) -> str | None:
        """Return a sentence about files that were skipped because they were there, and that are gone since."""
        found = sum(key not in done or done[key].job_id is None for key in files)
        gone = account.summary.skipped - found
        if gone <= 0:
            return None
        return (
            f"Of the files that were there already and skipped, {gone} {'is' if gone == 1 else 'are'} not there any"
            " more; a retry imports them."
        )

    def _refuse_others(self, account: Account, done: Mapping[ImportKey, Done]) -> None:
        """Count files as failed that are of none of the items, if the items have metadata or tags."""
        if any(item.metadata or item.tags for item in self._keys.values()):
            for key in done.keys() - self._keys.keys():
                account.count_failed(key, done[key], OTHER_ITEMS)

    def _set_metadata(
        self,
        account: Account,
        done: Mapping[ImportKey, Done],
        files: Mapping[ImportKey, File],
        log_info: Callable[[str], object],
    ) -> str | None:
        """Set metadata and tags, and verify files; return what cannot be known yet."""
        edits = {key: edit for key, file in files.items() if (edit := self._edit(key, file))}
        records: dict[ImportKey, BulkRecord[File]] = {}
        if edits:
            records |= zip(edits, self._order.client.files.bulk_edit(edits.values()), strict=True)
        if self._order.verify:
            others = {file.id: key for key, file in files.items() if key not in edits}
            records |= {others[name]: one for name, one in file_records(self._order.client, others).items()}
        undecided = {key for key, record in records.items() if is_undecided(record)}
        for key, record in records.items():
            problem = None if key in undecided else self._fault(key, files[key], record)
            if problem:
                counted_as = "completed" if key in done else "skipped"
                one = done.get(key) or Done(None, self._keys[key].asked(), None)
                code = record.error.code if record.error is not None else None
                account.count_failed(key, one, problem, code=code, counted=counted_as)
        if done_well := sum(key not in undecided and not account.has_failed(key) for key in edits):
            log_info(f"Metadata and tags of {counted(done_well, 'file')} are set.")
        if not undecided:
            return None
        first = next(key for key in records if key in undecided)
        reason = records[first].error
        return (
            f"For {IMPORT.count(len(undecided))}, such as that of {first.location!r}, the platform does not show"
            f" whether the file has its metadata ({reason})."
        )

    def _edit(self, key: ImportKey, file: File) -> dict[str, Any] | None:
        """Return the change of an item's file; None if there is none."""
        item = self._keys.get(key)
        if item is None or not (item.metadata or item.tags):
            return None
        edit: dict[str, Any] = {"id": file.id}
        if item.metadata:
            edit["metadata"] = item.metadata
        if item.tags:
            # Whether the platform adds them or replaces those that are there is not documented.
            edit["tags"] = list(dict.fromkeys([*file.tags, *item.tags]))
        return edit

    def _fault(self, key: ImportKey, file: File, record: BulkRecord[File]) -> str | None:
        now = record.resource
        if now is None and record.error is not None and record.error.code == NO_SUCH_FILE:
            return GONE.format(file=file.id)
        if now is None:
            return NOT_SET.format(file=file.id, problem=as_sentence(record.error) if record.error else "")
        if other := self._other(key, now):
            return other
        item = self._keys.get(key)
        wanted = item.metadata if item is not None and "metadata" in now.raw else None
        for name, value in (wanted or {}).items():
            if now.metadata.get(name) != value:
                found = shown(now.metadata.get(name))
                return NOT_KEPT.format(file=file.id, what=f"metadata: {shown(name)} is {found}, not {shown(value)}")
        lost = set((item.tags if item is not None and "tags" in now.raw else None) or ()) - set(now.tags)
        return NOT_KEPT.format(file=file.id, what=f"tags: {shown(sorted(lost)[0])} is missing") if lost else None


def file_item(key: ImportKey, file: File) -> dict[str, Any]:
    """Return the file of an item in the form that other tasks take."""
    is_project = "/" in key.destination
    known = {
        "file": file.id,
        "name": storable(file.name),
        "size": file.size,
        "project": key.destination if is_project else file.project,
        "path": key.name.rpartition("/")[0] if is_project else None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _incomplete(account: Account) -> str:
    count = account.summary.completed + account.summary.skipped - len(account.results)
    return f"The files of {IMPORT.count(count)} are not known, although the imports are done."


def _unaccounted(account: Account) -> str | None:
    jobs = account.unaccounted()
    if not jobs:
        return None
    return (
        f"The platform no longer shows how {IMPORT.count(len(jobs))} ended, such as {jobs[0]}, so their files are not"
        " known."
    )
