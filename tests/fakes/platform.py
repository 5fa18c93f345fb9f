"""A platform made of a table of jobs: a client that answers bulk gets, on virtual time, and remembers each one."""

from __future__ import annotations

import contextvars
import math
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace

from airflow_provider_cgc.client.errors import CgcBudgetSpent
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.http.budget import RateBudget
from airflow_provider_cgc.client.models import ExportJob, File, ImportJob, JobState
from airflow_provider_cgc.jobs.kinds import EXPORT, JobKind
from dev.virtual_time import VirtualTime

UNKNOWN = Problem(404, 9008, "No such job.")
EXISTS = {
    "export": Problem(409, 9107, "Location on volume already contains a file."),
    "import": Problem(409, 9108, "File already exists."),
}


@dataclass(frozen=True)
class Request:
    """One bulk get: when it came, what it asked for, and where it ran."""

    at: float
    ids: tuple[str, ...]
    thread: str
    context: contextvars.Context
    client: FakeClient


class FakePlatform:
    """
    Jobs run until the time that `end` gives them, and then have the state given there.

    :param kind: what jobs there are; a client knows no others.
    :param latency: virtual seconds that the answer to a list of ids takes.
    :param fault: called with the number of the request (from 0) and its ids; an exception that it gives is raised.
    """

    def __init__(
        self,
        time: VirtualTime,
        *,
        kind: JobKind = EXPORT,
        latency: Callable[[Sequence[str]], float] = lambda ids: 0.0,
        fault: Callable[[int, Sequence[str]], BaseException | None] = lambda number, ids: None,
    ) -> None:
        self.time = time
        self.kind = kind
        self.latency = latency
        self.fault = fault
        self.requests: list[Request] = []
        self.clients: list[FakeClient] = []
        self.connect_fault: Callable[[int], BaseException | None] = lambda number: None
        self.connects = 0
        self.address = "https://platform.example.org/v2"
        self.budget = RateBudget(share=0.8, clock=time.clock)
        self._ends: dict[str, tuple[float, JobState]] = {}
        self._problems: dict[str, Problem] = {}
        self._looks: dict[str, list[float]] = defaultdict(list)
        self._lock = threading.Lock()
        self.refusals = 0
        self._limit: int | None = None
        self._window_ends, self._used = 0.0, 0

    def limit_requests(self, limit: int = 1000) -> None:
        """Count requests as the platform does: so many in a fixed window of 300 seconds."""
        self._limit = limit

    def use_up(self, requests: int = 1) -> None:
        """Let somebody else with the same user's token send requests; those beyond the limit are refused."""
        with self._lock:
            for _ in range(requests):
                self._count()

    def rate_headers(self) -> dict[str, str]:
        """Count one request; give the headers of its answer."""
        with self._lock:
            allowed = self._count()
            left = 0 if self._limit is None else self._limit - self._used
        if not allowed:
            raise AssertionError("this request ran into the limit")
        names = ("Limit", "Remaining", "Reset") if self._limit is not None else ()
        values = (self._limit, left, self._window_ends)
        return {f"X-RateLimit-{name}": str(value) for name, value in zip(names, values, strict=False)}

    def _count(self) -> bool:
        now = self.time.clock()
        if now >= self._window_ends:
            self._window_ends, self._used = math.ceil(now + 300), 0
        allowed = self._limit is None or self._used < self._limit
        self._used += allowed
        self.refusals += not allowed
        return allowed

    def end(self, ids: Iterable[str], after: float, state: JobState = JobState.COMPLETED) -> None:
        """Let jobs end `after` seconds from now."""
        self._ends.update((job_id, (self.time.clock() + after, state)) for job_id in ids)

    def refuse(self, ids: Iterable[str], problem: Problem = UNKNOWN) -> None:
        """Answer these ids with an error record until `admit`."""
        self._problems.update((job_id, problem) for job_id in ids)

    def admit(self, ids: Iterable[str]) -> None:
        for job_id in ids:
            self._problems.pop(job_id, None)

    async def connect(self) -> FakeClient:
        """Stand in for reading the connection and making a client."""
        number, self.connects = self.connects, self.connects + 1
        fault = self.connect_fault(number)
        if fault is not None:
            raise fault
        self.clients.append(FakeClient(self))
        return self.clients[-1]

    def asked(self, job_id: str) -> list[float]:
        """Give the seconds since the start at which one id was asked for."""
        return self._looks[job_id]

    def answer(self, client: FakeClient, ids: Sequence[str]) -> list[BulkRecord[ExportJob]]:
        with self._lock:
            number, at = len(self.requests), self.time.clock() - self.time.start
            for job_id in ids:
                self._looks[job_id].append(at)
            self.requests.append(
                Request(
                    at=at,
                    ids=tuple(ids),
                    thread=threading.current_thread().name,
                    context=contextvars.copy_context(),
                    client=client,
                )
            )
        # The state is the one at the time of asking: the answer of a slow platform is old when it comes.
        records = [self._record(job_id) for job_id in ids]
        pause = self.latency(ids)
        if pause:
            self.time.sleep(pause)
        fault = self.fault(number, ids)
        if fault is not None:
            raise fault
        return records

    def _record(self, job_id: str) -> BulkRecord[ExportJob]:
        problem = self._problems.get(job_id)
        if problem is not None:
            return BulkRecord(id=job_id, error=problem)
        at, state = self._ends.get(job_id, (float("inf"), JobState.RUNNING))
        if self.time.clock() < at:
            return BulkRecord(id=job_id, resource=job(job_id, JobState.RUNNING, kind=self.kind))
        return BulkRecord(id=job_id, resource=job(job_id, state, finished=at, kind=self.kind))


class FakeClient:
    """As much of `CgcClient` as a wait needs."""

    def __init__(self, platform: FakePlatform) -> None:
        self.platform = platform
        self.budget = platform.budget
        self.settings = SimpleNamespace(base_url=platform.address)
        setattr(self, platform.kind.plural, self)
        self.closed = 0

    def bulk_get(self, ids: Sequence[str]) -> list[BulkRecord[ExportJob]]:
        delay = self.budget.claim()
        if delay:
            raise CgcBudgetSpent(self.budget.why(), call="bulk get", retry_after=delay)
        headers = None
        try:
            headers = self.platform.rate_headers()
            return self.platform.answer(self, ids)
        finally:
            self.budget.settle(headers)

    def close(self) -> None:
        self.closed += 1


def job(
    job_id: str,
    state: JobState,
    *,
    started: float | None = None,
    finished: float | None = None,
    size: int | None = 1000,
    error: Problem | None = None,
    location: str | None = None,
    state_text: str = "",
    kind: JobKind = EXPORT,
) -> ExportJob | ImportJob:
    """Give a job; one that FAILED has code 9107 (an export) or 9108 (an import) unless told otherwise."""
    if state is JobState.FAILED and error is None:
        error = EXISTS[kind.name]
    size = size if state is JobState.COMPLETED else None
    told = {
        "id": job_id,
        "state": state,
        "state_text": state_text or state.value,
        "volume": "lab/bucket",
        "location": location or f"results/{job_id}.bam",
        "started_on": None if started is None else datetime.fromtimestamp(started, tz=UTC),
        "finished_on": None if finished is None else datetime.fromtimestamp(finished, tz=UTC),
        "error": error,
    }
    if kind is EXPORT:
        return ExportJob(**told, file=f"file-of-{job_id}", size=size)
    result = None if size is None else File(id=f"file-of-{job_id}", size=size)
    return ImportJob(**told, project="lab/project", name=f"{job_id}.bam", result=result)


def some_ids(count: int, prefix: str = "job") -> list[str]:
    """Give distinct ids."""
    return [f"{prefix}{number:05d}" for number in range(count)]
