"""What a later attempt of an export makes of an earlier one: Airflow's retry, a Clear, another poke of the same try."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.compat import AirflowTaskTimeout
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.emulator.state.world import World
from airflow_provider_cgc.jobs.exports import finish
from airflow_provider_cgc.jobs.submitting import joblist
from airflow_provider_cgc.operators import exports
from tests.airflow.attempts.attempts import Attempts, in_this_process, manifest_lines  # noqa: F401  # a fixture
from tests.airflow.conftest import has_task_state_store

CREATE = "/v2/bulk/storage/exports/create"
PENDING = "AirflowRescheduleException"

pytestmark = pytest.mark.usefixtures("in_this_process")
with_store = pytest.mark.skipif(not has_task_state_store(), reason="Airflow below 3.3 has no task state store")


@pytest.fixture
def emulator(connect: Callable[..., str]) -> Iterator[CgcEmulator]:
    """A CGC where requests are not limited, and days are minutes."""
    with CgcEmulator(speed=600, rate_limit=10**6, slots=1000) as emulator:
        connect(emulator)
        yield emulator


@pytest.fixture
def still(connect: Callable[..., str]) -> Iterator[CgcEmulator]:
    """A CGC whose clock moves only when it is told to."""
    with CgcEmulator(speed=0, rate_limit=10**6) as emulator:
        connect(emulator)
        yield emulator


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for a file to become an alias: the emulator does not keep it waiting."""
    monkeypatch.setattr(finish, "ALIAS_PAUSE", 0.0)


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    return f"file://{tmp_path}/exports.jsonl"


def remove_object(emulator: CgcEmulator, location: str) -> None:
    """Delete an object from the bucket behind the volume, as its owner can."""
    with emulator.world.open() as world:
        volume = world.volumes[emulator.volume]
        world.buckets[volume.bucket].pop(volume.key(location))


def size_of(emulator: CgcEmulator, name: str) -> int:
    with emulator.world.open() as world:
        return world.files[name].size


def refuse(emulator: CgcEmulator, files: list[str]) -> None:
    """Let files be such as an archived one: no field tells, but they cannot be exported."""
    for name in files:
        emulator.fail_files(name, code=9006, at="submit")


def forget_all_jobs(emulator: CgcEmulator) -> None:
    """Let hours go by, after which the platform knows none of its jobs any more."""
    with emulator.world.open() as world:
        forgotten = all_jobs(world)
    emulator.forget(forgotten)
    emulator.clock.advance(2 * 3600)


def all_jobs(world: World) -> list[str]:
    return list(world.exports)


class TestAnotherPokeOfTheSameTry:
    @with_store
    @pytest.mark.parametrize("how", [{"copy_only": False}, {"if_exists": "skip"}], ids=["moving", "skipping"])
    def test_a_job_that_fails_again_and_again_is_sent_once_in_a_try(self, still: CgcEmulator, how: Any) -> None:
        """On the second try three of the four need no wait: their files are aliases, or their objects are there."""
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
    def test_even_without_its_memory_a_poke_sends_nothing_again(self, still: CgcEmulator) -> None:
        files = still.file_ids[:2]
        still.fail_files(still.file_names[files[1]], code=9100)
        task = Attempts(still, items=files)
        assert task.poke() == PENDING
        assert task.store is not None
        del task.store["cgc_exports_rest"]

        assert task.poke() == "CgcJobsIncomplete"
        assert len(task.jobs) == 2


class TestWhatWasRefused:
    def test_files_that_cannot_be_exported_do_not_keep_the_others_back(self, emulator: CgcEmulator) -> None:
        refuse(emulator, emulator.file_ids[:100])
        task = Attempts(emulator, items=emulator.file_ids[:200], max_failures=100)

        assert task.run() == "success"
        assert task.summary == {"total": 200, "completed": 100, "failed": 100}

    @pytest.mark.parametrize("how", [{}, {"wait": False}], ids=["waiting", "starting"])
    def test_what_was_never_sent_is_told_apart_in_the_line_read_first(self, emulator: CgcEmulator, how: Any) -> None:
        """The first chunk alone is sent, because all of it is refused with one and the same permanent code."""
        refuse(emulator, emulator.file_ids[:100])
        task = Attempts(emulator, items=emulator.file_ids[:150], **how)

        assert task.run() == "CgcJobsFailed"
        assert str(task.error).startswith("Of 150 exports, 150 FAILED (of which 50 were not sent).")
        assert task.summary == {"total": 150, "failed": 150}

    def test_a_retry_sends_first_what_was_never_sent(
        self, emulator: CgcEmulator, manifest: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refuse(emulator, emulator.file_ids[:60])
        task = Attempts(emulator, store=False, items=emulator.file_ids[:300], max_failures=60, manifest_path=manifest)
        monkeypatch.setattr(exports, "PATIENCE", 0.5)
        emulator.fault("401", path=CREATE, count=None, after=1)
        assert task.run() == "CgcWaitError"
        assert len(task.jobs) == 40
        emulator.clear_faults()
        refuse(emulator, emulator.file_ids[:60])

        assert task.retry() == "success"
        assert task.summary == {"total": 300, "completed": 240, "failed": 60}


class TestTroubleWhileCreating:
    @pytest.mark.parametrize("fault", ["503", "503_maintenance"])
    def test_trouble_that_outlasts_the_attempt_is_retried(self, emulator: CgcEmulator, fault: str) -> None:
        emulator.fault(fault, path=CREATE, count=3)
        task = Attempts(emulator, store=False, items=emulator.file_ids[:3])

        assert task.run() == "CgcWaitError"
        assert task.jobs == []
        assert task.retry() == "success"
        assert len(task.jobs) == 3

    def test_an_item_that_is_refused_for_now_is_a_failure_beside_the_others(self, emulator: CgcEmulator) -> None:
        files = emulator.file_ids[:3]
        emulator.fail_files(files[1], code=9100, at="submit")
        task = Attempts(emulator, items=files, max_failures=1)

        assert task.run() == "success"
        assert task.summary == {"total": 3, "completed": 2, "failed": 1}
        assert len(task.jobs) == 2

    def test_a_timeout_of_the_task_lets_nothing_more_leave(self, connect: Callable[..., str], manifest: str) -> None:
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
    def test_an_object_in_the_way_that_is_gone_is_replaced(self, emulator: CgcEmulator) -> None:
        files = emulator.file_ids[:2]
        emulator.put_objects([f"out/{files[0]}"], volume=emulator.volume)
        task = Attempts(emulator, items=files)
        assert task.run() == "CgcJobsFailed"
        remove_object(emulator, f"out/{files[0]}")

        assert task.clear() == "success"
        assert task.summary == {"total": 2, "completed": 2}
        assert len(task.jobs) == 3

    def test_an_object_in_the_way_may_be_overwritten(self, emulator: CgcEmulator) -> None:
        files = emulator.file_ids[:2]
        emulator.put_objects([f"out/{files[0]}"], volume=emulator.volume)
        task = Attempts(emulator, items=files)
        assert task.run() == "CgcJobsFailed"

        assert task.clear(if_exists="overwrite") == "success"
        assert len(task.jobs) == 3

    def test_jobs_that_the_platform_has_forgotten_are_told_by_what_is_there(self, emulator: CgcEmulator) -> None:
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
    def test_an_object_of_before_does_not_stand_for_a_forgotten_job(self, emulator: CgcEmulator, how: Any) -> None:
        """It has another content, or the volume does not tell its size."""
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
    def test_a_job_that_does_not_show_yet_is_not_a_forgotten_one(self, still: CgcEmulator) -> None:
        task = Attempts(still, items=still.file_ids[:1], if_exists="overwrite")
        still.fail_files(still.file_names[still.file_ids[0]], code=9206)
        assert task.pokes() == "CgcJobsFailed"
        still.clear_faults()
        assert task.clear(wait=False) == "success"
        assert len(task.jobs) == 2
        still.set_options({"unknown_for": 600, "list_lag": 600})

        assert task.retry(wait=False) == "success"
        assert len(task.jobs) == 2

    def test_an_object_of_another_size_is_sent_again_where_it_is_verified(self, emulator: CgcEmulator) -> None:
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

    def test_a_source_that_is_gone_matters_only_to_what_is_left(self, emulator: CgcEmulator) -> None:
        files = emulator.file_ids[:2]
        items = [{"file": name, "location": f"out/{name}"} for name in files]
        emulator.fail_files(emulator.file_names[files[1]], code=9206)
        task = Attempts(emulator, items=items)
        assert task.run() == "CgcJobsFailed"
        emulator.clear_faults()
        with emulator.world.open() as world:
            world.files.remove(world.files[files[0]])

        assert task.clear() == "success"
        assert task.summary == {"total": 2, "completed": 2}

    def test_what_is_wrong_with_what_is_left_is_told_and_nothing_sent(self, emulator: CgcEmulator) -> None:
        files = emulator.file_ids[:2]
        items = [{"file": name, "location": f"out/{name}"} for name in files]
        emulator.fail_files(emulator.file_names[files[1]], code=9206)
        task = Attempts(emulator, items=items)
        assert task.run() == "CgcJobsFailed"
        with emulator.world.open() as world:
            world.files.remove(world.files[files[1]])

        assert task.clear() == "CgcInputRefused"
        assert files[1] in str(task.error)
        assert "This attempt has sent nothing." in str(task.error)

    @with_store
    def test_after_a_refusal_of_the_input_it_is_known_that_nothing_was_sent(
        self, emulator: CgcEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Even where the list of jobs cannot be read to its end."""
        emulator.submit_exports(emulator.file_ids[:200])
        emulator.option("list_order", "shuffled")
        monkeypatch.setattr(joblist, "MOST_PAGES", 1)
        task = Attempts(emulator, items=emulator.file_ids[:2])
        assert task.run(location="out/{nonsense}") == "CgcInputRefused"
        assert task.retry(volume="demo-lab/nowhere") == "CgcInputRefused"

        assert task.clear() == "success"


class TestResumeFalse:
    def test_without_any_record_it_is_refused(self, emulator: CgcEmulator) -> None:
        """A retry after the Clear would count the jobs of before it."""
        task = Attempts(emulator, store=False, items=emulator.file_ids[:1], resume=False)

        assert task.run() == "CgcInputRefused"
        assert "give it a manifest_path" in str(task.error)
        assert task.jobs == []

    @pytest.mark.parametrize("record", ["store", "manifest"])
    def test_a_retry_goes_on_and_a_clear_starts_anew(self, emulator: CgcEmulator, record: str, manifest: str) -> None:
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


class TestTheAccount:
    def test_a_job_forgotten_after_its_end_has_completed(
        self, emulator: CgcEmulator, manifest: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settle = finish.settle

        def too_late(*args: Any, **how: Any) -> Any:
            with emulator.world.open() as world:
                first = all_jobs(world)[:1]
            emulator.forget(first)
            return settle(*args, **how)

        monkeypatch.setattr(finish, "settle", too_late)
        task = Attempts(emulator, items=emulator.file_ids[:2], manifest_path=manifest)

        assert task.run() == "success"
        assert {line["state"] for line in manifest_lines(manifest)} == {"COMPLETED"}

    @with_store
    def test_all_objects_that_own_jobs_have_put_there_are_taken_back(self, still: CgcEmulator) -> None:
        """More of them than a summary lists: the answers were lost, and the jobs showed too late in the list."""
        files = still.add_files([f"many/{number}.bam" for number in range(120)], size=10)
        task = Attempts(still, items=files)
        still.option("list_lag", 900)
        still.fault("drop_after", path=CREATE, count=2)

        assert task.pokes() == "success"
        assert task.summary == {"total": 120, "completed": 120}
        assert task.xcoms["cgc_summary"]["bytes"] == 1200
        assert len(task.jobs) == 240

    def test_a_volume_that_cannot_be_listed_costs_the_verification_and_not_the_account(
        self, emulator: CgcEmulator, manifest: str
    ) -> None:
        emulator.fault("403", path=f"/v2/storage/volumes/{emulator.volume}/list", count=None)
        task = Attempts(emulator, items=emulator.file_ids[:2], verify=True, manifest_path=manifest)

        assert task.run() == "CgcExportsUnsettled"
        assert "The objects on the volume could not be verified" in str(task.error)
        assert task.summary == {"total": 2, "completed": 2}
        assert {line["state"] for line in manifest_lines(manifest)} == {"COMPLETED"}
        emulator.clear_faults()
        assert task.retry() == "success"
        assert len(task.jobs) == 2


def test_the_manifest_of_another_task_is_refused_before_anything_is_sent(emulator: CgcEmulator, manifest: str) -> None:
    assert Attempts(emulator, items=emulator.file_ids[:1], manifest_path=manifest).run() == "success"
    path = Path(manifest.removeprefix("file://"))
    path.write_text(path.read_text().replace("dag/run/export/", "dag/run/another/"))
    before = emulator.stats()["total"]
    task = Attempts(emulator, items=emulator.file_ids[1:2], manifest_path=manifest)

    assert task.run() == "CgcInputRefused"
    assert "that of another task of this Dag run, another/-1" in str(task.error)
    assert emulator.stats()["total"] == before


class TestAQuietNight:
    def test_an_empty_manifest_is_left_for_whoever_reads_it(self, emulator: CgcEmulator, manifest: str) -> None:
        task = Attempts(emulator, items=[], allow_empty=True, manifest_path=manifest)
        assert task.run() == "success"
        assert task.xcoms["cgc_summary"]["manifest"] == manifest
        assert manifest_lines(manifest) == []

        rest = Attempts(emulator, items=None, manifest=manifest, failed_only=True, allow_empty=True)
        assert rest.run() == "success"

    def test_last_night_s_failures_are_not_taken_for_this_night_s(self, emulator: CgcEmulator, manifest: str) -> None:
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
    def test_it_is_not_green_while_exports_of_an_earlier_try_run(
        self, still: CgcEmulator, record: str, manifest: str
    ) -> None:
        task = Attempts(
            still,
            store=record == "store",
            items=still.file_ids[:2],
            allow_empty=True,
            manifest_path=manifest if record == "manifest" else None,
        )
        assert task.run(timeout=1) == "AirflowSensorTimeout"

        assert task.clear(items=[]) == "CgcExportsUncertain"
        assert task.clear(items=still.file_ids[2:4], location="out/{nonsense}") == "CgcInputRefused"
        assert task.clear(items=[]) == "CgcExportsUncertain"
        assert task.clear(items=[], resume=False) == "success"

    @with_store
    def test_it_is_green_where_nothing_was_started(self, emulator: CgcEmulator) -> None:
        task = Attempts(emulator, items=[emulator.archived_id], allow_empty=True)
        assert task.run() == "CgcJobsFailed"

        assert task.clear(items=[]) == "success"

    def test_after_a_success_its_manifest_is_emptied(self, emulator: CgcEmulator, manifest: str) -> None:
        task = Attempts(emulator, items=emulator.file_ids[:2], allow_empty=True, manifest_path=manifest)
        assert task.run() == "success"

        assert task.clear(items=[]) == "success"
        assert manifest_lines(manifest) == []


class TestWhatIsHandedOn:
    def test_a_task_that_does_not_wait_tells_what_it_tolerates(self, emulator: CgcEmulator, manifest: str) -> None:
        items = [*emulator.file_ids[:2], emulator.archived_id]
        task = Attempts(emulator, items=items, wait=False, max_failures=1, manifest_path=manifest)

        assert task.run() == "success"
        assert task.returned == manifest
        assert task.summary == {"total": 3, "failed": 1}

    def test_the_failures_of_a_manifest_keep_their_properties(self, emulator: CgcEmulator, manifest: str) -> None:
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

    def test_several_listings_are_joined(self, emulator: CgcEmulator, tmp_path: Path) -> None:
        for name, file in (("a", 0), ("b", 1)):
            (tmp_path / f"{name}.jsonl").write_text(f'{{"file": "{emulator.file_ids[file]}"}}\n')
        places = [f"file://{tmp_path}/a.jsonl", f"file://{tmp_path}/b.jsonl"]
        task = Attempts(emulator, items=[*places, [emulator.file_ids[2]]])

        assert task.run() == "success"
        assert task.summary == {"total": 3, "completed": 3}


def test_a_nightly_move_counts_what_earlier_nights_have_moved_to_the_same_key(emulator: CgcEmulator) -> None:
    """A key with the night in it would be another one for them, and nothing is left to be moved there."""
    files = emulator.file_ids[:3]
    assert Attempts(emulator, items=files[:2], copy_only=False, location="nightly/{id}").run() == "success"
    second = Attempts(emulator, items=files, copy_only=False, location="nightly/{id}", if_exists="skip")

    assert second.run() == "success"
    assert second.summary == {"total": 3, "completed": 3}
    assert len(second.jobs) == 3
    assert Attempts(emulator, items=files, copy_only=False, location="night3/{id}").run() == "CgcInputRefused"


def test_a_connection_that_is_not_there_is_an_error_of_the_operator_s_own(emulator: CgcEmulator) -> None:
    task = Attempts(emulator, items=emulator.file_ids[:1], cgc_conn_id="cgc_nobody")

    assert task.run() == "CgcWaitError"
    assert "connection 'cgc_nobody': is not defined" in str(task.error)


def test_a_file_cannot_be_moved_twice(emulator: CgcEmulator) -> None:
    items = [{"file": emulator.file_ids[0], "location": location} for location in ("a/x", "b/x")]

    assert Attempts(emulator, items=items, copy_only=False).run() == "CgcInputRefused"
    assert Attempts(emulator, items=items).run() == "success"


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

        assert later.run() == "CgcExportsUnsettled"
        assert "of another run exports file" in str(later.error)
        # Without a record, a retry finds in the list what began after this run, whoever has started it.
        assert later.retry() == ("CgcExportsUnsettled" if later.store is not None else "success")
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


def test_an_object_of_another_size_is_told_before_it_is_sent(emulator: CgcEmulator) -> None:
    files = emulator.file_ids[:2]
    emulator.put_objects([f"out/{files[0]}"], volume=emulator.volume, size=7)
    task = Attempts(emulator, items=files, if_exists="skip")

    assert task.run() == "CgcJobsFailed"
    assert "An object of 7 bytes is there, and the file has" in str(task.error)
    assert task.summary == {"total": 2, "completed": 1, "failed": 1}
    assert len(task.jobs) == 1
