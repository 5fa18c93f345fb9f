"""What one sweep of a worker costs in CPU, beside a bare loop of `requests` and `json` over the same calls."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import requests

from bench.cases import SWEEP
from bench.lab import Lab
from bench.meter import Meter
from bench.others import chunks

JOBS = 10_000
LENGTH = 600.0
REPEATS = 9
MANY = 1_000_000
"""A rate limit that nobody reaches: all repetitions lie within one second of the platform's time."""
TIMEOUT = 60.0


def measure() -> dict[str, Any]:
    """CPU seconds of both, of jobs that run and of jobs that have ended; medians of several repetitions in turn."""
    with Lab([LENGTH] * JOBS, rate_limit=MANY) as lab:
        ids = lab.submit(JOBS)
        lab.emulator.clock.advance(LENGTH / 2)
        running = _compare(lab, ids)
        lab.emulator.clock.advance(LENGTH)
        ended = _compare(lab, ids)
    return {"case": SWEEP, "running": running, "ended": ended}


def _compare(lab: Lab, ids: list[str]) -> dict[str, float]:
    bare, ours = _bare(lab, ids), _ours(lab, ids)
    pairs = [(_cpu(lab, bare), _cpu(lab, ours)) for _ in range(REPEATS + 1)][1:]  # the first pair warms up
    return {
        "bare": statistics.median(bare for bare, _ in pairs),
        "ours": statistics.median(ours for _, ours in pairs),
        "ratio": statistics.median(ours / bare for bare, ours in pairs),
    }


def _cpu(lab: Lab, work: Callable[[], None]) -> float:
    meter = Meter()
    meter.start(leave_out=lab.threads)
    work()
    return meter.stop()[0]


def _bare(lab: Lab, ids: list[str]) -> Callable[[], None]:
    session = requests.Session()
    session.headers.update({"X-SBG-Auth-Token": lab.emulator.token, "Content-Type": "application/json"})
    url = f"{lab.emulator.url}/bulk/storage/exports/get"

    def work() -> None:
        found = 0
        for chunk in chunks(ids):
            answer = session.post(url, data=json.dumps({"export_ids": chunk}), timeout=TIMEOUT)
            found += len(json.loads(answer.content)["items"])
        assert found == len(ids), f"{found} records for {len(ids)} ids"

    return work


def _ours(lab: Lab, ids: list[str]) -> Callable[[], None]:
    """A poke: the tracker's part is in it, and the client, which lives as long as the task."""
    from airflow_provider_cgc.hooks.cgc import CgcHook
    from airflow_provider_cgc.jobs.kinds import EXPORT
    from airflow_provider_cgc.jobs.live import LiveView
    from airflow_provider_cgc.jobs.report import ProgressLog
    from airflow_provider_cgc.jobs.tracker import JobTracker
    from airflow_provider_cgc.sensors.wait import Wait

    with mock.patch.dict(os.environ, AIRFLOW_CONN_CGC_DEFAULT=lab.emulator.airflow_conn):
        hook = CgcHook()
        hook.get_conn(patience=0)

    def work() -> None:
        now = time.time()
        view = LiveView(EXPORT, since=now, interval=60.0)
        wait = Wait(ids, JobTracker.of(EXPORT, ids), ProgressLog(), view, started=now, deadline=now + LENGTH)
        looked = wait.look(hook, interval=60.0)
        assert not looked.warnings, looked.warnings

    return work
