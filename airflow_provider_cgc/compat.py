"""Every place where Airflow's versions differ for us, one comment each with the version at which it can go."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
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
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "AirflowTaskTimeout",
    "BaseOperator",
    "BaseSensorOperator",
    "PokeReturnValue",
    "RetryPolicy",
    "TaskDeferralError",
    "TaskDeferralTimeout",
    "announced_kinds",
    "conf",
    "default_deferrable",
    "first_poke",
    "has_poked",
    "in_thread",
    "is_passing_trouble",
    "is_unmapped",
    "patiently",
    "push_xcom",
    "read_view",
    "read_xcom",
    "run_began",
    "stats",
    "task_state_store",
    "uncancelled",
    "view_address",
    "write_view",
]

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

PAUSES = (1.0, 5.0, 15.0)
"""Seconds between the tries of what a worker must leave in Airflow's database while that is busy or away."""

_UNDER_WAY: set[asyncio.Task[Any]] = set()
"""What `uncancelled` has begun: the loop itself holds tasks weakly."""


def default_deferrable() -> bool:
    """Return Airflow's own default for `deferrable`."""
    return bool(conf.getboolean("operators", "default_deferrable", fallback=False))


def task_state_store(context: Context) -> Any | None:
    """Return the store that survives tries and pokes, or None where Airflow has none (before 3.3)."""
    store = context.get("task_state_store")
    return None if store is None else _PatientStore(store)


class _PatientStore:
    """The task state store, which tries again while the database is busy."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def get(self, key: str, default: Any = None) -> Any:
        """Return what is stored under a key."""
        return patiently(self._store.get, key, default)

    def set(self, key: str, value: Any) -> None:
        """Store a value."""
        patiently(self._store.set, key, value)

    def delete(self, key: str) -> None:
        """Forget a key."""
        patiently(self._store.delete, key)


def patiently(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """
    Call Airflow from a worker, and try again where its database or API server is busy or away; else raise at once.

    SQLite lets one process write at a time, and tells the others after a few seconds that it is locked. Only for calls
    that may be repeated; on an event loop it would stop everybody.
    """
    for pause in PAUSES:
        try:
            return call(*args, **kwargs)
        except Exception as error:
            if not is_passing_trouble(error):
                raise
            log.info("Airflow's database is busy or away (%s); trying again in %g s.", type(error).__name__, pause)
        time.sleep(pause)
    return call(*args, **kwargs)


def is_passing_trouble(error: BaseException) -> bool:
    """Say whether an error means that Airflow's database or API server was busy or away, and may be back."""
    if AirflowRuntimeError is not None and isinstance(error, AirflowRuntimeError):
        detail = getattr(error.error, "detail", None)
        status = detail.get("status_code") if isinstance(detail, Mapping) else 0
        return status is None or (isinstance(status, int) and status >= 500)
    # Airflow 2.11, or a call within the API server's own process; a worker of Airflow 3 need not have SQLAlchemy.
    errors = sys.modules.get("sqlalchemy.exc")
    return errors is not None and isinstance(error, (errors.OperationalError, errors.TimeoutError))


def push_xcom(ti: Any, key: str, value: Any) -> None:
    """Push an XCom that others need, and try again while the database is busy."""
    patiently(ti.xcom_push, key=key, value=value)


def first_poke(context: Context) -> datetime | None:
    """
    Return the time from which a rescheduled sensor's timeout counts, or None at its first poke.

    From Airflow 3.0 on that is the first poke of this try, on 2.11 the first one of the first try: the same as
    Airflow's own sensor base class uses.
    """
    ti: Any = context["ti"]
    if hasattr(ti, "get_first_reschedule_date"):
        return ti.get_first_reschedule_date(context)  # type: ignore[no-any-return]  # Airflow is untyped here
    # Airflow 2.11; can go with the floor at 3.0
    return _first_poke_since(ti, first_try=(ti.max_tries or 0) - (context["task"].retries or 0) + 1)


def is_unmapped(task: Any) -> bool:
    """
    Say whether a mapped task is being made in the worker that runs it.

    An error then comes before the task's own life: Airflow 2.11 calls no failure callback for it.
    """
    return bool(getattr(task, "_BaseOperator__from_mapped", False))


def has_poked(context: Context) -> bool:
    """Say whether a rescheduled sensor has poked before in this very try."""
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

    Not the run's start date alone: a Clear sets it anew. `run_after` (Airflow 3) or the end of the data interval
    (Airflow 2.11) is never later than the run's first start, unless somebody has given it by hand; and never as early
    as the run before, whose jobs are none of this one's.
    """
    run: Any = context["dag_run"]
    names = ("run_after", "data_interval_end", "logical_date")
    planned = next((moment for name in names if (moment := getattr(run, name, None)) is not None), None)
    known: list[datetime] = [moment for moment in (planned, run.start_date) if moment is not None]
    return min(known)


async def in_thread(call: Callable[..., T], *args: Any, executor: ThreadPoolExecutor | None = None, **kwargs: Any) -> T:
    """
    Await a blocking call to Airflow, which goes on in its thread even if whoever awaits it is cancelled.

    Without an executor the thread is the one that all of Airflow's triggers share. Raises what the call raises. Why
    not `sync_to_async` alone: see `uncancelled`.
    """
    in_a_thread = sync_to_async(call, thread_sensitive=executor is None, executor=executor)
    return await uncancelled(in_a_thread, *args, **kwargs)


async def uncancelled(call: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """
    Await a call to Airflow that goes on even if whoever awaits it is cancelled.

    Whatever a triggerer asks of Airflow or tells it must go through here, blocking calls through `in_thread`. From
    Airflow 3.0 to 3.2.1 a cancelled message to the triggerer's supervisor leaves its answer to the next message, and
    that ends the triggerer with the deferred tasks of every Dag. `sync_to_async` also cancels the message that its
    thread has under way. Can go with the floor at 3.2.2. Raises what the call raises.
    """
    task = asyncio.get_running_loop().create_task(call(*args, **kwargs))
    _UNDER_WAY.add(task)
    task.add_done_callback(_ended)
    # asyncio.wait() leaves its tasks running when it is cancelled. So does asyncio.shield(), but from Python 3.14 on it
    # logs as an error what the call raises after that, though `_ended` has looked at it
    # (https://github.com/python/cpython/issues/156321).
    await asyncio.wait({task})
    return task.result()


def _ended(task: asyncio.Task[Any]) -> None:
    _UNDER_WAY.discard(task)
    if not task.cancelled():
        # Whoever asked may be gone; asyncio complains of an exception that nobody has looked at.
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
    """Return the kinds of outlets that have an event of their own: assets and, on Airflow 3, references to them."""
    from airflow.providers.common.compat.sdk import Asset

    try:
        from airflow.sdk.definitions.asset import AssetRef
    except ImportError:  # Airflow 2.11; can go with the floor at 3.0
        return (Asset,)
    return Asset, AssetRef


def view_address(ti: Any) -> dict[str, Any]:
    """Return the address of what a task instance shows, for `read_view` and `write_view`."""
    return {"dag_id": ti.dag_id, "task_id": ti.task_id, "run_id": ti.run_id, "map_index": ti.map_index}


def write_view(address: Mapping[str, Any], key: str, value: Any) -> None:
    """
    Write an XCom that is only looked at, past a custom XCom backend, which would leave a file for each write.

    Blocking; on an event loop use `in_thread`.
    """
    BaseXCom.set(key=key, value=value, **address)


def read_view(address: Mapping[str, Any], key: str) -> Any:
    """Read what `write_view` has written, None if there is nothing. Blocking; on an event loop use `in_thread`."""
    return BaseXCom.get_one(key=key, **address)
