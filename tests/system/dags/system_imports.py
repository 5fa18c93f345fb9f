"""The objects below a prefix, listed and imported twice: by a deferred task and by one that is rescheduled."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider_cgc.operators.imports import CgcBulkImportOperator
from airflow_provider_cgc.operators.volumes import CgcListVolumeOperator

WAYS: dict[str, dict[str, Any]] = {
    "deferred": {"deferrable": True, "poke_interval": 5},
    # Shorter than anybody should have it: Airflow's own race may cost a try or two.
    "rescheduled": {"mode": "reschedule", "poke_interval": 10},
}
HOW: dict[str, Any] = {
    "volume": "{{ dag_run.conf['volume'] }}",
    "cgc_conn_id": "cgc_imports",
    "retries": 2,
    "retry_delay": timedelta(seconds=2),
}

with DAG("system_imports", schedule=None, start_date=datetime(2026, 1, 1), catchup=False):
    objects = CgcListVolumeOperator(task_id="objects", prefix="{{ dag_run.conf['prefix'] }}", **HOW)
    for task_id, how in WAYS.items():
        CgcBulkImportOperator(
            task_id=task_id,
            items=objects.output,
            project="{{ dag_run.conf['project'] }}",
            name=task_id + "/{path}/{name}",
            metadata={"sample_id": "{folder}", "source": "{location}"},
            tags=[task_id],
            timeout=900,
            **HOW,
            **how,
        )
