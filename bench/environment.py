"""The environment of a measurement: an Airflow of its own, and no proxy."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def environment(home: Path, base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a process with an Airflow home of its own; no proxy is between it and the emulator."""
    kept = {name: value for name, value in base.items() if not name.startswith(("AIRFLOW", "SB_"))}
    return kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
