"""Real Airflow without a scheduler: a migrated database and `dag.test()`."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from airflow import __version__

from airflow_provider_cgc.emulator import CgcEmulator
from dev.tools import tool
from tests.conftest import DAGS, ROOT

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def database() -> None:
    """Migrate Airflow's database, in the one process that runs all tests of this folder."""
    airflow = tool("airflow")
    subprocess.run([airflow, "db", "migrate"], check=True, capture_output=True, timeout=300)


@pytest.fixture(scope="session", autouse=True)
def dag_test_like_a_worker() -> Iterator[None]:
    """Mend `dag.test()` of Airflow 3 where it is slower than a worker, or gives a task less than a worker does."""
    if importlib.util.find_spec("airflow.sdk") is None:  # Airflow 2.11 runs the task as its worker does
        yield
        return
    from airflow.sdk.api.client import TaskInstanceOperations
    from airflow.sdk.execution_time import supervisor, task_runner

    first_poke, finalize = TaskInstanceOperations.get_reschedule_start_date, task_runner.finalize

    def parsed_first_poke(self: Any, *args: Any, **kwargs: Any) -> Any:
        answer = first_poke(self, *args, **kwargs)
        return type(answer).model_validate(answer.model_dump())

    def finalize_with_error(ti: Any, state: Any, context: Any, log: Any, error: BaseException | None = None) -> None:
        context.setdefault("exception", error)
        finalize(ti, state, context, log, error)

    with pytest.MonkeyPatch.context() as patch:
        # All versions: whenever a task starts, at each rescheduled poke too, it builds the API that the task talks to,
        # with every version of every route; 1 to 3 s of CPU.
        patch.setattr(supervisor, "in_process_api_server", functools.cache(supervisor.in_process_api_server))
        # 3.0: the date is a string until it has been on its way to another process; a sensor cannot reckon with it.
        patch.setattr(TaskInstanceOperations, "get_reschedule_start_date", parsed_first_poke)
        # 3.0 and 3.1: a failure callback that asks for the exception gets a KeyError.
        patch.setattr(task_runner, "finalize", finalize_with_error)
        yield


@pytest.fixture
def emulator() -> Iterator[CgcEmulator]:
    """A CGC whose hours are seconds."""
    with CgcEmulator(speed=60) as emulator:
        yield emulator


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Make an Airflow connection to an emulator and give its id."""

    def make(emulator: CgcEmulator, conn_id: str = "cgc_default") -> str:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", emulator.airflow_conn)
        return conn_id

    return make


@pytest.fixture
def load_dags(database: None) -> Callable[[str], ModuleType]:
    """Give `load_dag_file`, with the database that a run needs."""
    return load_dag_file


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send events at once: without a scheduler there is no race that the grace would be for."""
    from airflow_provider_cgc.sensors.base import CgcJobsSensor

    monkeypatch.setattr(CgcJobsSensor, "event_grace", 0.0)


def xcoms(dag_id: str, run_id: str) -> dict[tuple[str, int, str], Any]:
    """Give all XComs of a run by task id, map index and key."""
    from airflow.utils.session import create_session

    try:
        from airflow.models.xcom import XComModel
    except ImportError:  # Airflow 2.11, where a row is deserialized as it is read
        from airflow.models.xcom import XCom

        with create_session() as session:
            rows = session.query(XCom).filter_by(dag_id=dag_id, run_id=run_id).all()
            return {(row.task_id, row.map_index, row.key): row.value for row in rows}
    with create_session() as session:
        rows = session.query(XComModel).filter_by(dag_id=dag_id, run_id=run_id).all()
        return {(row.task_id, row.map_index, row.key): XComModel.deserialize_value(row) for row in rows}


def load_dag_file(name: str, source: str | None = None) -> ModuleType:
    """
    Import one Dag file from the Dags folder, where `dag.test()` wants it to be: an example, one of ours, or `source`.

    The folder holds nothing else then: `dag.test()` reads all of it.
    """
    if source is None:
        paths = [folder / f"{name}.py" for folder in (HERE / "dags", ROOT / "example_dags")]
        source = next(path for path in paths if path.exists()).read_text()
    for old in DAGS.glob("*.py"):
        old.unlink()
    path = DAGS / f"{name}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    if __version__.startswith("3.1."):  # whose `dag.test()` stores only the first Dag of a name
        from airflow.dag_processing.bundles.manager import DagBundlesManager
        from airflow.models.dagbag import BundleDagBag, sync_bag_to_db

        DagBundlesManager().sync_bundles_to_db()
        sync_bag_to_db(BundleDagBag(dag_folder=DAGS, bundle_path=DAGS), "dags-folder", None)
    return module


def has_task_state_store() -> bool:
    """Tell if this Airflow remembers from one rescheduled poke to the next (3.3+)."""
    return importlib.util.find_spec("airflow.sdk") is not None and hasattr(
        importlib.import_module("airflow.sdk.execution_time.context"), "TaskStateStoreAccessor"
    )
