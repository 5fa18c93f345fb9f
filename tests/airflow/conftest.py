"""Real Airflow without a scheduler: a migrated database and `dag.test()`."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.conftest import DAGS, ROOT

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def database() -> None:
    """Migrate Airflow's database once."""
    subprocess.run(
        [str(Path(sys.executable).with_name("airflow")), "db", "migrate"], check=True, capture_output=True, timeout=300
    )


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
    return module


def has_task_state_store() -> bool:
    """Whether this Airflow remembers from one rescheduled poke to the next (3.3+)."""
    return importlib.util.find_spec("airflow.sdk") is not None and hasattr(
        importlib.import_module("airflow.sdk.execution_time.context"), "TaskStateStoreAccessor"
    )
