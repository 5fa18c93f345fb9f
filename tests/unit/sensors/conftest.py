"""Virtual time and a made-up platform for every test of a worker's wait."""

from __future__ import annotations

import importlib
import logging
from typing import Any

import pytest

from airflow_provider_cgc import compat
from airflow_provider_cgc.compat import BaseSensorOperator
from tests.fakes.clock import Clock
from tests.unit.sensors.worker import BEGIN, LOGGER, Platform


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(BEGIN)
    module = importlib.import_module(BaseSensorOperator.__module__)
    for name in (module.__name__, "airflow_provider_cgc.sensors.base", "airflow_provider_cgc.sensors.wait"):
        monkeypatch.setattr(f"{name}.time", clock)
    return clock


@pytest.fixture
def platform(clock: Clock) -> Platform:
    return Platform(clock)


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The live snapshots that were written, in order; Airflow's own XComs need a supervisor."""
    written: list[dict[str, Any]] = []
    monkeypatch.setattr(
        compat, "write_view", lambda address, key, value: written.append(value) if key == "cgc_jobs" else None
    )
    monkeypatch.setattr(compat, "read_view", lambda address, key: written[-1] if written else None)
    return written


@pytest.fixture(autouse=True)
def every_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger=LOGGER)
