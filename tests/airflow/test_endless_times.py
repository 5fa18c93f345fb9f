"""A time without an end is waited for like any other, in every mode: what was started is never lost to a date."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.conftest import load_dag_file
from tests.airflow.rows import MODES

ENDLESS = (
    "timeout=timedelta.max",
    "timeout=1e18",
    "timeout=float('inf')",
    "execution_timeout=timedelta.max",
)
SOURCE = """
from datetime import datetime, timedelta
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_cgc.operators.exports import CgcBulkExportOperator

MODES = {modes!r}
ENDLESS = [{endless}]
with DAG("endless", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
    for number, times in enumerate(ENDLESS):
        for mode, how in MODES.items():
            CgcBulkExportOperator(
                task_id=f"{{mode}}_{{number}}", items=[{file!r}], volume="demo-lab/results", copy_only=True,
                location=f"{{mode}}/{{number}}/{{{{name}}}}", retries=0, poke_interval=0.3,
                manifest_path=f"{manifests}/{{mode}}_{{number}}.jsonl", **how, **times,
            )
"""


@pytest.fixture(scope="module")
def states(database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The end of each task."""
    from airflow_provider_cgc.sensors.base import CgcJobsSensor

    with CgcEmulator(speed=600, files=1) as emulator, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_CGC_DEFAULT", emulator.airflow_conn)
        patch.setattr(CgcJobsSensor, "event_grace", 0.0)
        endless = ", ".join(f"dict({times})" for times in ENDLESS)
        manifests = tmp_path_factory.mktemp("manifests").as_uri()
        source = SOURCE.format(modes=MODES, endless=endless, file=emulator.file_ids[0], manifests=manifests)
        run = load_dag_file("endless", source).dag.test()
        yield {ti.task_id: str(ti.state) for ti in run.get_task_instances()}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("number", range(len(ENDLESS)), ids=ENDLESS)
def test_no_end_ends_no_task(states: dict[str, str], number: int, mode: str) -> None:
    """A time without end ends no task."""
    assert states[f"{mode}_{number}"] == "success"
