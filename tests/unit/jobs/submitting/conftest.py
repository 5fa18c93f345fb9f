"""Airflow's store, in memory, in which a task keeps what it has sent."""

from __future__ import annotations

import pytest

from tests.fakes.store import Store


@pytest.fixture
def store() -> Store:
    return Store()
