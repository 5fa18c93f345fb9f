"""Odd moments and sizes in the platform's answers, and in items: no display may end what has been sent."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_cgc.client.errors.problem import BulkRecord
from airflow_provider_cgc.client.models import ExportJob
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.submitting.manifest import read_outcomes
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, ItemState, with_job
from airflow_provider_cgc.jobs.text import clock_time, duration, human_bytes
from airflow_provider_cgc.jobs.waiting.progress_log import progress
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.summary import Outcome, closing_line
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker

MOMENTS = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-12:00",
    "1969-12-31T23:59:59",
    "",
    "soon",
    0,
    10**400,
]
SIZES = [-1, 0, 10**18, 10**19, 10**400, "10", "-1", 1.5, math.inf, math.nan, True, None]


def job(state: str, *, moment: Any, size: Any) -> ExportJob:
    raw = {
        "id": "a",
        "state": state,
        "started_on": moment,
        "finished_on": moment,
        "source": {"file": "f"},
        "destination": {"volume": "lab/bucket", "location": "f.bam"},
        "result": {"id": "f", "size": size},
    }
    return ExportJob.from_json(raw)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size)[:20])
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: str(moment)[:30])
def test_odd_answer_is_told(moment: Any, size: Any) -> None:
    now = datetime.now(UTC).timestamp()
    tracker, view = JobTracker.of(EXPORT, ["a"]), LiveView(EXPORT, since=now, interval=60)

    for state in ("RUNNING", "PENDING", "COMPLETED"):
        records = [BulkRecord("a", job(state, moment=moment, size=size))]
        view.take(records, tracker.open)
        tracker.take(records, now)
        json.dumps(view.snapshot(tracker, now), allow_nan=False)
        progress(tracker)
    summary = tracker.summary()

    json.dumps([summary.to_json(), view.final(summary, now, outcome=Outcome.COMPLETED)], allow_nan=False)
    assert closing_line(summary).startswith("1 of 1 export")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size)[:20])
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: str(moment)[:30])
def test_odd_answer_is_written(moment: Any, size: Any) -> None:
    sent = ItemOutcome(item=ExportItem("f"), id="a", state=ItemState.SUBMITTED)

    line = with_job(EXPORT, sent, job("COMPLETED", moment=moment, size=size), None).to_line()

    [found] = read_outcomes([line], name="m.jsonl", of=ExportItem).outcomes
    assert (found.id, found.state.value) == ("a", "COMPLETED")


@pytest.mark.parametrize("count", [-5, 0, 10**400, math.inf, math.nan], ids=lambda count: str(count)[:20])
def test_any_bytes_have_a_text(count: float) -> None:
    assert human_bytes(count)


@pytest.mark.parametrize("seconds", [-1e300, 0, 1e300, math.inf, -math.inf, math.nan])
def test_any_time_has_a_text(seconds: float) -> None:
    assert duration(seconds)
    assert clock_time(seconds)


def test_odd_moment_is_in_seconds() -> None:
    assert clock_time(86_400 * 999_999_999.0) == "8.64e+13 s after 1970"
