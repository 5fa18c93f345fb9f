"""A wait that another triggerer takes up ends as if it had never been stopped."""

from __future__ import annotations

import asyncio
import json

import pytest

from airflow_provider_cgc.client.models import JobState
from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger
from dev.virtual_time import START
from tests.fakes.platform import some_ids
from tests.unit.triggers.tasks_trigger import HOUR, events_of


@pytest.mark.parametrize("stopped_at", [0.0, 30.0, 61.0, 1000.0, HOUR + 30, 2 * HOUR])
def test_ends_the_same_elsewhere(platform, time, row, stopped_at):
    ids = some_ids(120)
    stored = row(ids)
    platform.end(ids[:50], after=900)
    platform.end(ids[50:60], after=HOUR, state=JobState.FAILED)
    platform.end(ids[60:119], after=2 * HOUR + 600)
    platform.refuse(ids[119:])

    async def interrupted():
        trigger = CgcJobsTrigger(**stored)
        first = asyncio.create_task(events_of(trigger))
        await asyncio.sleep(stopped_at)
        first.cancel()
        await asyncio.sleep(90)
        _, arguments = json.loads(json.dumps(trigger.serialize()))
        return await events_of(CgcJobsTrigger(**arguments))

    (event,) = time.run(interrupted())

    summary = event.payload["summary"]
    assert event.payload["outcome"] == "failed"
    assert [summary[name] for name in ("total", "completed", "failed", "missing")] == [120, 109, 10, 1]
    assert {item["id"] for item in summary["failed_items"]} == {*ids[50:60], ids[119]}
    assert 2 * HOUR + 600 <= time.clock() - START <= 2 * HOUR + 600 + 61


def test_deadline_stays(platform, time, row):
    stored = row(["a"], deadline=START + HOUR)

    async def interrupted():
        trigger = CgcJobsTrigger(**stored)
        for _ in range(5):
            running = asyncio.create_task(events_of(trigger))
            await asyncio.sleep(600)
            running.cancel()
            trigger = CgcJobsTrigger(**trigger.serialize()[1])
        return await events_of(trigger)

    (event,) = time.run(interrupted())

    assert event.payload["outcome"] == "timeout"
    assert HOUR <= time.clock() - START <= HOUR + 1


def test_overdue_looks_at_once(platform, time, wait, row):
    platform.end(["a"], after=0)

    _, at = wait(row(["a"], first_look=START - 1000, not_before=START - 1000))

    assert at <= 1


def test_cancel_leaves_nothing(platform, time, row):
    left = []

    async def main():
        running = asyncio.create_task(events_of(CgcJobsTrigger(**row(["a"]))))
        await asyncio.sleep(100)
        running.cancel()
        await asyncio.sleep(1)
        left.extend(asyncio.all_tasks() - {asyncio.current_task()})

    time.run(main())

    assert left == []
    assert [client.closed for client in platform.clients] == [1]
