"""A wait that fails because an export FAILED, and what its callback gets to say.

The sensor waits until all exports have ended, so that one bad file does not hide the fate of the others. Then it fails
with `CgcJobsFailed`, at once and without Airflow's retries: a FAILED export stays FAILED. `str()` of the exception fits
into a chat message; `.failed` has each item with its file, key, code and message.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor

try:
    from airflow.sdk import Param, dag, task
except ImportError:  # Airflow 2.11
    from airflow.decorators import dag, task
    from airflow.models.param import Param


# [START howto_callback_failed_exports]
def tell_the_lab(context) -> None:
    """Report the failure; put a mail, Slack or pager call here."""
    print(f"Message to the lab about {context['ti'].task_id}:\n{context['exception']}")


# [END howto_callback_failed_exports]


@dag(
    dag_id="cgc_failed_export",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["cgc"],
    params={
        "project": Param("demo-lab/incidents", type="string", description="A project with a file that cannot be read"),
        "volume": Param("demo-lab/results", type="string", description="The volume that it goes to"),
        "prefix": Param("incidents", type="string", description="The folder on the volume"),
    },
    doc_md=__doc__,
)
def cgc_failed_export():
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
        return started_ids(records)

    CgcBulkExportSensor(
        task_id="wait_for_exports",
        export_ids=start_exports(),
        deferrable=True,
        poke_interval=30,
        timeout=timedelta(hours=12),
        retries=2,
        retry_delay=timedelta(minutes=1),
        on_failure_callback=tell_the_lab,
    )


cgc_failed_export()
