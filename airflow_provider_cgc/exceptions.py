"""The exceptions that a Dag sees when a wait does not end well.

`CgcJobsFailed`, `CgcJobsUncertain` and `CgcInputRefused` are Airflow exceptions, so that Airflow does not retry. The
others are ordinary errors on purpose: `soft_fail` turns Airflow's own exceptions into skips, and a refused token or a
bug must never become a silent skip.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from airflow_provider_cgc.client.errors.problem import REMEDIES, one_line
from airflow_provider_cgc.compat import AirflowFailException
from airflow_provider_cgc.jobs.kinds import KINDS, JobKind
from airflow_provider_cgc.jobs.waiting.causes import Group, causes_of
from airflow_provider_cgc.jobs.waiting.summary import (
    Summary,
    cause_words,
    describe_item,
    name_item,
    not_sent,
    shared_out,
)

MOST_CHARACTERS = 1500
MOST_ITEMS = 5
"""Failed items, and causes, that are named at most."""
LONGEST_NAME = 80
LONGEST_LINE = 240
"""Characters of a cause with its message, or of an item, if there are several causes."""
LONGEST_ADDRESS = 400


class _WithSummary(Exception):
    """
    An error about many jobs. `str()` fits into a mail or a chat message: the counts, the largest causes, each with its
    remedy and some of its items, the place of the full list, and what to do.

    :param summary: the value of the XCom `cgc_summary`, also as `.summary`.
    :param hint: one sentence on what to do next in Airflow.
    :param unsent: the number of failed items that were never sent.
    """

    def __init__(self, summary: Mapping[str, Any], hint: str = "", unsent: int = 0) -> None:
        self.summary = dict(summary)
        self.hint = hint
        self.unsent = unsent
        super().__init__(self._text())

    @property
    def failed(self) -> list[dict[str, Any]]:
        """The first hundred failed items, in the form of `items`, with job id, code and message."""
        return list(self.summary["failed_items"])

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.summary, self.hint, self.unsent)

    def _text(self) -> str:
        summary = _read(self.summary, self.unsent)
        counts = []
        if summary.failed:
            counts.append(f"{summary.failed} FAILED{not_sent(summary.unsent)}")
        if summary.missing:
            counts.append(f"{summary.missing} unknown to the platform")
        head = f"Of {summary.kind.count(summary.total)}, {' and '.join(counts)}."
        if summary.left:
            head += f" {summary.kind.still_running(summary.left)}."
        groups = summary.groups
        return _fit(head + _by_code(groups), _lines_about(groups, summary.kind), summary, self.hint)


class CgcJobsFailed(_WithSummary, AirflowFailException):
    """Jobs ended FAILED or are unknown to the platform; Airflow does not retry the task."""


class CgcJobsIncomplete(_WithSummary):
    """
    Jobs ended FAILED, and some of them can succeed if they are started again, as a retry of the task does.

    An ordinary error, so that Airflow retries the task as the Dag says; finished jobs are not started again.
    """


class CgcJobsUncertain(AirflowFailException):
    """
    It cannot be found out whether an earlier attempt of the task has started some jobs; not retried by Airflow.

    Nothing was sent, because that could move a file twice; running jobs continue.
    """


class CgcWaitError(Exception):
    """
    A task could not continue although its jobs may be fine: the token, the rights or the connection are wrong.

    Retried as the Dag says. Nothing was cancelled; the task can be cleared when the cause is fixed: a sensor only
    waits, and an operator starts only missing jobs.
    """


class CgcJobsNotYetKnown(CgcWaitError):
    """
    It is not known yet whether some jobs were started, or how they ended, or a job of another run is in the way for
    now; a retry of the task looks again.

    No job that may run is sent again, and nothing was cancelled.
    """


class CgcTriggerError(Exception):
    """The trigger crashed, could not be loaded, or sent an event of another form; the text has the details."""


class CgcBadInput(ValueError):
    """An argument of an operator or sensor is wrong; nothing on the platform was changed."""


class CgcInputRefused(CgcBadInput, AirflowFailException):
    """
    An argument, an item or a volume is wrong; nothing was submitted, and Airflow does not retry the task.

    Also raised while a Dag is parsed, for arguments that are no templates.

    The text has up to ten problems, each with its remedy, and counts the others.
    """


def _read(told: Mapping[str, Any], unsent: int) -> Summary:
    """Return the summary in an error's arguments; nothing is checked, so that no error fails because of it."""
    counts = {name: told[name] for name in ("total", "completed", "failed", "missing", "skipped")}
    known: dict[str, Any] = {"failed_items": told["failed_items"], "manifest": told.get("manifest")}
    return Summary(KINDS[told["kind"]], **counts, **known, causes=causes_of(told), unsent=unsent)


class _Line(NamedTuple):
    """A line of an error's text; if there is too little room, those of the highest rank are left out."""

    rank: int
    text: str
    names: int = 0
    """The number of failed items that it names."""


def _by_code(groups: Sequence[Group]) -> str:
    """Count the failures by code in a sentence, if there are several causes."""
    if sum(not group.is_uncounted for group in groups) < 2:
        return ""
    counts: Counter[str] = Counter()
    for group in groups:
        without = "not counted by cause" if group.is_uncounted else "without a code"
        counts[without if group.code is None else f"with {group.code}"] += group.count
    largest = counts.most_common(MOST_ITEMS)
    others = counts.total() - sum(count for _, count in largest)
    words = [f"{count} {what}" for what, count in largest] + ([f"{others} for other reasons"] if others else [])
    return f" By cause: {', '.join(words)}."


def _lines_about(groups: Sequence[Group], kind: JobKind) -> list[_Line]:
    """Return the lines about the largest causes; a cause outranks its remedy, and the remedy outranks names."""
    lines: list[_Line] = []
    advised: set[int] = set()
    shown = groups[:MOST_ITEMS]
    for group, share in zip(shown, shared_out(shown, MOST_ITEMS), strict=True):
        items = [_shortened(item, kind) for item in group.items[:share]]
        if group.count == 1 and items:
            lines.append(_Line(0, f"- {describe_item(items[0], kind)}", names=1))
        else:
            lines.append(_Line(0, f"- {cause_words(group)}"))
            lines += [_Line(2 + number, f"  {name_item(item, kind)}", names=1) for number, item in enumerate(items)]
        remedy = REMEDIES.get(group.code) if group.code is not None else None
        if group.code is not None and remedy is not None and group.code not in advised:
            advised.add(group.code)
            lines.append(_Line(1, f"  What to do about {group.code}: {remedy.text}"))
    others = groups[MOST_ITEMS:]
    if others:
        lines.append(_Line(0, f"- {sum(group.count for group in others)} with {len(others)} other causes"))
    return lines


def _shortened(item: Mapping[str, Any], kind: JobKind) -> dict[str, Any]:
    """Cut long names from the left, so that the item's own name, the code and the message stay visible."""
    names = {key: item[key] for key in (kind.title, "name") if isinstance(item.get(key), str)}
    if kind.title in names and kind.title != "name" and names[kind.title].endswith(names.get("name", "")):
        names["name"] = ""  # the title ends with it, even if it is cut
    cut = {key: f"...{name[3 - LONGEST_NAME :]}" if len(name) > LONGEST_NAME else name for key, name in names.items()}
    return {**item, **cut}


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def _fit(head: str, lines: Sequence[_Line], summary: Summary, hint: str) -> str:
    """Join the parts within the limit; lines are left out, the head, the place of the rest and the hint stay."""
    room = MOST_CHARACTERS - sum(len(part) + 1 for part in (head, _rest(summary.bad, summary), hint))
    kept: set[int] = set()
    longest = max(LONGEST_LINE, room // max(sum(line.rank == 0 for line in lines), 1) - 1)
    lines = [line if line.rank == 1 else line._replace(text=_cut(line.text, longest)) for line in lines]
    for number, line in sorted(enumerate(lines), key=lambda pair: pair[1].rank):
        if len(line.text) < room:
            kept.add(number)
            room -= len(line.text) + 1
    body = [line for number, line in enumerate(lines) if number in kept]
    rest = _rest(summary.bad - sum(line.names for line in body), summary)
    return "\n".join(part for part in (head, *(line.text for line in body), rest, hint) if part)[:MOST_CHARACTERS]


def _rest(unnamed: int, summary: Summary) -> str:
    """Name the place of the failures that are not named here."""
    manifest = _cut(one_line(summary.manifest), LONGEST_ADDRESS)
    if unnamed <= 0:
        return f"Manifest: {manifest}" if manifest else ""
    where = "see the XCom 'cgc_summary'"
    return f"- {unnamed} are not named here: {where}" + (f" or the manifest {manifest}" if manifest else "")
