"""The one way in which every CGC sensor waits: in poke, reschedule and deferrable mode, with the same verdicts.

The client and the trigger are imported when a task runs, never when a Dag file is parsed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow_provider_cgc import display
from airflow_provider_cgc.arguments import LONGEST, bounded, check_flag, check_seconds, connection_id
from airflow_provider_cgc.assets import refuse_silent_outlets, tell_events
from airflow_provider_cgc.client.errors.problem import as_sentence
from airflow_provider_cgc.compat import (
    AirflowRescheduleException,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseOperator,
    BaseSensorOperator,
    PokeReturnValue,
    TaskDeferralError,
    TaskDeferralTimeout,
    default_deferrable,
    view_address,
)
from airflow_provider_cgc.exceptions import CgcInputRefused, CgcTriggerError
from airflow_provider_cgc.jobs.kinds import JobKind
from airflow_provider_cgc.jobs.waiting.event import WaitEvent
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.summary import Outcome, closing_line, failed_line, failure_table
from airflow_provider_cgc.lineage import MaskedTaskInfo
from airflow_provider_cgc.links import CgcProjectLink, CgcVolumeLink, push_links
from airflow_provider_cgc.patience import despite_trouble, push_xcom, task_state_store
from airflow_provider_cgc.sensors.ending import End, error_of, with_names
from airflow_provider_cgc.sensors.source import Source
from airflow_provider_cgc.sensors.wait import Wait
from airflow_provider_cgc.templates import TextTemplates

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_cgc.hooks.cgc import CgcHook
    from airflow_provider_cgc.jobs.waiting.watch import LookReport

SUMMARY_KEY = "cgc_summary"
TIMES = ("poke_interval", "timeout")


class CgcJobsSensor(TextTemplates, BaseSensorOperator):
    """
    Wait until jobs on the platform have ended, and fail if any of them FAILED.

    Not used directly: a subclass for each kind of job says which jobs. What ends how is the same in every mode:
    all COMPLETED is success; a FAILED job, or an id that the platform has not known for more than three intervals,
    is `CgcJobsFailed`, which Airflow does not retry; rate limits, maintenance and dropped lines are waited out, and,
    once the platform has answered, redirects, web pages and 404 pages of proxies in between. Before that they end the
    wait, at once in a worker, and after 15 minutes in a triggerer, which may not know what an earlier one was answered.
    An address that a worker cannot reach at its first look, or that answers something else, ends it within a minute.
    """

    kind: ClassVar[JobKind]
    template_fields: Sequence[str] = ("cgc_conn_id", "expected_count")
    operator_extra_links = (CgcProjectLink(), CgcVolumeLink())

    __supports_durable_execution = True  # a retry takes up the wait again; the Registry reads it here
    max_in_flight: int | None = None
    """Jobs that may be under way at once, for kinds that are made as drafts: whoever waits starts the others."""
    event_grace: ClassVar[float] = 15.0
    """Seconds after deferring before which no event is sent: an event that overtakes the scheduler's own bookkeeping
    of the deferral can fail the task (apache/airflow#72716)."""

    def __init__(
        self,
        *,
        cgc_conn_id: str = "cgc_default",
        expected_count: int | str | None = None,
        fail_fast: bool = False,
        allow_empty: bool = False,
        deferrable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        for name in TIMES:
            check_seconds(name, kwargs, about=type(self).__name__)
        super().__init__(**{name: bounded(value) if name in TIMES else value for name, value in kwargs.items()})
        # Also what comes from `default_args` and Airflow's settings.
        self.timeout, self.poke_interval = bounded(self.timeout), bounded(self.poke_interval)
        if self.execution_timeout is not None:
            self.execution_timeout = min(self.execution_timeout, timedelta(seconds=LONGEST))
        self.cgc_conn_id = cgc_conn_id
        self.expected_count = expected_count
        self.fail_fast = fail_fast
        self.allow_empty = allow_empty
        self.deferrable = default_deferrable() if deferrable is None else deferrable
        for name in ("fail_fast", "allow_empty", "deferrable", "soft_fail", "never_fail"):
            check_flag(getattr(self, name), where=f"{type(self).__name__} {self.task_id!r}: {name}")
        self._masked_task_info = MaskedTaskInfo()
        self._current: Wait | None = None
        self._made: Source | None = None
        self._hook: CgcHook | None = None
        self._linked: Mapping[str, str] = {}
        self._warned: set[str] = set()
        self._seen: Mapping[str, Any] | None = None
        """The live view of the trigger that ended the wait."""
        refuse_silent_outlets(self.outlets or (), where=f"{type(self).__name__} {self.task_id!r}")
        self._refuse_what_cannot_be_kept()

    def execute(self, context: Context) -> Any:
        """Wait as the mode says; when deferrable, look once and hand over to the triggerer."""
        self._current = self._made = None
        # Airflow asks for every link when a task defers or ends, and logs an error where nothing is written.
        push_links(view_address(context["ti"]), {}, own=self.operator_extra_links, warn=self._warn)
        with self._never_failing():
            if not self.deferrable:
                # Not in a poke, whose errors the base class skips for some arguments, and swallows for others.
                self._current = self._begin(context)
                with self._telling_timeout():
                    return super().execute(context)
            return self._look_and_defer(context)

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once at everything that is open."""
        if self._current is None:
            self._current = self._begin(context)
        wait = self._current
        outcome = self._look(wait)
        if outcome is None and wait.is_over(time.time()):
            outcome = Outcome.TIMEOUT
        if outcome is not None:
            self._forget(context)
            return PokeReturnValue(True, xcom_value=self._finish(context, wait.end(outcome)))
        self._show(context, wait)
        self._remember(context, wait)
        return PokeReturnValue(False)

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """End the task as the trigger's event says, once the event has been checked."""
        try:
            ended = WaitEvent.from_json(event, kind=self.kind.name)
        except ValueError as error:
            raise CgcTriggerError(
                f"The trigger of this task sent an event that cannot be believed: {error}. The {self.kind.plural} were"
                f" not cancelled. Clear this task: {self._source.clear_in_short}."
            ) from error
        self._seen = ended.view
        self._connection().answered = True
        return self._finish(context, End(ended.outcome, ended.summary, ended.error))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """
        Resume after a deferral.

        The base class's own version turns every Airflow exception into a skip under `soft_fail`, a crashed trigger
        too; here `_raise` alone decides what is skipped.
        """
        with self._never_failing():
            try:
                return BaseOperator.resume_execution(self, next_method, next_kwargs, context)
            except TaskDeferralTimeout as error:
                clear = self._source.clear_in_short
                raise AirflowTaskTimeout(f"{as_sentence(error)} Clear this task: {clear}.") from error
            except TaskDeferralError as error:
                display.break_off(view_address(context["ti"]), now=time.time(), warn=self._warn)
                raise CgcTriggerError(
                    f"The trigger of this task failed: {error}. Its traceback is above. The {self.kind.plural} were not"
                    f" cancelled. Clear this task: {self._source.clear_in_short}."
                ) from error

    def on_kill(self) -> None:
        """Log that the jobs continue; a sensor cancels nothing."""
        if self._current is not None and self._current.tracker.open:
            self.log.warning("%s.", self.kind.still_running(len(self._current.tracker.open)))

    def _refuse_what_cannot_be_kept(self) -> None:
        if self.deferrable:
            for argument in ("silent_fail", "exponential_backoff"):
                if getattr(self, argument):
                    raise CgcInputRefused(
                        f"{type(self).__name__} {self.task_id!r}: {argument}=True has no effect while a task is"
                        " deferred; drop it (trouble with the platform is waited out anyway) or set deferrable=False"
                    )

    @contextmanager
    def _never_failing(self) -> Iterator[None]:
        """Apply `never_fail` to every error of every mode; the base class applies it to some."""
        try:
            yield
        except (AirflowSkipException, AirflowRescheduleException):
            raise
        except (Exception, AirflowTaskTimeout) as error:
            if not self.never_fail:
                raise
            raise AirflowSkipException(f"Skipped because of never_fail=True: {error}") from error

    @contextmanager
    def _telling_timeout(self) -> Iterator[None]:
        """Raise an error with the state of the jobs if Airflow's execution_timeout stops a waiting worker."""
        try:
            yield
        except AirflowTaskTimeout as error:
            if self._current is None or not isinstance(self.execution_timeout, timedelta):
                raise
            raise self._error(self._current.end(Outcome.EXECUTION_TIMEOUT)) from error

    def _begin(self, context: Context) -> Wait:
        """Read the arguments and open the wait, or continue the one that an earlier poke began."""
        now = time.time()
        wait = Wait.begin(
            self._source.open(context),
            now=now,
            context=context,
            timeout=self.timeout,
            interval=self.poke_interval,
            conn_id=self.cgc_conn_id,
            memory=self._memory(context),
            rescheduled=self._reschedules,
            answered=self._source.already_answered,
            window=self.max_in_flight,
        )
        if wait.answered:
            self._connection().answered = True
        self._log_report(wait.opening(in_time=self.deferrable, steady=not self.exponential_backoff))
        known = self._known_place() if wait.tracker.open else self._source.place()
        wait.view.place, wait.view.clearing = {**wait.view.place, **known}, self._source.clearing()
        return wait

    @property
    def _source(self) -> Source:
        """The source of the jobs, made when a task runs, once its arguments have been rendered."""
        if self._made is None:
            self._made = self._make_source()
        return self._made

    def _make_source(self) -> Source:
        """Return a new source of the jobs, for this process."""
        raise NotImplementedError

    @property
    def _reschedules(self) -> bool:
        return bool(self.reschedule and not self.deferrable)

    def _look(self, wait: Wait) -> Outcome | None:
        """Look once, log the news, and return the outcome if the wait has ended."""
        self._log_report(wait.look(self._connection()))
        return wait.verdict(fail_fast=self.fail_fast)

    def _log_report(self, report: LookReport) -> None:
        for line in report.warnings:
            self.log.warning("%s", line)
        for line in report.lines:
            self.log.info("%s", line)

    def _connection(self) -> CgcHook:
        from airflow_provider_cgc.hooks.cgc import CgcHook

        connection_id(self.cgc_conn_id, where=f"cgc_conn_id of task {self.task_id!r}")
        if self._hook is None or self._hook.cgc_conn_id != self.cgc_conn_id:
            self._hook = CgcHook(self.cgc_conn_id)
        return self._hook

    def _look_and_defer(self, context: Context) -> Any:
        """
        Look once in the worker, and defer if that was not the end.

        A mapped task is one of a crowd: it leaves the first look to the poller that all of them share.
        """
        started = time.time()
        self._current = wait = self._begin(context)
        first_look = started
        index = context["ti"].map_index
        is_mapped = index is not None and index >= 0
        if is_mapped:
            self._connection().settings  # noqa: B018  # a wrong connection is found here, without a request
        if not wait.tracker.open or not is_mapped:
            outcome = self._look(wait)
            if outcome is not None:
                return self._finish(context, wait.end(outcome))
            first_look = time.time() + max(self.poke_interval, wait.advice)
        return self._defer(context, wait, first_look=first_look, started=started)

    def _defer(self, context: Context, wait: Wait, *, first_look: float, started: float) -> None:
        from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger

        self._source.before_deferring(context)
        row = wait.to_row(context["ti"])
        limit = self.execution_timeout
        # Also where nothing was asked yet: the trigger goes on from it, and Airflow logs an error where nothing is.
        self._show(context, wait)
        self.log.info(
            "Handing over to the triggerer, which must be running; the wait's progress is in the XCom 'cgc_jobs' and,"
            " on Airflow 3.1 and later, in the tab 'CGC jobs' of this task."
        )
        self.defer(
            trigger=CgcJobsTrigger(
                **row,
                fail_fast=self.fail_fast,
                execution_deadline=None if limit is None else started + limit.total_seconds(),
                first_look=first_look,
                not_before=time.time() + self.event_grace,
            ),
            method_name="execute_complete",
        )

    def _get_next_poke_interval(self, *args: Any, **kwargs: Any) -> float:
        """Wait longer than the interval where the platform asks for it, but look once more at the deadline."""
        interval = min(super()._get_next_poke_interval(*args, **kwargs), LONGEST)
        if self._current is None or self._current.advice <= interval:
            return interval
        return max(min(self._current.advice, self._current.deadline - time.time()), interval)

    def _memory(self, context: Context) -> Any | None:
        """Return the memory from one rescheduled poke to the next; None if there is none."""
        return task_state_store(context) if self._reschedules else None

    def _remember(self, context: Context, wait: Wait) -> None:
        store = self._memory(context)
        if store is not None:
            with despite_trouble("The state of this poke could not be kept for the next one", warn=self._warn):
                wait.save(store, context)

    def _forget(self, context: Context) -> None:
        store = self._memory(context)
        if store is not None:
            with despite_trouble("The state of earlier pokes could not be deleted from the store", warn=self._warn):
                Wait.delete(store)

    def _finish(self, context: Context, end: End) -> Any:
        """Push the summary, write the last lines of the log, and return the result or raise the error."""
        end = self._source.close(context, end)
        push_xcom(context["ti"], SUMMARY_KEY, end.summary.to_json())
        named = with_names(end, lambda: self._connection().get_conn(patience=0), warn=self._warn)
        if named is not end:
            with despite_trouble("The names of failed items could not be put into the summary", warn=self._warn):
                push_xcom(context["ti"], SUMMARY_KEY, named.summary.to_json())
        end = named
        self._show_end(context, end)
        if end.outcome is Outcome.COMPLETED:
            summary = end.summary.to_json()
            tell_events(context, self.outlets or (), summary, place=self._source.asset, connection=self._connection)
            self.log.info("%s", closing_line(end.summary))
            for line in failure_table(end.summary):
                self.log.warning("%s", line)
            return self._source.result(end.summary)
        if end.outcome is Outcome.FAILED:
            self.log.error("%s", failed_line(end.summary))
        for line in failure_table(end.summary):
            self.log.error("%s", line)
        self._raise(end)

    def _known_place(self) -> dict[str, Any]:
        """Return the facts for the live snapshot that are known from the start; see `LiveView.place`."""
        return {"web": self._connection().settings.web_url, **self._source.place()}

    def _show(self, context: Context, wait: Wait) -> None:
        """Write the live snapshot, if there is something new to show, and now and then if there is not."""
        now = time.time()
        due = wait.view.due(wait.tracker, now) or wait.view.silent(now)
        if due and not self._write_view(context, wait.view.snapshot(wait.tracker, now)):
            wait.view.not_written()

    def _show_end(self, context: Context, end: End) -> None:
        """Write the last snapshot, which goes on from what this worker or the trigger has seen."""
        if self._current is not None:
            view = self._current.view
        else:
            view = LiveView(self.kind, since=time.time(), interval=self.poke_interval, place=self._source.place())
            view.clearing = self._source.clearing()
            view.restore(self._seen or display.read(view_address(context["ti"]), warn=self._warn))
        self._write_view(context, view.final(end.summary, time.time(), outcome=end.outcome))

    def _write_view(self, context: Context, snapshot: dict[str, Any]) -> bool:
        address = view_address(context["ti"])
        self._linked = display.link(address, snapshot, self._linked, warn=self._warn)
        return display.write(address, snapshot, warn=self._warn)

    def _warn(self, line: str) -> None:
        """Warn of trouble with what is only looked at, once each."""
        if line not in self._warned:
            self._warned.add(line)
            self.log.warning("%s", line)

    def _error(self, end: End) -> BaseException:
        """Return the exception of a wait that did not end in success."""
        limit = self.timeout if end.outcome is Outcome.TIMEOUT else self.execution_timeout
        todo, clear = self._source.what_to_do, self._source.clear_in_short
        return error_of(end, what_to_do=todo, clear=clear, conn_id=self.cgc_conn_id, limit=limit)

    def _raise(self, end: End) -> NoReturn:
        """Raise the error of this end, as a skip if `soft_fail` covers it: the jobs' end is covered, trouble is not."""
        error = self._error(end)
        if self.soft_fail and end.outcome in (Outcome.FAILED, Outcome.TIMEOUT):
            raise AirflowSkipException(f"Skipped because of soft_fail=True: {error}") from error
        raise error
