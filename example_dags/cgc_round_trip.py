"""Export files with their metadata, import them into another project, and compare: nothing may be lost on the way.

A bucket keeps only bytes. `export` writes what else the platform knows about each file (name, folders, metadata, tags)
to `metadata_path`; `bring_back` takes this file as its manifest, and makes the same tree with the same metadata in its
own project, whatever the objects are called. `compare` looks at both projects, and fails at the first difference.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_provider_cgc.manifests import read_items
from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.files import CgcListFilesOperator
from airflow_provider_cgc.operators.imports import CgcBulkImportOperator

try:
    from airflow.sdk import Param, dag, task
except ImportError:  # Airflow 2.11
    from airflow.decorators import dag, task
    from airflow.models.param import Param


@dag(
    dag_id="cgc_round_trip",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["cgc"],
    params={
        "project": Param("demo-lab/cptac3", type="string", description="The project whose files are exported"),
        "files": Param("*.vcf.gz", type="string", description="The pattern of their names"),
        "volume": Param("demo-lab/results", type="string", description="The volume that they go to"),
        "other_project": Param("demo-lab/leftovers", type="string", description="The project that gets them"),
        "manifests": Param("file:///tmp/cgc", type="string", description="The folder for lists and manifests"),
    },
    doc_md=__doc__,
)
def cgc_round_trip():
    # [START howto_operator_cgc_metadata_path]
    usual = {"deferrable": True, "poke_interval": 30, "timeout": timedelta(hours=12), "retries": 2}
    metadata = "{{ params.manifests }}/{{ dag.dag_id }}/{{ run_id }}/metadata.jsonl"

    list_files = CgcListFilesOperator(
        task_id="list_files",
        project="{{ params.project }}",
        name="{{ params.files }}",
        manifest_path="{{ params.manifests }}/{{ dag.dag_id }}/{{ run_id }}/listed.jsonl",
        retries=2,
    )

    export = CgcBulkExportOperator(
        task_id="export",
        items=list_files.output,
        volume="{{ params.volume }}",
        location="round_trip/{id}",
        copy_only=True,
        if_exists="skip",
        metadata_path=metadata,
        **usual,
    )

    bring_back = CgcBulkImportOperator(
        task_id="bring_back",
        manifest=metadata,
        project="{{ params.other_project }}",
        if_exists="skip",
        manifest_path="{{ params.manifests }}/{{ dag.dag_id }}/{{ run_id }}/files.jsonl",
        **usual,
    )
    # [END howto_operator_cgc_metadata_path]

    @task
    def compare(exported: str, imported) -> None:
        from airflow_provider_cgc.hooks.cgc import CgcHook

        cgc = CgcHook("cgc_default").get_conn()

        def facts(items: list[dict]) -> dict[str, tuple]:
            """Return the facts that must be equal, by the path of each file."""
            paths = {item["file"]: f"{item['path']}/{item.get('source_name') or item['name']}" for item in items}
            files = [record.resource for record in cgc.files.bulk_get(paths)]
            return {paths[file.id]: (file.name, file.size, file.metadata, file.tags) for file in files}

        before, after = facts(read_items(exported)), facts(read_items(imported))
        if before != after:
            different = sorted(path for path in {**before, **after} if before.get(path) != after.get(path))
            raise ValueError(f"{len(different)} files differ, such as {different[0]}")
        print(f"{len(after)} files have the same paths, sizes, metadata and tags.")

    export >> bring_back
    compare(metadata, bring_back.output)


cgc_round_trip()
