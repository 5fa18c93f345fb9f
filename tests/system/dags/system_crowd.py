"""Forty waits side by side, once as one mapped sensor and once as forty tasks; the ids come with the run."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, task

from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor

HOW = {
    "cgc_conn_id": "cgc_crowd",
    "deferrable": True,
    "poke_interval": 5,
    "timeout": 1800,
    "retries": 2,
    "retry_delay": timedelta(seconds=2),
}

with DAG("system_mapped", schedule=None, start_date=datetime(2026, 1, 1), catchup=False):

    @task
    def batches(dag_run) -> list[list[str]]:
        return dag_run.conf["batches"]

    CgcBulkExportSensor.partial(task_id="wait", **HOW).expand(export_ids=batches())

with DAG("system_separate", schedule=None, start_date=datetime(2026, 1, 1), catchup=False):
    for number in range(40):
        CgcBulkExportSensor(task_id=f"wait_{number}", export_ids=f"{{{{ dag_run.conf['batches'][{number}] }}}}", **HOW)
