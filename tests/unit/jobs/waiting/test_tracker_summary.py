"""The traces of a wait: its summary with the failed items, and the state that another process continues from."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models import ExportJob, ImportJob, JobState
from airflow_provider_cgc.jobs.kinds import EXPORT, IMPORT, KINDS
from airflow_provider_cgc.jobs.waiting.causes import MOST_MESSAGE
from airflow_provider_cgc.jobs.waiting.summary import MOST_ITEM_BYTES, MOST_ITEMS, FirstItems, failed_item
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from dev.virtual_time import START
from tests.fakes.platform import EXISTS, job, some_ids

NOW = START
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=str)


@pytest.fixture
def tracker():
    return JobTracker.of(EXPORT, ["a", "b", "c"])


def seen(job_id, state, **fields):
    return BulkRecord(id=job_id, resource=job(job_id, state, **fields))


class TestSummary:
    @every_kind
    def test_completed_bytes_add_up(self, kind):
        tracker = JobTracker.of(kind, ["a", "b", "c", "d"])

        for job_id, size in (("a", 10**12), ("b", None), ("d", 7)):
            tracker.take([seen(job_id, JobState.COMPLETED, size=size, kind=kind)], NOW)
        tracker.take([seen("c", JobState.FAILED, size=5, kind=kind)], NOW)

        assert tracker.summary().bytes == 10**12 + 7

    def test_seconds_first_to_last(self, tracker):
        """Seconds run from the first start to the last end."""
        for job_id, started, finished in (("a", 100, 200), ("b", 50, 60), ("c", 300, 350.5)):
            tracker.take([seen(job_id, JobState.COMPLETED, started=NOW + started, finished=NOW + finished)], NOW)

        assert tracker.summary().seconds == 300.5

    @pytest.mark.parametrize("times", [{}, {"started": NOW}, {"finished": NOW}], ids=["none", "start", "end"])
    def test_seconds_need_both_times(self, tracker, times):
        tracker.take([seen("a", JobState.COMPLETED, **times)], NOW)

        assert tracker.summary().seconds is None

    def test_seconds_are_not_negative(self, tracker):
        tracker.take([seen("a", JobState.COMPLETED, started=NOW + 9, finished=NOW)], NOW)

        assert tracker.summary().seconds == 0.0

    @pytest.mark.parametrize(
        ("kind", "given"),
        [
            (EXPORT, {"file": "file-of-a", "volume": "lab/bucket", "location": "x/y.bam"}),
            (IMPORT, {"volume": "lab/bucket", "location": "x/y.bam", "project": "lab/project", "name": "a.bam"}),
        ],
        ids=str,
    )
    def test_failed_can_be_repeated(self, kind, given):
        """A failed item can be given to the operator again."""
        tracker = JobTracker.of(kind, ["a"])

        tracker.take([seen("a", JobState.FAILED, location="x/y.bam", kind=kind)], NOW)

        problem = EXISTS[kind.name]
        assert tracker.summary().failed_items == [
            {"id": "a", **given, "code": problem.code, "message": problem.message}
        ]

    def test_failed_import_is_kept(self):
        """The item of a failed import is kept as it was asked for."""
        failed = ImportJob(
            id="a",
            state=JobState.FAILED,
            volume="lab/bucket",
            location="raw/",
            parent="65a1",
            autorename=True,
            preserve_folder_structure=False,
        )
        tracker = JobTracker.of(IMPORT, ["a"])

        tracker.take([BulkRecord(id="a", resource=failed)], NOW)

        (item,) = tracker.summary().failed_items
        assert {key: item[key] for key in item.keys() - {"id", "code", "message"}} == {
            "volume": "lab/bucket",
            "location": "raw/",
            "parent": "65a1",
            "autorename": True,
            "preserve_folder_structure": False,
        }

    def test_properties_are_kept(self, tracker):
        failed = ExportJob(id="a", state=JobState.FAILED, properties={"aws_storage_class": "GLACIER"})

        tracker.take([BulkRecord(id="a", resource=failed)], NOW)

        (item,) = tracker.summary().failed_items
        assert item["properties"] == {"aws_storage_class": "GLACIER"}
        assert item["message"] == "The platform gave no reason."

    def test_keys_are_documented(self, tracker):
        assert list(tracker.summary().to_json()) == [
            "version",
            "kind",
            "total",
            "completed",
            "failed",
            "missing",
            "skipped",
            "bytes",
            "seconds",
            "failed_items",
            "manifest",
            "causes",
        ]

    def test_summary_is_a_copy(self, tracker):
        tracker.take([seen("a", JobState.FAILED)], NOW)
        summary = tracker.summary().to_json()

        summary["failed_items"][0]["name"] = "changed"

        assert "name" not in tracker.summary().failed_items[0]

    def test_capped_by_number(self):
        """Failed items are capped by number, and counted in full."""
        ids = some_ids(10_000)
        tracker = JobTracker.of(EXPORT, ids)

        tracker.take([seen(job_id, JobState.FAILED, location="x") for job_id in ids], NOW)

        summary = tracker.summary().to_json()
        assert (len(summary["failed_items"]), summary["failed"]) == (MOST_ITEMS, 10_000)

    @pytest.mark.parametrize("character", ["x", "ä", "日", "\U0001f9ec", '"'])
    def test_capped_by_size(self, character):
        ids = some_ids(200)
        tracker = JobTracker.of(EXPORT, ids)

        tracker.take([seen(job_id, JobState.FAILED, location=character * 1024) for job_id in ids], NOW)

        items = tracker.summary().failed_items
        assert 1 < len(items) < MOST_ITEMS
        assert len(json.dumps(items)) <= MOST_ITEM_BYTES + 2 * len(items)

    def test_cap_survives_restarts(self):
        ids = some_ids(200)
        tracker = JobTracker.of(EXPORT, ids)

        for job_id in ids:
            tracker.take([seen(job_id, JobState.FAILED, location="x" * 1024)], NOW)
            tracker = JobTracker.from_json(json.loads(json.dumps(tracker.to_json())), tracker.open)

        assert len(json.dumps(tracker.summary().failed_items)) <= MOST_ITEM_BYTES + 2 * MOST_ITEMS

    @given(lengths=st.lists(st.sampled_from([1, 900, 5_000, 20_000, 40_000]), max_size=MOST_ITEMS + 20), rest=st.data())
    def test_listed_are_the_same(self, lengths, rest):
        """
        The listed failures are the same, however the list is made.

        A wait adds them one by one, the account at the end makes the list anew of the failures that are left.
        """
        failures = [job(str(n), JobState.FAILED, location="x" * length) for n, length in enumerate(lengths)]
        tracker = JobTracker.of(EXPORT, [failure.id for failure in failures])

        tracker.take([BulkRecord(id=failure.id, resource=failure) for failure in failures], NOW)

        listed = tracker.summary().failed_items
        assert FirstItems(map(failed_item, failures)).items == listed
        left_out = [item for item in map(failed_item, failures) if item not in listed]
        assert FirstItems([*listed, *rest.draw(st.permutations(left_out))]).items == listed

    def test_large_one_hides_no_other(self, tracker):
        tracker.take([seen("a", JobState.FAILED, location="x" * MOST_ITEM_BYTES)], NOW)
        tracker.take([seen("b", JobState.FAILED, location="y")], NOW)

        assert [item["id"] for item in tracker.summary().failed_items] == ["b"]

    def test_long_message_is_cut(self, tracker):
        tracker.take([seen("a", JobState.FAILED, error=Problem(500, 9100, "x" * 5000))], NOW)

        assert len(tracker.summary().failed_items[0]["message"]) == MOST_MESSAGE


class TestState:
    @every_kind
    def test_every_kind_goes_on(self, kind):
        tracker = JobTracker.of(kind, ["a", "b", "c"])
        tracker.take([seen("a", JobState.FAILED, kind=kind), seen("b", JobState.COMPLETED, kind=kind)], NOW)

        again = JobTracker.from_json(json.loads(json.dumps(tracker.to_json())), ["c"])

        assert again.kind is kind
        assert again.summary() == tracker.summary()

    def test_newer_keys_are_ignored(self, tracker):
        state = tracker.to_json() | {"newer": [1, 2]}

        assert JobTracker.from_json(state, tracker.open).summary() == tracker.summary()

    @pytest.mark.parametrize("changes", [{"version": 2}, {"version": None}, {"kind": "spell"}, {"kind": None}], ids=str)
    def test_foreign_state_is_refused(self, tracker, changes):
        with pytest.raises(ValueError, match="not the state of a wait"):
            JobTracker.from_json(tracker.to_json() | changes, tracker.open)

    @pytest.mark.parametrize("ids", [[], ["a", "b"], ["a", "b", "c", "d"]], ids=str)
    def test_misfit_state_is_refused(self, tracker, ids):
        with pytest.raises(ValueError, match="does not add up"):
            JobTracker.from_json(tracker.to_json(), ids)


def test_failed_item_is_storable():
    """A failed item holds no text that nothing can store."""
    tracker = JobTracker.of(EXPORT, [])
    tracker.add_failed({"file": "f", "name": "a\ud800.bam", "location": None}, Problem(None, None, "x\0"))

    [item] = tracker.summary().failed_items

    assert (item["name"], item["message"]) == ("a?.bam", "x?")
