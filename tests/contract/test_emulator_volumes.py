"""The emulator's volumes: changed, deactivated, deleted; what becomes of their jobs; long listings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.emulator.state.bucket import Bucket
from airflow_provider_cgc.emulator.state.nouns import StoredObject

if TYPE_CHECKING:
    from tests.contract.conftest import Http


def send(http: Http, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
    return requests.request(method, http.url + path, json=body, params=query, headers=http.headers, timeout=10)


def patch(http: Http, volume: str, body: dict[str, Any], **query: Any) -> requests.Response:
    return send(http, "PATCH", f"/storage/volumes/{volume}", body, **query)


def test_change_leaves_the_rest(http: Http, cgc: CgcEmulator) -> None:
    before = http.get(f"/storage/volumes/{cgc.volume}").json()
    cgc.clock.advance(60)

    answer = patch(http, cgc.volume, {"description": "New", "service": {"properties": {"aws_canned_acl": "private"}}})
    after = http.get(f"/storage/volumes/{cgc.volume}").json()

    assert answer.json() == after
    assert (after["description"], after["access_mode"], after["active"]) == ("New", "RW", True)
    assert after["service"]["properties"] == {"sse_algorithm": "AES256", "aws_canned_acl": "private"}
    assert after["created_on"] == before["created_on"]
    assert after["modified_on"] > before["modified_on"]


@pytest.mark.parametrize(
    ("volume", "body", "expected"),
    [
        ("demo-lab/none", {"active": False}, (404, 9007)),
        ("partner-lab/dropbox", {"active": False}, (403, 9020)),
        ("demo-lab/results", {"access_mode": "WO"}, (400, 9016)),
        ("demo-lab/results", {"name": "other"}, (400, 9011)),
        ("demo-lab/results", {"service": {"bucket": "other"}}, (400, 9011)),
        ("demo-lab/results", {"active": "perhaps"}, (400, 9011)),
    ],
)
def test_impossible_change(http: Http, volume: str, body: dict[str, Any], expected: tuple[int, int]) -> None:
    before = http.get("/storage/volumes", fields="_all").json()

    answer = patch(http, volume, {"description": "New"} | body)

    assert http.code(answer) == expected
    assert http.get("/storage/volumes", fields="_all").json() == before


def test_busy_stays_active(http: Http, cgc: CgcEmulator) -> None:
    cgc.submit_exports(cgc.file_ids[:2])

    during = patch(http, cgc.volume, {"active": False})
    cgc.clock.advance(3600)
    after = patch(http, cgc.volume, {"active": False})

    assert http.code(during) == (409, 90007)
    assert after.json()["active"] is False


def test_imports_keep_it_active(http: Http, cgc: CgcEmulator) -> None:
    cgc.submit_imports(cgc.locations[:1])

    assert http.code(patch(http, cgc.read_only_volume, {"active": False})) == (409, 90007)
    assert patch(http, cgc.other_region_volume, {"active": False}).status_code == 200


@pytest.mark.parametrize("code", [9069, 9100])
def test_force_ends_its_jobs(http: Http, cgc: CgcEmulator, code: int) -> None:
    if code != 9069:
        cgc.option("forced_code", code)
    jobs = cgc.submit_exports(cgc.file_ids[:30], location="x/{name}")
    imports = cgc.submit_imports(cgc.locations[:1])
    cgc.clock.advance(2.5)

    answer = patch(http, cgc.volume, {"active": False}, force="true")
    ended = [record["resource"] for record in http.records(jobs)]
    patch(http, cgc.volume, {"active": True})
    cgc.clock.advance(3600)

    assert answer.status_code == 200
    assert {job["state"] for job in ended} == {"FAILED"}
    assert {job["error"]["code"] for job in ended} == {code}
    assert all(job["finished_on"] for job in ended)
    assert [record["resource"] for record in http.records(jobs)] == ended
    assert http.get(f"/storage/volumes/{cgc.volume}/list", prefix="x/").json()["items"] == []
    assert http.get(f"/storage/imports/{imports[0]}").json()["state"] == "COMPLETED"


def test_force_makes_room(ask: type[Http]) -> None:
    with CgcEmulator(files=3, speed=0, slots=1, throughput=1) as cgc:
        http = ask(cgc)
        cgc.submit_exports(cgc.file_ids[:1])
        cgc.clock.advance(3)
        patch(http, cgc.volume, {"active": False}, force="true")
        patch(http, cgc.volume, {"active": True})

        [job] = cgc.submit_exports(cgc.file_ids[1:2])
        cgc.clock.advance(3)

        assert http.export(job)["state"] == "RUNNING"


def test_inactive_is_looked_at(http: Http, cgc: CgcEmulator) -> None:
    patch(http, cgc.read_only_volume, {"active": False})

    browsed = http.get(f"/storage/volumes/{cgc.read_only_volume}/list")
    source = {"volume": cgc.read_only_volume, "location": cgc.locations[0]}
    imported = http.post("/storage/imports", {"source": source, "destination": {"project": cgc.project}})

    assert http.code(browsed) == (409, 9069)
    assert http.code(imported) == (409, 9069)
    assert http.get(f"/storage/volumes/{cgc.read_only_volume}").json()["active"] is False


def test_read_only_is_9101(http: Http, cgc: CgcEmulator) -> None:
    """Export that waited while its volume became read only is 9101."""
    [job] = cgc.submit_exports(cgc.file_ids[:1])

    patch(http, cgc.volume, {"access_mode": "RO"})
    cgc.clock.advance(3600)

    assert http.export(job)["error"]["code"] == 9101


@pytest.mark.parametrize("status", [204, 200])
def test_delete_has_conditions(http: Http, cgc: CgcEmulator, status: int) -> None:
    """Delete needs an inactive volume without aliases."""
    cgc.option("delete_status", status)
    [job] = cgc.submit_imports(cgc.locations[:1])
    cgc.clock.advance(60)
    aliases = [http.get(f"/storage/imports/{job}").json()["result"]["id"], cgc.alias_id]
    path = f"/storage/volumes/{cgc.read_only_volume}"

    active = send(http, "DELETE", path)
    patch(http, cgc.read_only_volume, {"active": False})
    used = send(http, "DELETE", path)
    deleted = [send(http, "DELETE", f"/files/{alias}") for alias in aliases]
    gone = send(http, "DELETE", path)

    assert [http.code(refused) for refused in (active, used)] == [(409, 90007)] * 2
    assert [(answer.status_code, answer.content) for answer in (*deleted, gone)] == [(status, b"")] * 3
    assert http.code(http.get(path)) == (404, 9007)
    assert http.get(f"/storage/imports/{job}").json()["source"]["volume"] == cgc.read_only_volume


def test_active_is_not_deleted(http: Http, cgc: CgcEmulator) -> None:
    assert http.code(send(http, "DELETE", f"/storage/volumes/{cgc.other_region_volume}")) == (409, 90007)


def test_foreign_is_not_deleted(http: Http, cgc: CgcEmulator) -> None:
    assert http.code(send(http, "DELETE", f"/storage/volumes/{cgc.unwritable_volume}")) == (403, 9020)


def test_full_folder_stays(http: Http, cgc: CgcEmulator) -> None:
    """Neither a folder that is not empty nor the root can be deleted."""
    root = http.get(f"/projects/{cgc.project}").json()["root_folder"]

    assert http.code(send(http, "DELETE", f"/files/{cgc.folder_id}")) == (400, 5021)
    assert http.code(send(http, "DELETE", f"/files/{root}")) == (403, 5001)


def test_deleted_file_is_9106(http: Http, cgc: CgcEmulator) -> None:
    [job] = cgc.submit_exports(cgc.file_ids[:1])

    send(http, "DELETE", f"/files/{cgc.file_ids[0]}")
    cgc.clock.advance(3600)

    assert http.export(job)["error"]["code"] == 9106
    assert http.code(http.get(f"/files/{cgc.file_ids[0]}")) == (404, 5002)


def test_built_in_objects(http: Http, cgc: CgcEmulator) -> None:
    top = http.get(f"/storage/volumes/{cgc.read_only_volume}/list").json()
    reads = http.get(
        f"/storage/volumes/{cgc.read_only_volume}/list", prefix="runs/2026-02-11_NovaSeqX/fastq/", fields="_all"
    ).json()

    assert [prefix["prefix"] for prefix in top["prefixes"]] == ["incoming/", "references/", "runs/"]
    assert len(reads["items"]) == 48
    assert set(cgc.locations) > {item["location"] for item in reads["items"]}
    assert all(item["metadata"]["size"] > 4e9 for item in reads["items"])


def test_long_listing_is_whole(http: Http, cgc: CgcEmulator) -> None:
    locations = sorted(f"many/{number % 7}.d/{number}.txt" for number in range(700))
    cgc.put_objects([*locations, "many/3.d.txt", "many/0"], volume=cgc.volume)
    found, path = [], f"/storage/volumes/{cgc.volume}/list?prefix=many/&limit=2"
    while path:
        page = http.get(path).json()
        found += [*(one["prefix"] for one in page["prefixes"]), *(one["location"] for one in page["items"])]
        path = page["links"][0]["next"].removeprefix(cgc.url) if page["links"] else ""

    assert sorted(found) == sorted([*(f"many/{number}.d/" for number in range(7)), "many/0", "many/3.d.txt"])


def test_bucket_shows_the_same() -> None:
    keys = ["a", "a-b", "a.b", "a/", "a/b", "a/b/c", "a0", "a0/x", "b//c", "é/x"]
    bucket = Bucket()
    for key in [*keys, "gone"]:
        bucket[key] = StoredObject(1, 0.0)
    del bucket["gone"]

    def plain(prefix: str) -> list[str]:
        below = [key[len(prefix) :] for key in keys if key.startswith(prefix) and key != prefix]
        return sorted({prefix + head + slash for head, slash, _ in (rest.partition("/") for rest in below)})

    assert list(bucket) == sorted(keys)
    assert list(bucket.below("a/b")) == ["a/b", "a/b/c"]
    for prefix in ("", "b/", "a0/", "x"):
        entries = list(bucket.level(prefix))
        assert entries == plain(prefix)
        assert [list(bucket.level(prefix, after=entry)) for entry in entries] == [
            entries[place + 1 :] for place in range(len(entries))
        ]


@pytest.mark.parametrize("location", ["", "folder/"])
def test_object_needs_a_name(cgc: CgcEmulator, location: str) -> None:
    with pytest.raises(ValueError, match="location"):
        cgc.put_objects(["good", location])
