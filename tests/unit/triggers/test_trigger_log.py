"""The lines of a wait in the triggerer: few, and in the log of its own task."""

from __future__ import annotations

import asyncio
import contextvars
from types import SimpleNamespace

from airflow_provider_cgc.client.models import JobState
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger
from dev.virtual_time import START
from tests.fakes.errors import MAINTENANCE
from tests.fakes.platform import some_ids
from tests.unit.triggers.tasks_trigger import HOUR, events_of


def test_six_hours_in_20_lines(platform, wait, row, records):
    ids = some_ids(300)
    for number, job_id in enumerate(ids):
        state = JobState.FAILED if number == 200 else JobState.COMPLETED
        platform.end([job_id], after=6 * HOUR * (number + 1) / 300, state=state)

    event, at = wait(row(ids))

    assert event.outcome is Outcome.FAILED
    assert 6 * HOUR <= at <= 6 * HOUR + 61
    assert 10 <= len(records()) <= 20
    assert {record.threadName for record in records()} == {"MainThread"}


def test_trouble_is_said_once(platform, time, wait, row, lines):
    """Trouble is said once, and so is its end."""
    platform.end(["a"], after=0)
    platform.fault = lambda number, ids: MAINTENANCE if time.clock() < START + 1000 else None

    wait(row(["a"]))

    trouble, recovered = lines()[:2]
    assert "in maintenance" in trouble
    assert "This task asks with connection 'cgc_default'. The jobs are not affected; looking again in" in trouble
    assert recovered.startswith("The platform answers again after")


def test_waits_speak_for_themselves(platform, time, row, monkeypatch):
    """Airflow routes a line to the log of the task in whose context it is written."""
    whose = contextvars.ContextVar("whose", default="nobody's")
    said = []

    def note(line, *arguments):
        said.append((whose.get(), (line % arguments).split()[0]))

    monkeypatch.setattr(CgcJobsTrigger, "log", SimpleNamespace(info=note, warning=note), raising=False)
    platform.end(some_ids(3, "one") + some_ids(7, "two"), after=30 * 60)

    async def task(name, ids):
        whose.set(name)
        await events_of(CgcJobsTrigger(**row(ids)))

    async def main():
        await asyncio.gather(task("first", some_ids(3, "one")), task("second", some_ids(7, "two")))

    time.run(main())

    assert set(said) == {("first", "3"), ("second", "7")}


def test_kill_tells_the_outlook(time, row, lines):
    time.run(CgcJobsTrigger(**row(["a"])).on_kill())

    assert len(lines()) == 1
    assert "None of its exports was cancelled" in lines()[0]
