"""The progress lines of a wait, which stay few.

Gives lines to log and never logs: a trigger's lines reach their task only from the trigger's own coroutine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.errors.problem import as_sentence
from airflow_provider_cgc.jobs.kinds import Phase
from airflow_provider_cgc.jobs.text import duration, human_bytes, in_seconds
from airflow_provider_cgc.jobs.waiting.summary import not_sent
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
"""Looks must become so many times slower before it is worth a line."""


@dataclass(slots=True)
class ProgressLog:
    """The lines of a wait: at its start, at the first failure, when trouble or slowness comes, else every half hour."""

    said_at: float | None = None
    said: tuple[int, int] | None = None
    in_trouble_since: float | None = None
    trouble_said_at: float | None = None
    slowed_to: float | None = None
    unanswered: str | None = None
    """The reason why the last look failed; None if it did not."""

    def line(self, tracker: JobTracker, now: float) -> str | None:
        """Return the line to log at `now` (epoch seconds), or None if silence is better."""
        facts = (tracker.closed, tracker.bad)
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
            f"Looking at each job about every {told} s instead of every {in_seconds(asked)}, so that Airflow keeps to"
            " its share of the platform's requests."
        )

    def to_json(self) -> dict[str, Any]:
        """Return the state that must survive between two pokes of a rescheduled sensor."""
        return {
            "said_at": self.said_at,
            "said": list(self.said) if self.said else None,
            "in_trouble_since": self.in_trouble_since,
            "trouble_said_at": self.trouble_said_at,
            "slowed_to": self.slowed_to,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> ProgressLog:
        """Restore the state that `to_json` has stored."""
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
        (states[Phase.RUNNING] + states[Phase.UNKNOWN], "running"),
        (states[Phase.PENDING], "pending"),
        (states[Phase.DRAFT], "not started yet"),
        (states[NOT_FOUND], "not known to the platform so far"),
        (states[""], "not seen yet"),
    ):
        if count:
            parts.append(f"{count} {word}")
    if tracker.bytes:
        parts.append(human_bytes(tracker.bytes))
    return ", ".join(parts) + "."


def no_answer(error: CgcError, conn_id: str) -> str:
    """Return the reason why a look failed, with the connection that it was made with."""
    return f"{as_sentence(error)} This task asks with connection {conn_id!r}."
