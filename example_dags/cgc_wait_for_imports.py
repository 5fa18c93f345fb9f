"""Import a folder of a volume into a project, and wait without holding a worker.

`start_imports` asks the volume for the objects in the folder and starts an import of each; `wait_for_imports` waits for
all of them in the triggerer, 100 ids in a request, and fails, naming each object, if any import FAILED. No bytes are
copied: what was imported is a file of the project whose content stays on the volume.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_provider_cgc.sensors.imports import CgcBulkImportSensor

try:
    from airflow.sdk import Param, dag, task
except ImportError:  # Airflow 2.11
    from airflow.decorators import dag, task
    from airflow.models.param import Param


@dag(
    dag_id="cgc_wait_for_imports",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["cgc"],
    params={
        "volume": Param("demo-lab/archive", type="string", description="The volume that the objects are on"),
        "folder": Param(
            "runs/2026-02-11_NovaSeqX/fastq/",
            type="string",
            pattern="/$",
            description="The folder on the volume, with the slash at its end",
        ),
        "project": Param("demo-lab/leftovers", type="string", description="The project that they become files of"),
    },
    doc_md=__doc__,
)
def cgc_wait_for_imports():
    # [START howto_start_imports]
    @task(retries=0)  # a repeated submit would find the names taken: clear this task only after looking at the project
    def start_imports(params: dict) -> list[str]:
        from airflow_provider_cgc.client import chunks_of, started_ids
        from airflow_provider_cgc.hooks.cgc import CgcHook

        cgc = CgcHook("cgc_default").get_conn()
        items = [
            {"volume": params["volume"], "location": found.location, "project": params["project"]}
            for found in cgc.volumes.contents(params["volume"], prefix=params["folder"])
            if found.location != params["folder"]  # some tools leave an empty object to stand for the folder
        ]
        records = []
        for chunk in chunks_of(items, 100):
            answers = cgc.imports.bulk_create(chunk)
            print("started:", *(answer.id for answer in answers if answer.id))  # in the log should a later chunk fail
            records += answers
        return started_ids(records)  # raises if the platform refused any, and names it

    # [END howto_start_imports]

    # [START howto_sensor_cgc_bulk_import]
    wait_for_imports = CgcBulkImportSensor(
        task_id="wait_for_imports",
        import_ids=start_imports(),
        deferrable=True,
        poke_interval=30,
        timeout=timedelta(hours=2),
        retries=2,
        retry_delay=timedelta(minutes=1),
    )
    # [END howto_sensor_cgc_bulk_import]

    @task
    def report(summary: dict) -> None:
        print(f"{summary['completed']} objects, {summary['bytes']:,} bytes, are files of the project.")

    report(wait_for_imports.output)


cgc_wait_for_imports()
