"""The surroundings of one wait: virtual time, an emulated platform and the line to it, an Airflow connection, the log.

Patched are clocks, sleeps and the speed of the line, nothing else: what waits is the package's own code, and it
speaks HTTP to a real server.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import logging
import random
import tempfile
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcClient
from airflow_provider_cgc.compat import AirflowTaskTimeout, BaseSensorOperator
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.emulator.state.catalog import built_in
from airflow_provider_cgc.jobs.submitting.attempt import Attempt
from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger
from dev.virtual_time import VirtualTime
from tests.fakes.slow_imports import slow_imports
from tests.parity.kinds import Kind
from tests.parity.line import Line, Process

TOKEN = "parity-1-b7e23ec29af22b0b4e41da31e868d572"
NEXT_TOKEN = "parity-2-2c26b46b68ffc68ff99b453c1d304134"
CONN_ID = "cgc_parity"
AIRFLOW = importlib.import_module(BaseSensorOperator.__module__)
"""The module in which Airflow's own poke loop looks for the time."""
MOST_IDS_IN_ROW = 150
"""So few here, that a wait for 250 jobs finds its ids in an XCom."""
SPEED: dict[str, Any] = {"throughput": 20e3, "slots": 1000}
"""Jobs of one to three megabytes take one to three minutes, none waits for a slot."""


class Time(VirtualTime):
    """Virtual time that passes also while nothing runs."""

    def pass_by(self, seconds: float) -> None:
        """Let time pass before anything runs."""
        self._elapsed += seconds


class Wall:
    """The wall clock of an emulator that outlives many virtual times."""

    time = VirtualTime()

    def __call__(self) -> float:
        return self.time.clock()


class Log(logging.Handler):
    """Every line that the package or what it uses has logged, with tracebacks; `said` is what a user sees of it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))
        if record.levelno >= logging.INFO:
            self.said.append(f"{record.levelname} {self.lines[-1]}")


class Stage:
    """The stage of all scenes, shared because it takes long to build: a serving platform, and an ear for the log."""

    LOGGERS = ("airflow_provider_cgc", "urllib3", "requests")

    def __init__(self) -> None:
        self.wall = Wall()
        self.log = Log()
        self.emulator = CgcEmulator(wall=self.wall, token=TOKEN, **SPEED)
        sizes = [file.size for file in built_in()]
        by_size = sorted(zip(sizes, self.emulator.file_ids, strict=True))
        self.files = [file_id for _, file_id in by_size]
        self.sizes = {file_id: size for size, file_id in by_size}
        self._exit = ExitStack()

    def __enter__(self) -> Stage:
        self._dice = random.getstate()
        self.emulator.start()
        self.folder = Path(self._exit.enter_context(tempfile.TemporaryDirectory()))
        self._exit.enter_context(slow_imports(self.emulator, **SPEED))
        self._loggers = [(logger, logger.level, logger.propagate) for logger in map(logging.getLogger, self.LOGGERS)]
        for logger, _, _ in self._loggers:
            logger.addHandler(self.log)
            logger.setLevel(logging.DEBUG)
            logger.propagate = False
        return self

    def __exit__(self, *exception: object) -> None:
        self._exit.close()
        self.emulator.stop()
        random.setstate(self._dice)
        for logger, level, propagate in self._loggers:
            logger.removeHandler(self.log)
            logger.setLevel(level)
            logger.propagate = propagate


class Scene:
    """One wait from its beginning to its end, with the platform as new."""

    def __init__(self, stage: Stage, patch: pytest.MonkeyPatch, *, seed: str, kind: Kind) -> None:
        self.time = stage.wall.time = Time()
        self.kind = kind
        self.emulator = stage.emulator
        self.files = stage.files
        self.sizes = stage.sizes
        self.log = stage.log
        self.line = Line(self.time, kind)
        self.began = self.time.clock()
        self.alarm = float("inf")
        """The time at which the worker's process is told that its execution_timeout is over."""
        self.may_refuse = False
        """True if the platform may answer 429."""
        self._plans: list[tuple[float, Callable[[], object]]] = []
        self._patch = patch
        self.log.lines.clear()
        self.log.said.clear()
        self.emulator.reset()
        self.emulator.set_token(TOKEN)
        random.seed(seed)
        self.renew_connection()
        self._patch_clocks()
        self.line.watch(patch)
        self.new_process()
        patch.setattr("airflow_provider_cgc.sensors.wait.MOST_IDS_IN_ROW", MOST_IDS_IN_ROW)
        # Airflow 3 logs through structlog, past every handler.
        for cls in (kind.task, CgcJobsTrigger):
            patch.setattr(cls, "log", logging.getLogger(f"airflow_provider_cgc.{cls.__name__}"), raising=False)

    @property
    def path(self) -> str:
        """The path of the questions about jobs."""
        return f"/v2{self.kind.get}"

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        """Let something happen so many seconds after the task began."""
        self._plans.append((seconds, action))

    def begin(self) -> None:
        """Let the task begin: what is planned counts from now."""
        self.began = self.time.clock()
        loop = asyncio.get_running_loop()
        for seconds, action in self._plans:
            loop.call_later(seconds, action)

    def new_process(self, predecessor: Process | None = None) -> Process:
        """Forget everything that a new process of Airflow does not know: the budget, and all that was not handed on."""
        self._patch.setattr("airflow_provider_cgc.client.http.budget._BUDGETS", {})
        self.line.process = (predecessor or Process()).successor()
        return self.line.process

    def renew_connection(self) -> None:
        """Put the token that is valid now into Airflow's connection."""
        self._patch.setenv(f"AIRFLOW_CONN_{CONN_ID.upper()}", self.emulator.airflow_conn)

    def neighbour(self, requests: int) -> None:
        """Let somebody else with this user's token send requests."""
        with self.emulator.world.open() as world:
            for _ in range(requests):
                world.limits.take(world.user.name)

    def sleep(self, seconds: float) -> None:
        """Sleep as the main thread of a worker's process, whose alarm may ring meanwhile."""
        left = self.alarm - self.time.clock()
        self.time.sleep(max(min(seconds, left), 0.0))
        if seconds >= left:
            raise AirflowTaskTimeout("Timeout")

    def story(self, error: BaseException | None) -> str:
        """The course of events, for whoever reads a failed test."""
        start = self.time.start
        requests = [
            f"{asked.wall - start:8.1f} s  {asked.method} {asked.path} -> {asked.status}"
            f" ({len((asked.body or {}).get(self.kind.ids, ()))} ids)"
            for asked in self.emulator.requests
        ]
        raised = "" if error is None else "".join(traceback.format_exception(error))[-3000:]
        return "\n".join(["", "requests:", *requests[:60], "log:", *self.log.said[:60], raised])

    def _patch_clocks(self) -> None:
        patch, time = self._patch, self.time
        clock = SimpleNamespace(time=time.clock, monotonic=time.clock, sleep=self.sleep)
        for module in ("sensors.base", "sensors.wait", "operators.base"):
            patch.setattr(f"airflow_provider_cgc.{module}.time", clock)
        patch.setattr(AIRFLOW, "time", clock)
        for name in ("clock", "sleep"):
            patch.setitem(Attempt.__init__.__kwdefaults__, name, getattr(time, name))
        utc = SimpleNamespace(utcnow=lambda: datetime.fromtimestamp(time.clock(), UTC))
        patch.setattr(AIRFLOW, "timezone", utc)
        patch.setattr(CgcJobsTrigger, "clock", staticmethod(time.clock))
        timed = functools.partial(CgcClient, clock=time.clock, sleep=time.sleep)
        patch.setattr("airflow_provider_cgc.client.CgcClient", timed)
