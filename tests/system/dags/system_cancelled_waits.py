"""Waits that nobody lets end, and one that ends at once; the ids come with the run."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, task

from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor

with DAG("system_cancelled_waits", schedule=None, start_date=datetime(2026, 1, 1), catchup=False, max_active_tasks=30):

    @task
    def batches(dag_run) -> list[list[str]]:
        return dag_run.conf["batches"]

    CgcBulkExportSensor.partial(
        task_id="wait",
        cgc_conn_id="cgc_cancelled_waits",
        deferrable=True,
        poke_interval=5,
        retries=2,
        retry_delay=timedelta(seconds=1),
    ).expand(export_ids=batches())
