"""The cost of exporting 10,000 files of 1,500 folders: `python -m bench.exports`, in real time, 0.3 s a call.

The operators' own code in one process, with a stand-in for Airflow's context whose store takes 28 ms for a write, as
Airflow's does. The jobs all end while nobody looks: what waiting costs is measured elsewhere in the bench.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from airflow_provider_cgc.emulator import CgcEmulator
from bench.bars import Bar
from bench.environment import environment
from bench.meter import peak_memory
from tests.fakes.store import Store
from tests.fakes.task_instance import TaskInstance

FILES, FOLDERS = 10_000, 1_500
LATENCY = 0.3
STORE_SECONDS = 0.028
MANY = 1_000_000
OTHER_PROJECT = "partner-lab/consortium"
DAY = 24 * 3600.0
MEGA = 1e6
KIB_64 = 64 * 1024
GET, CREATE, PREFLIGHT = (
    f"POST /v2/bulk/{path}" for path in ("storage/exports/get", "storage/exports/create", "files/get")
)


class SlowStore(Store):
    """A task state store that takes its time."""

    def set(self, key: str, value: Any) -> None:
        time.sleep(STORE_SECONDS)
        super().set(key, value)


def measure() -> dict[str, Any]:
    """List, export, and account for it, once."""
    from airflow.providers.common.compat.sdk import TaskDeferred

    from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
    from airflow_provider_cgc.operators.files import CgcListFilesOperator

    with tempfile.TemporaryDirectory() as folder, CgcEmulator(files=1, rate_limit=MANY) as emulator:
        project = OTHER_PROJECT
        emulator.add_files(_paths(), project=project, size=1_000_000)
        begun = emulator.stats()["total"]
        usual = {"cgc_conn_id": "cgc_default", "manifest_path": f"file://{folder}/files.jsonl"}
        task = TaskInstance("export", dag_id="bench", max_tries=2)
        context: Any = {
            "ti": task,
            "task_state_store": SlowStore(),
            "dag_run": SimpleNamespace(run_after=datetime.now(UTC), start_date=datetime.now(UTC)),
        }
        with mock.patch.dict(os.environ, AIRFLOW_CONN_CGC_DEFAULT=emulator.airflow_conn), _slow_calls():
            uri = CgcListFilesOperator(task_id="files", project=project, **usual).execute(context)
            listing = emulator.stats()["total"] - begun
            operator = CgcBulkExportOperator(
                task_id="export",
                items=uri,
                volume="demo-lab/results",
                copy_only=True,
                deferrable=True,
                **usual | {"manifest_path": f"file://{folder}/exports.jsonl"},
            )
            began = time.monotonic()
            try:
                operator.execute(context)
            except TaskDeferred as deferral:
                trigger, method = deferral.trigger, deferral.method_name
            slot = time.monotonic() - began
            sent = Counter(emulator.stats()["requests"])
            emulator.clock.advance(DAY)
            event = _event(trigger, task)
            polls = emulator.stats()["requests"].get(GET, 0)
            began = time.monotonic()
            summary = operator.resume_execution(method, {"event": event}, context)
            slot += time.monotonic() - began
        told = emulator.stats()["requests"]
        return {
            "listing": listing,
            "creates": sent[CREATE],
            "preflight": sent[PREFLIGHT],
            "first_look": sent[GET],
            "account": told[GET] - polls,
            "slot": slot,
            "largest_xcom": max(len(json.dumps(value)) for value in task.xcoms.values()),
            "memory": peak_memory(),
            "completed": summary["completed"],
        }


def bars(result: dict[str, Any]) -> list[Bar]:
    """Give our promises of it; none if it was not measured."""
    if not result:
        return []
    what = "10,000 files of 1,500 folders"
    return [
        Bar(f"{what}: requests of the listing", result["listing"], FOLDERS + FILES // 100 + 10),
        Bar(f"{what}: creates", result["creates"], 102),
        Bar(f"{what}: pre-flight calls for files", result["preflight"], 100),
        Bar(f"{what}: largest XCom, bytes", result["largest_xcom"], KIB_64),
        Bar(f"{what}: memory of the worker", result["memory"] / MEGA, 300, "MB", True),
        Bar(f"{what}: worker-slot time of the export", result["slot"], 180, "s", True),
        Bar(f"{what}: files not exported", FILES - result["completed"], 0),
    ]


def _paths() -> list[str]:
    """A hundred folders with fourteen below each, and files evenly among all."""
    folders = [f"f{first:03d}" for first in range(100)]
    folders += [f"f{first:03d}/g{second:02d}" for first in range(100) for second in range(14)]
    assert len(folders) == FOLDERS
    return [f"{folders[number % FOLDERS]}/file{number:05d}.bam" for number in range(FILES)]


def _event(trigger: Any, task: TaskInstance) -> Any:
    """Run the trigger to its event, the ids from the task's XComs."""
    import asyncio

    from airflow_provider_cgc import xcom

    trigger.first_look = trigger.not_before = 0.0

    async def first() -> Any:
        async for event in trigger.run():
            return event.payload

    with mock.patch.object(xcom, "read_xcom", lambda address: task.xcoms[address["key"]]):
        return asyncio.run(first())


def _slow_calls() -> Any:
    """Let every call take its latency."""
    from requests.adapters import HTTPAdapter

    send: Callable[..., Any] = HTTPAdapter.send

    def slowly(adapter: Any, *args: Any, **how: Any) -> Any:
        time.sleep(LATENCY)
        return send(adapter, *args, **how)

    return mock.patch.object(HTTPAdapter, "send", slowly)


def main() -> int:
    """Measure in an Airflow home of its own and say what was missed."""
    with tempfile.TemporaryDirectory(prefix="cgc-bench-") as home:
        os.environ.update(environment(Path(home)))
        result = measure()
    print(json.dumps(result))
    for bar in bars(result):
        print(bar, file=sys.stderr)
    return 0 if all(bar.kept for bar in bars(result)) else 1


if __name__ == "__main__":
    sys.exit(main())
