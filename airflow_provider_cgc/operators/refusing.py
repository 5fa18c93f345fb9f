"""An order that is refused, or sent only in part: the errors, and the reasons in the manifest and the summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_cgc.client.errors.problem import as_sentence
from airflow_provider_cgc.exceptions import CgcBadInput, CgcInputRefused, CgcJobsNotYetKnown, CgcWaitError
from airflow_provider_cgc.jobs.submitting.outcomes import ItemState, tracker_of
from airflow_provider_cgc.jobs.text import BadInput, counted, joined

if TYPE_CHECKING:
    from airflow_provider_cgc.jobs.kinds import JobKind
    from airflow_provider_cgc.jobs.submitting.attempt import Attempt
    from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome
    from airflow_provider_cgc.jobs.waiting.summary import Summary
    from airflow_provider_cgc.operators.record import Record


@contextmanager
def refusing_bad_input() -> Iterator[None]:
    """Turn errors of the input into one that Airflow does not retry."""
    try:
        yield
    except CgcInputRefused:
        raise
    except (BadInput, CgcBadInput) as error:
        raise refusal(error) from None


def refusal(error: Exception, where: str = "") -> CgcInputRefused:
    """Return the error of a task that sends nothing; `where` is a sentence about where to read more."""
    return CgcInputRefused(f"{as_sentence(error)} This attempt has sent nothing. {where}".rstrip())


def write_reasons(
    outcomes: Iterable[ItemOutcome],
    record: Record,
    *,
    kind: JobKind,
    manifest: str | None,
    warn: Callable[[Exception], object],
) -> Summary:
    """
    Write the reasons why nothing was sent into the manifest, unless it has to stay, and return the summary.

    :param manifest: the manifest's address, for the summary.
    :param warn: takes the error of a storage that refuses the manifest.
    """
    outcomes = list(outcomes)
    tracker = tracker_of(kind, (one for one in outcomes if one.state is ItemState.FAILED))
    tracker.total = len(outcomes)
    try:
        written = record.write_refused(outcomes)
    except Exception as error:  # noqa: BLE001  # storages raise errors of every kind, and none may hide the refusal
        written = False
        warn(error)
    return replace(tracker.summary(), manifest=manifest if written else None)


def where_reasons_are(summary: Summary, *, manifest: str | None) -> str:
    """Name the places of the items' reasons, by the summary of `write_reasons`."""
    if summary.manifest:
        return f"All items, each with its reason, are in the manifest {manifest}"
    listed, failed = len(summary.failed_items), summary.failed
    of_all = f" of {failed}" if listed < failed else ""
    return joined(
        f"The XCom 'cgc_summary' has {counted(listed, 'reason')}{of_all}." if listed else "",
        f"The manifest {manifest} is left as it is: it may list jobs that were sent before." if manifest else "",
    )


def refuse_what_is_open(attempt: Attempt, *, clear: str) -> None:
    """
    Refuse to wait for an attempt that has not sent everything that it was to send.

    :param clear: the effect of clearing the task, as the end of a sentence.
    :raises CgcJobsNotYetKnown: if it is not known yet what was sent, or a job of another run is in the way.
    :raises CgcWaitError: if some items could not be sent.
    """
    kind, result = attempt.order.kind, attempt.result
    if result.uncertain:
        # A retry searches before it sends, and fails for good if it cannot find out.
        raise CgcJobsNotYetKnown(
            f"{kind.count(len(result.uncertain))} may or may not have been started"
            f" ({next(iter(result.uncertain.values()))}). Those that were started continue; a retry looks for them"
            f" again and sends only items that certainly were not started. Without a retry, clear this task: {clear}."
        )
    if result.error is not None:
        raise CgcWaitError(
            f"{as_sentence(result.error)} Started before that: {kind.count(len(result.started))} (started"
            f" {kind.plural} continue); not sent: {len(result.unsent)}. Fix the cause, then clear this task: {clear}."
        ) from result.error
    if held := attempt.plan.held():
        raise CgcJobsNotYetKnown(
            f"Not sent for now: {kind.count(len(held))}, because {held[0]}. Jobs that were started continue. When that"
            f" job has ended, let this task be retried, or clear it: {clear}."
        )
