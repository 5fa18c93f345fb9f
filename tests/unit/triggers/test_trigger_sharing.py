"""Waits in one triggerer share their requests, and none holds up the others."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger
from tests.fakes.platform import some_ids
from tests.unit.triggers.tasks_trigger import HOUR, events_of


def test_waits_share_requests(platform, time, row):
    waits = [some_ids(2, f"w{number}x") for number in range(250)]
    for ids in waits:
        platform.end(ids, after=HOUR)

    async def main():
        return await asyncio.gather(*(events_of(CgcJobsTrigger(**row(ids))) for ids in waits))

    events = time.run(main())

    assert all(len(each) == 1 and each[0].payload["outcome"] == "completed" for each in events)
    sweeps = HOUR / 57
    assert len(platform.requests) <= 5 * (sweeps + 2)
    assert platform.connects <= 7


def test_cancelled_costs_nothing(platform, time, row):
    platform.end(["stays"], after=HOUR)

    async def main():
        gone = asyncio.create_task(events_of(CgcJobsTrigger(**row(["gone"]))))
        stays = asyncio.create_task(events_of(CgcJobsTrigger(**row(["stays"]))))
        await asyncio.sleep(200)
        gone.cancel()
        await stays

    time.run(main())

    assert 0 < max(platform.asked("gone")) < 200


def test_loop_is_never_blocked(platform, time, row):
    """The platform takes seconds to answer, in threads; a heartbeat on the loop keeps its beat."""
    platform.latency = lambda ids: 7.0
    platform.end(some_ids(300), after=600)
    beats = []

    async def heart():
        while True:
            await asyncio.sleep(1)
            beats.append(time.clock())

    async def main():
        beating = asyncio.create_task(heart())
        await events_of(CgcJobsTrigger(**row(some_ids(300))))
        beating.cancel()

    time.run(main())

    assert len(beats) >= 590
    assert max(later - earlier for earlier, later in pairwise(beats)) <= 1.01
    assert all(request.thread.startswith("cgc-poller") for request in platform.requests)
