"""The facts about the jobs of one wait, and the verdict that follows from them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models import JobState
from airflow_provider_cgc.jobs.kinds import EXPORT, KINDS
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import LONG_PENDING, JobTracker
from dev.virtual_time import START
from tests.fakes.platform import UNKNOWN, job, some_ids

NOW = START
INTERVAL = 60.0
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=str)


@pytest.fixture
def tracker():
    return JobTracker.of(EXPORT, ["a", "b", "c"])


def seen(job_id, state=JobState.RUNNING, **fields):
    return BulkRecord(id=job_id, resource=job(job_id, state, **fields))


def refused(job_id, problem=UNKNOWN):
    return BulkRecord(id=job_id, error=problem)


def completed(*ids):
    return [seen(job_id, JobState.COMPLETED) for job_id in ids]


def counts(tracker):
    return (len(tracker.open), tracker.completed, tracker.failed, tracker.missing)


def test_duplicates_count_once():
    tracker = JobTracker.of(EXPORT, ["a", "b", "a"])

    assert (tracker.total, list(tracker.open)) == (2, ["a", "b"])


@every_kind
@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (JobState.PENDING, (3, 0, 0, 0)),
        (JobState.RUNNING, (3, 0, 0, 0)),
        (JobState.UNKNOWN, (3, 0, 0, 0)),
        (JobState.COMPLETED, (2, 1, 0, 0)),
        (JobState.FAILED, (2, 0, 1, 0)),
    ],
)
def test_states_are_counted(kind, state, expected):
    tracker = JobTracker.of(kind, ["a", "b", "c"])

    tracker.take([seen("a", state, kind=kind)], NOW)

    assert counts(tracker) == expected


def test_states_are_complete():
    assert {state.value for state in JobState} == {"PENDING", "RUNNING", "UNKNOWN", "COMPLETED", "FAILED"}


@pytest.mark.parametrize(
    ("ends", "fail_fast", "outcome"),
    [
        ("", False, None),
        ("CC", False, None),
        ("CF", False, None),
        ("CF", True, Outcome.FAILED),
        ("CCC", False, Outcome.COMPLETED),
        ("CCC", True, Outcome.COMPLETED),
        ("CFC", False, Outcome.FAILED),
        ("FFF", False, Outcome.FAILED),
    ],
)
def test_verdict_waits_for_all(tracker, ends, fail_fast, outcome):
    """The verdict waits for all jobs unless failing fast."""
    state = {"C": JobState.COMPLETED, "F": JobState.FAILED}

    tracker.take([seen(job_id, state[end]) for job_id, end in zip("abc", ends, strict=False)], NOW)

    assert tracker.verdict(fail_fast=fail_fast) is outcome


def test_no_jobs_are_completed():
    assert JobTracker.of(EXPORT, []).verdict(fail_fast=False) is Outcome.COMPLETED


def test_ended_never_changes(tracker):
    tracker.take(completed("a"), NOW)

    tracker.take([seen("a", JobState.FAILED), seen("a"), refused("a"), *completed("a")], NOW + 1)

    assert counts(tracker) == (2, 1, 0, 0)


@pytest.mark.parametrize(
    "record",
    [BulkRecord(id="another", resource=job("another", JobState.FAILED)), BulkRecord(id=None), BulkRecord(id="a")],
    ids=["another's", "nameless", "empty"],
)
def test_stranger_changes_nothing(tracker, record):
    """A record that is about none of the open jobs changes nothing."""
    tracker.take([record], NOW)

    assert counts(tracker) == (3, 0, 0, 0)


class TestUnknownIds:
    def test_missing_after_three(self, tracker):
        """An id is missing after three intervals by the clock."""
        for second in (0, 60, 120, 180):
            tracker.take([refused("a")], NOW + second)
            tracker.close_missing(NOW + second, interval=INTERVAL)
        before = counts(tracker)

        tracker.take([refused("a")], NOW + 181)
        tracker.close_missing(NOW + 181, interval=INTERVAL)

        assert (before, counts(tracker)) == ((3, 0, 0, 0), (2, 0, 0, 1))

    def test_looks_make_none_missing(self, tracker):
        """Many looks in a short time do not make an id missing."""
        for look in range(100):
            tracker.take([refused("a")], NOW + look)
            tracker.close_missing(NOW + look, interval=INTERVAL)

        assert counts(tracker) == (3, 0, 0, 0)

    def test_outage_makes_none_missing(self, tracker):
        """An outage does not make an id missing that nobody could ask for."""
        tracker.take([refused("a")], NOW)

        tracker.take([seen("b")], NOW + 3600)
        tracker.close_missing(NOW + 3600, interval=INTERVAL)

        assert counts(tracker) == (3, 0, 0, 0)

    def test_missing_after_an_outage(self, tracker):
        """An id that is still unknown after an outage is missing."""
        tracker.take([refused("a")], NOW)

        tracker.take([refused("a")], NOW + 3600)
        tracker.close_missing(NOW + 3600, interval=INTERVAL)

        assert counts(tracker) == (2, 0, 0, 1)

    def test_known_starts_anew(self, tracker):
        """The three intervals begin anew when an id was known in between."""
        for second, record in ((0, refused("a")), (120, seen("a")), (150, refused("a")), (300, refused("a"))):
            tracker.take([record], NOW + second)
            tracker.close_missing(NOW + second, interval=INTERVAL)

        assert counts(tracker) == (3, 0, 0, 0)

    def test_no_memory_counts_first(self, tracker):
        """Without any memory the first look of all counts."""
        tracker.unknown_from = NOW - 200

        tracker.take([refused("a")], NOW)

        assert tracker.overdue(NOW, interval=INTERVAL) == ["a"]

    @every_kind
    def test_missing_has_its_name(self, kind):
        tracker = JobTracker.of(kind, ["a", "b"])
        for at in (NOW, NOW + 181):
            tracker.take([refused("b")], at)

        tracker.close_missing(NOW + 181, interval=INTERVAL)

        assert tracker.summary().failed_items == [
            {
                "id": "b",
                kind.subject: None,
                "code": 9008,
                "message": f"The platform does not know this {kind.name} job.",
            }
        ]

    def test_missing_has_its_id(self):
        """A missing job of a kind that moves nothing is told by its id. A task, for one."""
        task = replace(EXPORT, name="task", plural="tasks", cancellable=True, subject="")
        tracker = JobTracker.of(task, ["a"])
        for at in (NOW, NOW + 181):
            tracker.take([refused("a")], at)

        tracker.close_missing(NOW + 181, interval=INTERVAL)

        [item] = tracker.summary().failed_items
        assert (set(item), item[task.title]) == ({"id", "code", "message", task.title}, None)

    @pytest.mark.parametrize(
        ("problem", "told"),
        [
            (UNKNOWN, (9008, "The platform does not know this export job.")),
            (Problem(400, 9011, "Request syntax is not valid."), (9011, "Request syntax is not valid.")),
        ],
        ids=["unknown", "another permanent error"],
    )
    def test_missing_has_its_reason(self, tracker, problem, told):
        """A missing id is told with the platform's own words."""
        for at in (NOW, NOW + 181):
            tracker.take([refused("a", problem)], at)

        tracker.close_missing(NOW + 181, interval=INTERVAL)

        item = tracker.summary().failed_items[0]
        assert (item["code"], item["message"]) == told

    def test_unknown_state_is_small(self):
        ids = some_ids(10_000)
        tracker = JobTracker.of(EXPORT, ids)

        tracker.take([refused(job_id) for job_id in ids], NOW)

        assert len(json.dumps(tracker.to_json())) < 5_000
        assert JobTracker.from_json(tracker.to_json(), ids).unknown.keys() == set(ids)

    def test_missing_is_a_failure(self):
        tracker = JobTracker.of(EXPORT, ["a"])
        tracker.take([refused("a")], NOW)
        tracker.take([refused("a")], NOW + 181)

        tracker.close_missing(NOW + 181, interval=INTERVAL)

        assert tracker.verdict(fail_fast=False) is Outcome.FAILED

    def test_unknown_since_is_kept(self, tracker):
        """The time since when an id is unknown survives a restart."""
        tracker.take([refused("a")], NOW)
        again = JobTracker.from_json(json.loads(json.dumps(tracker.to_json())), tracker.open)

        again.take([refused("a")], NOW + 181)

        assert again.overdue(NOW + 181, interval=INTERVAL) == ["a"]

    @pytest.mark.parametrize(
        "problem",
        [
            Problem(500, None, "oops"),
            Problem(503, 0, "maintenance"),
            Problem(429, 1000, "slow down"),
            Problem(500, 9000, "down"),
            Problem(None, 9100, "storage"),
        ],
        ids=str,
    )
    def test_passing_error_stays_open(self, tracker, problem):
        """A record whose error may pass leaves its job open for ever."""
        for hour in range(24):
            tracker.take([refused("a", problem)], NOW + hour * 3600)
            tracker.close_missing(NOW + hour * 3600, interval=INTERVAL)

        assert counts(tracker) == (3, 0, 0, 0)
        assert tracker.verdict(fail_fast=True) is None


class TestDenied:
    def test_ends_the_wait_at_once(self, tracker):
        tracker.take([*completed("a"), refused("b", Problem(403, 9005, "Insufficient rights."))], NOW)

        assert tracker.verdict(fail_fast=False) is Outcome.ERROR

    @every_kind
    def test_names_job_and_remedy(self, kind):
        tracker = JobTracker.of(kind, ["a", "b"])

        tracker.take([refused("b", Problem(403, 9005, "Insufficient rights"))], NOW)

        assert tracker.denial is not None
        assert tracker.denial.startswith(
            f"The platform does not show {kind.name} b to this user (9005: Insufficient rights)."
        )
        assert "use that user's connection" in tracker.denial

    def test_only_after_a_denial(self, tracker):
        tracker.take([refused("b")], NOW)

        assert tracker.denial is None

    def test_outranks_failed(self, tracker):
        tracker.take([seen("a", JobState.FAILED), refused("b", Problem(403, None, "no"))], NOW)

        assert tracker.verdict(fail_fast=True) is Outcome.ERROR


class TestNotes:
    @every_kind
    def test_odd_state_is_noted_once(self, kind):
        paused = {"state": JobState.UNKNOWN, "state_text": "PAUSED", "kind": kind}
        tracker = JobTracker.of(kind, ["a", "b", "c"])

        tracker.take([seen("a", **paused), seen("b", **paused)], NOW)
        first = tracker.drain_notes()
        tracker.take([seen("a", **paused), seen("c", **paused)], NOW + 60)

        assert len(first) == 1
        assert "'PAUSED'" in first[0]
        assert f"{kind.name} a" in first[0]
        assert tracker.drain_notes() == []

    def test_each_odd_state_is_noted(self, tracker):
        tracker.take([seen(x, JobState.UNKNOWN, state_text=x.upper()) for x in "ab"], NOW)

        assert len(tracker.drain_notes()) == 2

    @pytest.mark.parametrize(("after", "notes"), [(LONG_PENDING, 0), (LONG_PENDING + 1, 1)])
    def test_long_pending_is_noted(self, tracker, after, notes):
        tracker.take([seen("a", JobState.PENDING, started=NOW)], NOW + after)

        assert len(tracker.drain_notes()) == notes

    def test_pending_is_noted_once(self, tracker):
        for hour in (7, 8, 9):
            tracker.take([seen(x, JobState.PENDING, started=NOW) for x in "abc"], NOW + hour * 3600)

        (note,) = tracker.drain_notes()
        assert "export a has been PENDING since 2025-06-15" in note
        assert "more than 6 hours" in note

    def test_running_is_not_noted(self, tracker):
        tracker.take([seen("a", started=NOW)], NOW + 48 * 3600)

        assert tracker.drain_notes() == []

    def test_restart_notes_nothing(self, tracker):
        tracker.take([seen("a", JobState.UNKNOWN, state_text="PAUSED")], NOW)
        tracker.drain_notes()
        again = JobTracker.from_json(json.loads(json.dumps(tracker.to_json())), tracker.open)

        again.take([seen("a", JobState.UNKNOWN, state_text="PAUSED")], NOW + 60)

        assert again.drain_notes() == []
