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
    def test_its_jobs_are_shared(self, still: CgcEmulator, how: Any) -> None:
        """An export that another run still makes is waited for and not sent again."""
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
    def test_its_settings_differ(self, still: CgcEmulator, theirs: Any, ours: Any) -> None:
        """
        An export with other settings is left to the other run for now.

        Also where a retry would not find again what was taken over, and export it a second time.
        """
        [file, other] = still.file_ids[:2]
        assert Attempts(still, items=[file], wait=False, **theirs).run() == "success"
        later = Attempts(still, items=[file, other], wait=False, **ours)

        assert later.run() == "CgcJobsNotYetKnown"
        assert "of another run is the same export" in str(later.error)
        # Without a record, a retry finds in the list what began after this run, whoever has started it.
        assert later.retry() == ("CgcJobsNotYetKnown" if later.store is not None else "success")
        assert [location for location, _ in later.jobs] == sorted([f"out/{file}", f"out/{other}"])

    def test_skips_if_nobody_can_tell(self, emulator: CgcEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        An object is skipped if nobody can tell who has put it there.

        The list of jobs cannot be read to its end, so that it might be an object of an earlier attempt.
        """
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

    def test_skips_what_is_there(self, still: CgcEmulator) -> None:
        """An object of another run with other settings is skipped."""
        files = still.file_ids[:2]
        still.put_objects([f"out/{files[0]}"], volume=still.volume, size=size_of(still, files[0]))
        assert Attempts(still, items=files[:1], wait=False).run() == "success"
        later = Attempts(still, items=files, if_exists="skip", wait=False, properties={"sse_algorithm": "aws:kms"})

        assert later.run() == "success", later.error
        assert later.summary == {"total": 2, "skipped": 1}

    @pytest.mark.parametrize("store", [True, False])
    def test_skips_whatever_it_does(self, still: CgcEmulator, store: bool, manifest: str) -> None:
        """
        An object is skipped whatever another run does to it.

        Its jobs will fail, because an object is in their way; that is nothing to who skips what is there.
        """
        files = still.file_ids[:3]
        assert Attempts(still, items=files[:2], wait=False).run() == "success"
        still.clock.advance(24 * 3600)
        assert Attempts(still, items=files[:2], wait=False, resume=False).run() == "success"
        later = Attempts(still, items=files, if_exists="skip", store=store, manifest_path=None if store else manifest)

        assert later.pokes() == "success", later.error
        assert later.summary == {"total": 3, "completed": 1, "skipped": 2}

    @pytest.mark.parametrize("fail_fast", [False, True])
    def test_skips_an_earlier_object(self, still: CgcEmulator, fail_fast: bool) -> None:
        """An object that comes before our own is skipped."""
        files = still.file_ids[:2]
        task = Attempts(still, items=files, if_exists="skip", fail_fast=fail_fast)
        assert task.run(mode="reschedule", poke_interval=60) == PENDING
        still.put_objects([f"out/{files[0]}"], volume=still.volume, size=size_of(still, files[0]))
        task.first_poke = datetime.now(UTC)
        still.clock.advance(24 * 3600)

        assert task.run(mode="reschedule", poke_interval=60) == "success", task.error
        assert task.summary == {"total": 2, "completed": 1, "skipped": 1}

    def test_fails_on_another_object(self, still: CgcEmulator) -> None:
        """Another object that comes before our own is a failure."""
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

    def test_skips_an_old_failure(self, emulator: CgcEmulator) -> None:
        """An earlier failure is skipped once the Dag says so."""
        files = emulator.file_ids[:2]
        emulator.put_objects([f"out/{files[0]}"], volume=emulator.volume, size=size_of(emulator, files[0]))
        task = Attempts(emulator, items=files)
        assert task.run() == "CgcJobsFailed"

        assert task.clear(if_exists="skip") == "success", task.error
        assert task.summary == {"total": 2, "completed": 1, "skipped": 1}

    def test_clear_moves_its_copy(self, still: CgcEmulator) -> None:
        """A Clear as the error advises moves the file that the other run has copied."""
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

    def test_its_copy_is_no_move(self, still: CgcEmulator) -> None:
        assert Attempts(still, items=still.file_ids[:1], wait=False).run() == "success"
        still.clock.advance(5)
        later = Attempts(still, items=still.file_ids[:2], copy_only=False)

        assert later.pokes() == "CgcJobsFailed"
        assert "has copied the file and not moved it" in str(later.error)
        assert later.summary == {"total": 2, "completed": 1, "failed": 1}

    def test_small_task_reads_little(self, still: CgcEmulator) -> None:
        """A small task does not read the job list of a whole night."""
        still.submit_exports(still.add_files([f"night/{number}" for number in range(500)], size=10))
        before = len(still.requests)

        assert Attempts(still, items=still.file_ids[:1], wait=False).run() == "success"
        lists = [one for one in still.requests[before:] if "/v2/storage/exports" in one.path]
        assert len(lists) <= 1 + 2 * 3


class TestAMove:
    def test_verify_misses_an_object(self, emulator: CgcEmulator) -> None:
        """With `verify` an object that is gone is told."""
        files = emulator.file_ids[:2]
        task = Attempts(emulator, items=files, copy_only=False, verify=True)
        emulator.fail_files(emulator.file_names[files[1]], code=9100, times=1)
        assert task.run() == "CgcJobsIncomplete"
        remove_object(emulator, f"out/{files[0]}")

        assert task.retry() == "CgcJobsFailed"
        assert "the object is not on the volume" in str(task.error)
        assert task.summary == {"total": 2, "completed": 1, "failed": 1}

    def test_copied_before_a_change(self, emulator: CgcEmulator) -> None:
        """A file that was copied before the Dag was changed is told."""
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
    def test_copied_meanwhile(self, emulator: CgcEmulator, ended: bool) -> None:
        """A copy that another run makes meanwhile is told. The retry takes it over, or finds its object in the way."""
        files = emulator.file_ids[:2]
        task = Attempts(emulator, items=files, copy_only=False)
        emulator.fail_files(emulator.file_names[files[1]], code=9100, times=1)
        assert task.run() == "CgcJobsIncomplete"
        assert Attempts(emulator, items=files[1:], wait=ended).run() == "success"

        assert task.retry() == "CgcJobsFailed"
        assert "has copied the file and not moved it" in str(task.error)
        assert task.summary == {"total": 2, "completed": 1, "failed": 1}


def test_nightly_move_counts_all(emulator: CgcEmulator) -> None:
    """
    A nightly move counts what earlier nights have moved to the same key.

    A key with the night in it would be another one for them, and nothing is left to be moved there.
    """
    files = emulator.file_ids[:3]
    assert Attempts(emulator, items=files[:2], copy_only=False, location="nightly/{id}").run() == "success"
    second = Attempts(emulator, items=files, copy_only=False, location="nightly/{id}", if_exists="skip")

    assert second.run() == "success"
    assert second.summary == {"total": 3, "completed": 3}
    assert len(second.jobs) == 3
    assert Attempts(emulator, items=files, copy_only=False, location="night3/{id}").run() == "CgcInputRefused"


def test_no_file_is_moved_twice(emulator: CgcEmulator) -> None:
    items = [{"file": emulator.file_ids[0], "location": location} for location in ("a/x", "b/x")]

    assert Attempts(emulator, items=items, copy_only=False).run() == "CgcInputRefused"
    assert Attempts(emulator, items=items).run() == "success"


def test_another_size_is_told(emulator: CgcEmulator) -> None:
    """An object of another size is told before it is sent."""
    files = emulator.file_ids[:2]
    emulator.put_objects([f"out/{files[0]}"], volume=emulator.volume, size=7)
    task = Attempts(emulator, items=files, if_exists="skip")

    assert task.run() == "CgcJobsFailed"
    assert "An object of 7 bytes is there, and the file has" in str(task.error)
    assert task.summary == {"total": 2, "completed": 1, "failed": 1}
    assert len(task.jobs) == 1
