"""The submitting half of the two made-up kinds: runs, which are made as drafts, and copies of many things in a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models.lists import Page
from airflow_provider_cgc.jobs.parts import part_ids
from airflow_provider_cgc.jobs.submitting.items import BadItem, Item, Key
from airflow_provider_cgc.jobs.submitting.order import Order
from tests.fakes.kinds import COPY, RUN, Copies, Runs, Thing

# --- runs


class RunKey(NamedTuple):
    project: str
    marker: str


@dataclass(frozen=True, slots=True)
class RunItem(Item):
    name: str
    project: str = "lab/p"

    ASKED = COLUMNS = ("name", "project")

    @classmethod
    def read(cls, entry: Any, line: str = "") -> RunItem:
        if not isinstance(entry, Mapping) or not entry.get("name"):
            raise BadItem("has no 'name'")
        return cls(entry["name"], entry.get("project") or "lab/p", line=line)

    def key(self) -> Key:
        return RunKey(self.project, f"[{self.name}]")


class RunOrder(Order):
    """A draft is found again by the marker that it carries; whoever waits starts it."""

    kind, has_lists = RUN, True

    def key_of(self, job: Thing, scope: str | None = None) -> Key | None:
        return RunKey(job.item["project"], f"[{job.item['name'].removeprefix('align ')}]")

    def scope_of(self, key: Key) -> str:
        return RunKey(*key).project

    def page(self, scope: str, offset: int = 0, *, state: Any = None, limit: int = 100) -> Page[Thing]:
        runs: ListedRuns = self.client.runs  # type: ignore[attr-defined]  # a made-up client
        shown = [] if state else [runs.shown(one) for one in runs.began][offset : offset + limit]
        return Page(tuple(shown), len(shown), None, datetime.fromtimestamp(runs.clock(), UTC))

    def body(self, key: Key) -> Mapping[str, Any]:
        return {"name": RunKey(*key).marker.strip("[]")}

    def create(self, bodies: Sequence[Mapping[str, Any]]) -> Sequence[BulkRecord[Any]]:
        return self.client.runs.create(bodies)  # type: ignore[attr-defined, no-any-return]  # a made-up client


@dataclass
class ListedRuns(Runs):
    """Runs that are made by a call, whose answer may be lost."""

    lost: list[Exception] = field(default_factory=list)

    def create(self, bodies: Sequence[Mapping[str, Any]]) -> list[BulkRecord[Any]]:
        self.add(ids := [body["name"] for body in bodies])
        if self.lost:
            raise self.lost.pop()
        return [BulkRecord(one) for one in ids]

    def shown(self, job_id: str) -> Thing:
        began = self.began[job_id] or self.clock()
        item = {"name": f"align {job_id}", "project": "lab/p"}
        return Thing(job_id, self.state(job_id), item, started_on=datetime.fromtimestamp(began, UTC))


# --- copies


@dataclass(frozen=True, slots=True)
class CopyItem(Item):
    name: str

    ASKED = COLUMNS = ("name",)

    @classmethod
    def read(cls, entry: Any, line: str = "") -> CopyItem:
        return cls(entry["name"] if isinstance(entry, Mapping) else str(entry), line=line)

    def key(self) -> Key:
        return (self.name,)


class CopyOrder(Order):
    """All that is sent together is one job; the platform lists none of them."""

    kind = COPY

    def key_of(self, job: Thing, scope: str | None = None) -> Key | None:
        return (job.item["name"],)

    def prepare(self, keys: Sequence[Key]) -> Mapping[Key, Problem]:
        self.prepared = list(keys)
        return {}

    def body(self, key: Key) -> Mapping[str, Any]:
        return {"name": key[0]}

    def create(self, bodies: Sequence[Mapping[str, Any]]) -> Sequence[BulkRecord[Any]]:
        copies: Copies = self.client.copies  # type: ignore[attr-defined]  # a made-up client
        job_id = f"copy{len(copies.jobs)}"
        copies.add(job_id, [body["name"] for body in bodies])
        return [BulkRecord(one) for one in part_ids(job_id, len(bodies))]
