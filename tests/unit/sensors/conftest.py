"""Virtual time and a made-up platform for every test of a worker's wait."""

from __future__ import annotations

import importlib
import logging

import pytest

from airflow_provider_cgc.compat import BaseSensorOperator
from tests.unit.sensors.worker import LOGGER, Clock, Platform


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    module = importlib.import_module(BaseSensorOperator.__module__)
    for name in (module.__name__, "airflow_provider_cgc.sensors.base", "airflow_provider_cgc.sensors.wait"):
        monkeypatch.setattr(f"{name}.time", clock)
    return clock


@pytest.fixture
def platform(clock: Clock) -> Platform:
    return Platform(clock)


@pytest.fixture(autouse=True)
def every_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger=LOGGER)
