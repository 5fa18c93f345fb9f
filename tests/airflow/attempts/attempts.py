"""An export task, try after try, run in this process with as much of Airflow as one attempt needs."""

from __future__ import annotations

import importlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from airflow_provider_cgc.compat import BaseOperator
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.operators import exports
from tests.fakes.store import Store
from tests.fakes.task_instance import TaskInstance
from tests.late import late


class Attempts:
    """
    One task of one Dag run.

    :param store: whether Airflow remembers (3.3 and later).
    :param arguments: of the operator.
    """

    def __init__(
        self, emulator: CgcEmulator, *, store: bool = True, retries: int = 2, task_id: str = "export", **arguments: Any
    ) -> None:
        self.emulator = emulator
        self.task_id = task_id
        self.store = Store() if store else None
        self.retries = retries
        self.arguments = {"volume": emulator.volume, "copy_only": True, "location": "out/{id}", **arguments}
        self.try_number, self.max_tries = 1, retries
        self.first_poke: datetime | None = None
        self.xcoms = Store()
        self.began = datetime.fromtimestamp(emulator.clock.now(), UTC)
        self.error: BaseException | None = None
        self.returned: Any = None

    def run(self, **changed: Any) -> str:
        """Execute the task once; "success", "retry" for what Airflow tries again, or the name of another error."""
        self.xcoms = Store()
        arguments = {"poke_interval": 0.2, "timeout": 60, "retries": self.retries, **self.arguments, **changed}
        known = {name: value for name, value in arguments.items() if value is not None}
        operator = late(exports.CgcBulkExportOperator, task_id=self.task_id, **known)
        ti = TaskInstance(
            self.task_id,
            try_number=self.try_number,
            max_tries=self.max_tries,
            xcoms=self.xcoms,
            first_poke=lambda: self.first_poke,
        )
        run = SimpleNamespace(run_after=self.began, data_interval_end=self.began, start_date=self.began)
        context: dict[str, Any] = {"ti": ti, "task": operator, "dag_run": run}
        if self.store is not None:
            context["task_state_store"] = self.store
        module = importlib.import_module(BaseOperator.__module__)
        mark = getattr(module.ExecutorSafeguard, "sentinel_value", None) or module._sentinel
        self.error = None
        try:
            self.returned = operator.execute(context, CgcBulkExportOperator__sentinel=mark)
        except BaseException as error:  # noqa: BLE001  # Airflow's own are no Exceptions
            self.error = error
            return type(error).__name__
        return "success"

    def retry(self, **changed: Any) -> str:
        """Let Airflow try again."""
        self.try_number += 1
        self.first_poke = None
        return self.run(**changed)

    def clear(self, **changed: Any) -> str:
        """Clear the task: Airflow grants as many tries as it has, from the next one on."""
        self.max_tries = self.try_number + self.retries
        return self.retry(**changed)

    def poke(self, **changed: Any) -> str:
        """Execute the task in reschedule mode; the platform goes on for a day afterwards."""
        end = self.run(mode="reschedule", poke_interval=60, **changed)
        if self.first_poke is None:
            self.first_poke = datetime.now(UTC) - timedelta(seconds=1)
        self.emulator.clock.advance(24 * 3600)
        return end

    def pokes(self) -> str:
        """Execute the task in reschedule mode until this try has ended; at the third poke at the latest."""
        for _ in range(3):
            end = self.poke()
            if end != "AirflowRescheduleException":
                return end
        return end

    @property
    def summary(self) -> dict[str, int]:
        """The counts of `cgc_summary`."""
        counts = ("total", "completed", "failed", "missing", "skipped")
        return {name: self.xcoms["cgc_summary"][name] for name in counts if self.xcoms["cgc_summary"][name]}

    @property
    def jobs(self) -> list[tuple[str, str]]:
        """Every job that the platform has: its object and its state, by the object."""
        with self.emulator.world.open() as world:
            return sorted((job.order.location, str(job.state)) for job in world.exports.values())


def manifest_lines(uri: str) -> list[dict[str, Any]]:
    """Read the lines of a manifest."""
    return [json.loads(line) for line in Path(uri.removeprefix("file://")).read_text().splitlines()]


def remove_files(emulator: CgcEmulator, *files: str) -> None:
    """Delete files from the platform, as their owner can."""
    with emulator.world.open() as world:
        for file in files:
            world.files.remove(world.files[file])


def remove_object(emulator: CgcEmulator, location: str) -> None:
    """Delete an object from the bucket behind the volume, as its owner can."""
    with emulator.world.open() as world:
        volume = world.volumes[emulator.volume]
        world.buckets[volume.bucket].pop(volume.key(location))


def size_of(emulator: CgcEmulator, name: str) -> int:
    with emulator.world.open() as world:
        return world.files[name].size


def refuse(emulator: CgcEmulator, files: list[str]) -> None:
    """Let files be such as an archived one: no field tells, but they cannot be exported."""
    for name in files:
        emulator.fail_files(name, code=9006, at="submit")


def forget_all_jobs(emulator: CgcEmulator) -> None:
    """Let hours go by, after which the platform knows none of its jobs any more."""
    with emulator.world.open() as world:
        forgotten = list(world.exports)
    emulator.forget(forgotten)
    emulator.clock.advance(2 * 3600)
