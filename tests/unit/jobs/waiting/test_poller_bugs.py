"""A bug reaches every waiter with its place, and the poller serves on."""

from __future__ import annotations

import asyncio
import traceback

import pytest

from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.waiting.poller import Poller
from airflow_provider_cgc.jobs.waiting.sharing import Threads
from tests.fakes.polling import INTERVAL, failing, wait


def test_bug_reaches_the_waiter(time):
    platform = failing(time, ZeroDivisionError("a bug"))

    with pytest.raises(ZeroDivisionError, match="a bug"):
        time.run(wait(platform, ["a"]))


def test_bug_shows_its_place(time):
    """A bug shows where it happened, however many waiters meet it."""
    platform = failing(time, ZeroDivisionError("a bug"))

    async def main():
        return await asyncio.gather(*(wait(platform, ["a"]) for _ in range(200)), return_exceptions=True)

    bugs = time.run(main())

    assert all(isinstance(bug, ZeroDivisionError) for bug in bugs)
    lines = traceback.format_exception(bugs[-1])
    assert "in answer" in "".join(lines)
    assert len(lines) < 30


def test_planner_bug_reaches_all(platform, monkeypatch):
    def broken(self, now):
        raise ZeroDivisionError

    monkeypatch.setattr(Poller, "_send_what_is_due", broken)

    async def main():
        return await asyncio.gather(
            wait(platform, ["a"], limit=60), wait(platform, ["b"], limit=60), return_exceptions=True
        )

    assert [type(result) for result in platform.time.run(main())] == [ZeroDivisionError] * 2


def test_served_after_a_bug(platform, monkeypatch):
    plan, calls = Poller._send_what_is_due, []

    def broken_once(self, now):
        calls.append(now)
        if len(calls) == 1:
            raise ZeroDivisionError
        return plan(self, now)

    monkeypatch.setattr(Poller, "_send_what_is_due", broken_once)
    platform.end(["b"], after=0)

    async def main():
        poller = Poller(EXPORT, platform.connect, threads=Threads(), clock=platform.time.clock)
        first = poller.join(["a"], interval=INTERVAL, first_look=0.0)
        with pytest.raises(ZeroDivisionError):
            await first.news(timeout=10)
        second = poller.join(["b"], interval=INTERVAL, first_look=0.0)
        news = await second.news(timeout=10)
        poller.close()
        return news

    news = platform.time.run(main())

    assert "b" in {record.id for record in news.records}
