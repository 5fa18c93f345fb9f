"""Messages from a trigger to Airflow: whoever is cancelled, and whenever, a message under way is not."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import weakref
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from airflow_provider_cgc import compat, xcom
from airflow_provider_cgc.hooks import cgc as hook_module
from airflow_provider_cgc.jobs.kinds import EXPORT, KINDS
from airflow_provider_cgc.jobs.waiting.poller import Poller
from airflow_provider_cgc.jobs.waiting.sharing import Threads
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.triggers import jobs as trigger_module
from airflow_provider_cgc.triggers import snapshot_writer
from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger
from airflow_provider_cgc.triggers.snapshot_writer import SnapshotWriter
from dev.virtual_time import START, VirtualTime
from tests.unit.triggers.tasks_trigger import event_of, trigger_of

HOUR = 3600.0
WEB = {"web": "https://cgc.sbgenomics.com", "project": "lab/cptac3", "volume": "lab/results"}
IDS_XCOM = {"dag_id": "d", "task_id": "t", "run_id": "r", "map_index": 3, "key": "cgc_ids", "parts": 2}
LOOK_UP = ["GetConnection", "MaskSecret extra", "MaskSecret password"]
SHOW = ["GetXCom cgc_jobs", "SetXCom _link_CgcProjectLink", "SetXCom _link_CgcVolumeLink", "SetXCom cgc_jobs"]


class Channel:
    """
    The one between a triggerer and its supervisor in Airflow 3.0 to 3.2.1, which has one message under way at a time.

    `cut` are the messages that were cancelled under way: each would have been the end of the triggerer. `strike` is
    called at the moment with the number `strike_at`; a message under way has four.
    """

    MOMENTS = 4

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.cut: list[str] = []
        self.strike: Callable[[], object] = lambda: None
        self.strike_at = 0
        self.struck: str | None = None
        self.fails_when_struck = False
        self._moments = 0
        self._lock = asyncio.Lock()

    async def asend(self, message: str) -> None:
        fails = False
        async with self._lock:
            self.sent.append(message)
            try:
                for _ in range(self.MOMENTS):
                    self._moments += 1
                    if self._moments == self.strike_at:
                        self.struck = message
                        fails = self.fails_when_struck
                        self.strike()
                    await asyncio.sleep(0)
            except asyncio.CancelledError:
                self.cut.append(message)
                raise
        if fails:
            raise OSError("the database is away")

    def send(self, message: str) -> None:
        async_to_sync(self.asend)(message)


@pytest.fixture
def channel(monkeypatch) -> Iterator[Callable[[], Channel]]:
    """Give a function that opens a channel, through which everything in a trigger speaks from then on."""
    opened: list[Channel] = []

    def read_view(address: Any, key: str) -> None:
        opened[-1].send(f"GetXCom {key}")

    def read_xcom(address: Any) -> list[str]:
        opened[-1].send(f"GetXCom {address['key']}")
        return [address["key"]]

    async def get_connection(conn_id: str) -> Any:
        await opened[-1].asend("GetConnection")
        return SimpleNamespace(host=None, port=None, schema=None, password="a-made-up-token", extra=None)

    async def get_extra(connection: Any) -> dict[str, Any]:
        await sync_to_async(opened[-1].send)("MaskSecret extra")
        return {"platform": "cgc", "proxies": {"https": "http://me:secret@proxy.example.org:3128"}}

    monkeypatch.setattr(compat, "read_view", read_view)
    monkeypatch.setattr(compat, "write_view", lambda address, key, value: opened[-1].send(f"SetXCom {key}"))
    monkeypatch.setattr(xcom, "read_xcom", read_xcom)
    monkeypatch.setattr("airflow.providers.common.compat.connection.get_async_connection", get_connection)
    monkeypatch.setattr("airflow.providers.common.compat.connection.get_async_extra_dejson", get_extra)
    monkeypatch.setattr(hook_module, "mask_secret", lambda password: opened[-1].send("MaskSecret password"))

    def open_channel() -> Channel:
        opened.append(Channel())
        return opened[-1]

    return open_channel


@pytest.fixture
def connect(platform) -> Callable[[], Awaitable[Any]]:
    """Look the connection up as a trigger does, then speak with the made-up platform."""

    async def connect() -> Any:
        (await trigger_module.connect("cgc_default")).close()
        return await platform.connect()

    return connect


@pytest.fixture
def asking(connect, monkeypatch) -> None:
    """Let triggers look their connection up."""

    def make_poller(trigger: CgcJobsTrigger, threads: Any) -> Poller:
        return Poller(KINDS[trigger.kind], connect, threads=threads, clock=trigger.clock)

    monkeypatch.setattr(CgcJobsTrigger, "_make_poller", make_poller)


async def settle() -> list[str]:
    """Let all running tasks end; give the names of those that do not."""
    await asyncio.sleep(60)
    return [task.get_coro().__qualname__ for task in asyncio.all_tasks() - {asyncio.current_task()}]


def at_each_moment(
    time: VirtualTime, channel: Callable[[], Channel], scene: Callable[[Channel], Awaitable[object]]
) -> list[str]:
    """Play a scene again and again, and strike a moment later each time; give the messages that were struck."""
    struck: list[str] = []
    complaints: list[Any] = []

    async def play(one: Channel) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        await scene(one)
        assert await settle() == []

    for moment in range(1, 1000):
        one = channel()
        one.strike_at = moment
        time.run(play(one))
        assert one.cut == [], f"moment {moment}"
        if one.struck is None:
            break
        struck += [one.struck] if struck[-1:] != [one.struck] else []
    gc.collect()  # a task's exception that nobody has asked for is complained of when the task goes
    assert complaints == []
    return struck


either = pytest.mark.parametrize("fails", [False, True], ids=["answered", "failed"])
"""The end of the message that was under way."""


class TestAirflowCancels:
    """Airflow cancels a trigger whose task was cleared, or whose run was set to failed."""

    @either
    def test_message_is_never_cut(self, time, platform, row, channel, asking, fails):
        async def scene(one: Channel) -> None:
            one.fails_when_struck = fails
            stored = row(["cgc_ids", "cgc_ids_2"], first_look=time.clock(), place=WEB)
            task = asyncio.create_task(event_of(trigger_of(stored | {"ids": None, "ids_xcom": IDS_XCOM})))
            one.strike = task.cancel
            await asyncio.wait({task}, timeout=60)
            task.cancel()

        struck = at_each_moment(time, channel, scene)

        assert struck == ["GetXCom cgc_ids", "GetXCom cgc_ids_2", *LOOK_UP, *SHOW]

    @either
    def test_cancel_harms_no_other(self, time, platform, row, channel, asking, fails):
        ends: list[str] = []

        async def scene(one: Channel) -> None:
            one.fails_when_struck = fails
            ids = [f"a{time.clock()}", f"b{time.clock()}"]
            platform.end(ids, after=40)
            first, second = (
                asyncio.create_task(event_of(trigger_of(row([job_id], first_look=time.clock(), place=WEB), job_id)))
                for job_id in ids
            )
            one.strike = first.cancel
            await asyncio.wait({first}, timeout=30)
            first.cancel()
            ends.append((await second)["outcome"])

        struck = at_each_moment(time, channel, scene)

        assert set(struck) == {*LOOK_UP, *SHOW}
        assert set(ends) == {Outcome.COMPLETED.value}

    def test_cancelled_writes_no_more(self, time, platform, row, channel, asking):
        """A wait that is cancelled while its links are written writes nothing more."""

        async def main(one: Channel) -> None:
            goes_on = asyncio.create_task(event_of(CgcJobsTrigger(**row(["b"]))))
            task = asyncio.create_task(event_of(trigger_of(row(["a"], first_look=time.clock(), place=WEB))))
            one.strike, one.strike_at = task.cancel, Channel.MOMENTS * (len(LOOK_UP) + 1) + 1
            await asyncio.wait({task})
            await asyncio.sleep(60)
            goes_on.cancel()
            await settle()

        time.run(main(one := channel()))

        assert one.struck == "SetXCom _link_CgcProjectLink"
        assert one.sent == [*LOOK_UP, *SHOW[:-1]]


class TestWeClose:
    """The things that waits share are closed when the last of them leaves."""

    def test_poller_cuts_no_lookup(self, time, connect, channel):
        async def scene(one: Channel) -> None:
            threads = Threads()
            poller = Poller(EXPORT, connect, threads=threads, clock=time.clock)
            poller.join(["a"], interval=60.0, first_look=time.clock())
            one.strike = poller.close
            await asyncio.sleep(30)
            poller.close()
            threads.close()

        assert at_each_moment(time, channel, scene) == LOOK_UP

    def test_writer_cuts_no_message(self, time, channel):
        async def scene(one: Channel) -> None:
            writer = SnapshotWriter()
            changed(writer, time)
            one.strike = writer.close
            await asyncio.sleep(30)
            writer.close()

        assert at_each_moment(time, channel, scene) == SHOW

    def test_late_message_is_not_sent(self, time, channel, monkeypatch):
        """Neither is it complained of: nobody waits for it."""
        one, complaints, closed = channel(), [], []

        async def main() -> None:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda loop, context: complaints.append(context))
            writer = SnapshotWriter()

            def closing(*message: Any, **how: Any) -> Any:
                loop.call_soon(writer.close)
                closed.append(True)
                return compat.in_thread(*message, **how)

            with monkeypatch.context() as patch:
                patch.setattr(snapshot_writer, "in_thread", closing)
                changed(writer, time)
                assert await settle() == []

        time.run(main())
        gc.collect()

        assert (closed, one.sent, complaints) == ([True], [], [])


def changed(writer: SnapshotWriter, time: VirtualTime) -> None:
    """Let a wait have something to show."""
    tracker = JobTracker.of(EXPORT, ["a"])
    view = LiveView(EXPORT, since=time.clock(), interval=60.0, place=WEB)
    address = {"dag_id": "dag", "task_id": "wait", "run_id": "run", "map_index": -1}
    writer.open(address, view, tracker, warn=pytest.fail, clock=time.clock).changed()


class TestInThread:
    def test_runs_in_the_given_thread(self, time):
        with ThreadPoolExecutor(thread_name_prefix="own") as threads:
            name = time.run(compat.in_thread(lambda: threading.current_thread().name, executor=threads))

        assert name.startswith("own")

    def test_or_in_the_shared_one(self, time):
        async def main() -> tuple[int, int]:
            return await compat.in_thread(threading.get_ident), await sync_to_async(threading.get_ident)()

        ours, theirs = time.run(main())

        assert ours == theirs != threading.get_ident()

    def test_raises_as_the_call(self, time):
        with pytest.raises(ValueError, match="invalid literal"):
            time.run(compat.in_thread(int, "x"))


class TestUncancelled:
    def test_gives_what_the_call_does(self, time):
        async def double(number: int, *, plus: int) -> int:
            return 2 * number + plus

        assert time.run(compat.uncancelled(double, 3, plus=1)) == 7

    def test_raises_what_it_raises(self, time):
        async def fail() -> None:
            raise OSError("away")

        with pytest.raises(OSError, match="away"):
            time.run(compat.uncancelled(fail))

    def test_call_is_not_forgotten(self, time):
        """
        A call that nobody waits for any more is not forgotten.

        The loop knows a task weakly, and so does what this one waits for.
        """
        ended: list[bool] = []

        async def call() -> None:
            loop = asyncio.get_running_loop()
            answer = weakref.ref(future := loop.create_future())
            loop.call_later(5, lambda: (one := answer()) and one.set_result(None))
            await future
            ended.append(True)

        async def main() -> None:
            asking = asyncio.create_task(compat.uncancelled(call))
            await asyncio.sleep(1)
            asking.cancel()
            await asyncio.wait({asking})
            del asking
            gc.collect()
            await asyncio.sleep(10)

        time.run(main())

        assert ended == [True]

    def test_retry_ends_when_cancelled(self, time, monkeypatch):
        """A retry around it ends where it is cancelled between two calls. ... and asks no more."""
        looks: list[float] = []

        async def get_connection(conn_id: str) -> None:
            looks.append(time.clock() - START)
            raise OSError("away")

        monkeypatch.setattr("airflow.providers.common.compat.connection.get_async_connection", get_connection)

        async def main() -> None:
            task = asyncio.create_task(trigger_module.connect("cgc_default"))
            await asyncio.sleep(12)
            task.cancel()
            await asyncio.wait({task})
            assert await settle() == []

        time.run(main())

        assert looks == [0.0, 5.0, 10.0]

    def test_call_has_its_context(self, time):
        """
        The call speaks in the context of the one who asked.

        Airflow routes a line to the log of the task in whose context it is written.
        """
        whose = contextvars.ContextVar("whose", default="nobody's")

        async def said() -> str:
            return await sync_to_async(whose.get)()

        async def main() -> str:
            whose.set("the task's")
            return await compat.uncancelled(said)

        assert time.run(main()) == "the task's"
