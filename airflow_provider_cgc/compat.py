"""Every difference between Airflow's versions that matters here, with the version at which the branch can go.

The versions that are tested are `LINES` in `dev/constraints.py`; `make constraints` and `make matrix` follow them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseOperator,
    BaseSensorOperator,
    PokeReturnValue,
    XCom,
    conf,
)
from asgiref.sync import sync_to_async

try:
    from airflow.sdk.exceptions import AirflowRescheduleException, TaskDeferralError, TaskDeferralTimeout
except ImportError:  # Airflow before 3.2; can go with the floor there
    from airflow.exceptions import AirflowRescheduleException, TaskDeferralError  # type: ignore[no-redef]  # as above

    try:
        from airflow.exceptions import TaskDeferralTimeout  # type: ignore[no-redef]  # as above
    except ImportError:  # Airflow 2.11 raises its own timeout instead; can go with the floor at 3.0
        TaskDeferralTimeout = AirflowTaskTimeout  # type: ignore[misc,assignment]  # only where there is no other

try:
    from airflow.providers.common.compat.sdk import RetryPolicy
except ImportError:  # Airflow before 3.3 asks no policies; can go with the floor there
    RetryPolicy = object  # type: ignore[misc,assignment]  # only where there is no other

try:
    from airflow.sdk.bases.xcom import BaseXCom
except ImportError:  # Airflow 2.11; can go with the floor at 3.0
    from airflow.models.xcom import BaseXCom  # type: ignore[no-redef]  # as above

try:
    from airflow.sdk.exceptions import AirflowRuntimeError
except ImportError:  # Airflow 2.11, whose tasks ask the database themselves; can go with the floor at 3.0
    AirflowRuntimeError = None  # type: ignore[misc,assignment]  # as above

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from airflow.providers.common.compat.sdk import Context

__all__ = [
    "AirflowFailException",
    "AirflowRescheduleException",
    "AirflowRuntimeError",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "AirflowTaskTimeout",
    "BaseOperator",
    "BaseSensorOperator",
    "PokeReturnValue",
    "RetryPolicy",
    "TaskDeferralError",
    "TaskDeferralTimeout",
    "acting_as_component",
    "announced_kinds",
    "conf",
    "default_deferrable",
    "first_poke",
    "has_poked",
    "in_thread",
    "is_unmapped",
    "read_view",
    "read_xcom",
    "run_began",
    "stats",
    "tasks_need_database",
    "uncancelled",
    "view_address",
    "write_view",
]

P = ParamSpec("P")
T = TypeVar("T")

_PROCESS_CONTEXT = "_AIRFLOW_PROCESS_CONTEXT"
_RUNNING: set[asyncio.Task[Any]] = set()
"""The calls that `uncancelled` has begun, kept here because the loop itself holds tasks only weakly."""


@contextmanager
def acting_as_component() -> Iterator[None]:
    """
    Let this process find the connections in Airflow's database meanwhile, as Airflow's own commands do.

    From Airflow 3.1 on only a process that says so looks there; before, every one does.
    """
    before = os.environ.get(_PROCESS_CONTEXT)
    os.environ[_PROCESS_CONTEXT] = "server"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_PROCESS_CONTEXT]
        else:
            os.environ[_PROCESS_CONTEXT] = before


def tasks_need_database() -> bool:
    """Return True if a task reads its connections in Airflow's database; from Airflow 3.0 on it asks the API server."""
    return AirflowRuntimeError is None


def default_deferrable() -> bool:
    """Return Airflow's own default for `deferrable`."""
    return bool(conf.getboolean("operators", "default_deferrable", fallback=False))


def first_poke(context: Context) -> datetime | None:
    """
    Return the time from which a rescheduled sensor's timeout counts, or None at its first poke.

    From Airflow 3.0 on that is the first poke of this try, on 2.11 the first poke of the first try, as in Airflow's own
    sensor base class.
    """
    ti: Any = context["ti"]
    if hasattr(ti, "get_first_reschedule_date"):
        return ti.get_first_reschedule_date(context)  # type: ignore[no-any-return]  # Airflow is untyped here
    # Airflow 2.11; can go with the floor at 3.0
    return _first_poke_since(ti, first_try=(ti.max_tries or 0) - (context["task"].retries or 0) + 1)


def is_unmapped(task: Any) -> bool:
    """
    Return True if a mapped task is being made in the worker that runs it.

    An error is then raised before the task has begun: Airflow 2.11 calls no failure callback for it.
    """
    return bool(getattr(task, "_BaseOperator__from_mapped", False))


def has_poked(context: Context) -> bool:
    """Return True if a rescheduled sensor has poked before in this try."""
    ti: Any = context["ti"]
    if hasattr(ti, "get_first_reschedule_date"):
        return ti.get_first_reschedule_date(context) is not None
    # Airflow 2.11; can go with the floor at 3.0
    return _first_poke_since(ti, first_try=ti.try_number) is not None


def _first_poke_since(ti: Any, *, first_try: int) -> datetime | None:
    from airflow.sensors.base import _orig_start_date

    return _orig_start_date(  # type: ignore[no-any-return]  # Airflow is untyped here
        dag_id=ti.dag_id, task_id=ti.task_id, run_id=ti.run_id, map_index=ti.map_index, try_number=first_try
    )


def run_began(context: Context) -> datetime:
    """
    Return a time before which no task of this Dag run can have begun, by Airflow's clock.

    Not the run's start date alone, because a Clear sets a new one. `run_after` (Airflow 3) or the end of the data
    interval (Airflow 2.11) is never later than the run's first start, unless it was given by hand; and never as early
    as the run before, whose jobs do not belong to this run.
    """
    run: Any = context["dag_run"]
    names = ("run_after", "data_interval_end", "logical_date")
    planned = next((moment for name in names if (moment := getattr(run, name, None)) is not None), None)
    known: list[datetime] = [moment for moment in (planned, run.start_date) if moment is not None]
    return min(known)


async def in_thread(call: Callable[..., T], *args: Any, executor: ThreadPoolExecutor | None = None, **kwargs: Any) -> T:
    """
    Await a blocking call to Airflow, which continues in its thread even if the awaiting task is cancelled.

    Without an executor the thread is the one that all of Airflow's triggers share. Exceptions of the call are raised.
    `uncancelled` explains why `sync_to_async` alone is not enough.
    """
    in_a_thread = sync_to_async(call, thread_sensitive=executor is None, executor=executor)
    return await uncancelled(in_a_thread, *args, **kwargs)


async def uncancelled(call: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """
    Await a call to Airflow that continues even if the awaiting task is cancelled.

    Every request of a triggerer to Airflow must go through here, blocking ones through `in_thread`. From Airflow 3.0 to
    3.2.1, if a message to the triggerer's supervisor is cancelled, its answer is taken for that of the next message,
    and this ends the triggerer with the deferred tasks of every Dag. `sync_to_async` also cancels a message that its
    thread is sending. Can go with the floor at 3.2.2. Exceptions of the call are raised.
    """
    task = asyncio.get_running_loop().create_task(call(*args, **kwargs))
    _RUNNING.add(task)
    task.add_done_callback(_ended)
    # asyncio.wait() leaves its tasks running when it is cancelled. So does asyncio.shield(), but from Python 3.14 on it
    # logs an exception that the call raises afterwards, although `_ended` has retrieved it
    # (https://github.com/python/cpython/issues/156321).
    await asyncio.wait({task})
    return task.result()


def _ended(task: asyncio.Task[Any]) -> None:
    _RUNNING.discard(task)
    if not task.cancelled():
        # The awaiting task may be gone, and asyncio logs an exception that nobody has retrieved.
        task.exception()


def read_xcom(address: Mapping[str, Any]) -> Any:
    """
    Read one XCom by its address: keys dag_id, task_id, run_id, map_index, key.

    Blocking; on an event loop use `in_thread`.
    """
    return XCom.get_one(
        key=address["key"],
        dag_id=address["dag_id"],
        task_id=address["task_id"],
        run_id=address["run_id"],
        map_index=address["map_index"],
    )


def stats() -> Any:
    """Return Airflow's metrics."""
    from airflow.providers.common.compat.sdk import Stats

    return Stats


def announced_kinds() -> tuple[type, ...]:
    """Return the types of outlets that have an event of their own: assets and, on Airflow 3, references to them."""
    from airflow.providers.common.compat.sdk import Asset

    try:
        from airflow.sdk.definitions.asset import AssetRef
    except ImportError:  # Airflow 2.11; can go with the floor at 3.0
        return (Asset,)
    return Asset, AssetRef


def view_address(ti: Any) -> dict[str, Any]:
    """Return the address of a task instance's XComs, for `read_view` and `write_view`."""
    return {"dag_id": ti.dag_id, "task_id": ti.task_id, "run_id": ti.run_id, "map_index": ti.map_index}


def write_view(address: Mapping[str, Any], key: str, value: Any) -> None:
    """
    Write an XCom that is only displayed. It bypasses a custom XCom backend, which would leave a file for each write.

    Blocking; on an event loop use `in_thread`.
    """
    BaseXCom.set(key=key, value=value, **address)


def read_view(address: Mapping[str, Any], key: str) -> Any:
    """Read an XCom that `write_view` wrote; None if there is none. Blocking; on an event loop use `in_thread`."""
    return BaseXCom.get_one(key=key, **address)
