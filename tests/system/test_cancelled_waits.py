"""Twenty deferred waits that Airflow cancels while each message of theirs to Airflow is answered late.

From Airflow 3.0 to 3.2.1 a message that is cancelled under way ends the triggerer (`compat.uncancelled`), so that this
is played there: `make triggerer`.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from packaging.version import Version

from dev.airflow_box import PARTS, AirflowBox
from dev.airflow_settings import installed_version
from dev.ports import free_port
from tests.system.conftest import CANARY, DAGS, note_mismatches
from tests.system.database import Database
from tests.system.labs import Lab
from tests.system.runs import Run, wait_until

pytestmark = pytest.mark.system

DAG_ID = "system_cancelled_waits"
WAITS = 20
HAS_THE_FLAW = Version(installed_version() or "0") < Version("3.2.2")
ROUNDS, OF_THE_SAMPLE = (10, 2) if HAS_THE_FLAW else (1, 0)
NEVER = 3600
"""Seconds that an export takes; in this module the platform's clock moves only for those of 5."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The platform that all waits are for."""
    folder = tmp_path_factory.mktemp("platform")
    with Lab("cancelled_waits", folder=folder, token=f"{CANARY}cancelled_waits") as lab:
        yield lab


@pytest.fixture(scope="module")
def slow(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowBox]:
    """An Airflow whose triggerer is answered late, with the connection in its database."""
    dags, home = tmp_path_factory.mktemp("dags"), tmp_path_factory.mktemp("airflow")
    shutil.copy(DAGS / f"{DAG_ID}.py", dags)
    shutil.copytree(Path(__file__).with_name("plugins"), home / "plugins")
    env = {"AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600"}
    with AirflowBox(home, dags_folder=dags, env=env, components=PARTS, parallelism=8, port=free_port()) as box:
        box.wait_healthy()
        box.api.call("POST", "/api/v2/connections", json=lab.body)
        yield box
        note_mismatches(request.config, box)


@pytest.mark.parametrize(
    "number", [pytest.param(n, marks=[pytest.mark.whole] * (n >= OF_THE_SAMPLE)) for n in range(ROUNDS)]
)
def test_triggerer_outlives_them(slow: AirflowBox, lab: Lab, number: int) -> None:
    """A triggerer outlives the waits that are cancelled in it."""
    before = len(messages(slow))
    run = Run.start(slow, DAG_ID, {"batches": [[job_id] for job_id in lab.start_exports(WAITS, seconds=NEVER)]})
    wait_until(
        slow, lambda: list(run.states.values()).count("deferred") == WAITS, "all waits are deferred", runs=(run,)
    )
    wait_until(slow, lambda: len(messages(slow)) > before, "a message is answered", runs=(run,))

    failed_at = time.time()
    path = f"/api/v2/dags/{DAG_ID}/dagRuns/{quote(run.run_id)}"
    slow.api.call("PATCH", path, json={"state": "failed"}, params={"update_mask": "state"})

    further = Run.start(slow, DAG_ID, {"batches": [lab.start_exports(1, seconds=5)]})
    lab.pass_time(10)
    wait_until(slow, further.has_ended, "the end of a further wait", runs=(further,))
    wait_until(slow, lambda: heartbeat(slow) > failed_at + 5, "another heartbeat of the triggerer", runs=(further,))
    wait_until(slow, lambda: not [*Database(slow.home).all_triggers()], "no trigger is stored any more", runs=(run,))
    assert set(further.states.values()) == {"success"}
    # Each wait reads and writes once: they had not all had their turn, so that a message was under way or next in line.
    assert len(messages(slow)) - before < 2 * WAITS


def messages(airflow: AirflowBox) -> list[float]:
    """The times at which the triggerer's messages about XComs were answered."""
    notes = airflow.home / "slow_messages"
    lines = notes.read_text().splitlines() if notes.exists() else []
    return [float(line.split()[0]) for line in lines]


def heartbeat(airflow: AirflowBox) -> float:
    """The time of the triggerer's last sign of life."""
    health = airflow.api.health() or {}
    told = health.get("triggerer", {}).get("latest_triggerer_heartbeat")
    return datetime.fromisoformat(told).timestamp() if told else 0.0
