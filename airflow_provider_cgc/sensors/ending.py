"""The end of a wait, and the exception that it means: the one place that decides it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.errors import CgcError
from airflow_provider_cgc.compat import AirflowSensorTimeout, AirflowTaskTimeout
from airflow_provider_cgc.exceptions import CgcJobsFailed, CgcJobsIncomplete, CgcJobsNotYetKnown, CgcWaitError
from airflow_provider_cgc.jobs.text import in_seconds, joined, storable
from airflow_provider_cgc.jobs.waiting.summary import Outcome, Summary, manifest_line

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient


@dataclass(frozen=True, slots=True)
class End:
    """
    The end of a wait.

    :param reason: for an error, why the wait cannot go on; for a time that is over, why the last look failed, if it
        did.
    :param cause: the exception behind `reason`.
    :param may_pass: some of what failed can succeed when it is started again, as a retry of the task does.
    :param not_yet_known: for an error, why the task is not over although its jobs may be, in whole sentences.
    """

    outcome: Outcome
    summary: Summary
    reason: str | None = None
    cause: BaseException | None = None
    may_pass: bool = False
    not_yet_known: str | None = None


def with_names(end: End, client: Callable[[], CgcClient], *, warn: Callable[[str], object]) -> End:
    """Return an end whose first failures have names, looked up in one request where their items have none."""
    kind = end.summary.kind
    nameless = [item[kind.subject] for item in end.summary.failed_items if _has_no_name(item, kind.subject)]
    if kind.names is None or not nameless:
        return end
    try:
        names = kind.names(client(), nameless)
    except CgcError as error:
        warn(f"The names of failed items could not be looked up: {error}")
        return end
    items = [
        {**item, "name": storable(names[item[kind.subject]])}
        if _has_no_name(item, kind.subject) and item[kind.subject] in names
        else item
        for item in end.summary.failed_items
    ]
    return replace(end, summary=replace(end.summary, failed_items=items)) if names else end


def error_of(
    end: End, *, what_to_do: Callable[[Summary], str], clear: str, conn_id: str, limit: object
) -> BaseException:
    """
    Return the exception of a wait that ended in any way but success.

    :param what_to_do: says what to do about jobs that failed.
    :param clear: what a Clear of the task does, as the end of a sentence.
    :param conn_id: the connection that the task asks with.
    :param limit: the time that is over, where one is: the sensor's `timeout` or the task's `execution_timeout`.
    """
    if end.outcome is Outcome.FAILED:
        return _failed(end, what_to_do(end.summary))
    if end.outcome is Outcome.ERROR:
        return _error(end, clear, conn_id)
    return _late(end, clear, limit)


def _has_no_name(item: Mapping[str, Any], subject: str) -> bool:
    return bool(item.get(subject)) and not item.get("name")


def _failed(end: End, what_to_do: str) -> BaseException:
    summary, unsent = end.summary.to_json(), end.summary.unsent
    if not end.may_pass:
        return CgcJobsFailed(summary, what_to_do, unsent)
    return CgcJobsIncomplete(
        summary,
        "Some failures may be temporary: a retry, if the task has one left, sends only those items again. After the"
        f" last retry: {what_to_do}",
        unsent,
    )


def _error(end: End, clear: str, conn_id: str) -> BaseException:
    manifest = manifest_line(end.summary)
    if end.not_yet_known is not None:
        return CgcJobsNotYetKnown(
            joined(
                f"{end.not_yet_known} Let this task be retried, or clear it (it asks with connection {conn_id!r}):"
                f" {clear}.",
                manifest,
            )
        )
    text = joined(
        end.reason or "The platform refuses to answer.",
        _still(end.summary, known=False),
        f"Nothing was cancelled. When the cause is fixed (this task asks with connection {conn_id!r}), clear this"
        f" task: {clear}.",
        manifest,
    )
    error = _with_summary(CgcWaitError(text), end.summary)
    error.__cause__ = end.cause
    return error


def _late(end: End, clear: str, limit: object) -> BaseException:
    is_own = end.outcome is Outcome.TIMEOUT
    name = "timeout" if is_own else "execution_timeout"
    text = joined(
        f"The {name} of {in_seconds(limit) if isinstance(limit, int | float) else limit} is over.",
        f"{end.summary.completed} of {end.summary.kind.count(end.summary.total)} completed.",
        _still(end.summary, known=end.reason is None),
        f"The last look at them failed: {end.reason}" if end.reason else "",
        f"If they need longer, give this task a larger {name}. Then clear it: {clear}.",
        manifest_line(end.summary),
    )
    return _with_summary(AirflowSensorTimeout(text) if is_own else AirflowTaskTimeout(text), end.summary)


def _still(summary: Summary, *, known: bool) -> str:
    left, kind = summary.left, summary.kind
    if not left:
        return ""
    return f"{kind.still_running(left)}." if known else f"{kind.count(left)} may still run."


def _with_summary(error: BaseException, summary: Summary) -> BaseException:
    vars(error)["summary"] = summary.to_json()  # Airflow's own classes have no such field
    return error
