"""Airflow asks the retry policy where it knows policies (3.3+), and overlooks it in `default_args` elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.retries import RetryPolicy
from tests.airflow.conftest import load_dag_file

ASKED = RetryPolicy is not object
SOURCE = """
import json, os, time
from datetime import datetime, timedelta
from pathlib import Path
try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2.11
    from airflow.decorators import task
    from airflow.models.dag import DAG
from airflow_provider_cgc.client.errors import CgcRateLimited
from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.retries import CgcRetryPolicy
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor

def note(context):
    with Path(os.environ["RETRY_TRIES"]).open("a") as file:
        file.write(json.dumps([context["ti"].task_id, time.time()]) + "\\n")

args = {"retries": 1, "retry_delay": timedelta(0), "on_execute_callback": note}
args["retry_policy"] = CgcRetryPolicy()
with DAG("retrying", schedule=None, start_date=datetime(2026, 1, 1), default_args=args) as dag:
    CgcBulkExportSensor(task_id="token", export_ids=["a" * 32], cgc_conn_id="cgc_refused")

    @task
    def limited():
        raise CgcRateLimited(Problem(429, None, "Later."), status=429, call="GET /v2", retry_after=3.0)

    @task
    def a_bug():
        raise RuntimeError("a bug")

    limited(), a_bug()
"""


@dataclass(frozen=True)
class Result:
    """The times at which each task began its tries, and its end."""

    tries: dict[str, list[float]]
    states: dict[str, str]


@pytest.fixture(scope="module")
def result(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Result]:
    request.getfixturevalue("database")
    noted = tmp_path_factory.mktemp("retries") / "tries.jsonl"
    noted.touch()
    with CgcEmulator() as emulator, pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETRY_TRIES", str(noted))
        patch.setenv("AIRFLOW_CONN_CGC_REFUSED", emulator.airflow_conn.replace(emulator.token, "0" * 32))
        run = load_dag_file("retrying", SOURCE).dag.test()
        tries: dict[str, list[float]] = {}
        for line in noted.read_text().splitlines():
            task_id, at = json.loads(line)
            tries.setdefault(task_id, []).append(at)
        print(tries)
        yield Result(tries, {ti.task_id: str(ti.state) for ti in run.get_task_instances()})


def test_refused_token_costs_one(result: Result) -> None:
    assert result.states["token"] == "failed"
    assert len(result.tries["token"]) == (1 if ASKED else 2)


def test_a_bug_is_retried(result: Result) -> None:
    assert len(result.tries["a_bug"]) == 2


def test_rate_limit_is_waited_out(result: Result) -> None:
    first, second = result.tries["limited"]

    assert second - first >= 3.0 or not ASKED


def test_stored_dag_is_stable(load_dags: Callable[..., ModuleType]) -> None:
    """The stored Dag is the same at each parse."""
    try:
        from airflow.serialization.serialized_objects import DagSerialization
    except ImportError:  # before Airflow 3.2
        from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization

    stored = [json.dumps(DagSerialization.to_dict(load_dags("retrying", SOURCE).dag), sort_keys=True) for _ in "ab"]

    assert stored[0] == stored[1]
