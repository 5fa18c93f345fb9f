"""The trigger on virtual time, with a made-up platform behind its poller."""

from __future__ import annotations

import pytest

from airflow_provider_cgc.jobs.kinds import EXPORT, KINDS
from airflow_provider_cgc.jobs.waiting.poller import Poller
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger
from dev.virtual_time import START, VirtualTime
from tests.fakes.platform import FakePlatform


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
