"""The parts of the box that need no Airflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev import airflow_settings
from dev.airflow_api import AirflowApi, log_line
from dev.airflow_box import AirflowBox
from dev.airflow_parts import called, component_names, part_of, silences, unwell


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
def test_knows_airflows_parts(words, part):
    """Know the parts of `airflow standalone` by their commands."""
    assert part_of(Child(*words)) == part


def test_refuses_airflow_2():
    """Refuse Airflow 2, and an environment without Airflow."""
    airflow_settings.check_version("3.0.6")
    with pytest.raises(airflow_settings.AirflowUnusableError, match="needs Airflow 3"):
        airflow_settings.check_version("2.11.2")
    with pytest.raises(airflow_settings.AirflowUnusableError, match="not installed"):
        airflow_settings.check_version(None)


def test_hides_the_users_airflow(monkeypatch):
    """Components see our settings, and none of the user's Airflow."""
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


def test_components_are_known(tmp_path):
    """Components are standalone or known parts."""
    with pytest.raises(ValueError, match="standalone"):
        AirflowBox(tmp_path, dags_folder=tmp_path, components=("scheduler", "webserver"))


def test_triggerers_are_parts():
    """Several triggerers are components of their own."""
    assert component_names(("scheduler", "triggerer"), 2) == ("scheduler", "triggerer-1", "triggerer-2")
    assert component_names(("scheduler", "triggerer"), 1) == ("scheduler", "triggerer")


@pytest.mark.parametrize(("components", "triggerers"), [(("standalone",), 2), (("scheduler",), 2), (("triggerer",), 0)])
def test_one_triggerer_comes_first(components, triggerers):
    """Triggerers are added only to a triggerer."""
    with pytest.raises(ValueError, match="triggerer"):
        component_names(components, triggerers)


def test_many_need_row_locks(tmp_path):
    """Several triggerers need a database that locks rows."""
    with pytest.raises(ValueError, match="postgres"):
        AirflowBox(tmp_path, dags_folder=tmp_path, components=("scheduler", "triggerer"), triggerers=2)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("scheduler", "triggerer-1", "triggerer-2"), ["triggerer-1", "triggerer-2"]),
        (("scheduler", "triggerer"), ["triggerer"]),
        (("standalone",), ["standalone"]),
        (("scheduler",), []),
    ],
)
def test_knows_its_triggerers(names, found):
    assert called("triggerer", names) == found


def test_reads_airflows_word():
    health = {
        "scheduler": {"status": "healthy", "latest_scheduler_heartbeat": "2026-01-01T00:00:00+00:00"},
        "dag_processor": {"status": None, "latest_dag_processor_heartbeat": None},
    }

    assert unwell(health) == ["dag-processor", "triggerer"]
    assert silences(health).keys() == {"scheduler"}
    assert silences(health)["scheduler"] > 0


def test_no_sqlite_for_a_server(monkeypatch):
    """A database server gets no arguments that are meant for SQLite."""
    monkeypatch.setattr(airflow_settings, "airflow_command", lambda: Path("/v/bin/airflow"))
    how = {"dags_folder": Path("/dags"), "ports": (8080, 8793, 8794), "parallelism": 4, "extra": {}, "base": {}}

    of_file = airflow_settings.environment(Path("/home"), **how)
    of_server = airflow_settings.environment(Path("/home"), database="postgresql://", **how)

    assert of_file["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == "sqlite:////home/airflow.db"
    assert of_server["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == "postgresql://"
    assert of_file.keys() - of_server.keys() == {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS"}


def test_unstarted_can_be_stopped(tmp_path):
    AirflowBox(tmp_path, dags_folder=tmp_path).stop()


def test_url_keeps_the_run_id():
    """A run URL survives the colons of a run id."""
    url = AirflowApi("http://localhost:8080/").run_url("d", "manual__2026-01-01T00:00:00+00:00")

    assert url == "http://localhost:8080/dags/d/runs/manual__2026-01-01T00%3A00%3A00%2B00%3A00"


def test_log_line_has_exception():
    record = {
        "timestamp": "2026-01-01T00:00:00Z",
        "level": "error",
        "event": "Task failed",
        "error_detail": [{"exc_type": "CgcJobsFailed", "exc_value": "1 of 3", "frames": []}],
    }

    assert log_line(record) == "2026-01-01T00:00:00Z ERROR Task failed\nCgcJobsFailed: 1 of 3"
