"""The time that a moved file is given, which no test sits out."""

from __future__ import annotations

import pytest


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds slept."""
    slept: list[float] = []
    monkeypatch.setattr("airflow_provider_cgc.jobs.exports.finish.time.sleep", slept.append)
    return slept
