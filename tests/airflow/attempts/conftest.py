"""An emulator for export tasks that are run in this process, without the parts of Airflow that they do not need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_provider_cgc import display
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.exports import finish
from airflow_provider_cgc.jobs.submitting import search
from airflow_provider_cgc.sensors import base


@pytest.fixture(autouse=True)
def in_this_process(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Wait neither for lost answers nor for aliases, and write nothing into an Airflow that is not there.

    Airflow 2.11 asks its database when a task was rescheduled first.
    """
    monkeypatch.setattr(search, "SETTLING", 0.3)
    monkeypatch.setattr(finish, "ALIAS_PAUSE", 0.0)
    monkeypatch.setattr(display, "write", lambda *args, **how: None)
    monkeypatch.setattr(display, "link", lambda *args, **how: {})
    monkeypatch.setattr(display, "read", lambda *args, **how: None)
    monkeypatch.setattr(base, "push_links", lambda *args, **how: None)


@pytest.fixture
def emulator(connect: Callable[..., str]) -> Iterator[CgcEmulator]:
    """A CGC where requests are not limited, and days are minutes."""
    with CgcEmulator(speed=600, rate_limit=10**6, slots=1000) as emulator:
        connect(emulator)
        yield emulator


@pytest.fixture
def still(connect: Callable[..., str]) -> Iterator[CgcEmulator]:
    """A CGC whose clock moves only when it is told to."""
    with CgcEmulator(speed=0, rate_limit=10**6) as emulator:
        connect(emulator)
        yield emulator


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    return f"file://{tmp_path}/exports.jsonl"
