"""Faults of single items, whenever they are told: they count as failures of these, and the others are sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.client.errors.codes import NOT_EXPORTABLE
from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.listing.files import LARGEST
from airflow_provider_cgc.jobs.submitting import joblist
from tests.airflow.attempts.attempts import Attempts, manifest_lines, remove_files, size_of


def gone(emulator: CgcEmulator) -> Any:
    name = emulator.file_ids[9]
    remove_files(emulator, name)
    return {"file": name, "name": "gone.bam", "path": ""}


def gone_without_a_name(emulator: CgcEmulator) -> Any:
    """So that the location cannot be told, either."""
    remove_files(emulator, emulator.file_ids[9])
    return emulator.file_ids[9]


def gone_when_sent(emulator: CgcEmulator) -> Any:
    emulator.fail_files(emulator.file_ids[9], code=9009, at="submit")
    return emulator.file_ids[9]


def gone_when_its_turn_comes(emulator: CgcEmulator) -> Any:
    emulator.fail_files(emulator.file_names[emulator.file_ids[9]], code=9106)
    return emulator.file_ids[9]


def too_large(emulator: CgcEmulator) -> Any:
    [name] = emulator.add_files(["large.bam"], project=emulator.other_project, size=LARGEST + 1)
    return name


WRONG: dict[str, tuple[Callable[[CgcEmulator], Any], int | None]] = {
    "gone": (gone, 5002),
    "gone, and no location for it": (gone_without_a_name, 5002),
    "gone when it is sent": (gone_when_sent, 9009),
    "gone when its turn comes": (gone_when_its_turn_comes, 9106),
    "an alias": (lambda emulator: emulator.alias_id, NOT_EXPORTABLE),
    "archived": (lambda emulator: emulator.archived_id, NOT_EXPORTABLE),
    "a folder": (lambda emulator: emulator.folder_id, None),
    "too large": (too_large, None),
    "a key that names a folder": (lambda emulator: {"file": emulator.file_ids[9], "location": "out/"}, None),
}
"""The faults of an item, with the code that tells each."""
LOCATION = "out/{id}/{name}"
at_any_time = pytest.mark.parametrize("wrong", WRONG)
BEFORE = [name for name in WRONG if name not in ("gone when it is sent", "gone when its turn comes", "archived")]
"""The faults that are known before anything is sent."""


def task_of(emulator: CgcEmulator, *wrong: str, **arguments: Any) -> Attempts:
    """A task of three good files, with items between them of which something is wrong."""
    good = emulator.file_ids[:3]
    bad = [WRONG[name][0](emulator) for name in wrong]
    return Attempts(emulator, items=[good[0], *bad, *good[1:]], location=LOCATION, **arguments)


@at_any_time
def test_one_may_fail(emulator: CgcEmulator, wrong: str, tmp_path: Path) -> None:
    """One item that may fail does, and the others are sent."""
    manifest = f"file://{tmp_path}/exports.jsonl"
    task = task_of(emulator, wrong, max_failures=1, manifest_path=manifest)

    assert task.run() == "success", task.error
    assert task.summary == {"total": 4, "completed": 3, "failed": 1}
    [failure] = task.xcoms["cgc_summary"]["failed_items"]
    code = WRONG[wrong][1]
    assert failure["code"] == code
    assert Problem(None, code, "").remedy if code else len(failure["message"]) > 20
    lines = manifest_lines(manifest)
    assert sorted(line["state"] for line in lines) == ["COMPLETED"] * 3 + ["FAILED"]
    [line] = [line for line in lines if line["state"] == "FAILED"]
    assert (line["file"], line["code"]) == (failure["file"], code)


@pytest.mark.parametrize("wrong", BEFORE)
def test_one_may_not_fail(emulator: CgcEmulator, wrong: str) -> None:
    """One item that may not fail stops all before anything is sent."""
    task = task_of(emulator, wrong)

    assert task.run() == "CgcInputRefused"
    assert not task.jobs


def test_too_many_are_told(emulator: CgcEmulator) -> None:
    """More failures than are tolerated stop all, and are told together."""
    task = task_of(emulator, *BEFORE[1:], max_failures=len(BEFORE) - 2)

    assert task.run() == "CgcInputRefused"
    count = len(BEFORE) - 1
    assert f"items of task 'export': {count} of {count + 3} items cannot be exported; max_failures" in str(task.error)
    assert not task.jobs


def test_all_kinds_may_fail(emulator: CgcEmulator) -> None:
    """As many failures as are tolerated do no harm, of whatever kind."""
    task = task_of(emulator, *BEFORE[1:], max_failure_share=0.7)

    assert task.run() == "success", task.error
    assert task.summary == {"total": 2 + len(BEFORE), "completed": 3, "failed": len(BEFORE) - 1}


@pytest.mark.parametrize("wrong", BEFORE)
def test_others_may_end_first(emulator: CgcEmulator, wrong: str) -> None:
    """It ends nothing before the others have ended."""
    task = task_of(emulator, wrong, max_failures=1, fail_fast=True)

    assert task.run() == "success", task.error


def test_fail_fast_ends_at_once(connect: Callable[..., str]) -> None:
    with CgcEmulator(speed=0) as still:
        connect(still)
        still.fail_files(still.file_ids[9], code=9009, at="submit")
        task = Attempts(still, items=still.file_ids[8:11], fail_fast=True)

        assert task.run() == "CgcJobsFailed"
    assert "2 exports still run" in str(task.error)


@pytest.mark.parametrize("wrong", ["an alias", "gone, and no location for it"])
def test_nothing_sent_beyond(emulator: CgcEmulator, wrong: str) -> None:
    """After more failures than are tolerated nothing more is sent."""
    items = [WRONG[wrong][0](emulator), *emulator.file_ids[10:140]]
    emulator.fail_files(emulator.file_ids[10], code=9009, at="submit")
    task = Attempts(emulator, items=items, location=LOCATION, max_failures=1)

    assert task.run() == "CgcJobsFailed"
    assert len(task.jobs) == 99


@pytest.mark.parametrize("argument", ["volume", "location"])
def test_wrong_argument_refused(emulator: CgcEmulator, argument: str) -> None:
    """A wrong argument is a refusal whatever may fail."""
    wrong = {"volume": "demo-lab/nowhere", "location": "{nonsense}"}[argument]
    task = task_of(emulator, "an alias", max_failures=4)

    assert task.run(**{argument: wrong}) == "CgcInputRefused"
    assert not task.jobs


def test_wrong_volume_refused(emulator: CgcEmulator) -> None:
    """A volume that one item names is a refusal whatever may fail."""
    items = [emulator.file_ids[0], {"file": emulator.file_ids[1], "volume": emulator.read_only_volume}]
    task = Attempts(emulator, items=items, max_failures=1)

    assert task.run() == "CgcInputRefused"
    assert not task.jobs


@at_any_time
def test_clear_resends_nothing(emulator: CgcEmulator, wrong: str) -> None:
    """A clear does not send the others again."""
    task = task_of(emulator, wrong, max_failures=1)
    emulator.fail_files(emulator.file_names[emulator.file_ids[0]], code=9206)
    assert task.run() == "CgcJobsFailed", task.error
    emulator.clear_faults()
    before = len(task.jobs)

    assert task.clear() == "success"
    sent_again = 2 if wrong.startswith("gone when") else 1
    assert len(task.jobs) == before + sent_again


def test_clear_sends_mended(emulator: CgcEmulator) -> None:
    """An item that was mended is sent after a Clear."""
    task = task_of(emulator, "a key that names a folder", max_failures=1)
    emulator.fail_files(emulator.file_names[emulator.file_ids[0]], code=9206)
    assert task.run() == "CgcJobsFailed"
    emulator.clear_faults()

    assert task.clear(location="out/{id}/{name}") == "success"


@pytest.mark.parametrize("wrong", ["gone", "an alias"])
@pytest.mark.parametrize("tolerated", [0, 1])
def test_present_is_skipped(emulator: CgcEmulator, wrong: str, tolerated: int) -> None:
    """An object on the volume is skipped whatever is wrong with its file."""
    task = task_of(emulator, wrong, if_exists="skip", max_failures=tolerated)
    name = {"gone": "gone.bam", "an alias": "imported.bam"}[wrong]
    file_id = {"gone": emulator.file_ids[9], "an alias": emulator.alias_id}[wrong]
    with emulator.world.open() as world:
        size = None if wrong == "gone" else world.files[file_id].size
    emulator.put_objects([f"out/{file_id}/{name}"], volume=emulator.volume, **({} if size is None else {"size": size}))

    assert task.run() == "success", task.error
    assert task.summary == {"total": 4, "completed": 3, "skipped": 1}


@pytest.mark.parametrize("template", ["out/{name}", "out/{id}"])
def test_deleted_meanwhile(emulator: CgcEmulator, monkeypatch: pytest.MonkeyPatch, template: str) -> None:
    """
    A file that was deleted meanwhile makes nothing else uncertain.

    Also where nobody can tell by the platform's list what was started: the record knows it of each item.
    """
    files = emulator.file_ids[:4]
    emulator.fail_files(emulator.file_names[files[2]], code=9100, times=1)
    task = Attempts(emulator, items=files, location=template, max_failures=0)
    assert task.run() == "CgcJobsIncomplete"
    remove_files(emulator, files[3])
    emulator.submit_exports(emulator.file_ids[20:220])
    emulator.option("list_order", "shuffled")
    monkeypatch.setattr(joblist, "MOST_PAGES", 1)

    assert task.retry(max_failures=1) == "success", task.error
    lost = {"out/{name}": 1, "out/{id}": 0}[template]
    assert task.summary == {"total": 4, "completed": 4 - lost} | ({"failed": lost} if lost else {})
    assert [state for location, state in task.jobs if location.startswith("out/")].count("COMPLETED") == 4


def test_unstorable_location(emulator: CgcEmulator) -> None:
    """A location that nothing can store is a refusal."""
    item = {"file": emulator.file_ids[0], "location": "out/\ud800.bam"}

    assert Attempts(emulator, items=[item], max_failures=1).run() == "CgcInputRefused"


def test_unstorable_name(emulator: CgcEmulator) -> None:
    """A name that nothing can store gets into no XCom."""
    [hostile] = emulator.add_files(["a\0.bam"], project=emulator.other_project)
    task = Attempts(emulator, items=[emulator.file_ids[0], hostile], location="out/{name}", max_failures=1)

    assert task.run() == "success", task.error
    assert "\\u0000" not in json.dumps(task.xcoms)


@pytest.mark.parametrize("how", ["manifest", "failed_items"])
def test_location_stays_unknown(emulator: CgcEmulator, tmp_path: Path, how: str) -> None:
    """
    An item without a location gets no other one when it is repeated.

    By the default location it would be moved to a place that nobody asked for.
    """
    [bare] = emulator.add_files(["deep/bare.bam"], project=emulator.other_project)
    manifest = f"file://{tmp_path}/exports.jsonl"
    wanted = {"location": "{metadata.sample}/{path}/{name}", "copy_only": False, "max_failures": 1}
    first = Attempts(emulator, items=[bare], manifest_path=manifest, **wanted)
    assert first.run() == "success"
    again = {"manifest": manifest, "failed_only": True}
    if how == "failed_items":
        again = {"items": first.xcoms["cgc_summary"]["failed_items"]}

    task = Attempts(emulator, **again, location="{path}/{name}", copy_only=False)
    assert task.run() == "CgcInputRefused"
    assert "no metadata field 'sample'" in str(task.error)
    with emulator.world.open() as world:
        world.files[bare].metadata["sample"] = "S1"
    assert task.run() == "success", task.error
    assert task.jobs == [("S1/deep/bare.bam", "COMPLETED")]


class TestAliases:
    def test_are_skipped_on_demand(self, emulator: CgcEmulator, tmp_path: Path) -> None:
        manifest = f"file://{tmp_path}/exports.jsonl"
        task = task_of(emulator, "an alias", aliases="skip", verify=True, manifest_path=manifest)

        assert task.run() == "success", task.error
        assert task.summary == {"total": 4, "completed": 3, "skipped": 1}
        [line] = [line for line in manifest_lines(manifest) if line["state"] == "SKIPPED"]
        assert (line["file"], line["code"]) == (emulator.alias_id, NOT_EXPORTABLE)
        assert "It is an alias: its bytes are on volume" in line["message"]

    @pytest.mark.parametrize("why", ["their volume is only read", "another file goes to their place"])
    def test_leave_others_alone(self, emulator: CgcEmulator, why: str) -> None:
        """A skipped item goes nowhere, so that it does not matter where."""
        alias: dict[str, Any] = {"file": emulator.alias_id, "location": f"out/{emulator.file_ids[0]}"}
        if why == "their volume is only read":
            alias = {"file": emulator.alias_id, "volume": emulator.read_only_volume, "location": "x"}
        task = Attempts(emulator, items=[emulator.file_ids[0], alias], aliases="skip")

        assert task.run() == "success", task.error
        assert task.summary == {"total": 2, "completed": 1, "skipped": 1}

    def test_go_nowhere(self, emulator: CgcEmulator) -> None:
        """Aliases are skipped wherever they would go. The location wants what this file has not."""
        [good] = emulator.add_files(["a.bam"], project=emulator.other_project, metadata={"sample": "S1"})
        task = Attempts(emulator, items=[good, emulator.alias_id], location="{metadata.sample}/{id}")

        assert task.run(aliases="skip") == "success", task.error
        assert task.summary == {"total": 2, "completed": 1, "skipped": 1}

    @pytest.mark.parametrize("wrong", ["archived", "a folder", "gone"])
    def test_alone_are_skipped(self, emulator: CgcEmulator, wrong: str) -> None:
        """Only aliases are skipped."""
        task = task_of(emulator, wrong, aliases="skip", max_failures=1)

        assert task.run() == "success", task.error
        assert task.summary == {"total": 4, "completed": 3, "failed": 1}

    def test_of_the_wanted_object(self, emulator: CgcEmulator) -> None:
        """Aliases of the wanted object have been moved there."""
        task = Attempts(emulator, items=emulator.file_ids[:2], copy_only=False, aliases="skip", max_failures=1)
        emulator.fail_files(emulator.file_names[emulator.file_ids[0]], code=9100)
        assert task.run(max_failures=0) == "CgcJobsIncomplete", task.error
        emulator.clear_faults()

        assert task.retry() == "success", task.error
        assert task.summary == {"total": 2, "completed": 2}

    def test_alone_are_a_success(self, emulator: CgcEmulator) -> None:
        task = Attempts(emulator, items=[emulator.alias_id], aliases="skip")

        assert task.run() == "success", task.error
        assert task.summary == {"total": 1, "skipped": 1}

    def test_want_a_known_word(self, emulator: CgcEmulator) -> None:
        """An unknown word for aliases is refused."""
        task = task_of(emulator, "an alias", aliases="keep")

        assert task.run() == "CgcInputRefused"
        assert "give one of fail, skip" in str(task.error)


def test_dry_run_tells_all(emulator: CgcEmulator) -> None:
    """A dry run tells which items would fail and which would be skipped."""
    wrong = ["an alias", "a folder", "gone", "a key that names a folder"]
    task = task_of(emulator, *wrong, aliases="skip", max_failures=3, dry_run=True)

    assert task.run() == "success", task.error
    assert task.returned == {
        "items": 7,
        "dry_run": True,
        "to_send": 3,
        "skipped": 1,
        "not_exportable": 3,
        "settled": 0,
        "under_way": 0,
        "failing": 0,
        "in_the_way": 0,
        "bytes": sum(size_of(emulator, file) for file in emulator.file_ids[:3]),
        "lines": 3,
        "manifest": None,
    }
