"""Export a manifest of files, tolerate some failures, and let a second task retry just these.

`export` is green as long as no more than 5 % of the files fail; its manifest has the outcome of each. `export_the_rest`
takes the same manifest and only the items that failed, and is red if any fails again.
"""

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
    dag_id="cgc_export_manifest",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["cgc"],
    params={
        "project": Param("demo-lab/cptac3", type="string", description="The project whose files are exported"),
        "volume": Param("demo-lab/results", type="string", description="The volume that they go to"),
        "manifests": Param("file:///tmp/cgc", type="string", description="The folder for the manifests"),
    },
    doc_md=__doc__,
)
def cgc_export_manifest():
    # [START howto_operator_cgc_failures_tolerated]
    usual = {
        "deferrable": True,
        "poke_interval": 30,
        "timeout": timedelta(hours=12),
        "retries": 2,
        "retry_delay": timedelta(minutes=1),
    }

    list_files = CgcListFilesOperator(
        task_id="list_files",
        project="{{ params.project }}",
        manifest_path="{{ params.manifests }}/{{ dag.dag_id }}/{{ run_id }}/files.jsonl",
        retries=2,
    )

    export = CgcBulkExportOperator(
        task_id="export",
        items=list_files.output,
        volume="{{ params.volume }}",
        location="release/{path}/{name}",
        copy_only=True,
        max_failure_share=0.05,
        manifest_path="{{ params.manifests }}/{{ dag.dag_id }}/{{ run_id }}/exports.jsonl",
        **usual,
    )

    export_the_rest = CgcBulkExportOperator(
        task_id="export_the_rest",
        manifest="{{ params.manifests }}/{{ dag.dag_id }}/{{ run_id }}/exports.jsonl",
        failed_only=True,
        allow_empty=True,  # usually nothing is left
        copy_only=True,
        max_failures=5,  # a deleted file fails again; this lets the others go
        **usual,
    )

    export >> export_the_rest
    # [END howto_operator_cgc_failures_tolerated]


cgc_export_manifest()
