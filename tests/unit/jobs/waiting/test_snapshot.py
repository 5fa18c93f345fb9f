"""A wait as people see it: the snapshot, its size, its history, and going on in another process."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models import ExportJob, JobState
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.waiting.snapshot import BEAT, MOST_BYTES, LiveView
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from dev.virtual_time import START
from tests.fakes.platform import some_ids


def record(job_id: str, state: str, *, location: str | None = None, **fields: Any) -> BulkRecord[ExportJob]:
    raw = {
        "id": job_id,
        "state": state,
        "source": {"file": f"file-{job_id}"},
        "destination": {"volume": "lab/results", "location": location or f"release/{job_id}.bam"},
        "started_on": "2025-06-15T15:00:00Z",
        **fields,
    }
    return BulkRecord(id=job_id, resource=ExportJob.from_json(raw))


def failed(job_id: str, code: int = 9206, message: str = "No PUT.", **fields: Any) -> BulkRecord[ExportJob]:
    return record(job_id, "FAILED", error={"status": 403, "code": code, "message": message}, **fields)


def completed(job_id: str, size: int = 10, **fields: Any) -> BulkRecord[ExportJob]:
    return record(job_id, "COMPLETED", result={"id": "x", "size": size}, finished_on="2025-06-15T15:05:00Z", **fields)


class Watch:
    """A tracker and its view, told the same."""

    def __init__(self, ids: list[str], **place: Any) -> None:
        self.tracker = JobTracker.of(EXPORT, ids)
        self.view = LiveView(EXPORT, since=START, interval=60.0, place=place)

    def look(self, *records: BulkRecord[ExportJob], after: float = 0.0) -> dict[str, Any]:
        self.view.take(records, self.tracker.open)
        self.tracker.take(records, START + after)
        return self.view.snapshot(self.tracker, START + after)


def size(value: object) -> int:
    return len(json.dumps(value))


def test_counts_are_the_jobs() -> None:
    watch = Watch(["a", "b", "c", "d", "e"])

    shown = watch.look(record("a", "RUNNING"), record("b", "PENDING"), failed("c"), completed("d", 7), after=60)

    assert shown["counts"] == {
        "total": 5, "completed": 1, "failed": 1, "missing": 0, "skipped": 0,
        "running": 1, "pending": 1, "not_found": 0, "not_seen": 1,
    }  # fmt: skip
    assert [(row["id"], row["state"]) for row in shown["longest"]] == [("a", "RUNNING"), ("b", "PENDING")]
    [failure] = shown["failures"]
    assert (failure["id"], failure["code"], failure["message"]) == ("c", 9206, "No PUT.")
    assert "PUT" in shown["remedies"]["9206"] or shown["remedies"]["9206"]
    [last] = shown["recent"]
    assert (last["id"], last["location"], last["size"]) == ("d", "release/d.bam", 7)
    assert (shown["bytes"], shown["volume"], shown["outcome"]) == (7, "lab/results", None)


def test_rows_have_known_names() -> None:
    names = {f"file-{name}": f"{name}.bam" for name in "abc"}
    watch = Watch(["a", "b", "c"], names=names)

    shown = watch.look(record("a", "RUNNING"), failed("b"), completed("c"))

    rows = [*shown["longest"], *shown["failures"], *shown["recent"]]
    assert [row["name"] for row in rows] == ["a.bam", "b.bam", "c.bam"]
    assert "names" not in shown
    assert "names" not in watch.view.to_json()


def test_causes_of_all_failures() -> None:
    ids = some_ids(500)
    watch = Watch(ids)

    shown = watch.look(*(failed(one, 9206 if number % 5 else 9107, "x" * 300) for number, one in enumerate(ids)))
    over = watch.view.final(watch.tracker.summary(), START + 60, outcome=Outcome.FAILED)

    for value in (shown, over):
        assert [(one["code"], one["count"]) for one in value["causes"]] == [(9206, 400), (9107, 100)]
        assert set(value["remedies"]) == {"9206", "9107"}
        assert size(value) <= MOST_BYTES


def test_refused_has_no_runs() -> None:
    tracker = JobTracker.of(EXPORT, [])
    tracker.add_failed({"file": "f"}, Problem(404, 5002, "Gone."))
    tracker.total = 3

    shown = LiveView(EXPORT, since=START, interval=60.0).refusal(tracker.summary(), START)

    assert (shown["outcome"], len(shown["failures"])) == ("failed", 1)
    assert {name: count for name, count in shown["counts"].items() if count} == {"total": 3, "failed": 1, "not_seen": 2}


def test_worker_gives_a_sign() -> None:
    """Nothing has changed for hours, and the tab should not take that for silence."""
    watch = Watch(["a"])
    watch.look(record("a", "RUNNING"))

    assert not watch.view.silent(START + BEAT - 1)
    assert watch.view.silent(START + BEAT)
    watch.view.interval = BEAT
    assert not watch.view.silent(START + BEAT)


def test_longest_come_first() -> None:
    """The longest running come first, and leave when they end."""
    ids = some_ids(30)
    watch = Watch(ids)
    running = [
        record(job_id, "RUNNING", started_on=f"2025-06-15T14:{59 - number:02d}:00Z")
        for number, job_id in enumerate(ids)
    ]

    first = watch.look(*running)
    then = watch.look(completed(ids[-1]), after=60)

    assert [row["id"] for row in first["longest"]] == ids[:9:-1]
    assert [row["id"] for row in then["longest"]] == ids[-2:8:-1]


def test_left_out_is_not_shown() -> None:
    watch = Watch(["a"])

    shown = watch.look(completed("a"), completed("a"), completed("stranger"))

    assert [row["id"] for row in shown["recent"]] == ["a"]


@pytest.mark.parametrize("name", ["x" * 1024, "\N{GREEK SMALL LETTER OMEGA}" * 512, '"' * 1024])
def test_small_whatever_the_names(name: str) -> None:
    """It stays small whatever the names are, and says that rows were left out."""
    ids = some_ids(10_000)
    watch = Watch(ids)
    answers = [
        failed(job_id, code=9000 + number % 300, message=name, location=f"{name}{number}") if number % 2
        else record(job_id, "RUNNING", location=f"{name}{number}")
        for number, job_id in enumerate(ids)
    ]  # fmt: skip

    shown = watch.look(*answers)

    assert size(shown) <= MOST_BYTES
    assert shown["counts"]["failed"] == 5000
    assert shown["cut"] is True
    assert shown["failures"]
    assert shown["longest"]


def test_hundred_failures_fit() -> None:
    """Ordinary failures are all there up to a hundred."""
    ids = some_ids(150)
    watch = Watch(ids)

    shown = watch.look(*[failed(job_id) for job_id in ids])

    assert len(shown["failures"]) == 100
    assert size(shown) <= MOST_BYTES


def test_history_keeps_its_ends() -> None:
    ids = some_ids(1000)
    watch = Watch(ids)
    for number, job_id in enumerate(ids):
        shown = watch.look(completed(job_id), after=60.0 * number)

    times = [point[0] for point in shown["history"]]
    assert len(times) <= 60
    assert (times[0], times[-1]) == (0.0, 60.0 * 999)
    assert times == sorted(times)
    assert shown["history"][-1][1] == 1000


def test_rate_by_bytes_or_jobs() -> None:
    """Rate and rest are told by bytes if their sum is known, else by jobs."""
    by_bytes, by_jobs = Watch(["a", "b", "c"], bytes_total=400), Watch(["a", "b", "c"])
    for watch in (by_bytes, by_jobs):
        watch.look(record("a", "RUNNING"))
        shown = watch.look(completed("a", 100), after=100)

        assert shown["rate"] == {"bytes": 1.0, "jobs": 0.01}
        assert shown["eta"] == (300.0 if watch is by_bytes else 200.0)


def test_unknown_rate_is_unsaid() -> None:
    watch = Watch(["a"])

    shown = watch.look(record("a", "RUNNING"))

    assert (shown["rate"], shown["eta"]) == (None, None)


def test_due_after_a_change() -> None:
    """It is due when something changed and half a minute has passed."""
    watch = Watch(["a", "b"])
    assert watch.view.due(watch.tracker, START)
    watch.look(record("a", "RUNNING"))
    assert not watch.view.due(watch.tracker, START + 3600)

    watch.tracker.take([completed("a")], START + 10)

    assert not watch.view.due(watch.tracker, START + 29)
    assert watch.view.due(watch.tracker, START + 30)


def test_other_process_goes_on() -> None:
    worker = Watch(["a", "b"], web="https://cgc.sbgenomics.com")
    worker.view.requests, worker.view.refused = 3, 1
    written = worker.look(completed("a"), after=60)

    later = LiveView(EXPORT, since=START + 600, interval=60.0)
    later.requests = 2
    tracker = JobTracker.from_json(worker.tracker.to_json(), worker.tracker.open)
    later.snapshot(tracker, START + 660)
    later.restore(json.loads(json.dumps(written)))
    shown = later.snapshot(tracker, START + 720)

    assert shown["since"] == START
    assert [point[0] for point in shown["history"]] == [60.0, 660.0, 720.0]
    assert (shown["requests"], shown["refused"]) == (5, 1)
    assert [row["id"] for row in shown["recent"]] == ["a"]
    assert (shown["web"], shown["volume"]) == ("https://cgc.sbgenomics.com", "lab/results")


@pytest.mark.parametrize("form", ["snapshot", "to_json"])
def test_last_done_stay_last(form: str) -> None:
    """The last to complete stay the last when an earlier view is taken up."""
    ids = [f"job{number:02d}" for number in range(30)]
    earlier, later = Watch(ids), Watch(ids)
    shown = earlier.look(*map(completed, ids[:20]))
    later.look(*map(completed, ids[15:30]))

    later.view.restore(json.loads(json.dumps(shown if form == "snapshot" else earlier.view.to_json())))

    assert [row["id"] for row in later.view.to_json()["recent"]] == ids[10:30]


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        "text",
        {},
        {"version": 2, "since": 0, "history": []},
        {"version": 1, "since": "now", "history": []},
        {"version": 1, "since": 0.0, "history": [[0, 0, 0, 0, 0, "many"]]},
        {"version": 1, "since": 0.0, "history": {"a": 1}},
        {"version": 1, "since": float("nan"), "history": []},
        {"version": 1, "since": 10**400, "history": []},
        {"version": 1, "since": 0.0, "history": [[0, 0, 0, 0, 0, 10**400]]},
    ],
)
def test_odd_past_is_left(broken: object) -> None:
    watch = Watch(["a"])

    watch.view.restore(broken)

    assert watch.look(record("a", "RUNNING"))["since"] == START


def test_last_one_tells_the_end() -> None:
    """The last snapshot tells the end, and the changes after the wait."""
    watch = Watch(["a", "b", "c"])
    watch.look(completed("a"), failed("b"))
    seen = watch.tracker.summary()
    summary = replace(seen, completed=2, failed=0, failed_items=[], causes=[], manifest="s3://lab/m.jsonl")

    shown = watch.view.final(summary, START + 90, outcome=Outcome.TIMEOUT)

    assert (shown["outcome"], shown["at"], shown["manifest"]) == ("timeout", START + 90, "s3://lab/m.jsonl")
    assert (shown["counts"]["completed"], shown["counts"]["running"], shown["failures"]) == (2, 1, [])
    assert shown["eta"] is None


def test_many_volumes_no_link() -> None:
    watch = Watch(["a", "b"])

    shown = watch.look(
        record("a", "RUNNING"), record("b", "RUNNING", destination={"volume": "lab/other", "location": "x"})
    )

    assert shown["volume"] is None


def test_errors_are_the_trackers() -> None:
    """An error record is counted by the tracker alone."""
    watch = Watch(["a"])

    shown = watch.look(BulkRecord(id="a", error=Problem(404, 9008, "Unknown.")))

    assert (shown["counts"]["not_found"], shown["longest"]) == (1, [])
    assert JobState.RUNNING.value not in json.dumps(shown)
