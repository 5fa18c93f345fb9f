"""Waits at a shared poller, as triggers wait, with a made-up platform behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from airflow_provider_cgc.jobs.waiting.poller import Poller
from airflow_provider_cgc.jobs.waiting.sharing import shared_poller
from airflow_provider_cgc.jobs.waiting.waiter import News
from dev.virtual_time import VirtualTime
from tests.fakes.platform import FakePlatform

INTERVAL = 60.0


def sharing(platform: FakePlatform, key: str = "cgc_default", **how: Any) -> AbstractContextManager[Poller]:
    def make(threads: Any) -> Poller:
        return Poller(platform.kind, platform.connect, threads=threads, clock=platform.time.clock, **how)

    return shared_poller(key, platform.kind, make)


async def wait(
    platform: FakePlatform,
    ids: Sequence[str],
    *,
    interval: float = INTERVAL,
    first_look: float = 0.0,
    limit: float = 86_400.0,
    answered: bool = False,
) -> list[tuple[float, News]]:
    """Wait until all `ids` have ended or `limit` seconds are over, as a trigger does; give the news."""
    clock = platform.time.clock
    until = clock() + limit
    letters: list[tuple[float, News]] = []
    open_ids = set(ids)
    with sharing(platform) as poller:
        waiter = poller.join(ids, interval=interval, first_look=clock() + first_look, answered=answered)
        try:
            while open_ids and clock() < until:
                news = await waiter.news(timeout=until - clock())
                if news is not None:
                    letters.append((clock() - platform.time.start, news))
                    open_ids -= ended(letters[-1:])
        finally:
            poller.leave(waiter)
    return letters


def ended(letters: Iterable[tuple[float, News]]) -> set[str]:
    return {record.id for _, news in letters for record in news.records if record.resource and record.resource.done}


def failing(time: VirtualTime, error: BaseException, times: int = 10**9) -> FakePlatform:
    """Return a platform that answers the first requests with an error."""
    return FakePlatform(time, fault=lambda number, ids: error if number < times else None)
