"""Export a whole project to a volume, with its tree of folders kept.

`list_files` lists the project; `export` checks all files, starts the jobs 100 in a request and waits for them in the
triggerer. If it fails or its worker dies, clear it or let Airflow retry it: only what is missing is sent.
"""

# [START howto_operator_cgc_bulk_export]
from __future__ import annotations

from datetime import datetime, timedelta

from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.files import CgcListFilesOperator

try:
    from airflow.sdk import Param, dag
except ImportError:  # Airflow 2.11
    from airflow.decorators import dag
    from airflow.models.param import Param


@dag(
    dag_id="cgc_export_project",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["cgc"],
    params={
        "project": Param("demo-lab/cptac3", type="string", description="The project whose files are exported"),
        "volume": Param("demo-lab/results", type="string", description="The volume that they go to"),
    },
    doc_md=__doc__,
)
def cgc_export_project():
    list_files = CgcListFilesOperator(task_id="list_files", project="{{ params.project }}", retries=2)

    CgcBulkExportOperator(
        task_id="export",
        items=list_files.output,
        volume="{{ params.volume }}",
        location="{project}/{path}/{name}",
        copy_only=True,  # False moves: the platform's file becomes an alias of the exported object
        deferrable=True,
        poke_interval=30,
        timeout=timedelta(hours=12),
        retries=2,
        retry_delay=timedelta(minutes=1),
    )


cgc_export_project()
# [END howto_operator_cgc_bulk_export]
