"""Whoever leaves is asked for no more, and the last one to leave closes everything."""

from __future__ import annotations

import asyncio
import threading

from airflow_provider_cgc.jobs.kinds import EXPORT, IMPORT
from airflow_provider_cgc.jobs.waiting.look import THREADS
from tests.fakes.platform import UNKNOWN, FakePlatform, some_ids
from tests.fakes.polling import INTERVAL, ended, sharing, wait


def poller_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("cgc-poller")]


def test_last_one_out_closes(platform):
    platform.end(["a"], after=0)

    platform.time.run(wait(platform, ["a"]))

    assert [client.closed for client in platform.clients] == [1]
    _join_threads()
    assert poller_threads() == []


def test_goes_on_for_the_rest(platform):
    platform.end(["a"], after=0)
    platform.end(["b"], after=300)

    async def main():
        return await asyncio.gather(wait(platform, ["a"]), wait(platform, ["b"]))

    letters = platform.time.run(main())

    assert ended(letters[1]) == {"b"}
    assert (platform.connects, [client.closed for client in platform.clients]) == (1, [1])


def test_cancelled_asks_no_more(platform):
    """The ids of a cancelled waiter are asked no more, and the other waits on."""
    platform.end(["b"], after=600)

    async def main():
        first = asyncio.create_task(wait(platform, ["a", "both"]))
        second = asyncio.create_task(wait(platform, ["b", "both"], limit=900))
        await asyncio.sleep(100)
        first.cancel()
        return await second

    letters = platform.time.run(main())

    assert ended(letters) == {"b"}
    assert max(platform.asked("a")) < 100
    assert max(platform.asked("both")) > 800


def test_late_answer_is_dropped(time, caplog):
    platform = FakePlatform(time, latency=lambda ids: 30.0)

    async def main():
        await wait(platform, ["a"], limit=5)
        await asyncio.sleep(60)

    time.run(main())

    assert caplog.records == []
    _join_threads()
    assert poller_threads() == []


def test_threads_serve_all_kinds(time):
    """The kinds of one connection share their threads until the last one left."""
    exports, imports = (FakePlatform(time, kind=kind, latency=lambda ids: 5.0) for kind in (EXPORT, IMPORT))
    counts = []

    async def main():
        first = asyncio.create_task(wait(exports, some_ids(1000), limit=30))
        last = asyncio.create_task(wait(imports, some_ids(1000), limit=90))
        await asyncio.sleep(20)
        counts.append(len(poller_threads()))
        await first
        counts.append(len(poller_threads()))
        await last

    time.run(main())

    assert counts == [THREADS, THREADS]
    assert len(imports.requests) > 10
    _join_threads()
    assert poller_threads() == []


def test_unsent_stays_unsent(time):
    """The threads go on for imports; the exports that wait for a thread are nobody's any more."""
    exports, imports = (FakePlatform(time, kind=kind, latency=lambda ids: 30.0) for kind in (EXPORT, IMPORT))

    async def main():
        await asyncio.gather(wait(exports, some_ids(1000), limit=5), wait(imports, ["a"], limit=120))

    time.run(main())

    assert len(exports.requests) <= THREADS
    assert len(imports.requests) >= 2


def test_loop_is_left_clean(time):
    platform = FakePlatform(time, latency=lambda ids: 1.0)
    left = []

    async def main():
        await wait(platform, some_ids(300), limit=100)
        await asyncio.sleep(0)
        left.extend(asyncio.all_tasks() - {asyncio.current_task()})

    time.run(main())

    assert left == []


def test_newcomer_gets_a_poller(platform):
    platform.end(["a", "b"], after=0)

    async def main():
        await wait(platform, ["a"])
        return await wait(platform, ["b"])

    assert ended(platform.time.run(main())) == {"b"}
    assert platform.connects == 2


def test_nothing_makes_no_request(platform):
    async def main():
        with sharing(platform) as poller:
            waiter = poller.join([], interval=INTERVAL, first_look=0.0)
            assert await waiter.news(timeout=300) is None
            poller.leave(waiter)

    platform.time.run(main())

    assert platform.requests == []


def test_gone_ids_are_forgotten(time):
    """A poller lives as long as somebody waits, which may be months."""
    platform = FakePlatform(time, latency=lambda ids: 5.0)
    platform.refuse(some_ids(50, "gone"), UNKNOWN)
    platform.end(some_ids(50, "done"), after=0)
    left = {}

    async def main():
        with sharing(platform) as poller:
            stays = poller.join(["stays"], interval=INTERVAL, first_look=time.clock())
            for round_ in ("gone", "done"):
                waiter = poller.join(some_ids(50, round_), interval=INTERVAL, first_look=time.clock())
                await asyncio.sleep(2)
                poller.leave(waiter)
                await asyncio.sleep(100)
            sizes = {name: len(value) for name, value in vars(poller).items() if isinstance(value, (set, dict))}
            left.update(sizes)
            poller.leave(stays)

    time.run(main())

    assert {name: size for name, size in left.items() if size > 1 and name != "_tasks"} == {}


def _join_threads():
    """Let threads that were told to end do so."""
    patience = 100
    while poller_threads() and patience:
        poller_threads()[0].join(timeout=0.02)
        patience -= 1
