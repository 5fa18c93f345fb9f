"""A mapped sensor, and a task for the probe.

The ids come from upstream, as they do for a user: the triggerer reads the whole Dag once for each of its triggers, and
ten thousand ids in the Dag itself would cost it more than the waits.
"""

from __future__ import annotations

from datetime import datetime

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task

from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor

with DAG("bench_waits", schedule=None, start_date=datetime(2026, 1, 1), catchup=False):

    @task
    def batches() -> list[list[str]]:
        return []

    # First in line, so that it sees the others come.
    EmptyOperator(task_id="probe", priority_weight=1000)
    CgcBulkExportSensor.partial(task_id="wait", cgc_conn_id="cgc_bench", deferrable=True, retries=2).expand(
        export_ids=batches()
    )
