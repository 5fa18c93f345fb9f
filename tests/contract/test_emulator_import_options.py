"""The emulator's variants of imports, each that the platform's documents leave open; and how an import ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator

if TYPE_CHECKING:
    from tests.contract.conftest import Http

FASTQ = "runs/2026-02-11_NovaSeqX/fastq/C3L-00017_S1_L001_R1_001.fastq.gz"
NAME = "C3L-00017_S1_L001_R1_001.fastq.gz"


def item(cgc: CgcEmulator, location: str = FASTQ, **more: Any) -> dict[str, Any]:
    """The body of an import, or one item of a bulk create."""
    destination = more.pop("destination", {"project": cgc.project})
    return {"source": {"volume": cgc.read_only_volume, "location": location}, "destination": destination, **more}


def done(http: Http, cgc: CgcEmulator, order: dict[str, Any]) -> dict[str, Any]:
    """The job of an import, a minute after it was submitted."""
    job = http.post("/storage/imports", order).json()
    cgc.clock.advance(60)
    return http.get(f"/storage/imports/{job['id']}").json()


def create(http: Http, items: list[Any]) -> list[dict[str, Any]]:
    return http.post("/bulk/storage/imports/create", {"items": items}).json()["items"]


def names(http: Http, parent: str) -> list[str]:
    return [file["name"] for file in http.get("/files", parent=parent, limit=100).json()["items"]]


@pytest.mark.parametrize("variant", ["job", "submit"])
def test_taken_name(http: Http, cgc: CgcEmulator, variant: str) -> None:
    """A taken name fails the job, or the order at once; either way nothing has changed."""
    cgc.option("taken_name", variant)
    first = done(http, cgc, item(cgc))["result"]["id"]

    taken, free = create(http, [item(cgc), item(cgc, cgc.locations[1])])
    cgc.clock.advance(60)

    if variant == "submit":
        error = taken["error"]
        assert http.code(http.post("/storage/imports", item(cgc))) == (409, 9108)
    else:
        error = http.get(f"/storage/imports/{taken['resource']['id']}").json()["error"]
    assert (error["status"], error["code"]) == (409, 9108)
    assert free["resource"]["state"] == "PENDING"
    assert http.get(f"/files/{first}").status_code == 200


@pytest.mark.parametrize("how", [{"overwrite": True}, {"autorename": True}])
def test_taken_name_is_no_matter(http: Http, cgc: CgcEmulator, how: dict[str, bool]) -> None:
    cgc.option("taken_name", "submit")
    done(http, cgc, item(cgc))

    assert done(http, cgc, item(cgc, **how))["state"] == "COMPLETED"


def test_only_taken_names_at_submit(http: Http, cgc: CgcEmulator) -> None:
    """A missing object still shows in the job, and so does a name that an order before it takes."""
    cgc.set_options({"taken_name": "submit", "import_checks": "job"})
    orders = [item(cgc), item(cgc), item(cgc, "none"), item(cgc, destination={"project": "demo-lab/none"})]

    accepted = [record["resource"]["id"] for record in create(http, orders)]
    cgc.clock.advance(60)

    jobs = [http.get(f"/storage/imports/{job}").json() for job in accepted]
    assert [job.get("error", {}).get("code") for job in jobs] == [None, 9108, 9105, 9102]


@pytest.mark.parametrize(
    ("variant", "location", "outcome"),
    [
        ("fails", "runs", ("FAILED", 9105)),
        ("nothing", "runs", ("COMPLETED", None)),
        ("nothing", "run", ("FAILED", 9105)),
        ("nothing", "none", ("FAILED", 9105)),
    ],
)
def test_folder_without_its_slash(
    http: Http, cgc: CgcEmulator, variant: str, location: str, outcome: tuple[str, int | None]
) -> None:
    cgc.option("bare_folder", variant)
    before = http.get("/files", project=cgc.project, limit=100).json()

    job = done(http, cgc, item(cgc, location))

    assert (job["state"], job.get("error", {}).get("code")) == outcome
    assert "result" not in job
    assert http.get("/files", project=cgc.project, limit=100).json() == before


@pytest.mark.parametrize("location", ["marked/", "none/"])
@pytest.mark.parametrize("whole", [True, False])
def test_empty_folder(http: Http, cgc: CgcEmulator, location: str, whole: bool) -> None:
    """A folder is empty with a placeholder or without."""
    cgc.put_placeholders(["marked/", "marked/below/"])
    order = item(cgc, location, destination={"parent": cgc.folder_id}, preserve_folder_structure=whole)
    failed = done(http, cgc, order)
    cgc.option("empty_folder", "completes")

    job = done(http, cgc, order)

    assert failed["error"]["code"] == 9105
    assert job["state"] == "COMPLETED"
    assert job["result"]["name"] == (location.removesuffix("/") if whole else "WXS")
    assert names(http, job["result"]["id"]) == [] if whole else job["result"]["id"] == cgc.folder_id


def test_empty_folder_of_a_file(http: Http, cgc: CgcEmulator) -> None:
    """An empty folder does not come in under the name of a file, not even with overwrite."""
    cgc.option("empty_folder", "completes")
    cgc.add_files(["none"])

    job = done(http, cgc, item(cgc, "none/", overwrite=True))

    assert job["error"]["code"] == 9108


def test_placeholders_are_no_files(http: Http, cgc: CgcEmulator) -> None:
    cgc.put_objects(["deep/a.txt"])
    cgc.put_placeholders(["deep/", "deep/below/"])

    whole = done(http, cgc, item(cgc, "deep/"))["result"]
    place = http.post("/files", {"name": "flat", "type": "folder", "project": cgc.project}).json()["id"]
    flat = done(http, cgc, item(cgc, "deep/", destination={"parent": place}, preserve_folder_structure=False))

    assert names(http, whole["id"]) == ["a.txt"]
    assert (flat["state"], names(http, place)) == ("COMPLETED", ["a.txt"])


@pytest.mark.parametrize(("variant", "prefix"), [("sent", ""), ("whole", "cgc/")])
def test_alias_of_an_import(http: Http, cgc: CgcEmulator, variant: str, prefix: str) -> None:
    """The result of an import tells the location as it was sent, or the whole key; its source always as sent."""
    cgc.option("alias_location", variant)
    cgc.put_objects(["in/a.txt"], volume=cgc.volume)
    order = item(cgc, "in/a.txt") | {"source": {"volume": cgc.volume, "location": "in/a.txt"}}

    job = done(http, cgc, order)

    assert job["result"]["storage"]["location"] == f"{prefix}in/a.txt"
    assert job["source"]["location"] == "in/a.txt"
    assert http.get(f"/files/{job['result']['id']}").json()["storage"] == job["result"]["storage"]


def test_overwrite_changes_the_id(http: Http, cgc: CgcEmulator) -> None:
    """The old id is gone, with its metadata and tags: a new file has the name."""
    first = done(http, cgc, item(cgc))["result"]["id"]
    edit = {"id": first, "metadata": {"sample_id": "S1"}, "tags": ["x"]}
    http.post("/bulk/files/edit", {"items": [edit]})

    over = done(http, cgc, item(cgc, overwrite=True))["result"]

    [old, new] = http.post("/bulk/files/get", {"file_ids": [first, over["id"]]}).json()["items"]
    assert (over["name"], old["error"]["code"]) == (NAME, 5002)
    assert (new["resource"]["metadata"], new["resource"]["tags"]) == ({}, [])
    assert http.post("/bulk/files/edit", {"items": [edit]}).json()["items"][0]["error"]["code"] == 5002


def test_autorename_alone_renames(http: Http, cgc: CgcEmulator) -> None:
    """The result has the name with the number, the destination the one that was asked for."""
    done(http, cgc, item(cgc))

    job = done(http, cgc, item(cgc, autorename=True))

    assert job["result"]["name"] == f"_1_{NAME}"
    assert job["destination"] == {"project": cgc.project, "name": NAME}


@pytest.mark.parametrize("where", ["project", "parent"])
def test_destination_is_as_asked(http: Http, cgc: CgcEmulator, where: str) -> None:
    place = {"project": cgc.project} if where == "project" else {"parent": cgc.folder_id}

    job = done(http, cgc, item(cgc, destination={**place, "name": "new.gz"}))

    [record] = http.post("/bulk/storage/imports/get", {"import_ids": [job["id"]]}).json()["items"]
    assert job["destination"] == record["resource"]["destination"] == {**place, "name": "new.gz"}


def test_metadata_is_no_field(http: Http, cgc: CgcEmulator) -> None:
    """An import takes no metadata and no tags; they are not read, and not refused."""
    job = done(http, cgc, item(cgc, metadata={"sample_id": "S1"}, tags=["x"]))

    assert (job["state"], job["result"]["metadata"], job["result"]["tags"]) == ("COMPLETED", {}, [])
    assert not {"metadata", "tags"} & set(job)


@pytest.mark.parametrize(("variant", "found"), [("all", [2, 1, 0]), ("named", [0])])
def test_imports_of_a_project(http: Http, cgc: CgcEmulator, variant: str, found: list[int]) -> None:
    """The list of a project's imports has those into its folders, or only those that named it."""
    cgc.option("import_project", variant)
    deep = http.post("/files", {"name": "deep", "type": "folder", "parent": cgc.folder_id}).json()["id"]
    jobs = [
        *cgc.submit_imports([FASTQ]),
        *cgc.submit_imports([FASTQ], parent=cgc.folder_id),
        *cgc.submit_imports([FASTQ], parent=deep),
    ]
    cgc.submit_imports([FASTQ], project=cgc.other_project)

    listed = http.get("/storage/imports", project=cgc.project, volume=cgc.read_only_volume).json()["items"]

    assert [job["id"] for job in listed] == [jobs[number] for number in found]
