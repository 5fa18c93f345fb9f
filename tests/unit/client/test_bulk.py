"""One record per asked id, whatever the platform does with its answers."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cgc.client import (
    CgcClient,
    CgcForbidden,
    CgcNotFound,
    CgcUnreadableError,
    CgcUsageError,
    ExportJob,
    JobState,
    Problem,
    RateBudget,
    chunks_of,
)
from airflow_provider_cgc.client import Settings as CgcSettings
from airflow_provider_cgc.client.bulk import account

GET = "/bulk/storage/exports/get"
NOT_FOUND = {"status": 404, "code": 9008, "message": "Requested job does not exist."}
FOREIGN = {"status": 403, "code": 9005, "message": "Insufficient privileges to access the job."}


def job(job_id: str, state: str = "RUNNING") -> dict[str, Any]:
    return {"resource": {"id": job_id, "state": state}}


class Platform:
    """Answers a bulk get in one of the ways that nobody documented, and counts."""

    def __init__(
        self, known: set[str], *, unknown: str, shuffled: bool = False, foreign: set[str] | None = None
    ) -> None:
        self.known = known
        self.foreign = foreign or set()
        self.unknown = unknown
        self.shuffled = shuffled
        self.calls: list[list[str]] = []

    def __call__(self, request: Any, context: Any) -> Any:
        ids = request.json()["export_ids"]
        self.calls.append(ids)
        strange = [name for name in ids if name not in self.known]
        if strange and self.unknown == "404":
            context.status_code = 404
            return NOT_FOUND
        records = [self.record(name) for name in ids if name in self.known or self.unknown == "error"]
        if self.shuffled:
            random.Random(len(ids)).shuffle(records)
        return {"items": records}

    def record(self, name: str) -> dict[str, Any]:
        if name in self.known:
            return job(name)
        return {"error": FOREIGN if name in self.foreign else NOT_FOUND}


def ask(client: CgcClient, mock: Any, base: str, platform: Callable[..., Any], ids: list[str]) -> Any:
    mock.post(base + GET, json=platform)
    return client.exports.bulk_get(ids)


@pytest.mark.parametrize("unknown", ["error", "gap", "404"])
@pytest.mark.parametrize("shuffled", [False, True])
def test_each_way_to_answer_an_unknown_id_gives_the_same_records(
    client: CgcClient, requests_mock: Any, base: str, unknown: str, shuffled: bool
) -> None:
    ids = [f"id{number}" for number in range(10)]
    platform = Platform({*ids} - {"id3", "id7"}, unknown=unknown, shuffled=shuffled)

    records = ask(client, requests_mock, base, platform, ids)

    assert [record.id for record in records] == ids
    assert [record.id for record in records if record.error is not None] == ["id3", "id7"]
    assert all(record.resource.id == record.id for record in records if record.resource is not None)
    assert {record.error.code for record in records if record.error is not None} == {9008}


@settings(max_examples=150, deadline=None)
@given(
    ids=st.lists(st.integers(0, 400).map("job{}".format), max_size=260),
    lost=st.sets(st.integers(0, 400).map("job{}".format), max_size=6),
    foreign=st.sets(st.integers(0, 400).map("job{}".format), max_size=4),
    unknown=st.sampled_from(["error", "gap", "404"]),
    shuffled=st.booleans(),
)
def test_one_record_per_asked_id_in_the_asked_order(
    ids: list[str], lost: set[str], foreign: set[str], unknown: str, shuffled: bool
) -> None:
    import requests_mock as mocking

    known = {f"job{number}" for number in range(401)} - lost - foreign
    platform = Platform(known, unknown=unknown, shuffled=shuffled, foreign=foreign)
    made = CgcSettings(token="canary-of-the-bulk")
    with mocking.Mocker() as mock, CgcClient(made, patience=0, budget=RateBudget(share=1)) as client:
        records = ask(client, mock, made.base_url, platform, ids)

    assert [record.id for record in records] == ids
    for name, record in zip(ids, records, strict=True):
        assert (record.resource is None) != (record.error is None)
        assert (record.resource is not None) == (name in known)
        if record.error is not None and unknown == "error" and not shuffled:
            assert record.error.code == (9005 if name in foreign else 9008)
    assert all(len(call) == len(set(call)) <= 100 for call in platform.calls)
    chunks = -(-len(set(ids)) // 100)
    strange = len((lost | foreign) & set(ids))
    assert len(platform.calls) <= chunks * 2 + strange * 17


def test_ten_thousand_ids_cost_a_hundred_requests(client: CgcClient, requests_mock: Any, base: str) -> None:
    ids = [f"id{number}" for number in range(10_000)]
    platform = Platform(set(ids), unknown="error")

    records = ask(client, requests_mock, base, platform, ids)

    assert len(records) == 10_000
    assert [len(call) for call in platform.calls] == [100] * 100


def test_duplicate_ids_are_asked_once_and_answered_each_time(client: CgcClient, requests_mock: Any, base: str) -> None:
    platform = Platform({"a", "b"}, unknown="error")

    records = ask(client, requests_mock, base, platform, ["a", "b", "a"])

    assert platform.calls == [["a", "b"]]
    assert [record.id for record in records] == ["a", "b", "a"]


def test_no_ids_send_nothing(client: CgcClient, requests_mock: Any) -> None:
    assert client.exports.bulk_get([]) == []
    assert client.exports.bulk_create([], copy_only=True) == []
    assert requests_mock.call_count == 0


@pytest.mark.parametrize("ids", ["one-id", b"one-id", [""], [None], [5], ["a", ""]])
def test_what_is_no_list_of_ids_is_refused_before_anything_is_sent(
    client: CgcClient, requests_mock: Any, ids: Any
) -> None:
    with pytest.raises(CgcUsageError):
        client.exports.bulk_get(ids)

    assert requests_mock.call_count == 0


def test_an_id_that_is_not_mentioned_is_marked_as_our_own_verdict(
    client: CgcClient, requests_mock: Any, base: str
) -> None:
    records = ask(client, requests_mock, base, Platform({"a"}, unknown="gap"), ["a", "b"])

    assert records[1].error == Problem(404, 9008, "the platform's answer did not mention this export", made_here=True)
    assert records[1].error.remedy


def test_gaps_cost_one_more_call_however_many(client: CgcClient, requests_mock: Any, base: str) -> None:
    ids = [f"id{number}" for number in range(100)]
    platform = Platform({*ids[:60]}, unknown="gap")

    ask(client, requests_mock, base, platform, ids)

    assert [len(call) for call in platform.calls] == [100, 40]


def test_a_gap_beside_an_error_does_not_mix_up_their_ids(client: CgcClient, requests_mock: Any, base: str) -> None:
    """Two records for three ids: the error can belong to either, until each is asked alone."""

    def platform(request: Any, context: Any) -> Any:
        ids = request.json()["export_ids"]
        return {"items": [job(name) if name == "a" else {"error": FOREIGN} for name in ids if name != "gap"]}

    records = ask(client, requests_mock, base, platform, ["a", "gap", "foreign"])

    assert records[0].resource.id == "a"
    assert (records[1].error.code, records[1].error.made_here) == (9008, True)
    assert (records[2].error.code, records[2].error.made_here) == (9005, False)


def test_records_in_another_order_are_not_taken_by_position(client: CgcClient, requests_mock: Any, base: str) -> None:
    def platform(request: Any, context: Any) -> Any:
        ids = request.json()["export_ids"]
        records = [{"error": FOREIGN} if name == "c" else job(name) for name in ids]
        return {"items": records[::-1]}

    records = ask(client, requests_mock, base, platform, ["a", "b", "c"])

    assert [record.error.code if record.error else record.resource.id for record in records] == ["a", "b", 9005]


@pytest.mark.parametrize("bad", [0, 1, 49, 50, 98, 99])
def test_a_whole_call_404_is_halved_until_the_bad_id_stands_alone(
    client: CgcClient, requests_mock: Any, base: str, bad: int
) -> None:
    ids = [f"id{number}" for number in range(100)]
    platform = Platform({*ids} - {f"id{bad}"}, unknown="404")

    records = ask(client, requests_mock, base, platform, ids)

    assert [index for index, record in enumerate(records) if record.error] == [bad]
    assert [f"id{bad}"] in platform.calls
    assert len(platform.calls) <= 15


def test_a_hundred_unknown_ids_cost_a_bounded_number_of_calls(client: CgcClient, requests_mock: Any, base: str) -> None:
    ids = [f"id{number}" for number in range(100)]
    platform = Platform(set(), unknown="404")

    records = ask(client, requests_mock, base, platform, ids)

    assert all(record.error is not None for record in records)
    assert len(platform.calls) == 199


def test_a_404_of_the_gateway_is_not_halved(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.post(base + GET, status_code=404, json={"status": "NOT_FOUND", "message": "HTTP 404 Not Found"})

    with pytest.raises(CgcNotFound) as caught:
        client.exports.bulk_get(["a", "b"])

    assert caught.value.gateway
    assert requests_mock.call_count == 1


def test_a_404_for_another_reason_is_not_halved(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.post(base + GET, status_code=404, json={"status": 404, "code": 9007, "message": "No volume."})

    with pytest.raises(CgcNotFound):
        client.exports.bulk_get(["a", "b"])

    assert requests_mock.call_count == 1


def test_an_error_in_the_midst_of_halving_is_raised(client: CgcClient, requests_mock: Any, base: str) -> None:
    forbidden = {"status": 403, "code": 9005, "message": "No."}
    answers = [{"status_code": 404, "json": NOT_FOUND}, {"status_code": 403, "json": forbidden}]
    requests_mock.post(base + GET, answers)

    with pytest.raises(CgcForbidden):
        client.exports.bulk_get(["a", "b"])


@pytest.mark.parametrize("body", [None, [], {}, {"items": None}, {"items": {}}, "text", {"error": {"code": 1}}])
def test_an_answer_without_records_is_unreadable(client: CgcClient, requests_mock: Any, base: str, body: Any) -> None:
    requests_mock.post(base + GET, json=body)

    with pytest.raises(CgcUnreadableError):
        client.exports.bulk_get(["a"])


@pytest.mark.parametrize("broken", [None, "x", 5, {}, {"resource": None}, {"resource": {}}, {"resource": {"id": 5}}])
def test_a_record_that_cannot_be_read_is_no_missing_job(
    client: CgcClient, requests_mock: Any, base: str, broken: Any
) -> None:
    """The job is there, in a shape we do not know: to call it missing would fail a task that is well."""

    def platform(request: Any, context: Any) -> Any:
        return {"items": [job(name) if name == "a" else broken for name in request.json()["export_ids"]]}

    for ids in (["a", "b"], ["b"]):
        with pytest.raises(CgcUnreadableError, match="export b"):
            ask(client, requests_mock, base, platform, ids)


def test_a_record_that_cannot_be_read_once_is_asked_for_again(client: CgcClient, requests_mock: Any, base: str) -> None:
    answers = [{"json": {"items": [job("a"), {"resource": {}}]}}, {"json": {"items": [job("b", "COMPLETED")]}}]
    requests_mock.post(base + GET, answers)

    records = client.exports.bulk_get(["a", "b"])

    assert [record.resource.state for record in records if record.resource] == [JobState.RUNNING, JobState.COMPLETED]


def test_jobs_nobody_asked_for_are_left_out(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.post(base + GET, json={"items": [job("stray"), job("a")]})

    records = client.exports.bulk_get(["a"])

    assert [record.resource.id for record in records if record.resource] == ["a"]


def test_chunks() -> None:
    assert list(chunks_of(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(chunks_of([])) == []
    assert [len(chunk) for chunk in chunks_of(iter("x" * 250))] == [100, 100, 50]
    with pytest.raises(ValueError, match="at least 1"):
        list(chunks_of([1], 0))


records_strategy = st.lists(
    st.one_of(
        st.sampled_from(["a", "b", "c", "z"]).map(job),
        st.just({"error": NOT_FOUND}),
        st.just({"error": {}}),
        st.just({}),
        st.none(),
        st.just({"resource": {"state": "RUNNING"}}),
    ),
    max_size=6,
)


@given(st.permutations(["a", "b", "c"]), records_strategy)
def test_accounting_never_gives_an_id_a_resource_of_another(asked: list[str], records: list[Any]) -> None:
    accounts = account(
        asked, {"items": records}, parse=ExportJob.from_json, key=lambda one: one.id, id_of=lambda one: one.id
    )

    assert set(accounts.records) <= set(asked)
    for name, record in accounts.records.items():
        assert record.resource is None or record.resource.id == name
        assert (record.resource is None) != (record.error is None)
    errors = sum(1 for record in accounts.records.values() if record.error) + len(accounts.unplaced)
    assert errors == sum(1 for record in records if isinstance(record, dict) and record.get("error"))
