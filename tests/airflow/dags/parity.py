"""One task for each case of tests/airflow/test_verdicts.py, read from the environment."""

from __future__ import annotations

import json
import os
from datetime import datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor


def note_error(context) -> None:
    """Write down what a callback gets to see."""
    error = context["exception"]
    with open(os.environ["PARITY_ERRORS"], "a") as file:
        file.write(json.dumps([context["ti"].task_id, [type(error).__name__, str(error)]]) + "\n")


with DAG("parity", schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:
    for case in json.loads(os.environ["PARITY_CASES"]):
        CgcBulkExportSensor(on_failure_callback=note_error, **case)
