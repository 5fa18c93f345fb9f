"""Everything that the tab may meet, in one Dag; the ids of the exports come with the run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, BaseOperator, task

from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor

HOW: dict[str, Any] = {"cgc_conn_id": "cgc_browser", "deferrable": True, "timeout": 1800, "retries": 0}


class CgcShown(BaseOperator):
    """One of ours by its name; what it shows is put into its XComs from outside."""

    def execute(self, context: Any) -> None:
        """Leave nothing behind."""


with DAG("browser", schedule=None, start_date=datetime(2026, 1, 1), catchup=False):
    # The first to start: its wait takes longest.
    CgcBulkExportSensor(
        task_id="waits", export_ids="{{ dag_run.conf['waits'] }}", poke_interval=2, priority_weight=9, **HOW
    )
    CgcBulkExportSensor(task_id="succeeds", export_ids="{{ dag_run.conf['succeeds'] }}", **HOW)
    CgcBulkExportSensor(task_id="fails", export_ids="{{ dag_run.conf['fails'] }}", **HOW)

    @task
    def batches(dag_run: Any = None) -> list[list[str]]:
        return dag_run.conf["mapped"]

    CgcBulkExportSensor.partial(task_id="mapped", **HOW).expand(export_ids=batches())

    CgcShown(task_id="shown")
