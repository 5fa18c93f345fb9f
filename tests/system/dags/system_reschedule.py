"""Each verdict in reschedule mode; the ids come with the run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor

TASKS: dict[str, dict[str, Any]] = {
    "all_completed": {},
    "one_failed": {},
    "one_failed_softly": {"soft_fail": True},
    "fails_fast": {"fail_fast": True},
    "unknown_id": {},
    "times_out": {"timeout": 25},
    "times_out_softly": {"timeout": 25, "soft_fail": True},
}

with DAG("system_reschedule", schedule=None, start_date=datetime(2026, 1, 1), catchup=False):
    for task_id, how in TASKS.items():
        CgcBulkExportSensor(
            **{
                "task_id": task_id,
                "export_ids": f"{{{{ dag_run.conf['{task_id}'] }}}}",
                "cgc_conn_id": "cgc_reschedule",
                "mode": "reschedule",
                # Shorter than anybody should have it: Airflow's own race may cost a try or two.
                "poke_interval": 10,
                "timeout": 900,
                "retries": 2,
                "retry_delay": timedelta(seconds=2),
                **how,
            }
        )
