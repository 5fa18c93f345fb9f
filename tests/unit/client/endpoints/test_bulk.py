"""One record per asked id, whatever the platform does with its answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.client import (
    CgcClient,
    CgcUnreadableError,
    CgcUsageError,
    ExportJob,
    JobState,
    Problem,
    RateBudget,
    chunks_of,
)
from airflow_provider_cgc.client import Settings as CgcSettings
from airflow_provider_cgc.client.endpoints.records import account
from tests.fakes.bulk_platform import FOREIGN, GET, NOT_FOUND, Platform, ask, job


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
        undecided = unknown == "404" and record.error is not None and record.error.may_pass
        assert undecided or (record.resource is not None) == (name in known)
        if record.error is not None and unknown == "error" and not shuffled:
            assert record.error.code == (9005 if name in foreign else 9008)
        if len((lost | foreign) & set(ids)) <= 2:
            assert not undecided
    assert all(len(call) == len(set(call)) <= 100 for call in platform.calls)
    chunks = -(-len(set(ids)) // 100)
    assert len(platform.calls) <= chunks * (24 if unknown == "404" else 2)


@given(
    states=st.lists(st.sampled_from(["known", "lost", "gap", "broken", "foreign"]), min_size=1, max_size=100),
    whole_call=st.booleans(),
    shuffled=st.booleans(),
)
def test_whatever_is_mixed_an_id_that_exists_is_never_called_unknown(
    states: list[str], whole_call: bool, shuffled: bool
) -> None:
    import requests_mock as mocking

    state_of = {f"job{number}": state for number, state in enumerate(states)}
    shapes = {"lost": {"error": NOT_FOUND}, "foreign": {"error": FOREIGN}, "broken": {"resource": None}}
    calls: list[int] = []

    def platform(request: Any, context: Any) -> Any:
        ids = request.json()["export_ids"]
        calls.append(len(ids))
        if whole_call and any(state_of[name] == "lost" for name in ids):
            context.status_code = 404
            return NOT_FOUND
        records = [shapes.get(state_of[name], job(name)) for name in ids if state_of[name] != "gap"]
        return {"items": records[::-1] if shuffled and any(state_of[name] == "known" for name in ids) else records}

    made = CgcSettings(token="canary-of-the-mixture")
    with mocking.Mocker() as mock, CgcClient(made, patience=0, budget=RateBudget(share=1)) as client:
        records = ask(client, mock, made.base_url, platform, list(state_of))

    assert len(calls) <= 24
    for record in records:
        if state_of[record.id] == "known":
            assert record.resource is not None or record.error.may_pass
        else:
            assert record.resource is None
    if not whole_call:
        assert all(record.resource is not None for record in records if state_of[record.id] == "known")


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


def test_of_two_records_about_one_job_the_first_counts() -> None:
    twice = {"items": [{"resource": {"id": "a", "state": state}} for state in ("RUNNING", "COMPLETED")]}

    accounts = account(["a", "b"], twice, parse=ExportJob.from_json, key=lambda job: job.id, id_of=lambda job: job.id)

    assert accounts.records["a"].resource is not None
    assert accounts.records["a"].resource.state is JobState.RUNNING


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


@pytest.mark.parametrize("body", [None, [], {}, {"items": None}, {"items": {}}, "text", {"error": {"code": 1}}])
def test_an_answer_without_records_is_unreadable(client: CgcClient, requests_mock: Any, base: str, body: Any) -> None:
    requests_mock.post(base + GET, json=body)

    with pytest.raises(CgcUnreadableError):
        client.exports.bulk_get(["a"])


UNREADABLE = Problem(
    None, None, "the platform's answer about this export cannot be read", made_here=True, undecided=True
)
BROKEN = [None, "x", 5, [], {}, {"resource": None}, {"resource": {}}, {"resource": {"id": 5}}, {"resource": "b"}]


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("ids", [["a", "b"], ["b"], ["b", "a", "c"]])
def test_a_record_that_cannot_be_read_is_no_missing_job(
    client: CgcClient, requests_mock: Any, base: str, broken: Any, ids: list[str]
) -> None:
    """The job is there, in a shape we do not know: to call it missing would fail a task that is well."""

    def platform(request: Any, context: Any) -> Any:
        return {"items": [broken if name == "b" else job(name) for name in request.json()["export_ids"]]}

    records = ask(client, requests_mock, base, platform, ids)

    assert [record.id for record in records] == ids
    for record in records:
        assert record.error == (UNREADABLE if record.id == "b" else None)
    assert UNREADABLE.may_pass
    assert requests_mock.call_count <= 2


def test_one_record_that_cannot_be_read_spoils_none_of_ninety_nine(
    client: CgcClient, requests_mock: Any, base: str
) -> None:
    ids = [f"id{number}" for number in range(100)]

    def platform(request: Any, context: Any) -> Any:
        return {"items": [{"resource": None} if name == "id7" else job(name) for name in request.json()["export_ids"]]}

    records = ask(client, requests_mock, base, platform, ids)

    assert [record.id for record in records if record.error] == ["id7"]
    assert requests_mock.call_count == 2


def test_a_hundred_records_that_cannot_be_read_cost_two_calls(client: CgcClient, requests_mock: Any, base: str) -> None:
    ids = [f"id{number}" for number in range(100)]
    requests_mock.post(base + GET, json=lambda request, context: {"items": [None] * len(request.json()["export_ids"])})

    records = client.exports.bulk_get(ids)

    assert {record.error for record in records} == {UNREADABLE}
    assert requests_mock.call_count == 2


def test_an_unreadable_record_beside_a_gap_is_asked_for_alone(client: CgcClient, requests_mock: Any, base: str) -> None:
    def platform(request: Any, context: Any) -> Any:
        ids = request.json()["export_ids"]
        return {"items": [job(name) if name == "a" else {"resource": {}} for name in ids if name != "gap"]}

    records = ask(client, requests_mock, base, platform, ["gap", "a", "b"])

    assert [record.error.code if record.error else None for record in records] == [9008, None, None]
    assert records[2].error == UNREADABLE


def test_two_unreadable_records_for_one_id_are_unreadable_too(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.post(base + GET, json={"items": [None, None]})

    assert client.exports.bulk_get(["a"])[0].error == UNREADABLE


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
