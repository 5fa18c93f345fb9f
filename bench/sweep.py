"""The CPU of one sweep of a worker, beside a bare loop of `requests` and `json` over the same calls.

The platform is a process of its own here, and each call takes a while, as in life. A platform that answers at once is
measured, too: there the threads of a sweep mostly get in each other's way.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import requests

from airflow_provider_cgc.client.settings import Settings
from bench.cases import SWEEP
from bench.meter import Meter
from bench.others import chunks
from bench.platform_process import Platform

JOBS = 10_000
LATENCY = 0.05
"""Seconds that each call takes."""
REPEATS = 5
TIMEOUT = 60.0
PATIENCE = 600.0


def measure() -> dict[str, Any]:
    """CPU seconds of both, of jobs that run and of jobs that have ended; medians of several repetitions in turn."""
    return {"case": SWEEP, **_measure(LATENCY), "at_once": _measure(0.0)}


def _measure(latency: float) -> dict[str, Any]:
    with Platform(files=JOBS, short=JOBS, latency=latency) as platform:
        ids = platform.start_jobs()
        with mock.patch.dict(os.environ, AIRFLOW_CONN_CGC_DEFAULT=platform.airflow_conn):
            running = _compare(ids)
            platform.end_short_jobs()
            ended = _compare(ids)
    return {"running": running, "ended": ended}


def _compare(ids: Sequence[str]) -> dict[str, float]:
    ours, settings = _ours(ids)
    bare = _bare(ids, settings)
    pairs = [(_cpu(bare), _cpu(ours)) for _ in range(REPEATS + 1)][1:]  # the first pair warms up
    return {
        "bare": statistics.median(bare for bare, _ in pairs),
        "ours": statistics.median(ours for _, ours in pairs),
        "ratio": statistics.median(ours / bare for bare, ours in pairs),
    }


def _cpu(work: Callable[[], None]) -> float:
    meter = Meter()
    meter.start()
    work()
    return meter.stop()[0]


def _bare(ids: Sequence[str], settings: Settings) -> Callable[[], None]:
    session = requests.Session()
    session.headers.update({"X-SBG-Auth-Token": settings.token, "Content-Type": "application/json"})
    url = f"{settings.base_url}/bulk/storage/exports/get"

    def work() -> None:
        found = 0
        for chunk in chunks(list(ids)):
            answer = session.post(url, data=json.dumps({"export_ids": chunk}), timeout=TIMEOUT)
            found += len(json.loads(answer.content)["items"])
        assert found == len(ids), f"{found} records for {len(ids)} ids"

    return work


def _ours(ids: Sequence[str]) -> tuple[Callable[[], None], Settings]:
    """A poke: the tracker's part is in it, and the client, which lives as long as the task."""
    from airflow_provider_cgc.hooks.cgc import CgcHook
    from airflow_provider_cgc.jobs.kinds import EXPORT
    from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
    from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
    from airflow_provider_cgc.jobs.waiting.watch import Watch
    from airflow_provider_cgc.sensors.wait import Wait

    hook = CgcHook()
    hook.get_conn(patience=0)

    def work() -> None:
        now = time.time()
        view = LiveView(EXPORT, since=now, interval=60.0)
        watch = Watch(JobTracker.of(EXPORT, ids), view, 60.0, hook.cgc_conn_id)
        report = Wait(list(ids), watch, started=now, deadline=now + PATIENCE).look(hook)
        assert not report.warnings, report.warnings

    return work, hook.settings
