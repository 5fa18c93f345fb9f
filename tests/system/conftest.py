"""One real Airflow for all tests here: API server, scheduler, Dag processor, triggerer; SQLite and LocalExecutor."""

from __future__ import annotations

import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dev.airflow_box import PARTS, AirflowBox
from dev.ports import free_port
from tests.conftest import ROOT
from tests.system.database import Database
from tests.system.labs import Lab
from tests.system.runs import mismatches

DAGS = Path(__file__).parent / "dags"
EXAMPLES = ROOT / "example_dags"
IN_ENVIRONMENT = ("default", "crowd", "reschedule", "deferred", "imports", "logs")
"""Platforms whose connection is an environment variable; those of the others are made by the test, in the database."""
IN_DATABASE = ("revoked", "rotated")
CANARY = f"canary{secrets.token_hex(12)}"
"""The beginning of every token, so that a leak is found wherever it is."""

PLACES = {"test_cancelled_waits.py": -1, "test_two_triggerers.py": -1, "test_secrets.py": 1}
"""The order in which the modules run: 0 if it does not matter."""

MISMATCHES: pytest.StashKey[dict[str, int]] = pytest.StashKey()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Look for leaks last, when everything else has had its chance; before all, the stories with their own Airflow."""
    places = {Path(__file__).with_name(name): place for name, place in PLACES.items()}
    items.sort(key=lambda item: places.get(item.path, 0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Report the tries that Airflow's own race has failed: a fact about Airflow, not a fault of the provider."""
    counted = config.stash.get(MISMATCHES, None)
    if counted is not None:
        told = ", ".join(f"{count} in {dag_id}" for dag_id, count in sorted(counted.items())) or "none"
        terminalreporter.write_line(f"Tries that Airflow failed by a state mismatch: {told}")


@pytest.fixture(scope="session", autouse=True)
def ended_by_signals() -> Iterator[None]:
    """End Airflow also when the tests are ended from outside: SIGTERM and SIGHUP are taken like Ctrl-C."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Lab]]:
    """A platform for each scenario, by name."""
    folder = tmp_path_factory.mktemp("platforms")
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(Lab(name, folder=folder, token=f"{CANARY}{name}"))
            for name in (*IN_ENVIRONMENT, *IN_DATABASE)
        }


@pytest.fixture(scope="session")
def airflow(
    request: pytest.FixtureRequest, labs: dict[str, Lab], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AirflowBox]:
    """A healthy Airflow with the Dags of this folder and the examples."""
    dags = tmp_path_factory.mktemp("dags")
    for path in (*DAGS.glob("*.py"), *EXAMPLES.glob("*.py")):
        shutil.copy(path, dags)
    env = {f"AIRFLOW_CONN_{labs[name].conn_id.upper()}": labs[name].airflow_conn for name in IN_ENVIRONMENT}
    env |= {
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        # The files do not change: two cores have better things to do than to parse them every half minute.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
    }
    home = tmp_path_factory.mktemp("airflow")
    # Not 8080: whoever looks for an Airflow there looks for another one.
    with AirflowBox(home, dags_folder=dags, env=env, components=PARTS, port=free_port()) as box:
        box.wait_healthy()
        yield box
        note_mismatches(request.config, box)


def note_mismatches(config: pytest.Config, airflow: AirflowBox) -> None:
    """Count the tries that this Airflow has failed by its own race, for the summary."""
    counted = config.stash.setdefault(MISMATCHES, {})
    for (dag_id, _, _), count in mismatches(airflow).items():
        counted[dag_id] = counted.get(dag_id, 0) + count


@pytest.fixture(scope="session")
def database(airflow: AirflowBox) -> Database:
    """That Airflow's database."""
    return Database(airflow.home)


@pytest.fixture(scope="session")
def stored_triggers(database: Database) -> set[str]:
    """Every trigger that was ever seen stored, in plain text; scenarios that defer add what they see."""
    return set()
