"""Two kinds of job that no platform has: runs, made as drafts and started one by one, and copies of many things."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

from airflow_provider_cgc.client.errors import CgcApiError, CgcError
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.http.budget import RateBudget
from airflow_provider_cgc.jobs.kinds import JobKind, Phase
from airflow_provider_cgc.jobs.parts import Parts, part_ids, records_of_parts, start_each

STARTED = Problem(403, 7007, "Only a draft can be run.")
UNKNOWN = Problem(404, 7002, "There is no such run.")


@dataclass(frozen=True)
class Thing:
    """One job, or one of many things that a job moves."""

    id: str
    state_text: str
    item: dict[str, Any]
    error: Problem | None = None
    size: int | None = None
    started_on: datetime | None = None
    finished_on: datetime | None = None


# --- runs


def phase_of_run(run: Thing) -> Phase:
    """QUEUED and RUNNING alternate; a state that nobody knows counts as running."""
    states = {"DRAFT": Phase.DRAFT, "QUEUED": Phase.PENDING, "RUNNING": Phase.RUNNING}
    ends = {"COMPLETED": Phase.COMPLETED, "FAILED": Phase.FAILED, "ABORTED": Phase.FAILED}
    return (states | ends).get(run.state_text, Phase.UNKNOWN)


RUN = JobKind(
    name="run",
    plural="runs",
    cancellable=True,
    phase=phase_of_run,
    endpoint=attrgetter("runs"),
    unknown_code=7002,
    columns=("name", "project", "app"),
    about=(("app", "with app"),),
    start=lambda client, ids: start_each(client.runs.start, ids),
    started_codes=frozenset({STARTED.code}),
)


@dataclass
class Runs:
    """An endpoint with runs, each of which takes a while from its start on."""

    clock: Callable[[], float]
    seconds: float = 600.0
    began: dict[str, float | None] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)
    refused: dict[str, Problem] = field(default_factory=dict)
    trouble: Callable[[str], CgcError | None] = lambda job_id: None
    starts: list[str] = field(default_factory=list)
    most_at_once: int = 0

    def add(self, ids: Sequence[str], *, draft: bool = True) -> None:
        self.began.update((job_id, None if draft else self.clock()) for job_id in ids)

    def bulk_get(self, ids: Sequence[str]) -> list[BulkRecord[Thing]]:
        return [BulkRecord(one, *self._answer(one)) for one in ids]

    def start(self, job_id: str) -> None:
        trouble = self.trouble(job_id)
        if trouble is not None:
            raise trouble
        self.starts.append(job_id)
        problem = self.refused.get(job_id) or (STARTED if self.began[job_id] is not None else None)
        if problem is not None:
            raise CgcApiError(problem, status=problem.status, call=f"POST /runs/{job_id}/actions/run")
        self.began[job_id] = self.clock()
        self.most_at_once = max(self.most_at_once, sum(self.state(one) in ("QUEUED", "RUNNING") for one in self.began))

    def state(self, job_id: str) -> str:
        began = self.began[job_id]
        if began is None:
            return "DRAFT"
        if self.clock() < began + self.seconds:
            return "QUEUED" if int(self.clock() // 60) % 2 else "RUNNING"
        return self.ends.get(job_id, "COMPLETED")

    def _answer(self, job_id: str) -> tuple[Thing | None, Problem | None]:
        if job_id not in self.began:
            return None, UNKNOWN
        state = self.state(job_id)
        error = Problem(None, 7500, "Out of memory.") if state == "FAILED" else None
        return Thing(job_id, state, {"name": f"align {job_id}", "project": "lab/p", "app": "lab/p/bwa"}, error), None


# --- copies


def parts_of_copy(copy: dict[str, Any]) -> Parts[Thing]:
    results = [(one.get("name"), one) for one in copy["result"]]
    return Parts(copy["names"], results, copy["state"] == "FINISHED", lambda id, result: _part(copy, id, result))


def _part(copy: dict[str, Any], part_id: str, result: dict[str, Any] | None) -> Thing:
    item = {"name": copy["names"][int(part_id.partition("#")[2])], "project": "lab/p"}
    if result is None:
        return Thing(part_id, copy["state"], item)
    problem = Problem.from_json(result.get("error"))
    return Thing(part_id, "FAILED" if problem else "COMPLETED", item, problem)


COPY = JobKind(
    name="copy",
    plural="copies",
    cancellable=False,
    phase=lambda part: Phase(part.state_text) if part.state_text in ("COMPLETED", "FAILED") else Phase.RUNNING,
    endpoint=attrgetter("copies"),
    unknown_code=57039,
)


@dataclass
class Copies:
    """An endpoint with jobs of many things each, which it answers for one by one."""

    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def add(self, job_id: str, names: Sequence[str]) -> list[str]:
        self.jobs[job_id] = {"names": list(names), "state": "RESOLVING", "result": []}
        return part_ids(job_id, len(names))

    def finish(self, job_id: str, *results: dict[str, Any]) -> None:
        self.jobs[job_id] |= {"state": "FINISHED", "result": list(results)}

    def bulk_get(self, ids: Sequence[str]) -> list[BulkRecord[Thing]]:
        return records_of_parts(ids, lambda jobs: map(self._get, jobs), parts_of_copy)

    def _get(self, job_id: str) -> BulkRecord[Any]:
        self.asked.append(job_id)
        if job_id not in self.jobs:
            return BulkRecord(job_id, None, Problem(404, 57039, "There is no such job."))
        return BulkRecord(job_id, self.jobs[job_id])


class Client(SimpleNamespace):
    """As much of a client, and of a hook, as a wait needs."""

    def __init__(self, **endpoints: Any) -> None:
        settings = SimpleNamespace(web_url=None, host="made-up", base_url="https://made-up/v2")
        super().__init__(budget=RateBudget(share=0.8), settings=settings, cgc_conn_id="cgc_default", **endpoints)

    def get_conn(self, *, patience: float) -> Client:
        return self

    def explain(self, error: CgcError) -> str:
        return str(error)

    def close(self) -> None:
        pass
