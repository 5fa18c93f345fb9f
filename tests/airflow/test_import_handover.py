"""An import task that does not wait, and the sensor that takes what it returns, on real Airflow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.rows import MODES, Ended, play

LOCATIONS = ["in/s1/a.bam", "in/s1/b.bam", "in/s2/a.bam"]


@pytest.fixture
def start_and_wait(database: None, connect: Callable[..., str], tmp_path: Path) -> Callable[..., list[Ended]]:
    """Play both tasks; of the items one has no object if `one_missing`."""

    def run(
        how: dict[str, Any], *, manifest: bool = True, one_missing: bool = False, wait: bool = False
    ) -> list[Ended]:
        with CgcEmulator(speed=600) as emulator:
            connect(emulator)
            emulator.put_objects(LOCATIONS, volume="demo-lab/archive")
            start = {
                "task_id": "start",
                "operator": "import",
                "items": [*LOCATIONS, *(["in/none.bam"] if one_missing else [])],
                "volume": "demo-lab/archive",
                "project": "demo-lab/leftovers",
                "wait": wait,
                **({"manifest_path": f"file://{tmp_path}/imports.jsonl"} if manifest else {}),
            }
            after = {"task_id": "wait", "after": "start", "operator": "import_sensor", "timeout": 600, **how}
            return play(start, after)

    return run


@pytest.mark.parametrize("manifest", [True, False], ids=["manifest", "ids"])
@pytest.mark.parametrize("mode", MODES)
def test_imports_are_waited_for(start_and_wait: Callable[..., list[Ended]], mode: str, manifest: bool) -> None:
    started, waited = start_and_wait(MODES[mode], manifest=manifest)

    assert (started.state, waited.state) == ("success", "success"), waited.error
    assert isinstance(started.xcoms["return_value"], str if manifest else list)
    assert waited.summary is not None
    assert (waited.summary["total"], waited.summary["completed"]) == (3, 3)


@pytest.mark.parametrize("mode", MODES)
def test_failed_import_is_told(start_and_wait: Callable[..., list[Ended]], mode: str) -> None:
    _, waited = start_and_wait(MODES[mode], one_missing=True)

    assert (waited.state, waited.error[0]) == ("failed", "CgcJobsFailed")
    assert "in/none.bam" in waited.error[1]
    assert "9105" in waited.error[1]


def test_waited_already_is_told(start_and_wait: Callable[..., list[Ended]]) -> None:
    """A sensor that gets the files of an import that has waited says so."""
    _, waited = start_and_wait({}, wait=True, manifest=False)

    assert (waited.state, waited.error[0]) == ("failed", "CgcBadInput")
    assert "If a task has imported them, it has waited already" in waited.error[1]
