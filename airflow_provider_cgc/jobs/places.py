"""Calls side by side, and volumes: one that the user may not see is a fact about an order, and no error."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_cgc.client.errors import CgcForbidden, CgcNotFound, CgcUsageError
from airflow_provider_cgc.client.errors.codes import NO_SUCH_VOLUME
from airflow_provider_cgc.client.errors.problem import Problem, one_line
from airflow_provider_cgc.jobs.files import problem_unless_gateway

if TYPE_CHECKING:
    from airflow_provider_cgc.client.client import CgcClient
    from airflow_provider_cgc.client.models import Volume

A = TypeVar("A")
R = TypeVar("R")


def volume_or_problem(client: CgcClient, volume_id: str) -> Volume | Problem:
    """Return a volume, or the reason why the platform does not show it. Raises any other `CgcError`."""
    try:
        return client.volumes.get(volume_id)
    except CgcUsageError as error:
        # An id that no path can hold: nothing was sent, and no volume can have it.
        return Problem(None, NO_SUCH_VOLUME, one_line(str(error)), made_here=True)
    except (CgcForbidden, CgcNotFound) as error:
        return problem_unless_gateway(error)


def side_by_side(call: Callable[[A], R], arguments: Iterable[A], threads: int) -> dict[A, R]:
    """Make calls in threads of their own; at the first error, calls that have not begun are dropped."""
    pool = ThreadPoolExecutor(max_workers=max(threads, 1), thread_name_prefix="cgc-side-by-side")
    try:
        calls = {argument: pool.submit(call, argument) for argument in arguments}
        ended, _ = wait(calls.values(), return_when=FIRST_EXCEPTION)
        for future in ended:
            future.result()
        return {argument: future.result() for argument, future in calls.items()}
    finally:
        # Reads may be left running: a task that is killed should not wait until eight requests have given up.
        pool.shutdown(wait=False, cancel_futures=True)
