"""The jobs of one wait: those that are open, done, failed or unknown, and what follows from it.

Pure: the platform's records and the times are handed in, so the same rules serve a worker and a trigger.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.jobs.ids import from_bits, to_bits
from airflow_provider_cgc.jobs.kinds import ENDED, KINDS, Job, JobKind, Phase
from airflow_provider_cgc.jobs.waiting.causes import MOST_MESSAGE, Causes
from airflow_provider_cgc.jobs.waiting.summary import FirstItems, Outcome, Summary, failed_item

if TYPE_CHECKING:
    from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem

STATE_VERSION = 1
UNKNOWN_INTERVALS = 3
"""An id is missing when the platform has not known it for longer than so many intervals."""
LONG_PENDING = 6 * 3600.0
"""Seconds after which a job that is still PENDING is warned of once."""
NOT_FOUND = "NOT_FOUND"
"""The state of an open id that the platform does not know; the platform itself has no such state."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """An id that the platform does not know: since when, when it was last asked for, and what it said."""

    since: float
    asked: float
    reason: Problem | None = None


@dataclass(slots=True)
class JobTracker:
    """
    The jobs of one wait.

    Terminal states never change on the platform, so an id that has left `open` is never asked for again.
    """

    kind: JobKind
    total: int
    open: dict[str, str]
    """Open ids and the phase that each was last seen in ("" before the first look)."""
    completed: int = 0
    failed: int = 0
    unsent: int = 0
    """The failed ones that were never sent."""
    excused: int = 0
    """Failed items that `fail_fast` ignores: no job was started for them, and `max_failures` allows them."""
    missing: int = 0
    skipped: int = 0
    bytes: int = 0
    first_start: float | None = None
    last_end: float | None = None
    unknown: dict[str, Unknown] = field(default_factory=dict)
    unknown_from: float | None = None
    """The time from which an id counts as unknown, where nothing is remembered from one look to the next."""
    denied: Problem | None = None
    denied_id: str = ""
    notes: list[str] = field(default_factory=list)
    _starting: dict[str, float] = field(default_factory=dict)
    """Drafts that were started and not seen since, with the time before which an answer about them is old."""
    _noted: set[str] = field(default_factory=set)
    _first: FirstItems = field(default_factory=FirstItems)
    _causes: Causes = field(default_factory=Causes)

    @classmethod
    def of(cls, kind: JobKind, ids: Iterable[str]) -> JobTracker:
        """Start with every id open; duplicates count once."""
        open_ids = dict.fromkeys(ids, "")
        return cls(kind=kind, total=len(open_ids), open=open_ids)

    def add_skipped(self, count: int) -> None:
        """Count things for which nothing has to be done, and no job was started."""
        self.total += count
        self.skipped += count

    def add_completed(self, count: int, size: int = 0) -> None:
        """Count things that are done already, of `size` bytes in all, without a job to look at."""
        self.total += count
        self.completed += count
        self.bytes += size

    def add_failed(self, item: Mapping[str, Any], problem: Problem, *, sent: bool = True) -> None:
        """Count a thing for which no job was started, in the form that starts one, and why."""
        self.total += 1
        self.failed += 1
        self.unsent += not sent
        self._note_failure({"id": None, **item, "code": problem.code, "message": problem.message[:MOST_MESSAGE]})

    def forget_denial(self) -> None:
        """Begin a new look: where a task goes on in spite of a denial, it may have been mended."""
        self.denied = None

    def take(self, records: Iterable[BulkRecord[Any]], now: float, *, asked: float | None = None) -> None:
        """
        Learn from the platform's answers about open ids, read at `now` (epoch seconds).

        :param asked: when they were asked for, if not now: a draft that was started since then is none any more.
        """
        phase_of = self.kind.phase
        for record in records:
            job_id = record.id
            if job_id is None or job_id not in self.open:
                continue
            if record.error is not None:
                self._take_error(job_id, record.error, now)
                continue
            job = record.resource
            if job is None:
                continue
            if self.unknown:
                self.unknown.pop(job_id, None)
            phase = phase_of(job)
            if phase in ENDED:
                self._close(job_id, job, phase)
                continue
            if self._starting and self._is_outdated(job_id, phase, now if asked is None else asked):
                continue
            self.open[job_id] = phase.value
            if phase is Phase.PENDING:
                self._watch_pending(job_id, job.started_on, now)
            elif phase is Phase.UNKNOWN:
                self._note(
                    f"state:{job.state_text}",
                    f"The platform reports a state that this provider does not know, {job.state_text!r} (first seen"
                    f" on {self.kind.name} {job_id}); it is waited for like a running job.",
                )

    def close_missing(self, now: float, *, interval: float) -> None:
        """Give up the ids that the platform has not known for longer than three intervals (seconds)."""
        for job_id in self.overdue(now, interval=interval):
            reason = self.unknown.pop(job_id).reason
            del self.open[job_id]
            self.missing += 1
            item: dict[str, Any] = {"id": job_id, "code": self.kind.unknown_code, self.kind.known_by: None}
            says_no_more = reason is None or (reason.code is None and not reason.made_here)
            if reason is None or says_no_more or reason.code == self.kind.unknown_code:
                item["message"] = f"The platform does not know this {self.kind.name} job."
            else:
                item |= {"code": reason.code, "message": reason.message[:MOST_MESSAGE]}
            self._note_failure(item)

    def to_start(self, window: int | None) -> list[str]:
        """
        Return the drafts to start now, so that no more than `window` jobs are under way; none without a window.

        A job that was not seen yet may run, and counts.
        """
        if window is None or self.kind.start is None:
            return []
        drafts = [job_id for job_id, phase in self.open.items() if phase == Phase.DRAFT]
        return drafts[: max(window - (len(self.open) - len(drafts)), 0)]

    def note_starting(self, ids: Iterable[str]) -> None:
        """Count drafts as under way: their start leaves now."""
        for job_id in ids:
            self.open[job_id] = Phase.PENDING.value
            self._starting[job_id] = math.inf

    def note_unstarted(self, ids: Iterable[str]) -> None:
        """Count as drafts again what could not be started for now."""
        for job_id in ids:
            if self._starting.pop(job_id, None) is not None and job_id in self.open:
                self.open[job_id] = Phase.DRAFT.value

    def take_started(self, records: Iterable[BulkRecord[Any]], now: float) -> None:
        """Take the platform's answers to starts: a job that is refused for good has failed, others are tried again."""
        for record in records:
            job_id, problem = record.id, record.error
            if job_id is None or job_id not in self.open or job_id not in self._starting:
                continue
            self._starting[job_id] = now  # What is asked from now on tells the truth.
            if problem is None or problem.code in self.kind.started_codes:
                continue
            if problem.may_pass:
                self.note_unstarted([job_id])
                self._note(
                    f"start:{problem.code}",
                    f"The platform could not start {self.kind.name} {job_id} for now ({problem}); it is tried again.",
                )
                continue
            del self.open[job_id], self._starting[job_id]
            self.failed += 1
            self._note_failure({"id": job_id, "code": problem.code, "message": problem.message[:MOST_MESSAGE]})

    def overdue(self, now: float, *, interval: float) -> list[str]:
        """
        Return the ids that the platform, asked again and again up to `now`, has not known for over three intervals.

        Time in which nobody could ask, such as an outage, does not count against an id: the last answer about it must
        come after the three intervals.
        """
        patience = UNKNOWN_INTERVALS * interval
        late = {
            job_id for job_id, unknown in self.unknown.items() if min(now, unknown.asked) - unknown.since > patience
        }
        return [job_id for job_id in self.open if job_id in late] if late else []

    def verdict(self, *, fail_fast: bool) -> Outcome | None:
        """Return the outcome of the wait, None while it goes on; deadlines are the caller's."""
        if self.denied is not None:
            return Outcome.ERROR
        if self.bad > self.excused and fail_fast:
            return Outcome.FAILED
        if self.open:
            return None
        return Outcome.FAILED if self.bad else Outcome.COMPLETED

    @property
    def denial(self) -> str | None:
        """The reason why the wait cannot go on with this connection, in whole sentences; None if it can."""
        if self.denied is None:
            return None
        why = str(self.denied).removesuffix(".")
        fact = f"The platform does not show {self.kind.name} {self.denied_id} to this user ({why})."
        return f"{fact} {self.denied.remedy}".rstrip()

    def drain_notes(self) -> list[str]:
        """Hand over what should be warned of, each once in a wait."""
        notes, self.notes = self.notes, []
        return notes

    def summary(self) -> Summary:
        """Sum up how the jobs stand."""
        seconds = None
        if self.first_start is not None and self.last_end is not None:
            seconds = round(max(self.last_end - self.first_start, 0.0), 3)
        return Summary(
            self.kind,
            total=self.total,
            completed=self.completed,
            failed=self.failed,
            missing=self.missing,
            skipped=self.skipped,
            bytes=self.bytes,
            seconds=seconds,
            failed_items=[dict(item) for item in self.failed_items],
            causes=self.causes,
            unsent=self.unsent,
        )

    def to_json(self) -> dict[str, Any]:
        """Return everything but the open ids as plain JSON: for a trigger's row, its event and the task state store."""
        return {
            "version": STATE_VERSION,
            "kind": self.kind.name,
            "total": self.total,
            "completed": self.completed,
            "failed": self.failed,
            "unsent": self.unsent,
            "excused": self.excused,
            "missing": self.missing,
            "skipped": self.skipped,
            "bytes": self.bytes,
            "first_start": self.first_start,
            "last_end": self.last_end,
            "failed_items": self.failed_items,
            "causes": self.causes,
            "unknown": self._unknown_to_json(),
            "noted": sorted(self._noted),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any], open_ids: Iterable[str]) -> JobTracker:
        """
        Restore the state that `to_json` has stored; keys that a newer release added are ignored.

        Raises ValueError if the state is not one of ours or does not fit the open ids.
        """
        if state.get("version") != STATE_VERSION or state.get("kind") not in KINDS:
            raise ValueError(f"not the state of a wait: version {state.get('version')!r}, kind {state.get('kind')!r}")
        tracker = cls(
            kind=KINDS[state["kind"]],
            total=int(state["total"]),
            open=dict.fromkeys(open_ids, ""),
            completed=int(state["completed"]),
            failed=int(state["failed"]),
            unsent=int(state.get("unsent", 0)),
            excused=int(state.get("excused", 0)),
            missing=int(state["missing"]),
            skipped=int(state.get("skipped", 0)),
            bytes=int(state["bytes"]),
            first_start=state["first_start"],
            last_end=state["last_end"],
            _noted=set(state.get("noted", ())),
            _first=FirstItems(state["failed_items"]),
        )
        tracker._causes = Causes.read(state.get("causes"), items=tracker.failed_items, bad=tracker.bad)
        for since, bits in state.get("unknown", ()):
            tracker.unknown |= {job_id: Unknown(since, since) for job_id in from_bits(list(tracker.open), bits)}
        if tracker.closed + len(tracker.open) != tracker.total:
            raise ValueError(
                f"the state of a wait does not add up: {tracker.closed} closed and {len(tracker.open)} open of"
                f" {tracker.total}"
            )
        return tracker

    @property
    def failed_items(self) -> list[dict[str, Any]]:
        """The first failures, as many as a summary carries."""
        return self._first.items

    @property
    def causes(self) -> list[dict[str, Any]]:
        """The causes of all failures, each with its count, the largest first."""
        return self._causes.to_json()

    @property
    def bad(self) -> int:
        """The number of those that failed, or that the platform does not know."""
        return self.failed + self.missing

    @property
    def closed(self) -> int:
        """The number of those that need no further look."""
        return self.completed + self.skipped + self.bad

    def _take_error(self, job_id: str, problem: Problem, now: float) -> None:
        # 9005 (another user's job) and its kin cannot get better by waiting; 404 is given three intervals, because
        # a job that was just created may not be known everywhere yet.
        if {problem.status, problem.code} & self.kind.denials:
            self.denied, self.denied_id = problem, job_id
        elif problem.may_pass:
            self._note(
                f"passing:{problem.code}",
                f"The platform could not tell about {self.kind.name} {job_id} ({problem}); it is asked again.",
            )
        else:
            self.open[job_id] = NOT_FOUND
            first = now if self.unknown_from is None else self.unknown_from
            since = self.unknown[job_id].since if job_id in self.unknown else first
            self.unknown[job_id] = Unknown(since, asked=now, reason=problem)

    def _unknown_to_json(self) -> list[list[Any]]:
        """Group the unknown ids by the time since when they are, each group as bits over the open ids."""
        ids = list(self.open)
        times = dict.fromkeys(unknown.since for unknown in self.unknown.values())
        return [
            [time, to_bits(ids, {job_id for job_id, unknown in self.unknown.items() if unknown.since == time})]
            for time in times
        ]

    def _is_outdated(self, job_id: str, phase: Phase, asked: float) -> bool:
        """Return True if an answer from before a job was started calls it a draft; else forget its start."""
        since = self._starting.get(job_id)
        if phase is Phase.DRAFT and since is not None and asked <= since:
            return True
        self._starting.pop(job_id, None)
        return False

    def _close(self, job_id: str, job: Job, phase: Phase) -> None:
        del self.open[job_id]
        self._starting.pop(job_id, None)
        self._stretch_span(job.started_on, job.finished_on)
        if phase is Phase.COMPLETED:
            self.completed += 1
            self.bytes += job.size or 0
            return
        self.failed += 1
        self._note_failure(failed_item(job))

    def _note_failure(self, item: dict[str, Any]) -> None:
        self._first.add(item)
        self._causes.add(item)

    def _stretch_span(self, start: datetime | None, end: datetime | None) -> None:
        if start is not None:
            first = start.timestamp()
            self.first_start = first if self.first_start is None else min(self.first_start, first)
        if end is not None:
            last = end.timestamp()
            self.last_end = last if self.last_end is None else max(self.last_end, last)

    def _watch_pending(self, job_id: str, started_on: datetime | None, now: float) -> None:
        if started_on is not None and now - started_on.timestamp() > LONG_PENDING:
            self._note(
                "pending",
                f"The {self.kind.name} {job_id} has been PENDING since {started_on.isoformat()}, more than"
                f" {LONG_PENDING / 3600:.0f} hours; it is still waited for. If nothing moves, ask the platform's"
                " support with this id.",
            )

    def _note(self, key: str, text: str) -> None:
        if key not in self._noted:
            self._noted.add(key)
            self.notes.append(text)
