"""The exceptions of a wait that did not end with its jobs: what is known of them, and what a Clear of the task does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_cgc.compat import AirflowSensorTimeout, AirflowTaskTimeout
from airflow_provider_cgc.exceptions import CgcWaitError
from airflow_provider_cgc.jobs.kinds import KINDS
from airflow_provider_cgc.jobs.waiting.summary import manifest_line


def timeout_error(
    summary: Mapping[str, Any], reason: str | None, *, is_own: bool, limit: object, clear: str
) -> BaseException:
    """
    Return Airflow's exception for a time that is over, with the summary as `.summary`, like those of this package.

    :param reason: why the last look at the jobs failed, if it did.
    :param is_own: it is the sensor's `timeout`; otherwise the task's `execution_timeout`.
    :param limit: what that is.
    :param clear: what a Clear of the task does, as the end of a sentence.
    """
    name = "timeout" if is_own else "execution_timeout"
    text = joined(
        f"The {name} of {f'{limit:g} s' if isinstance(limit, int | float) else limit} is over.",
        f"{summary['completed']} of {KINDS[summary['kind']].count(summary['total'])} completed.",
        _still(summary, known=reason is None),
        f"The last look at them failed: {reason}" if reason else "",
        f"If they need longer, give this task a larger {name}. Then clear it: {clear}.",
        manifest_line(summary),
    )
    return _with_summary(AirflowSensorTimeout(text) if is_own else AirflowTaskTimeout(text), summary)


def wait_error(
    summary: Mapping[str, Any], reason: str | None, *, conn_id: str, clear: str, cause: BaseException | None
) -> BaseException:
    """Return the exception for a wait that cannot go on; see `timeout_error`."""
    text = joined(
        reason or "The platform refuses to answer.",
        _still(summary, known=False),
        f"Nothing was cancelled. When the cause is mended (this task asks with connection {conn_id!r}), clear this"
        f" task: {clear}.",
        manifest_line(summary),
    )
    error = _with_summary(CgcWaitError(text), summary)
    error.__cause__ = cause
    return error


def open_jobs(summary: Mapping[str, Any]) -> int:
    """Return how many jobs have not ended."""
    ended = sum(summary[name] for name in ("completed", "failed", "missing", "skipped"))
    return int(summary["total"] - ended)


def joined(*sentences: str) -> str:
    """Join the sentences that are there."""
    return " ".join(filter(None, sentences))


def _still(summary: Mapping[str, Any], *, known: bool) -> str:
    left, kind = open_jobs(summary), KINDS[summary["kind"]]
    if not left:
        return ""
    return f"{kind.still_running(left)}." if known else f"{kind.count(left)} may still run."


def _with_summary(error: BaseException, summary: Mapping[str, Any]) -> BaseException:
    vars(error)["summary"] = dict(summary)  # Airflow's own classes have no such field
    return error
