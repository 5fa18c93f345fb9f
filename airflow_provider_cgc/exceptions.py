"""What a Dag sees when a wait does not end well.

Only `CgcJobsFailed` is an Airflow exception, because it must skip Airflow's retries: a FAILED job stays FAILED. The
others are ordinary errors on purpose: `soft_fail` turns Airflow's own exceptions into skips, and a refused token or
a bug must never end as a silent skip.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_cgc.compat import AirflowFailException
from airflow_provider_cgc.jobs.kinds import KINDS
from airflow_provider_cgc.jobs.report import describe_item, not_sent

MOST_CHARACTERS = 1500
MOST_ITEMS = 5
LONGEST_NAME = 80
LEAST_ROOM = 20
"""Characters below which an item would say nothing."""


class _WithSummary(Exception):
    """
    An error about many jobs. `str()` fits into a mail or a chat message: the counts, the first five items, what to do.

    :param summary: the value of the XCom `cgc_summary`, also as `.summary`.
    :param hint: one sentence on what to do next in Airflow.
    :param unsent: how many of the failed items were never sent.
    """

    def __init__(self, summary: Mapping[str, Any], hint: str = "", unsent: int = 0) -> None:
        self.summary = dict(summary)
        self.hint = hint
        self.unsent = unsent
        super().__init__(self._text())

    @property
    def failed(self) -> list[dict[str, Any]]:
        """The first hundred failed items, in the form that starts such a job, with job id, code and message."""
        return list(self.summary["failed_items"])

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.summary, self.hint, self.unsent)

    def _text(self) -> str:
        summary = self.summary
        kind = KINDS[summary["kind"]]
        counts = []
        if summary["failed"]:
            counts.append(f"{summary['failed']} FAILED{not_sent(self.unsent)}")
        if summary["missing"]:
            counts.append(f"{summary['missing']} unknown to the platform")
        head = f"Of {kind.count(summary['total'])}, {' and '.join(counts)}."
        left = summary["total"] - summary["completed"] - summary["failed"] - summary["missing"] - summary["skipped"]
        if left:
            head += f" {kind.still_running(left)}."
        items = [f"- {describe_item(_shortened(item))}" for item in summary["failed_items"][:MOST_ITEMS]]
        more = summary["failed"] + summary["missing"] - len(items)
        if more > 0:
            items.append(f"- and {more} more: see the task's log and its XCom 'cgc_summary'")
        return _fit(head, items, self.hint)


class CgcJobsFailed(_WithSummary, AirflowFailException):
    """Jobs ended FAILED or are unknown to the platform; Airflow does not retry the task."""


class CgcJobsIncomplete(_WithSummary):
    """
    Jobs ended FAILED, and some of them can succeed when they are started again, as a retry of the task does.

    An ordinary error, so that Airflow retries the task as the Dag says: what is done is not done again.
    """


class CgcExportsUncertain(AirflowFailException):
    """
    Of some exports nobody can tell whether an earlier attempt of the task has started them; not retried by Airflow.

    Nothing was sent, because that could move a file twice; what runs goes on.
    """


class CgcWaitError(Exception):
    """
    A task could not go on although its jobs may be well: the token, the rights or the connection are wrong.

    Retried as the Dag says. Nothing was cancelled; the task can be cleared when the cause is mended: a sensor only
    waits, and an operator starts only what is missing.
    """


class CgcExportsUnsettled(CgcWaitError):
    """
    Of some exports it is not known yet whether they were started, or how they ended, or a job of another run is in
    their way for now; a retry of the task looks again.

    Nothing that may run is sent again, and nothing was cancelled.
    """


class CgcTriggerError(Exception):
    """The trigger crashed, could not be loaded, or sent an event that is none of ours; its text has what is known."""


class CgcBadInput(ValueError):
    """An argument of an operator or sensor is wrong; nothing on the platform was changed."""


class CgcInputRefused(CgcBadInput, AirflowFailException):
    """
    What an operator is to move cannot be moved like this; nothing was submitted, and Airflow does not retry the task.

    The text has up to ten problems, each with its remedy, and counts the others.
    """


def _shortened(item: Mapping[str, Any]) -> dict[str, Any]:
    """Cut the long names from the left, so that the file's own name, the code and the message stay in sight."""
    names = {key: item[key] for key in ("location", "name") if isinstance(item.get(key), str)}
    cut = {key: f"...{name[3 - LONGEST_NAME :]}" for key, name in names.items() if len(name) > LONGEST_NAME}
    return {**item, **cut}


def _fit(head: str, items: list[str], hint: str) -> str:
    """Join the parts within the limit; the items give way, the head and the hint stay."""
    room = MOST_CHARACTERS - len(head) - len(hint) - 2
    each = room // max(len(items), 1) - 1
    if each < LEAST_ROOM:
        items = []
    body = "\n".join(item if len(item) <= each else f"{item[: each - 3]}..." for item in items)
    return "\n".join(part for part in (head, body, hint) if part)[:MOST_CHARACTERS]
