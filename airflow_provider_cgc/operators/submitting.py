"""Sending of what has to be sent, with the record kept before and after, and the errors when something went wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_provider_cgc.client.errors import CgcError
from airflow_provider_cgc.client.errors.problem import as_sentence
from airflow_provider_cgc.exceptions import CgcJobsNotYetKnown, CgcWaitError
from airflow_provider_cgc.jobs.kinds import EXPORT

if TYPE_CHECKING:
    from airflow_provider_cgc.jobs.submitting.attempt import Exporting
    from airflow_provider_cgc.jobs.submitting.ledger import Ledger
    from airflow_provider_cgc.jobs.submitting.manifest import ItemOutcome
    from airflow_provider_cgc.jobs.submitting.submit import Sent
    from airflow_provider_cgc.operators.record import Record

MOST_NAMED = 10
"""Objects in the way that a dry run names."""


def send(
    exporting: Exporting, ledger: Ledger, record: Record, *, conn_id: str, say: Callable[[str], object]
) -> list[ItemOutcome]:
    """
    Send what has to be sent, and give how every item stands; the manifest tells it before, and whatever happens after.

    :param conn_id: the connection that is asked with, for the manifest.
    :param say: takes a line to log.
    :raises CgcInputRefused: if the manifest cannot be written, and nothing was sent before.
    :raises CgcWaitError: if not everything was sent that should have been; a retry sends what is missing.
    :raises CgcJobsNotYetKnown: if nobody can tell yet what was sent, or a job of another run is in the way; a retry
        looks again.
    """
    user = ledger.owner.partition(" at ")[0]
    record.announce(exporting.outcomes(user=user, conn_id=conn_id))
    for line in exporting.intent():
        say(line)
    try:
        exporting.send(ledger)
    except CgcError as error:
        raise CgcWaitError(
            f"{as_sentence(error)} {EXPORT.count(len(exporting.sent.started))} started before that go on. Mend"
            " the cause, then clear this task, or let it be retried: it looks what was started, and sends only what"
            " is missing."
        ) from error
    finally:
        outcomes = exporting.outcomes(user=user, conn_id=conn_id)
        record.write(outcomes)
    for line in exporting.told():
        say(line)
    _refuse_what_is_open(exporting.sent)
    return outcomes


def obstacles_line(locations: list[str], *, overwrite: bool) -> str:
    """Say which of the objects to be sent are there already, and what would come of it."""
    fate = "would be overwritten" if overwrite else "would fail these items"
    named = ", ".join(map(repr, locations[:MOST_NAMED])) + (", ..." if len(locations) > MOST_NAMED else "")
    return f"{len(locations)} of the objects to be sent are there already and {fate}: {named}."


def _refuse_what_is_open(sent: Sent) -> None:
    if sent.uncertain:
        # A retry searches before it sends, and says for good if nobody can tell.
        raise CgcJobsNotYetKnown(
            f"Of {EXPORT.count(len(sent.uncertain))} it is not known whether they were started"
            f" ({next(iter(sent.uncertain.values()))}). Those that were go on; a retry, or a Clear, looks for them"
            " again and sends only what certainly was not started."
        )
    if sent.error is not None:
        raise CgcWaitError(
            f"{as_sentence(sent.error)} {EXPORT.count(len(sent.started))} started before that go on, and"
            f" {len(sent.unsent)} were not sent. Mend the cause, then clear this task: it sends only what is"
            " missing."
        ) from sent.error
    if sent.held:
        raise CgcJobsNotYetKnown(
            f"Not sent for now: {EXPORT.count(len(sent.held))}, because {next(iter(sent.held.values()))}. What was"
            " started goes on. Let this task be retried, or clear it, when that job has ended: it sends only what is"
            " missing."
        )
