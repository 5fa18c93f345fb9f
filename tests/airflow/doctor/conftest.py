"""A deployment with nothing wrong, and the doctor that looks at it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.jobs.job import Job
from airflow.utils.session import create_session

from airflow_provider_cgc.__main__ import main
from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.doctor.told import CANARY, Told, read


@pytest.fixture
def cgc() -> Iterator[CgcEmulator]:
    with CgcEmulator(files=3, speed=0, token=CANARY) as emulator:
        yield emulator


@pytest.fixture
def triggerer(database: None) -> Iterator[Callable[[timedelta], None]]:
    """Put the heartbeat of a triggerer, so long ago, into the database."""

    def beat(ago: timedelta) -> None:
        with create_session() as session:
            job = Job(job_type="TriggererJob", state="running")
            job.latest_heartbeat, job.hostname = datetime.now(UTC) - ago, "box7"
            session.add(job)

    yield beat
    with create_session() as session:
        session.query(Job).filter(Job.job_type == "TriggererJob").delete()


@pytest.fixture
def healthy(triggerer: Callable[[timedelta], None], cgc: CgcEmulator, connect: Callable[..., str]) -> CgcEmulator:
    """A deployment with nothing wrong."""
    triggerer(timedelta(seconds=1))
    connect(cgc)
    return cgc


@pytest.fixture
def doctor(database: None, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Callable[..., Told]:
    """Run the command in this process; it leaves the environment as it was, and nothing it prints holds the token."""
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "disabled", True)  # the emulator's server

    def run(*arguments: str) -> Told:
        capfd.readouterr()
        before = dict(os.environ)
        status = main(["doctor", *arguments])
        out, err = capfd.readouterr()
        assert dict(os.environ) == before
        assert "canary" not in out + err
        assert "Traceback" not in out + err
        return read(status, out)

    return run
