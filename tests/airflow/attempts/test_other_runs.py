"""An export beside what other runs of the same user export, have exported, or have moved."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.submitting import joblist
from tests.airflow.attempts.attempts import Attempts, remove_object, size_of

PENDING = "AirflowRescheduleException"


class TestAnotherRun:
    """Of the same Dag or another one, by the same user."""

    @pytest.mark.parametrize("how", [{"copy_only": False, "if_exists": "skip"}, {"if_exists": "overwrite"}, {}])
    def test_what_it_still_exports_is_waited_for_and_not_sent_again(self, still: CgcEmulator, how: Any) -> None:
        earlier = Attempts(still, store=False, items=still.file_ids[:4], wait=False, **how)
        assert earlier.run() == "success"
        later = Attempts(still, items=still.file_ids[:5], wait=False, **how)

        assert later.run() == "success"
        assert sorted(earlier.returned) == sorted(set(later.returned) & set(earlier.returned))
        assert len(later.jobs) == 5

    @pytest.mark.parametrize(
        ("theirs", "ours"),
        [
            ({}, {"properties": {"sse_algorithm": "aws:kms"}}),
            ({}, {"if_exists": "overwrite"}),
            ({"if_exists": "overwrite"}, {"if_exists": "overwrite", "store": False}),
        ],
    )
    def test_what_it_exports_otherwise_is_left_to_it_for_now(self, still: CgcEmulator, theirs: Any, ours: Any) -> None:
        """Also where a retry would not find again what was taken over, and export it a second time."""
        [file, other] = still.file_ids[:2]
        assert Attempts(still, items=[file], wait=False, **theirs).run() == "success"
        later = Attempts(still, items=[file, other], wait=False, **ours)

        assert later.run() == "CgcJobsNotYetKnown"
        assert "of another run exports file" in str(later.error)
        # Without a record, a retry finds in the list what began after this run, whoever has started it.
        assert later.retry() == ("CgcJobsNotYetKnown" if later.store is not None else "success")
        assert [location for location, _ in later.jobs] == sorted([f"out/{file}", f"out/{other}"])

    def test_what_is_there_is_skipped_where_nobody_can_tell_who_has_put_it_there(
        self, emulator: CgcEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The list of jobs cannot be read to its end, so that it might be an object of an earlier attempt."""
        files = emulator.file_ids[:2]
        emulator.put_objects([f"out/{files[0]}"], volume=emulator.volume, size=size_of(emulator, files[0]))
        emulator.fail_files(emulator.file_names[files[1]], code=9100, times=1)
        task = Attempts(emulator, items=files)
        assert task.run() == "CgcJobsIncomplete"
        emulator.submit_exports(emulator.file_ids[2:202])
        emulator.option("list_order", "shuffled")
        monkeypatch.setattr(joblist, "MOST_PAGES", 1)

        assert task.retry(if_exists="skip") == "success", task.error
        assert task.summary == {"total": 2, "completed": 1, "skipped": 1}

    def test_what_it_exports_otherwise_is_skipped_if_it_is_there(self, still: CgcEmulator) -> None:
        files = still.file_ids[:2]
        still.put_objects([f"out/{files[0]}"], volume=still.volume, size=size_of(still, files[0]))
        assert Attempts(still, items=files[:1], wait=False).run() == "success"
        later = Attempts(still, items=files, if_exists="skip", wait=False, properties={"sse_algorithm": "aws:kms"})

        assert later.run() == "success", later.error
        assert later.summary == {"total": 2, "skipped": 1}

    @pytest.mark.parametrize("store", [True, False])
    def test_whatever_it_does_to_what_is_there_it_is_skipped(
        self, still: CgcEmulator, store: bool, manifest: str
    ) -> None:
        """Its jobs will fail, because an object is in their way; that is nothing to who skips what is there."""
        files = still.file_ids[:3]
        assert Attempts(still, items=files[:2], wait=False).run() == "success"
        still.clock.advance(24 * 3600)
        assert Attempts(still, items=files[:2], wait=False, resume=False).run() == "success"
        later = Attempts(still, items=files, if_exists="skip", store=store, manifest_path=None if store else manifest)

        assert later.pokes() == "success", later.error
        assert later.summary == {"total": 3, "completed": 1, "skipped": 2}

    @pytest.mark.parametrize("fail_fast", [False, True])
    def test_an_object_that_comes_before_our_own_is_skipped(self, still: CgcEmulator, fail_fast: bool) -> None:
        files = still.file_ids[:2]
        task = Attempts(still, items=files, if_exists="skip", fail_fast=fail_fast)
        assert task.run(mode="reschedule", poke_interval=60) == PENDING
        still.put_objects([f"out/{files[0]}"], volume=still.volume, size=size_of(still, files[0]))
        task.first_poke = datetime.now(UTC)
        still.clock.advance(24 * 3600)

        assert task.run(mode="reschedule", poke_interval=60) == "success", task.error
        assert task.summary == {"total": 2, "completed": 1, "skipped": 1}

    def test_another_object_that_comes_before_our_own_is_a_failure(self, still: CgcEmulator) -> None:
        files = still.file_ids[:2]
        task = Attempts(still, items=files, if_exists="skip")
        assert task.run(mode="reschedule", poke_interval=60) == PENDING
        still.put_objects([f"out/{files[0]}"], volume=still.volume, size=7)
        task.first_poke = datetime.now(UTC)
        still.clock.advance(24 * 3600)

        assert task.run(mode="reschedule", poke_interval=60) == "CgcJobsFailed"
        assert task.summary == {"total": 2, "completed": 1, "failed": 1}
        # The retry sees it on the volume, and says how large it is.
        assert task.clear() == "CgcJobsFailed"
        assert "An object of 7 bytes is there" in str(task.error)

    def test_a_failure_of_before_is_skipped_once_the_dag_says_so(self, emulator: CgcEmulator) -> None:
        files = emulator.file_ids[:2]
        emulator.put_objects([f"out/{files[0]}"], volume=emulator.volume, size=size_of(emulator, files[0]))
        task = Attempts(emulator, items=files)
        assert task.run() == "CgcJobsFailed"

        assert task.clear(if_exists="skip") == "success", task.error
        assert task.summary == {"total": 2, "completed": 1, "skipped": 1}

    def test_a_clear_as_the_error_says_moves_what_it_has_copied(self, still: CgcEmulator) -> None:
        assert Attempts(still, items=still.file_ids[:1], wait=False).run() == "success"
        still.clock.advance(5)
        later = Attempts(still, items=still.file_ids[:2], copy_only=False)
        assert later.pokes() == "CgcJobsFailed"
        assert 'clear this task with if_exists="overwrite" and resume=False' in str(later.error)
        before = len(later.jobs)

        later.max_tries, later.try_number, later.first_poke = later.try_number + 2, later.try_number + 1, None
        later.arguments |= {"if_exists": "overwrite", "resume": False}

        assert later.pokes() == "success", later.error
        assert later.summary == {"total": 2, "completed": 2}
        assert len(later.jobs) == before + 1

    def test_its_copy_is_not_taken_for_a_move(self, still: CgcEmulator) -> None:
        assert Attempts(still, items=still.file_ids[:1], wait=False).run() == "success"
        still.clock.advance(5)
        later = Attempts(still, items=still.file_ids[:2], copy_only=False)

        assert later.pokes() == "CgcJobsFailed"
        assert "has copied the file and not moved it" in str(later.error)
        assert later.summary == {"total": 2, "completed": 1, "failed": 1}

    def test_a_small_task_does_not_read_the_list_of_a_night(self, still: CgcEmulator) -> None:
        still.submit_exports(still.add_files([f"night/{number}" for number in range(500)], size=10))
        before = len(still.requests)

        assert Attempts(still, items=still.file_ids[:1], wait=False).run() == "success"
        lists = [one for one in still.requests[before:] if "/v2/storage/exports" in one.path]
        assert len(lists) <= 1 + 2 * 3


class TestAMove:
    def test_an_object_that_is_gone_is_told_where_it_is_verified(self, emulator: CgcEmulator) -> None:
        files = emulator.file_ids[:2]
        task = Attempts(emulator, items=files, copy_only=False, verify=True)
        emulator.fail_files(emulator.file_names[files[1]], code=9100, times=1)
        assert task.run() == "CgcJobsIncomplete"
        remove_object(emulator, f"out/{files[0]}")

        assert task.retry() == "CgcJobsFailed"
        assert "the object is not on the volume" in str(task.error)
        assert task.summary == {"total": 2, "completed": 1, "failed": 1}

    def test_what_was_copied_before_the_dag_was_changed_is_told(self, emulator: CgcEmulator) -> None:
        files = emulator.file_ids[:2]
        task = Attempts(emulator, items=files)
        emulator.fail_files(emulator.file_names[files[1]], code=9206)
        assert task.run() == "CgcJobsFailed"
        emulator.clear_faults()

        assert task.clear(copy_only=False) == "CgcJobsFailed"
        assert "has copied the file and not moved it" in str(task.error)
        assert task.clear(copy_only=False, if_exists="overwrite", resume=False) == "success", task.error
        assert task.summary == {"total": 2, "completed": 2}

    @pytest.mark.parametrize("ended", [False, True])
    def test_a_copy_that_another_run_makes_meanwhile_is_told(self, emulator: CgcEmulator, ended: bool) -> None:
        """The retry takes it over, or finds its object in the way."""
        files = emulator.file_ids[:2]
        task = Attempts(emulator, items=files, copy_only=False)
        emulator.fail_files(emulator.file_names[files[1]], code=9100, times=1)
        assert task.run() == "CgcJobsIncomplete"
        assert Attempts(emulator, items=files[1:], wait=ended).run() == "success"

        assert task.retry() == "CgcJobsFailed"
        assert "has copied the file and not moved it" in str(task.error)
        assert task.summary == {"total": 2, "completed": 1, "failed": 1}


def test_a_nightly_move_counts_what_earlier_nights_have_moved_to_the_same_key(emulator: CgcEmulator) -> None:
    """A key with the night in it would be another one for them, and nothing is left to be moved there."""
    files = emulator.file_ids[:3]
    assert Attempts(emulator, items=files[:2], copy_only=False, location="nightly/{id}").run() == "success"
    second = Attempts(emulator, items=files, copy_only=False, location="nightly/{id}", if_exists="skip")

    assert second.run() == "success"
    assert second.summary == {"total": 3, "completed": 3}
    assert len(second.jobs) == 3
    assert Attempts(emulator, items=files, copy_only=False, location="night3/{id}").run() == "CgcInputRefused"


def test_a_file_cannot_be_moved_twice(emulator: CgcEmulator) -> None:
    items = [{"file": emulator.file_ids[0], "location": location} for location in ("a/x", "b/x")]

    assert Attempts(emulator, items=items, copy_only=False).run() == "CgcInputRefused"
    assert Attempts(emulator, items=items).run() == "success"


def test_an_object_of_another_size_is_told_before_it_is_sent(emulator: CgcEmulator) -> None:
    files = emulator.file_ids[:2]
    emulator.put_objects([f"out/{files[0]}"], volume=emulator.volume, size=7)
    task = Attempts(emulator, items=files, if_exists="skip")

    assert task.run() == "CgcJobsFailed"
    assert "An object of 7 bytes is there, and the file has" in str(task.error)
    assert task.summary == {"total": 2, "completed": 1, "failed": 1}
    assert len(task.jobs) == 1
