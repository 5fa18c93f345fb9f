"""One row of a table of cases on real Airflow: a run of a Dag of its own, which takes a fraction of a second.

After each task `dag.test()` looks at every other one of its Dag, so that a hundred rows in one Dag take ten times as
long as a hundred Dags of one row.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.airflow.conftest import load_dag_file, xcoms

MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}


@dataclass(frozen=True)
class Ended:
    """The end of a task; `error` is the class and the text of the exception that its failure callback got."""

    state: str
    error: tuple[str, str]
    xcoms: dict[str, Any]

    @property
    def summary(self) -> dict[str, Any] | None:
        return self.xcoms.get("cgc_summary")


def play(*tasks: dict[str, Any]) -> list[Ended]:
    """
    Run tasks to their ends, without a grace before events: without a scheduler there is no race.

    :param tasks: the arguments of each: of the operator if there is a volume among them, otherwise of the sensor.
        `after` names another task that goes before, `upstream` is what such a task gives; a sensor waits for that.
    """
    from airflow_provider_cgc.sensors.base import CgcJobsSensor

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        noted = Path(folder, "errors.jsonl")
        noted.touch()
        patch.setenv("ROWS", json.dumps([{"retries": 0, "poke_interval": 0.3, **task} for task in tasks]))
        patch.setenv("ROWS_ERRORS", str(noted))
        patch.setattr(CgcJobsSensor, "event_grace", 0.0)
        # An emulator may have the port of one that is gone, whose requests are none of its own.
        patch.setattr("airflow_provider_cgc.client.http.budget._BUDGETS", {})
        run = load_dag_file("rows").dag.test()
        errors = dict(json.loads(line) for line in noted.read_text().splitlines())
    states = {ti.task_id: str(ti.state) for ti in run.get_task_instances()}
    pushed = xcoms("rows", run.run_id)
    return [
        Ended(
            state=states[task["task_id"]],
            error=tuple(errors.get(task["task_id"], ("", ""))),
            xcoms={key: value for (task_id, _, key), value in pushed.items() if task_id == task["task_id"]},
        )
        for task in tasks
    ]
