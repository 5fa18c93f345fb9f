"""The task that wrote a line of a manifest, and the facts that its next attempt needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_cgc.jobs.submitting.items import BadItem
from airflow_provider_cgc.jobs.text import moment, shown


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """
    The facts of a task in a line of its manifest.

    The line may be of another release, or edited by hand: what cannot be read is not known.

    :param id: the task of one Dag run; None if the line does not say.
    :param max_tries: Airflow's number, which a Clear raises and a retry does not. It is only compared.
    :param try_number: the try that wrote the line. It is only compared.
    :param succeeded: there is nothing left to do.
    :param since: the platform's clock before anything of the task was sent.
    :param cleared: the task was cleared since it failed.
    :param owner: the sender, such as "rfranklin at cgc-api.sbgenomics.com".
    :param dry_run: the line is of a dry run: the item would have been sent, and nothing was.
    """

    id: str | None = None
    max_tries: object = None
    try_number: object = None
    succeeded: bool = False
    since: datetime | None = None
    cleared: bool | None = None
    owner: str | None = None
    dry_run: bool = False

    @classmethod
    def from_json(cls, raw: Mapping[str, Any] | None) -> TaskFacts:
        """
        Read the facts in a line; all are unknown if it has none.

        :raises BadItem: if it is not clear whether it is of a dry run.
        """
        raw = raw or {}
        dry_run = raw.get("dry_run")
        if not isinstance(dry_run, bool | None):
            raise BadItem(
                f"has {shown(dry_run)} for 'dry_run' of its 'task', of type {type(dry_run).__name__}, not bool; take it"
                " as it was written"
            )
        name, cleared, owner = raw.get("id"), raw.get("cleared"), raw.get("owner")
        return cls(
            id=name if isinstance(name, str) else None,
            max_tries=raw.get("max_tries"),
            try_number=raw.get("try"),
            succeeded=bool(raw.get("succeeded")),
            since=moment(raw.get("since")),
            cleared=cleared if isinstance(cleared, bool) else None,
            owner=str(owner) if owner else None,
            dry_run=dry_run is True,
        )

    def to_json(self) -> dict[str, Any] | None:
        """Return the facts for a line; None if there are none."""
        if self.id is None:
            return None
        since = None if self.since is None else self.since.isoformat()
        known = {"since": since, "cleared": self.cleared, "owner": self.owner, "dry_run": self.dry_run or None}
        return {
            "id": self.id,
            "max_tries": self.max_tries,
            "try": self.try_number,
            "succeeded": self.succeeded,
        } | {name: value for name, value in known.items() if value is not None}


NO_TASK = TaskFacts()
"""The facts in a line that names no task."""
