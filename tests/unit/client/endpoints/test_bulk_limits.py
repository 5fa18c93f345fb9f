"""The cost of a bulk get when unknown ids spoil whole calls, and the ids that stay open when it is too high."""

from __future__ import annotations

import random
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcClient, CgcForbidden, CgcNotFound, Problem
from tests.fakes.bulk_platform import GET, NOT_FOUND, Platform, ask, job


@pytest.mark.parametrize("bad", [0, 1, 49, 50, 98, 99])
def test_a_whole_call_404_is_halved_until_the_bad_id_stands_alone(
    client: CgcClient, requests_mock: Any, base: str, bad: int
) -> None:
    ids = [f"id{number}" for number in range(100)]
    platform = Platform({*ids} - {f"id{bad}"}, unknown="404")

    records = ask(client, requests_mock, base, platform, ids)

    assert [index for index, record in enumerate(records) if record.error] == [bad]
    assert [f"id{bad}"] in platform.calls
    assert len(platform.calls) <= 12


@pytest.mark.parametrize("bad", [{0, 99}, {0, 1}, {39, 40}, {98, 99}, {15, 77}, {50, 51}])
def test_two_unknown_ids_in_a_hundred_are_always_found(
    client: CgcClient, requests_mock: Any, base: str, bad: set[int]
) -> None:
    ids = [f"id{number}" for number in range(100)]
    platform = Platform({name for number, name in enumerate(ids) if number not in bad}, unknown="404")

    records = ask(client, requests_mock, base, platform, ids)

    assert {index for index, record in enumerate(records) if record.error and record.error.code == 9008} == bad
    assert sum(record.resource is not None for record in records) == 98
    assert len(platform.calls) <= 22


@pytest.mark.parametrize("known", [0, 50, 90])
def test_many_unknown_ids_cost_at_most_24_calls_and_the_rest_stays_open(
    client: CgcClient, requests_mock: Any, base: str, known: int
) -> None:
    ids = [f"id{number}" for number in range(100)]
    random.Random(known).shuffle(ids)
    platform = Platform({f"id{number}" for number in range(known)}, unknown="404")

    records = ask(client, requests_mock, base, platform, ids)

    assert len(platform.calls) == 24
    errors = {record.id: record.error for record in records if record.error is not None}
    found = {name for name, error in errors.items() if error.code == 9008}
    assert found
    assert not found & platform.known
    text = "not known yet whether this id exists"
    left = {name: error for name, error in errors.items() if name not in found}
    assert set(left.values()) == {Problem(None, None, text, made_here=True, undecided=True)}
    assert all(error.may_pass for error in left.values())


def test_who_asks_again_for_what_is_open_finds_all_unknown_ids(
    client: CgcClient, requests_mock: Any, base: str
) -> None:
    ids = {f"id{number}" for number in range(100)}
    platform = Platform({f"id{number}" for number in range(60)}, unknown="404")
    rounds = 0

    while ids and rounds < 30:
        rounds += 1
        records = ask(client, requests_mock, base, platform, sorted(ids))
        ids = {record.id for record in records if record.error is not None and record.error.may_pass}

    assert not ids


def test_asking_again_for_gaps_counts_among_the_24_calls(client: CgcClient, requests_mock: Any, base: str) -> None:
    """The platform of this test leaves gaps at first and answers 404 for the same ids the second time."""
    ids = [f"id{number}" for number in range(100)]
    calls: list[list[str]] = []

    def platform(request: Any, context: Any) -> Any:
        calls.append(request.json()["export_ids"])
        if len(calls) == 1:
            return {"items": [job("id0")]}
        context.status_code = 404
        return NOT_FOUND

    records = ask(client, requests_mock, base, platform, ids)

    assert len(calls) == 24
    assert records[0].resource.id == "id0"
    assert all(record.error.code == 9008 or record.error.may_pass for record in records[1:])


def test_errors_that_no_position_ties_cost_at_most_24_calls(client: CgcClient, requests_mock: Any, base: str) -> None:
    ids = [f"id{number}" for number in range(100)]
    calls: list[list[str]] = []

    def platform(request: Any, context: Any) -> Any:
        calls.append(request.json()["export_ids"])
        return {"items": [{"error": NOT_FOUND}] * (1 if len(calls[-1]) == 1 else 50)}

    records = ask(client, requests_mock, base, platform, ids)

    assert len(calls) == 24
    assert [record.error.code for record in records] == [9008] * 22 + [None] * 78
    assert all(record.error.may_pass for record in records[22:])


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


@pytest.mark.parametrize("unknown", ["error", "gap", "404"])
def test_trouble_with_a_further_call_does_not_cost_what_the_first_ones_told(
    make_client: Any, requests_mock: Any, base: str, unknown: str
) -> None:
    ids = [f"id{number}" for number in range(100)]
    platform = Platform({*ids} - {"id30", "id60"}, unknown=unknown, shuffled=True)
    sound = {"error": 1, "gap": 1, "404": 5}[unknown]

    def troubled(request: Any, context: Any) -> Any:
        if len(platform.calls) >= sound:
            context.status_code = 503
            return {"status": 503, "code": 9100, "message": "down"}
        return platform(request, context)

    records = ask(make_client(patience=0), requests_mock, base, troubled, ids)

    told = {record.id for record in records if record.resource}
    assert len(told) >= 36
    assert {record.error.undecided for record in records if record.error} == {True}
    assert {"id30", "id60"} <= {record.id for record in records if record.error}


@pytest.mark.parametrize("unknown", ["error", "404"])
def test_a_denial_of_a_further_call_is_an_error_of_the_whole(
    make_client: Any, requests_mock: Any, base: str, unknown: str
) -> None:
    platform = Platform({"a", "b"}, unknown=unknown, shuffled=True)

    def denied(request: Any, context: Any) -> Any:
        if platform.calls:
            context.status_code = 403
            return {"status": 403, "code": 90002, "message": "no"}
        return platform(request, context)

    with pytest.raises(CgcForbidden):
        ask(make_client(patience=0), requests_mock, base, denied, ["b", "a", "x"])
