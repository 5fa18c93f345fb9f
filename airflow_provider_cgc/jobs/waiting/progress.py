"""What a wait says: progress lines that stay few, and the table of failures at its end.

Gives lines to log and never logs: a trigger's lines reach their task only from the trigger's own coroutine.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.errors.problem import REMEDIES, as_sentence, one_line
from airflow_provider_cgc.jobs.kinds import KINDS
from airflow_provider_cgc.jobs.waiting.causes import Group, groups_of
from airflow_provider_cgc.jobs.waiting.tracker import NOT_FOUND, JobTracker

if TYPE_CHECKING:
    from airflow_provider_cgc.client.errors import CgcError

QUIET = 30 * 60.0
"""Seconds that pass at least between two lines while all is well."""
HEARTBEAT = 60 * 60.0
"""Seconds after which a line comes even when nothing changed."""
HICCUP = 10.0
"""Seconds of trouble whose end is not worth a line: other requests of the same look may well have been answered."""
MUCH_SLOWER = 1.5
"""How many times slower looks must become before it is worth a line."""
MOST_ROWS = 10
"""Failures that the table at the end names; the summary in XCom has a hundred, the counts have all."""
_MOST_BYTES = 10**30
"""More than this is nobody's data, and whole numbers without end are no floats."""
LONGEST_ROW = 3000
"""Characters of one row: a key and a name of 1,024 each, and a message."""


@dataclass(slots=True)
class ProgressLog:
    """When a wait speaks: at its start, at the first failure, when trouble or slowness comes, else every half hour."""

    said_at: float | None = None
    said: tuple[int, int] | None = None
    in_trouble_since: float | None = None
    trouble_said_at: float | None = None
    slowed_to: float | None = None
    unanswered: str | None = None
    """Why the last look failed; None if it did not."""

    def line(self, tracker: JobTracker, now: float) -> str | None:
        """Return the line to log at `now` (epoch seconds), or None if silence is better."""
        facts = (tracker.closed, tracker.failed + tracker.missing)
        if self.said_at is not None and self.said is not None:
            silence = now - self.said_at
            first_failure = facts[1] > 0 and self.said[1] == 0
            due = silence >= (QUIET if facts != self.said else HEARTBEAT)
            if not (due or first_failure):
                return None
        self.said_at, self.said = now, facts
        return progress(tracker)

    def trouble(self, reason: str, now: float, *, next_look: float) -> str | None:
        """Return a line when looking does not work, once per trouble and half hour; `next_look` is in seconds."""
        self.unanswered = reason
        if self.in_trouble_since is None:
            self.in_trouble_since = now
        if self.trouble_said_at is not None and now - self.trouble_said_at < QUIET:
            return None
        self.trouble_said_at = now
        return f"{reason} The jobs are not affected; looking again in {next_look:.0f} s."

    def recovered(self, now: float) -> str | None:
        """Return a line when looking works again, if the trouble was said and was more than a hiccup of one request."""
        since, self.in_trouble_since, self.unanswered = self.in_trouble_since, None, None
        if since is None or self.trouble_said_at is None or self.trouble_said_at < since or now - since < HICCUP:
            return None
        return f"The platform answers again after {duration(now - since)}."

    def slowed(self, every: float, *, asked: float) -> str | None:
        """Return a line when jobs are looked at less often than `asked` (seconds), and again when it gets far worse."""
        if every < MUCH_SLOWER * max(asked, self.slowed_to or 0.0):
            return None
        self.slowed_to = every
        told = f"{every:.0f}" if every >= 1 else f"{every:.1g}"
        return (
            f"Looking at each job about every {told} s instead of every {asked:g} s, so that Airflow keeps to its"
            " share of the platform's requests."
        )

    def to_json(self) -> dict[str, Any]:
        """Return what must survive between two pokes of a rescheduled sensor."""
        return {
            "said_at": self.said_at,
            "said": list(self.said) if self.said else None,
            "in_trouble_since": self.in_trouble_since,
            "trouble_said_at": self.trouble_said_at,
            "slowed_to": self.slowed_to,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> ProgressLog:
        """Continue where `to_json` left off."""
        said = state.get("said")
        return cls(
            said_at=state.get("said_at"),
            said=(int(said[0]), int(said[1])) if said else None,
            in_trouble_since=state.get("in_trouble_since"),
            trouble_said_at=state.get("trouble_said_at"),
            slowed_to=state.get("slowed_to"),
        )


def progress(tracker: JobTracker) -> str:
    """Say in one line how the jobs stand."""
    states = Counter(tracker.open.values())
    parts = [f"{tracker.completed} of {tracker.kind.count(tracker.total)} completed"]
    for count, word in (
        (tracker.failed, f"failed{not_sent(tracker.unsent)}"),
        (tracker.missing, "unknown to the platform"),
        (tracker.skipped, "skipped"),
        (states["RUNNING"] + states["UNKNOWN"], "running"),
        (states["PENDING"], "pending"),
        (states[NOT_FOUND], "not known to the platform so far"),
        (states[""], "not seen yet"),
    ):
        if count:
            parts.append(f"{count} {word}")
    if tracker.bytes:
        parts.append(human_bytes(tracker.bytes))
    return ", ".join(parts) + "."


def not_sent(count: int) -> str:
    """Say after a number of failed items how many of them were never sent, if any were not."""
    return f" (of which {count} {'was' if count == 1 else 'were'} not sent)" if count else ""


def closing_line(summary: Mapping[str, Any], *, unsent: int = 0) -> str:
    """Say in one line how a wait that ended well ended."""
    kind = KINDS[summary["kind"]]
    if not summary["total"]:
        return f"There were no {kind.plural}: nothing had to be done."
    took = f" in {duration(summary['seconds'])}" if summary["seconds"] is not None else ""
    size = f", {human_bytes(summary['bytes'])}" if summary["bytes"] else ""
    bad = [f"{summary['failed']} failed{not_sent(unsent)}"] if summary["failed"] else []
    bad += [f"{summary['missing']} unknown to the platform"] if summary["missing"] else []
    others = f", {summary['skipped']} skipped" if summary["skipped"] else ""
    others += f", {' and '.join(bad)} and tolerated" if bad else ""
    return f"{summary['completed']} of {kind.count(summary['total'])} completed{took}{size}{others}."


def failure_table(summary: Mapping[str, Any], *, rows: int = MOST_ROWS) -> list[str]:
    """
    Return the lines that end the log of a failed wait: the causes, the largest first, each with what to do, said once
    for each code, and with failed items; a row says all that is known of one, for who searches the log for a file.
    """
    groups = groups_of(summary)
    shares = shared_out(groups, rows)
    lines: list[str] = []
    advised: set[int | None] = set()
    for group, share in zip(groups, shares, strict=True):
        remedy = REMEDIES.get(group.code) if group.code is not None and group.code not in advised else None
        advice = f"What to do about {group.code}: {remedy.text}" if remedy is not None else ""
        advised.add(group.code)
        named = [f"  {describe_item(item)}" for item in group.items[:share]]
        if group.count == 1 and named:
            lines += named + ([f"  {advice}"] if advice else [])
            continue
        lines += [f"  {cause_words(group)}. {advice}".rstrip(), *(f"  {row}" for row in named)]
        if named and group.count > share:
            lines.append(f"    ... and {group.count - share} more")
    if sum(group.count for group in groups) > sum(shares) and summary["failed_items"]:
        lines.append(f"  XCom 'cgc_summary' has {len(summary['failed_items'])} of them.")
    return lines + [f"  {line}" for line in [manifest_line(summary)] if lines and line]


def manifest_line(summary: Mapping[str, Any]) -> str:
    """Say where all items are, if there is a manifest."""
    where = one_line(summary.get("manifest"), LONGEST_ROW)
    return f"All items, with what became of each, are in the manifest {where}" if where else ""


def cause_words(group: Group) -> str:
    """Say how many failures a cause has, and name it."""
    if group.is_uncounted:
        return f"{group.count} not counted by cause"
    message = group.message.removesuffix(".")
    cause = f": {message}" if group.code is None else f" with {group.code} ({message})"
    return one_line(f"{group.count}{cause}", LONGEST_ROW)


def shared_out(groups: Sequence[Group], rows: int) -> list[int]:
    """Share rows out among the causes: one for each as far as they reach, the largest causes first, then in turn."""
    shares = [0] * len(groups)
    while rows > sum(shares) and (short := [n for n, one in enumerate(groups) if shares[n] < len(one.items)]):
        for number in short[: rows - sum(shares)]:
            shares[number] += 1
    return shares


def name_item(item: Mapping[str, Any]) -> str:
    """Name one item in one line, whatever its key holds: its key, and where from or to."""
    name = str(item.get("name") or "")
    where = str(item.get("location") or name or item.get("id") or "")
    shown = f" ({name})" if not where.rstrip("/").endswith(name) else ""
    ends = (("file", "file"), ("project", "to project"), ("parent", "to folder"))
    others = "".join(f", {word} {item[key]}" for key, word in ends if item.get(key))
    return one_line(f"{where}{shown}{others}".removeprefix(", "), LONGEST_ROW)


def describe_item(item: Mapping[str, Any]) -> str:
    """Name one failed item in one line, and say what the platform said."""
    code = f"{item['code']}: " if item.get("code") is not None else ""
    return one_line(f"{name_item(item)}: {code}{item['message']}", LONGEST_ROW)


def human_bytes(count: float) -> str:
    """Write a number of bytes as people read it, in powers of 1000 like the platform's own pages."""
    size = float(min(count, _MOST_BYTES))
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if round(size, 1) < 1000 or unit == "TB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("unreachable: the loop ends at TB")


def duration(seconds: float) -> str:
    """Write seconds as people read them: 45 s, 12 min, 3 h 05 min."""
    if not math.isfinite(seconds):
        return "an unknown time"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def clock_time(epoch: float) -> str:
    """Write an epoch time in UTC, to the second; one that no calendar has is a number of seconds."""
    try:
        return datetime.fromtimestamp(epoch, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{epoch:g} s after 1970"


def no_answer(error: CgcError, conn_id: str) -> str:
    """Say why a look failed, and which of a deployment's connections it was made with."""
    return f"{as_sentence(error)} This task asks with connection {conn_id!r}."
