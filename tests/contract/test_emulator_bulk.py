"""The emulator's variants of bulk calls and of which jobs are known: each switched on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator

if TYPE_CHECKING:
    from tests.contract.conftest import Http

KINDS = ["exports", "imports"]


def start(cgc: CgcEmulator, kind: str, count: int = 3) -> list[str]:
    """The ids of some jobs of a kind."""
    if kind == "exports":
        return cgc.submit_exports(cgc.file_ids[:count])
    return cgc.submit_imports(cgc.locations[:count])


def bulk_get(http: Http, kind: str, ids: list[str], **query: Any) -> Any:
    return http.post(f"/bulk/storage/{kind}/get", {f"{kind[:-1]}_ids": ids}, **query)


def shown(answer: Any) -> list[Any]:
    """Of each record the job's id, or the code of its error."""
    assert answer.status_code == 200, answer.text
    return [
        record["resource"]["id"] if "resource" in record else record["error"]["code"]
        for record in answer.json()["items"]
    ]


def export(cgc: CgcEmulator, volume: str | None = None, file: str | None = None) -> dict[str, Any]:
    return {
        "source": {"file": file or cgc.file_ids[0]},
        "destination": {"volume": volume or cgc.volume, "location": "a.bam"},
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("variant", "expected"), [("error", [9008, 9008]), ("gap", []), ("404", None)])
def test_new_can_be_unknown(cgc: CgcEmulator, http: Http, kind: str, variant: str, expected: list[int] | None) -> None:
    cgc.option("unknown_for", 30)
    cgc.option("unknown_ids", variant)
    ids = start(cgc, kind, 2)
    cgc.clock.advance(29)

    early = bulk_get(http, kind, ids)
    alone = http.get(f"/storage/{kind}/{ids[0]}")
    cgc.clock.advance(1)

    if expected is None:
        assert http.code(early) == (404, 9008)
    else:
        assert shown(early) == expected
    assert http.code(alone) == (404, 9008)
    assert shown(bulk_get(http, kind, ids)) == ids


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_new_is_listed(cgc: CgcEmulator, http: Http, kind: str) -> None:
    """Unknown while new does not keep a job out of the list."""
    cgc.option("unknown_for", 30)

    ids = start(cgc, kind)

    assert [job["id"] for job in http.get(f"/storage/{kind}").json()["items"]] == ids[::-1]


@pytest.mark.parametrize("kind", KINDS)
def test_ended_can_be_forgotten(cgc: CgcEmulator, http: Http, kind: str) -> None:
    cgc.option("expiry", 7200)
    ids = start(cgc, kind)
    cgc.clock.advance(3600)
    bulk_get(http, kind, ids)
    cgc.clock.advance(3500)

    before = shown(bulk_get(http, kind, ids))
    cgc.clock.advance(3700)

    assert before == ids
    assert shown(bulk_get(http, kind, ids)) == [9008] * 3
    assert http.get(f"/storage/{kind}").json()["items"] == []


def test_open_job_never_expires(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("expiry", 10)
    cgc.option("stuck", True)
    ids = start(cgc, "exports")

    cgc.clock.advance(86_400)

    assert shown(bulk_get(http, "exports", ids)) == ids


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("variant", "turn"), [("request", 1), ("reversed", -1)])
def test_records_reversed(cgc: CgcEmulator, http: Http, kind: str, variant: str, turn: int) -> None:
    cgc.option("record_order", variant)
    ids = start(cgc, kind)

    assert shown(bulk_get(http, kind, [*ids, "none"])) == [*ids, 9008][::turn]


def test_created_reversed(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("record_order", "reversed")

    answer = http.post("/bulk/storage/exports/create", {"items": [export(cgc, file="none"), export(cgc)]})

    assert [list(record) for record in answer.json()["items"]] == [["resource"], ["error"]]


def test_records_shuffled(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("record_order", "shuffled")
    ids = start(cgc, "exports", 20)

    first, second = (shown(bulk_get(http, "exports", ids)) for _ in range(2))

    assert sorted(first) == sorted(second) == sorted(ids)
    assert len({tuple(order) for order in (ids, first, second)}) == 3


def test_unknown_look_alike(cgc: CgcEmulator, http: Http) -> None:
    """Several unknown ids cannot be told apart."""
    records = bulk_get(http, "exports", ["none", "nothing"]).json()["items"]

    assert records[0] == records[1]
    assert "none" not in str(records)


@pytest.mark.parametrize(("variant", "expected"), [("twice", [0, 1, 0]), ("once", [0, 1])])
def test_id_twice(cgc: CgcEmulator, http: Http, variant: str, expected: list[int]) -> None:
    cgc.option("duplicate_ids", variant)
    ids = start(cgc, "exports", 2)

    assert shown(bulk_get(http, "exports", [ids[0], ids[1], ids[0]])) == [ids[number] for number in expected]


def test_id_twice_spoils_call(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("duplicate_ids", "400")
    ids = start(cgc, "exports", 2)

    assert http.code(bulk_get(http, "exports", [*ids, ids[0]])) == (400, 90000)
    assert shown(bulk_get(http, "exports", ids)) == ids


@pytest.mark.parametrize(("variant", "count"), [("cut", 100), ("all", 101)])
def test_over_100_answered(cgc: CgcEmulator, http: Http, variant: str, count: int) -> None:
    cgc.option("too_many", variant)

    assert shown(bulk_get(http, "exports", ["none"] * 101)) == [9008] * count


def test_over_100_refused(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("too_many", "413")

    answer = bulk_get(http, "exports", ["none"] * 101)

    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (413, "text/html")
    assert bulk_get(http, "exports", ["none"] * 100).status_code == 200


def test_none_for_none(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("empty_bulk", "empty")

    assert shown(bulk_get(http, "exports", [])) == []


@pytest.mark.parametrize("kind", KINDS)
def test_singular_path(cgc: CgcEmulator, http: Http, kind: str) -> None:
    ids = start(cgc, kind, 1)
    body = {f"{kind[:-1]}_ids": ids}
    before = http.post(f"/bulk/storage/{kind[:-1]}/get", body)

    cgc.option("singular_path", True)
    after = http.post(f"/bulk/storage/{kind[:-1]}/get", body)
    items = http.post(f"/bulk/storage/{kind[:-1]}/create", {"items": [{}]})

    assert (before.status_code, before.json()) == (404, {"status": "NOT_FOUND", "message": "HTTP 404 Not Found"})
    assert shown(after) == ids
    assert shown(items) == [9011]


@pytest.mark.parametrize(
    ("variant", "fields", "keys"),
    [
        ("prefixed", "resource.id", {"id"}),
        ("plain", "id", {"id"}),
        ("ignored", "resource.id", None),
    ],
)
def test_fields_three_ways(cgc: CgcEmulator, http: Http, variant: str, fields: str, keys: set[str] | None) -> None:
    cgc.option("bulk_fields", variant)
    ids = start(cgc, "exports", 1)
    whole = set(http.export(ids[0]))

    [record] = bulk_get(http, "exports", ids, fields=fields).json()["items"]

    assert set(record["resource"]) == (keys or whole)


def test_prefixed_fields(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("bulk_fields", "plain")
    ids = start(cgc, "exports", 1)

    assert bulk_get(http, "exports", ids, fields="resource.id").json()["items"] == [{"resource": {}}]


@pytest.mark.parametrize(
    ("volume", "code"),
    [
        ("demo-lab/none", (404, 9007)),
        ("partner-lab/dropbox", (403, 9020)),
        ("demo-lab/archive", (403, 9026)),
        ("demo-lab/retired", (409, 9069)),
    ],
)
def test_bad_volume_spoils_all(cgc: CgcEmulator, http: Http, volume: str, code: tuple[int, int]) -> None:
    """Bad volume can spoil the whole create and nothing starts."""
    cgc.option("bad_volume", "call")

    answer = http.post("/bulk/storage/exports/create", {"items": [export(cgc), export(cgc, volume)]})

    assert http.code(answer) == code
    assert http.get("/storage/exports").json()["items"] == []


def test_refusal_is_per_item(cgc: CgcEmulator, http: Http) -> None:
    """Other refusals stay with their item."""
    cgc.option("bad_volume", "call")

    answer = http.post("/bulk/storage/exports/create", {"items": [{}, export(cgc, file="none"), export(cgc)]})

    assert [record.get("error", {}).get("code") for record in answer.json()["items"]] == [9011, 9009, None]


@pytest.mark.parametrize(("variant", "states"), [("slower_fails", ["FAILED", "COMPLETED"]), ("last_wins", None)])
def test_two_exports_to_one_key(cgc: CgcEmulator, http: Http, variant: str, states: list[str] | None) -> None:
    cgc.option("same_key", variant)
    sizes = {file_id: http.get(f"/files/{file_id}").json()["size"] for file_id in cgc.file_ids}
    small, big = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
    jobs = cgc.submit_exports([big, small], location="same")
    cgc.clock.advance(3600)

    ended = [record["resource"]["state"] for record in http.records(jobs)]
    stored = http.get(f"/storage/volumes/{cgc.volume}/object", location="same").json()["metadata"]["size"]

    assert ended == (states or ["COMPLETED", "COMPLETED"])
    assert stored == sizes[small if states else big]


@pytest.mark.parametrize(("option", "code"), [("same_key", 9107), ("same_file", 9006)])
def test_second_export_refused(cgc: CgcEmulator, http: Http, option: str, code: int) -> None:
    cgc.option(option, "refused")
    other = export(cgc, file=cgc.file_ids[1] if option == "same_key" else None)
    other["destination"] |= {} if option == "same_key" else {"location": "b.bam"}
    cgc.submit_exports(cgc.file_ids[:1], location="a.bam")

    during = http.post("/storage/exports", other, copy_only="true")
    cgc.clock.advance(3600)
    after = http.post("/storage/exports", other, copy_only="true")

    assert during.json()["code"] == code
    assert after.json()["state"] == "PENDING"


@pytest.mark.parametrize("code", [9006, 9072])
def test_folder_has_two_codes(cgc: CgcEmulator, http: Http, code: int) -> None:
    cgc.option("folder_code", code)

    answer = http.post("/storage/exports", export(cgc, file=cgc.folder_id), copy_only="true")

    assert answer.json()["code"] == code
