"""The code inside the triggerer that measures it: a probe of its event loop, and waits to compare ours with."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import random
import ssl
import time
from array import array
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
from airflow.jobs.triggerer_job_runner import TriggerCommsDecoder
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_cgc.client.endpoints.records import account
from airflow_provider_cgc.client.models import ExportJob
from airflow_provider_cgc.hooks.cgc import CgcHook
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.waiting.event import WaitEvent
from airflow_provider_cgc.jobs.waiting.poller import JITTER
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker

TICK = 0.01
"""Seconds that the probe asks to sleep."""
SAID_EVERY = 1.0
MODULE = __name__

_SENT: Counter[str] = Counter()
_ASLEEP: list[float] = []


class LoopProbe(BaseTrigger):
    """Sleep 10 ms for ever, and write down how much longer each sleep took.

    `<pid>.lags` gets pairs of float64, when (epoch seconds) and by how much; `<pid>.json` what is known besides. There
    is also the CPU time of the loop's longest turn in each second: others on the machine do not change it as they do
    the lags.
    """

    def __init__(self, *, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{MODULE}.LoopProbe", {"folder": self.folder}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        path = Path(self.folder) / str(os.getpid())
        began, longest, turns = time.time(), [], _Turns(asyncio.get_running_loop())
        with path.with_suffix(".lags").open("wb") as lags_file:
            while True:
                lags_file.write(await self._watch(SAID_EVERY))
                lags_file.flush()
                longest.append((time.time(), turns.take_longest()))
                said = {"began": began, "asleep": _ASLEEP, "sent": _SENT, "turns": longest}
                _replace(path.with_suffix(".json"), said)
        yield TriggerEvent(None)  # unreachable, and what makes this a generator

    async def _watch(self, seconds: float) -> array[float]:
        lags = array("d")
        until = time.monotonic() + seconds
        while (before := time.monotonic()) < until:
            await asyncio.sleep(TICK)
            lags.extend((time.time(), time.monotonic() - before - TICK))
        return lags


class Asleep(BaseTrigger):
    """Do nothing for ever: what any trigger costs in Airflow itself."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{MODULE}.Asleep", {}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        _ASLEEP.append(time.time())
        await asyncio.Event().wait()
        yield TriggerEvent(None)


class Alone(BaseTrigger):
    """Wait for jobs as if nobody else did: an own connection look-up, an own client, one bulk get an interval.

    Nothing is made worse than it has to be: the client is asynchronous, as in most providers, the TLS context is
    shared, and the answers are read and judged by the same code as ours.
    """

    def __init__(self, *, cgc_conn_id: str, ids: Sequence[str], poke_interval: float) -> None:
        super().__init__()
        self.cgc_conn_id = cgc_conn_id
        self.ids = list(ids)
        self.poke_interval = poke_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            f"{MODULE}.Alone",
            {"cgc_conn_id": self.cgc_conn_id, "ids": self.ids, "poke_interval": self.poke_interval},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        settings = await CgcHook.aget_settings(self.cgc_conn_id)
        tracker = JobTracker.of(EXPORT, self.ids)
        headers = {"X-SBG-Auth-Token": settings.token}
        async with httpx.AsyncClient(
            base_url=settings.base_url, headers=headers, timeout=60, verify=_tls(), trust_env=False
        ) as http:
            outcome = await self._wait(http, tracker)
        yield TriggerEvent(WaitEvent(outcome=outcome, summary=tracker.summary(), error=None).to_json())

    async def _wait(self, http: httpx.AsyncClient, tracker: JobTracker) -> Outcome:
        while True:
            began = time.monotonic()
            ids = list(tracker.open)
            try:
                answer = await http.post("/bulk/storage/exports/get", json={"export_ids": ids})
            except httpx.TransportError:
                pass  # the next look asks again
            else:
                answer.raise_for_status()
                accounts = account(ids, answer.json(), parse=ExportJob.from_json, key=_id, id_of=_id)
                tracker.take(accounts.records.values(), time.time())
            outcome = tracker.verdict(fail_fast=False)
            if outcome is not None:
                return outcome
            interval = self.poke_interval * (1 - JITTER * random.random())
            await asyncio.sleep(max(began + interval - time.monotonic(), 0))


class _Turns:
    """The CPU time of each turn of the event loop since the last look."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._seconds = array("d")
        run_once = loop._run_once  # type: ignore[attr-defined]  # there is no public place to measure a turn

        def measured() -> None:
            before = time.thread_time()
            run_once()
            self._seconds.append(time.thread_time() - before)

        loop._run_once = measured  # type: ignore[attr-defined]  # as above

    def take_longest(self) -> float:
        """The longest of them; they are forgotten."""
        longest = max(self._seconds, default=0.0)
        del self._seconds[:]
        return longest


def _id(job: ExportJob) -> str:
    return job.id


@functools.cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _replace(path: Path, value: Any) -> None:
    """Write a file that is never seen half written."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(value))
    new.replace(path)


def _count_messages() -> None:
    """Count the requests of the triggers to their supervisor; Airflow itself counts them nowhere."""
    send = TriggerCommsDecoder.asend

    async def counted(self: TriggerCommsDecoder, msg: Any) -> Any:
        _SENT[type(msg).__name__] += 1
        return await send(self, msg)

    TriggerCommsDecoder.asend = counted


_count_messages()
