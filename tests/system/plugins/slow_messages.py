"""A triggerer in which every message to Airflow takes a while, as with a slow database.

Where many waits show something, one of their messages is then always under way or next in line. Those about XComs are
noted.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

SECONDS = {"GetXCom": 1.0, "SetXCom": 1.0}
OTHERS = 0.3

if "triggerer" in sys.argv:
    from airflow.jobs.triggerer_job_runner import TriggerRunnerSupervisor

    at_once = TriggerRunnerSupervisor._handle_request
    notes = Path(os.environ["AIRFLOW_HOME"], "slow_messages")

    def handle_request(self: Any, message: Any, *arguments: Any, **how: Any) -> None:
        kind = type(message).__name__
        time.sleep(SECONDS.get(kind, OTHERS))
        if kind in SECONDS:
            with notes.open("a") as file:
                file.write(f"{time.time()} {kind}\n")
        at_once(self, message, *arguments, **how)

    TriggerRunnerSupervisor._handle_request = handle_request
