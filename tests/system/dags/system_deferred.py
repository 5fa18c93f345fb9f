"""Deferred waits that live through the loss of the triggerer, or do not; the ids come with the run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, task

from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor

LIMIT = timedelta(seconds=60)
TASKS: dict[str, dict[str, Any]] = {
    "unloadable": {"retries": 0, "priority_weight": 5},
    "unloadable_softly": {"retries": 0, "priority_weight": 5, "soft_fail": True},
    # Last to start: their time must not be over before the triggerer is stopped.
    "times_out": {"timeout": LIMIT},
    "times_out_softly": {"timeout": LIMIT, "soft_fail": True},
    "runs_out_of_execution_time": {"execution_timeout": LIMIT},
}
HOW: dict[str, Any] = {
    "cgc_conn_id": "cgc_deferred",
    "deferrable": True,
    "poke_interval": 5,
    "timeout": 1800,
    "retries": 2,
    "retry_delay": timedelta(seconds=2),
}

with DAG("system_deferred", schedule=None, start_date=datetime(2026, 1, 1), catchup=False):
    for task_id, how in TASKS.items():
        export_ids = f"{{{{ dag_run.conf['{task_id}'] }}}}"
        CgcBulkExportSensor(**{"task_id": task_id, "export_ids": export_ids, **HOW, **how})

    # More ids than a trigger's row takes: they wait in an XCom.
    for task_id, how in {
        "many": {},
        "many_ids_lost": {"retries": 0},
        "many_ids_lost_softly": {"retries": 0, "soft_fail": True},
    }.items():

        @task(task_id=f"ids_of_{task_id}", priority_weight=20)
        def ids(name: str, dag_run=None) -> list[str]:
            return dag_run.conf[name]

        CgcBulkExportSensor(**{"task_id": task_id, "export_ids": ids(task_id), "priority_weight": 10, **HOW, **how})

# The same deadlines while nothing happens to the triggerer.
with DAG("system_undisturbed", schedule=None, start_date=datetime(2026, 1, 1), catchup=False):
    for task_id, how in {
        "times_out": {"timeout": 20},
        "runs_out_of_execution_time": {"execution_timeout": timedelta(seconds=20), "retries": 0},
    }.items():
        export_ids = f"{{{{ dag_run.conf['{task_id}'] }}}}"
        CgcBulkExportSensor(**{"task_id": task_id, "export_ids": export_ids, **HOW, **how})
