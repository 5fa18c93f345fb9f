"""The effect of a Clear stands in the last snapshot in every mode: it goes through trigger, event and reschedules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.rows import MODES, play


@pytest.fixture
def emulator(database: None, connect: Callable[..., str]) -> Iterator[CgcEmulator]:
    """A CGC where days are minutes, and the second file fails."""
    with CgcEmulator(speed=600, rate_limit=10**6) as emulator:
        connect(emulator)
        emulator.fail_files(emulator.file_names[emulator.file_ids[1]], code=9109)
        yield emulator


@pytest.mark.parametrize("mode", MODES)
def test_told_in_each_mode(mode: str, emulator: CgcEmulator, tmp_path: Any) -> None:
    export = {
        "items": emulator.file_ids[:3],
        "volume": emulator.volume,
        "location": f"{mode}/{{id}}",
        "copy_only": True,
        "manifest_path": f"file://{tmp_path}/{mode}.jsonl",
    }

    [sender] = play({"task_id": f"export_{mode}", **export, **MODES[mode]})
    ids = [job.id for job in jobs_of(emulator)]
    [sensor] = play({"task_id": f"wait_{mode}", "export_ids": ids, **MODES[mode]})

    told = sender.xcoms["cgc_jobs"]["after_clear"]
    assert (told["sends"], told["running"]) == (1, False)
    assert told["text"].startswith("Clearing this task tries again the export that failed, and no others;")
    told = sensor.xcoms["cgc_jobs"]["after_clear"]
    assert (told["sends"], told["running"]) == (0, None)
    assert told["text"].endswith("with the same ones it fails again.")


def jobs_of(emulator: CgcEmulator) -> list[Any]:
    with emulator.world.open() as world:
        return list(world.exports.values())
