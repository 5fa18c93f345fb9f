"""One task for each case of tests/airflow/test_verdicts.py, read from the environment."""

from __future__ import annotations

import json
import os
from datetime import datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor

with DAG("parity", schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:
    for case in json.loads(os.environ["PARITY_CASES"]):
        CgcBulkExportSensor(**case)
