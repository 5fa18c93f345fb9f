"""The work of a process that may be killed: a part of a task, with as much of Airflow around it as it needs.

The parts are those that Airflow runs in processes of their own: `execute`, each rescheduled poke, the trigger,
`resume`. What Airflow keeps of a task (XComs, the task state store, the trigger's row) is in files. Every request,
every write to the store, to XCom and to the manifest is a step; the process can be told to kill itself before or after
the n-th.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import signal
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial, wraps
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from airflow.providers.common.compat.sdk import TaskDeferred
from fsspec.implementations.local import LocalFileSystem

from airflow_provider_cgc import storage, xcom
from airflow_provider_cgc.client.endpoints import bulk_edit, records
from airflow_provider_cgc.client.http.wire import Wire
from airflow_provider_cgc.compat import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowTaskTimeout,
    BaseOperator,
)
from airflow_provider_cgc.exceptions import CgcInputRefused
from airflow_provider_cgc.hooks import cgc
from airflow_provider_cgc.jobs.submitting import ledger, submit
from airflow_provider_cgc.operators.base import CgcSubmittingOperator
from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.imports import CgcBulkImportOperator
from dev.virtual_time import VirtualTime
from tests.crash.clock import PlatformClock
from tests.fakes.task_instance import TaskInstance

OPERATORS: dict[str, type[CgcSubmittingOperator]] = {
    "exports": CgcBulkExportOperator,
    "imports": CgcBulkImportOperator,
}
IS_AIRFLOW_3 = importlib.util.find_spec("airflow.sdk") is not None


def run(part: dict[str, Any], clock: PlatformClock) -> None:
    """Run one part and leave its end in `end.json`; or die on the way."""
    folder = Path(part["folder"])
    clock.connect(part["url"])
    os.environ["AIRFLOW_CONN_CGC_DEFAULT"] = part["connection"]
    ledger.BULK_LIMIT = submit.BULK_LIMIT = part["chunk"]
    bulk_edit.chunks_of = partial(records.chunks_of, size=part["chunk"])  # type: ignore[attr-defined]  # smaller ones
    CgcSubmittingOperator.event_grace = 0.0
    steps = Steps(part["kill_at"], folder / "killed")
    _watch(steps)
    xcoms = _File(folder / "xcoms.json", steps, "xcom")
    xcom.read_xcom = lambda address: xcoms.get(address["key"])
    kinds = {"execute": _execute, "poke": _execute, "trigger": _trigger, "resume": _resume}
    end = kinds[part["part"].partition(" ")[0]](part, folder, steps, xcoms, clock)
    steps.step("the end of the part")
    _replace(folder / "end.json", {**end, "steps": steps.labels})


class Steps:
    """Counts steps, and kills the process at one of them."""

    def __init__(self, kill_at: int | None, mark: Path) -> None:
        self._kill_at = kill_at
        self._mark = mark
        self._lock = threading.Lock()
        self.labels: list[str] = []

    def step(self, label: str) -> None:
        with self._lock:
            self.labels.append(label)
            if len(self.labels) - 1 == self._kill_at:
                self._mark.write_text(label)
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Make a function two steps."""

        @wraps(function)
        def stepping(*args: Any, **kwargs: Any) -> Any:
            what = f"{name} {args[1]}" if name == "request" else name
            self.step(f"before {what}")
            result = function(*args, **kwargs)
            self.step(f"after {what}")
            return result

        return stepping


class _File:
    """Keys and values in a file, whole at any time: Airflow's XComs of a task, or its task state store."""

    def __init__(self, path: Path, steps: Steps, name: str) -> None:
        self._path = path
        self._steps = steps
        self._name = name

    def _all(self) -> dict[str, Any]:
        values: dict[str, Any] = json.loads(self._path.read_text()) if self._path.exists() else {}
        return values

    def get(self, key: str, default: Any = None) -> Any:
        return self._all().get(key, default)

    def set(self, key: str, value: Any) -> None:
        self._steps.step(f"before {self._name} {key}")
        _replace(self._path, self._all() | {key: value})

    def delete(self, key: str) -> None:
        self._steps.step(f"before {self._name} without {key}")
        _replace(self._path, {name: value for name, value in self._all().items() if name != key})


def _watch(steps: Steps) -> None:
    Wire.exchange = steps.around("request", Wire.exchange)  # type: ignore[method-assign]  # spied on
    storage.write_lines = steps.around("manifest", storage.write_lines)
    LocalFileSystem.mv = steps.around("rename", LocalFileSystem.mv)


def _execute(part: dict[str, Any], folder: Path, steps: Steps, xcoms: _File, clock: PlatformClock) -> dict[str, Any]:
    _replace(folder / "xcoms.json", {})  # as Airflow does when a try or a poke begins
    return _ended(folder, lambda: _with_mark(*_task(part, folder, steps, xcoms)))


def _resume(part: dict[str, Any], folder: Path, steps: Steps, xcoms: _File, clock: PlatformClock) -> dict[str, Any]:
    operator, context = _task(part, folder, steps, xcoms)
    kwargs = {"event": part["event"]}
    return _ended(folder, lambda: operator.resume_execution(part["method"], kwargs, context))


def _trigger(part: dict[str, Any], folder: Path, steps: Steps, xcoms: _File, clock: PlatformClock) -> dict[str, Any]:
    module, name = part["row"][0].rsplit(".", 1)

    async def event() -> Any:
        trigger = getattr(importlib.import_module(module), name)(**part["row"][1])
        return [event.payload async for event in trigger.run()]

    [payload] = _LoopTime(clock).run(event())
    return {"state": "event", "event": payload}


class _LoopTime(VirtualTime):
    """Virtual time that takes the platform's clock along."""

    def __init__(self, clock: PlatformClock) -> None:
        self._clock = clock
        self._passed = 0.0
        super().__init__(start=clock.time())

    @property
    def _elapsed(self) -> float:
        return self._passed

    @_elapsed.setter
    def _elapsed(self, seconds: float) -> None:
        if seconds > self._passed:
            self._clock.advance(seconds - self._passed)
        self._passed = seconds


def _task(part: dict[str, Any], folder: Path, steps: Steps, xcoms: _File) -> tuple[Any, dict[str, Any]]:
    operator = OPERATORS[part["kind"]](task_id=part["kind"], retries=part["retries"], **part["arguments"])

    ti = TaskInstance(
        part["kind"],
        try_number=part["try_number"],
        max_tries=part["max_tries"],
        xcoms=xcoms,
        first_poke=_first_poke(part),
    )
    began = datetime.fromtimestamp(part["run_began"], UTC)
    # Airflow 2.11 has no `run_after`; a Clear sets the start date anew.
    named = "run_after" if IS_AIRFLOW_3 else "data_interval_end"
    run = SimpleNamespace(**{named: began, "start_date": datetime.fromtimestamp(part["started"], UTC)})
    context = {"ti": ti, "task": operator, "dag_run": run}
    if part["store"]:
        context["task_state_store"] = _File(folder / "store.json", steps, "store")
    return operator, context


def _first_poke(part: dict[str, Any]) -> Callable[[], datetime | None] | None:
    """Tell since when a task is rescheduled: Airflow 3 forgets it at each try, Airflow 2.11 asks from a try on."""

    def first_poke(from_try: int) -> datetime | None:
        began = (began for number, began in part["rescheduled"] if number >= from_try)
        return next((datetime.fromtimestamp(moment, UTC) for moment in began), None)

    if IS_AIRFLOW_3:
        return lambda: first_poke(part["try_number"])
    base = importlib.import_module("airflow.sensors.base")
    vars(base)["_orig_start_date"] = lambda *, try_number, **key: first_poke(try_number)
    return None


def _with_mark(operator: Any, context: dict[str, Any]) -> Any:
    """Call `execute` with the mark by which Airflow knows its own task runner."""
    module = importlib.import_module(BaseOperator.__module__)
    mark = getattr(module.ExecutorSafeguard, "sentinel_value", None) or module._sentinel  # Airflow 2.11 has the latter
    return operator.execute(context, **{f"{type(operator).__name__}__sentinel": mark})


def _ended(folder: Path, call: Callable[[], Any]) -> dict[str, Any]:
    try:
        returned = call()
    except TaskDeferred as deferral:
        row = list(deferral.trigger.serialize())
        return {"state": "deferred", "row": row, "method": deferral.method_name}
    except AirflowRescheduleException:
        return {"state": "reschedule"}
    except (Exception, AirflowTaskTimeout) as error:  # noqa: BLE001  # as Airflow's task runner does
        traceback.print_exc()
        state = "failed" if isinstance(error, AirflowFailException) else "up_for_retry"
        return {"state": state, "error": f"{type(error).__name__}: {error}"}
    return {"state": "success", "returned": returned}


def warm_up(folder: Path) -> None:
    """Read a connection, and run a task that is refused: what Airflow imports for it, every fork then has."""
    nowhere = {"conn_type": "cgc", "password": "token-of-nobody", "extra": {"platform": "cgc"}}
    os.environ["AIRFLOW_CONN_CGC_DEFAULT"] = json.dumps(nowhere)
    cgc.CgcHook().get_conn().close()
    part = {"retries": 0, "try_number": 1, "max_tries": 0, "run_began": 0.0, "started": 0.0, "store": False}
    steps = Steps(None, folder / "killed")
    for kind, needed in (("exports", {"copy_only": True}), ("imports", {"project": "demo-lab/none"})):
        this = part | {"kind": kind, "arguments": {"items": [], **needed}, "rescheduled": []}
        with suppress(CgcInputRefused):
            _with_mark(*_task(this, folder, steps, _File(folder / "xcoms.json", steps, "xcom")))


def _replace(path: Path, value: Mapping[str, Any]) -> None:
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(value))
    beside.replace(path)
