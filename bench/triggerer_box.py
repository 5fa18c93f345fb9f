"""A real triggerer with a database and nothing else: given its waits, started, killed, and looked at from outside."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from array import array
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bench.triggerer_figures import Lag
from dev.airflow_box import AirflowBox
from dev.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
DAGS = Path(__file__).parent / "dags"
CONNECTION = "cgc_bench"
BLOCKED = "Triggerer's async thread was blocked"
"""The words of Airflow's own watchdog when its event loop stands still for over 0.2 s."""
MIB = 2**20


class TriggererError(RuntimeError):
    """The triggerer did not do what the measurement needs."""


@dataclass(frozen=True, slots=True)
class Size:
    """Memory of the triggerer in MiB: of the process that runs the triggers, and of all its processes together.

    `pss` shares what processes have in common among them; None where the system does not tell.
    """

    runner: float
    runner_pss: float | None
    all: float


@dataclass(slots=True)
class Probe:
    """The notes of the probe in the triggerer so far."""

    pid: int
    began: float
    asleep: list[float]
    sent: dict[str, int]
    turns: list[Lag] = field(repr=False)
    lags: list[Lag] = field(repr=False)


class TriggererBox(AirflowBox):
    """An Airflow of which only the triggerer ever runs."""

    def __init__(self, home: Path, *, batches: Path, capacity: int) -> None:
        self._probes = home.absolute() / "probe"
        self._batches = batches
        super().__init__(
            home,
            dags_folder=DAGS,
            components=("triggerer",),
            port=free_port(),
            env={
                "AIRFLOW__TRIGGERER__CAPACITY": str(capacity),
                # As in a deployment: compiled once, not at each start.
                "PYTHONDONTWRITEBYTECODE": "",
                "PYTHONPYCACHEPREFIX": str(home.absolute() / "pycache"),
                # The triggerer imports the probe; the box's own settings are in `config`.
                "PYTHONPATH": os.pathsep.join((str(home.absolute() / "config"), str(ROOT))),
            },
        )

    def prepare(self, connection: str) -> None:
        """Make the connection and a Dag run whose task instances can be deferred; the triggerer ends."""
        self._probes.mkdir(exist_ok=True)
        self.kill_triggerer()
        for arguments in (
            ("dags", "reserialize"),
            ("dags", "trigger", "bench_waits", "--run-id", "bench"),
            ("connections", "add", CONNECTION, "--conn-json", connection),
        ):
            done = self.command(*arguments, timeout=300)
            if done.returncode:
                raise TriggererError(f"airflow {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")

    def defer(self, how: str, *, interval: float) -> None:
        """Replace all that is deferred, while no triggerer runs."""
        command = [sys.executable, "-m", "bench.triggerer_rows", how, "--interval", str(interval)]
        command += ["--batches", str(self._batches), "--probe", str(self._probes)]
        done = subprocess.run(command, cwd=ROOT, env=self._env, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise TriggererError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")

    def stretch_intervals(self, now: float, then: float) -> None:
        """Let all that is deferred wait longer between two looks; whose trigger it is stays as it is."""
        with closing(sqlite3.connect(self.home / "airflow.db", timeout=60)) as database, database:
            database.execute(
                "UPDATE trigger SET kwargs = replace(kwargs, ?, ?)",
                (f'"poke_interval": {now}', f'"poke_interval": {then}'),
            )

    def kill_triggerer(self) -> None:
        """As if its machine was lost."""
        for path in self._probes.glob("*"):
            path.unlink()
        self.stop_component("triggerer", signal.SIGKILL)

    def probe(self) -> Probe | None:
        """Give the running triggerer's probe; None before its first word."""
        for pid in self.pids("triggerer"):
            path = self._probes / f"{pid}.json"
            if path.exists():
                said = json.loads(path.read_text())
                turns = [Lag(*turn) for turn in said.pop("turns")]
                return Probe(pid=pid, lags=_lags(path.with_suffix(".lags")), turns=turns, **said)
        return None

    def size(self, runner: int) -> Size:
        """Measure the triggerer's memory; `runner` is the process of the triggers."""
        sizes = {pid: psutil.Process(pid).memory_info().rss / MIB for pid in self.pids("triggerer")}
        pss = getattr(psutil.Process(runner).memory_full_info(), "pss", None)
        return Size(runner=sizes[runner], runner_pss=None if pss is None else pss / MIB, all=sum(sizes.values()))

    def cpu(self) -> dict[int, float]:
        """CPU seconds of each process of the triggerer so far."""
        times = {pid: psutil.Process(pid).cpu_times() for pid in self.pids("triggerer")}
        return {pid: time.user + time.system for pid, time in times.items()}

    def tasks(self) -> dict[str, int]:
        """Count the task instances in each state."""
        return dict(self._ask("SELECT state, count(*) FROM task_instance GROUP BY state"))

    def assigned(self) -> int:
        """Count the triggers that are assigned."""
        return int(self._ask("SELECT count(*) FROM trigger WHERE triggerer_id IS NOT NULL")[0][0])

    def outcomes(self) -> list[str]:
        """Give the outcomes in the events that have arrived, which their tasks would be resumed with."""
        rows = self._ask("SELECT next_kwargs FROM task_instance WHERE state = 'scheduled' AND next_kwargs <> '{}'")
        return [json.loads(kwargs)["event"]["outcome"] for (kwargs,) in rows]

    def check_triggers(self) -> None:
        """Raise if a trigger has failed."""
        failed = self._ask("SELECT next_kwargs FROM task_instance WHERE next_method = '__fail__'")
        if failed:
            traceback = json.loads(failed[0][0])["traceback"] or ["It could not be loaded."]
            raise TriggererError(f"{len(failed)} triggers failed, the first so:\n{''.join(traceback)}")

    def blocked(self) -> int:
        """Count the complaints of Airflow's watchdog since the box was made."""
        return (self.home / "logs" / "triggerer.out").read_text(errors="replace").count(BLOCKED)

    def _ask(self, query: str) -> Sequence[Any]:
        with closing(sqlite3.connect(self.home / "airflow.db", timeout=60)) as database:
            return database.execute(query).fetchall()


def wait_for(box: TriggererBox, what: str, condition: Any, *, timeout: float, every: float = 0.5) -> Any:
    """Wait for something true and give it; a triggerer that dies ends the wait."""
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        box.check_alive()
        box.check_triggers()
        if time.monotonic() > deadline:
            raise TriggererError(f"not after {timeout:.0f} s: {what}; tasks: {box.tasks()}, triggers: {box.assigned()}")
        time.sleep(every)
    return found


def _lags(path: Path) -> list[Lag]:
    values = array("d")
    data = path.read_bytes()
    # The probe may be writing.
    values.frombytes(data[: len(data) // 16 * 16])
    return [Lag(when, seconds) for when, seconds in zip(values[::2], values[1::2], strict=True)]
