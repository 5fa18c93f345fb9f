"""A deadline ends a wait with one last look, and says why."""

from __future__ import annotations

import asyncio

import pytest

from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.client.models import JobState
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.triggers.jobs import LAST_LOOK, CgcJobsTrigger
from dev.virtual_time import START
from tests.fakes.errors import DOWN, DROPPED, TOKEN
from tests.fakes.platform import some_ids
from tests.unit.triggers.tasks_trigger import HOUR, events_of


@pytest.mark.parametrize(
    ("deadlines", "outcome"),
    [
        ({"deadline": START + HOUR}, Outcome.TIMEOUT),
        ({"deadline": START + HOUR, "execution_deadline": START + 2 * HOUR}, Outcome.TIMEOUT),
        ({"deadline": START + 2 * HOUR, "execution_deadline": START + HOUR}, Outcome.EXECUTION_TIMEOUT),
    ],
    ids=["timeout", "timeout first", "execution_timeout first"],
)
def test_first_deadline_is_told(platform, wait, row, deadlines, outcome):
    platform.end(["b"], after=60)

    event, at = wait(row(["a", "b"], **deadlines))

    assert event.outcome is outcome
    assert HOUR <= at <= HOUR + 1
    assert event.summary.completed == 1


@pytest.mark.parametrize("name", ["deadline", "execution_deadline"])
def test_missed_one_has_a_look(platform, wait, row, name):
    """A deadline that passed while no triggerer ran leaves one look."""
    event, at = wait(row(some_ids(250), **{name: START - HOUR}))

    assert event.outcome in (Outcome.TIMEOUT, Outcome.EXECUTION_TIMEOUT)
    assert len(platform.requests) == 3
    assert at <= 16


@pytest.mark.parametrize("name", ["deadline", "execution_deadline"])
def test_ended_unseen_is_not_late(platform, wait, row, name):
    """Jobs that ended while no triggerer ran are not called late."""
    ids = some_ids(250)
    platform.end(ids, after=-2 * HOUR)

    event, _ = wait(row(ids, **{name: START - HOUR}))

    assert event.outcome is Outcome.COMPLETED


def test_deadline_before_a_look(platform, wait, row):
    """An interval that is longer than the timeout does not put the end off: the last look comes with the deadline."""
    event, at = wait(row(["a"], poke_interval=600.0, first_look=START + 600, deadline=START + 60))

    assert event.outcome is Outcome.TIMEOUT
    assert [round(look) for look in platform.asked("a")] == [60]
    assert 60 <= at <= 61


def test_ended_just_now_is_in(platform, wait, row):
    """A job that ended between the last look and the deadline is not called late."""
    platform.end(["a"], after=HOUR - 1)

    event, _ = wait(row(["a"], deadline=START + HOUR))

    assert event.outcome is Outcome.COMPLETED


def test_old_answer_is_not_last(platform, time, wait, row):
    """
    An answer under way at the deadline is not the last word.

    It was asked before the job ended; the answer after it knows better.
    """
    platform.latency = lambda ids: 10.0
    platform.end(["a"], after=65)

    event, _ = wait(row(["a"], deadline=START + 66))

    assert event.outcome is Outcome.COMPLETED


def test_late_answer_may_suffice(platform, wait, row):
    """An answer under way at the deadline that tells the end is enough."""
    platform.latency = lambda ids: 10.0
    platform.end(["a"], after=50)

    event, at = wait(row(["a"], deadline=START + 66))

    assert event.outcome is Outcome.COMPLETED
    assert at <= 71


@pytest.mark.parametrize("error", [DOWN, DROPPED], ids=["5xx", "line"])
def test_error_is_not_the_last(platform, time, wait, row, error):
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


def test_last_look_takes_30_s(platform, time, wait, row):
    platform.latency = lambda ids: 20.0 if time.clock() >= START + HOUR else 0.0
    platform.fault = lambda number, ids: DOWN if time.clock() >= START + HOUR else None

    event, at = wait(row(some_ids(250), deadline=START + HOUR))

    assert event.outcome is Outcome.TIMEOUT
    assert at <= HOUR + LAST_LOOK + 2


def test_many_look_at_their_pace(platform, time, row):
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


def test_silence_holds_no_task(platform, wait, row):
    platform.latency = lambda ids: 24 * HOUR

    event, at = wait(row(["a"], deadline=START + HOUR))

    assert event.outcome is Outcome.TIMEOUT
    assert at <= HOUR + LAST_LOOK + 1


@pytest.mark.parametrize("deadline", ["deadline", "execution_deadline"])
def test_deadline_says_why(deadline, platform, wait, row):
    """A deadline without an answer says why, and with which connection."""
    platform.fault = lambda number, ids: DROPPED

    event, _ = wait(row(["a"], **{deadline: START + HOUR}))

    assert event.outcome in (Outcome.TIMEOUT, Outcome.EXECUTION_TIMEOUT)
    assert event.error == "the line dropped. This task asks with connection 'cgc_default'."


def test_past_trouble_is_unsaid(platform, time, wait, row):
    platform.fault = lambda number, ids: DROPPED if time.clock() < START + 600 else None

    event, _ = wait(row(["a"], deadline=START + HOUR))

    assert event.outcome is Outcome.TIMEOUT
    assert event.error is None


def test_event_tells_the_unsent(platform, wait, row):
    platform.end(["a"], after=0)
    tracker = JobTracker.of(EXPORT, ["a"])
    tracker.add_failed({"file": "f"}, Problem(None, None, "not sent"), sent=False)

    event, _ = wait(row(["a"], state=tracker.to_json()))

    assert (event.outcome, event.summary.unsent) == (Outcome.FAILED, 1)


def test_refused_is_no_timeout(platform, time, wait, row):
    platform.fault = lambda number, ids: TOKEN if time.clock() >= START + HOUR else None

    event, _ = wait(row(["a"], deadline=START + HOUR))

    assert event.outcome is Outcome.ERROR
    assert "401" in (event.error or "")


def test_foreign_is_no_timeout(platform, wait, row):
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


def test_failed_is_no_timeout(platform, wait, row):
    """A failed job that is found at the deadline is a failure when all have ended."""
    platform.end(["a"], after=HOUR - 1, state=JobState.FAILED)

    event, _ = wait(row(["a"], deadline=START + HOUR))

    assert event.outcome is Outcome.FAILED
