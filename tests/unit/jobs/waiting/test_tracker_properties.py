"""However often a wait is interrupted, it ends as if it had never been."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models import JobState
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from dev.virtual_time import START
from tests.fakes.platform import UNKNOWN, job

IDS = ["a", "b", "c", "d", "e"]
INTERVAL = 60.0

PROBLEMS = [UNKNOWN, Problem(500, None, "oops"), Problem(403, 9005, "no"), Problem(400, 9011, "what?")]

resources = st.builds(
    lambda job_id, state, started, took, size: BulkRecord(
        id=job_id,
        resource=job(
            job_id,
            state,
            started=None if started is None else START + started,
            finished=None if started is None or not state.done else START + started + took,
            size=size,
            state_text="PAUSED" if state is JobState.UNKNOWN else "",
        ),
    ),
    st.sampled_from([*IDS, "another"]),
    st.sampled_from(list(JobState)),
    st.none() | st.integers(-100_000, 100_000),
    st.integers(0, 10_000),
    st.none() | st.integers(0, 10**13),
)
refusals = st.builds(
    lambda job_id, problem: BulkRecord(id=job_id, error=problem), st.sampled_from(IDS), st.sampled_from(PROBLEMS)
)
looks = st.lists(
    st.tuples(st.floats(1, 500), st.lists(resources | refusals, max_size=6), st.booleans()),
    max_size=25,
)


def follow(looks, *, fail_fast, interrupted):
    """Take look after look until there is a verdict, as every caller does."""
    tracker, now, notes = JobTracker.of(EXPORT, IDS), START, []
    for pause, records, cut in looks:
        now += pause
        tracker.take(records, now)
        tracker.close_missing(now, interval=INTERVAL)
        notes += tracker.drain_notes()
        if tracker.verdict(fail_fast=fail_fast) is not None:
            break
        if cut and interrupted:
            tracker = JobTracker.from_json(json.loads(json.dumps(tracker.to_json())), list(tracker.open))
    return tracker.summary(), tracker.verdict(fail_fast=fail_fast), sorted(tracker.open), tracker.denial, notes


@given(looks=looks, fail_fast=st.booleans())
def test_cut_wait_ends_the_same(looks, fail_fast):
    """A wait cut at any moment ends like one that was not."""
    assert follow(looks, fail_fast=fail_fast, interrupted=True) == follow(looks, fail_fast=fail_fast, interrupted=False)


@given(looks=looks)
def test_id_is_in_one_place(looks):
    tracker, now = JobTracker.of(EXPORT, IDS), START
    for pause, records, _ in looks:
        now += pause
        tracker.take(records, now)
        tracker.close_missing(now, interval=INTERVAL)

        assert len(tracker.open) + tracker.completed + tracker.failed + tracker.missing == len(IDS)
        assert len(tracker.summary().failed_items) == tracker.failed + tracker.missing
        assert set(tracker.unknown) <= set(tracker.open)


@given(text=st.text(max_size=30))
def test_made_up_state_is_no_end(text):
    """Only the two documented ends are ends: whatever else the platform says, the job is active."""
    from airflow_provider_cgc.client.models import ExportJob

    tracker = JobTracker.of(EXPORT, ["a"])

    tracker.take([BulkRecord(id="a", resource=ExportJob.from_json({"id": "a", "state": text}))], START)

    ended = text.strip().upper() in ("COMPLETED", "FAILED")
    assert (not tracker.open) == ended
