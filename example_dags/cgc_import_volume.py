"""Import everything below a prefix of a volume into a project, with its tree and its metadata.

`list_objects` lists the objects; `import_objects` makes a file of each in the same folders, sets metadata and tags
from the place of the object, and returns the files with their ids, which `report` reads. No bytes are copied. Clear it
when new objects have come: `if_exists="skip"` keeps the files that are there, and imports only what is new.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_provider_cgc.manifests import read_items
from airflow_provider_cgc.operators.imports import CgcBulkImportOperator
from airflow_provider_cgc.operators.volumes import CgcListVolumeOperator

try:
    from airflow.sdk import Param, dag, task
except ImportError:  # Airflow 2.11
    from airflow.decorators import dag, task
    from airflow.models.param import Param


@dag(
    dag_id="cgc_import_volume",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["cgc"],
    params={
        "volume": Param("demo-lab/archive", type="string", description="The volume that the objects are on"),
        "prefix": Param("runs/2026-02-11_NovaSeqX", type="string", description="The folder on the volume"),
        "project": Param("demo-lab/leftovers", type="string", description="The project that they become files of"),
        "manifests": Param("file:///tmp/cgc", type="string", description="The folder for lists and manifests"),
    },
    doc_md=__doc__,
)
def cgc_import_volume():
    # [START howto_operator_cgc_bulk_import]
    objects = CgcListVolumeOperator(
        task_id="list_objects",
        volume="{{ params.volume }}",
        prefix="{{ params.prefix }}",
        # Beyond 1,000 objects a list needs a place.
        manifest_path="{{ params.manifests }}/{{ dag.dag_id }}/{{ run_id }}/objects.jsonl",
        retries=2,
    )

    files = CgcBulkImportOperator(
        task_id="import_objects",
        items=objects.output,
        project="{{ params.project }}",
        name="raw/{path}/{name}",
        if_exists="skip",
        metadata={"source_folder": "{folder}", "source_object": "{location}"},
        tags=["raw"],
        manifest_path="{{ params.manifests }}/{{ dag.dag_id }}/{{ run_id }}/files.jsonl",
        deferrable=True,
        poke_interval=15,
        timeout=timedelta(hours=12),
        retries=2,
        retry_delay=timedelta(minutes=1),
    )

    @task
    def report(imported) -> None:
        items = read_items(imported)
        some = ", ".join(f"{item['path']}/{item['name']}" for item in items[:3])
        print(f"{len(items)} objects are files of the project, such as {some}.")

    report(files.output)
    # [END howto_operator_cgc_bulk_import]


cgc_import_volume()
