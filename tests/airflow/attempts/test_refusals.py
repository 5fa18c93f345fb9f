"""An order of which nothing is sent: it leaves every item's reason, and the record of earlier sends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc import storage
from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.attempts.attempts import Attempts, manifest_lines, remove_files

with_and_without_a_store = pytest.mark.parametrize("store", [True, False], ids=["store", "no store"])


def give_back(emulator: CgcEmulator, count: int) -> list[str]:
    return emulator.add_files([f"again/{number}.bam" for number in range(count)], project=emulator.other_project)


def refused(emulator: CgcEmulator, **arguments: Any) -> Attempts:
    """A task of 30 items, of which 24 are gone, four are folders, and two are good."""
    files = emulator.file_ids[:26]
    remove_files(emulator, *files[:24])
    items = [*files[:24], *[emulator.folder_id] * 4, *files[24:]]
    named = [{"file": file, "location": f"out/{number}"} for number, file in enumerate(items)]
    return Attempts(emulator, items=named, max_failures=3, **arguments)


def test_causes_and_tolerance(emulator: CgcEmulator) -> None:
    """A refusal tells causes and what is tolerated."""
    task = refused(emulator)

    assert task.run() == "CgcInputRefused"

    head, first, second = str(task.error).splitlines()
    assert head == "items of task 'export': 28 of 30 items cannot be exported; max_failures=3 tolerates 3"
    assert first.startswith("- 24 items: 5002: ")
    assert second.startswith("- 4 items: It is a folder")
    assert "The XCom 'cgc_summary' has 28 reasons." in second


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"max_failures": 0}, "max_failures=0 tolerates none"),
        ({"max_failures": 0, "max_failure_share": 0.1}, "max_failure_share=0.1 of 30 items tolerates 3"),
        ({"max_failures": 0, "max_failure_share": 0.01}, "max_failure_share=0.01 of 30 items tolerates none"),
        ({"max_failures": 2, "max_failure_share": 0.1}, "max_failures=2 tolerates 2"),
        ({"max_failures": 20, "max_failure_share": "0.1"}, "max_failure_share=0.1 of 30 items tolerates 3"),
    ],
    ids=str,
)
def test_the_limit_is_named(emulator: CgcEmulator, arguments: dict[str, Any], words: str) -> None:
    """A refusal names the limit that counts."""
    task = refused(emulator)

    assert task.run(**arguments) == "CgcInputRefused"

    assert str(task.error).splitlines()[0].endswith(f"28 of 30 items cannot be exported; {words}")


def test_summary_has_all_causes(emulator: CgcEmulator) -> None:
    task = refused(emulator)

    task.run()

    summary = task.xcoms["cgc_summary"]
    assert (summary["total"], summary["failed"], summary["completed"]) == (30, 28, 0)
    assert [(one["code"], one["count"]) for one in summary["causes"]] == [(5002, 24), (None, 4)]
    assert len(summary["failed_items"]) == 28
    assert summary["manifest"] is None


@with_and_without_a_store
def test_manifest_has_reasons(emulator: CgcEmulator, manifest: str, store: bool) -> None:
    task = refused(emulator, manifest_path=manifest, store=store)

    assert task.run() == "CgcInputRefused"

    lines = manifest_lines(manifest)
    assert [line["state"] for line in lines] == ["FAILED"] * 28 + ["UNSENT"] * 2
    assert {line["code"] for line in lines[:24]} == {5002}
    assert lines[-1]["message"].startswith("not sent: 28 of 30 items cannot be exported")
    assert manifest in str(task.error)
    assert task.xcoms["cgc_summary"]["manifest"] == manifest


@with_and_without_a_store
def test_clear_sends_all_once(emulator: CgcEmulator, manifest: str, store: bool) -> None:
    """A cleared refusal sends everything once."""
    bad = emulator.folder_id
    task = Attempts(emulator, items=[*emulator.file_ids[:5], bad], manifest_path=manifest, store=store)
    assert task.run() == "CgcInputRefused"
    assert task.clear() == "CgcInputRefused"
    assert len(manifest_lines(manifest)) == 6

    assert task.clear(items=emulator.file_ids[:5]) == "success", task.error

    assert [state for _, state in task.jobs] == ["COMPLETED"] * 5
    assert task.clear(items=emulator.file_ids[:5], if_exists="overwrite") == "success", task.error
    assert len(task.jobs) == 10


@with_and_without_a_store
def test_manifest_works_again(emulator: CgcEmulator, manifest: str, store: bool) -> None:
    """A refused manifest can be given again."""
    task = Attempts(emulator, items=[*emulator.file_ids[:5], emulator.folder_id], manifest_path=manifest, store=store)
    assert task.run() == "CgcInputRefused"

    again = Attempts(emulator, items=None, manifest=manifest, failed_only=True, max_failures=1, store=store)

    assert again.run() == "success", again.error
    assert again.summary == {"total": 6, "completed": 5, "failed": 1}


@with_and_without_a_store
@pytest.mark.parametrize("ended", ["succeeded", "failed"])
def test_record_is_kept(emulator: CgcEmulator, manifest: str, store: bool, ended: str) -> None:
    """
    A refusal keeps the record of what was sent.

    A Clear goes on from the jobs that the manifest tells; what was started must not be started again.
    """
    files = emulator.file_ids[:4]
    emulator.fail_files(emulator.file_names[files[3]], code=9206, times=1)
    task = Attempts(emulator, items=files, manifest_path=manifest, store=store)
    assert task.run(max_failures=int(ended == "succeeded")) == ("success" if ended == "succeeded" else "CgcJobsFailed")
    before = manifest_lines(manifest)

    assert task.clear(items=[*files, *[emulator.folder_id] * 2]) == "CgcInputRefused"

    if ended == "failed":
        assert manifest_lines(manifest) == before
        assert "is left as it is" in str(task.error)
    assert task.clear(if_exists="overwrite") == "success", task.error
    assert len(task.jobs) == (8 if ended == "succeeded" else 5)


def test_record_of_another_run(emulator: CgcEmulator, manifest: str) -> None:
    """
    A refusal keeps the record of another run.

    A run that has not ended well may still be cleared, and its record is at the same address.
    """
    other = Attempts(emulator, items=emulator.file_ids[:2], manifest_path=manifest, wait=False)
    assert other.run() == "success", other.error
    text = "".join(storage.read_lines(manifest)).replace('"dag/run/', '"dag/yesterday/')
    storage.write_lines(manifest, [text])

    task = refused(emulator, manifest_path=manifest)

    assert task.run() == "CgcInputRefused"
    assert "".join(storage.read_lines(manifest)) == text


def test_dry_run_leaves_nothing(emulator: CgcEmulator, manifest: str, tmp_path: Path) -> None:
    task = refused(emulator, manifest_path=manifest, dry_run=True)

    assert task.run() == "CgcInputRefused"

    assert list(tmp_path.iterdir()) == []
    assert "cgc_summary" not in task.xcoms


def test_storage_hides_nothing(emulator: CgcEmulator, manifest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failing storage hides no refusal."""

    def fail(*_: Any) -> None:
        raise OSError("the disk is full")

    task = refused(emulator, manifest_path=manifest)
    monkeypatch.setattr(storage, "write_lines", fail)

    assert task.run() == "CgcInputRefused"
    assert task.xcoms["cgc_summary"]["failed"] == 28


def test_no_place_is_named_once(emulator: CgcEmulator) -> None:
    [bare] = emulator.add_files(["nometa.txt"], project=emulator.other_project)
    task = Attempts(emulator, items=[bare], location="{metadata.sample}/{name}")

    assert task.run() == "CgcInputRefused"

    text = str(task.error)
    assert text.count("nometa.txt") == 1
    assert f"item 1: file {bare} ('nometa.txt'): It has no metadata field 'sample'" in text


def test_missing_volume(emulator: CgcEmulator) -> None:
    """A volume that is not there has no reasons."""
    task = Attempts(emulator, items=emulator.file_ids[:2], volume="demo-lab/nowhere")

    assert task.run() == "CgcInputRefused"

    assert "volume demo-lab/nowhere, where 2 items go" in str(task.error)
    assert str(task.error).endswith("This attempt has sent nothing.")


def test_template_in_a_path(emulator: CgcEmulator) -> None:
    """A path with a template is refused for good."""
    task = Attempts(emulator, items=emulator.file_ids[:2], manifest_path=Path("/lab/{{ ds }}/m.jsonl"))

    assert task.run() == "CgcInputRefused"

    assert "a template in it is not rendered; write it as text. This attempt has sent nothing." in str(task.error)
