"""The traces of an export: its account, its manifest, also if there was nothing to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.submitting import account
from tests.airflow.attempts.attempts import Attempts, manifest_lines
from tests.airflow.conftest import has_task_state_store

CREATE = "/v2/bulk/storage/exports/create"

with_store = pytest.mark.skipif(not has_task_state_store(), reason="Airflow below 3.3 has no task state store")


class TestTheAccount:
    def test_forgotten_after_its_end(
        self, emulator: CgcEmulator, manifest: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A job that the platform has forgotten after its end has completed."""
        make = account.account_for

        def too_late(*args: Any, **how: Any) -> Any:
            with emulator.world.open() as world:
                first = list(world.exports)[:1]
            emulator.forget(first)
            return make(*args, **how)

        monkeypatch.setattr(account, "account_for", too_late)
        task = Attempts(emulator, items=emulator.file_ids[:2], manifest_path=manifest)

        assert task.run() == "success"
        assert {line["state"] for line in manifest_lines(manifest)} == {"COMPLETED"}

    @with_store
    def test_own_objects_are_ours(self, still: CgcEmulator) -> None:
        """
        Objects that were put there by jobs of this task are no failures.

        More of them than a summary lists: the answers were lost, and the jobs showed too late in the list.
        """
        files = still.add_files([f"many/{number}.bam" for number in range(120)], size=10)
        task = Attempts(still, items=files)
        still.option("list_lag", 900)
        still.fault("drop_after", path=CREATE, count=2)

        assert task.pokes() == "success"
        assert task.summary == {"total": 120, "completed": 120}
        assert task.xcoms["cgc_summary"]["bytes"] == 1200
        assert len(task.jobs) == 240

    def test_volume_cannot_be_listed(self, emulator: CgcEmulator, manifest: str) -> None:
        """If the volume cannot be listed, the verification fails and the account is still made."""
        emulator.fault("403", path=f"/v2/storage/volumes/{emulator.volume}/list", count=None)
        task = Attempts(emulator, items=emulator.file_ids[:2], verify=True, manifest_path=manifest)

        assert task.run() == "CgcJobsNotYetKnown"
        assert "The objects on the volume could not be verified" in str(task.error)
        assert task.summary == {"total": 2, "completed": 2}
        assert {line["state"] for line in manifest_lines(manifest)} == {"COMPLETED"}
        emulator.clear_faults()
        assert task.retry() == "success"
        assert len(task.jobs) == 2


class TestAQuietNight:
    def test_empty_manifest_is_left(self, emulator: CgcEmulator, manifest: str) -> None:
        """An empty manifest is left for whoever reads it."""
        task = Attempts(emulator, items=[], allow_empty=True, manifest_path=manifest)
        assert task.run() == "success"
        assert task.xcoms["cgc_summary"]["manifest"] == manifest
        assert manifest_lines(manifest) == []

        rest = Attempts(emulator, items=None, manifest=manifest, failed_only=True, allow_empty=True)
        assert rest.run() == "success"

    def test_last_nights_failures(self, emulator: CgcEmulator, manifest: str) -> None:
        """Last night's failures are not taken for this night's."""
        files = emulator.file_ids[:2]
        emulator.fail_files(emulator.file_names[files[1]], code=9206)
        last_night = Attempts(emulator, items=files, manifest_path=manifest, max_failures=1)
        assert last_night.run() == "success"

        # Another Dag run, as the lines of the manifest tell.
        tonight = Attempts(emulator, items=[], allow_empty=True, manifest_path=manifest)
        Path(manifest.removeprefix("file://")).write_text(
            Path(manifest.removeprefix("file://")).read_text().replace("dag/run/", "dag/last/")
        )
        assert tonight.run() == "success"
        assert manifest_lines(manifest) == []

    @pytest.mark.parametrize("record", [pytest.param("store", marks=with_store), "manifest"])
    def test_running_is_not_green(self, still: CgcEmulator, record: str, manifest: str) -> None:
        """It is not green while exports of an earlier try run."""
        task = Attempts(
            still,
            store=record == "store",
            items=still.file_ids[:2],
            allow_empty=True,
            manifest_path=manifest if record == "manifest" else None,
        )
        assert task.run(timeout=1) == "AirflowSensorTimeout"

        assert task.clear(items=[]) == "CgcJobsUncertain"
        assert task.clear(items=still.file_ids[2:4], location="out/{nonsense}") == "CgcInputRefused"
        assert task.clear(items=[]) == "CgcJobsUncertain"
        assert task.clear(items=[], resume=False) == "success"

    @with_store
    def test_nothing_started_is_green(self, emulator: CgcEmulator) -> None:
        task = Attempts(emulator, items=[emulator.archived_id], allow_empty=True)
        assert task.run() == "CgcJobsFailed"

        assert task.clear(items=[]) == "success"

    def test_success_empties_it(self, emulator: CgcEmulator, manifest: str) -> None:
        """After a success its manifest is emptied."""
        task = Attempts(emulator, items=emulator.file_ids[:2], allow_empty=True, manifest_path=manifest)
        assert task.run() == "success"

        assert task.clear(items=[]) == "success"
        assert manifest_lines(manifest) == []


class TestWhatIsHandedOn:
    def test_no_wait_tells_tolerance(self, emulator: CgcEmulator, manifest: str) -> None:
        """A task that does not wait tells what it tolerates."""
        items = [*emulator.file_ids[:2], emulator.archived_id]
        task = Attempts(emulator, items=items, wait=False, max_failures=1, manifest_path=manifest)

        assert task.run() == "success"
        assert task.returned == manifest
        assert task.summary == {"total": 3, "failed": 1}

    def test_failures_keep_properties(self, emulator: CgcEmulator, manifest: str) -> None:
        files = emulator.file_ids[:2]
        emulator.fail_files(emulator.file_names[files[1]], code=9206)
        properties = {"aws_storage_class": "STANDARD_IA"}
        task = Attempts(emulator, items=files, manifest_path=manifest, max_failures=1, properties=properties)
        assert task.run() == "success"
        emulator.clear_faults()

        rest = Attempts(emulator, items=None, manifest=manifest, failed_only=True)
        assert rest.run() == "success"
        with emulator.world.open() as world:
            assert [job.order.properties for job in world.exports.values()] == [properties] * 3

    def test_listings_are_joined(self, emulator: CgcEmulator, tmp_path: Path) -> None:
        for name, file in (("a", 0), ("b", 1)):
            (tmp_path / f"{name}.jsonl").write_text(f'{{"file": "{emulator.file_ids[file]}"}}\n')
        places = [f"file://{tmp_path}/a.jsonl", f"file://{tmp_path}/b.jsonl"]
        task = Attempts(emulator, items=[*places, [emulator.file_ids[2]]])

        assert task.run() == "success"
        assert task.summary == {"total": 3, "completed": 3}


def test_manifest_of_another_task(emulator: CgcEmulator, manifest: str) -> None:
    """The manifest of another task is refused before anything is sent."""
    assert Attempts(emulator, items=emulator.file_ids[:1], manifest_path=manifest).run() == "success"
    path = Path(manifest.removeprefix("file://"))
    path.write_text(path.read_text().replace("dag/run/export/", "dag/run/another/"))
    before = emulator.stats()["total"]
    task = Attempts(emulator, items=emulator.file_ids[1:2], manifest_path=manifest)

    assert task.run() == "CgcInputRefused"
    assert "that of another task of this Dag run, another/-1" in str(task.error)
    assert emulator.stats()["total"] == before


def test_connection_is_missing(emulator: CgcEmulator) -> None:
    """An unknown connection is one of the operator's own errors."""
    task = Attempts(emulator, items=emulator.file_ids[:1], cgc_conn_id="cgc_nobody")

    assert task.run() == "CgcWaitError"
    assert "connection 'cgc_nobody' is not defined" in str(task.error)
