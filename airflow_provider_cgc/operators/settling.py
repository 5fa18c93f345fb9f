"""The account at the end: what became of every item, by the platform's own word and, if wanted, by the volume's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.codes import LOCATION_TAKEN, NO_SUCH_JOB
from airflow_provider_cgc.client.errors import CgcError
from airflow_provider_cgc.client.problems import Problem
from airflow_provider_cgc.exceptions import CgcExportsUnsettled, CgcInputRefused
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.manifest import ItemOutcome, ItemState, read_outcomes
from airflow_provider_cgc.jobs.objects import objects_at
from airflow_provider_cgc.jobs.outcomes import item_of, settled
from airflow_provider_cgc.jobs.recovery import find, key_of
from airflow_provider_cgc.jobs.report import as_sentence
from airflow_provider_cgc.jobs.sweep import look
from airflow_provider_cgc.jobs.tracker import FirstItems, failed_item

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.models import BulkRecord, ExportJob
    from airflow_provider_cgc.jobs.items import Item

NOT_THERE = "The job COMPLETED, but the object is not on the volume."
OTHER_SIZE = "The job COMPLETED, but the object has {found} bytes instead of {wanted}."
COPIED = "The job has copied the file and not moved it: it is no alias of the object."
ALIAS_PAUSE = 20.0
"""Seconds that a file which was moved is given to become an alias."""
WHOLE_SECONDS = 2.0
"""Seconds by which a job of this task may seem older than the task: both are told in whole seconds."""
_FINAL = (ItemState.COMPLETED, ItemState.SKIPPED)


@dataclass(frozen=True, slots=True)
class Settled:
    """The summary, put right, and the lines of the manifest, if there is one."""

    summary: dict[str, Any]
    outcomes: list[ItemOutcome] | None
    unsettled: str | None = None
    """Why the task is not over, in a sentence: something of it still runs, or nobody can tell."""
    may_pass: bool = False
    """Whether any of all the failures, of which the summary lists a hundred, may pass when it is tried again."""


def settle(
    client: CgcClient,
    summary: Mapping[str, Any],
    *,
    outcomes: list[ItemOutcome] | None,
    ids: Sequence[str],
    verify: bool,
    moves: bool = False,
    since: datetime | None,
    say: Callable[[str], object],
) -> Settled:
    """
    Ask for the jobs once more, as far as the account needs it, and put summary and manifest right.

    An object that was there before (9107) and was put there by another job of this task, one started at `since` or
    later, is one that is there as wanted.
    With `verify` a job's word is not enough. With `moves` the platform is to keep no file: what was exported must have
    become an alias. Raises `CgcError`.
    """
    untold = summary["failed"] + summary["missing"] > len(summary["failed_items"])
    taken = any(item["code"] == LOCATION_TAKEN and item.get("id") for item in summary["failed_items"])
    if outcomes is None and not (verify or moves or taken or untold):
        return Settled(dict(summary), None, may_pass=any(map(_may_pass, summary["failed_items"])))
    account = _Account(summary, outcomes, _records(client, ids))
    unsettled = None
    if since is not None:
        unsettled = _take_back(client, account, since=since, say=say)
    if moves:
        _refuse_copies(client, account)
    if verify:
        try:
            _verify(client, account, say)
        except CgcError as error:
            unsettled = f"{as_sentence(error)} So nobody could look whether the objects are on the volume."
    account.list_failures()
    return Settled(account.summary, account.outcomes, unsettled, may_pass=account.may_pass)


class _Account:
    """Every item and job of a task, and the summary that counts them."""

    def __init__(
        self,
        summary: Mapping[str, Any],
        outcomes: list[ItemOutcome] | None,
        records: Mapping[str, BulkRecord[ExportJob]],
    ) -> None:
        self.summary = dict(summary)
        self.jobs = [record.resource for record in records.values() if record.resource is not None]
        self._failures: dict[Any, Mapping[str, Any]] = {
            item["id"] or number: item for number, item in enumerate(summary["failed_items"])
        }
        """By the job's id, or by something else that is its own where there is no job."""
        self._failures |= {job.id: failed_item(job) for job in self.jobs if job.failed and job.id not in self._failures}
        self.outcomes = None if outcomes is None else [self._told(one, records.get(one.id or "")) for one in outcomes]
        self._taken_back: set[str] = set()
        self._given_up: set[tuple[Any, Any]] = set()
        self._by_job = {one.id: number for number, one in enumerate(self.outcomes or ()) if one.id}
        self._by_place = {(one.volume, one.location): number for number, one in enumerate(self.outcomes or ())}

    def counts_as_done(self, job: ExportJob) -> bool:
        """Whether what a job was to do is done, by the job itself or by another one."""
        return job.completed or job.id in self._taken_back

    def take_back(self, job: ExportJob, by: ExportJob) -> None:
        """Count as completed what one job found there, because another one has put it there."""
        self._taken_back.add(job.id)
        del self._failures[job.id]
        self.summary["failed"] -= 1
        self.summary["completed"] += 1
        self.summary["bytes"] += by.size or 0
        number = self._by_job.get(job.id)
        if number is not None and self.outcomes is not None:
            self.outcomes[number] = settled(replace(self.outcomes[number], id=by.id), by, None)

    def give_up(self, item: Mapping[str, Any], job_id: str | None, problem: str) -> None:
        """Count as failed what was counted as done; once, whatever is wrong with it."""
        counted = "completed"
        place = item["volume"], item["location"]
        if place in self._given_up:
            return
        self._given_up.add(place)
        number = self._by_place.get(place)
        if number is not None and self.outcomes is not None:
            one = self.outcomes[number]
            counted = "skipped" if one.state is ItemState.SKIPPED else "completed"
            self.outcomes[number] = replace(one, state=ItemState.FAILED, message=problem)
        self.summary[counted] -= 1
        self.summary["failed"] += 1
        self._failures[job_id or place] = {"id": job_id, **item, "code": None, "message": problem}

    @property
    def may_pass(self) -> bool:
        """Whether any failure may pass when it is tried again."""
        return any(map(_may_pass, self._failures.values()))

    def list_failures(self) -> None:
        """Let the summary show the first failures of those that are left."""
        self.summary["failed_items"] = FirstItems(self._failures.values()).items

    def _told(self, outcome: ItemOutcome, record: BulkRecord[ExportJob] | None) -> ItemOutcome:
        """Return how an item stands by now; what the wait has seen to end, the platform may have forgotten since."""
        told = _told(outcome, record)
        if told.state is not ItemState.MISSING or outcome.state is ItemState.MISSING:
            return told
        failure = self._failures.get(outcome.id or "")
        if failure is not None:
            is_missing = failure["code"] in (None, NO_SUCH_JOB)
            state = ItemState.MISSING if is_missing else ItemState.FAILED
            return replace(outcome, state=state, code=failure["code"], message=failure["message"])
        summary = self.summary
        bad = summary["failed"] + summary["missing"]
        ended = summary["completed"] + summary["skipped"] + bad == summary["total"]
        every_failure_is_known = bad <= len(self._failures)
        return replace(outcome, state=ItemState.COMPLETED) if ended and every_failure_is_known else told


def failed_items(client: CgcClient, lines: Iterable[str], *, name: str) -> list[Item]:
    """
    Return the items of a manifest that failed; what it leaves open, because nobody waited then, is asked for now.

    :raises CgcInputRefused: if it does not tell which jobs were started.
    :raises CgcExportsUnsettled: if some of them still run.
    :raises CgcError: if the platform does not answer.
    """
    outcomes = read_outcomes(lines, name=name).outcomes
    left = [one for one in outcomes if not (one.state.failed or one.state in _FINAL)]
    lost = [one for one in left if one.id is None]
    if lost:
        raise CgcInputRefused(
            f"{name} does not tell whether {EXPORT.count(len(lost))} were started, such as that of file {lost[0].file}:"
            " the task that writes it has not ended, or was stopped; clear it, it finds out. Nothing was sent."
        )
    records = _records(client, [str(one.id) for one in left])
    outcomes = [_told(one, records.get(one.id or "")) for one in outcomes]
    running = [one for one in outcomes if not (one.state.failed or one.state in _FINAL)]
    if running:
        raise CgcExportsUnsettled(
            f"{EXPORT.count(len(running))} of {name} have not ended, such as {running[0].id}, so that nobody knows yet"
            " which fail. Nothing was sent. Let a CgcBulkExportSensor wait for them first."
        )
    return [one.item(line=f"line {number}") for number, one in enumerate(outcomes, start=1) if one.state.failed]


def _records(client: CgcClient, ids: Sequence[str]) -> dict[str, BulkRecord[ExportJob]]:
    found = look(client.exports.bulk_get, ids)
    if found.error is not None:
        raise found.error
    return {record.id: record for record in found.records if record.id is not None}


def _told(outcome: ItemOutcome, record: BulkRecord[ExportJob] | None) -> ItemOutcome:
    return outcome if record is None else settled(outcome, record.resource, record.error)


def _take_back(client: CgcClient, account: _Account, *, since: datetime, say: Callable[[str], object]) -> str | None:
    """Count as done what another job of this task has exported; say so if such a job still runs."""
    taken = {key: job for job in account.jobs if _found_it_there(job) and (key := key_of(job)) is not None}
    if not taken:
        return None
    shown = find(
        lambda volume, offset: client.exports.page(volume=volume, offset=offset),
        taken,
        since=since,
        details=client.exports.bulk_get,
    )
    running = None
    earliest = since - timedelta(seconds=WHOLE_SECONDS)
    taken_back: list[str] = []
    for key, job in taken.items():
        ours = (one for one in shown.found.get(key, ()) if one.started_on and one.started_on >= earliest)
        best = next((one for one in ours if one.properties == job.properties), None)
        if best is not None and best.completed:
            account.take_back(job, best)
            taken_back.append(best.id)
        elif best is not None and not best.failed:
            running = f"The export {best.id} of an earlier attempt is just putting an object to {key.location!r}."
    if taken_back:
        say(
            f"{EXPORT.count(len(taken_back))} found the object there already (9107), put there by another job of this"
            f" very task, such as {taken_back[0]}: counted as completed."
        )
    return running


def _refuse_copies(client: CgcClient, account: _Account) -> None:
    """
    Count as failed what was only copied, by a job of another run or before the Dag was changed: no job tells which.

    What is no alias is looked at once more a little later: nothing tells that it is one the moment its job has ended.
    """
    done = {str(job.file): job for job in account.jobs if job.file and account.counts_as_done(job)}
    left = list(done)
    for pause in (0.0, ALIAS_PAUSE):
        if left:
            time.sleep(pause)
            records = client.files.bulk_get(left)
            files = [record.resource for record in records if record.resource is not None]
            left = [file.id for file in files if not file.is_alias]
    for file_id in left:
        account.give_up(done[file_id].item, done[file_id].id, COPIED)


def _may_pass(item: Mapping[str, Any]) -> bool:
    return Problem(None, item.get("code"), str(item.get("message"))).may_pass


def _found_it_there(job: ExportJob) -> bool:
    return job.failed and job.error is not None and job.error.code == LOCATION_TAKEN


def _verify(client: CgcClient, account: _Account, say: Callable[[str], object]) -> None:
    """Look on each volume for the objects that are said to be there, and compare."""
    wanted: dict[tuple[str, str], tuple[int | None, dict[str, Any], str | None]] = {}
    for one in account.outcomes or ():
        if one.state in _FINAL and one.volume and one.location:
            wanted[one.volume, one.location] = (one.size, item_of(one), one.id)
    for job in account.jobs:
        key = key_of(job)
        if job.completed and key is not None:
            wanted.setdefault((key.volume, key.location), (job.size, dict(job.item), job.id))
    there = {
        volume: objects_at(client, volume, [place for owner, place in wanted if owner == volume])
        for volume in {volume for volume, _ in wanted}
    }
    by_size = by_presence = 0
    for (volume, location), (size, item, job_id) in wanted.items():
        if location not in there[volume]:
            account.give_up(item, job_id, NOT_THERE)
        elif (found := there[volume][location]) is None or size is None:
            by_presence += 1
        elif found != size:
            account.give_up(item, job_id, OTHER_SIZE.format(found=found, wanted=size))
        else:
            by_size += 1
    if not wanted:
        return
    compared = f"{by_size} by their size and {by_presence} by their presence alone, because no size was told"
    say(f"Verified {by_size + by_presence} of {len(wanted)} objects on the volume: {compared}.")
