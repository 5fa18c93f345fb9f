"""The source of the jobs that a task waits for: it opens the wait, and has the last word on how the wait ended."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.jobs.kinds import JobKind
from airflow_provider_cgc.jobs.waiting.clearing import Clearing
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Asset, Context

    from airflow_provider_cgc.jobs.waiting.summary import Summary
    from airflow_provider_cgc.sensors.ending import End


class Source(ABC):
    """
    The collaborator that gives a waiting task its jobs.

    One is made for each process that works on a task, when it first needs it: the worker that opens the wait, each
    poke in reschedule mode, and the worker that resumes after a deferral. Only the last one is asked to `close`.
    """

    already_answered: bool = False
    """The platform has answered this task at `open`, so that its address is right."""
    is_sending: bool = False
    """Jobs are being started."""

    @property
    def clear_in_short(self) -> str:
        """The effect of clearing the task, as the end of a sentence."""
        return "it only waits"

    @abstractmethod
    def open(self, context: Context) -> JobTracker:
        """Return the jobs to wait for; raise an error if an argument is wrong, before anything is sent."""

    @abstractmethod
    def what_to_do(self, summary: Summary) -> str:
        """Return the next step in Airflow for jobs that failed, in whole sentences."""

    def place(self) -> Mapping[str, Any]:
        """Return the facts that the live snapshot shows from the start (`LiveView.place`), once the wait is open."""
        return {}

    def clearing(self) -> Clearing | None:
        """Return the facts that decide about a Clear, once the wait is open; None if they are not known."""
        return None

    def asset(self) -> Asset | None:
        """Return the asset of the destination, for an `AssetAlias` among the outlets; None if it is not known."""
        return None

    def before_deferring(self, context: Context) -> None:  # noqa: B027  # most have nothing to keep
        """Keep the facts that `close` needs: it will be called in another process."""

    def close(self, context: Context, end: End) -> End:
        """Judge the end of a wait: correct its summary, or change the outcome. Called once, before any report."""
        return end

    def result(self, summary: Summary) -> Any:
        """Return the value of a task that succeeded; called after `close`."""
        return summary.to_json()


@dataclass(frozen=True, slots=True)
class GivenJobs(Source):
    """
    Jobs that somebody else has started, given by their ids or by manifests.

    :param kind: kind of job.
    :param read: reads the task's arguments.
    :param conn_id: the connection that the task asks with.
    :param starters: the tasks that may have started the jobs.
    :param starts_drafts: whoever waits starts jobs that were made as drafts.
    """

    kind: JobKind
    read: Callable[[], JobTracker]
    conn_id: str
    starters: Sequence[str]
    starts_drafts: bool = False

    def open(self, context: Context) -> JobTracker:
        """Return the jobs in the arguments."""
        return self.read()

    @property
    def clear_in_short(self) -> str:
        """The effect of clearing the task, as the end of a sentence."""
        return "it waits again, and starts drafts that are left" if self.starts_drafts else "it only waits"

    def clearing(self) -> Clearing | None:
        """Return the facts that decide about a Clear, if it is certain that it starts nothing."""
        return None if self.starts_drafts else Clearing(sends=False)

    def what_to_do(self, summary: Summary) -> str:
        """Return the next step, after which neither the same jobs fail again nor completed ones are repeated."""
        if not summary.failed:
            return (
                f"This task asks with connection {self.conn_id!r}. When the ids and the connection are right, clear it:"
                f" {self.clear_in_short}."
            )
        starters = ", ".join(self.starters) or f"the task that starts the {self.kind.plural}"
        return (
            f"A FAILED job stays FAILED, so clearing this sensor fails again: fix the cause and start the failed"
            f" {self.kind.plural} anew ({starters}); those that completed need no repeat."
        )
