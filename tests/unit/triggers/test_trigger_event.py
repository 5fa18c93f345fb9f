"""The trigger's one event: when it comes, and what it says."""

from __future__ import annotations

import json

import pytest
from airflow.triggers.base import TriggerEvent

from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models import ExportJob, JobState
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger
from dev.virtual_time import START
from tests.fakes.errors import DOWN, DROPPED, LIMITED, MAINTENANCE, TOKEN
from tests.fakes.platform import job, some_ids
from tests.unit.triggers.tasks_trigger import HOUR, events_of


def test_all_jobs_completed(platform, wait, row):
    ids = some_ids(250)
    platform.end(ids, after=2 * HOUR)

    event, at = wait(row(ids))

    assert event.outcome is Outcome.COMPLETED
    assert (event.summary.total, event.summary.completed, event.summary.bytes) == (250, 250, 250_000)
    assert 2 * HOUR <= at <= 2 * HOUR + 61


def test_ended_before_counts(platform, wait, row):
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
def test_failed_job_ends_the_wait(platform, wait, row, fail_fast, ends_at):
    """A failed job ends the wait when all have ended or at once."""
    platform.end(["bad"], after=HOUR, state=JobState.FAILED)
    platform.end(["good"], after=2 * HOUR)

    event, at = wait(row(["bad", "good"], fail_fast=fail_fast))

    assert event.outcome is Outcome.FAILED
    assert [item["id"] for item in event.summary.failed_items] == ["bad"]
    assert ends_at <= at <= ends_at + 61


def test_missing_after_three(platform, wait, row):
    """An id that stays unknown is missing after three intervals."""
    platform.refuse(["gone"])
    platform.end(["good"], after=0)

    event, at = wait(row(["gone", "good"]))

    assert (event.outcome, event.summary.missing) == (Outcome.FAILED, 1)
    assert 60 + 180 <= at <= 60 + 180 + 61


def test_missing_is_asked_no_more(platform, wait, row):
    platform.refuse(["gone"])
    platform.end(["good"], after=HOUR)

    wait(row(["gone", "good"]))

    assert max(platform.asked("gone")) < 320


def test_outage_makes_none_missing(platform, time, wait, row):
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


def test_known_in_time_is_awaited(platform, time, wait, row):
    platform.refuse(["new"])
    platform.end(["new"], after=600)

    def fault(number, ids):
        if time.clock() > START + 150:
            platform.admit(["new"])

    platform.fault = fault

    event, _ = wait(row(["new"]))

    assert event.outcome is Outcome.COMPLETED


def test_foreign_has_a_remedy(platform, wait, row):
    """Another user's job is an error that names the remedy."""
    platform.refuse(["theirs"], Problem(403, 9005, "Insufficient rights"))

    event, at = wait(row(["theirs", "mine"]))

    assert event.outcome is Outcome.ERROR
    assert "export theirs" in (event.error or "")
    assert "use that user's connection" in (event.error or "")
    assert at < 62


def test_refused_token_is_reread(platform, wait, row):
    """A refused token is an error after the connection was read once more."""
    platform.fault = lambda number, ids: TOKEN

    event, _ = wait(row(["a"]))

    assert event.outcome is Outcome.ERROR
    assert "401" in (event.error or "")
    assert (event.error or "").endswith((".", ")."))
    assert platform.connects == 2


@pytest.mark.parametrize("error", [DOWN, MAINTENANCE, LIMITED, DROPPED], ids=["5xx", "maintenance", "429", "line"])
def test_passing_is_waited_out(platform, time, wait, row, error):
    platform.end(["a"], after=HOUR)
    platform.fault = lambda number, ids: error if time.clock() < START + 5 * HOUR else None

    event, at = wait(row(["a"]))

    assert event.outcome is Outcome.COMPLETED
    assert 5 * HOUR <= at <= 5 * HOUR + 311


def test_event_comes_once(platform, time, row):
    platform.end(["a"], after=0)

    events = time.run(events_of(CgcJobsTrigger(**row(["a"]))))

    assert len(events) == 1
    assert isinstance(events[0], TriggerEvent)


@pytest.mark.parametrize(("grace", "at"), [(15.0, 60.0), (300.0, 300.0)])
def test_event_is_not_early(platform, wait, row, grace, at):
    platform.end(["a"], after=0)

    _, sent_at = wait(row(["a"], not_before=START + grace))

    assert at <= sent_at <= at + 1


def test_ended_jobs_cost_nothing(platform, wait, row):
    event, at = wait(row([]))

    assert (event.outcome, at, platform.requests) == (Outcome.COMPLETED, 15.0, [])


def test_many_failures_fit(platform, time, row, monkeypatch):
    """Ten thousand failures with long names fit into 64 KiB."""
    ids = [f"{number:032d}" for number in range(10_000)]
    platform.end(ids, after=0, state=JobState.FAILED)
    monkeypatch.setattr(platform, "_record", lambda job_id: BulkRecord(id=job_id, resource=_failed(job_id)))

    (event,) = time.run(events_of(CgcJobsTrigger(**row(ids))))

    assert len(json.dumps(event.payload).encode()) < 64 * 1024
    assert event.payload["summary"]["failed"] == 10_000


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


def test_bug_has_its_traceback(platform, time, row):
    platform.fault = lambda number, ids: ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        time.run(events_of(CgcJobsTrigger(**row(["a"]))))
