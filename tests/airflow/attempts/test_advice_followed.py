"""Advice is followed as it stands, on the emulator: what an error tells to do makes the task succeed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.operators.files import CgcListFilesOperator
from airflow_provider_cgc.operators.submitting import SubmittedJobs
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
from tests.airflow.attempts.attempts import Attempts


@pytest.fixture
def emulator(connect: Callable[..., str]) -> Any:
    with CgcEmulator(speed=20_000) as emulator:
        connect(emulator)
        yield emulator


def listed(**arguments: Any) -> list[dict[str, Any]]:
    found = CgcListFilesOperator(task_id="list", **arguments).execute({})  # type: ignore[typeddict-item]  # it needs no more
    assert isinstance(found, list)
    return found


def advised(task: Attempts, pattern: str) -> Any:
    """Find a pattern in the task's error; fail if it is not there."""
    text = f"{task.error}\n{task.xcoms.get('cgc_summary')}"
    found = re.search(pattern, text)
    assert found, text
    return found[1]


@pytest.mark.parametrize("value", ["skip", "overwrite"])
def test_object_in_the_way(emulator: CgcEmulator, value: str) -> None:
    from airflow_provider_cgc.client.errors.codes import REMEDIES

    file = emulator.file_ids[0]
    task = Attempts(emulator, items=[file])
    [size] = [item["size"] for item in listed(project=emulator.project) if item["file"] == file]
    emulator.put_objects([f"out/{file}"], volume=emulator.volume, size=size)
    assert task.run() == "CgcJobsFailed"
    assert f'if_exists="{value}"' in REMEDIES[9107].text

    assert task.clear(if_exists=value) == "success"


@pytest.mark.parametrize("how", [{"aliases": "skip"}, {"max_failures": 1}], ids=["skip", "tolerate"])
def test_file_not_exported(emulator: CgcEmulator, how: dict[str, Any]) -> None:
    task = Attempts(emulator, items=[emulator.file_ids[0], emulator.alias_id])
    assert task.run() == "CgcInputRefused"
    assert {*how} <= {*re.findall(r"aliases|max_failures", str(task.error))}

    assert task.run(**how) == "success"


def test_name_instead_of_id(emulator: CgcEmulator) -> None:
    file = emulator.file_ids[0]
    name = emulator.file_names[file]
    task = Attempts(emulator, items=[name])
    assert task.run() == "CgcInputRefused"
    told = advised(task, r"CgcListFilesOperator\(name='(.+)'\) finds it")

    found = listed(project=emulator.project, name=told)

    assert [item["file"] for item in found] == [file]
    assert task.run(items=found) == "success"


def test_folder_for_its_files(emulator: CgcEmulator) -> None:
    task = Attempts(emulator, items=[emulator.folder_id])
    assert task.run() == "CgcInputRefused"
    assert "CgcListFilesOperator lists a folder's files" in str(task.error)

    found = listed(folder=emulator.folder_id)

    assert task.run(items=found or emulator.file_ids[:1]) == "success"


def test_two_files_to_one_key(emulator: CgcEmulator) -> None:
    files = emulator.file_ids[:2]
    task = Attempts(emulator, items=files, location="same.bam")
    assert task.run() == "CgcInputRefused"
    field = advised(task, r"put \{path\} or (\{id\}) into the template")

    assert task.run(location=f"{field}/same.bam") == "success"


@pytest.mark.parametrize("brace", ["{", "}"])
def test_brace_in_a_location(emulator: CgcEmulator, brace: str) -> None:
    task = Attempts(emulator, items=emulator.file_ids[:1], location=f"out/{brace}-{{id}}")
    assert task.run() == "CgcInputRefused"
    text = advised(task, r"write (.+) in the Dag")

    rendered = {"{{ '{{' }}": "{{"}.get(text, text)  # what Jinja makes of it: tests/unit/test_advice.py
    assert task.run(location=f"out/{rendered}-{{id}}") == "success"
    assert task.jobs == [(f"out/{brace}-{emulator.file_ids[0]}", "COMPLETED")]


@pytest.mark.parametrize("how", [{"items": []}], ids=["items"])
def test_nothing_to_do(emulator: CgcEmulator, how: dict[str, Any]) -> None:
    task = Attempts(emulator, **how)
    assert task.run() == "CgcInputRefused"
    assert advised(task, r"set (allow_empty=True)")

    assert task.run(allow_empty=True) == "success"


def test_failures_of_none(emulator: CgcEmulator, tmp_path: Path) -> None:
    first = Attempts(emulator, items=emulator.file_ids[:2], manifest_path=f"file://{tmp_path}/run.jsonl")
    assert first.run() == "success"
    again = Attempts(emulator, manifest=f"file://{tmp_path}/run.jsonl", failed_only=True)
    assert again.run() == "CgcInputRefused"
    assert "has no item that failed" in str(again.error)
    assert advised(again, r"set (allow_empty=True)")

    assert again.run(allow_empty=True) == "success"


def test_failures_of_a_listing(emulator: CgcEmulator, tmp_path: Path) -> None:
    listed(project=emulator.project, manifest_path=f"file://{tmp_path}/files.jsonl")
    task = Attempts(emulator, manifest=f"file://{tmp_path}/files.jsonl", failed_only=True)

    assert task.run() == "CgcInputRefused"
    assert "give the manifest that an operator wrote to its manifest_path" in str(task.error)
    assert "upgrade" not in str(task.error)


def test_failures_still_running(emulator: CgcEmulator, tmp_path: Path) -> None:
    emulator.clock.speed = 0
    address = f"file://{tmp_path}/run.jsonl"
    start = Attempts(emulator, items=emulator.file_ids[:2], manifest_path=address, wait=False)
    assert start.run() == "success"
    again = Attempts(emulator, manifest=address, failed_only=True, allow_empty=True)
    assert again.run() == "CgcJobsNotYetKnown"
    ids = advised(again, r"Let CgcBulkExportSensor\(export_ids='(\S+)'\) wait for them first")

    assert ids == address
    emulator.clock.advance(24 * 3600)
    waits_for = CgcBulkExportSensor(task_id="wait", export_ids=ids)._source.open({})  # type: ignore[typeddict-item]  # likewise
    assert len(waits_for.open) == 2
    assert again.run() == "success"


def test_another_runs_overwrite(emulator: CgcEmulator, monkeypatch: pytest.MonkeyPatch) -> None:

    said: list[str] = []
    monkeypatch.setattr(SubmittedJobs, "_log_info", lambda jobs, line: said.append(line))
    emulator.clock.speed = 0
    file = emulator.file_ids[0]
    emulator.submit_exports([file], location="out/{id}", overwrite=True)

    assert Attempts(emulator, items=[file], wait=False).run() == "success"
    assert any("replace what is there, although if_exists is 'fail' here" in line for line in said)
