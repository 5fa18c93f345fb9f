"""The live snapshots that waits in the triggerer write: few, fair, and never at the cost of a wait."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from airflow_provider_cgc import compat
from airflow_provider_cgc.client.errors import CgcUnavailable
from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.jobs.waiting.clearing import Clearing
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger
from airflow_provider_cgc.triggers.snapshot_writer import BREATH, SPACING, TROUBLE
from dev.virtual_time import START
from tests.fakes.platform import some_ids
from tests.unit.triggers.tasks_trigger import event_of, trigger_of

DOWN = CgcUnavailable(Problem(502, None, "down"), status=502, call="POST /x")


class XComs:
    """Airflow's place for snapshots, with the time of each write."""

    def __init__(self, time: Any) -> None:
        self.time = time
        self.writes: list[tuple[float, str, str, Any]] = []
        self.values: dict[tuple[str, str], Any] = {}
        self.error: Exception | None = None
        self.takes = 0.0

    def write(self, address: dict[str, Any], key: str, value: Any) -> None:
        if self.takes:
            self.time.sleep(self.takes)
        if self.error is not None:
            raise self.error
        self.writes.append((self.time.clock(), address["task_id"], key, value))
        self.values[address["task_id"], key] = value

    def read(self, address: dict[str, Any], key: str) -> Any:
        return self.values.get((address["task_id"], key))

    def snapshots(self, task_id: str | None = None) -> list[tuple[float, Any]]:
        return [
            (at - START, value) for at, task, key, value in self.writes if key == "cgc_jobs" and task_id in (None, task)
        ]


@pytest.fixture
def xcoms(time, monkeypatch):
    xcoms = XComs(time)
    monkeypatch.setattr(compat, "write_view", xcoms.write)
    monkeypatch.setattr(compat, "read_view", xcoms.read)
    return xcoms


async def events_of(*triggers: CgcJobsTrigger) -> list[dict[str, Any]]:
    return list(await asyncio.gather(*(event_of(trigger) for trigger in triggers)))


def test_changes_show_once(time, platform, row, xcoms):
    platform.end(["a"], after=600)
    platform.end(["b"], after=7200)

    time.run(events_of(trigger_of(row(["a", "b"]))))

    shown = [(value["counts"]["completed"], value["counts"]["total"]) for _, value in xcoms.snapshots()]
    assert shown == [(0, 2), (1, 2)]


def test_event_carries_it_on(time, platform, row, xcoms):
    platform.end(["a"], after=600)

    [event] = time.run(events_of(trigger_of(row(["a"]))))

    assert event["outcome"] == Outcome.COMPLETED.value
    assert event["view"]["requests"] == len(platform.requests)
    assert event["view"]["history"]


def test_clear_is_told_anew(time, platform, row, xcoms):
    """The row has the facts, each snapshot its own words."""
    platform.end(["a"], after=600)
    platform.end(["b"], after=7200)
    facts = Clearing(sends=True, why="they are moved").to_json()

    time.run(events_of(trigger_of(row(["a", "b"], place={"clearing": facts}))))
    first, later = [value["after_clear"]["text"] for _, value in xcoms.snapshots()]

    assert first.startswith("Clearing this task sends nothing again; it takes over the 2 exports under way.")
    assert later.startswith("Clearing this task sends nothing again; it keeps the export that completed and takes over")


def test_goes_on_from_before(time, platform, row, xcoms):
    xcoms.values["wait", "cgc_jobs"] = {
        "version": 1, "since": START - 3600, "requests": 7, "history": [[0.0, 0, 0, 0, 1, 0]], "volume": "lab/results",
    }  # fmt: skip
    platform.end(["a"], after=600)

    time.run(events_of(trigger_of(row(["a"]))))

    _, shown = xcoms.snapshots()[0]
    assert shown["since"] == START - 3600
    assert shown["history"][0] == [0.0, 0, 0, 0, 1, 0]
    assert shown["requests"] > 7


def test_restart_shows_no_less(time, platform, row, xcoms):
    """
    The jobs on show do not become fewer when a triggerer starts again.

    The new one knows nothing of the jobs that have ended until its first sweep is whole, which takes a while.
    """
    ids = some_ids(1000)
    platform.end(ids[:900], after=30)
    platform.end(ids[900:], after=1200)
    platform.latency = lambda asked: ids.index(min(asked)) / 100
    stored = row(ids)

    async def restarted() -> None:
        first = asyncio.create_task(event_of(trigger_of(stored)))
        await asyncio.sleep(600)
        first.cancel()
        await event_of(trigger_of(stored))

    time.run(restarted())

    completed = [value["counts"]["completed"] for at, value in xcoms.snapshots() if at > 100]
    assert completed
    assert set(completed) == {900}


def test_silent_job_holds_briefly(time, platform, row, xcoms):
    """After a restart the snapshot waits for a silent job no longer than an interval."""
    ids = some_ids(200)
    platform.end(ids[:100], after=30)
    platform.fault = lambda number, asked: DOWN if ids[-1] in asked else None
    xcoms.values["wait", "cgc_jobs"] = {"version": 1, "since": START - 3600, "history": []}

    time.run(events_of(trigger_of(row(ids, deadline=START + 600))))

    assert [value["counts"]["completed"] for _, value in xcoms.snapshots()] == [100]


def test_early_is_written_soon(time, platform, row, xcoms, monkeypatch):
    """
    A snapshot that comes up a moment too early is written a moment later.

    The wall clock that a wait goes by is slower than the loop's, as when it is set right.
    """
    monkeypatch.setattr(CgcJobsTrigger, "clock", staticmethod(lambda: START + (time.clock() - START) * 0.9999))
    ids = some_ids(200)
    platform.latency = lambda asked: 4.0 if ids[-1] in asked else 0.0
    platform.end(ids, after=5000)

    time.run(events_of(trigger_of(row(ids, poke_interval=3600.0, first_look=START, deadline=START + 600))))

    assert [value["counts"]["running"] for _, value in xcoms.snapshots()] == [100, 200]


def test_five_writes_a_second(time, platform, row, xcoms):
    """Hundreds of waits write at most five times a second, and each has its turn."""
    ids = some_ids(300)
    for number, job_id in enumerate(ids):
        platform.end([job_id], after=1800 + number % 60)
    triggers = [trigger_of(row([job_id], first_look=START), f"wait_{number}") for number, job_id in enumerate(ids)]

    time.run(events_of(*triggers))

    moments = sorted(at for at, _ in xcoms.snapshots())
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert min(gaps) >= SPACING * 0.999
    assert {task for _, task, key, _ in xcoms.writes if key == "cgc_jobs"} == {f"wait_{n}" for n in range(300)}


def test_failure_is_said_once(time, platform, row, xcoms, caplog):
    """A failure to write is said once, and ends nothing."""
    xcoms.error = RuntimeError("the database is away")
    platform.end(["a"], after=600)
    platform.end(["b"], after=1200)
    trigger = trigger_of(row(["a", "b"]))
    lines: list[str] = []
    trigger._warn = lines.append

    [event] = time.run(events_of(trigger))

    assert event["outcome"] == Outcome.COMPLETED.value
    assert len(lines) == 1
    assert "the database is away" in lines[0]


def test_no_write_after_the_event(time, platform, row, xcoms):
    xcoms.takes = 5.0  # a slow database: the write is under way when the wait ends
    platform.end(["a"], after=61)
    ended: list[float] = []

    async def watch() -> None:
        await event_of(trigger_of(row(["a"], first_look=START + 58)))
        ended.append(time.clock())
        await asyncio.sleep(60)

    time.run(watch())

    assert all(at <= ended[0] for at, *_ in xcoms.writes)


def test_cancelled_writes_nothing(time, platform, row, xcoms):
    platform.end(["a"], after=7200)

    async def watch() -> None:
        task = asyncio.create_task(event_of(trigger_of(row(["a"], first_look=START))))
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.wait([task])
        await asyncio.sleep(600)

    time.run(watch())

    assert xcoms.writes == []


def test_no_task_shows_nothing(time, platform, row, xcoms):
    platform.end(["a"], after=600)

    time.run(events_of(CgcJobsTrigger(**row(["a"]))))

    assert xcoms.writes == []


def test_trigger_writes_links(time, platform, row, xcoms):
    """Links are written by the trigger if no worker has looked."""
    platform.end(["a"], after=600)
    place = {"web": "https://cgc.sbgenomics.com", "project": "lab/cptac3", "volume": "lab/results"}

    time.run(events_of(trigger_of(row(["a"], place=place))))

    links = {key: value for _, _, key, value in xcoms.writes if key.startswith("_link_")}
    assert links == {
        "_link_CgcProjectLink": "https://cgc.sbgenomics.com/u/lab/cptac3",
        "_link_CgcVolumeLink": "https://cgc.sbgenomics.com/v/lab/results",
    }


def test_untaken_is_written_later(time, platform, row, xcoms):
    platform.end(["a"], after=600)
    xcoms.error = RuntimeError("database is locked")

    async def comes_back() -> None:
        await asyncio.sleep(300)
        xcoms.error = None

    async def both() -> None:
        await asyncio.gather(comes_back(), event_of(trigger_of(row(["a"], poke_interval=900))))

    time.run(both())

    assert xcoms.snapshots(), "nothing was new after the database had come back, and it is shown all the same"


def test_failing_database_rests(time, platform, row, xcoms, monkeypatch):
    """Each try of each of seventy waits keeps a locked database locked for longer."""
    rows = [row([job_id]) for job_id in some_ids(70)]
    platform.end(some_ids(70), after=3600)
    tried: list[float] = []

    def locked(*_: Any) -> None:
        tried.append(time.clock() - START)
        raise RuntimeError("database is locked")

    monkeypatch.setattr(compat, "write_view", locked)

    time.run(events_of(*(trigger_of(one) for one in rows)))

    pauses = [later - earlier for earlier, later in itertools.pairwise(tried)]
    assert len(tried) < 3600 / TROUBLE + 70
    assert min(pauses) >= TROUBLE


def test_slow_database_has_less(time, platform, row, xcoms):
    rows = [row([job_id]) for job_id in some_ids(70)]
    platform.end(some_ids(70), after=600)
    xcoms.takes = 1.0

    time.run(events_of(*(trigger_of(one) for one in rows)))

    at = [at for at, _ in xcoms.snapshots()]
    assert all(later - earlier >= 1.0 + BREATH for earlier, later in itertools.pairwise(at))
