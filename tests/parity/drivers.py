"""One task as Airflow runs it, in virtual time: a driver for each way of waiting, and the final state of the task.

Each start of the task is a new process: a new sensor object, no rate budget, no memory but what Airflow keeps.
"""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_cgc.compat import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseOperator,
)
from airflow_provider_cgc.sensors.base import CgcJobsSensor
from tests.fakes.store import Store
from tests.fakes.task_instance import TaskInstance
from tests.late import late
from tests.parity.line import Process
from tests.parity.scene import AIRFLOW, CONN_ID, Scene

LAG = 3.0
"""Seconds until Airflow starts what is due."""
AFTERWARDS = 3600.0
"""Seconds for which nothing may happen after the end."""

Run = Callable[[CgcJobsSensor, dict[str, Any]], Any]


@dataclass
class Task:
    """One task instance, and what Airflow keeps of it."""

    scene: Scene
    mode: Mode
    ids: list[str]
    arguments: Mapping[str, Any]
    xcoms: dict[str, Any] = field(default_factory=dict)
    store: Store = field(default_factory=Store)
    kept: list[str] = field(default_factory=list)
    """Everything that Airflow ever stored of it, as JSON: XComs, rows, events, memories."""
    rows: int = 0
    events: int = 0
    starts: int = 0
    first_start: datetime | None = None
    remembered: Process = field(default_factory=Process)

    def keep(self, value: Any) -> Any:
        """Store a value; give what is left of it."""
        self.kept.append(json.dumps(value))
        return json.loads(self.kept[-1])

    async def start(self, run: Run) -> Any:
        """Run a part of the sensor in a new process of a worker."""
        self.starts += 1
        process = self.scene.new_process(self.remembered)
        began = self.scene.time.clock()
        sensor = late(
            self.scene.kind.task,
            task_id="wait",
            cgc_conn_id=CONN_ID,
            **{self.scene.kind.jobs: self.ids},
            **self.scene.kind.arguments,
            **self.mode.arguments,
            **self.arguments,
        )
        limit: timedelta | None = sensor.execution_timeout
        self.scene.alarm = began + limit.total_seconds() if limit else float("inf")
        context = self._context(sensor)
        with ThreadPoolExecutor(1, thread_name_prefix="worker") as worker:
            try:
                return await asyncio.get_running_loop().run_in_executor(worker, run, sensor, context)
            except AirflowTaskTimeout:
                sensor.on_kill()
                raise
            finally:
                self.first_start = self.first_start or datetime.fromtimestamp(began, UTC)
                if self.mode.memory:
                    self.remembered = process
                    self.kept.append(json.dumps(self.store))

    async def until(self, moment: datetime) -> None:
        """Wait as the scheduler does for a rescheduled task."""
        pause = moment.timestamp() - self.scene.time.clock()
        await asyncio.sleep(max(pause, 0.0) + LAG)

    def push(self, key: str, value: Any) -> None:
        """Store an XCom."""
        self.xcoms[key] = self.keep(value)

    def _context(self, sensor: CgcJobsSensor) -> dict[str, Any]:
        # Airflow 2.11 asks its database, see `run`
        first_poke = None if hasattr(AIRFLOW, "_orig_start_date") else lambda: self.first_start
        ti = TaskInstance("wait", map_index=self.mode.map_index, first_poke=first_poke)
        ti.xcom_push = self.push  # type: ignore[method-assign]  # every version of it is kept
        ti.xcoms = self.xcoms
        run_began = datetime.fromtimestamp(self.scene.began, UTC)
        dag_run = SimpleNamespace(run_after=run_began, start_date=run_began)
        context = {"ti": ti, "task": sensor, "dag_run": dag_run}
        return context | {"task_state_store": self.store} if self.mode.memory else context


Driver = Callable[[Task], Awaitable[Any]]


@dataclass(frozen=True)
class Mode:
    """
    A way to wait.

    :param drive: what Airflow does with the task.
    :param arguments: what the Dag says.
    :param memory: whether Airflow remembers anything from one start to the next (below 3.3 it does not).
    :param map_index: from 0 on for a mapped task, which makes no look in the worker.
    :param restarts: seconds for which a triggerer lives, until the next one takes over.
    """

    drive: Driver
    arguments: Mapping[str, Any]
    memory: bool = True
    map_index: int = -1
    restarts: tuple[float, ...] = ()


def execute(sensor: CgcJobsSensor, context: dict[str, Any]) -> Any:
    """Call it with the mark by which Airflow knows its own task runner."""
    module = importlib.import_module(BaseOperator.__module__)
    # Airflow 2.11 keeps it beside the class
    mark = getattr(module.ExecutorSafeguard, "sentinel_value", None) or module._sentinel
    return sensor.execute(context, **{f"{type(sensor).__name__}__sentinel": mark})


async def stay(task: Task) -> Any:
    """Poke mode: the worker sleeps between two looks."""
    return await task.start(execute)


async def come_back(task: Task) -> Any:
    """Reschedule mode: each poke is a start of its own, before which Airflow wipes the XComs."""
    while True:
        task.xcoms.clear()
        try:
            return await task.start(execute)
        except AirflowRescheduleException as pause:
            await task.until(pause.reschedule_date)


async def hand_over(task: Task) -> Any:
    """Deferrable mode: a look in the worker, the trigger from its stored row, and a worker for the event."""
    try:
        return await task.start(execute)
    except TaskDeferred as deferral:
        row, method = task.keep(deferral.trigger.serialize()), deferral.method_name
        task.rows += 1
    await asyncio.sleep(LAG)
    event = await _in_triggerers(task, row)
    await asyncio.sleep(LAG)
    return await task.start(lambda sensor, context: sensor.resume_execution(method, {"event": event}, context))


async def _in_triggerers(task: Task, row: list[Any]) -> Any:
    """Run a trigger to its event, by one triggerer after the other."""
    for life in task.mode.restarts:
        running = asyncio.create_task(_event_of(task, row))
        await asyncio.wait({running}, timeout=life)
        if running.done():
            return running.result()
        running.cancel()
        await asyncio.wait({running})
        task.scene.line.process.gone = True
        await asyncio.sleep(LAG)
    return await _event_of(task, row)


async def _event_of(task: Task, row: list[Any]) -> Any:
    """Load a row as a triggerer does, and run it until it ends by itself."""
    task.starts += 1
    task.scene.new_process(task.remembered)
    module, name = row[0].rsplit(".", 1)
    trigger = getattr(importlib.import_module(module), name)(**row[1])
    payloads = [task.keep(event.payload) async for event in trigger.run()]
    task.events += len(payloads)
    return payloads[0]


MODES = {
    "poke": Mode(stay, {"mode": "poke"}),
    "reschedule": Mode(come_back, {"mode": "reschedule"}),
    "reschedule, no memory": Mode(come_back, {"mode": "reschedule"}, memory=False),
    "deferrable": Mode(hand_over, {"deferrable": True}),
    "deferrable, mapped": Mode(hand_over, {"deferrable": True}, map_index=7),
    "deferrable, restarted": Mode(hand_over, {"deferrable": True}, restarts=(97.0, 204.0)),
    "deferrable, mapped, restarted": Mode(hand_over, {"deferrable": True}, map_index=7, restarts=(97.0, 204.0)),
}
USUAL_MODES = tuple(MODES)[:-1]
"""All but one whose triggerers begin anew with what only they were told: since when an id is unknown, for instance."""


@dataclass(frozen=True)
class End:
    """The end of a task: the state that Airflow gives it, the error behind it, and when."""

    state: str
    error: BaseException | None
    returned: Any
    at: float
    """Seconds after the task began."""
    left: list[str]
    """The things that went on for an hour after the end; nothing should."""

    @property
    def cause(self) -> str:
        """The class of the error, of a skip that of the reason for it."""
        error = self.error.__cause__ if isinstance(self.error, AirflowSkipException) else self.error
        return "" if error is None else type(error).__name__


def run(task: Task, patch: pytest.MonkeyPatch) -> End:
    """Run a task to its end, and an hour longer."""
    addresses = {"dag_id": "dag", "task_id": "wait", "run_id": "run", "map_index": task.mode.map_index}

    def read_xcom(address: Mapping[str, Any]) -> Any:
        assert addresses.items() <= address.items()
        return task.xcoms.get(address["key"])

    patch.setattr("airflow_provider_cgc.xcom.read_xcom", read_xcom)
    if hasattr(AIRFLOW, "_orig_start_date"):
        patch.setattr(AIRFLOW, "_orig_start_date", lambda **which: task.first_start)
    with task.scene.time.counts_pools():
        return task.scene.time.run(_run(task))


async def _run(task: Task) -> End:
    scene = task.scene
    scene.begin()
    error, returned = None, None
    try:
        returned = await task.mode.drive(task)
    except (Exception, AirflowTaskTimeout) as raised:  # noqa: BLE001  # as Airflow's task runner does
        error = raised
    at, begun = scene.time.clock() - scene.began, len(scene.line.begun)
    await asyncio.sleep(AFTERWARDS)
    left = [f"{request} after the end" for request in scene.line.begun[begun:]]
    left += [f"{other} goes on" for other in asyncio.all_tasks() - {asyncio.current_task()}]
    if scene.time.threads_at_work:
        left.append(f"{scene.time.threads_at_work} threads are at work")
    return End(final_state(error), error, returned, at, left)


def final_state(error: BaseException | None) -> str:
    """Give the state that Airflow's task runner gives a task which raised this; the order is its own."""
    if error is None:
        return "success"
    if isinstance(error, AirflowSkipException):
        return "skipped"
    if isinstance(error, (AirflowFailException, AirflowSensorTimeout)):
        return "failed"
    return "up_for_retry"
