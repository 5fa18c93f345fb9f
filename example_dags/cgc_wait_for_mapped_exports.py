"""The same in forty batches: one mapped task starts each batch, one mapped sensor waits for it.

Forty deferred sensors cost hardly more requests than one, because all waits on a connection share their requests.
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
    dag_id="cgc_wait_for_mapped_exports",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["cgc"],
    params={
        "project": Param("demo-lab/cptac3", type="string", description="The project whose files are exported"),
        "volume": Param("demo-lab/results", type="string", description="The volume that they go to"),
        "prefix": Param("batches", type="string", description="The folder on the volume"),
        "batches": Param(40, type="integer", minimum=1, description="How many sensors wait side by side"),
    },
    doc_md=__doc__,
)
def cgc_wait_for_mapped_exports():
    @task
    def make_batches(params: dict) -> list[list[dict]]:
        from airflow_provider_cgc.hooks.cgc import CgcHook

        items = [  # the id is in the key because two folders may have files of one name
            {"file": file.id, "volume": params["volume"], "location": f"{params['prefix']}/{file.id}/{file.name}"}
            for file in CgcHook("cgc_default").get_conn().files.walk(params["project"])
        ]
        count = min(params["batches"], len(items))
        return [items[start::count] for start in range(count)]

    @task(retries=0)  # a repeated submit would export again: clear this task only after looking at the volume
    def start_exports(items: list[dict]) -> list[str]:
        from airflow_provider_cgc.client import chunks_of, started_ids
        from airflow_provider_cgc.hooks.cgc import CgcHook

        cgc = CgcHook("cgc_default").get_conn()
        records = []
        for chunk in chunks_of(items, 100):
            answers = cgc.exports.bulk_create(chunk, copy_only=True)
            print("started:", *(answer.id for answer in answers if answer.id))  # in the log should a later chunk fail
            records += answers
        return started_ids(records)

    # [START howto_sensor_cgc_bulk_export_mapped]
    CgcBulkExportSensor.partial(
        task_id="wait_for_exports",
        deferrable=True,
        poke_interval=30,
        timeout=timedelta(hours=12),
        retries=2,
        retry_delay=timedelta(minutes=1),
    ).expand(export_ids=start_exports.expand(items=make_batches()))
    # [END howto_sensor_cgc_bulk_export_mapped]


cgc_wait_for_mapped_exports()
