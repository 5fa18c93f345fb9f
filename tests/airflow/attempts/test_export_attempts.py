"""A later attempt of an export after an earlier one: Airflow's retry, a Clear, another poke of the same try."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_cgc.compat import AirflowTaskTimeout
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.submitting import joblist
from airflow_provider_cgc.operators import base
from tests.airflow.attempts.attempts import Attempts, forget_all_jobs, refuse, remove_files, remove_object
from tests.airflow.conftest import has_task_state_store

CREATE = "/v2/bulk/storage/exports/create"
PENDING = "AirflowRescheduleException"

with_store = pytest.mark.skipif(not has_task_state_store(), reason="Airflow below 3.3 has no task state store")


class TestAnotherPokeOfTheSameTry:
    @with_store
    @pytest.mark.parametrize("how", [{"copy_only": False}, {"if_exists": "skip"}], ids=["moving", "skipping"])
    def test_one_send_in_a_try(self, still: CgcEmulator, how: Any) -> None:
        """
        A job that fails again and again is sent once in a try.

        On the second try three of the four need no wait: their files are aliases, or their objects are there.
        """
        files = still.file_ids[:4]
        still.fail_files(still.file_names[files[1]], code=9100)
        task = Attempts(still, items=files, **how)
        assert task.pokes() == "CgcJobsIncomplete"
        assert len(task.jobs) == 4
        task.try_number, task.first_poke = 2, None

        assert task.pokes() == "CgcJobsIncomplete"
        assert len(task.jobs) == 5
        assert task.summary == {"total": 4, "completed": 3, "failed": 1}

    @with_store
    def test_a_poke_without_memory(self, still: CgcEmulator) -> None:
        """Even without its memory a poke sends nothing again."""
        files = still.file_ids[:2]
        still.fail_files(still.file_names[files[1]], code=9100)
        task = Attempts(still, items=files)
        assert task.poke() == PENDING
        assert task.store is not None
        del task.store["cgc_exports_rest"]

        assert task.poke() == "CgcJobsIncomplete"
        assert len(task.jobs) == 2


class TestWhatWasRefused:
    def test_others_are_exported(self, emulator: CgcEmulator) -> None:
        """Files that cannot be exported do not keep the others back."""
        refuse(emulator, emulator.file_ids[:100])
        task = Attempts(emulator, items=emulator.file_ids[:200], max_failures=100)

        assert task.run() == "success"
        assert task.summary == {"total": 200, "completed": 100, "failed": 100}

    @pytest.mark.parametrize("how", [{}, {"wait": False}], ids=["waiting", "starting"])
    def test_never_sent_is_told(self, emulator: CgcEmulator, how: Any) -> None:
        """
        The line that is read first tells items apart that were never sent.

        The first chunk alone is sent, because all of it is refused with one and the same permanent code.
        """
        refuse(emulator, emulator.file_ids[:100])
        task = Attempts(emulator, items=emulator.file_ids[:150], **how)

        assert task.run() == "CgcJobsFailed"
        assert str(task.error).startswith("Of 150 exports, 150 FAILED (of which 50 were not sent).")
        assert task.summary == {"total": 150, "failed": 150}

    def test_never_sent_goes_first(self, emulator: CgcEmulator, manifest: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A retry begins with the items that were never sent."""
        refuse(emulator, emulator.file_ids[:60])
        task = Attempts(emulator, store=False, items=emulator.file_ids[:300], max_failures=60, manifest_path=manifest)
        monkeypatch.setattr(base, "PATIENCE", 0.5)
        emulator.fault("401", path=CREATE, count=None, after=1)
        assert task.run() == "CgcWaitError"
        assert len(task.jobs) == 40
        emulator.clear_faults()
        refuse(emulator, emulator.file_ids[:60])

        assert task.retry() == "success"
        assert task.summary == {"total": 300, "completed": 240, "failed": 60}


class TestTroubleWhileCreating:
    @pytest.mark.parametrize("fault", ["503", "503_maintenance"])
    def test_trouble_is_retried(self, emulator: CgcEmulator, fault: str) -> None:
        emulator.fault(fault, path=CREATE, count=3)
        task = Attempts(emulator, store=False, items=emulator.file_ids[:3])

        assert task.run() == "CgcWaitError"
        assert task.jobs == []
        assert task.retry() == "success"
        assert len(task.jobs) == 3

    def test_refused_for_now(self, emulator: CgcEmulator) -> None:
        """An item that is refused for now is one failure; the others go on."""
        files = emulator.file_ids[:3]
        emulator.fail_files(files[1], code=9100, at="submit")
        task = Attempts(emulator, items=files, max_failures=1)

        assert task.run() == "success"
        assert task.summary == {"total": 3, "completed": 2, "failed": 1}
        assert len(task.jobs) == 2

    def test_nothing_after_timeout(self, connect: Callable[..., str], manifest: str) -> None:
        """After a timeout of the task nothing more is sent."""

        def over(*args: object) -> None:
            raise AirflowTaskTimeout("execution_timeout")

        with CgcEmulator(speed=1) as emulator:
            connect(emulator)
            emulator.fault("429", path=CREATE, count=1, retry_after=30)
            task = Attempts(emulator, items=emulator.file_ids[:2], manifest_path=manifest)
            before = signal.signal(signal.SIGALRM, over)
            began = time.monotonic()
            signal.setitimer(signal.ITIMER_REAL, 1.5)
            try:
                assert task.run() == "AirflowTaskTimeout"
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, before)

            assert time.monotonic() - began < 20
            assert task.jobs == []


class TestAClear:
    def test_replaces_what_is_gone(self, emulator: CgcEmulator) -> None:
        """An object in the way that is gone is replaced."""
        files = emulator.file_ids[:2]
        emulator.put_objects([f"out/{files[0]}"], volume=emulator.volume)
        task = Attempts(emulator, items=files)
        assert task.run() == "CgcJobsFailed"
        remove_object(emulator, f"out/{files[0]}")

        assert task.clear() == "success"
        assert task.summary == {"total": 2, "completed": 2}
        assert len(task.jobs) == 3

    def test_overwrites_on_demand(self, emulator: CgcEmulator) -> None:
        """An object in the way may be overwritten."""
        files = emulator.file_ids[:2]
        emulator.put_objects([f"out/{files[0]}"], volume=emulator.volume)
        task = Attempts(emulator, items=files)
        assert task.run() == "CgcJobsFailed"

        assert task.clear(if_exists="overwrite") == "success"
        assert len(task.jobs) == 3

    def test_forgotten_jobs(self, emulator: CgcEmulator) -> None:
        """Jobs that the platform has forgotten are told by what is there."""
        files = emulator.file_ids[:3]
        emulator.fail_files(emulator.file_names[files[1]], code=9206)
        task = Attempts(emulator, items=files)
        assert task.run() == "CgcJobsFailed"
        emulator.clear_faults()
        forget_all_jobs(emulator)

        assert task.clear() == "success"
        assert task.summary == {"total": 3, "completed": 3}
        assert [location for location, _ in task.jobs] == [f"out/{files[1]}"]

    @pytest.mark.parametrize("how", [{}, {"if_exists": "overwrite"}])
    def test_an_older_object(self, emulator: CgcEmulator, how: Any) -> None:
        """
        An object from before does not stand for a forgotten job.

        It has another content, or the volume does not tell its size.
        """
        [file] = emulator.file_ids[:1]
        emulator.put_objects([f"out/{file}"], volume=emulator.volume, size=7)
        emulator.option("object_size", "absent")
        emulator.fail_files(emulator.file_names[file], code=9206)
        task = Attempts(emulator, items=[file], **how)
        assert task.run() == "CgcJobsFailed"
        emulator.clear_faults()
        forget_all_jobs(emulator)

        assert task.clear() == ("success" if how else "CgcJobsFailed")
        assert len(task.jobs) == 1

    @with_store
    def test_not_shown_yet(self, still: CgcEmulator) -> None:
        """A job that does not show yet is not a forgotten one."""
        task = Attempts(still, items=still.file_ids[:1], if_exists="overwrite")
        still.fail_files(still.file_names[still.file_ids[0]], code=9206)
        assert task.pokes() == "CgcJobsFailed"
        still.clear_faults()
        assert task.clear(wait=False) == "success"
        assert len(task.jobs) == 2
        still.set_options({"unknown_for": 600, "list_lag": 600})

        assert task.retry(wait=False) == "success"
        assert len(task.jobs) == 2

    def test_another_size_is_resent(self, emulator: CgcEmulator) -> None:
        """An object of another size is sent again where it is verified."""
        files = emulator.file_ids[:2]
        task = Attempts(emulator, items=files, verify=True, if_exists="overwrite", max_failures=0)
        with emulator.world.open() as world:
            size = world.files[files[0]].size
        assert task.run() == "success"
        emulator.put_objects([f"out/{files[0]}"], volume=emulator.volume, size=7)
        assert size != 7
        assert task.retry() == "CgcJobsFailed"

        assert task.clear() == "success"
        assert len(task.jobs) == 3

    def test_a_source_that_is_gone(self, emulator: CgcEmulator) -> None:
        """A source that is gone matters only to what is left."""
        files = emulator.file_ids[:2]
        items = [{"file": name, "location": f"out/{name}"} for name in files]
        emulator.fail_files(emulator.file_names[files[1]], code=9206)
        task = Attempts(emulator, items=items)
        assert task.run() == "CgcJobsFailed"
        emulator.clear_faults()
        remove_files(emulator, files[0])

        assert task.clear() == "success"
        assert task.summary == {"total": 2, "completed": 2}

    def test_nothing_of_wrong_rest(self, emulator: CgcEmulator) -> None:
        """If something is wrong with the items that are left, it is told, and nothing is sent."""
        files = emulator.file_ids[:2]
        items = [{"file": name, "location": f"out/{name}"} for name in files]
        emulator.fail_files(emulator.file_names[files[1]], code=9206)
        task = Attempts(emulator, items=items)
        assert task.run() == "CgcJobsFailed"
        remove_files(emulator, files[1])

        assert task.clear() == "CgcInputRefused"
        assert files[1] in str(task.error)
        assert "This attempt has sent nothing." in str(task.error)

    @with_store
    def test_refusal_sent_nothing(self, emulator: CgcEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        After a refusal of the input it is known that nothing was sent.

        Even where the list of jobs cannot be read to its end.
        """
        emulator.submit_exports(emulator.file_ids[:200])
        emulator.option("list_order", "shuffled")
        monkeypatch.setattr(joblist, "MOST_PAGES", 1)
        task = Attempts(emulator, items=emulator.file_ids[:2])
        assert task.run(location="out/{nonsense}") == "CgcInputRefused"
        assert task.retry(volume="demo-lab/nowhere") == "CgcInputRefused"

        assert task.clear() == "success"


class TestResumeFalse:
    def test_refused_unrecorded(self, emulator: CgcEmulator) -> None:
        """Without any record it is refused. A retry after the Clear would count the jobs of before it."""
        task = Attempts(emulator, store=False, items=emulator.file_ids[:1], resume=False)

        assert task.run() == "CgcInputRefused"
        assert "give it a manifest_path" in str(task.error)
        assert task.jobs == []

    @pytest.mark.parametrize("record", ["store", "manifest"])
    def test_retry_and_clear_differ(self, emulator: CgcEmulator, record: str, manifest: str) -> None:
        """A retry goes on, a Clear starts anew."""
        if record == "store" and not has_task_state_store():
            pytest.skip("Airflow below 3.3 has no task state store")
        files = emulator.file_ids[:3]
        emulator.fail_files(emulator.file_names[files[1]], code=9100, times=1)
        task = Attempts(
            emulator,
            store=record == "store",
            items=files,
            resume=False,
            if_exists="overwrite",
            manifest_path=manifest if record == "manifest" else None,
        )

        assert task.run() == "CgcJobsIncomplete"
        assert task.retry() == "success"
        assert len(task.jobs) == 4
        assert task.clear() == "success"
        assert len(task.jobs) == 7
