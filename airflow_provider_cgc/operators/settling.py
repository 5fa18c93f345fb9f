"""The account at the end: what became of every item, by the platform's own word and, if wanted, by the volume's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.exceptions import CgcInputRefused, CgcWaitError
from airflow_provider_cgc.jobs.exporting import common_folder, item_of, objects_below, settled
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.manifest import ItemOutcome, ItemState, read_outcomes
from airflow_provider_cgc.jobs.recovery import Key, find, key_of
from airflow_provider_cgc.jobs.resume import LOCATION_TAKEN
from airflow_provider_cgc.jobs.sweep import look

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.models import BulkRecord, ExportJob
    from airflow_provider_cgc.jobs.items import Item

NOT_THERE = "The job COMPLETED, but the object is not on the volume."
OTHER_SIZE = "The job COMPLETED, but the object has {found} bytes instead of {wanted}."
WHOLE_SECONDS = 2.0
"""Seconds by which a job of this task may seem older than the task: both are told in whole seconds."""
_FINAL = (ItemState.COMPLETED, ItemState.SKIPPED)


@dataclass(frozen=True, slots=True)
class Settled:
    """The summary, put right, and the lines of the manifest, if there is one."""

    summary: dict[str, Any]
    outcomes: list[ItemOutcome] | None
    running: str | None = None
    """What still runs of it, in a sentence: the task is not over."""


def settle(
    client: CgcClient,
    summary: Mapping[str, Any],
    *,
    outcomes: list[ItemOutcome] | None,
    ids: Sequence[str],
    verify: bool,
    since: datetime | None,
    say: Callable[[str], object],
) -> Settled:
    """
    Ask for the jobs once more, as far as the account needs it, and put summary and manifest right.

    An object that was there before (9107) and was put there by another job of this task, one started at `since` or
    later, is one that is there as wanted.
    With `verify` a job's word is not enough. Raises `CgcError`.
    """
    summary = {**summary, "failed_items": [dict(item) for item in summary["failed_items"]]}
    taken = [item for item in summary["failed_items"] if item["code"] == LOCATION_TAKEN and item.get("id")]
    if outcomes is None and not verify and not taken:
        return Settled(summary, None)
    records = _records(client, ids)
    jobs = [record.resource for record in records.values() if record.resource is not None]
    if outcomes is not None:
        outcomes = [_told(one, records.get(one.id or "")) for one in outcomes]
    running = None
    if taken and since is not None:
        running = _take_back(client, summary, outcomes, taken, since=since, say=say)
    if verify:
        _verify(client, summary, outcomes, jobs, say)
    return Settled(summary, outcomes, running)


def failed_items(client: CgcClient, lines: Iterable[str], *, name: str) -> list[Item]:
    """
    Give the items of a manifest that failed; what it leaves open, because nobody waited then, is asked for now.

    :raises CgcInputRefused: if it does not tell which jobs were started.
    :raises CgcWaitError: if some of them still run.
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
        raise CgcWaitError(
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


def _take_back(
    client: CgcClient,
    summary: dict[str, Any],
    outcomes: list[ItemOutcome] | None,
    taken: list[dict[str, Any]],
    *,
    since: datetime,
    say: Callable[[str], object],
) -> str | None:
    """Count as done what another job of this task has exported; say so if such a job still runs."""
    keys = {Key(item["file"], item["volume"], item["location"]): item for item in taken}
    shown = find(
        lambda volume, offset: client.exports.page(volume=volume, offset=offset),
        keys,
        since=since,
        details=client.exports.bulk_get,
    )
    running = None
    earliest = since - timedelta(seconds=WHOLE_SECONDS)
    taken_back: list[str] = []
    for key, item in keys.items():
        ours = (job for job in shown.found.get(key, ()) if job.started_on and job.started_on >= earliest)
        best = next(ours, None)
        if best is not None and best.completed:
            summary["failed_items"].remove(item)
            summary["failed"] -= 1
            summary["completed"] += 1
            summary["bytes"] += best.size or 0
            taken_back.append(best.id)
            for number, one in enumerate(outcomes or ()):
                if one.id == item["id"] and outcomes is not None:
                    outcomes[number] = settled(replace(one, id=best.id), best, None)
        elif best is not None and not best.failed:
            running = f"The export {best.id} of an earlier attempt is just putting an object to {key.location!r}."
    if taken_back:
        say(
            f"{EXPORT.count(len(taken_back))} found the object there already (9107), put there by another job of this"
            f" very task, such as {taken_back[0]}: counted as completed."
        )
    return running


def _verify(
    client: CgcClient,
    summary: dict[str, Any],
    outcomes: list[ItemOutcome] | None,
    jobs: Iterable[ExportJob],
    say: Callable[[str], object],
) -> None:
    """List each volume once below what the keys have in common, and compare."""
    wanted: dict[tuple[str, str], tuple[int | None, dict[str, Any], str | None]] = {}
    for one in outcomes or ():
        if one.state in _FINAL and one.volume and one.location:
            wanted[one.volume, one.location] = (one.size, item_of(one), one.id)
    for job in jobs:
        key = key_of(job)
        if job.completed and key is not None:
            wanted.setdefault((key.volume, key.location), (job.size, dict(job.item), job.id))
    there = {
        volume: objects_below(client, volume, common_folder([place for owner, place in wanted if owner == volume]))
        for volume in {volume for volume, _ in wanted}
    }
    by_size = by_presence = 0
    for (volume, location), (size, item, job_id) in wanted.items():
        problem = None
        if location not in there[volume]:
            problem = NOT_THERE
        elif (found := there[volume][location]) is None or size is None:
            by_presence += 1
        elif found != size:
            problem = OTHER_SIZE.format(found=found, wanted=size)
        else:
            by_size += 1
        if problem:
            _give_up(summary, outcomes, item, job_id, problem)
    if not wanted:
        return
    compared = f"{by_size} by their size and {by_presence} by their presence alone, because no size was told"
    say(f"Verified {by_size + by_presence} of {len(wanted)} objects on the volume: {compared}.")


def _give_up(
    summary: dict[str, Any],
    outcomes: list[ItemOutcome] | None,
    item: dict[str, Any],
    job_id: str | None,
    problem: str,
) -> None:
    for number, one in enumerate(outcomes or ()):
        if (one.volume, one.location) == (item["volume"], item["location"]) and outcomes is not None:
            counted = "skipped" if one.state is ItemState.SKIPPED else "completed"
            outcomes[number] = replace(one, state=ItemState.FAILED, message=problem)
            break
    else:
        counted = "completed"
    summary[counted] -= 1
    summary["failed"] += 1
    if len(summary["failed_items"]) < 100:
        summary["failed_items"].append({"id": job_id, **item, "code": None, "message": problem})
