"""A plan that is not as the dry run wrote it: cut, emptied, overwritten by another run, or turned into another form."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc import storage
from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.attempts.attempts import Attempts, manifest_lines


@pytest.fixture
def plan(tmp_path: Path) -> str:
    return f"file://{tmp_path}/plan.jsonl"


def planned(emulator: CgcEmulator, plan: str, **arguments: Any) -> Attempts:
    """A dry run of three files, as moves, that has succeeded."""
    usual = {"items": emulator.file_ids[:3], "copy_only": False, "manifest_path": plan, "task_id": "plan"}
    task = Attempts(emulator, **{**usual, "dry_run": True, **arguments})
    assert task.run() == "success", task.error
    return task


@pytest.mark.parametrize("left", [2, 0], ids=["cut", "emptied"])
def test_lost_lines_are_missed(emulator: CgcEmulator, plan: str, left: int) -> None:
    dry = planned(emulator, plan)
    whole = [*storage.read_lines(plan)]
    storage.write_lines(plan, whole[:left])
    count = str(dry.returned["lines"])
    move = Attempts(emulator, task_id="move", manifest=plan, copy_only=False, allow_empty=True, expected_count=count)

    assert move.run() == "CgcInputRefused"

    assert move.jobs == []
    storage.write_lines(plan, whole)
    assert move.run() == "success", move.error


def test_nothing_to_move_is_green(emulator: CgcEmulator, plan: str) -> None:
    dry = planned(emulator, plan, items=[emulator.alias_id], aliases="skip")
    assert dry.returned["lines"] == 0
    move = Attempts(emulator, task_id="move", manifest=plan, copy_only=False, allow_empty=True, expected_count="0")

    assert move.run() == "success", move.error


def of_yesterday(plan: str) -> None:
    text = "".join(storage.read_lines(plan)).replace('"dag/run/', '"dag/yesterday/')
    storage.write_lines(plan, [text])


def test_another_runs_plan_is_kept(emulator: CgcEmulator, plan: str) -> None:
    """Somebody may be about to approve it; its own plan a dry run writes again, in a retry and after a Clear."""
    planned(emulator, plan)
    of_yesterday(plan)
    before = manifest_lines(plan)
    today = Attempts(
        emulator, items=emulator.file_ids[5:7], copy_only=False, manifest_path=plan, task_id="plan", dry_run=True
    )

    assert today.run() == "CgcInputRefused"

    assert "put {{ run_id }} into it" in str(today.error)
    assert manifest_lines(plan) == before
    own = f"{plan.removesuffix('.jsonl')}-today.jsonl"
    assert today.run(manifest_path=own) == "success", today.error
    assert today.retry(manifest_path=own) == "success", today.error
    assert today.clear(manifest_path=own, items=emulator.file_ids[:1]) == "success", today.error
    assert len(manifest_lines(own)) == 1


def as_table(lines: list[dict[str, Any]]) -> str:
    columns = ["file", "location", "volume", "copy_only"]
    text = io.StringIO()
    table = csv.DictWriter(text, columns, extrasaction="ignore")
    table.writeheader()
    table.writerows(lines)
    return text.getvalue()


def as_lines(lines: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


def bare(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: line[key] for key in ("file", "location", "volume", "copy_only")} for line in lines]


FORMS: dict[str, Callable[[list[dict[str, Any]], Path], dict[str, Any]]] = {
    "table": lambda lines, path: written(path.with_suffix(".csv"), as_table(lines)),
    "JSON lines": lambda lines, path: written(path, as_lines(bare(lines))),
    "lines without a task": lambda lines, path: written(path, as_lines([{**one, "task": None} for one in lines])),
    "its lines as dicts": lambda lines, path: {"items": lines},
    "dicts": lambda lines, path: {"items": bare(lines)},
    "text": lambda lines, path: {"items": json.dumps(bare(lines))},
}


def written(path: Path, text: str) -> dict[str, Any]:
    path.write_text(text)
    return {"manifest": f"file://{path}"}


@pytest.mark.parametrize("copy_only", [True, False], ids=["copies", "moves"])
@pytest.mark.parametrize("form", FORMS)
def test_a_copy_stays_a_copy(emulator: CgcEmulator, plan: str, tmp_path: Path, form: str, copy_only: bool) -> None:
    """In whatever form a plan is handed on, `copy_only` in it is heeded."""
    planned(emulator, plan, copy_only=copy_only)
    given = FORMS[form](manifest_lines(plan), tmp_path / "given.jsonl")
    task = Attempts(emulator, task_id="send", copy_only=not copy_only, **given)

    assert task.run() == "CgcInputRefused"

    assert f"planned with copy_only={copy_only}" in str(task.error)
    assert task.jobs == []
    assert task.run(copy_only=copy_only) == "success", task.error


@pytest.mark.parametrize("form", ["its own lines", "its lines as dicts"])
def test_a_record_may_be_moved(emulator: CgcEmulator, plan: str, tmp_path: Path, form: str) -> None:
    """Files that were copied may be moved from the record of the copies: that `copy_only` is about what was sent."""
    copies = Attempts(emulator, items=emulator.file_ids[:2], manifest_path=plan)
    assert copies.run() == "success", copies.error
    given = {"manifest": plan} if form == "its own lines" else {"items": manifest_lines(plan)}

    moves = Attempts(emulator, task_id="move", copy_only=False, if_exists="overwrite", **given)

    assert moves.run() == "success", moves.error


@pytest.mark.parametrize(
    "change",
    [
        {"copy_only": None},
        {"copy_only": "true"},
        {"task": {"id": "x", "dry_run": "true"}},
        {"task": {"id": "x", "dry_run": 1}},
        {"task": {"id": "x", "dry_run": 0}},
    ],
    ids=["no copy_only", "text", "text as mark", "1 as mark", "0 as mark"],
)
@pytest.mark.parametrize("as_items", [False, True], ids=["manifest", "items"])
def test_broken_line_is_refused(emulator: CgcEmulator, plan: str, change: dict[str, Any], as_items: bool) -> None:
    planned(emulator, plan, copy_only=True)
    lines = [{**line, **change} for line in manifest_lines(plan)]
    Path(plan.removeprefix("file://")).write_text(as_lines(lines))
    given = {"items": lines} if as_items else {"manifest": plan}

    task = Attempts(emulator, task_id="move", copy_only=False, **given)

    assert task.run() == "CgcInputRefused"
    assert task.jobs == []
