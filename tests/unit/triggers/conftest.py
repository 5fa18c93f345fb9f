"""The trigger on virtual time, with a made-up platform behind its poller."""

from __future__ import annotations

import json
import logging

import pytest

from airflow_provider_cgc.jobs.kinds import EXPORT, KINDS
from airflow_provider_cgc.jobs.waiting.event import WaitEvent
from airflow_provider_cgc.jobs.waiting.poller import Poller
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger
from dev.virtual_time import START, VirtualTime
from tests.fakes.platform import FakePlatform
from tests.unit.triggers.tasks_trigger import events_of


@pytest.fixture
def time(monkeypatch):
    time = VirtualTime()
    monkeypatch.setattr(CgcJobsTrigger, "clock", staticmethod(time.clock))
    return time


@pytest.fixture
def platform(time, monkeypatch):
    platform = FakePlatform(time)

    def make_poller(trigger, threads):
        return Poller(KINDS[trigger.kind], platform.connect, threads=threads, clock=trigger.clock)

    monkeypatch.setattr(CgcJobsTrigger, "_make_poller", make_poller)
    return platform


@pytest.fixture
def row():
    """Give the arguments of a wait as they are stored, made from ids and from what differs."""

    def make(ids, *, state=None, **changes):
        return {
            "kind": "export",
            "cgc_conn_id": "cgc_default",
            "ids": ids,
            "ids_xcom": None,
            "state": state or JobTracker.of(EXPORT, ids).to_json(),
            "poke_interval": 60.0,
            "fail_fast": False,
            "deadline": START + 7 * 86_400.0,
            "execution_deadline": None,
            "first_look": START + 60.0,
            "not_before": START + 15.0,
            "place": {"volume": "lab/results"},
            "answered": True,
        } | changes

    return make


@pytest.fixture
def wait(time):
    """Run a stored wait to its end; give what its event says, and when it came (seconds since the start)."""

    def run(row):
        (event,) = time.run(events_of(CgcJobsTrigger(**row)))
        return WaitEvent.from_json(json.loads(json.dumps(event.payload)), kind="export"), time.clock() - START

    return run


@pytest.fixture
def records(caplog, monkeypatch):
    """Give the log records of ours so far; the trigger's own logger is structlog's on some releases."""
    monkeypatch.setattr(CgcJobsTrigger, "log", logging.getLogger("airflow_provider_cgc.trigger"), raising=False)
    caplog.set_level(logging.INFO)
    return lambda: [record for record in caplog.records if record.name.startswith("airflow_provider_cgc")]


@pytest.fixture
def lines(records):
    """Give the trigger's log lines so far."""
    return lambda: [record.getMessage() for record in records()]
