"""The example Dags in the real Dag processor."""

from __future__ import annotations

import pytest

from dev.airflow_box import AirflowBox
from tests.system.conftest import EXAMPLES

pytestmark = pytest.mark.system


@pytest.mark.parametrize("dag_id", sorted(path.stem for path in EXAMPLES.glob("*.py")))
def test_example_is_there(airflow: AirflowBox, dag_id: str) -> None:
    airflow.wait_for_dag(dag_id)

    dag = airflow.api.dag(dag_id)

    assert dag is not None
    assert "cgc" in [tag["name"] for tag in dag["tags"]]


def test_no_dag_fails_to_import(airflow: AirflowBox) -> None:
    for path in EXAMPLES.glob("*.py"):
        airflow.wait_for_dag(path.stem)

    assert airflow.api.import_errors() == []
