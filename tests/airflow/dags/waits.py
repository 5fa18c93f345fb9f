"""Sensors whose arguments come from the environment, with upstream tasks that go wrong in the usual ways."""

from __future__ import annotations

import json
import os
from datetime import datetime

from airflow.providers.common.compat.sdk import DAG, BaseOperator

from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor


class Gives(BaseOperator):
    """Give a value, as an upstream task does."""

    def __init__(self, *, value, **kwargs) -> None:
        super().__init__(**kwargs)
        self.value = value

    def execute(self, context):
        return self.value


def note_error(context) -> None:
    """Write down what a callback gets to see."""
    error = context["exception"]
    with open(os.environ["WAITS_ERRORS"], "a") as file:
        file.write(json.dumps([context["ti"].task_id, f"{type(error).__name__}: {error}"]) + "\n")


with DAG("waits", schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:
    for case in json.loads(os.environ["WAITS_CASES"]):
        case["on_failure_callback"] = note_error
        if "upstream" in case:
            upstream = Gives(task_id=f"gives-{case['task_id']}", value=case.pop("upstream"))
            if "export_ids" in case:
                upstream >> CgcBulkExportSensor(**case)
            else:
                CgcBulkExportSensor(export_ids=upstream.output, **case)
        else:
            CgcBulkExportSensor(**case)
