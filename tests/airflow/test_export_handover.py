"""An export task that does not wait, and the sensor that takes what it returns, on real Airflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.rows import MODES, play


def three(emulator: CgcEmulator) -> list[str]:
    return emulator.file_ids[:3]


def one_fails(emulator: CgcEmulator) -> list[str]:
    emulator.fail_files(emulator.file_names[emulator.file_ids[1]], code=9206)
    return emulator.file_ids[:3]


def one_is_refused(emulator: CgcEmulator) -> list[str]:
    return [*emulator.file_ids[:2], emulator.archived_id]


def all_are_there(emulator: CgcEmulator) -> list[str]:
    emulator.submit_exports(emulator.file_ids[:3], location="out/{id}/{name}")
    emulator.clock.advance(24 * 3600)
    return emulator.file_ids[:3]


@dataclass(frozen=True)
class Case:
    """The exports, the arguments of the two tasks, and the end that the sensor must have."""

    items: Callable[[CgcEmulator], Any]
    state: str = "success"
    summary: dict[str, Any] = field(default_factory=dict)
    start: dict[str, Any] = field(default_factory=dict)
    wait: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    manifest: bool = True


CASES = {
    **{f"all_{mode}": Case(three, summary={"completed": 3}, wait=how) for mode, how in MODES.items()},
    "as_text": Case(three, summary={"completed": 3}, wait={"export_ids": "{{ ti.xcom_pull('start') }}"}),
    "ids": Case(three, summary={"completed": 3}, manifest=False),
    **{
        f"fails_{mode}": Case(one_fails, "failed", {"completed": 2, "failed": 1}, wait=how, error="CgcJobsFailed: 9206")
        for mode, how in MODES.items()
    },
    **{
        f"refused_{mode}": Case(
            one_is_refused,
            "failed",
            {"total": 3, "completed": 2, "failed": 1},
            start={"max_failures": 1},
            wait=how,
            error="CgcJobsFailed: 9006",
        )
        for mode, how in MODES.items()
    },
    "there_already": Case(
        all_are_there, summary={"total": 3, "skipped": 3, "completed": 0}, start={"if_exists": "skip"}
    ),
    "counted": Case(three, summary={"completed": 3}, wait={"expected_count": 3}),
    "one_too_few": Case(three, "failed", wait={"expected_count": 4}, error="CgcBadInput: expected_count is 4"),
    "quiet_night": Case(
        lambda emulator: [], summary={"total": 0}, start={"allow_empty": True}, wait={"allow_empty": True}
    ),
    "summary": Case(three, "failed", start={"wait": True}, error="CgcBadInput: has waited already"),
    "dry_run": Case(three, "failed", start={"dry_run": True}, error="CgcBadInput: dry run"),
}


@pytest.mark.parametrize("name", CASES)
def test_ends_as_it_should(database: None, connect: Callable[..., str], tmp_path: Path, name: str) -> None:
    case = CASES[name]
    kind, _, words = case.error.partition(": ")
    path = {"manifest_path": f"file://{tmp_path}/exports.jsonl"} if case.manifest else {}
    usual = {"volume": "demo-lab/results", "copy_only": True, "location": "out/{id}/{name}", "wait": False, **path}

    with CgcEmulator(speed=600) as emulator:
        connect(emulator)
        start = {"task_id": "start", "timeout": 600, **usual, "items": case.items(emulator), **case.start}
        started, waited = play(start, {"task_id": "wait", "after": "start", "timeout": 600, **case.wait})

    assert (started.state, waited.state, waited.error[0]) == ("success", case.state, kind), waited.error[1]
    assert words in waited.error[1]
    if case.summary:
        assert waited.summary is not None
        assert {key: waited.summary[key] for key in case.summary} == case.summary
