"""The emulator's export jobs: create, follow, list, refuse, fail; asked with plain requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator

if TYPE_CHECKING:
    from tests.contract.conftest import Http


def item(file: str, volume: str, location: str, **more: Any) -> dict[str, Any]:
    """The body of an export, or one item of a bulk create."""
    return {"source": {"file": file}, "destination": {"volume": volume, "location": location}, **more}


def create(http: Http, items: list[Any], **query: Any) -> list[dict[str, Any]]:
    answer = http.post("/bulk/storage/exports/create", {"items": items}, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_new_job_is_pending(http: Http, cgc: CgcEmulator) -> None:
    order = item(cgc.file_ids[0], cgc.volume, "run7/a.bam", overwrite=False)

    job = http.post("/storage/exports", order, copy_only="true").json()

    assert re.fullmatch(r"[A-Za-z0-9]{32}", job["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", job.pop("started_on"))
    assert job == {
        "href": f"{cgc.url}/storage/exports/{job['id']}",
        "id": job["id"],
        "state": "PENDING",
        **order,
        "properties": {"sse_algorithm": "AES256"},
    }


def test_job_runs_and_completes(http: Http, cgc: CgcEmulator) -> None:
    size = http.get(f"/files/{cgc.file_ids[0]}").json()["size"]
    [job] = cgc.submit_exports(cgc.file_ids[:1])
    states = [http.export(job)["state"]]

    cgc.clock.advance(2.5)
    states.append(http.export(job)["state"])
    cgc.clock.advance(3 + size / 250e6)
    done = http.export(job)

    assert [*states, done["state"]] == ["PENDING", "RUNNING", "COMPLETED"]
    assert done["finished_on"] > done["started_on"]
    assert done["result"]["id"] == cgc.file_ids[0]
    assert "error" not in done


def test_ended_never_changes(http: Http, cgc: CgcEmulator) -> None:
    jobs = cgc.submit_exports(cgc.file_ids[:2])
    cgc.clock.advance(3600)
    first = http.records(jobs)

    cgc.clock.advance(86_400)

    assert http.records(jobs) == first


def test_jobs_queue_for_slots(ask: type[Http]) -> None:
    with CgcEmulator(files=5, speed=0, slots=2, throughput=1) as cgc:
        jobs = cgc.submit_exports(cgc.file_ids)

        cgc.clock.advance(10)
        states = [record["resource"]["state"] for record in ask(cgc).records(jobs)]

    assert states == ["RUNNING", "RUNNING", "PENDING", "PENDING", "PENDING"]


def test_throughput_sets_length(ask: type[Http]) -> None:
    with CgcEmulator(files=1, speed=0, throughput=1000) as cgc:
        http = ask(cgc)
        size = http.get(f"/files/{cgc.file_ids[0]}").json()["size"]
        [job] = cgc.submit_exports(cgc.file_ids)

        cgc.clock.advance(5 + size / 1000 - 1)
        before = http.export(job)["state"]
        cgc.clock.advance(1)
        after = http.export(job)["state"]

    assert (before, after) == ("RUNNING", "COMPLETED")


def test_steps_add_up(ask: type[Http]) -> None:
    """One big step of the clock equals many small ones."""

    def ended(steps: int) -> list[float | None]:
        with CgcEmulator(files=40, speed=0, slots=3, wall=lambda: 1_800_000_000.0) as cgc:
            jobs = cgc.submit_exports(cgc.file_ids)
            for _ in range(steps):
                cgc.clock.advance(4096 / steps)
                ask(cgc).records(jobs)
            with cgc.world.open() as world:
                return [world.exports[job].ended for job in jobs]

    assert ended(1) == ended(16)
    assert None not in ended(1)


def test_copy_leaves_the_file(http: Http, cgc: CgcEmulator) -> None:
    create(http, [item(cgc.file_ids[0], cgc.volume, "a")], copy_only="True")
    cgc.clock.advance(3600)

    assert http.get(f"/files/{cgc.file_ids[0]}").json()["storage"]["type"] == "PLATFORM"
    assert create(http, [item(cgc.file_ids[0], cgc.volume, "b")], copy_only="TRUE")[0]["resource"]


@pytest.mark.parametrize("query", [{}, {"copy_only": "False"}, {"copy_only": "false"}])
def test_move_leaves_an_alias(http: Http, cgc: CgcEmulator, query: dict[str, str]) -> None:
    create(http, [item(cgc.file_ids[0], cgc.volume, "x/a")], **query)
    cgc.clock.advance(3600)

    file = http.get(f"/files/{cgc.file_ids[0]}").json()
    again = create(http, [item(cgc.file_ids[0], cgc.volume, "x/b")], **query)

    assert file["id"] == cgc.file_ids[0]
    assert file["storage"] == {"type": "VOLUME", "volume": cgc.volume, "location": "x/a"}
    assert again[0]["error"]["code"] == 9006


def test_unclear_is_no_move(http: Http, cgc: CgcEmulator) -> None:
    """Unreadable `copy_only` is refused rather than taken for a move."""
    answer = http.post("/storage/exports", item(cgc.file_ids[0], cgc.volume, "a"), copy_only="1")

    assert http.code(answer) == (400, 90000)


REFUSALS = {
    "unknown volume": (lambda e: item(e.file_ids[0], "demo-lab/none", "a"), (404, 9007)),
    "unknown file": (lambda e: item("0" * 24, e.volume, "a"), (404, 9009)),
    "alias": (lambda e: item(e.alias_id, e.volume, "a"), (403, 9006)),
    "archived file": (lambda e: item(e.archived_id, e.volume, "a"), (403, 9006)),
    "folder": (lambda e: item(e.folder_id, e.volume, "a"), (403, 9006)),
    "no right to the volume": (lambda e: item(e.file_ids[0], e.unwritable_volume, "a"), (403, 9020)),
    "read only volume": (lambda e: item(e.file_ids[0], e.read_only_volume, "a"), (403, 9026)),
    "other region": (lambda e: item(e.file_ids[0], e.other_region_volume, "a"), (403, 9027)),
    "inactive volume": (lambda e: item(e.file_ids[0], e.inactive_volume, "a"), (409, 9069)),
    "slash at the end": (lambda e: item(e.file_ids[0], e.volume, "a/"), (400, 9072)),
    "no location": (lambda e: item(e.file_ids[0], e.volume, ""), (400, 9011)),
    "no destination": (lambda e: {"source": {"file": e.file_ids[0]}}, (400, 9011)),
    "no file": (lambda e: {"source": {}, "destination": {"volume": e.volume, "location": "a"}}, (400, 9011)),
    "odd overwrite": (lambda e: item(e.file_ids[0], e.volume, "a", overwrite="yes"), (400, 9011)),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_refusal_alone_or_bulk(http: Http, cgc: CgcEmulator, reason: str) -> None:
    """A refusal is an error of a single call, and of the item in a bulk call."""
    make, expected = REFUSALS[reason]
    good = item(cgc.file_ids[1], cgc.volume, "good")

    alone = http.post("/storage/exports", make(cgc), copy_only="true")
    records = create(http, [make(cgc), good], copy_only="true")

    assert http.code(alone) == expected
    assert (records[0]["error"]["status"], records[0]["error"]["code"]) == expected
    assert set(records[0]["error"]) == {"status", "code", "message", "more_info"}
    assert records[1]["resource"]["state"] == "PENDING"


def test_occupied_key_fails_late(http: Http, cgc: CgcEmulator) -> None:
    cgc.submit_exports(cgc.file_ids[:1], location="a")
    cgc.clock.advance(3600)

    [record] = create(http, [item(cgc.file_ids[1], cgc.volume, "a")], copy_only="true")
    cgc.clock.advance(3600)
    job = http.export(record["resource"]["id"])

    assert record["resource"]["state"] == "PENDING"
    assert (job["state"], job["error"]["status"], job["error"]["code"]) == ("FAILED", 409, 9107)
    assert "result" not in job
    assert http.get(f"/files/{cgc.file_ids[1]}").json()["storage"]["type"] == "PLATFORM"


@pytest.mark.parametrize(("overwrite", "state"), [(True, "COMPLETED"), ("true", "COMPLETED"), ("false", "FAILED")])
def test_overwrite_as_text(http: Http, cgc: CgcEmulator, overwrite: bool | str, state: str) -> None:
    cgc.submit_exports(cgc.file_ids[:1], location="a")
    cgc.clock.advance(3600)

    [record] = create(http, [item(cgc.file_ids[1], cgc.volume, "a", overwrite=overwrite)], copy_only="true")
    cgc.clock.advance(3600)

    assert http.export(record["resource"]["id"])["state"] == state


def test_slower_job_fails(http: Http, cgc: CgcEmulator) -> None:
    """Of two jobs to one key the slower fails and writes nothing."""
    sizes = {file_id: http.get(f"/files/{file_id}").json()["size"] for file_id in cgc.file_ids}
    small, big = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
    jobs = cgc.submit_exports([big, small], location="same")
    cgc.clock.advance(3600)

    states = [record["resource"]["state"] for record in http.records(jobs)]
    stored = http.get(f"/storage/volumes/{cgc.volume}/object", location="same").json()

    assert states == ["FAILED", "COMPLETED"]
    assert stored["metadata"]["size"] == sizes[small]


def test_moved_fails_the_second(http: Http, cgc: CgcEmulator) -> None:
    jobs = [cgc.submit_exports(cgc.file_ids[:1], location=key, copy_only=False)[0] for key in ("first", "second")]
    cgc.clock.advance(3600)

    errors = [record["resource"].get("error", {}).get("code") for record in http.records(jobs)]

    assert errors == [None, 9109]


def test_properties_override(http: Http, cgc: CgcEmulator) -> None:
    """Properties override those of the volume."""
    properties = {"sse_algorithm": "aws:kms", "aws_storage_class": "GLACIER"}
    order = item(cgc.file_ids[0], cgc.volume, "a", properties=properties)

    job = http.post("/storage/exports", order, copy_only="true").json()

    assert job["properties"] == properties


def test_records_keep_order(http: Http, cgc: CgcEmulator) -> None:
    jobs = cgc.submit_exports(cgc.file_ids[:20])[::-1]

    records = http.records([*jobs, jobs[0]])

    assert [record["resource"]["id"] for record in records] == [*jobs, jobs[0]]


@pytest.mark.parametrize(("path", "key"), [("create", "items"), ("get", "export_ids")], ids=["create", "get"])
@pytest.mark.parametrize("count", [0, 101])
def test_bulk_of_0_or_over_100(http: Http, path: str, key: str, count: int) -> None:
    answer = http.post(f"/bulk/storage/exports/{path}", {key: ["x"] * count})

    assert http.code(answer) == (400, 90000)


def test_create_is_always_200(http: Http, cgc: CgcEmulator) -> None:
    """Bulk create answers 200 even if nothing was started."""
    records = create(http, ["nonsense", {}, item("none", cgc.volume, "a")])

    assert [record["error"]["code"] for record in records] == [9011, 9011, 9009]


def test_other_users_job_is_9005(http: Http, cgc: CgcEmulator, ask: type[Http]) -> None:
    stranger = ask(cgc, cgc.add_token("grace"))
    jobs = cgc.submit_exports(cgc.file_ids[:1])
    theirs = cgc.submit_exports(cgc.file_ids[1:2], user="grace")

    [record] = stranger.records(jobs)
    alone = stranger.get(f"/storage/exports/{jobs[0]}")
    listed = stranger.get("/storage/exports").json()["items"]

    assert (record["error"]["status"], record["error"]["code"]) == (403, 9005)
    assert http.code(alone) == (403, 9005)
    assert [job["id"] for job in listed] == theirs


def test_list_filters(http: Http, cgc: CgcEmulator) -> None:
    cgc.fail_files(cgc.file_names[cgc.file_ids[1]], code=9206)
    jobs = cgc.submit_exports(cgc.file_ids[:3])
    cgc.clock.advance(3600)
    fresh = cgc.submit_exports(cgc.file_ids[3:4])

    def listed(**query: Any) -> list[str]:
        return [job["id"] for job in http.get("/storage/exports", **query).json()["items"]]

    assert listed(state="FAILED") == [jobs[1]]
    assert listed(state=["PENDING", "FAILED"]) == [fresh[0], jobs[1]]
    assert listed(volume=cgc.volume) == [fresh[0], *jobs[::-1]]
    assert listed(volume=cgc.other_region_volume) == []


def test_list_is_brief(http: Http, cgc: CgcEmulator) -> None:
    jobs = cgc.submit_exports(cgc.file_ids[:5])

    page = http.get("/storage/exports", volume=cgc.volume, limit=2, offset=2)
    before = http.get(page.json()["links"][1]["href"].removeprefix(cgc.url)).json()

    assert page.headers["X-Total-Matching-Query"] == "5"
    assert [set(job) for job in page.json()["items"]] == [{"href", "id", "state"}] * 2
    assert [link["rel"] for link in page.json()["links"]] == ["next", "prev"]
    assert f"volume={cgc.volume}" in page.json()["links"][0]["href"]
    assert [job["id"] for job in before["items"]] == jobs[:2:-1]


def test_ten_thousand_jobs(ask: type[Http]) -> None:
    with CgcEmulator() as cgc:
        http = ask(cgc)
        jobs: list[str] = []
        for start in range(100):
            items = [item(cgc.file_ids[number % 300], cgc.volume, f"{start}/{number}") for number in range(100)]
            jobs += [record["resource"]["id"] for record in create(http, items, copy_only="true")]
        cgc.clock.advance(7 * 86_400)

        records = [record for start in range(0, 10_000, 100) for record in http.records(jobs[start : start + 100])]
        stats = cgc.stats()

    assert len(set(jobs)) == 10_000
    assert {record["resource"]["state"] for record in records} == {"COMPLETED"}
    assert stats["requests"] == {
        "POST /v2/bulk/storage/exports/create": 100,
        "POST /v2/bulk/storage/exports/get": 100,
    }
    assert stats["max_per_id"] == 1


def test_file_with_an_incident(http: Http, cgc: CgcEmulator) -> None:
    """The export of the file in incidents is accepted and fails."""
    file = http.get("/files", project="demo-lab/incidents").json()["items"][0]

    job = cgc.submit_exports([file["id"]])[0]
    cgc.clock.advance(3600)
    answer = http.get(f"/storage/exports/{job}").json()

    assert (answer["state"], answer["error"]["code"]) == ("FAILED", 9109)
