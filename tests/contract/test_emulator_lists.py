"""The emulator's projects, files and volumes: lists, pages, filters, fields; asked with plain requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_cgc.emulator import CgcEmulator

if TYPE_CHECKING:
    from tests.contract.conftest import Http


def test_project_has_location(http: Http, cgc: CgcEmulator) -> None:
    project = http.get(f"/projects/{cgc.project}").json()

    assert project["id"] == cgc.project
    assert project["settings"]["location"] == "aws:us-east-1"


def test_project_by_part_of_name(http: Http, cgc: CgcEmulator) -> None:
    found = http.get("/projects", name="cPtA").json()["items"]

    assert [project["id"] for project in found] == [cgc.project]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/projects/demo-lab/none", (404, 3002)),
        ("/files/000000000000000000000000", (404, 5002)),
        ("/files?project=demo-lab/none", (404, 3002)),
        ("/files", (400, 5029)),
        ("/files?project=demo-lab/cptac3&parent=x", (400, 5031)),
        ("/storage/volumes/demo-lab/none", (404, 9007)),
        ("/storage/volumes/demo-lab/none/list", (404, 9007)),
        ("/storage/volumes/demo-lab/retired/list", (409, 9069)),
        ("/storage/volumes/demo-lab/results/object?location=none", (404, 9105)),
        ("/storage/exports/none", (404, 9008)),
        ("/storage/exports?volume=demo-lab/none", (404, 9007)),
        ("/storage/exports?state=ABORTED", (400, 90000)),
        ("/storage/exports?limit=101", (400, 90000)),
        ("/storage/exports?limit=0", (400, 90000)),
        ("/storage/exports?offset=-1", (400, 90000)),
    ],
)
def test_bad_question_has_code(http: Http, path: str, expected: tuple[int, int]) -> None:
    assert http.code(http.get(path)) == expected


def test_project_has_one_level(http: Http, cgc: CgcEmulator) -> None:
    items = http.get("/files", project=cgc.project, fields="_all").json()["items"]

    assert [(item["name"], item["type"]) for item in items] == [("WXS", "folder")]
    assert "size" not in items[0]
    assert items[0]["id"] == cgc.folder_id


@pytest.mark.parametrize("path", ["/files?parent={id}", "/files/{id}/list"])
def test_folder_has_pages(http: Http, cgc: CgcEmulator, path: str) -> None:
    first = http.get(path.format(id=cgc.folder_id))
    second = http.get(first.json()["links"][0]["href"].removeprefix(cgc.url))

    pages = [first.json(), second.json()]
    assert [len(page["items"]) for page in pages] == [50, 10]
    assert [item["id"] for page in pages for item in page["items"]] == cgc.file_ids
    assert first.headers["X-Total-Matching-Query"] == "60"
    assert [link["rel"] for link in pages[0]["links"]] == ["next"]
    assert [link["rel"] for link in pages[1]["links"]] == ["prev"]
    assert set(first.json()["items"][0]) == {"href", "id", "name", "project", "parent", "type"}


def test_file_is_no_parent(http: Http, cgc: CgcEmulator) -> None:
    assert http.code(http.get("/files", parent=cgc.file_ids[0])) == (400, 5022)


def test_repeated_name_is_either(http: Http, cgc: CgcEmulator) -> None:
    wanted = cgc.file_ids[3:5]
    names = [cgc.file_names[file_id] for file_id in wanted]

    items = http.get("/files", parent=cgc.folder_id, name=[*names, "none"]).json()["items"]

    assert [item["id"] for item in items] == wanted


@pytest.mark.parametrize("query", [{"tag": "keep"}, {"origin.task": "x"}, {"metadata.case_submitter_id": "none"}])
def test_unmet_filter(http: Http, cgc: CgcEmulator, query: dict[str, str]) -> None:
    answer = http.get("/files", parent=cgc.folder_id, **query)

    assert answer.json()["items"] == []
    assert answer.headers["X-Total-Matching-Query"] == "0"


def test_metadata_must_all_hold(http: Http, cgc: CgcEmulator) -> None:
    metadata = http.get(f"/files/{cgc.file_ids[7]}").json()["metadata"]
    query = {f"metadata.{key}": metadata[key] for key in ("case_submitter_id", "md5sum")}

    items = http.get("/files", parent=cgc.folder_id, **query).json()["items"]

    assert [item["id"] for item in items] == [cgc.file_ids[7]]


def test_file_has_manifest_data(http: Http, cgc: CgcEmulator) -> None:
    file = http.get(f"/files/{cgc.file_ids[0]}").json()

    assert file["name"] == cgc.file_names[file["id"]]
    assert len(file["id"]) == 24
    assert file["storage"] == {"type": "PLATFORM", "hosted_on_locations": ["aws:us-east-1"]}
    assert file["metadata"]["experimental_strategy"] == "WXS"
    assert file["parent"] == cgc.folder_id


def test_bulk_files_one_by_one(http: Http, cgc: CgcEmulator) -> None:
    file_ids = [cgc.file_ids[1], "none", cgc.alias_id]

    items = http.post("/bulk/files/get", {"file_ids": file_ids}).json()["items"]

    assert items[0]["resource"]["id"] == cgc.file_ids[1]
    assert items[1]["error"]["code"] == 5002
    assert items[2]["resource"]["storage"] == {
        "type": "VOLUME",
        "volume": cgc.read_only_volume,
        "location": "incoming/imported.bam",
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("id,state", {"id", "state"}),
        ("!href,!properties,!overwrite", {"id", "state", "source", "destination", "started_on"}),
        ("id,nothing", {"id"}),
    ],
)
def test_fields_choose_keys(http: Http, cgc: CgcEmulator, fields: str, expected: set[str]) -> None:
    [job] = cgc.submit_exports(cgc.file_ids[:1])

    body = http.get(f"/storage/exports/{job}", fields=fields).json()

    assert set(body) == expected


def test_fields_reach_inside(http: Http, cgc: CgcEmulator) -> None:
    body = http.get(f"/storage/volumes/{cgc.volume}", fields="service.bucket,service.prefix,active").json()

    assert body == {"service": {"bucket": "demo-lab-bucket", "prefix": "cgc"}, "active": True}


def test_whole_field_wins(http: Http, cgc: CgcEmulator) -> None:
    body = http.get(f"/storage/volumes/{cgc.volume}", fields="service.bucket,service").json()

    assert body == {"service": http.get(f"/storage/volumes/{cgc.volume}").json()["service"]}


def test_fields_leave_out(http: Http, cgc: CgcEmulator) -> None:
    body = http.get(f"/storage/volumes/{cgc.volume}", fields="service,!service.credentials").json()

    assert set(body) == {"service"}
    assert "credentials" not in body["service"]
    assert body["service"]["bucket"] == "demo-lab-bucket"


def test_fields_of_a_record(http: Http, cgc: CgcEmulator) -> None:
    jobs = cgc.submit_exports(cgc.file_ids[:1])

    records = http.records([*jobs, "none"], fields="resource.id,resource.state,error.code")

    assert records == [{"resource": {"id": jobs[0], "state": "PENDING"}}, {"error": {"code": 9008}}]


def test_list_is_brief(http: Http, cgc: CgcEmulator) -> None:
    brief = http.get("/storage/volumes").json()["items"]
    whole = http.get("/storage/volumes", fields="_all").json()["items"]

    assert set(brief[0]) == {"href", "id", "name"}
    assert {volume["id"]: (volume["access_mode"], volume["active"]) for volume in whole} == {
        cgc.volume: ("RW", True),
        cgc.read_only_volume: ("RO", True),
        cgc.inactive_volume: ("RW", False),
        cgc.other_region_volume: ("RW", True),
        cgc.unwritable_volume: ("RW", True),
    }


def test_volume_pages(http: Http, cgc: CgcEmulator) -> None:
    for number, location in enumerate(["b.bam", "a/1.bam", "a/2.bam", "c.bam", "d/e/f.bam"]):
        cgc.submit_exports(cgc.file_ids[number : number + 1], location=location)
    cgc.clock.advance(3600)

    pages, path = [], f"/storage/volumes/{cgc.volume}/list?limit=2"
    while path:
        pages.append(http.get(path).json())
        path = pages[-1]["links"][0]["next"].removeprefix(cgc.url) if pages[-1]["links"] else ""

    shown = [
        [entry["prefix"] for entry in page["prefixes"]] + [entry["location"] for entry in page["items"]]
        for page in pages
    ]
    assert shown == [["a/", "b.bam"], ["d/", "c.bam"]]
    assert [page["truncated"] for page in pages] == [True, False]


def test_listing_below_a_prefix(http: Http, cgc: CgcEmulator) -> None:
    cgc.submit_exports(cgc.file_ids[:2], location="run7/{name}")
    cgc.submit_exports(cgc.file_ids[2:3], location="run70/{name}")
    cgc.clock.advance(3600)

    page = http.get(f"/storage/volumes/{cgc.volume}/list", prefix="run7/").json()

    assert [entry["location"] for entry in page["items"]] == sorted(
        f"run7/{cgc.file_names[file_id]}" for file_id in cgc.file_ids[:2]
    )
    assert page["prefixes"] == []


def test_prefix_comes_first(http: Http, cgc: CgcEmulator) -> None:
    """Two volumes on one bucket: the one without a prefix shows the whole key."""
    cgc.submit_exports(cgc.file_ids[:1], location="a.bam")
    cgc.clock.advance(3600)

    page = http.get(f"/storage/volumes/{cgc.read_only_volume}/list", prefix="cgc/").json()

    assert [entry["location"] for entry in page["items"]] == ["cgc/a.bam"]


def test_object_tells_its_size(http: Http, cgc: CgcEmulator) -> None:
    size = http.get(f"/files/{cgc.file_ids[0]}").json()["size"]
    cgc.submit_exports(cgc.file_ids[:1], location="x/a.bam")
    cgc.clock.advance(3600)

    found = http.get(f"/storage/volumes/{cgc.volume}/object", location="x/a.bam").json()

    assert (found["location"], found["volume"]) == ("x/a.bam", cgc.volume)
    assert found["metadata"]["size"] == size
    assert http.get(found["href"].removeprefix(cgc.url)).json() == found


def test_broken_token_is_refused(http: Http, cgc: CgcEmulator) -> None:
    answer = http.get(f"/storage/volumes/{cgc.volume}/list", continuation_token="x")

    assert http.code(answer) == (400, 90000)
