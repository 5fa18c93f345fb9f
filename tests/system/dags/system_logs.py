"""Three waits with something to say: two deferred ones and one that pokes; the ids come with the run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import DAG

from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor

TASKS: dict[str, dict[str, Any]] = {
    "deferred": {"deferrable": True},
    "other_deferred": {"deferrable": True},
    "poking": {"deferrable": False},
}

with DAG("system_logs", schedule=None, start_date=datetime(2026, 1, 1), catchup=False):
    for task_id, how in TASKS.items():
        CgcBulkExportSensor(
            task_id=task_id,
            export_ids=f"{{{{ dag_run.conf['{task_id}'] }}}}",
            cgc_conn_id="cgc_logs",
            poke_interval=2,
            timeout=900,
            retries=2,
            **how,
        )
