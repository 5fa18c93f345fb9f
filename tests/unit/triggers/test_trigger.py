"""The trigger: what is stored of it, when its one event comes, and what the event says."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import logging
from itertools import pairwise
from types import SimpleNamespace

import pytest
from airflow.triggers.base import TriggerEvent

from airflow_provider_cgc import xcom
from airflow_provider_cgc.client import RateBudget, Settings
from airflow_provider_cgc.client.errors import (
    CgcConnectionError,
    CgcNotFound,
    CgcRateLimited,
    CgcSettingsError,
    CgcUnauthorized,
    CgcUnavailable,
)
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models import ExportJob, JobState
from airflow_provider_cgc.hooks.unreadable import not_found
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.waiting.event import WaitEvent
from airflow_provider_cgc.jobs.waiting.sharing import Threads
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.triggers import jobs as trigger_module
from airflow_provider_cgc.triggers.jobs import LAST_LOOK, CgcJobsTrigger
from dev.virtual_time import START
from tests.fakes.platform import job, some_ids
from tests.fakes.task_instance import TaskInstance

HOUR = 3600.0
DOWN = CgcUnavailable(Problem(503, None, "down"), status=503, call="POST /x")
MAINTENANCE = CgcUnavailable(Problem(503, 0, "The platform is in maintenance"), status=503, call="POST /x")
LIMITED = CgcRateLimited(Problem(429, 1000, "slow down"), status=429, call="POST /x", retry_after=120.0)
TOKEN = CgcUnauthorized(Problem(401, None, "Unauthorized"), status=401, call="POST /x")
PAGE = CgcNotFound(Problem(404, None, "a page", made_here=True), status=404, call="POST /x")
DROPPED = CgcConnectionError("the line dropped", sent=True)
REFUSED = CgcConnectionError("nothing listens there", sent=False)


async def events_of(trigger):
    return [event async for event in trigger.run()]


@pytest.fixture
def wait(time):
    """Run a stored wait to its end; give what its event says, and when it came (seconds since the start)."""

    def run(row):
        (event,) = time.run(events_of(CgcJobsTrigger(**row)))
        return WaitEvent.from_json(json.loads(json.dumps(event.payload)), kind="export"), time.clock() - START

    return run


@pytest.fixture
def records(caplog, monkeypatch):
    """Give what anything of ours has logged so far; the trigger's own logger is structlog's on some releases."""
    monkeypatch.setattr(CgcJobsTrigger, "log", logging.getLogger("airflow_provider_cgc.trigger"), raising=False)
    caplog.set_level(logging.INFO)
    return lambda: [record for record in caplog.records if record.name.startswith("airflow_provider_cgc")]


@pytest.fixture
def lines(records):
    """Give what the trigger has said so far."""
    return lambda: [record.getMessage() for record in records()]


class TestRow:
    def test_arguments_come_back(self, row):
        stored = row(
            ["a"],
            ids_xcom={"dag_id": "d", "task_id": "t", "run_id": "r", "map_index": -1, "key": "cgc_ids"},
            fail_fast=True,
            execution_deadline=START + 1,
        )

        path, arguments = CgcJobsTrigger(**stored).serialize()

        assert path == "airflow_provider_cgc.triggers.jobs.CgcJobsTrigger"
        assert json.loads(json.dumps(arguments)) == stored
        assert CgcJobsTrigger(**arguments).serialize() == (path, arguments)

    def test_arguments_are_in_the_row(self, row):
        arguments = inspect.signature(CgcJobsTrigger.__init__).parameters.values()

        named = {argument.name for argument in arguments if argument.kind is argument.KEYWORD_ONLY}
        assert named == set(CgcJobsTrigger(**row(["a"], max_in_flight=5)).serialize()[1])
        assert named - {"max_in_flight"} == set(CgcJobsTrigger(**row(["a"])).serialize()[1])

    def test_row_is_plain_json(self, row):
        trigger = CgcJobsTrigger(**row(("a", "b")))

        assert trigger.serialize()[1]["ids"] == ["a", "b"]

    def test_row_holds_no_token(self, platform, time, row, monkeypatch):
        token = "a-token-that-must-not-travel"
        monkeypatch.setenv(
            "AIRFLOW_CONN_CGC_DEFAULT",
            json.dumps({"conn_type": "cgc", "password": token, "extra": {"platform": "cgc"}}),
        )
        platform.end(["a"], after=0)
        trigger = CgcJobsTrigger(**row(["a"]))

        time.run(events_of(trigger))

        assert token not in repr(trigger.serialize())
        assert token not in repr(vars(trigger))

    @pytest.mark.parametrize(
        "added",
        [{}, {"place": {"volume": "lab/results"}, "answered": True}, {"place": {}, "answered": False}],
        ids=["as it began", "answered", "not answered"],
    )
    @pytest.mark.parametrize(
        "stored",
        [
            {
                "kind": "export",
                "cgc_conn_id": "cgc_default",
                "ids": ["a"],
                "ids_xcom": None,
                "state": {
                    "version": 1,
                    "kind": "export",
                    "total": 2,
                    "completed": 1,
                    "failed": 0,
                    "missing": 0,
                    "bytes": 5,
                    "first_start": START - 100,
                    "last_end": START - 50,
                    "failed_items": [],
                    "unknown": [],
                    "noted": [],
                },
                "poke_interval": 60.0,
                "fail_fast": False,
                "deadline": START + 604800.0,
                "execution_deadline": None,
                "first_look": START + 60.0,
                "not_before": START + 15.0,
            },
        ],
        ids=["0.1.0"],
    )
    def test_old_rows_load(self, platform, wait, stored, added):
        """One stored row per release, as it was, and what it has got since: rows outlive upgrades."""
        platform.end(["a"], after=0)

        event, _ = wait(stored | added)

        assert (event.outcome, event.summary.completed) == (Outcome.COMPLETED, 2)

    def test_later_arguments_are_left(self, platform, wait, row, lines):
        """Arguments of a later release are named in the log, and ignored."""
        platform.end(["a"], after=0)

        event, _ = wait(row(["a"], shiny={"x": 1}, brand_new=3))

        assert event.outcome is Outcome.COMPLETED
        assert [line for line in lines() if "another release" in line] == [
            "This wait was stored by another release of airflow-provider-cgc; ignored: brand_new, shiny."
        ]


class TestEvent:
    def test_all_jobs_completed(self, platform, wait, row):
        ids = some_ids(250)
        platform.end(ids, after=2 * HOUR)

        event, at = wait(row(ids))

        assert event.outcome is Outcome.COMPLETED
        assert (event.summary.total, event.summary.completed, event.summary.bytes) == (250, 250, 250_000)
        assert 2 * HOUR <= at <= 2 * HOUR + 61

    def test_ended_before_counts(self, platform, wait, row):
        """Jobs that ended before the deferral are counted."""
        tracker = JobTracker.of(EXPORT, ["a", "b", "c"])
        tracker.take([BulkRecord(id="a", resource=job("a", JobState.COMPLETED, size=7))], START)
        tracker.take([BulkRecord(id="b", resource=job("b", JobState.FAILED))], START)
        platform.end(["c"], after=0)

        event, _ = wait(row(["c"], state=tracker.to_json()))

        assert event.outcome is Outcome.FAILED
        assert (event.summary.total, event.summary.completed, event.summary.failed, event.summary.bytes) == (
            3,
            2,
            1,
            1007,
        )
        assert platform.asked("a") == platform.asked("b") == []

    @pytest.mark.parametrize(("fail_fast", "ends_at"), [(False, 2 * HOUR), (True, HOUR)])
    def test_failed_job_ends_the_wait(self, platform, wait, row, fail_fast, ends_at):
        """A failed job ends the wait when all have ended or at once."""
        platform.end(["bad"], after=HOUR, state=JobState.FAILED)
        platform.end(["good"], after=2 * HOUR)

        event, at = wait(row(["bad", "good"], fail_fast=fail_fast))

        assert event.outcome is Outcome.FAILED
        assert [item["id"] for item in event.summary.failed_items] == ["bad"]
        assert ends_at <= at <= ends_at + 61

    def test_missing_after_three(self, platform, wait, row):
        """An id that stays unknown is missing after three intervals."""
        platform.refuse(["gone"])
        platform.end(["good"], after=0)

        event, at = wait(row(["gone", "good"]))

        assert (event.outcome, event.summary.missing) == (Outcome.FAILED, 1)
        assert 60 + 180 <= at <= 60 + 180 + 61

    def test_missing_is_asked_no_more(self, platform, wait, row):
        platform.refuse(["gone"])
        platform.end(["good"], after=HOUR)

        wait(row(["gone", "good"]))

        assert max(platform.asked("gone")) < 320

    def test_outage_makes_none_missing(self, platform, time, wait, row):
        """An outage makes no id missing that is known when it is over."""
        platform.refuse(["new"])
        platform.end(["new", "good"], after=2 * HOUR)
        admit_at = HOUR - 120

        def fault(number, ids):
            now = time.clock() - START
            if now >= admit_at:
                platform.admit(["new"])
            return DOWN if 70 < now < HOUR and "new" in ids else None

        platform.fault = fault

        event, _ = wait(row(["new", "good"]))

        assert event.outcome is Outcome.COMPLETED

    def test_foreign_has_a_remedy(self, platform, wait, row):
        """Another user's job is an error that names the remedy."""
        platform.refuse(["theirs"], Problem(403, 9005, "Insufficient rights"))

        event, at = wait(row(["theirs", "mine"]))

        assert event.outcome is Outcome.ERROR
        assert "export theirs" in (event.error or "")
        assert "use that user's connection" in (event.error or "")
        assert at < 62

    def test_refused_token_is_reread(self, platform, wait, row):
        """A refused token is an error after the connection was read once more."""
        platform.fault = lambda number, ids: TOKEN

        event, _ = wait(row(["a"]))

        assert event.outcome is Outcome.ERROR
        assert "401" in (event.error or "")
        assert (event.error or "").endswith((".", ")."))
        assert platform.connects == 2

    @pytest.mark.parametrize("error", [DOWN, MAINTENANCE, LIMITED, DROPPED], ids=["5xx", "maintenance", "429", "line"])
    def test_passing_is_waited_out(self, platform, time, wait, row, error):
        platform.end(["a"], after=HOUR)
        platform.fault = lambda number, ids: error if time.clock() < START + 5 * HOUR else None

        event, at = wait(row(["a"]))

        assert event.outcome is Outcome.COMPLETED
        assert 5 * HOUR <= at <= 5 * HOUR + 311

    def test_astray_later_waits(self, platform, time, wait, row):
        """An answer that leads astray is waited out by a wait that had an answer before."""
        platform.end(["a"], after=HOUR)
        platform.fault = lambda number, ids: PAGE if time.clock() < START + 5 * HOUR else None

        event, at = wait(row(["a"]))

        assert event.outcome is Outcome.COMPLETED
        assert 5 * HOUR <= at <= 5 * HOUR + 61

    @pytest.mark.parametrize("late", [0.0, 61.0, HOUR, 30 * HOUR], ids=["at once", "a minute", "an hour", "a day"])
    def test_unanswered_ends_in_time(self, platform, wait, row, late):
        """
        An address that never answered ends the wait, however late it is started.

        A triggerer takes a row up when it can; `first_look` may be long over by then.
        """
        platform.fault = lambda number, ids: PAGE

        event, at = wait(row(["a"], answered=False, first_look=START - late, not_before=START - late))

        assert event.outcome is Outcome.ERROR
        assert "check host and path of the connection" in (event.error or "")
        assert 900 <= at <= 901

    def test_old_row_is_unanswered(self, platform, wait, row):
        """A row that does not say whether the platform has answered loads as unanswered."""
        platform.fault = lambda number, ids: PAGE
        stored = row(["a"], first_look=START - HOUR)
        del stored["answered"]

        event, at = wait(stored)

        assert event.outcome is Outcome.ERROR
        assert 900 <= at <= 901

    def test_unresolved_never_ends_it(self, platform, wait, row):
        """A name that is not resolved, or a port that nobody listens on, never ends a wait."""
        platform.fault = lambda number, ids: REFUSED

        event, at = wait(row(["a"], answered=False))

        assert event.outcome is Outcome.TIMEOUT
        assert at >= 7 * 24 * HOUR

    def test_short_outage_ends_none(self, platform, time, wait, row):
        """
        An outage of less than 15 minutes ends no wait that another triggerer took up.

        The one before it may have been answered; the row does not tell.
        """
        platform.end(["a"], after=0)
        platform.fault = lambda number, ids: PAGE if time.clock() < START + 890 else None

        event, _ = wait(row(["a"], answered=False, first_look=START - HOUR))

        assert event.outcome is Outcome.COMPLETED

    def test_early_deadline_has_it(self, platform, wait, row):
        """A deadline that comes before the 15 minutes are over names the address."""
        platform.fault = lambda number, ids: PAGE

        event, at = wait(row(["a"], answered=False, first_look=START, deadline=START + 300))

        assert (event.outcome, at <= 300 + LAST_LOOK + 1) == (Outcome.TIMEOUT, True)
        assert "check host and path of the connection" in (event.error or "")

    def test_event_comes_once(self, platform, time, row):
        platform.end(["a"], after=0)

        events = time.run(events_of(CgcJobsTrigger(**row(["a"]))))

        assert len(events) == 1
        assert isinstance(events[0], TriggerEvent)

    @pytest.mark.parametrize(("grace", "at"), [(15.0, 60.0), (300.0, 300.0)])
    def test_event_is_not_early(self, platform, wait, row, grace, at):
        platform.end(["a"], after=0)

        _, sent_at = wait(row(["a"], not_before=START + grace))

        assert at <= sent_at <= at + 1

    def test_ended_jobs_cost_nothing(self, platform, wait, row):
        event, at = wait(row([]))

        assert (event.outcome, at, platform.requests) == (Outcome.COMPLETED, 15.0, [])

    def test_many_failures_fit(self, platform, time, row, monkeypatch):
        """Ten thousand failures with long names fit into 64 KiB."""
        ids = [f"{number:032d}" for number in range(10_000)]
        platform.end(ids, after=0, state=JobState.FAILED)
        monkeypatch.setattr(platform, "_record", lambda job_id: BulkRecord(id=job_id, resource=_failed(job_id)))

        (event,) = time.run(events_of(CgcJobsTrigger(**row(ids))))

        assert len(json.dumps(event.payload).encode()) < 64 * 1024
        assert event.payload["summary"]["failed"] == 10_000

    def test_bug_has_its_traceback(self, platform, time, row):
        platform.fault = lambda number, ids: ZeroDivisionError("a bug")

        with pytest.raises(ZeroDivisionError, match="a bug"):
            time.run(events_of(CgcJobsTrigger(**row(["a"]))))

    def test_row_needs_ids(self, platform, time, row):
        with pytest.raises(ValueError, match="neither 'ids' nor 'ids_xcom'"):
            time.run(events_of(CgcJobsTrigger(**row(["a"]) | {"ids": None})))

    def test_ids_must_fit_the_state(self, platform, time, row):
        with pytest.raises(ValueError, match="does not add up"):
            time.run(events_of(CgcJobsTrigger(**row(["a"]) | {"ids": ["a", "b"]})))


def _failed(job_id):
    return ExportJob(
        id=job_id,
        state=JobState.FAILED,
        file="f" * 24,
        volume="lab/bucket",
        location="\U0001f9ec" * 256,
        properties={"sse_algorithm": "aws:kms", "sse_aws_kms_key_id": "k" * 100},
        error=Problem(409, 9107, "ä" * 500),
    )


class TestDeadlines:
    @pytest.mark.parametrize(
        ("deadlines", "outcome"),
        [
            ({"deadline": START + HOUR}, Outcome.TIMEOUT),
            ({"deadline": START + HOUR, "execution_deadline": START + 2 * HOUR}, Outcome.TIMEOUT),
            ({"deadline": START + 2 * HOUR, "execution_deadline": START + HOUR}, Outcome.EXECUTION_TIMEOUT),
        ],
        ids=["timeout", "timeout first", "execution_timeout first"],
    )
    def test_first_deadline_is_told(self, platform, wait, row, deadlines, outcome):
        platform.end(["b"], after=60)

        event, at = wait(row(["a", "b"], **deadlines))

        assert event.outcome is outcome
        assert HOUR <= at <= HOUR + 1
        assert event.summary.completed == 1

    @pytest.mark.parametrize("name", ["deadline", "execution_deadline"])
    def test_missed_one_has_a_look(self, platform, wait, row, name):
        """A deadline that passed while no triggerer ran leaves one look."""
        event, at = wait(row(some_ids(250), **{name: START - HOUR}))

        assert event.outcome in (Outcome.TIMEOUT, Outcome.EXECUTION_TIMEOUT)
        assert len(platform.requests) == 3
        assert at <= 16

    @pytest.mark.parametrize("name", ["deadline", "execution_deadline"])
    def test_ended_unseen_is_not_late(self, platform, wait, row, name):
        """Jobs that ended while no triggerer ran are not called late."""
        ids = some_ids(250)
        platform.end(ids, after=-2 * HOUR)

        event, _ = wait(row(ids, **{name: START - HOUR}))

        assert event.outcome is Outcome.COMPLETED

    def test_ended_just_now_is_in(self, platform, wait, row):
        """A job that ended between the last look and the deadline is not called late."""
        platform.end(["a"], after=HOUR - 1)

        event, _ = wait(row(["a"], deadline=START + HOUR))

        assert event.outcome is Outcome.COMPLETED

    def test_old_answer_is_not_last(self, platform, time, wait, row):
        """
        An answer under way at the deadline is not the last word.

        It was asked before the job ended; the answer after it knows better.
        """
        platform.latency = lambda ids: 10.0
        platform.end(["a"], after=65)

        event, _ = wait(row(["a"], deadline=START + 66))

        assert event.outcome is Outcome.COMPLETED

    def test_late_answer_may_suffice(self, platform, wait, row):
        """An answer under way at the deadline that tells the end is enough."""
        platform.latency = lambda ids: 10.0
        platform.end(["a"], after=50)

        event, at = wait(row(["a"], deadline=START + 66))

        assert event.outcome is Outcome.COMPLETED
        assert at <= 71

    @pytest.mark.parametrize("error", [DOWN, DROPPED], ids=["5xx", "line"])
    def test_error_is_not_the_last(self, platform, time, wait, row, error):
        ids = some_ids(250)
        platform.end(ids, after=HOUR - 1)
        failed = set()

        def fault(number, asked):
            if time.clock() < START + HOUR or asked[0] in failed:
                return None
            failed.add(asked[0])
            return error

        platform.fault = fault

        event, _ = wait(row(ids, deadline=START + HOUR))

        assert event.outcome is Outcome.COMPLETED

    def test_last_look_takes_30_s(self, platform, time, wait, row):
        platform.latency = lambda ids: 20.0 if time.clock() >= START + HOUR else 0.0
        platform.fault = lambda number, ids: DOWN if time.clock() >= START + HOUR else None

        event, at = wait(row(some_ids(250), deadline=START + HOUR))

        assert event.outcome is Outcome.TIMEOUT
        assert at <= HOUR + LAST_LOOK + 2

    def test_many_look_at_their_pace(self, platform, time, row):
        """
        The last look of many takes as long as the pace of the budget.

        Three big waits share a deadline and 80 requests in 5 minutes; a look at all of them takes 24.
        """
        platform.limit_requests(100)
        waits = [some_ids(800, f"w{number}x") for number in range(3)]
        for ids in waits:
            platform.end(ids, after=HOUR - 5)

        async def main():
            rows = [row(ids, deadline=START + HOUR) for ids in waits]
            return await asyncio.gather(*(events_of(CgcJobsTrigger(**each)) for each in rows))

        outcomes = [event.payload["outcome"] for (event,) in time.run(main())]

        assert outcomes == ["completed"] * 3
        assert 60 <= time.clock() - START - HOUR <= 120
        assert platform.refusals == 0

    def test_silence_holds_no_task(self, platform, wait, row):
        platform.latency = lambda ids: 24 * HOUR

        event, at = wait(row(["a"], deadline=START + HOUR))

        assert event.outcome is Outcome.TIMEOUT
        assert at <= HOUR + LAST_LOOK + 1

    @pytest.mark.parametrize("deadline", ["deadline", "execution_deadline"])
    def test_deadline_says_why(self, deadline, platform, wait, row):
        """A deadline without an answer says why, and with which connection."""
        platform.fault = lambda number, ids: DROPPED

        event, _ = wait(row(["a"], **{deadline: START + HOUR}))

        assert event.outcome in (Outcome.TIMEOUT, Outcome.EXECUTION_TIMEOUT)
        assert event.error == "the line dropped. This task asks with connection 'cgc_default'."

    def test_past_trouble_is_unsaid(self, platform, time, wait, row):
        platform.fault = lambda number, ids: DROPPED if time.clock() < START + 600 else None

        event, _ = wait(row(["a"], deadline=START + HOUR))

        assert event.outcome is Outcome.TIMEOUT
        assert event.error is None

    def test_event_tells_the_unsent(self, platform, wait, row):
        platform.end(["a"], after=0)
        tracker = JobTracker.of(EXPORT, ["a"])
        tracker.add_failed({"file": "f"}, Problem(None, None, "not sent"), sent=False)

        event, _ = wait(row(["a"], state=tracker.to_json()))

        assert (event.outcome, event.summary.unsent) == (Outcome.FAILED, 1)

    def test_refused_is_no_timeout(self, platform, time, wait, row):
        platform.fault = lambda number, ids: TOKEN if time.clock() >= START + HOUR else None

        event, _ = wait(row(["a"], deadline=START + HOUR))

        assert event.outcome is Outcome.ERROR
        assert "401" in (event.error or "")

    def test_foreign_is_no_timeout(self, platform, wait, row):
        """
        Another user's job that is found at the deadline is no timeout.

        ... whichever of the answers of the last look comes last.
        """
        ids = some_ids(250)
        platform.refuse(ids[:1], Problem(403, 9005, "Insufficient rights"))
        platform.latency = lambda asked: 0.0 if ids[0] in asked else 1.0

        event, _ = wait(row(ids, deadline=START - 1))

        assert event.outcome is Outcome.ERROR
        assert "use that user's connection" in (event.error or "")

    def test_failed_is_no_timeout(self, platform, wait, row):
        """A failed job that is found at the deadline is a failure when all have ended."""
        platform.end(["a"], after=HOUR - 1, state=JobState.FAILED)

        event, _ = wait(row(["a"], deadline=START + HOUR))

        assert event.outcome is Outcome.FAILED


class TestRestart:
    @pytest.mark.parametrize("stopped_at", [0.0, 30.0, 61.0, 1000.0, HOUR + 30, 2 * HOUR])
    def test_ends_the_same_elsewhere(self, platform, time, row, stopped_at):
        ids = some_ids(120)
        stored = row(ids)
        platform.end(ids[:50], after=900)
        platform.end(ids[50:60], after=HOUR, state=JobState.FAILED)
        platform.end(ids[60:119], after=2 * HOUR + 600)
        platform.refuse(ids[119:])

        async def interrupted():
            trigger = CgcJobsTrigger(**stored)
            first = asyncio.create_task(events_of(trigger))
            await asyncio.sleep(stopped_at)
            first.cancel()
            await asyncio.sleep(90)
            _, arguments = json.loads(json.dumps(trigger.serialize()))
            return await events_of(CgcJobsTrigger(**arguments))

        (event,) = time.run(interrupted())

        summary = event.payload["summary"]
        assert event.payload["outcome"] == "failed"
        assert [summary[name] for name in ("total", "completed", "failed", "missing")] == [120, 109, 10, 1]
        assert {item["id"] for item in summary["failed_items"]} == {*ids[50:60], ids[119]}
        assert 2 * HOUR + 600 <= time.clock() - START <= 2 * HOUR + 600 + 61

    def test_deadline_stays(self, platform, time, row):
        stored = row(["a"], deadline=START + HOUR)

        async def interrupted():
            trigger = CgcJobsTrigger(**stored)
            for _ in range(5):
                running = asyncio.create_task(events_of(trigger))
                await asyncio.sleep(600)
                running.cancel()
                trigger = CgcJobsTrigger(**trigger.serialize()[1])
            return await events_of(trigger)

        (event,) = time.run(interrupted())

        assert event.payload["outcome"] == "timeout"
        assert HOUR <= time.clock() - START <= HOUR + 1

    def test_overdue_looks_at_once(self, platform, time, wait, row):
        platform.end(["a"], after=0)

        _, at = wait(row(["a"], first_look=START - 1000, not_before=START - 1000))

        assert at <= 1

    def test_cancel_leaves_nothing(self, platform, time, row):
        left = []

        async def main():
            running = asyncio.create_task(events_of(CgcJobsTrigger(**row(["a"]))))
            await asyncio.sleep(100)
            running.cancel()
            await asyncio.sleep(1)
            left.extend(asyncio.all_tasks() - {asyncio.current_task()})

        time.run(main())

        assert left == []
        assert [client.closed for client in platform.clients] == [1]


class TestIdsInXCom:
    ADDRESS = {"dag_id": "d", "task_id": "t", "run_id": "r", "map_index": 3, "key": "cgc_ids"}

    @pytest.fixture
    def read_from(self, monkeypatch):
        """Let the XCom hold a value; give the addresses that were read."""
        addresses = []

        def hold(value):
            def read(address):
                addresses.append(dict(address))
                return value

            monkeypatch.setattr(xcom, "read_xcom", read)
            return addresses

        return hold

    def test_many_ids_are_read_there(self, platform, wait, row, read_from):
        """More ids than fit into the row are read from there."""
        ids = some_ids(2500)
        addresses = read_from(ids)
        platform.end(ids, after=0)

        event, _ = wait(row(ids) | {"ids": None, "ids_xcom": self.ADDRESS})

        assert addresses == [self.ADDRESS]
        assert (event.outcome, event.summary.completed) == (Outcome.COMPLETED, 2500)

    def test_long_list_has_parts(self, monkeypatch):
        ti = TaskInstance("t", dag_id="d", run_id="r", map_index=3)
        ids = some_ids(10_000, "as-long-as-an-id-of-32-char-")

        address = xcom.push_ids(ti, "cgc_ids", ids)

        assert address == {**self.ADDRESS, "parts": 7}
        assert max(len(json.dumps(part)) for part in ti.xcoms.values()) < 64 * 1024
        monkeypatch.setattr(xcom, "read_xcom", lambda address: ti.xcoms[address["key"]])
        assert xcom.read_ids(address) == ids
        assert xcom.push_ids(ti, "cgc_ids", ids[:10]) == self.ADDRESS

    def test_row_stays_small(self, row):
        ids = some_ids(10_000)

        _, arguments = CgcJobsTrigger(**row(ids) | {"ids": None, "ids_xcom": self.ADDRESS}).serialize()

        assert len(json.dumps(arguments)) < 2000

    def test_lost_xcom_is_a_bug(self, platform, time, row, read_from):
        read_from(None)

        with pytest.raises(ValueError, match="is gone; clear the task"):
            time.run(events_of(CgcJobsTrigger(**row(["a"]) | {"ids": None, "ids_xcom": self.ADDRESS})))


class TestLog:
    def test_six_hours_in_20_lines(self, platform, wait, row, records):
        ids = some_ids(300)
        for number, job_id in enumerate(ids):
            state = JobState.FAILED if number == 200 else JobState.COMPLETED
            platform.end([job_id], after=6 * HOUR * (number + 1) / 300, state=state)

        event, at = wait(row(ids))

        assert event.outcome is Outcome.FAILED
        assert 6 * HOUR <= at <= 6 * HOUR + 61
        assert 10 <= len(records()) <= 20
        assert {record.threadName for record in records()} == {"MainThread"}

    def test_trouble_is_said_once(self, platform, time, wait, row, lines):
        """Trouble is said once, and so is its end."""
        platform.end(["a"], after=0)
        platform.fault = lambda number, ids: MAINTENANCE if time.clock() < START + 1000 else None

        wait(row(["a"]))

        trouble, recovered = lines()[:2]
        assert "in maintenance" in trouble
        assert "This task asks with connection 'cgc_default'. The jobs are not affected; looking again in" in trouble
        assert recovered.startswith("The platform answers again after")

    def test_waits_speak_for_themselves(self, platform, time, row, monkeypatch):
        """Airflow routes a line to the log of the task in whose context it is written."""
        whose = contextvars.ContextVar("whose", default="nobody's")
        said = []

        def note(line, *arguments):
            said.append((whose.get(), (line % arguments).split()[0]))

        monkeypatch.setattr(CgcJobsTrigger, "log", SimpleNamespace(info=note, warning=note), raising=False)
        platform.end(some_ids(3, "one") + some_ids(7, "two"), after=30 * 60)

        async def task(name, ids):
            whose.set(name)
            await events_of(CgcJobsTrigger(**row(ids)))

        async def main():
            await asyncio.gather(task("first", some_ids(3, "one")), task("second", some_ids(7, "two")))

        time.run(main())

        assert set(said) == {("first", "3"), ("second", "7")}

    def test_kill_tells_the_outlook(self, time, row, lines):
        time.run(CgcJobsTrigger(**row(["a"])).on_kill())

        assert len(lines()) == 1
        assert "None of its exports was cancelled" in lines()[0]


class TestSharing:
    def test_waits_share_requests(self, platform, time, row):
        waits = [some_ids(2, f"w{number}x") for number in range(250)]
        for ids in waits:
            platform.end(ids, after=HOUR)

        async def main():
            return await asyncio.gather(*(events_of(CgcJobsTrigger(**row(ids))) for ids in waits))

        events = time.run(main())

        assert all(len(each) == 1 and each[0].payload["outcome"] == "completed" for each in events)
        sweeps = HOUR / 57
        assert len(platform.requests) <= 5 * (sweeps + 2)
        assert platform.connects <= 7

    def test_cancelled_costs_nothing(self, platform, time, row):
        platform.end(["stays"], after=HOUR)

        async def main():
            gone = asyncio.create_task(events_of(CgcJobsTrigger(**row(["gone"]))))
            stays = asyncio.create_task(events_of(CgcJobsTrigger(**row(["stays"]))))
            await asyncio.sleep(200)
            gone.cancel()
            await stays

        time.run(main())

        assert 0 < max(platform.asked("gone")) < 200

    def test_loop_is_never_blocked(self, platform, time, row):
        """The platform takes seconds to answer, in threads; a heartbeat on the loop keeps its beat."""
        platform.latency = lambda ids: 7.0
        platform.end(some_ids(300), after=600)
        beats = []

        async def heart():
            while True:
                await asyncio.sleep(1)
                beats.append(time.clock())

        async def main():
            beating = asyncio.create_task(heart())
            await events_of(CgcJobsTrigger(**row(some_ids(300))))
            beating.cancel()

        time.run(main())

        assert len(beats) >= 590
        assert max(later - earlier for earlier, later in pairwise(beats)) <= 1.01
        assert all(request.thread.startswith("cgc-poller") for request in platform.requests)

    def test_clients_make_one_attempt(self, time, row, monkeypatch):
        """The clients of the poller make one attempt per call and never sleep."""
        made = []

        class Client:
            def __init__(self, settings, *, patience):
                made.append((settings, patience))
                self.budget = RateBudget(share=1)

            def close(self):
                pass

        settings = Settings(token="a-made-up-token")

        async def aget_settings(conn_id):
            assert conn_id == "cgc_default"
            return settings

        monkeypatch.setattr(trigger_module.CgcHook, "aget_settings", aget_settings)
        monkeypatch.setattr("airflow_provider_cgc.client.CgcClient", Client, raising=False)

        async def main():
            poller = CgcJobsTrigger(**row(["a"]))._make_poller(Threads())
            await poller._connection._client.get()
            poller.close()

        time.run(main())

        assert made == [(settings, 0)]

    @pytest.mark.parametrize("error", [CgcSettingsError("connection 'cgc_default'", "is not defined"), OSError("away")])
    def test_lost_connection_returns(self, time, monkeypatch, error):
        """
        A connection that cannot be looked up at first is looked up again.

        Airflow says "not found" of a database that is away for a moment, too.
        """
        looks = []

        async def aget_settings(conn_id):
            looks.append(time.clock())
            if len(looks) < 10:
                raise error
            return Settings(token="a-made-up-token")

        monkeypatch.setattr(trigger_module.CgcHook, "aget_settings", aget_settings)

        client = time.run(trigger_module.connect("cgc_default"))
        client.close()

        assert len(looks) == 10
        assert looks[-1] - looks[0] <= 60

    def test_gone_after_two_minutes(self, time, monkeypatch):
        """A connection that stays away for two minutes is believed to be gone."""

        async def aget_settings(conn_id):
            raise not_found(conn_id)

        monkeypatch.setattr(trigger_module.CgcHook, "aget_settings", aget_settings)

        with pytest.raises(CgcSettingsError, match="is not defined where the triggerer runs, although"):
            time.run(trigger_module.connect("cgc_default"))

        assert 110 <= time.clock() - START <= 130


def test_known_in_time_is_awaited(platform, time, wait, row):
    platform.refuse(["new"])
    platform.end(["new"], after=600)

    def fault(number, ids):
        if time.clock() > START + 150:
            platform.admit(["new"])

    platform.fault = fault

    event, _ = wait(row(["new"]))

    assert event.outcome is Outcome.COMPLETED
