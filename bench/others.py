"""The ways in which people wait without this provider, each written as well as its idea allows."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from unittest import mock

import requests
import sevenbridges  # type: ignore[import-untyped]  # the vendor's SDK has no types
from sevenbridges.http.error_handlers import rate_limit_sleeper  # type: ignore[import-untyped]  # as above
from sevenbridges.models.storage_export import Export  # type: ignore[import-untyped]  # as above

from bench.cases import Case
from bench.lab import Lab

CHUNK = 100
ENDED = ("COMPLETED", "FAILED")
TIMEOUT = 60.0


class Other:
    """A way to wait: what a wait does is up to the subclass; threads are its own, and end with its life."""

    on_a_loop = False
    """The loop's own CPU is the contender's; not so if it only keeps the virtual time."""

    def __init__(self, lab: Lab, case: Case) -> None:
        self.lab = lab
        self.case = case
        self._local = threading.local()
        self._pools: list[ThreadPoolExecutor] = []

    def prepare(self, waits: list[list[str]]) -> None:
        """Have threads for all waits."""
        self._threads = self.threads(len(waits))
        self.renew()

    def threads(self, waits: int) -> int:
        """Count the threads of so many waits; here each is one."""
        return waits

    def begin(self, waits: list[list[str]]) -> None:
        """Nothing comes before the wait itself."""

    def renew(self) -> None:
        """Work with new threads: the old ones may be asleep, and end when they wake."""
        self._pools.append(ThreadPoolExecutor(self._threads, thread_name_prefix="contender"))

    def close(self) -> None:
        """Let the threads go."""
        for pool in self._pools:
            pool.shutdown(wait=True)
        self._pools.clear()

    async def wait(self, number: int, ids: list[str]) -> None:
        """Wait for these jobs."""
        await self.in_thread(self.loop, ids)

    def loop(self, ids: list[str]) -> None:
        """Wait for these jobs in a thread."""
        raise NotImplementedError

    async def in_thread(self, func: Callable[..., Any], *args: Any) -> Any:
        """Call in one of this contender's threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pools[-1], self.lab.life.call, func, *args)

    def note(self, job_id: str, state: str) -> bool:
        """Tell if a job has ended; note when this was found out."""
        if state not in ENDED:
            return False
        self.lab.saw(job_id)
        return True

    def session(self) -> requests.Session:
        """This thread's session."""
        if not hasattr(self._local, "session"):
            self._local.session = new_session(self.lab.emulator.token)
        return self._local.session  # type: ignore[no-any-return]  # what a thread-local holds has no type

    def patiently(self, send: Callable[[], requests.Response]) -> requests.Response:
        """Send; after a 429 sleep until the window ends, as the vendor's SDK does, and send again."""
        while (response := send()).status_code == requests.codes.too_many_requests:
            self.lab.sleep(until_reset(response, self.lab.time.clock()))
        response.raise_for_status()
        return response


class Script(Other):
    """Bulk get of a hundred, all chunks in flight, finished jobs dropped, then a pause of one interval."""

    on_a_loop = True

    def threads(self, waits: int) -> int:
        """One for each chunk of the largest case; scripts share them here, as processes of their own they could not."""
        return 100

    async def wait(self, number: int, ids: list[str]) -> None:
        waiting = list(ids)
        while waiting:
            answers = await asyncio.gather(*(self.in_thread(self.ask, chunk) for chunk in chunks(waiting)))
            states = {job_id: state for answer in answers for job_id, state in answer}
            waiting = [job_id for job_id in waiting if not self.note(job_id, states[job_id])]
            if waiting:
                await asyncio.sleep(self.case.interval)

    def ask(self, chunk: list[str]) -> list[tuple[str, str]]:
        """Ids and states."""
        url = f"{self.lab.emulator.url}/bulk/storage/exports/get"
        response = self.patiently(lambda: self.session().post(url, json={"export_ids": chunk}, timeout=TIMEOUT))
        return [(record["resource"]["id"], record["resource"]["state"]) for record in response.json()["items"]]


class Get(Other):
    """One GET per job and round, one after the other, finished jobs dropped."""

    def loop(self, ids: list[str]) -> None:
        waiting = list(ids)
        while waiting:
            waiting = [job_id for job_id in waiting if not self.note(job_id, self.state_of(job_id))]
            if waiting:
                self.lab.sleep(self.case.interval)

    def state_of(self, job_id: str) -> str:
        """Ask for one job."""
        url = f"{self.lab.emulator.url}/storage/exports/{job_id}"
        return str(self.patiently(lambda: self.session().get(url, timeout=TIMEOUT)).json()["state"])


class _Sdk(Other):
    """The vendor's SDK with its own handler of 429, which sleeps until the window ends."""

    def prepare(self, waits: list[list[str]]) -> None:
        super().prepare(waits)
        time = SimpleNamespace(time=self.lab.time.clock, sleep=self.lab.sleep)
        self._patch = mock.patch("sevenbridges.http.error_handlers.time", time)
        self._patch.start()

    def close(self) -> None:
        super().close()
        self._patch.stop()

    def api(self) -> sevenbridges.Api:
        """The SDK's client; it takes http only for an endpoint that the environment names."""
        with _ENVIRONMENT, mock.patch.dict(os.environ, SB_API_ENDPOINT=self.lab.emulator.url):
            os.environ["SB_AUTH_TOKEN"] = self.lab.emulator.token
            return sevenbridges.Api(error_handlers=[rate_limit_sleeper])


_ENVIRONMENT = threading.Lock()


class SdkBulk(_Sdk):
    """Bulk get, and of each record `.error` and `.state`: the first of them, absent so far, is fetched by a GET."""

    def loop(self, ids: list[str]) -> None:
        api, waiting = self.api(), list(ids)
        while waiting:
            still = []
            for chunk in chunks(waiting):
                for record in Export.bulk_get(chunk, api=api):
                    job = record.resource
                    failed = job.error is not None
                    if not self.note(job.id, "FAILED" if failed else job.state):
                        still.append(job.id)
            waiting = still
            if waiting:
                self.lab.sleep(self.case.interval)


class SdkReload(_Sdk):
    """The objects that the submission gave, each reloaded once a round until it has ended."""

    def loop(self, ids: list[str]) -> None:
        api = self.api()
        home = f"{self.lab.emulator.url}/storage/exports"
        waiting = [Export(api=api, id=job_id, href=f"{home}/{job_id}", state="PENDING") for job_id in ids]
        while waiting:
            waiting = [job for job in waiting if not self.note(job.id, job.reload().state)]
            if waiting:
                self.lab.sleep(self.case.interval)


class Trigger(Other):
    """A trigger for each job, each with its own session for each look, as triggers of most providers wait."""

    on_a_loop = True

    def threads(self, waits: int) -> int:
        """As many as this provider's own poller has."""
        return 8

    async def wait(self, number: int, ids: list[str]) -> None:
        async with asyncio.TaskGroup() as triggers:
            for job_id in ids:
                triggers.create_task(self.watch(job_id))

    async def watch(self, job_id: str) -> None:
        """Look at one job once an interval; after a 429 when the window has ended."""
        while True:
            state, pause = await self.in_thread(self.ask, job_id)
            if self.note(job_id, state):
                return
            await asyncio.sleep(pause)

    def ask(self, job_id: str) -> tuple[str, float]:
        """The state by one GET in a session of its own, and seconds until the next look."""
        with new_session(self.lab.emulator.token) as session:
            response = session.get(f"{self.lab.emulator.url}/storage/exports/{job_id}", timeout=TIMEOUT)
        if response.status_code == requests.codes.too_many_requests:
            return "", until_reset(response, self.lab.time.clock())
        response.raise_for_status()
        return response.json()["state"], self.case.interval


OTHERS: dict[str, type[Other]] = {
    "script": Script,
    "sdk-bulk": SdkBulk,
    "sdk-reload": SdkReload,
    "get": Get,
    "trigger": Trigger,
}


def new_session(token: str) -> requests.Session:
    """A session with the token; proxies and .netrc of the environment are not looked up for each call."""
    session = requests.Session()
    session.trust_env = False
    session.headers["X-SBG-Auth-Token"] = token
    return session


def until_reset(response: requests.Response, now: float) -> float:
    """Seconds until the window ends, as the platform tells."""
    return max(int(response.headers["X-RateLimit-Reset"]) - int(now), 0.0)


def chunks(ids: list[str]) -> Iterator[list[str]]:
    """Lists of a hundred."""
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
