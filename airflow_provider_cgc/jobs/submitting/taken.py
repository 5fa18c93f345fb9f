"""Jobs that FAILED because something was in the way, where another job of the same task has put it there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.jobs.submitting.search import find

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_cgc.jobs.submitting.account import Account
    from airflow_provider_cgc.jobs.submitting.order import Order

WHOLE_SECONDS = 2.0
"""Seconds by which a job of this task may seem older than the task: both times are in whole seconds."""


def take_back(
    order: Order,
    account: Account,
    *,
    since: datetime | None,
    alike: Callable[[Any, Any], bool] = lambda one, other: True,
    log_info: Callable[[str], object],
) -> str | None:
    """
    Count such jobs as completed; return a sentence if the other job still runs.

    :param since: the platform's clock before anything of this task was sent; None if it is not known.
    :param alike: compares a job that failed with one that may have done the same.
    """
    taken = account.taken()
    if not taken or since is None:
        return None
    shown = find(order, taken, since=since, details=order.bulk_get)
    running: str | None = None
    earliest = since - timedelta(seconds=WHOLE_SECONDS)
    taken_back: list[Any] = []
    for key, job in taken.items():
        ours = (one for one in shown.found.get(key, ()) if one.started_on and one.started_on >= earliest)
        best = next((one for one in ours if alike(one, job)), None)
        if best is not None and order.kind.completed(best):
            account.count_completed(job, best)
            taken_back.append((best, job.error.code))
        elif best is not None and not order.kind.failed(best):
            name = order.kind.name.capitalize()
            running = f"{name} {best.id} of an earlier attempt is still running ({order.describe(key)})."
    if taken_back:
        best, code = taken_back[0]
        log_info(
            f"{order.kind.count(len(taken_back))} found the result there already ({code}), put there by another job of"
            f" this task, such as {best.id}: counted as completed."
        )
    return running
