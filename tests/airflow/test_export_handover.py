"""An export task that does not wait, and the sensor that takes what it returns, on real Airflow."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.conftest import load_dag_file, xcoms

SOURCE = """
import json, os
from datetime import datetime
from pathlib import Path
from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2.11
    from airflow.models.dag import DAG

def note_error(context):
    error = context.get("exception")
    line = json.dumps([context["ti"].task_id, [type(error).__name__, str(error)]])
    with Path(os.environ["HANDOVER_ERRORS"]).open("a") as file:
        file.write(line + "\\n")

with DAG("handover", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
    for name, start, wait in json.loads(os.environ["HANDOVER_CASES"]):
        conn_id = f"cgc_{name}"
        started = CgcBulkExportOperator(
            task_id=f"{name}-start", cgc_conn_id=conn_id, volume="demo-lab/results", copy_only=True,
            location="out/{id}/{name}", on_failure_callback=note_error, **start,
        )
        given = wait.pop("export_ids", None) or started.output
        started >> CgcBulkExportSensor(
            task_id=f"{name}-wait", cgc_conn_id=conn_id, export_ids=given, poke_interval=1, timeout=600,
            on_failure_callback=note_error, **wait,
        )
"""
MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}


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
    """What is exported, what the two tasks are told, and how the sensor must end."""

    items: Callable[[CgcEmulator], Any]
    state: str = "success"
    summary: dict[str, Any] = field(default_factory=dict)
    start: dict[str, Any] = field(default_factory=dict)
    wait: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    manifest: bool = True


CASES = {
    **{f"all_{mode}": Case(three, summary={"completed": 3}, wait=how) for mode, how in MODES.items()},
    "as_text": Case(three, summary={"completed": 3}, wait={"export_ids": "{{ ti.xcom_pull('as_text-start') }}"}),
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


@dataclass(frozen=True)
class Result:
    """How both tasks of a case ended."""

    states: tuple[str, str]
    error: tuple[str, str]
    summary: dict[str, Any] | None


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Result]]:
    """Run every case as two tasks of one Dag, each pair against an emulator of its own."""
    request.getfixturevalue("database")
    folder: Path = tmp_path_factory.mktemp("handover")
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        tasks = []
        for name, case in CASES.items():
            emulator = stack.enter_context(CgcEmulator(speed=600))
            patch.setenv(f"AIRFLOW_CONN_CGC_{name.upper()}", emulator.airflow_conn)
            path = {"manifest_path": f"file://{folder}/{name}.jsonl"} if case.manifest else {}
            start = {"wait": False, "poke_interval": 1, "timeout": 600, **path, "items": case.items(emulator)}
            tasks.append([name, start | case.start, case.wait])
        errors = folder / "errors"
        errors.touch()
        patch.setenv("HANDOVER_ERRORS", str(errors))
        patch.setenv("HANDOVER_CASES", json.dumps(tasks))
        from airflow_provider_cgc.sensors.base import CgcJobsSensor

        patch.setattr(CgcJobsSensor, "event_grace", 0.0)
        run = load_dag_file("handover", SOURCE).dag.test()
        states = {ti.task_id: str(ti.state) for ti in run.get_task_instances()}
        noted = dict(json.loads(line) for line in errors.read_text().splitlines())
        pushed = xcoms("handover", run.run_id)
        yield {
            name: Result(
                states=(states[f"{name}-start"], states[f"{name}-wait"]),
                error=tuple(noted.get(f"{name}-wait", noted.get(f"{name}-start", ("", "")))),
                summary=pushed.get((f"{name}-wait", -1, "cgc_summary")),
            )
            for name in CASES
        }


@pytest.mark.parametrize("name", CASES)
def test_ends_as_it_should(results: dict[str, Result], name: str) -> None:
    case, result = CASES[name], results[name]
    kind, _, words = case.error.partition(": ")

    assert (*result.states, result.error[0]) == ("success", case.state, kind), result.error[1]
    assert words in result.error[1]
    if case.summary:
        assert result.summary is not None
        assert {key: result.summary[key] for key in case.summary} == case.summary
