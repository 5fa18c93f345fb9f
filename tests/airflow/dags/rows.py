"""Tasks that a test describes, side by side: a JSON object of arguments each, from the environment."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, BaseOperator

from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.imports import CgcBulkImportOperator
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
from airflow_provider_cgc.sensors.imports import CgcBulkImportSensor
from airflow_provider_cgc.templates import is_literal
from tests.late import literal

KINDS = {"import": CgcBulkImportOperator, "import_sensor": CgcBulkImportSensor}


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
    with Path(os.environ["ROWS_ERRORS"]).open("a") as file:
        file.write(json.dumps([context["ti"].task_id, [type(error).__name__, str(error)]]) + "\n")


tasks: dict[str, BaseOperator] = {}
with DAG("rows", schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:
    for arguments in json.loads(os.environ["ROWS"]):
        before = tasks.get(arguments.pop("after", ""))
        if "upstream" in arguments:
            before = Gives(task_id="gives", value=arguments.pop("upstream"))
        ids = {"": "export_ids", "import_sensor": "import_ids"}.get(arguments.get("operator", ""))
        if before is not None and ids:
            arguments.setdefault(ids, before.output)
        kind = CgcBulkExportOperator if "volume" in arguments else CgcBulkExportSensor
        kind = KINDS.get(arguments.pop("operator", ""), kind)
        # They come when the task runs, as most arguments do: what is wrong with one is told then.
        for name in kind.template_fields:
            if arguments.get(name) is not None and is_literal(arguments[name], marks=("{{", "{%", "{#")):
                arguments[name] = literal(arguments[name])
        task = tasks[arguments["task_id"]] = kind(on_failure_callback=note_error, **arguments)
        if before is not None:
            before >> task
