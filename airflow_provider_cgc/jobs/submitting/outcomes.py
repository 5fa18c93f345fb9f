"""The outcomes of items, as in the lines of a manifest, and the tracker that waits for their jobs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.jobs.submitting.items import BadItem, Item
from airflow_provider_cgc.jobs.submitting.task_facts import NO_TASK, TaskFacts
from airflow_provider_cgc.jobs.text import shown
from airflow_provider_cgc.jobs.waiting.causes import NO_REASON
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker

if TYPE_CHECKING:
    from airflow_provider_cgc.client.errors.problem import BulkRecord
    from airflow_provider_cgc.jobs.kinds import JobKind

T = TypeVar("T")

VERSION = 1
"""The version of the lines written here. It changes when a key changes its meaning, not when one is added."""
ALREADY_THERE = "the object is there already"
"""The reason of a SKIPPED item."""


class ItemState(StrEnum):
    """The state of one item: the platform's word for its job, or ours."""

    UNSENT = "UNSENT"
    """Sending stopped before its turn, or a dry run would send it."""
    SUBMITTED = "SUBMITTED"
    DRAFT = "DRAFT"
    """Its job was made and is not started yet."""
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    UNKNOWN = "UNKNOWN"
    """A state that this release does not know: the job may be running."""
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    """Nothing had to be done: the object is there."""
    MISSING = "MISSING"
    """The platform does not know the job."""

    @property
    def ended_well(self) -> bool:
        """Nothing has to be done any more."""
        return self in (ItemState.COMPLETED, ItemState.SKIPPED)

    @property
    def ended(self) -> bool:
        """The item is over, one way or the other."""
        return self.failed or self.ended_well

    @property
    def failed(self) -> bool:
        """True if the item ended without its result: these are the items that `failed_only` takes."""
        return self in (ItemState.UNSENT, ItemState.FAILED, ItemState.MISSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemOutcome:
    """The outcome of one item: a line of the manifest. `id` is the job's, `size` in bytes, times are the platform's."""

    item: Item
    """The item as it was asked for."""
    state: ItemState
    id: str | None = None
    code: int | None = None
    message: str | None = None
    size: int | None = None
    started_on: datetime | None = None
    finished_on: datetime | None = None
    user: str | None = None
    conn_id: str | None = None
    task: TaskFacts = field(default=NO_TASK, hash=False)
    """The facts of the task that wrote the line."""
    result: dict[str, Any] | None = field(default=None, hash=False)
    """The result, as an item that another task takes; None if it is not known, or the kind of job has none."""

    @property
    def may_have_job(self) -> bool:
        """A job was started for it, or may have been."""
        return self.id is not None or self.state is ItemState.SUBMITTED

    def again(self, *, line: str = "") -> Item:
        """Return the item, to send it again."""
        return replace(self.item, size=self.size, line=line)

    def to_line(self) -> str:
        """Return the line of the manifest, in ASCII, so that a line that is cut off anywhere can still be decoded."""
        values = {key: getattr(self.item, key) for key in self.item.ASKED}
        values |= {key: getattr(self, key) for key in _KEYS}
        values |= {"started_on": _written(self.started_on), "finished_on": _written(self.finished_on)}
        values["task"] = self.task.to_json()
        values |= {"result": self.result} if self.item.HAS_RESULT else {}
        return json.dumps({"version": VERSION} | values, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, raw: Mapping[str, Any], *, of: type[Item], line: str = "") -> ItemOutcome:
        """Read a line; keys that a newer release added are ignored. Raises BadItem."""
        if "version" not in raw:
            raise BadItem(
                "has no outcome; give the manifest that an operator wrote to its manifest_path (a list by"
                " CgcListFilesOperator has no outcomes)"
            )
        if raw["version"] != VERSION:
            raise BadItem(
                f"has version {shown(raw['version'])}, and this release reads the outcomes of version {VERSION};"
                " upgrade the provider"
            )
        return cls(
            item=of.read_line(raw, line),
            state=_state(_typed(raw, "state", str)),
            id=_typed(raw, "id", str),
            code=_typed(raw, "code", int),
            message=_typed(raw, "message", str),
            size=_typed(raw, "size", int),
            started_on=_time(raw, "started_on"),
            finished_on=_time(raw, "finished_on"),
            user=_typed(raw, "user", str),
            conn_id=_typed(raw, "conn_id", str),
            task=TaskFacts.from_json(_typed(raw, "task", dict)),
            result=_typed(raw, "result", dict),
        )


_KEYS = tuple(entry.name for entry in fields(ItemOutcome) if entry.name not in ("item", "result"))


def tracker_of(kind: JobKind, outcomes: Iterable[ItemOutcome]) -> JobTracker:
    """
    Return the tracker that waits for the jobs of all lines; items that need no wait are counted.

    A line that FAILED, or was never sent, counts as failed. All other jobs are asked for, also COMPLETED ones: the
    manifest may be older than the platform's answer.
    """
    outcomes = list(outcomes)
    waited_for = {one.id for one in outcomes if one.id and one.state is not ItemState.FAILED}
    tracker = JobTracker.of(kind, sorted(waited_for))
    # Items that were never sent come last among the failures: the ones before them are the cause.
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
            tracker.add_failed({**one.item.asked(), "id": one.id}, Problem(None, one.code, reason), sent=sent)
    return tracker


def with_record(kind: JobKind, outcome: ItemOutcome, record: BulkRecord[Any] | None) -> ItemOutcome:
    """Return an outcome, updated by the platform's record about its job."""
    return outcome if record is None else with_job(kind, outcome, record.resource, record.error)


def with_job(kind: JobKind, outcome: ItemOutcome, job: Any | None, error: Problem | None) -> ItemOutcome:
    """Return an outcome, updated by the platform's present answer about its job."""
    if job is None:
        if error is None or error.may_pass:
            return outcome
        return replace(outcome, state=ItemState.MISSING, code=error.code, message=error.message)
    state = ItemState(kind.phase(job).value)
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


def _state(text: str | None) -> ItemState:
    if text is None:
        raise BadItem("has no 'state'; correct it, or remove the line")
    return ItemState(text) if text in ItemState.__members__ else ItemState.UNKNOWN


def _typed(raw: Mapping[str, Any], key: str, kind: type[T]) -> T | None:
    value = raw.get(key)
    if value is None or type(value) is kind:  # not isinstance, because True is an int
        return value
    raise BadItem(f"has {shown(value)} for {key!r}, of type {type(value).__name__}, not {kind.__name__}; correct it")


def _time(raw: Mapping[str, Any], key: str) -> datetime | None:
    text = _typed(raw, key, str)
    try:
        return None if text is None else _in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise BadItem(f"has {shown(text)} for {key!r}, which is no time; write it as 2025-01-31T12:00:00Z") from None


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else _in_utc(moment).isoformat().replace("+00:00", "Z")


def _in_utc(moment: datetime) -> datetime:
    """Return a time in UTC, which a time without a zone is taken to be in."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
