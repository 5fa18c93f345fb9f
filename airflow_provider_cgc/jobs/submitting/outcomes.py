"""What a line of a manifest means for a wait, and what the platform's word about its job makes of the line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.submitting.manifest import ItemOutcome, ItemState
from airflow_provider_cgc.jobs.text import storable
from airflow_provider_cgc.jobs.waiting.causes import NO_REASON
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker

if TYPE_CHECKING:
    from airflow_provider_cgc.client.models import ExportJob, File

ALREADY_THERE = "the object is there already"
"""Why an item is SKIPPED."""
MOST_NAME_BYTES = 4_000
"""Of JSON, which names of files may take of a trigger's row."""


def tracker_of(outcomes: Iterable[ItemOutcome]) -> JobTracker:
    """
    Return the tracker that waits for the jobs of all lines, with everything counted that needs no wait.

    A line that FAILED, or was never sent, counts as failed: what was never started did not arrive, either. The others
    are asked for, COMPLETED ones too: a manifest may be older than the platform's word.
    """
    outcomes = list(outcomes)
    waited_for = {one.id for one in outcomes if one.id and one.state is not ItemState.FAILED}
    tracker = JobTracker.of(EXPORT, sorted(waited_for))
    # What was never sent comes last among the failures: it tells nothing that those before it do not.
    for one in sorted(outcomes, key=lambda one: one.state is ItemState.UNSENT):
        if one.id in waited_for:
            continue
        if one.state is ItemState.SKIPPED:
            tracker.add_skipped(1)
        elif one.state is ItemState.COMPLETED:
            tracker.add_completed(1, one.size or 0)
        else:
            reason = one.message or f"it is {one.state} in the manifest, without a reason"
            sent = one.state is not ItemState.UNSENT
            tracker.add_failed({**item_of(one), "id": one.id}, Problem(None, one.code, reason), sent=sent)
    return tracker


def item_of(outcome: ItemOutcome) -> dict[str, Any]:
    """Return what was asked for, in the form that starts an export."""
    item: dict[str, Any] = {"file": outcome.file, "volume": outcome.volume, "location": outcome.location}
    template = {"location_template": outcome.location_template} if outcome.location_template else {}
    return item | template | ({"properties": dict(outcome.properties)} if outcome.properties else {})


def known_place(outcomes: Iterable[ItemOutcome], files: Mapping[str, File]) -> dict[str, Any]:
    """Return what all lines that move something have in common, their bytes, and names; see `LiveView`."""
    moving = [one for one in outcomes if one.state is not ItemState.SKIPPED and not one.state.failed]
    shown = [files.get(one.file) for one in moving]
    sizes = [file.size if file else one.size for one, file in zip(moving, shown, strict=True)]
    places = {"volume": {one.volume for one in moving}, "project": {file.project for file in shown if file}}
    known = {name: seen.pop() for name, seen in places.items() if len(seen) == 1}
    names = _untold_names(zip(moving, shown, strict=True))
    total = {"bytes_total": sum(size for size in sizes if size)} if None not in sizes else {}
    return known | total | ({"names": names} if names else {})


def _untold_names(moving: Iterable[tuple[ItemOutcome, File | None]]) -> dict[str, str]:
    """Return the names of files whose keys do not end with them, as many as a trigger's row has room for."""
    names: dict[str, str] = {}
    room = MOST_NAME_BYTES
    for one, file in moving:
        if file is None or not file.name or (one.location or "").rpartition("/")[2] == file.name:
            continue
        name = storable(file.name)
        room -= len(json.dumps({one.file: name}))
        if room < 0:
            break
        names[one.file] = name
    return names


def settled(outcome: ItemOutcome, job: ExportJob | None, error: Problem | None) -> ItemOutcome:
    """Return an outcome with what the platform now tells of its job."""
    if job is None:
        if error is None or error.may_pass:
            return outcome
        return replace(outcome, state=ItemState.MISSING, code=error.code, message=error.message)
    state = ItemState(job.state.value)
    code, message = (job.error.code, job.error.message) if job.error else (None, None)
    if state is ItemState.FAILED:
        message = message or NO_REASON
    size = outcome.size if job.size is None else job.size
    return replace(
        outcome,
        state=state,
        code=code,
        message=message,
        size=size,
        started_on=job.started_on,
        finished_on=job.finished_on,
    )
