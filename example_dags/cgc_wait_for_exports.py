"""Wait for CGC exports that an upstream task started, without holding a worker.

`start_exports` submits the files of a project to a volume and returns the job ids; `wait_for_exports` waits for all of
them in the triggerer, 100 ids in a request, and fails, naming each file, if any export FAILED.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor

try:
    from airflow.sdk import Param, dag, task
except ImportError:  # Airflow 2.11
    from airflow.decorators import dag, task
    from airflow.models.param import Param


@dag(
    dag_id="cgc_wait_for_exports",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["cgc"],
    params={
        "project": Param("demo-lab/cptac3", type="string", description="The project whose files are exported"),
        "volume": Param("demo-lab/results", type="string", description="The volume that they go to"),
        "prefix": Param("nightly", type="string", description="The folder on the volume"),
    },
    doc_md=__doc__,
)
def cgc_wait_for_exports():
    # [START howto_start_exports]
    @task(retries=0)  # a repeated submit would export again: clear this task only after looking at the volume
    def start_exports(params: dict) -> list[str]:
        from airflow_provider_cgc.client import chunks_of, started_ids
        from airflow_provider_cgc.hooks.cgc import CgcHook

        cgc = CgcHook("cgc_default").get_conn()
        items = [  # the id is in the key because two folders may have files of one name
            {"file": file.id, "volume": params["volume"], "location": f"{params['prefix']}/{file.id}/{file.name}"}
            for file in cgc.files.walk(params["project"])
        ]
        records = []
        for chunk in chunks_of(items, 100):
            answers = cgc.exports.bulk_create(chunk, copy_only=True)
            print("started:", *(answer.id for answer in answers if answer.id))  # in the log should a later chunk fail
            records += answers
        return started_ids(records)  # raises if the platform refused any, and names it

    # [END howto_start_exports]

    # [START howto_sensor_cgc_bulk_export]
    wait_for_exports = CgcBulkExportSensor(
        task_id="wait_for_exports",
        export_ids=start_exports(),
        deferrable=True,
        poke_interval=30,
        timeout=timedelta(hours=12),
        retries=2,
        retry_delay=timedelta(minutes=1),
    )
    # [END howto_sensor_cgc_bulk_export]

    @task
    def report(summary: dict) -> None:
        print(f"{summary['completed']} files, {summary['bytes']:,} bytes are on the volume.")

    report(wait_for_exports.output)


cgc_wait_for_exports()
