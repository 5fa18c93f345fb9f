"""The places where Airflow shows a wait: its snapshot in the XCom `cgc_jobs`, its numbers among the metrics.

What is only looked at must not end a wait: whatever goes wrong here becomes a warning.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc import compat
from airflow_provider_cgc.jobs.waiting.snapshot import VERSION
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.links import links_of, push_links

if TYPE_CHECKING:
    from airflow_provider_cgc.client.http.budget import RateBudget

    Warn = Callable[[str], object]

SNAPSHOT_KEY = "cgc_jobs"

log = logging.getLogger(__name__)

_COUNTED: weakref.WeakKeyDictionary[RateBudget, tuple[int, int]] = weakref.WeakKeyDictionary()
_COUNTING = threading.Lock()
_COMPLAINED = threading.Event()


def write(address: Mapping[str, Any] | None, snapshot: Mapping[str, Any], *, warn: Warn) -> bool:
    """Write a snapshot, and set the gauges `cgc.jobs.<state>`; say whether it was written."""
    if address is None:
        return False
    written = False
    try:
        compat.write_view(address, SNAPSHOT_KEY, dict(snapshot))
        written = True
    except Exception as error:  # noqa: BLE001  # a display ends no wait
        warn(f"XCom {SNAPSHOT_KEY!r}, which shows the jobs in Airflow's UI, could not be written: {_named(error)}")
    with _metrics_may_fail():
        tags = {"kind": snapshot["kind"], "dag_id": address["dag_id"], "task_id": address["task_id"]}
        for state, count in snapshot["counts"].items():
            compat.stats().gauge(f"cgc.jobs.{state}", count, tags=tags)
    return written


def link(
    address: Mapping[str, Any] | None,
    snapshot: Mapping[str, Any],
    known: Mapping[str, str],
    *,
    warn: Warn,
) -> Mapping[str, str]:
    """Write the extra links that follow from a snapshot, if they are others than the `known` ones; give what is known
    then."""
    links = links_of_snapshot(snapshot)
    if address is None or links == known:
        return links
    return links if push_links(address, links, warn=warn) else known


def links_of_snapshot(snapshot: object) -> dict[str, str]:
    """Return the links that were written with a snapshot, by their keys."""
    if not isinstance(snapshot, Mapping):
        return {}
    web = snapshot.get("web")
    known = {name: snapshot.get(name) for name in ("project", "volume", "task")}
    return links_of(web if isinstance(web, str) else None, **known)


def read(address: Mapping[str, Any] | None, *, warn: Warn) -> Any:
    """Return the snapshot that was written last; None if there is none."""
    try:
        return None if address is None else compat.read_view(address, SNAPSHOT_KEY)
    except Exception as error:  # noqa: BLE001  # a display ends no wait
        warn(f"XCom {SNAPSHOT_KEY!r} could not be read, so that its history begins anew: {_named(error)}")
        return None


def break_off(address: Mapping[str, Any], *, now: float, warn: Warn) -> None:
    """Say in what was written last that the wait broke off; nothing where there is nothing."""
    last = read(address, warn=warn)
    if isinstance(last, dict) and last.get("version") == VERSION and "counts" in last:
        write(address, last | {"outcome": Outcome.ERROR.value, "at": now, "rate": None, "eta": None}, warn=warn)


def record_metrics(budget: RateBudget, seconds: float, *, kind: str, conn_id: str) -> None:
    """
    Time a look, `cgc.look`, and count the requests of this process that were not counted yet.

    `cgc.requests` are all, `cgc.requests_refused` those that were answered 429.
    """
    with _COUNTING:
        sent, refused = _COUNTED.get(budget, (0, 0))
        _COUNTED[budget] = sent_now, refused_now = budget.sent, budget.refused
    with _metrics_may_fail():
        stats = compat.stats()
        stats.timing("cgc.look", timedelta(seconds=seconds), tags={"kind": kind, "conn_id": conn_id})
        for name, count in (("cgc.requests", sent_now - sent), ("cgc.requests_refused", refused_now - refused)):
            if count > 0:
                stats.incr(name, count, tags={"conn_id": conn_id})


@contextmanager
def _metrics_may_fail() -> Iterator[None]:
    """Warn once in a process of a backend of metrics that fails: it is the deployment's, and all waits meet it."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  # a display ends no wait
        if not _COMPLAINED.is_set():
            _COMPLAINED.set()
            log.warning("Airflow's metrics could not be told about the jobs: %s", _named(error))


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
