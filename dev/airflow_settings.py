"""The settings of an Airflow that lives in one folder, as environment variables, and where its command is."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

CONNECT_ARGS_MODULE = "airflow_box_database"
# With Airflow's default of 5 s, two dozen tasks at once on a busy machine end in "database is locked", which
# makes the scheduler and the triggerer exit.
CONNECT_ARGS = 'ARGS = {"timeout": 60}\n'
TRIGGER_LOG_PORT = "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT"
"""The setting that triggerers on one machine cannot share."""


class AirflowUnusableError(RuntimeError):
    """There is no Airflow 3 beside this Python."""


def check_version(version: str | None) -> None:
    """Raise unless `version` (None: not installed) is one that the box can run."""
    if version is None:
        raise AirflowUnusableError(
            f"Airflow is not installed for {sys.executable}: install this project, which brings it, there."
        )
    if int(version.split(".")[0]) < 3:
        raise AirflowUnusableError(
            f"This needs Airflow 3 (its REST API v2 and Dag processor); {sys.executable} has {version}."
        )


def installed_version() -> str | None:
    try:
        return metadata.version("apache-airflow-core")
    except metadata.PackageNotFoundError:
        pass
    try:
        return metadata.version("apache-airflow")
    except metadata.PackageNotFoundError:
        return None


def airflow_command() -> Path:
    """The `airflow` of this Python's environment."""
    for folder in (Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))):
        if (folder / "airflow").is_file():
            return folder / "airflow"
    raise AirflowUnusableError(f"There is no `airflow` command beside {sys.executable}.")


def environment(
    home: Path,
    *,
    dags_folder: Path,
    ports: tuple[int, int, int],
    parallelism: int,
    extra: Mapping[str, str],
    database: str | None = None,
    base: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """The components' variables: `base` without Airflow's, our settings, then `extra`.

    `ports` are those of the API server, the worker log server and the triggerer log server. `database` is the URL of
    a server; without it there is a file in `home`.
    """
    api, worker_logs, trigger_logs = ports
    kept = {name: value for name, value in base.items() if not name.startswith(("AIRFLOW", "_AIRFLOW"))}
    # The components talk to each other, and to an emulator, on this machine: past any proxy.
    local = ",".join(filter(None, ["localhost,127.0.0.1,::1", kept.get("NO_PROXY") or kept.get("no_proxy")]))
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(parallelism),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{api}/execution/",
        # Everybody who reaches it is an admin, so nobody else on the network may reach it.
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(api),
        "AIRFLOW__API__BASE_URL": f"http://localhost:{api}",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database or f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(worker_logs),
        TRIGGER_LOG_PORT: str(trigger_logs),
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
        "AIRFLOW__LOGGING__UVICORN_LOGGING_LEVEL": "WARNING",
        "NO_COLOR": "1",
        "NO_PROXY": local,
        "no_proxy": local,
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(home / "config"), kept.get("PYTHONPATH")])),
        # `airflow standalone` starts its components by name.
        "PATH": os.pathsep.join(filter(None, [str(airflow_command().parent), kept.get("PATH")])),
    }
    if database is None:
        settings["AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS"] = f"{CONNECT_ARGS_MODULE}.ARGS"
    return {**kept, **settings, **extra}


def write_config(home: Path) -> None:
    """Write the module that the settings name; the folder is on the components' PYTHONPATH."""
    config = home / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / f"{CONNECT_ARGS_MODULE}.py").write_text(CONNECT_ARGS)
