"""The ground of the matrix: a worker whose threads sleep side by side, an alarm, and a line that is told of."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from airflow_provider_cgc.client.errors import CgcError
from airflow_provider_cgc.compat import AirflowTaskTimeout
from airflow_provider_cgc.hooks.cgc import CgcHook
from tests.parity.kinds import KINDS
from tests.parity.scene import CONN_ID, NEXT_TOKEN, TOKEN, Scene, Stage, Time


@pytest.fixture
def scene(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(stage, monkeypatch, seed="a test of the scene", kind=KINDS["export"])


def in_a_thread(time: Time, work: Any) -> Any:
    """Run something where a worker's code runs."""

    async def main() -> Any:
        with ThreadPoolExecutor(1) as pool:
            return await asyncio.get_running_loop().run_in_executor(pool, work)

    with time.counts_pools():
        return time.run(main())


def test_threads_sleep_together() -> None:
    time = Time()

    def look() -> list[float]:
        def answer(seconds: float) -> float:
            time.sleep(seconds)
            return seconds

        with ThreadPoolExecutor(3) as pool:
            return list(pool.map(answer, [40.0, 60.0, 20.0]))

    answers = in_a_thread(time, look)

    assert answers == [40.0, 60.0, 20.0]
    assert time.clock() - time.start == pytest.approx(60)


def test_alarm_rings_in_a_sleep(scene: Scene) -> None:
    scene.alarm = scene.time.clock() + 100

    with pytest.raises(AirflowTaskTimeout):
        in_a_thread(scene.time, lambda: [scene.sleep(60), scene.sleep(60)])

    assert scene.time.clock() - scene.time.start == pytest.approx(100)


@pytest.mark.parametrize(("delay", "passes"), [(50, 50), (600, 60)])
def test_patience_bounds_answers(scene: Scene, delay: float, passes: float) -> None:
    """A slow answer takes as long as the client's patience at most."""
    scene.line.delays.append(delay)

    in_a_thread(scene.time, lambda: ask(["a"]))

    assert scene.time.clock() - scene.time.start == pytest.approx(passes)
    assert len(scene.line.troubles) == (delay > passes)


def test_line_tells_of_repeats(scene: Scene) -> None:
    """The line tells of an id that is asked for again."""
    (job_id,) = scene.emulator.submit_exports(scene.files[:1])
    scene.time.pass_by(600)

    in_a_thread(scene.time, lambda: [ask([job_id]), ask([job_id])])

    assert scene.line.asked_again == [job_id]


def test_line_tells_of_excess(scene: Scene) -> None:
    """The line tells of a request beyond the share."""
    scene.neighbour(850)
    process = scene.line.process

    def twice() -> None:
        ask(["a"])
        scene.new_process()
        scene.line.process = process
        ask(["a"])

    in_a_thread(scene.time, twice)

    assert scene.line.unbidden == [scene.time.start]


def test_line_tells_of_hurry(scene: Scene) -> None:
    """The line tells of a question before its time."""
    scene.emulator.fault("503", retry_after=60)

    def questions() -> None:
        for _ in range(3):
            ask(["a"])
            scene.sleep(40)

    in_a_thread(scene.time, questions)

    assert scene.line.early == [scene.time.start + 40]


def test_dead_process_is_silent(scene: Scene) -> None:
    scene.line.process.gone = True

    with pytest.raises(RuntimeError, match="is gone"):
        in_a_thread(scene.time, lambda: ask(["a"]))

    assert scene.emulator.requests == []


def test_renewing_takes_new_token(scene: Scene) -> None:
    """The connection has the token that is valid when it is renewed."""
    scene.emulator.set_token(NEXT_TOKEN)
    before = CgcHook(CONN_ID).settings.token
    scene.renew_connection()

    assert (before, CgcHook(CONN_ID).settings.token) == (TOKEN, NEXT_TOKEN)


def ask(ids: list[str]) -> None:
    """Ask once for exports, as a worker does."""
    with suppress(CgcError):  # what is looked at is the line
        CgcHook(CONN_ID).get_conn(patience=0).exports.bulk_get(ids)
