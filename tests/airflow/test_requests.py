"""The requests of a wait on real Airflow, counted by the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.conftest import has_task_state_store
from tests.airflow.rows import MODES, play

SPEED = 300
HALF_AN_INTERVAL = 0.5 * SPEED
"""Platform seconds; a request is noted a little after its answer was made, and a job may end in between."""


@pytest.fixture(scope="module")
def waits(database: None) -> Iterator[dict[str, CgcEmulator]]:
    """Three waits for 250 exports each that end one after the other, one wait a mode; the emulators that they asked."""
    emulators = {mode: CgcEmulator(files=250, speed=0) for mode in MODES}
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for mode, how in MODES.items():
            emulator = stack.enter_context(emulators[mode])
            patch.setenv(f"AIRFLOW_CONN_CGC_{mode.upper()}", emulator.airflow_conn)
            ids = emulator.submit_exports(emulator.file_ids)
            emulator.clock.speed = SPEED
            [ended] = play(
                {
                    "task_id": mode,
                    "export_ids": ids,
                    "cgc_conn_id": f"cgc_{mode}",
                    "timeout": 300,
                    "poke_interval": 1,
                    **how,
                }
            )
            assert ended.state == "success"
            assert ended.summary is not None
            assert ended.summary["completed"] == 250
        yield emulators


def asked(emulator: CgcEmulator) -> list[tuple[float, list[str]]]:
    """The ids that were asked for, with the times."""
    return [
        (request.wall, request.body["export_ids"]) for request in emulator.requests if request.path.endswith("/get")
    ]


@pytest.mark.parametrize("mode", MODES)
def test_three_for_250_ids(waits: dict[str, CgcEmulator], mode: str) -> None:
    """250 ids take three requests in the first sweep."""
    first = [ids for _, ids in asked(waits[mode])[:3]]

    assert sorted(map(len, first)) == [50, 100, 100]
    assert len(set(chain.from_iterable(first))) == 250


@pytest.mark.parametrize("mode", MODES)
def test_none_after_its_end(waits: dict[str, CgcEmulator], mode: str) -> None:
    """No id is asked for again after it was seen to have ended."""
    if mode == "reschedule" and not has_task_state_store():
        pytest.skip("reschedule mode has no memory before Airflow 3.3")
    emulator = waits[mode]
    with emulator.world.open() as world:
        ends = {job.id: job.ended for job in world.exports.values()}
    now, wall = emulator.clock.now(), emulator.clock.wall()

    late: dict[str, int] = {}
    for at, ids in asked(emulator):
        platform_time = now - (wall - at) * SPEED
        for job_id in ids:
            if platform_time > ends[job_id] + HALF_AN_INTERVAL:
                late[job_id] = late.get(job_id, 0) + 1

    assert late
    assert max(late.values()) == 1


@pytest.mark.parametrize("mode", MODES)
def test_nothing_else_is_asked(waits: dict[str, CgcEmulator], mode: str) -> None:
    assert set(waits[mode].stats()["requests"]) == {"POST /v2/bulk/storage/exports/get"}
