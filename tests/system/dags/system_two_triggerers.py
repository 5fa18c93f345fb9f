"""Sixty waits that shall end in four ways, once for each thing that may happen to a triggerer; the ids come by conf."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, task

from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor

TASKS: dict[str, dict[str, Any]] = {
    "waits": {"priority_weight": 3},
    "waits_softly": {"priority_weight": 3, "soft_fail": True},
    # Last to start: their time shall not be over before something happens.
    "times_out": {"priority_weight": 1},
    "times_out_softly": {"priority_weight": 1, "soft_fail": True},
}

for dag_id in ("system_killed", "system_frozen", "system_killed_and_frozen"):
    with DAG(dag_id, schedule=None, start_date=datetime(2026, 1, 1), catchup=False, max_active_tasks=60):
        for task_id, how in TASKS.items():

            @task(task_id=f"arguments_of_{task_id}", priority_weight=9)
            def arguments(name: str, dag_run=None) -> list[dict[str, Any]]:
                return dag_run.conf[name]

            CgcBulkExportSensor.partial(
                task_id=task_id,
                cgc_conn_id="cgc_two_triggerers",
                deferrable=True,
                poke_interval=5,
                retries=0,
                weight_rule="absolute",
                **how,
            ).expand_kwargs(arguments(task_id))
