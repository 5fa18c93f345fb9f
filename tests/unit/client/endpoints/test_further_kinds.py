"""Kinds of jobs that the client does not have: a subclass of few lines asks for them as for exports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from airflow_provider_cgc.client import BulkRecord, CgcClient, CgcForbidden, CgcNotFound, JobState, Problem
from airflow_provider_cgc.client.endpoints.jobs import JobsEndpoint
from airflow_provider_cgc.client.models import fields
from airflow_provider_cgc.client.models.jobs import Condition, Ending, condition_of

STATES = {
    "DRAFT": JobState.PENDING,
    "QUEUED": JobState.PENDING,
    "RUNNING": JobState.RUNNING,
    "ABORTING": JobState.RUNNING,
    "COMPLETED": JobState.COMPLETED,
    "FAILED": JobState.FAILED,
    "ABORTED": JobState.FAILED,
}
NO_SUCH_RUN = {"status": 404, "code": 7002, "message": "Requested task does not exist."}
NOT_YOURS = {"status": 403, "code": 7001, "message": "Insufficient privileges."}


@dataclass(frozen=True)
class Run(Ending):
    """A job whose state has other words, in a field of another name."""

    id: str
    state: JobState
    state_text: str
    finished_on: datetime | None
    error: Problem | None

    @classmethod
    def from_json(cls, raw: object) -> Run:
        run = fields.object_of(raw, "run")
        return cls(fields.id_of(run, "run"), *condition_of(run, state="status", finished_on="end_time", states=STATES))


class RunsEndpoint(JobsEndpoint[Run]):
    """Jobs at paths of their own, with a code of their own for an id that does not exist."""

    noun = "run"
    path = "/runs"
    bulk_path = "/bulk/runs"
    bulk_fields = "resource.id,resource.status"
    unknown_code = 7002

    def _parse(self, raw: object) -> Run:
        return Run.from_json(raw)


@dataclass(frozen=True)
class Batch:
    """A job with a result per item."""

    id: str
    results: list[Run]

    @classmethod
    def from_json(cls, raw: object) -> Batch:
        batch = fields.object_of(raw, "batch")
        name = fields.id_of(batch, "batch")
        return cls(name, [Run.from_json({"id": f"{name}#{at}", **one}) for at, one in enumerate(batch["result"])])


class BatchesEndpoint(JobsEndpoint[Any]):
    """Jobs of many items, without a bulk get: `job#position` is the id of an item."""

    noun = "batch"
    path = "/async/batches"
    bulk_path = ""

    def _parse(self, raw: object) -> Batch:
        return Batch.from_json(raw)

    def bulk_get(self, ids: Iterable[str]) -> list[BulkRecord[Run]]:
        wanted = [(one, one.partition("#")[0]) for one in ids]
        found = {job: self._of(job) for job in dict.fromkeys(job for _, job in wanted)}
        return [found[job].get(one) or BulkRecord(one, error=found[job][""].error) for one, job in wanted]

    def _of(self, job: str) -> dict[str, BulkRecord[Run]]:
        try:
            records = {run.id: BulkRecord(run.id, run) for run in self.get(job).results}
        except CgcNotFound as refusal:
            return {"": BulkRecord(None, error=refusal.problem)}
        return {"": BulkRecord(None, error=Problem(404, None, "no such item", made_here=True)), **records}


@pytest.fixture
def runs(client: CgcClient) -> RunsEndpoint:
    return RunsEndpoint(client._transport)


@pytest.fixture
def batches(client: CgcClient) -> BatchesEndpoint:
    return BatchesEndpoint(client._transport)


def test_many_have_their_own_path(runs: RunsEndpoint, requests_mock: Any, base: str) -> None:
    requests_mock.post(
        f"{base}/bulk/runs/get",
        json={
            "items": [
                {"resource": {"id": "a", "status": "QUEUED"}},
                {"error": NO_SUCH_RUN},
                {"error": NOT_YOURS},
            ]
        },
    )

    records = runs.bulk_get(["a", "gone", "foreign"])

    assert requests_mock.last_request.json() == {"run_ids": ["a", "gone", "foreign"]}
    assert requests_mock.last_request.qs == {"fields": ["resource.id,resource.status"]}
    assert [record.id for record in records] == ["a", "gone", "foreign"]
    assert [record.error and record.error.code for record in records] == [None, 7002, 7001]


def test_left_out_has_its_code(runs: RunsEndpoint, requests_mock: Any, base: str) -> None:
    """An id that is left out gets the code of its kind."""
    requests_mock.post(f"{base}/bulk/runs/get", json={"items": []})

    [record] = runs.bulk_get(["a"])

    assert record.error is not None
    assert (record.error.code, record.error.message) == (7002, "the platform's answer did not mention this run")


def test_refused_call_is_cut_up(runs: RunsEndpoint, requests_mock: Any, base: str) -> None:
    """A refused call is cut up by the code of its kind."""

    def platform(request: Any, context: Any) -> Any:
        ids = request.json()["run_ids"]
        if "gone" in ids:
            context.status_code = 404
            return NO_SUCH_RUN
        return {"items": [{"resource": {"id": one, "status": "RUNNING"}} for one in ids]}

    requests_mock.post(f"{base}/bulk/runs/get", json=platform)

    records = runs.bulk_get(["a", "b", "gone", "c"])

    assert [record.error and record.error.code for record in records] == [None, None, 7002, None]
    assert [record.resource and record.resource.id for record in records] == ["a", "b", None, "c"]


def test_one_has_its_own_path(runs: RunsEndpoint, requests_mock: Any, base: str) -> None:
    requests_mock.get(f"{base}/runs/a", json={"id": "a", "status": "RUNNING"})
    requests_mock.get(f"{base}/runs/b", json=NOT_YOURS, status_code=403)

    assert runs.get("a").state is JobState.RUNNING
    with pytest.raises(CgcForbidden, match="7001"):
        runs.get("b")


def test_list_is_read_by_page(runs: RunsEndpoint, requests_mock: Any, base: str) -> None:
    pages = {"0": [{"id": str(n), "status": "RUNNING"} for n in range(100)], "100": [{"id": "last", "status": "DRAFT"}]}
    requests_mock.get(
        f"{base}/runs",
        json=lambda request, context: {"items": pages[request.qs["offset"][0]]},
        headers={"X-Total-Matching-Query": "101"},
    )

    assert [run.id for run in runs._list({"project": "me/mine"})] == [*map(str, range(100)), "last"]
    assert runs._page({}, limit=1).total == 101


@pytest.mark.parametrize(
    ("told", "state", "done"),
    [
        ({"status": "DRAFT"}, JobState.PENDING, False),
        ({"status": "queued "}, JobState.PENDING, False),
        ({"status": "ABORTING"}, JobState.RUNNING, False),
        ({"status": "ABORTED"}, JobState.FAILED, True),
        ({"status": "COMPLETED", "end_time": "2026-01-05T12:07:31Z"}, JobState.COMPLETED, True),
        ({"status": "HIBERNATING"}, JobState.UNKNOWN, False),
        ({"status": "HIBERNATING", "end_time": "2026-01-05T12:07:31Z"}, JobState.FAILED, True),
        ({"status": "PENDING"}, JobState.UNKNOWN, False),
        ({"state": "COMPLETED"}, JobState.UNKNOWN, False),
    ],
)
def test_own_words_tell_the_state(told: dict[str, str], state: JobState, done: bool) -> None:
    run = Run.from_json({"id": "a", **told})

    assert (run.state, run.done) == (state, done)
    assert run.state_text == told.get("status", "").strip()


def test_condition_has_its_word() -> None:
    """A condition has the platform's own word."""
    error = {"status": 404, "code": 9105, "message": "Gone."}

    assert condition_of({"state": "Odd", "error": error}) == Condition(
        JobState.FAILED, "Odd", None, Problem(404, 9105, "Gone.")
    )


def test_results_are_records(batches: BatchesEndpoint, requests_mock: Any, base: str) -> None:
    """Several results of a job are a record each."""
    results = [{"status": "COMPLETED"}, {"status": "FAILED", "error": NOT_YOURS}]
    requests_mock.get(f"{base}/async/batches/one", json={"id": "one", "result": results})
    requests_mock.get(f"{base}/async/batches/gone", json=NO_SUCH_RUN, status_code=404)

    records = batches.bulk_get(["one#1", "gone#0", "one#0", "one#2"])

    assert [record.id for record in records] == ["one#1", "gone#0", "one#0", "one#2"]
    assert [record.resource and record.resource.failed for record in records] == [True, None, False, None]
    assert [record.error and record.error.status for record in records] == [None, 404, None, 404]
    assert requests_mock.call_count == 2
