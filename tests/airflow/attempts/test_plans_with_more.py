"""The plan of a dry run when some items are neither to be sent nor over: what then sends it must see to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.attempts.attempts import Attempts, manifest_lines, remove_object

DAY = 24 * 3600


def another_runs(emulator: CgcEmulator, **how: Any) -> None:
    """Let a job of another run for the first file stay under way."""
    emulator.option("stuck", "RUNNING")
    other = Attempts(emulator, items=emulator.file_ids[:1], task_id="other", wait=False, **how)
    assert other.run() == "success", other.error
    emulator.clock.advance(3600)


def fails_later(emulator: CgcEmulator) -> None:
    emulator.fail_files(emulator.file_names[emulator.file_ids[0]], code=9109)
    another_runs(emulator, copy_only=False)


def copied_meanwhile(emulator: CgcEmulator) -> None:
    another_runs(emulator, copy_only=True)


def other_settings(emulator: CgcEmulator) -> None:
    another_runs(emulator, copy_only=False, properties={"sse_algorithm": "AES256"})


def another_object(emulator: CgcEmulator) -> None:
    emulator.put_objects([f"out/{emulator.file_ids[0]}"], volume=emulator.volume, size=1)


def moved_and_removed(emulator: CgcEmulator) -> None:
    other = Attempts(emulator, items=emulator.file_ids[:1], task_id="other", wait=False, copy_only=False)
    assert other.run() == "success", other.error
    emulator.clock.advance(DAY)
    remove_object(emulator, f"out/{emulator.file_ids[0]}")


@dataclass(frozen=True)
class Case:
    before: Callable[[CgcEmulator], None]
    counted: str
    says: str
    """The end of the line's message."""
    how: dict[str, Any] = field(default_factory=dict)
    ends_well: bool = False
    """The other run has moved it when the export is tried again."""


CASES = {
    "it fails later": Case(fails_later, "under_way", " is under way"),
    "it is copied meanwhile": Case(copied_meanwhile, "under_way", " is under way"),
    "other settings": Case(
        other_settings,
        "failing",
        "of another run is the same export",
        {"properties": {"sse_algorithm": "aws:kms"}},
        ends_well=True,
    ),
    "another object": Case(another_object, "in_the_way", "", {"if_exists": "skip"}),
    "moved, and its object is gone": Case(moved_and_removed, "failing", "put it back there.", {"verify": True}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_move_is_red(case: Case, still: CgcEmulator, tmp_path: Path) -> None:
    """It is listed, counted and told; the export of the plan ends as that of the files would: not green."""
    files, plan = still.file_ids[:3], f"file://{tmp_path}/plan.jsonl"
    usual: dict[str, Any] = {"copy_only": False, **case.how}
    case.before(still)
    dry = Attempts(still, task_id="plan", items=files, manifest_path=plan, dry_run=True, **usual)

    assert dry.run() == "success", dry.error

    assert [line["file"] for line in manifest_lines(plan)] == files
    assert (dry.returned["to_send"], dry.returned[case.counted]) == (2, 1)
    message = manifest_lines(plan)[0]["message"]
    assert message.startswith("not sent: this was a dry run; ")
    assert case.says in message
    move = Attempts(still, task_id="move", manifest=plan, **usual)
    assert move.run(timeout=0.3) != "success", move.summary
    still.option("stuck", False)
    still.clock.advance(DAY)
    assert (move.retry() == "success") == case.ends_well, move.error


def ends_of(task: Attempts) -> str:
    """Let a task start its jobs, the platform finish them, and Airflow try once more."""
    task.run(timeout=0.3)
    task.emulator.option("stuck", False)
    task.emulator.clock.advance(DAY)
    return task.retry()


def test_what_failed_before_is_sent(still: CgcEmulator, tmp_path: Path) -> None:
    """A file that failed for good in a real run of the task that plans now is in the plan, too."""
    files, plan = still.file_ids[:3], f"file://{tmp_path}/plan.jsonl"
    still.fail_files(still.file_names[files[0]], code=9109)
    task = Attempts(still, task_id="plan", items=files, copy_only=False)
    task.run(timeout=0.3)
    still.clock.advance(DAY)
    assert task.retry() == "CgcJobsFailed"
    still.clear_faults()

    assert task.retry(dry_run=True, manifest_path=plan) == "success", task.error

    assert (task.returned["to_send"], task.returned["settled"], task.returned["failing"]) == (0, 2, 1)
    [line] = manifest_lines(plan)
    assert line["file"] == files[0]
    assert " FAILED (9109" in line["message"]
    move = Attempts(still, task_id="move", manifest=plan, copy_only=False)
    assert ends_of(move) == "success", move.error
    assert len(move.jobs) == 4
