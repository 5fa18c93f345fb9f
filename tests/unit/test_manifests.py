"""The value that an export task has returned, and each line of a manifest, as a sensor reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.arguments import manifests_given
from airflow_provider_cgc.exceptions import CgcBadInput
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, ItemState, tracker_of
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.manifests import outcomes_at
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor

WHERE = "export_ids of task 'wait'"
URI, OTHER = "s3://lab/run/1.jsonl", "s3://lab/run/2.jsonl"
JOB = "a" * 32


def line(state: ItemState, job_id: str | None = None, **fields: Any) -> ItemOutcome:
    return ItemOutcome(item=ExportItem("f1", "a.bam", "lab/bucket"), state=state, id=job_id, **fields)


def written(folder: Path, *outcomes: ItemOutcome) -> str:
    path = folder / "manifest.jsonl"
    path.write_text("".join(one.to_line() for one in outcomes))
    return f"file://{path}"


@pytest.mark.parametrize(
    ("given", "addresses"),
    [
        (URI, [URI]),
        (f" {URI}\n", [URI]),
        ("s3://lab/with,comma.jsonl", ["s3://lab/with,comma.jsonl"]),
        ([URI, OTHER, URI], [URI, OTHER]),
        ([[URI], [OTHER]], [URI, OTHER]),
        (f"['{URI}', '{OTHER}']", [URI, OTHER]),
        (f'["{URI}"]', [URI]),
        ([JOB], []),
        (JOB, []),
        ([], []),
        (None, []),
        (17, []),
        ("{broken", []),
        ({"ids": [JOB]}, []),
    ],
)
def test_address_is_not_ids(given: Any, addresses: list[str]) -> None:
    assert manifests_given(given, where=WHERE) == addresses


SUMMARY = {"version": 1, "kind": "export", "total": 3, "completed": 3, "failed_items": []}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (SUMMARY, "summary of a task that has waited already"),
        ([SUMMARY], "summary of a task that has waited already"),
        (repr(SUMMARY), "summary of a task that has waited already"),
        ({"items": 3, "dry_run": True}, "dry run, which started nothing"),
        ([URI, JOB], "either addresses of manifests or ids"),
    ],
)
def test_nothing_to_wait_for(given: Any, words: str) -> None:
    """A value that leaves nothing to wait for is refused in words."""
    with pytest.raises(CgcBadInput, match=words) as caught:
        manifests_given(given, where=WHERE)

    assert str(caught.value).startswith(WHERE)


def test_jobs_are_waited_for() -> None:
    """Jobs are waited for whatever the manifest says of them."""
    states = (ItemState.SUBMITTED, ItemState.RUNNING, ItemState.COMPLETED, ItemState.UNKNOWN, ItemState.MISSING)
    outcomes = [line(state, f"job{number}") for number, state in enumerate(states)]

    tracker = tracker_of(EXPORT, outcomes)

    assert sorted(tracker.open) == [f"job{number}" for number in range(5)]
    assert tracker.total == 5


@pytest.mark.parametrize("state", [ItemState.SKIPPED, ItemState.COMPLETED])
def test_no_job_is_done(state: ItemState) -> None:
    assert tracker_of(EXPORT, [line(state)]).verdict(fail_fast=False) is Outcome.COMPLETED


@pytest.mark.parametrize(
    "outcome",
    [
        line(ItemState.FAILED, code=9006, message="archived"),
        line(ItemState.UNSENT, message="not sent"),
        line(ItemState.MISSING),
        # its job COMPLETED, but `verify` did not find the object: asked for again, the job would be green
        line(ItemState.FAILED, JOB, message="the object is not on the volume"),
    ],
    ids=lambda outcome: f"{outcome.state}-{outcome.id}",
)
def test_missing_is_never_green(outcome: ItemOutcome) -> None:
    tracker = tracker_of(EXPORT, [outcome, line(ItemState.SKIPPED)])

    assert not tracker.open
    assert tracker.verdict(fail_fast=False) is Outcome.FAILED
    assert tracker.summary().failed_items[0]["id"] == outcome.id
    assert tracker.summary().failed_items[0]["message"]
    assert tracker.unsent == (outcome.state is ItemState.UNSENT)
    assert JobTracker.from_json(tracker.to_json(), []).unsent == tracker.unsent


def test_no_job_yet_is_an_error(tmp_path: Path) -> None:
    address = written(tmp_path, line(ItemState.SUBMITTED, JOB), line(ItemState.SUBMITTED))

    with pytest.raises(CgcBadInput, match="lacks the jobs of 1 of 2 exports, such as file f1"):
        outcomes_at(address, kind=EXPORT, of=ExportItem, where=WHERE)


def test_cut_off_is_an_error(tmp_path: Path) -> None:
    address = written(tmp_path, line(ItemState.SUBMITTED, JOB), line(ItemState.SUBMITTED, JOB))
    path = Path(address.removeprefix("file://"))
    path.write_text(path.read_text()[:-40])

    with pytest.raises(CgcBadInput, match="line 2 is cut off"):
        outcomes_at(address, kind=EXPORT, of=ExportItem, where=WHERE)


@pytest.mark.parametrize("text", ["file,location\nf1,a.bam\n", '{"file": "f1"}\n'])
def test_list_is_no_manifest(tmp_path: Path, text: str) -> None:
    """A list of files is no manifest of started exports."""
    path = tmp_path / "files.jsonl"
    path.write_text(text)

    with pytest.raises(CgcBadInput, match="is no manifest of started exports"):
        outcomes_at(f"file://{path}", kind=EXPORT, of=ExportItem, where=WHERE)


def test_nothing_there_is_told(tmp_path: Path) -> None:
    """An address with nothing there is an error that names the task."""
    with pytest.raises(CgcBadInput, match=r"^export_ids of task 'wait': .* does not exist"):
        outcomes_at(f"file://{tmp_path}/none.jsonl", kind=EXPORT, of=ExportItem, where=WHERE)


@pytest.mark.parametrize(("expected", "allow_empty", "words"), [(2, False, "expected_count is 2"), (None, False, None)])
def test_lines_are_counted(tmp_path: Path, expected: int | None, allow_empty: bool, words: str | None) -> None:
    address = written(tmp_path, line(ItemState.SUBMITTED, JOB), line(ItemState.SKIPPED), line(ItemState.SKIPPED))
    sensor = CgcBulkExportSensor(task_id="wait", export_ids=address, expected_count=expected, allow_empty=allow_empty)

    if words:
        with pytest.raises(CgcBadInput, match=words):
            sensor._source.open({})
    else:
        assert sensor._source.open({}).total == 3


def test_empty_is_an_error(tmp_path: Path) -> None:
    """An empty manifest is an error unless that is allowed."""
    address = written(tmp_path)

    with pytest.raises(CgcBadInput, match="is empty"):
        CgcBulkExportSensor(task_id="wait", export_ids=address)._source.open({})
    assert CgcBulkExportSensor(task_id="wait", export_ids=address, allow_empty=True)._source.open({}).total == 0
