"""The parts of the box that need no Airflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev import airflow_settings
from dev.airflow_api import AirflowApi, log_line
from dev.airflow_box import AirflowBox, part_of


class Child:
    def __init__(self, *words: str) -> None:
        self._words = list(words)

    def cmdline(self) -> list[str]:
        return self._words


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["/v/bin/python", "/v/bin/airflow", "scheduler"], "scheduler"),
        (["airflow api_server -- host:127.0.0.1 port:8080", ""], "api-server"),
        (["/v/bin/python", "/v/bin/airflow", "standalone"], None),
        ([], None),
    ],
)
def test_knows_the_parts_of_standalone_by_their_commands(words, part):
    assert part_of(Child(*words)) == part


def test_refuses_airflow_2_and_no_airflow():
    airflow_settings.check_version("3.0.6")
    with pytest.raises(airflow_settings.AirflowUnusableError, match="needs Airflow 3"):
        airflow_settings.check_version("2.11.2")
    with pytest.raises(airflow_settings.AirflowUnusableError, match="not installed"):
        airflow_settings.check_version(None)


def test_components_see_our_settings_and_none_of_the_users_airflow(monkeypatch):
    monkeypatch.setattr(airflow_settings, "airflow_command", lambda: Path("/v/bin/airflow"))
    base = {"PATH": "/usr/bin", "AIRFLOW__CORE__EXECUTOR": "Celery", "AIRFLOW_HOME": "/theirs", "LANG": "C"}

    env = airflow_settings.environment(
        Path("/home"),
        dags_folder=Path("/dags"),
        ports=(8080, 8793, 8794),
        parallelism=4,
        extra={"AIRFLOW_CONN_CGC_DEFAULT": "{}", "AIRFLOW__CORE__PARALLELISM": "2"},
        base=base,
    )

    assert (env["AIRFLOW_HOME"], env["LANG"]) == ("/home", "C")
    assert env["PATH"] == "/v/bin:/usr/bin"
    assert env["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert env["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert env["AIRFLOW__CORE__PARALLELISM"] == "2"


def test_components_are_standalone_or_known_parts(tmp_path):
    with pytest.raises(ValueError, match="standalone"):
        AirflowBox(tmp_path, dags_folder=tmp_path, components=("scheduler", "webserver"))


def test_a_box_that_was_not_started_can_be_stopped(tmp_path):
    AirflowBox(tmp_path, dags_folder=tmp_path).stop()


def test_a_run_url_survives_the_colons_of_a_run_id():
    url = AirflowApi("http://localhost:8080/").run_url("d", "manual__2026-01-01T00:00:00+00:00")

    assert url == "http://localhost:8080/dags/d/runs/manual__2026-01-01T00%3A00%3A00%2B00%3A00"


def test_a_log_line_tells_the_exception():
    record = {
        "timestamp": "2026-01-01T00:00:00Z",
        "level": "error",
        "event": "Task failed",
        "error_detail": [{"exc_type": "CgcJobsFailed", "exc_value": "1 of 3", "frames": []}],
    }

    assert log_line(record) == "2026-01-01T00:00:00Z ERROR Task failed\nCgcJobsFailed: 1 of 3"
