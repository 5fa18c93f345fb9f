"""Many files are changed in few calls, and each record is of its own file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from airflow_provider_cgc.client import (
    CgcClient,
    CgcForbidden,
    CgcUnauthorized,
    CgcUnreadableError,
    CgcUsageError,
    Problem,
)

EDIT = "/bulk/files/edit"
REFUSED = {"status": 404, "code": 5002, "message": "Requested file does not exist."}
ERROR = {"error": REFUSED}
OTHER = {"error": {"status": 400, "code": 5006, "message": "Metadata is not valid."}}


def changed(item: dict[str, Any]) -> dict[str, Any]:
    return {"resource": {"type": "file", **item}}


def items(*ids: str) -> list[dict[str, Any]]:
    return [{"id": name, "metadata": {"sample_id": name.upper()}} for name in ids]


@pytest.fixture
def edit(client: CgcClient, requests_mock: Any, base: str) -> Callable[..., Any]:
    """`edit(platform, items)`: what the client makes of an answer that `platform(items)` gives."""

    def call(platform: Callable[[list[dict[str, Any]]], list[Any]], asked: Any) -> Any:
        requests_mock.post(base + EDIT, json=lambda request, context: {"items": platform(request.json()["items"])})
        return client.files.bulk_edit(asked)

    return call


def test_each_item_has_its_record(edit: Any, requests_mock: Any) -> None:
    asked = [
        {"id": "a", "name": "new.bam", "tags": ("x", "y"), "metadata": {"sample_id": "S1", "old": None}},
        {"id": "b", "tags": []},
        {"id": "c", "name": None, "tags": None, "metadata": {}},
    ]

    records = edit(lambda sent: [changed(sent[0]), ERROR, changed(sent[2])], asked)

    assert requests_mock.last_request.json() == {
        "items": [
            {"id": "a", "name": "new.bam", "tags": ["x", "y"], "metadata": {"sample_id": "S1", "old": None}},
            {"id": "b", "tags": []},
            {"id": "c", "metadata": {}},
        ]
    }
    assert [record.id for record in records] == ["a", "b", "c"]
    assert records[0].resource.metadata == {"sample_id": "S1", "old": None}
    assert records[1].error == Problem.from_json(REFUSED)
    assert records[2].error is None


def test_hundred_in_a_request(edit: Any, requests_mock: Any) -> None:
    names = [f"id{number}" for number in range(250)]

    records = edit(lambda sent: [changed(item) for item in sent], (item for item in items(*names)))

    assert [record.resource.id for record in records] == names
    assert [len(call.json()["items"]) for call in requests_mock.request_history] == [100, 100, 50]


def test_nothing_to_edit_sends_nothing(client: CgcClient, requests_mock: Any) -> None:
    assert client.files.bulk_edit([]) == []
    assert requests_mock.call_count == 0


@pytest.mark.parametrize(
    "answer",
    [
        lambda sent: sent[::-1],
        lambda sent: [sent[0], *sent],
        lambda sent: [sent[2], sent[0], sent[0], sent[1]],
        lambda sent: [None, *sent],
        lambda sent: [ERROR, *sent],
        lambda sent: [*sent, changed({"id": "stray"})],
    ],
    ids=["reversed", "doubled", "shuffled and doubled", "null first", "error too many", "stray"],
)
def test_known_by_their_ids(edit: Any, answer: Any) -> None:
    """Files are known by what they say of themselves, wherever they stand."""
    records = edit(lambda sent: answer([changed(item) for item in sent]), items("a", "b", "c"))

    assert [(record.id, record.resource.id) for record in records] == [("a", "a"), ("b", "b"), ("c", "c")]
    assert [record.resource.metadata["sample_id"] for record in records] == ["A", "B", "C"]


BROKEN = [None, "x", 5, [], {}, {"resource": None}, {"resource": {}}, {"resource": {"id": 5}}, {"resource": "b"}]


@pytest.mark.parametrize("broken", BROKEN)
def test_unreadable_record_is_open(edit: Any, broken: Any) -> None:
    records = edit(lambda sent: [broken if item["id"] == "b" else changed(item) for item in sent], items("a", "b", "c"))

    assert [record.error is None for record in records] == [True, False, True]
    assert (records[1].id, records[1].resource) == ("b", None)
    assert (records[1].error.made_here, records[1].error.undecided) == (True, True)
    assert "cannot be read" in records[1].error.message


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        (lambda a, b, c: [], ""),
        (lambda a, b, c: [a, c], "ac"),
        (lambda a, b, c: [ERROR, a], "a"),
        (lambda a, b, c: [b, ERROR, OTHER], "b"),
        (lambda a, b, c: [a, a, ERROR], "a"),
        (lambda a, b, c: [b, b, ERROR, ERROR], "b"),
        (lambda a, b, c: [a, None, changed({"id": "stray"})], "a"),
        (lambda a, b, c: [changed({"id": "stray"})] * 3, ""),
    ],
    ids=["empty", "gap", "short", "shuffled", "doubled", "doubled and long", "stray", "strays only"],
)
def test_unshown_item_is_undecided(edit: Any, answer: Any, known: str) -> None:
    """An item that no record is certainly of is neither done nor refused."""
    records = edit(lambda sent: answer(*map(changed, sent)) if len(sent) == 3 else [], items("a", "b", "c"))

    assert [record.id for record in records] == ["a", "b", "c"]
    for record in records:
        if record.id in known:
            assert record.resource.id == record.id
            assert record.error is None
        else:
            assert record.resource is None
            assert record.error.undecided
            assert record.error.may_pass


def test_reasons_without_a_file_told(edit: Any) -> None:
    """A reason that may be of any of several files is told with each, and taken for none's."""
    records = edit(lambda sent: [changed(sent[2]), OTHER, ERROR] if len(sent) == 3 else [], items("a", "b", "c"))

    for record in records[:2]:
        assert record.error.code is None
        assert "5006: Metadata is not valid.; 5002: Requested file does not exist." in record.error.message


@pytest.mark.parametrize("order", [1, -1])
def test_same_refusal_needs_no_place(edit: Any, requests_mock: Any, order: int) -> None:
    """As many refusals as files are left, and all the same: each file has one."""
    asked = items("a", "b", "c", "d", "e")

    records = edit(lambda sent: [changed(sent[4]), ERROR, changed(sent[2]), ERROR, changed(sent[0])][::order], asked)

    assert [record.error and record.error.code for record in records] == [None, 5002, None, 5002, None]
    assert requests_mock.call_count == 1


def test_open_item_is_sent_alone(edit: Any, requests_mock: Any) -> None:
    """Refusals that could be of either file are told apart by sending each again, alone."""
    bad = {"b": ERROR, "c": OTHER}

    records = edit(lambda sent: [bad.get(item["id"], changed(item)) for item in sent][::-1], items("a", "b", "c", "d"))

    assert [record.error and record.error.code for record in records] == [None, 5002, 5006, None]
    assert [len(call.json()["items"]) for call in requests_mock.request_history] == [4, 1, 1]


@pytest.mark.parametrize("answer", [[], [None], [{"resource": {"id": "stray"}}]])
def test_single_item_is_sent_once(edit: Any, requests_mock: Any, answer: list[Any]) -> None:
    """An item that was alone already is not sent again."""
    [record] = edit(lambda sent: answer, items("a"))

    assert record.error.undecided
    assert requests_mock.call_count == 1


def test_few_are_sent_alone(edit: Any, requests_mock: Any) -> None:
    names = [f"id{number}" for number in range(100)]

    records = edit(lambda sent: [changed(item) for item in sent[::2]], items(*names))

    assert sum(record.error is None for record in records) == 60
    assert all(record.error is None or record.error.undecided for record in records)
    assert requests_mock.call_count == 11


def test_trouble_costs_no_record(client: CgcClient, requests_mock: Any, base: str) -> None:
    """Trouble that passes, when an open item is sent again, leaves the other records as they are."""
    first = {"json": {"items": [changed(items("a")[0])]}}
    requests_mock.post(base + EDIT, [first, {"status_code": 503, "json": {"code": 90005, "message": "Down."}}])

    records = client.files.bulk_edit(items("a", "b", "c"))

    assert [record.error is None for record in records] == [True, False, False]
    assert all(record.error.undecided for record in records[1:] if record.error)
    assert requests_mock.call_count == 2


def test_denial_is_raised(client: CgcClient, requests_mock: Any, base: str) -> None:
    first = {"json": {"items": []}}
    requests_mock.post(base + EDIT, [first, {"status_code": 401, "json": {"code": 90001, "message": "No."}}])

    with pytest.raises(CgcUnauthorized):
        client.files.bulk_edit(items("a", "b"))


def test_error_alone_is_the_items(edit: Any) -> None:
    [record] = edit(lambda sent: [ERROR], items("a"))

    assert (record.id, record.error.code, record.error.undecided) == ("a", 5002, False)


@pytest.mark.parametrize("body", [None, [], {}, {"items": None}, {"items": {}}, "text", {"error": {"code": 1}}])
def test_edit_without_records(client: CgcClient, requests_mock: Any, base: str, body: Any) -> None:
    requests_mock.post(base + EDIT, json=body)

    with pytest.raises(CgcUnreadableError):
        client.files.bulk_edit(items("a"))


def test_edit_refused_as_a_whole(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.post(base + EDIT, status_code=403, json={"status": 403, "code": 1, "message": "No."})

    with pytest.raises(CgcForbidden):
        client.files.bulk_edit(items("a", "b"))


@pytest.mark.parametrize(
    "lost", [{"status_code": 503, "json": {"code": 90005, "message": "Down."}}, {"exc": requests.ReadTimeout}]
)
def test_lost_edit_is_sent_again(make_client: Any, requests_mock: Any, base: str, lost: dict[str, Any]) -> None:
    client = make_client(patience=60)
    requests_mock.post(base + EDIT, [lost, {"json": {"items": [changed(items("a")[0])]}}])

    [record] = client.files.bulk_edit(items("a"))

    assert record.error is None
    assert requests_mock.call_count == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("a", "a list of items"),
        ({"id": "a", "name": "x"}, "a list of items"),
        (["a"], "item 0: must be an object"),
        ([{"name": "x"}], "item 0: 'id'"),
        ([{"id": "", "name": "x"}], "item 0: 'id'"),
        ([{"id": 5, "name": "x"}], "item 0: 'id'"),
        ([{"id": "a", "name": "x"}, {"id": "b", "file_id": "c", "name": "x"}], "item 1: unknown key 'file_id'"),
        ([{"id": "a"}], "item 0: changes nothing"),
        ([{"id": "a", "name": None, "tags": None}], "item 0: changes nothing"),
        ([{"id": "a", "name": ""}], "item 0: 'name'"),
        ([{"id": "a", "name": 5}], "item 0: 'name'"),
        ([{"id": "a", "tags": "x"}], "item 0: 'tags' must be a list"),
        ([{"id": "a", "tags": {"x": 1}}], "item 0: 'tags' must be a list"),
        ([{"id": "a", "tags": ["x", None]}], "item 0: each of 'tags'"),
        ([{"id": "a", "tags": [""]}], "item 0: each of 'tags'"),
        ([{"id": "a", "metadata": ["x"]}], "item 0: 'metadata' must be an object"),
        ([{"id": "a", "metadata": "x"}], "item 0: 'metadata' must be an object"),
        ([{"id": "a", "metadata": {"n": 5}}], "item 0: 'n' in 'metadata' must be a text or null, but is 5"),
        ([{"id": "a", "metadata": {"n": True}}], "item 0: 'n' in 'metadata'"),
        ([{"id": "a", "metadata": {"n": ["x"]}}], "item 0: 'n' in 'metadata'"),
        ([{"id": "a", "metadata": {5: "x"}}], "item 0: each key of 'metadata'"),
        ([{"id": "a", "metadata": {"": "x"}}], "item 0: each key of 'metadata'"),
        ([*items(*map(str, range(150))), *items("7")], "items 7 and 150 change the same file, '7'"),
    ],
)
def test_wrong_edit_is_not_sent(client: CgcClient, requests_mock: Any, given: Any, words: str) -> None:
    with pytest.raises(CgcUsageError) as refused:
        client.files.bulk_edit(given)

    assert words in str(refused.value)
    assert requests_mock.call_count == 0


def test_gone_file_keeps_no_others(client: CgcClient, requests_mock: Any, base: str) -> None:
    """The others are changed where one file that is gone makes the whole call fail."""

    def platform(request: Any, context: Any) -> Any:
        sent = request.json()["items"]
        if any(item["id"] == "b" for item in sent):
            context.status_code = 404
            return REFUSED
        return {"items": [changed(item) for item in sent]}

    requests_mock.post(base + EDIT, json=platform)

    records = client.files.bulk_edit(items("a", "b", "c"))

    assert [record.resource and record.resource.id for record in records] == ["a", None, "c"]
    assert records[1].error == Problem.from_json(REFUSED)
