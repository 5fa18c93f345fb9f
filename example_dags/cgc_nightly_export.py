"""Export every night what is new; a night without anything new is green.

`if_exists="skip"` leaves alone what an earlier night has exported, and what it still exports is waited for; so a night
that failed, or one that was cleared much later, costs no file. The manifest on object storage says of every file what
became of it. Give `modified_after` to the list only if the project is too large to be listed each night: a file that
failed for longer than that would then be forgotten.
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
    dag_id="cgc_nightly_export",
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    tags=["cgc"],
    params={
        "project": Param("demo-lab/cptac3", type="string", description="The project that is watched"),
        "volume": Param("demo-lab/results", type="string", description="The volume that new files go to"),
        "manifests": Param("file:///tmp/cgc", type="string", description="The folder for lists and manifests"),
    },
    doc_md=__doc__,
)
def cgc_nightly_export():
    # [START howto_operator_cgc_nightly]
    files = CgcListFilesOperator(
        task_id="list_files",
        project="{{ params.project }}",
        # Beyond 1,000 files a list needs a place.
        manifest_path="{{ params.manifests }}/{{ dag.dag_id }}/{{ run_id }}/files.jsonl",
        allow_empty=True,
        retries=2,
    )

    CgcBulkExportOperator(
        task_id="export",
        items=files.output,
        volume="{{ params.volume }}",
        location="nightly/{path}/{name}",
        copy_only=True,
        if_exists="skip",
        allow_empty=True,
        manifest_path="{{ params.manifests }}/{{ dag.dag_id }}/{{ run_id }}/exports.jsonl",
        deferrable=True,
        timeout=timedelta(hours=20),
        retries=2,
        retry_delay=timedelta(minutes=5),
    )
    # [END howto_operator_cgc_nightly]


cgc_nightly_export()
