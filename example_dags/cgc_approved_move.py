"""Let a second person approve a move before any file is moved (Airflow 3.1 and later).

A move turns the platform's file into an alias of the exported object, for good. `plan` is a dry run: it checks
everything, sends nothing, and writes the files that it would move, each with its place, to a manifest. `approve` shows
its numbers under "Required Actions" and waits for a click, without holding a worker. `move` moves exactly the files of
that manifest, after it has checked them once more: a file that was deleted or moved elsewhere since then stops it.

"Reject" skips `move`; without an answer in three days `approve` fails and `move` does not run. Nothing is moved then.

Airflow below 3.1 has no approvals: there this file defines no Dag, and says so in the log of the Dag processor.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException

from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.files import CgcListFilesOperator

try:
    from airflow.providers.standard.operators.hitl import ApprovalOperator
    from airflow.sdk import Param, dag
except (ImportError, AirflowOptionalProviderFeatureException):  # Airflow below 3.1
    logging.getLogger(__name__).warning("No Dag cgc_approved_move: ApprovalOperator needs Airflow 3.1 or later.")
else:

    @dag(
        dag_id="cgc_approved_move",
        schedule=None,
        start_date=datetime(2026, 1, 1),
        catchup=False,
        tags=["cgc"],
        params={
            "project": Param("demo-lab/cptac3", type="string", description="The project whose files are moved"),
            "volume": Param("demo-lab/results", type="string", description="The volume that they go to"),
            "manifests": Param("file:///tmp/cgc", type="string", description="The folder for the manifests"),
        },
        doc_md=__doc__,
    )
    def cgc_approved_move():
        # [START howto_operator_cgc_approved_move]
        files = CgcListFilesOperator(
            task_id="list_files",
            project="{{ params.project }}",
            manifest_path="{{ params.manifests }}/{{ dag.dag_id }}/{{ run_id }}/files.jsonl",
            retries=2,
        )

        plan = CgcBulkExportOperator(
            task_id="plan",
            items=files.output,
            volume="{{ params.volume }}",
            location="archive/{path}/{name}",
            copy_only=False,
            dry_run=True,
            manifest_path="{{ params.manifests }}/{{ dag.dag_id }}/{{ run_id }}/plan.jsonl",
            retries=2,
        )

        approve = ApprovalOperator(
            task_id="approve",
            subject="Move {{ ti.xcom_pull('plan')['to_send'] }} files of {{ params.project }} to {{ params.volume }}?",
            body="{% set plan = ti.xcom_pull('plan') %}"
            "- to be moved: {{ plan['to_send'] }} files of {{ plan['bytes'] | filesizeformat }} (known sizes)\n"
            "- objects in the way, which fail these files: {{ plan['in_the_way'] }}\n"
            "- under way to the same place in another run, which is waited for: {{ plan['under_way'] }}\n"
            "- files that will fail as things are: {{ plan['failing'] }}\n"
            "- moved already: {{ plan['settled'] - plan['under_way'] }}\n\n"
            "The files become aliases of the moved objects, which cannot be undone."
            " Each file with its place is in {{ plan['manifest'] }}.",
            response_timeout=timedelta(days=3),
        )

        move = CgcBulkExportOperator(
            task_id="move",
            manifest="{{ ti.xcom_pull('plan')['manifest'] }}",
            copy_only=False,
            expected_count="{{ ti.xcom_pull('plan')['lines'] }}",  # a plan that lost lines is refused
            allow_empty=True,  # everything may have been moved already
            manifest_path="{{ params.manifests }}/{{ dag.dag_id }}/{{ run_id }}/moved.jsonl",
            deferrable=True,
            poke_interval=30,
            timeout=timedelta(hours=20),
            retries=2,
            retry_delay=timedelta(minutes=5),
        )

        plan >> approve >> move
        # [END howto_operator_cgc_approved_move]

    cgc_approved_move()
