"""One connection for all waiters: read in time, read again after a refusal, and kept while it cannot be read."""

from __future__ import annotations

import asyncio

import pytest

from airflow_provider_cgc.client.errors import CgcSettingsError
from tests.fakes.errors import DROPPED, TOKEN
from tests.fakes.platform import FakePlatform, some_ids
from tests.fakes.polling import ended, wait


def test_read_once_for_all(platform):
    async def main():
        await asyncio.gather(*(wait(platform, some_ids(100, f"w{n}x"), limit=300) for n in range(20)))

    platform.time.run(main())

    assert platform.connects == 1


def test_read_again_in_10_minutes(platform):
    platform.time.run(wait(platform, ["a"], limit=3600))

    assert platform.connects == 6
    assert [client.closed for client in platform.clients] == [1] * 6


def test_later_looks_use_the_new(platform):
    platform.time.run(wait(platform, ["a"], limit=800))

    clients = [request.client for request in platform.requests]
    assert clients[0] is platform.clients[0]
    assert clients[-1] is platform.clients[1]


@pytest.mark.parametrize("fault", [DROPPED, RuntimeError("Airflow's own database is away")], ids=["error", "bug"])
def test_old_one_serves_on(platform, fault):
    """The old connection serves on if it cannot be read again."""
    platform.connect_fault = lambda number: fault if number > 0 else None

    letters = platform.time.run(wait(platform, ["a"], limit=3600))

    assert platform.connects > 1
    assert {request.client for request in platform.requests} == {platform.clients[0]}
    assert all(news.error is None for _, news in letters)


def test_refused_token_is_reread(time):
    platform = FakePlatform(time, fault=lambda number, ids: TOKEN if number == 0 else None)
    platform.end(["a"], after=0)

    letters = time.run(wait(platform, ["a"]))

    assert platform.connects == 2
    assert [news.error for _, news in letters] == [None]
    assert [client.closed for client in platform.clients] == [1, 1]


def test_refused_again_is_lost(time):
    platform = FakePlatform(time, fault=lambda number, ids: TOKEN)

    letters = time.run(wait(platform, ["a"], limit=30))

    assert (platform.connects, len(platform.requests)) == (2, 2)
    assert [(news.error, news.hopeless) for _, news in letters] == [(TOKEN, True)]


def test_many_refusals_one_read(time):
    """A token refused to many requests at once is read once more for all."""
    platform = FakePlatform(time, latency=lambda ids: 1.0)
    platform.fault = lambda number, ids: TOKEN if number < 8 else None
    ids = some_ids(800)
    platform.end(ids, after=0)

    letters = time.run(wait(platform, ids))

    assert platform.connects == 2
    assert ended(letters) == set(ids)


def test_read_after_a_failed_read(time):
    """Two requests are refused; the first's new connection fails before the second's refusal arrives."""
    platform = FakePlatform(time, latency=lambda ids: 1.0 if "job00000" in ids else 1.3)
    platform.fault = lambda number, ids: TOKEN if number < 2 else None
    platform.connect_fault = lambda number: DROPPED if number == 1 else None
    ids = some_ids(200)
    platform.end(ids, after=0)

    letters = time.run(wait(platform, ids))

    assert ended(letters) == set(ids)
    assert [news.error for _, news in letters if news.error] == [DROPPED]


def test_unreadable_is_an_error(platform):
    refusal = CgcSettingsError("password", "there is no token in the connection")
    platform.connect_fault = lambda number: refusal

    letters = platform.time.run(wait(platform, ["a"], limit=30))

    assert [(news.error, news.hopeless) for _, news in letters] == [(refusal, True)]
    assert platform.requests == []


def test_unreadable_comes_later(platform):
    platform.connect_fault = lambda number: DROPPED if number < 3 else None
    platform.end(["a"], after=0)

    letters = platform.time.run(wait(platform, ["a"]))

    assert platform.connects == 4
    assert ended(letters) == {"a"}


def test_bug_in_reading_arrives(platform):
    platform.connect_fault = lambda number: KeyError("host")

    with pytest.raises(KeyError, match="host"):
        platform.time.run(wait(platform, ["a"]))


def test_cancel_spares_the_lookup(platform):
    connect = platform.connect
    platform.end(["a", "b"], after=0)

    async def slowly():
        await asyncio.sleep(5)
        return await connect()

    platform.connect = slowly

    async def main():
        first = asyncio.create_task(wait(platform, ["a"]))
        second = asyncio.create_task(wait(platform, ["b"]))
        await asyncio.sleep(2)
        first.cancel()
        return await second

    assert ended(platform.time.run(main())) == {"b"}
    assert platform.connects == 1
