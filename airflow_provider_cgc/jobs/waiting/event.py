"""The one event that a trigger sends: what it holds, and how a worker reads it as if a stranger had sent it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_cgc.jobs.kinds import KINDS
from airflow_provider_cgc.jobs.waiting.summary import Outcome, Summary

VERSION = 1


@dataclass(frozen=True, slots=True)
class WaitEvent:
    """The end of a wait, with its summary; `error` is set for `Outcome.ERROR` and says what to do.

    For a deadline it is set if the last look failed, and says why.
    """

    outcome: Outcome
    summary: Summary
    error: str | None = None
    view: Mapping[str, Any] | None = None
    """The live view of the wait (`LiveView.to_json`); nothing depends on it."""

    def to_json(self) -> dict[str, Any]:
        """Return the payload of the trigger's event."""
        return {
            "version": VERSION,
            "kind": self.summary.kind.name,
            "outcome": self.outcome.value,
            "summary": self.summary.to_json(),
            "error": self.error,
            "view": self.view,
            "unsent": self.summary.unsent,
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
        try:
            summary = Summary.from_json(payload.get("summary"), kind=KINDS[kind], unsent=payload.get("unsent"))
        except ValueError as wrong:
            raise ValueError(f"the event does not add up: {wrong}") from None
        outcome = Outcome(payload["outcome"])
        summary.check_outcome(outcome)
        error, view = payload.get("error"), payload.get("view")
        return cls(
            outcome=outcome,
            summary=summary,
            error=None if error is None else str(error),
            view=view if isinstance(view, Mapping) else None,
        )
