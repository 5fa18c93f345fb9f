"""One trigger for every kind of job: it waits at the shared poller and sends one event."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import tenacity
from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_provider_cgc import client, display
from airflow_provider_cgc.client.errors.problem import as_sentence
from airflow_provider_cgc.compat import in_thread, view_address
from airflow_provider_cgc.hooks.cgc import CgcHook
from airflow_provider_cgc.jobs.kinds import KINDS
from airflow_provider_cgc.jobs.waiting.event import WaitEvent
from airflow_provider_cgc.jobs.waiting.poller import Poller
from airflow_provider_cgc.jobs.waiting.progress_log import ProgressLog
from airflow_provider_cgc.jobs.waiting.sharing import shared_poller
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.jobs.waiting.waiter import News, Waiter
from airflow_provider_cgc.jobs.waiting.watch import Watch
from airflow_provider_cgc.patience import is_passing_trouble
from airflow_provider_cgc.triggers.snapshot_writer import LiveSnapshot, shared_writer
from airflow_provider_cgc.xcom import read_ids

CONNECT_ATTEMPTS = 25
CONNECT_PAUSE = 5.0
"""Seconds between two attempts to look up the connection."""
LAST_LOOK = 30.0
"""Seconds that the look at the deadline may take, beside those that the rate budget makes of it: a job that ended in
time must not be called late."""


class CgcJobsTrigger(BaseTrigger):
    """
    Wait for jobs on the platform, together with every other wait on the same connection.

    All arguments are plain JSON, because they are stored while the task is deferred; the token is not among them.
    Times are absolute (epoch seconds), so that a restart of the triggerer neither prolongs nor shortens anything.

    :param kind: the kind of job, by its name in `KINDS`.
    :param cgc_conn_id: the connection to ask with.
    :param ids: the open job ids, up to 1,000 of them.
    :param ids_xcom: where the open ids are when there are more: dag_id, task_id, run_id, map_index, key, and how many
        parts there are if more than one.
    :param state: what is known of the jobs that have ended (`JobTracker.to_json`).
    :param poke_interval: seconds between two looks at a job.
    :param fail_fast: end at the first job that FAILED.
    :param deadline: when the sensor's `timeout` is over.
    :param execution_deadline: when the task's `execution_timeout` is over, if it has one.
    :param first_look: when to look first.
    :param not_before: when the event may be sent at the earliest.
    :param answered: whether the platform had answered when the task was deferred (`Poller.join`); what was answered
        later is known to the triggerer's process only.
    :param max_in_flight: how many jobs may be under way at once, for kinds that are made as drafts.
    :param place: what the live snapshot tells from the start (`LiveView.place_for_row`).
    :param unknown: arguments of another release; logged and otherwise ignored, because rows outlive upgrades.
    """

    clock: Callable[[], float] = staticmethod(time.time)

    def __init__(
        self,
        *,
        kind: str,
        cgc_conn_id: str,
        state: Mapping[str, Any],
        poke_interval: float,
        deadline: float,
        first_look: float,
        not_before: float,
        ids: Sequence[str] | None = None,
        ids_xcom: Mapping[str, Any] | None = None,
        fail_fast: bool = False,
        execution_deadline: float | None = None,
        place: Mapping[str, Any] | None = None,
        answered: bool = False,
        max_in_flight: int | None = None,
        **unknown: Any,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's own is untyped
        self.kind = kind
        self.cgc_conn_id = cgc_conn_id
        self.state = dict(state)
        self.poke_interval = poke_interval
        self.deadline = deadline
        self.first_look = first_look
        self.not_before = not_before
        self.ids = None if ids is None else list(ids)
        self.ids_xcom = None if ids_xcom is None else dict(ids_xcom)
        self.fail_fast = fail_fast
        self.execution_deadline = execution_deadline
        self.place = dict(place or {})
        self.answered = answered
        self.max_in_flight = max_in_flight
        self.unknown = unknown

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that the row holds."""
        return (
            f"{CgcJobsTrigger.__module__}.{CgcJobsTrigger.__qualname__}",
            {
                "kind": self.kind,
                "cgc_conn_id": self.cgc_conn_id,
                "ids": self.ids,
                "ids_xcom": self.ids_xcom,
                "state": self.state,
                "poke_interval": self.poke_interval,
                "fail_fast": self.fail_fast,
                "deadline": self.deadline,
                "execution_deadline": self.execution_deadline,
                "first_look": self.first_look,
                "not_before": self.not_before,
                "place": self.place,
                "answered": self.answered,
                # Other kinds have no window, and earlier releases would say that they do not know the word.
                **({} if self.max_in_flight is None else {"max_in_flight": self.max_in_flight}),
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and send one event; a bug ends the trigger with its traceback, never with an event."""
        if self.unknown:
            self.log.warning(
                "This wait was stored by another release of airflow-provider-cgc; ignored: %s.",
                ", ".join(sorted(self.unknown)),
            )
        event = await self._wait(await self._open_ids())
        await asyncio.sleep(max(self.not_before - self.clock(), 0.0))
        yield TriggerEvent(event.to_json())

    async def on_kill(self) -> None:
        """
        Say that this triggerer stops waiting (Airflow 3.3+); nothing is cancelled.

        On 3.3 it also runs when the trigger has moved to another triggerer, where the wait may even be over by now.
        """
        self.log.info(
            "This triggerer stops waiting: the wait was ended, or moved to another triggerer. None of its %s was"
            " cancelled.",
            KINDS[self.kind].plural,
        )

    async def _open_ids(self) -> list[str]:
        if self.ids is not None:
            return self.ids
        if self.ids_xcom is None:
            raise ValueError("the stored wait has neither 'ids' nor 'ids_xcom'")
        # Without them there is no wait: a database that is busy or away is asked again, and what is gone stays gone.
        read = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(CONNECT_ATTEMPTS),
            wait=tenacity.wait_fixed(CONNECT_PAUSE),
            retry=tenacity.retry_if_exception(is_passing_trouble),
            reraise=True,
        )
        ids: list[str] = await read(in_thread, read_ids, self.ids_xcom)
        return ids

    async def _wait(self, open_ids: list[str]) -> WaitEvent:
        watch = self._opened(open_ids)
        tracker, view = watch.tracker, watch.view
        with (
            shared_poller(self.cgc_conn_id, tracker.kind, self._make_poller) as poller,
            shared_writer() as writer,
        ):
            waiter = poller.join(
                tracker.open, interval=self.poke_interval, first_look=self.first_look, answered=self.answered
            )
            live = writer.open(self._address(), view, tracker, warn=self._warn, clock=self.clock)
            try:
                outcome, error = await self._watch(watch, waiter, live)
            finally:
                poller.leave(waiter)
                live.close()
            await live.written()
        return WaitEvent(outcome, tracker.summary(), error=error, view=view.to_json())

    def _opened(self, open_ids: list[str]) -> Watch:
        """Return the wait as its row tells it; what the worker has said is not said again."""
        tracker, now = JobTracker.from_json(self.state, open_ids), self.clock()
        view = LiveView.of_row(tracker.kind, self.place, since=now, interval=self.poke_interval)
        progress = ProgressLog(said_at=now, said=(tracker.closed, tracker.bad))
        return Watch(tracker, view, self.poke_interval, self.cgc_conn_id, self.max_in_flight, progress=progress)

    def _make_poller(self, threads: Executor) -> Poller:
        return Poller(
            KINDS[self.kind],
            functools.partial(connect, self.cgc_conn_id),
            threads=threads,
            clock=self.clock,
            on_request=functools.partial(display.record_metrics, kind=self.kind, conn_id=self.cgc_conn_id),
        )

    def _address(self) -> dict[str, Any] | None:
        """Return the address of the snapshot; None if the trigger belongs to no task."""
        ti = getattr(self, "task_instance", None)
        return None if ti is None else view_address(ti)

    def _warn(self, line: str) -> None:
        self.log.warning("%s", line)

    async def _watch(self, watch: Watch, waiter: Waiter, live: LiveSnapshot) -> tuple[Outcome, str | None]:
        """Take the news in until the wait is over, one way or another."""
        end, over = self._end()
        while True:
            outcome = watch.verdict(fail_fast=self.fail_fast)
            if outcome is not None:
                return outcome, watch.tracker.denial
            news = await waiter.news(timeout=max(end - self.clock(), 0.0))
            if news is not None:
                if news.hopeless:
                    return Outcome.ERROR, as_sentence(news.error)
                self._learn(news, watch, waiter, live)
            if self.clock() >= end:
                refusal = await self._look_once_more(watch, waiter, live)
                if refusal is not None:
                    return Outcome.ERROR, as_sentence(refusal)
                outcome = watch.verdict(fail_fast=self.fail_fast)
                return (over, watch.progress.unanswered) if outcome is None else (outcome, watch.tracker.denial)

    def _end(self) -> tuple[float, Outcome]:
        if self.execution_deadline is not None and self.execution_deadline < self.deadline:
            return self.execution_deadline, Outcome.EXECUTION_TIMEOUT
        return self.deadline, Outcome.TIMEOUT

    async def _look_once_more(self, watch: Watch, waiter: Waiter, live: LiveSnapshot) -> client.CgcError | None:
        """
        Look at all open jobs at the deadline; give the error that no waiting would cure.

        It takes half a minute at most, and minutes where tens of thousands of jobs share the budget's pace. What was
        asked before does not count, and an error that may pass ends nothing: other requests may still be answered.
        Nothing is started any more.
        """
        watch.window = None
        asked_at = self.clock()
        until = asked_at + waiter.look_now() + LAST_LOOK
        unseen = set(watch.tracker.open)
        while unseen and watch.tracker.denied is None:
            news = await waiter.news(timeout=until - self.clock())
            if news is None or news.hopeless:
                return None if news is None else news.error
            self._learn(news, watch, waiter, live)
            if news.at >= asked_at:
                unseen.difference_update(record.id for record in news.records)
            unseen.intersection_update(watch.tracker.open)
        return None

    def _learn(self, news: News, watch: Watch, waiter: Waiter, live: LiveSnapshot) -> None:
        """Take one answer in, say what it is worth, and start the drafts for which there is room."""
        now, tracker = self.clock(), watch.tracker
        if not isinstance(news.error, client.CgcBudgetSpent):
            watch.view.requests += 1
            watch.view.refused += isinstance(news.error, client.CgcRateLimited)
        if news.error is not None:
            tracker.note_unstarted(news.starting)
            report = watch.report_trouble(news.error, now, next_look=news.next_look)
        elif news.starting:
            tracker.take_started(news.records, now)
            report = watch.report_progress(now)
        else:
            tracker.forget_denial()
            watch.take(news.records, now, asked=news.at)
            report = watch.report(now, every=news.every)
        if len(waiter.ids) > len(tracker.open):  # The poller itself lets go what has ended.
            for job_id in waiter.ids - tracker.open.keys():
                waiter.drop(job_id)
        if news.error is None:
            live.changed()
            # What could not be started now is left for the next look.
            if watch.window is not None and not news.starting:
                waiter.start(watch.to_start())
        for line in report.warnings:
            self.log.warning("%s", line)
        for line in report.lines:
            self.log.info("%s", line)


async def connect(cgc_conn_id: str) -> client.CgcClient:
    """
    Return a client that makes a single attempt per call.

    The connection is looked up for two minutes before its absence is believed: all waits depend on this one look, a
    restart of the triggerer makes it, and Airflow says "not found" of a database or vault that is away, too.
    """
    look_up = tenacity.AsyncRetrying(
        stop=tenacity.stop_after_attempt(CONNECT_ATTEMPTS), wait=tenacity.wait_fixed(CONNECT_PAUSE), reraise=True
    )
    try:
        settings: client.Settings = await look_up(CgcHook.aget_settings, cgc_conn_id)
    except client.CgcSettingsError as missing:
        if not missing.undefined:
            raise
        raise client.CgcSettingsError(
            missing.field,
            "is not defined where the triggerer runs, although the worker has found it. It may be an environment"
            " variable or in a secrets backend that only the workers have, or belong to a team that the triggerer is"
            " not part of: make it known to the triggerer, too, or set deferrable=False",
        ) from missing
    # In a thread, because the first client imports `requests`, which takes a third of a second.
    return await sync_to_async(_client_of, thread_sensitive=False)(settings)


def _client_of(settings: client.Settings) -> client.CgcClient:
    return client.CgcClient(settings, patience=0)
