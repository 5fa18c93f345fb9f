"""Exports that the vendor's SDK starts, and a sensor that waits for them."""

from __future__ import annotations

from datetime import datetime

from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor

try:
    from airflow.sdk import Param, dag, task
except ImportError:  # Airflow 2.11
    from airflow.decorators import dag, task
    from airflow.models.param import Param


@dag(
    dag_id="export_with_sdk",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    params={"files": Param([], type="array"), "volume": Param("demo-lab/results", type="string")},
)
def export_with_sdk():
    # [START sdk_starter]
    @task(retries=0)  # a repeated submit would export again: clear this task only after looking at the volume
    def start_exports(params: dict) -> list[str]:
        import sevenbridges
        from airflow_provider_cgc.client import chunks_of
        from airflow_provider_cgc.hooks.cgc import CgcHook

        settings = CgcHook("cgc_default").settings
        emulated = settings.base_url.startswith("http:")  # only the emulator has no https
        api = sevenbridges.Api(url=settings.base_url, token=settings.token, timeout=300, debug=emulated)
        started, refused = [], []
        for chunk in chunks_of(params["files"], 100):  # the SDK does not cut a call into hundreds
            exports = [{"file": file, "volume": params["volume"], "location": f"nightly/{file}"} for file in chunk]
            records = api.exports.bulk_submit(exports, copy_only=True)
            print("started:", *(record.resource.id for record in records if record.valid))  # should a later chunk fail
            for file, record in zip(chunk, records, strict=True):
                if record.valid:
                    started.append(record.resource.id)
                else:
                    refused.append(f"{file}: {record.error.code} {record.error.message}")
        if refused:
            raise ValueError(f"{len(refused)} exports were refused: {refused[:5]}; started: {started}")
        return started

    CgcBulkExportSensor(
        task_id="wait_for_exports",
        export_ids=start_exports(),
        expected_count="{{ params.files | length }}",
        deferrable=True,
        retries=2,
    )
    # [END sdk_starter]


export_with_sdk()
