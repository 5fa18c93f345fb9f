"""The cost of a bulk get when unknown ids spoil whole calls, and the ids that stay open when it is too high."""

from __future__ import annotations

import random
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcClient, CgcForbidden, CgcNotFound, Problem
from tests.fakes.bulk_platform import GET, NOT_FOUND, Platform, ask, job


@pytest.mark.parametrize("bad", [0, 1, 49, 50, 98, 99])
def test_404_is_halved(client: CgcClient, requests_mock: Any, base: str, bad: int) -> None:
    """A call that is refused as a whole with 404 is halved until the bad id stands alone."""
    ids = [f"id{number}" for number in range(100)]
    platform = Platform({*ids} - {f"id{bad}"}, unknown="404")

    records = ask(client, requests_mock, base, platform, ids)

    assert [index for index, record in enumerate(records) if record.error] == [bad]
    assert [f"id{bad}"] in platform.calls
    assert len(platform.calls) <= 12


@pytest.mark.parametrize("bad", [{0, 99}, {0, 1}, {39, 40}, {98, 99}, {15, 77}, {50, 51}])
def test_two_unknown_are_found(client: CgcClient, requests_mock: Any, base: str, bad: set[int]) -> None:
    """Two unknown ids in a hundred are always found."""
    ids = [f"id{number}" for number in range(100)]
    platform = Platform({name for number, name in enumerate(ids) if number not in bad}, unknown="404")

    records = ask(client, requests_mock, base, platform, ids)

    assert {index for index, record in enumerate(records) if record.error and record.error.code == 9008} == bad
    assert sum(record.resource is not None for record in records) == 98
    assert len(platform.calls) <= 22


@pytest.mark.parametrize("known", [0, 50, 90])
def test_24_calls_at_most(client: CgcClient, requests_mock: Any, base: str, known: int) -> None:
    """Many unknown ids cost at most 24 calls, and the rest stays open."""
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


def test_asking_again_finds_all(client: CgcClient, requests_mock: Any, base: str) -> None:
    """Asking again for the open ids finds all unknown ones."""
    ids = {f"id{number}" for number in range(100)}
    platform = Platform({f"id{number}" for number in range(60)}, unknown="404")
    rounds = 0

    while ids and rounds < 30:
        rounds += 1
        records = ask(client, requests_mock, base, platform, sorted(ids))
        ids = {record.id for record in records if record.error is not None and record.error.may_pass}

    assert not ids


def test_gaps_count_as_calls(client: CgcClient, requests_mock: Any, base: str) -> None:
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


def test_errors_without_position(client: CgcClient, requests_mock: Any, base: str) -> None:
    """Errors that no position ties cost at most 24 calls."""
    ids = [f"id{number}" for number in range(100)]
    calls: list[list[str]] = []

    def platform(request: Any, context: Any) -> Any:
        calls.append(request.json()["export_ids"])
        return {"items": [{"error": NOT_FOUND}] * (1 if len(calls[-1]) == 1 else 50)}

    records = ask(client, requests_mock, base, platform, ids)

    assert len(calls) == 24
    assert [record.error.code for record in records] == [9008] * 22 + [None] * 78
    assert all(record.error.may_pass for record in records[22:])


def test_gateway_404_is_left(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.post(base + GET, status_code=404, json={"status": "NOT_FOUND", "message": "HTTP 404 Not Found"})

    with pytest.raises(CgcNotFound) as caught:
        client.exports.bulk_get(["a", "b"])

    assert caught.value.gateway
    assert requests_mock.call_count == 1


def test_other_404_is_left(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.post(base + GET, status_code=404, json={"status": 404, "code": 9007, "message": "No volume."})

    with pytest.raises(CgcNotFound):
        client.exports.bulk_get(["a", "b"])

    assert requests_mock.call_count == 1


def test_error_in_halving_raises(client: CgcClient, requests_mock: Any, base: str) -> None:
    forbidden = {"status": 403, "code": 9005, "message": "No."}
    answers = [{"status_code": 404, "json": NOT_FOUND}, {"status_code": 403, "json": forbidden}]
    requests_mock.post(base + GET, answers)

    with pytest.raises(CgcForbidden):
        client.exports.bulk_get(["a", "b"])


@pytest.mark.parametrize("unknown", ["error", "gap", "404"])
def test_trouble_keeps_the_rest(make_client: Any, requests_mock: Any, base: str, unknown: str) -> None:
    """Trouble with a further call loses nothing of the first answers."""
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
def test_denial_is_of_the_whole(make_client: Any, requests_mock: Any, base: str, unknown: str) -> None:
    """A denial of a further call is an error of the whole."""
    platform = Platform({"a", "b"}, unknown=unknown, shuffled=True)

    def denied(request: Any, context: Any) -> Any:
        if platform.calls:
            context.status_code = 403
            return {"status": 403, "code": 90002, "message": "no"}
        return platform(request, context)

    with pytest.raises(CgcForbidden):
        ask(make_client(patience=0), requests_mock, base, denied, ["b", "a", "x"])
