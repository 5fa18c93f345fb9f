"""One wait as it learns: a look's answers go in, and what is worth a line in the log comes out.

The same for a worker, which makes the looks itself, and for a trigger, which hears of them from the shared poller.
Knows neither request nor clock, and logs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.jobs.waiting.progress_log import ProgressLog, no_answer
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker

if TYPE_CHECKING:
    from airflow_provider_cgc.client.errors import CgcError
    from airflow_provider_cgc.client.errors.problem import BulkRecord


@dataclass(slots=True)
class LookReport:
    """The lines that one look is worth."""

    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Watch:
    """
    One wait: what is known of its jobs, what of them is shown, and what has been said.

    :param interval: seconds between two looks that the task asks for.
    :param conn_id: the connection that the task asks with.
    :param window: how many jobs may be under way at once, for kinds that are made as drafts; None: nothing is started.
    """

    tracker: JobTracker
    view: LiveView
    interval: float
    conn_id: str
    window: int | None = None
    tells_end: bool = True
    """The end of the jobs is worth a line; not where whoever takes the lines tells it anyway."""
    progress: ProgressLog = field(default_factory=ProgressLog)

    def take(self, records: Iterable[BulkRecord[Any]], now: float, *, asked: float | None = None) -> None:
        """Learn from the answer to one request, read at `now` and `asked` for then, if not now."""
        self.view.take(records, self.tracker.open)
        self.tracker.take(records, now, asked=asked)

    def report(self, now: float, *, every: float = 0.0) -> LookReport:
        """
        End a look that was answered; return its lines.

        :param every: seconds between two looks, where something else than the interval decides it; else 0.
        """
        changes = (self.progress.recovered(now), self.progress.slowed(every, asked=self.interval))
        return self.report_progress(now, after=changes)

    def report_trouble(self, error: CgcError, now: float, *, next_look: float) -> LookReport:
        """End a look of which something was not answered, and may be answered in `next_look` seconds."""
        report = self.report_progress(now)
        trouble = self.progress.trouble(no_answer(error, self.conn_id), now, next_look=next_look)
        report.warnings += [trouble] if trouble else []
        return report

    def to_start(self) -> list[str]:
        """Return the drafts to start now, and count them as under way."""
        ids = self.tracker.to_start(self.window)
        self.tracker.note_starting(ids)
        return ids

    def verdict(self, *, fail_fast: bool) -> Outcome | None:
        """Return the outcome of the wait, None while it goes on; deadlines are the caller's."""
        return self.tracker.verdict(fail_fast=fail_fast)

    def report_progress(self, now: float, *, after: Sequence[str | None] = ()) -> LookReport:
        """Give up ids that stay unknown, and return the progress line, `after` other ones, and the warnings."""
        tracker = self.tracker
        if tracker.unknown:
            tracker.close_missing(now, interval=self.interval)
        progress = self.progress.line(tracker, now) if tracker.open or self.tells_end else None
        return LookReport([line for line in (*after, progress) if line], tracker.drain_notes())
