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
def test_unknown_in_any_way(client: CgcClient, requests_mock: Any, base: str, unknown: str, shuffled: bool) -> None:
    """Each way to answer an unknown id gives the same records."""
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
def test_a_record_per_id(ids: list[str], lost: set[str], foreign: set[str], unknown: str, shuffled: bool) -> None:
    """There is one record per id, in the order of the ids."""
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
def test_existing_is_not_unknown(states: list[str], whole_call: bool, shuffled: bool) -> None:
    """An id that exists is never called unknown, whatever is mixed with it."""
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


def test_ten_thousand_cost_100(client: CgcClient, requests_mock: Any, base: str) -> None:
    """Ten thousand ids cost a hundred requests."""
    ids = [f"id{number}" for number in range(10_000)]
    platform = Platform(set(ids), unknown="error")

    records = ask(client, requests_mock, base, platform, ids)

    assert len(records) == 10_000
    assert [len(call) for call in platform.calls] == [100] * 100


def test_duplicates_are_one(client: CgcClient, requests_mock: Any, base: str) -> None:
    """Duplicate ids are asked once and answered each time."""
    platform = Platform({"a", "b"}, unknown="error")

    records = ask(client, requests_mock, base, platform, ["a", "b", "a"])

    assert platform.calls == [["a", "b"]]
    assert [record.id for record in records] == ["a", "b", "a"]


def test_first_record_counts() -> None:
    """Of two records about one job, the first counts."""
    twice = {"items": [{"resource": {"id": "a", "state": state}} for state in ("RUNNING", "COMPLETED")]}

    accounts = account(["a", "b"], twice, parse=ExportJob.from_json, key=lambda job: job.id, id_of=lambda job: job.id)

    assert accounts.records["a"].resource is not None
    assert accounts.records["a"].resource.state is JobState.RUNNING


def test_no_ids_send_nothing(client: CgcClient, requests_mock: Any) -> None:
    assert client.exports.bulk_get([]) == []
    assert client.exports.bulk_create([], copy_only=True) == []
    assert requests_mock.call_count == 0


@pytest.mark.parametrize("ids", ["one-id", b"one-id", [""], [None], [5], ["a", ""]])
def test_no_list_is_refused(client: CgcClient, requests_mock: Any, ids: Any) -> None:
    with pytest.raises(CgcUsageError):
        client.exports.bulk_get(ids)

    assert requests_mock.call_count == 0


def test_unmentioned_is_ours(client: CgcClient, requests_mock: Any, base: str) -> None:
    """An id that is not mentioned gets an error of our own."""
    records = ask(client, requests_mock, base, Platform({"a"}, unknown="gap"), ["a", "b"])

    assert records[1].error == Problem(404, 9008, "the platform's answer did not mention this export", made_here=True)
    assert records[1].error.remedy


def test_gaps_cost_one_call(client: CgcClient, requests_mock: Any, base: str) -> None:
    ids = [f"id{number}" for number in range(100)]
    platform = Platform({*ids[:60]}, unknown="gap")

    ask(client, requests_mock, base, platform, ids)

    assert [len(call) for call in platform.calls] == [100, 40]


def test_gap_beside_an_error(client: CgcClient, requests_mock: Any, base: str) -> None:
    """Two records for three ids: the error can belong to either, until each is asked alone."""

    def platform(request: Any, context: Any) -> Any:
        ids = request.json()["export_ids"]
        return {"items": [job(name) if name == "a" else {"error": FOREIGN} for name in ids if name != "gap"]}

    records = ask(client, requests_mock, base, platform, ["a", "gap", "foreign"])

    assert records[0].resource.id == "a"
    assert (records[1].error.code, records[1].error.made_here) == (9008, True)
    assert (records[2].error.code, records[2].error.made_here) == (9005, False)


def test_records_know_their_ids(client: CgcClient, requests_mock: Any, base: str) -> None:
    """Records in another order are not taken by position."""

    def platform(request: Any, context: Any) -> Any:
        ids = request.json()["export_ids"]
        records = [{"error": FOREIGN} if name == "c" else job(name) for name in ids]
        return {"items": records[::-1]}

    records = ask(client, requests_mock, base, platform, ["a", "b", "c"])

    assert [record.error.code if record.error else record.resource.id for record in records] == ["a", "b", 9005]


@pytest.mark.parametrize("body", [None, [], {}, {"items": None}, {"items": {}}, "text", {"error": {"code": 1}}])
def test_no_records_no_answer(client: CgcClient, requests_mock: Any, base: str, body: Any) -> None:
    """An answer without records is unreadable."""
    requests_mock.post(base + GET, json=body)

    with pytest.raises(CgcUnreadableError):
        client.exports.bulk_get(["a"])


UNREADABLE = Problem(
    None, None, "the platform's answer about this export cannot be read", made_here=True, undecided=True
)
BROKEN = [None, "x", 5, [], {}, {"resource": None}, {"resource": {}}, {"resource": {"id": 5}}, {"resource": "b"}]


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("ids", [["a", "b"], ["b"], ["b", "a", "c"]])
def test_unreadable_is_there(client: CgcClient, requests_mock: Any, base: str, broken: Any, ids: list[str]) -> None:
    """The job is there, in a shape we do not know: to call it missing would fail a task that is well."""

    def platform(request: Any, context: Any) -> Any:
        return {"items": [broken if name == "b" else job(name) for name in request.json()["export_ids"]]}

    records = ask(client, requests_mock, base, platform, ids)

    assert [record.id for record in records] == ids
    for record in records:
        assert record.error == (UNREADABLE if record.id == "b" else None)
    assert UNREADABLE.may_pass
    assert requests_mock.call_count <= 2


def test_unreadable_spoils_none(client: CgcClient, requests_mock: Any, base: str) -> None:
    """One record that cannot be read spoils none of the other ninety-nine."""
    ids = [f"id{number}" for number in range(100)]

    def platform(request: Any, context: Any) -> Any:
        return {"items": [{"resource": None} if name == "id7" else job(name) for name in request.json()["export_ids"]]}

    records = ask(client, requests_mock, base, platform, ids)

    assert [record.id for record in records if record.error] == ["id7"]
    assert requests_mock.call_count == 2


def test_hundred_unreadable(client: CgcClient, requests_mock: Any, base: str) -> None:
    """A hundred records that cannot be read cost two calls."""
    ids = [f"id{number}" for number in range(100)]
    requests_mock.post(base + GET, json=lambda request, context: {"items": [None] * len(request.json()["export_ids"])})

    records = client.exports.bulk_get(ids)

    assert {record.error for record in records} == {UNREADABLE}
    assert requests_mock.call_count == 2


def test_unreadable_beside_a_gap(client: CgcClient, requests_mock: Any, base: str) -> None:
    """An unreadable record beside a gap is asked for alone."""

    def platform(request: Any, context: Any) -> Any:
        ids = request.json()["export_ids"]
        return {"items": [job(name) if name == "a" else {"resource": {}} for name in ids if name != "gap"]}

    records = ask(client, requests_mock, base, platform, ["gap", "a", "b"])

    assert [record.error.code if record.error else None for record in records] == [9008, None, None]
    assert records[2].error == UNREADABLE


def test_unreadable_twice(client: CgcClient, requests_mock: Any, base: str) -> None:
    """Two unreadable records for one id are unreadable too."""
    requests_mock.post(base + GET, json={"items": [None, None]})

    assert client.exports.bulk_get(["a"])[0].error == UNREADABLE


def test_unreadable_once(client: CgcClient, requests_mock: Any, base: str) -> None:
    """A record that cannot be read once is asked for again."""
    answers = [{"json": {"items": [job("a"), {"resource": {}}]}}, {"json": {"items": [job("b", "COMPLETED")]}}]
    requests_mock.post(base + GET, answers)

    records = client.exports.bulk_get(["a", "b"])

    assert [record.resource.state for record in records if record.resource] == [JobState.RUNNING, JobState.COMPLETED]


def test_unasked_jobs_are_left(client: CgcClient, requests_mock: Any, base: str) -> None:
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
def test_ids_keep_their_resource(asked: list[str], records: list[Any]) -> None:
    """Accounting never gives an id a resource of another."""
    accounts = account(
        asked, {"items": records}, parse=ExportJob.from_json, key=lambda one: one.id, id_of=lambda one: one.id
    )

    assert set(accounts.records) <= set(asked)
    for name, record in accounts.records.items():
        assert record.resource is None or record.resource.id == name
        assert (record.resource is None) != (record.error is None)
    errors = sum(1 for record in accounts.records.values() if record.error) + len(accounts.unplaced)
    assert errors == sum(1 for record in records if isinstance(record, dict) and record.get("error"))
