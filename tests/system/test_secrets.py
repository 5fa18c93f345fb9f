"""No token is in any file or table of an Airflow in which all the other modules' stories have happened; runs last.

Nothing is excluded: Airflow encrypts the passwords in its table `connection`, and the box writes no settings to disk
but Airflow's own `airflow.cfg` and the module with the database's arguments. The environment of the components, where
most of the tokens are, is no file.
"""

from __future__ import annotations

import pytest

from dev.airflow_box import AirflowBox
from tests.system.conftest import CANARY
from tests.system.database import Database
from tests.system.labs import Lab

pytestmark = pytest.mark.system


@pytest.fixture(scope="module", autouse=True)
def connections(airflow: AirflowBox, labs: dict[str, Lab], database: Database) -> None:
    """At least one token is stored in the database, whichever tests ran."""
    lab = labs["default"]
    airflow.api.call("POST", "/api/v2/connections", json={**lab.body, "connection_id": "cgc_stored"})
    assert CANARY in database.password("cgc_stored"), "this search could find nothing"


def test_no_file_has_a_token(airflow: AirflowBox) -> None:
    """Logs of tasks and components, settings, the database and its journal, bit by bit."""
    files = [path for path in airflow.home.rglob("*") if path.is_file()]

    leaks = [str(path.relative_to(airflow.home)) for path in files if CANARY.encode() in path.read_bytes()]

    assert len(files) > 10
    assert leaks == []


def test_no_table_has_a_token(database: Database) -> None:
    """XComs, rendered fields, event log, task state store, callbacks: every column of every row; `connection` too."""
    tables = database.tables()

    leaks = [(table, row[:500]) for table in tables for row in database.rows(table) if CANARY in row]

    assert {"connection", "xcom", "rendered_task_instance_fields", "log", "trigger"} <= set(tables)
    assert leaks == []


def test_no_trigger_had_a_token(stored_triggers: set[str]) -> None:
    """Their rows are deleted when a wait ends, so each scenario has kept what it saw."""
    if not stored_triggers:
        pytest.skip("no scenario that defers has run")

    assert not [row for row in stored_triggers if CANARY in row]
