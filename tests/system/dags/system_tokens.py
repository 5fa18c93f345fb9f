"""Two waits whose token changes while they are deferred; the exports are started by the run itself."""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, task

from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor

for name in ("revoked", "rotated"):
    with DAG(f"system_{name}", schedule=None, start_date=datetime(2026, 1, 1), catchup=False):

        @task(retries=0)
        def start_exports(cgc_conn_id: str, dag_run=None) -> list[str]:
            from airflow_provider_cgc.client import started_ids
            from airflow_provider_cgc.hooks.cgc import CgcHook

            cgc = CgcHook(cgc_conn_id).get_conn()
            return started_ids(cgc.exports.bulk_create(dag_run.conf["items"], copy_only=True))

        CgcBulkExportSensor(
            task_id="wait",
            export_ids=start_exports(f"cgc_{name}"),
            cgc_conn_id=f"cgc_{name}",
            deferrable=True,
            poke_interval=5,
            timeout=1800,
            retries=0,
        )
