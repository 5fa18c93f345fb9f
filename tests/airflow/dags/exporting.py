"""Export tasks as the test says: one JSON object of arguments each, beside each other."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

from airflow_provider_cgc.operators.exports import CgcBulkExportOperator

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2.11
    from airflow import DAG


def note_error(context: dict) -> None:
    error = context.get("exception")
    line = json.dumps([context["ti"].task_id, [type(error).__name__, str(error)]])
    with Path(os.environ["EXPORTING_ERRORS"]).open("a") as file:
        file.write(line + "\n")


with DAG(dag_id="exporting", schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:
    for arguments in json.loads(os.environ["EXPORTING_CASES"]):
        CgcBulkExportOperator(on_failure_callback=note_error, **arguments)
