"""What a wait says: progress lines that stay few, and the table of failures at its end.

Gives lines to log and never logs: a trigger's lines reach their task only from the trigger's own coroutine.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.problems import REMEDIES, as_sentence, one_line
from airflow_provider_cgc.jobs.kinds import KINDS
from airflow_provider_cgc.jobs.tracker import NOT_FOUND, JobTracker

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
"""Failures that the table at the end spells out; the summary in XCom has a hundred, the counts have all."""
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
        return (
            f"Looking at each job about every {every:.0f} s instead of every {asked:g} s, so that Airflow keeps to its"
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
    bad = summary["failed"] + summary["missing"]
    others = f", {summary['skipped']} skipped" if summary["skipped"] else ""
    others += f", {bad} failed{not_sent(unsent)} and tolerated" if bad else ""
    return f"{summary['completed']} of {kind.count(summary['total'])} completed{others}{took}{size}."


def failure_table(summary: Mapping[str, Any], *, rows: int = MOST_ROWS) -> list[str]:
    """
    Return the lines that end the log of a failed wait: each failed item, the platform's code and message, what to do.

    One remedy is said once per code, under the items that it is for.
    """
    items = summary["failed_items"][:rows]
    bad = summary["failed"] + summary["missing"]
    lines: list[str] = []
    for code in dict.fromkeys(item["code"] for item in items):
        lines += [f"  {describe_item(item)}" for item in items if item["code"] == code]
        remedy = REMEDIES.get(code) if code is not None else None
        if remedy is not None:
            lines.append(f"  What to do about {code}: {remedy.text}")
    if bad > len(items):
        lines.append(f"  ... and {bad - len(items)} more; XCom 'cgc_summary' has up to 100 of them.")
    return lines


def describe_item(item: Mapping[str, Any]) -> str:
    """Name one failed item in one line, whatever its key holds: its key, where from or to, what the platform said."""
    name = str(item.get("name") or "")
    where = str(item.get("location") or name or item.get("id") or "")
    shown = f" ({name})" if not where.rstrip("/").endswith(name) else ""
    ends = (("file", "file"), ("project", "to project"), ("parent", "to folder"))
    others = "".join(f", {word} {item[key]}" for key, word in ends if item.get(key))
    code = f"{item['code']}: " if item.get("code") is not None else ""
    about = f"{where}{shown}{others}".removeprefix(", ")
    return one_line(f"{about}: {code}{item['message']}", LONGEST_ROW)


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
