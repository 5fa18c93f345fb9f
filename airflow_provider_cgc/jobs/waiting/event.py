"""The one event that a trigger sends: what it holds, and how a worker reads it as if a stranger had sent it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_cgc.jobs.kinds import KINDS
from airflow_provider_cgc.jobs.waiting.causes import NO_REASON, causes_of
from airflow_provider_cgc.jobs.waiting.tracker import Outcome

VERSION = 1
_COUNTS = ("total", "completed", "failed", "missing", "skipped", "bytes")


@dataclass(frozen=True, slots=True)
class WaitEvent:
    """How a wait ended, with its summary; `error` is set for `Outcome.ERROR` and says what to do.

    For a deadline it is set if the last look failed, and says why.
    """

    outcome: Outcome
    summary: dict[str, Any]
    error: str | None = None
    view: Mapping[str, Any] | None = None
    """What was shown of the wait (`LiveView.to_json`); nothing depends on it."""
    unsent: int = 0
    """How many of the failed ones were never sent; for the words of an error alone."""

    def to_json(self) -> dict[str, Any]:
        """Return the payload of the trigger's event."""
        return {
            "version": VERSION,
            "kind": self.summary["kind"],
            "outcome": self.outcome.value,
            "summary": self.summary,
            "error": self.error,
            "view": self.view,
            "unsent": self.unsent,
        }

    @classmethod
    def from_json(cls, payload: Any, *, kind: str) -> WaitEvent:
        """
        Read an event that claims to end a wait for `kind`.

        Raises ValueError, saying what is wrong, for anything but an event of this version that adds up: a payload may
        be lost on its way, and trigger and worker may run different releases.
        """
        if not isinstance(payload, Mapping):
            raise ValueError(f"the event is {payload!r}, not a mapping")
        if payload.get("version") != VERSION:
            raise ValueError(f"the event has version {payload.get('version')!r}, this release reads {VERSION}")
        if payload.get("kind") != kind or kind not in KINDS:
            raise ValueError(f"the event is about {payload.get('kind')!r}, this task waits for {kind!r}")
        known = [outcome.value for outcome in Outcome]
        if payload.get("outcome") not in known:
            raise ValueError(f"the event has the outcome {payload.get('outcome')!r}, none of {known}")
        summary = _summary(payload.get("summary"), kind)
        outcome = Outcome(payload["outcome"])
        _check(outcome, summary)
        error, view, unsent = payload.get("error"), payload.get("view"), payload.get("unsent")
        return cls(
            outcome=outcome,
            summary=summary,
            error=None if error is None else str(error),
            view=view if isinstance(view, Mapping) else None,
            unsent=unsent if type(unsent) is int and 0 <= unsent <= summary["failed"] else 0,
        )


def _summary(value: Any, kind: str) -> dict[str, Any]:
    if not isinstance(value, Mapping) or value.get("kind") != kind:
        raise ValueError("the event has no summary of this kind")
    summary = dict(value)
    for name in _COUNTS:
        count = summary.get(name)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise ValueError(f"the event's summary has {count!r} for {name!r}, not a count")
    items = summary.get("failed_items")
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise ValueError("the event's summary has no list of failed items")
    if len(items) > summary["failed"] + summary["missing"]:
        raise ValueError(f"the event's summary describes {len(items)} failed items, more than it counts")
    summary["failed_items"] = [_item(item) for item in items]
    summary.setdefault("seconds", None)
    if summary["seconds"] is not None and not (is_number(summary["seconds"]) and summary["seconds"] >= 0):
        raise ValueError(f"the event's summary has {summary['seconds']!r} for 'seconds', not a duration")
    summary.setdefault("manifest", None)
    summary["causes"] = causes_of(summary)
    return summary


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in what the table of failures needs, should another release have left it out."""
    code, message = item.get("code"), item.get("message")
    known = {
        "code": code if isinstance(code, int) else None,
        "message": message if isinstance(message, str) else NO_REASON,
    }
    return {**item, **known}


def is_number(value: Any) -> bool:
    """Tell a number from anything else that JSON may hold; true, false and what no float can hold are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _check(outcome: Outcome, summary: Mapping[str, Any]) -> None:
    """Refuse an outcome that its own counts contradict: above all a success with a job that did not complete."""
    ended = summary["completed"] + summary["skipped"]
    bad = summary["failed"] + summary["missing"]
    if ended + bad > summary["total"]:
        raise ValueError(f"the event's summary counts {ended + bad} jobs of {summary['total']}")
    if outcome is Outcome.COMPLETED and ended != summary["total"]:
        raise ValueError(f"the event says completed, but only {ended} of {summary['total']} jobs are")
    if outcome is Outcome.FAILED and not bad:
        raise ValueError("the event says failed, but names no job that is")
