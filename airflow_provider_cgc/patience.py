"""Calls of Airflow from a worker, which are tried again while its database or API server is busy or away."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from airflow_provider_cgc.compat import AirflowRuntimeError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

__all__ = ["PAUSES", "despite_trouble", "is_passing_trouble", "patiently", "push_xcom", "task_state_store"]

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

PAUSES = (1.0, 5.0, 15.0)
"""Seconds between the tries of what a worker must leave in Airflow's database while that is busy or away."""


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
    """Return True if an error means that Airflow's database or API server was busy or away, and may be back."""
    if AirflowRuntimeError is not None and isinstance(error, AirflowRuntimeError):
        detail = getattr(error.error, "detail", None)
        status = detail.get("status_code") if isinstance(detail, Mapping) else 0
        return status is None or (isinstance(status, int) and status >= 500)
    # Airflow 2.11, or a call within the API server's own process; a worker of Airflow 3 need not have SQLAlchemy.
    errors = sys.modules.get("sqlalchemy.exc")
    return errors is not None and isinstance(error, (errors.OperationalError, errors.TimeoutError))


@contextmanager
def despite_trouble(what: str, *, warn: Callable[[str], object]) -> Iterator[None]:
    """Go on where Airflow's database stays busy or away, with a warning that says `what` could not be done."""
    try:
        yield
    except Exception as error:
        if not is_passing_trouble(error):
            raise
        warn(f"{what}: {type(error).__name__}: {error}")


def push_xcom(ti: Any, key: str, value: Any) -> None:
    """Push an XCom that others need, and try again while the database is busy."""
    patiently(ti.xcom_push, key=key, value=value)


def task_state_store(context: Context) -> Any | None:
    """Return the store that survives tries and pokes, or None where Airflow has none (before 3.3)."""
    store = context.get("task_state_store")
    return None if store is None else _PatientStore(store)


class _PatientStore:
    """The task state store, which tries again while the database is busy."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value that is stored under a key."""
        return patiently(self._store.get, key, default)

    def set(self, key: str, value: Any) -> None:
        """Store a value."""
        patiently(self._store.set, key, value)

    def delete(self, key: str) -> None:
        """Forget a key."""
        patiently(self._store.delete, key)
