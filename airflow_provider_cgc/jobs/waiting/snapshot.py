"""The picture of a wait while it goes on: the XCom `cgc_jobs`, which the "CGC jobs" tab and others read.

Pure: records, times and the tracker are handed in; who writes it, and how often, is the caller's.

    {"version", "kind", "outcome": null while it waits, "at", "since": epoch s, "interval": s,
     "counts": {"total", "completed", "failed", "missing", "skipped", "running", "pending", "not_found", "not_seen"},
     "bytes", "bytes_total", "rate": {"bytes", "jobs"} a second, "eta": s, "history": [[s after since, completed,
     failed, running, other open, bytes] ...], "causes": [{"code", "message", "count"}], "failures", "longest",
     "recent": [rows], "cut", "requests", "refused", "remedies": {code: text}, "web", "task", "manifest", the names of
     `SHARED`, and "after_clear": {"sends", "running", "text"}, the effect of clearing the task (`clearing`), or null}
"""

from __future__ import annotations

import heapq
import json
import math
from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.errors.problem import REMEDIES
from airflow_provider_cgc.jobs.kinds import ENDED, SHARED, Phase
from airflow_provider_cgc.jobs.text import storable
from airflow_provider_cgc.jobs.waiting.clearing import Clearing, Counts, after_clear, after_clear_of_refused
from airflow_provider_cgc.jobs.waiting.summary import Outcome, Summary, is_number
from airflow_provider_cgc.jobs.waiting.tracker import NOT_FOUND, JobTracker

if TYPE_CHECKING:
    from airflow_provider_cgc.client.errors.problem import BulkRecord
    from airflow_provider_cgc.jobs.kinds import Job, JobKind

VERSION = 1
MOST_BYTES = 32 * 1024
"""Of JSON, as Airflow stores it."""
MOST_FAILURES = 100
MOST_ROWS = 20
"""Of the jobs that run longest, and of those that completed last."""
MOST_POINTS = 60
SHORTEST_STEP = 30.0
"""Seconds between two points of the history, and between two writes; more as the wait gets long."""
BEAT = 240.0
"""Seconds after which a wait is written although nothing changed, two looks at least: so silence means that nobody
looks. The tab takes it for that after three looks, eight minutes at least: with many waits the writes take turns."""
RATE_OVER = 600.0
"""Seconds that a rate looks back."""
_LATEST = 10.0
"""Seconds that a rate needs at least to be worth telling."""
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class LiveView:
    """
    The live snapshot of one wait.

    :param kind: kind of job.
    :param since: when the waiting began, epoch seconds.
    :param interval: seconds between two looks at a job.
    :param place: the facts that are known from the start: `web`, those of `SHARED`, `bytes_total`, `manifest`, and as
        `names` those of the jobs' subjects, by id, whose keys do not show them.
    :param clearing: the facts that decide about a Clear; None if they are not known.
    """

    kind: JobKind
    since: float
    interval: float
    place: Mapping[str, Any] = field(default_factory=dict)
    clearing: Clearing | None = None
    requests: int = 0
    refused: int = 0
    _history: list[list[float]] = field(default_factory=list)
    _open: dict[str, tuple[datetime, tuple[Any, ...]]] = field(default_factory=dict)
    """The start of each open job, and what a row shows of it: tuples, because there may be ten thousand."""
    _recent: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=MOST_ROWS))
    _left: dict[str, set[Any]] = field(default_factory=lambda: {name: set() for name in SHARED})
    """The values of `SHARED` in the jobs that have ended."""
    written_at: float = -math.inf
    _written: object = None

    @classmethod
    def of_row(cls, kind: JobKind, place: Mapping[str, Any], *, since: float, interval: float) -> LiveView:
        """Return the view of a wait whose trigger's row has this `place`."""
        known = {name: value for name, value in place.items() if name != "clearing"}
        clearing = Clearing.from_json(place.get("clearing"))
        return cls(kind, since=since, interval=interval, place=known, clearing=clearing)

    def place_for_row(self) -> dict[str, Any]:
        """Return the `place` of a trigger's row, from which `of_row` reads."""
        return {**self.place, **({} if self.clearing is None else {"clearing": self.clearing.to_json()})}

    def take(self, records: Iterable[BulkRecord[Any]], open_ids: Collection[str]) -> None:
        """Learn from the platform's answers, before the tracker does, which then closes what has ended."""
        phase_of, columns = self.kind.phase, self.kind.columns
        completed: dict[str, Job] = {}
        for record in records:
            job = record.resource
            if job is None or job.id not in open_ids:
                continue
            phase = phase_of(job)
            if phase not in ENDED:
                if job.id not in self._open:
                    self._open[job.id] = job.started_on or _NEVER, tuple(map(job.item.get, columns))
                continue
            self._open.pop(job.id, None)
            item = job.item
            for name, seen in self._left.items():
                seen.add(item.get(name))
            if phase is Phase.COMPLETED:
                completed[job.id] = job
        for job in list(completed.values())[-MOST_ROWS:]:
            at = job.finished_on.timestamp() if job.finished_on else None
            self._recent.append({**self._row(job.id, job.item), "size": job.size, "ended": at})

    def due(self, tracker: JobTracker, now: float) -> bool:
        """Return True if it is worth writing: something changed, and the last time is half a minute ago."""
        return now - self.written_at >= SHORTEST_STEP and self.changed(tracker)

    def silent(self, now: float) -> bool:
        """Return True if it is time for a sign of life, although nothing changed."""
        return now - self.written_at >= max(BEAT, 2 * self.interval)

    def changed(self, tracker: JobTracker) -> bool:
        """Return True if there is something that was not written yet."""
        return self._facts(tracker) != self._written

    def snapshot(self, tracker: JobTracker, now: float) -> dict[str, Any]:
        """Return the XCom value `cgc_jobs` as of `now`, and count it as written."""
        self.written_at, self._written = now, self._facts(tracker)
        states = Counter(tracker.open.values())
        counts = {
            "total": tracker.total,
            "completed": tracker.completed,
            "failed": tracker.failed,
            "missing": tracker.missing,
            "skipped": tracker.skipped,
            "running": states[Phase.RUNNING] + states[Phase.UNKNOWN],
            "pending": states[Phase.PENDING] + states[Phase.DRAFT],
            "not_found": states[NOT_FOUND],
            "not_seen": states[""],
        }
        oldest = heapq.nsmallest(
            MOST_ROWS, ((since, job_id) for job_id, (since, _) in self._open.items() if job_id in tracker.open)
        )
        longest = [
            {
                **self._row(job_id, dict(zip(self.kind.columns, self._open[job_id][1], strict=True))),
                "state": tracker.open[job_id],
                "since": None if since is _NEVER else since.timestamp(),
            }
            for since, job_id in oldest
        ]
        return self._snapshot(counts, tracker.bytes, tracker.causes, tracker.failed_items, longest, now, outcome=None)

    def not_written(self) -> None:
        """Take back that the last snapshot counts as written; the next one is due as long after it as ever."""
        self._written = None

    def final(self, summary: Summary, now: float, *, outcome: Outcome) -> dict[str, Any]:
        """Return the last snapshot of a wait that ended with this summary."""
        counts = {
            "total": summary.total,
            "completed": summary.completed,
            "failed": summary.failed,
            "missing": summary.missing,
            "skipped": summary.skipped,
            "running": summary.left,
            "pending": 0,
            "not_found": 0,
            "not_seen": 0,
        }
        causes = list(summary.causes)
        value = self._snapshot(counts, summary.bytes, causes, summary.failed_items, [], now, outcome=outcome)
        return value | {"rate": None, "eta": None, "manifest": summary.manifest}

    def refusal(self, summary: Summary, now: float) -> dict[str, Any]:
        """Return the only snapshot of a task that was refused: what did not fail was not sent, and nothing runs."""
        value = self.final(summary, now, outcome=Outcome.FAILED)
        counts = value["counts"]
        total = summary.total - summary.skipped
        told = self.clearing and after_clear_of_refused(self.clearing, self.kind, total)
        return value | {"counts": counts | {"running": 0, "not_seen": counts["running"]}, "after_clear": told}

    def restore(self, earlier: object) -> None:
        """Go on from an earlier snapshot, or from `to_json`, of this wait; what makes no sense in it is left."""
        if not isinstance(earlier, Mapping) or earlier.get("version") != VERSION:
            return
        since: Any = earlier.get("since")
        points = earlier.get("history")
        if not is_number(since) or not isinstance(points, list):
            return
        whole = [list(point) for point in points if isinstance(point, list) and len(point) == 6]
        if any(not is_number(number) for point in whole for number in point):
            return
        start = min(self.since, since)
        ours = [[point[0] + self.since - start, *point[1:]] for point in self._history]
        theirs = [[point[0] + since - start, *point[1:]] for point in whole]
        self._history = [point for point in theirs if not ours or point[0] < ours[0][0]] + ours
        self.since = start
        self.requests += _count(earlier.get("requests"))
        self.refused += _count(earlier.get("refused"))
        rows = earlier.get("recent")
        if isinstance(rows, list):
            ours_last = [row["id"] for row in self._recent]
            older = [row for row in rows if isinstance(row, dict) and row.get("id") not in ours_last]
            # A snapshot shows the latest first.
            older = older[::-1] if "counts" in earlier else older
            self._recent = deque([*older, *self._recent], maxlen=MOST_ROWS)
        known = {name: earlier.get(name) for name in ("web", *SHARED, "bytes_total", "manifest")}
        self.place = {name: value for name, value in known.items() if value is not None} | dict(self.place)

    def to_json(self) -> dict[str, Any]:
        """Return the state that `restore` needs, in a later poke or in the worker after a deferral."""
        return {
            "version": VERSION,
            "since": self.since,
            "history": self._history,
            "requests": self.requests,
            "refused": self.refused,
            "recent": list(self._recent),
            **{name: value for name, value in self.place.items() if name != "names"},
            **{name: self._one(name) for name in SHARED},
        }

    def _snapshot(
        self,
        counts: dict[str, int],
        done: int,
        causes: Sequence[Mapping[str, Any]],
        failed_items: Iterable[Mapping[str, Any]],
        longest: list[dict[str, Any]],
        now: float,
        *,
        outcome: Outcome | None,
    ) -> dict[str, Any]:
        self._note(counts, done, now)
        rate = self._rate()
        value = {
            "version": VERSION,
            "kind": self.kind.name,
            "outcome": outcome and outcome.value,
            "at": round(now, 3),
            "since": round(self.since, 3),
            "interval": self.interval,
            "counts": counts,
            "bytes": done,
            "bytes_total": self.place.get("bytes_total"),
            "rate": rate,
            "eta": self._eta(counts, done, rate),
            "history": self._history,
            "causes": causes,
            "failures": [],
            "longest": [],
            "recent": [],
            "cut": False,
            "requests": self.requests,
            "refused": self.refused,
            "remedies": {},
            "web": self.place.get("web"),
            **{name: self._one(name) for name in SHARED},
            "task": self.place.get("task"),
            "manifest": self.place.get("manifest"),
            "after_clear": self.clearing and after_clear(self.clearing, self.kind, Counts.of(counts, done), outcome),
        }
        failures = [self._row(item.get("id"), item) | self._why(item) for item in failed_items][:MOST_FAILURES]
        return _filled(value, failures, longest, self._recent)

    def _row(self, job_id: object, item: Mapping[str, Any]) -> dict[str, Any]:
        """Return the row of a job, with the name of its subject if that is known."""
        names = self.place.get("names")
        name = names.get(item.get(self.kind.subject)) if isinstance(names, Mapping) else None
        named = {"name": name, **{key: value for key, value in item.items() if value}}
        return {"id": job_id} | {key: storable(named[key]) for key in self.kind.columns if named.get(key)}

    def _why(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Return the reason why a job counts as failed; its state is MISSING if the platform does not know it."""
        # Nothing is known of what a job was to move that the platform does not know.
        missing = item.get("code") == self.kind.unknown_code or item.get(self.kind.known_by, "") is None
        return {"code": item.get("code"), "message": item.get("message"), "state": "MISSING" if missing else "FAILED"}

    def _one(self, name: str) -> str | None:
        """Return one of `SHARED` of all jobs, None where there are several."""
        told = self.place.get(name)
        if told:
            return str(told)
        if name not in self.kind.columns:
            return None
        which = self.kind.columns.index(name)
        seen = {shown[which] for _, shown in self._open.values()} | self._left.get(name, set())
        seen.discard(None)
        return str(seen.pop()) if len(seen) == 1 else None

    def _facts(self, tracker: JobTracker) -> object:
        return tracker.closed, tracker.failed, tracker.missing, tracker.bytes, Counter(tracker.open.values())

    def _note(self, counts: Mapping[str, int], done: int, now: float) -> None:
        """Add a point to the history; when it has grown too long, every other one goes, the last one never."""
        completed = counts["completed"] + counts["skipped"]
        bad = counts["failed"] + counts["missing"]
        other = counts["pending"] + counts["not_found"] + counts["not_seen"]
        point = [round(max(now - self.since, 0.0), 1), completed, bad, counts["running"], other, done]
        if self._history and point[0] <= self._history[-1][0]:
            self._history.pop()
        self._history.append(point)
        if len(self._history) > MOST_POINTS:
            self._history = [*self._history[:-1:2], self._history[-1]]

    def _rate(self) -> dict[str, float] | None:
        last = self._history[-1]
        first = next((point for point in self._history if point[0] >= last[0] - RATE_OVER), last)
        seconds = last[0] - first[0]
        if seconds < _LATEST:
            return None
        jobs = (last[1] + last[2] - first[1] - first[2]) / seconds
        return {"bytes": round(max(last[5] - first[5], 0) / seconds, 1), "jobs": round(max(jobs, 0.0), 5)}

    def _eta(self, counts: Mapping[str, int], done: int, rate: Mapping[str, float] | None) -> float | None:
        """Seconds until the end at the present rate: by bytes where their sum is known, else by jobs."""
        total = self.place.get("bytes_total")
        if rate is None:
            return None
        if isinstance(total, int) and total > done and rate["bytes"] > 0:
            return round((total - done) / rate["bytes"], 1)
        left = sum(counts[name] for name in ("running", "pending", "not_found", "not_seen"))
        return round(left / rate["jobs"], 1) if rate["jobs"] > 0 else None


def _filled(
    value: dict[str, Any],
    failures: Iterable[dict[str, Any]],
    longest: Iterable[dict[str, Any]],
    recent: Iterable[dict[str, Any]],
) -> dict[str, Any]:
    """Put in as many rows as there is room for: the failures first, then what runs, then the last to complete."""
    known = {str(cause["code"]): remedy for cause in value["causes"] if (remedy := _remedy(cause["code"]))}
    value["remedies"] |= known
    room = MOST_BYTES - len(json.dumps(value)) - 64
    for name, rows, share in (
        ("failures", failures, 0.75),
        ("longest", longest, 0.6),
        ("recent", list(recent)[::-1], 1.0),
    ):
        left = room * share
        for row in rows:
            remedy = _remedy(row.get("code"))
            fresh = remedy is not None and str(row["code"]) not in value["remedies"]
            size = len(json.dumps(row)) + 2 + (len(json.dumps(remedy)) + 12 if fresh else 0)
            if size > left:
                value["cut"] = True
                continue
            if fresh:
                value["remedies"][str(row["code"])] = remedy
            value[name].append(row)
            left -= size
            room -= size
    return value


def _remedy(code: object) -> str | None:
    remedy = REMEDIES.get(code) if isinstance(code, int) else None
    return None if remedy is None else remedy.text


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
