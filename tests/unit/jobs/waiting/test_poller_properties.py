"""Rules for the poller, whoever comes and goes, and whenever jobs end."""

from __future__ import annotations

import asyncio
import functools
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cgc.client.endpoints.records import BULK_LIMIT
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.waiting.poller import GATHER, Poller
from airflow_provider_cgc.jobs.waiting.sharing import shared_poller
from dev.virtual_time import VirtualTime
from tests.fakes.errors import DROPPED
from tests.fakes.platform import FakePlatform, some_ids

SLACK = 1.0
"""Seconds by which a look may be late."""
ROUNDING = 1e-3
"""Seconds; a float has room for half a microsecond beside an epoch."""
IDS = some_ids(130)


@dataclass
class Visitor:
    """One waiter: when it comes, for what, how often it looks, and when it has had enough."""

    comes: float
    ids: list[str]
    interval: float
    stays: float
    heard: dict[str, float] = field(default_factory=dict)

    async def wait(self, platform):
        clock = platform.time.clock
        await asyncio.sleep(self.comes)
        until = clock() + self.stays
        make = functools.partial(Poller, EXPORT, platform.connect, clock=clock)
        with shared_poller("it", EXPORT, lambda threads: make(threads=threads)) as poller:
            waiter = poller.join(self.ids, interval=self.interval, first_look=clock())
            while len(self.heard) < len(self.ids) and clock() < until:
                news = await waiter.news(timeout=until - clock())
                for record in news.records if news else ():
                    if record.resource.done:
                        self.heard.setdefault(record.id, clock() - platform.time.start)
            poller.leave(waiter)
        self.left = clock() - platform.time.start

    def waits_for(self, job_id, at):
        return job_id in self.ids and self.comes <= at <= self.left and at <= self.heard.get(job_id, self.left)


slices = st.tuples(st.integers(0, 129), st.integers(1, 130)).map(lambda cut: IDS[cut[0] : cut[0] + cut[1]])
visitors = st.lists(
    st.builds(
        Visitor,
        comes=st.floats(0, 400),
        ids=slices,
        interval=st.sampled_from([10.0, 30.0, 60.0]),
        stays=st.floats(5, 600),
    ),
    min_size=1,
    max_size=6,
)
ends = st.dictionaries(st.sampled_from(IDS), st.floats(0, 500), max_size=60)
latencies = st.sampled_from([0.0, 0.05, 0.5])


def play(visitors, ends, latency, fault=lambda number, ids: None):
    platform = FakePlatform(VirtualTime(), latency=lambda ids: latency, fault=fault)
    for job_id, after in ends.items():
        platform.end([job_id], after)

    async def main():
        await asyncio.gather(*(visitor.wait(platform) for visitor in visitors))

    platform.time.run(main())
    return platform


@settings(max_examples=settings.default.max_examples // 4)  # each example plays hours of virtual time
@given(visitors=visitors, ends=ends, latency=latencies)
def test_looked_at_until_the_end(visitors, ends, latency):
    """Every id is looked at in time, and never after its end."""
    platform = play(visitors, ends, latency)

    answers_after = latency + GATHER
    for visitor in visitors:
        for job_id in visitor.ids:
            looks = [
                visitor.comes,
                *(at for at in platform.asked(job_id) if visitor.waits_for(job_id, at)),
                visitor.left,
            ]
            if job_id in visitor.heard:
                looks[-1] = visitor.heard[job_id]
            gaps = [later - earlier for earlier, later in pairwise(looks)]
            assert max(gaps) <= visitor.interval + answers_after + SLACK
    for job_id, end in ends.items():
        too_late = [at for at in platform.asked(job_id) if at >= end + ROUNDING]
        spells = _times_somebody_came_anew(visitors, job_id, end + latency)
        assert len(too_late) <= 1 + spells
    assert all(0 < len(request.ids) <= BULK_LIMIT for request in platform.requests)
    assert all(len(set(request.ids)) == len(request.ids) for request in platform.requests)


def _times_somebody_came_anew(visitors, job_id, after):
    """A visitor who comes after a job's end has not heard of it: one look more for each."""
    return sum(1 for visitor in visitors if job_id in visitor.ids and visitor.comes >= after - SLACK)


@settings(max_examples=settings.default.max_examples // 4)  # each example plays hours of virtual time
@given(visitors=visitors, ends=ends, latency=latencies)
def test_all_hear_within_interval(visitors, ends, latency):
    """Everybody who stays hears of every end within an interval."""
    play(visitors, ends, latency)

    for visitor in visitors:
        for job_id in visitor.ids:
            end = max(ends.get(job_id, float("inf")), visitor.comes)
            latest = end + visitor.interval + 2 * latency + SLACK
            if latest < visitor.left:
                assert end - ROUNDING <= visitor.heard[job_id] <= latest


@settings(max_examples=settings.default.max_examples // 4)  # each example plays hours of virtual time
@given(visitors=visitors, ends=ends, faults=st.sets(st.integers(0, 30), max_size=8))
def test_dropped_lines_lose_none(visitors, ends, faults):
    for visitor in visitors:
        visitor.stays = 2000.0

    play(visitors, ends, 0.05, fault=lambda number, ids: DROPPED if number in faults else None)

    for visitor in visitors:
        assert set(visitor.heard) == set(visitor.ids) & set(ends)
