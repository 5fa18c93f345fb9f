"""The jobs that a task starts itself: checked, sent once, remembered for the next attempt, accounted for at the end.

Independent of the kind of job: an operator makes the `Order`. A worker that resumes after a deferral needs no
`Attempt`, and one that defers no `Account`: each is imported where it is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.errors import CgcError
from airflow_provider_cgc.client.errors.problem import as_sentence
from airflow_provider_cgc.compat import has_poked, run_began
from airflow_provider_cgc.exceptions import CgcJobsNotYetKnown, CgcJobsUncertain, CgcWaitError
from airflow_provider_cgc.jobs.submitting.ledger import OtherOwnerError
from airflow_provider_cgc.jobs.submitting.outcomes import tracker_of
from airflow_provider_cgc.jobs.waiting.summary import Outcome, Summary
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.operators.record import ReadOnly, Record
from airflow_provider_cgc.operators.refusing import (
    refusal,
    refuse_what_is_open,
    refusing_bad_input,
    where_reasons_are,
    write_reasons,
)
from airflow_provider_cgc.patience import task_state_store
from airflow_provider_cgc.sensors.ending import End
from airflow_provider_cgc.sensors.source import Source

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Asset, Context

    from airflow_provider_cgc.jobs.submitting.account import Account
    from airflow_provider_cgc.jobs.submitting.attempt import Attempt
    from airflow_provider_cgc.jobs.submitting.items import Item, Key
    from airflow_provider_cgc.jobs.submitting.ledger import Ledger
    from airflow_provider_cgc.jobs.submitting.order import Order
    from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome
    from airflow_provider_cgc.jobs.waiting.clearing import Clearing
    from airflow_provider_cgc.operators.submitter import Submitter


@dataclass(frozen=True, slots=True)
class Prepared:
    """An attempt that is ready to send, and its ledger."""

    attempt: Attempt
    ledger: Ledger


class SubmittedJobs(Source):
    """The jobs that a task starts itself, in one process that works on the task."""

    already_answered = True

    def __init__(self, task: Submitter) -> None:
        self._task = task
        self._kind = task.kind
        self._log = task.log
        self._ids: list[str] | None = None
        """The ids of all jobs of the task; None if another process has opened the wait."""
        self._ledger: Ledger | None = None
        self._first = False
        """No earlier attempt has sent anything that counts; False if another process has opened the wait."""
        self._joined: bool | None = None
        """Jobs of other runs were taken over; None if another process has opened the wait."""
        self._place: Mapping[str, Any] = {}
        self._record_made: Record | None = None
        self._made: list[Mapping[str, Any]] = []
        """The results of the items, as items that another task takes."""

    @property
    def clear_in_short(self) -> str:
        """The effect of clearing the task, as the end of a sentence."""
        if self._task.resume:
            return "it takes over running jobs, counts finished ones, and sends only items that failed or are missing"
        return "a Clear takes over running jobs, and treats all other items as new ones (resume=False)"

    def open(self, context: Context) -> JobTracker:
        """Start the jobs, or take up those that an earlier poke of this try has started."""
        tracker = self._taken_up(context) or self._started(context)
        self._ids = list(tracker.open)
        return tracker

    def prepare(self, context: Context) -> Prepared | None:
        """
        Check everything and decide what to do with each item; None if there is nothing to do.

        :raises CgcInputRefused: if something is wrong; nothing was sent.
        :raises CgcJobsUncertain: if an earlier attempt may have sent items, and nobody can tell.
        :raises CgcWaitError: if the platform does not answer.
        """
        try:
            with refusing_bad_input():
                return self._prepare(context)
        except CgcError as error:
            raise CgcWaitError(
                f"{self._task.connection().explain(error)} This attempt has started no {self._kind.plural}. When the"
                f" cause is fixed (this task asks with connection {self._task.cgc_conn_id!r}), clear this task:"
                f" {self.clear_in_short}."
            ) from error

    def write_planned(self, context: Context, work: Prepared, in_the_way: Sequence[Key]) -> int:
        """
        Write the items of a dry run that are not over to the manifest, if there is one, and count them.

        :raises CgcInputRefused: if it cannot be written, or has the record of what was sent.
        """
        user = work.ledger.owner.partition(" at ")[0]
        planned = work.attempt.planned(in_the_way, user=user, conn_id=self._task.cgc_conn_id)
        with refusing_bad_input():
            self._record(context).write_planned(planned)
        return len(planned)

    def send(self, context: Context, work: Prepared) -> list[ItemOutcome]:
        """
        Send the items, and return the outcome of each so far; the manifest is written before, and in any case after.

        :raises CgcInputRefused: if the manifest cannot be written, and nothing was sent before.
        :raises CgcWaitError: if some items could not be sent; a retry sends those that are missing.
        :raises CgcJobsNotYetKnown: if it is not known yet what was sent, or a job of another run is in the way; a retry
            looks again.
        """
        self._ledger, self._joined = work.ledger, work.attempt.plan.has_joined
        record = self._record(context)
        with record.at_the_path():
            self._task.about_to_send(context, work.attempt)
        self.is_sending = True
        try:
            outcomes = self._send(record, work)
        finally:
            self.is_sending = False
        self._task.sent(context, work.attempt)
        self._place = work.attempt.order.place(outcomes)
        return outcomes

    def what_to_do(self, summary: Summary) -> str:
        """Return the advice about items that failed."""
        tolerance = self._task.tolerance
        some_may = tolerance.of(summary.total) and self.too_many(summary)
        limit = f"That is more than may fail: {tolerance.words(summary.total)}. " if some_may else ""
        return f"{limit}Fix the cause, then clear this task: {self.clear_in_short}."

    def place(self) -> Mapping[str, Any]:
        """Return the source, the destination and the size of the items."""
        return {**self._place, "manifest": self._task.manifest_uri}

    def clearing(self) -> Clearing | None:
        """
        Return the facts that decide about a Clear; None if they are not known.

        Without a record, the next attempt does not find the jobs of other runs that were started before this run.
        """
        task, record, facts = self._task, self._record_made, self._task.clearing()
        remembers = None if record is None else record.outlives_clear
        if record is None or remembers is None or facts is None:
            return None
        if not remembers and (record.joined() if self._joined is None else self._joined):
            return None
        return replace(
            facts,
            holds_worker=not (task.deferrable or task.reschedules()),
            cleared=self._ledger is not None and self._ledger.cleared,
            resumes=task.resume,
            remembers=remembers,
            first=self._first,
        )

    def asset(self) -> Asset | None:
        """Return the asset of the destination; None if it is not known."""
        return self._task.asset()

    def before_deferring(self, context: Context) -> None:
        """Push the ids of all jobs."""
        self._record(context).push(
            self._ids or [], since=self._ledger.since if self._ledger else None, joined=self._joined or False
        )

    def close(self, context: Context, end: End) -> End:
        """Account for every item, and judge by the number of failures that the task tolerates."""
        record, waited, account, doubt = self._record(context), end.outcome, None, None
        end = replace(end, summary=replace(end.summary, manifest=self._task.manifest_uri))
        with self._keeping_timeout(waited, "Not every item could be accounted for"):
            account, doubt = self._account(context, end)
        if account is not None:
            end = replace(end, summary=account.summary, may_pass=account.may_pass)
            self._made = list(account.results.values())
        end = self._judged(end, doubt)
        if account is not None and account.outcomes is not None:
            with self._keeping_timeout(waited, self._not_written):
                record.manifest.write(account.outcomes, succeeded=end.outcome is Outcome.COMPLETED)
        self._task.accounted(context, end.summary)
        if end.outcome is Outcome.COMPLETED:
            record.note_success()
        return end

    def result(self, summary: Summary) -> Any:
        """Return the value of a task that succeeded."""
        return self._task.result(summary, self._made)

    def too_many(self, summary: Summary) -> bool:
        """Return True if more items failed than the task tolerates."""
        return self._task.tolerance.exceeded(summary.bad, summary.total)

    def _taken_up(self, context: Context) -> JobTracker | None:
        if not self._is_later_poke(context):
            return None
        self._task.connection().answered = True
        return self._record(context).taken_up()

    def _started(self, context: Context) -> JobTracker:
        work = self.prepare(context)
        if work is None:
            return JobTracker.of(self._kind, [])
        tracker = tracker_of(self._kind, self.send(context, work))
        if not self.too_many(tracker.summary()):
            tracker.excused = tracker.failed
        self._record(context).keep(tracker)
        return tracker

    def _prepare(self, context: Context) -> Prepared | None:
        task, record = self._task, self._record(context)
        record.begin()
        self._first = record.is_first
        if record.was_answered_at(lambda: task.connection().settings.host):
            task.connection().answered = True
        items = task.read_items()
        record.check(dry_run=task.is_dry_run)
        if items:
            with record.at_the_path():
                task.check_memory(context, len(items))
            return self._decide(context, task.order(recorded=record.lasts), items)
        if task.is_dry_run:
            record.write_planned([])
        else:
            record.write_nothing(waits=task.wait)
        return None

    def _decide(self, context: Context, order: Order, items: Sequence[Item]) -> Prepared:
        """Ask the platform about the items, and decide what to do with each."""
        from airflow_provider_cgc.jobs.submitting.attempt import Attempt
        from airflow_provider_cgc.jobs.submitting.order import BadOrder
        from airflow_provider_cgc.jobs.submitting.plan import UncertainJobs

        record, client = self._record(context), order.client
        attempt = Attempt(order, log_info=self._log_info)
        try:
            attempt.check(items, first=record.is_first)
            began = attempt.now()
            owner = f"{client.user().username} at {client.settings.host}"
            ledger = record.open(order.keys, now=began, run_began=run_began(context), owner=owner)
            attempt.plan.decide(ledger, later_poke=self._is_later_poke(context), now=began)
        except BadOrder as error:
            if self._task.is_dry_run:
                raise
            raise refusal(error, self._leave_refusal(context, attempt.refused(error))) from None
        except (OtherOwnerError, UncertainJobs) as error:
            raise CgcJobsUncertain(str(error)) from None
        return Prepared(attempt, ledger)

    def _leave_refusal(self, context: Context, outcomes: list[ItemOutcome]) -> str:
        """Write the reasons to the manifest and to XCom; return a sentence with their places."""
        manifest, warn = self._task.manifest_uri, partial(self._warn, self._not_written)
        summary = write_reasons(outcomes, self._record(context), kind=self._kind, manifest=manifest, warn=warn)
        self._task.leave_refusal(context, summary)
        return where_reasons_are(summary, manifest=manifest)

    def _send(self, record: Record, work: Prepared) -> list[ItemOutcome]:
        attempt = work.attempt
        user, conn_id = work.ledger.owner.partition(" at ")[0], self._task.cgc_conn_id
        record.announce(attempt.outcomes(user=user, conn_id=conn_id))
        for line in attempt.intent():
            self._log_info(line)
        try:
            attempt.send(work.ledger)
        except CgcError as error:
            raise CgcWaitError(
                f"{as_sentence(error)} Started before that: {self._kind.count(len(attempt.result.started))} (started"
                f" {self._kind.plural} continue). Fix the cause, then let this task be retried, or clear it:"
                f" {self.clear_in_short}."
            ) from error
        finally:
            outcomes = attempt.outcomes(user=user, conn_id=conn_id)
            record.manifest.write(outcomes)
        for line in attempt.lines():
            self._log_info(line)
        refuse_what_is_open(attempt, clear=self.clear_in_short)
        return outcomes

    @contextmanager
    def _keeping_timeout(self, outcome: Outcome, fault: str) -> Iterator[None]:
        """Keep a timeout a timeout: an error becomes a warning then, which begins with the fault."""
        try:
            yield
        except Exception as error:
            if outcome in (Outcome.COMPLETED, Outcome.FAILED):
                raise
            # Object storages raise errors of their own, of every kind.
            self._warn(fault, error)

    def _account(self, context: Context, end: End) -> tuple[Account | None, str | None]:
        """
        Return the account, and why the task is not over although its jobs have ended, in a sentence.

        There is no account if there was nothing to do, if the wait itself ended with an error, or if it cannot be made.
        """
        from airflow_provider_cgc.jobs.submitting.account import account_for

        ended = end.outcome in (Outcome.COMPLETED, Outcome.FAILED)
        if end.outcome is Outcome.ERROR or not end.summary.total:
            return None, None
        record = self._record(context)
        try:
            account = account_for(
                self._task.order_at_end(context, ended=ended),
                end.summary,
                outcomes=record.outcomes(),
                ids=record.started() if self._ids is None else self._ids,
                since=self._ledger.since if self._ledger else record.since(),
                log_info=self._log_info,
            )
        except (CgcError, CgcJobsNotYetKnown) as error:
            if not ended:
                raise
            return None, f"{as_sentence(error)} The jobs have ended, but not every item can be accounted for."
        return account, account.not_yet_known

    def _judged(self, end: End, doubt: str | None) -> End:
        """Return the task's end by the wait's outcome and the account; a timeout stays one in any case."""
        if end.outcome not in (Outcome.COMPLETED, Outcome.FAILED):
            return end
        summary = end.summary
        # With `fail_fast` jobs may still run, and they are not done.
        if summary.left and not summary.bad and doubt is None:
            doubt = f"No item has failed, and {self._kind.still_running(summary.left)}."
        if doubt is not None:
            return replace(end, outcome=Outcome.ERROR, not_yet_known=doubt)
        if self.too_many(summary):
            return replace(end, outcome=Outcome.FAILED)
        return end if summary.left else replace(end, outcome=Outcome.COMPLETED)

    def _record(self, context: Context) -> Record:
        """Return the record of this attempt, made once."""
        if self._record_made is None:
            store, task = task_state_store(context), self._task
            self._record_made = Record(
                self._kind,
                task.item,
                context["ti"],
                store=ReadOnly(store) if task.is_dry_run and store is not None else store,
                manifest_path=task.manifest_uri,
                resume=task.resume,
                retries=task.retries or 0,
                later_poke=self._is_later_poke(context),
                warn=lambda line: self._log.warning("%s", line),
            )
        return self._record_made

    def _is_later_poke(self, context: Context) -> bool:
        """Return True if this try has poked before, in another process."""
        return self._task.reschedules() and has_poked(context)

    @property
    def _not_written(self) -> str:
        return f"Manifest {self._task.manifest_uri} could not be written"

    def _warn(self, fault: str, error: Exception) -> None:
        self._log.warning("%s: %s", fault, error, exc_info=error)

    def _log_info(self, line: str) -> None:
        self._log.info("%s", line)
