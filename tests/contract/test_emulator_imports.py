"""The emulator's import jobs: create, follow, list, refuse, fail, and what they leave in the project."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator

if TYPE_CHECKING:
    from tests.contract.conftest import Http

FASTQ = "runs/2026-02-11_NovaSeqX/fastq/C3L-00017_S1_L001_R1_001.fastq.gz"
NAME = "C3L-00017_S1_L001_R1_001.fastq.gz"


def item(cgc: CgcEmulator, location: str = FASTQ, **more: Any) -> dict[str, Any]:
    """The body of an import, or one item of a bulk create."""
    source = {"volume": more.pop("volume", cgc.read_only_volume), "location": location}
    return {"source": source, "destination": more.pop("destination", {"project": cgc.project}), **more}


def create(http: Http, items: list[Any]) -> list[dict[str, Any]]:
    answer = http.post("/bulk/storage/imports/create", {"items": items})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def done(http: Http, cgc: CgcEmulator, order: dict[str, Any]) -> dict[str, Any]:
    """The job of an import, a minute after it was submitted."""
    job = http.post("/storage/imports", order).json()
    cgc.clock.advance(60)
    return http.get(f"/storage/imports/{job['id']}").json()


def test_new_job_is_pending(http: Http, cgc: CgcEmulator) -> None:
    order = item(cgc, destination={"project": cgc.project, "name": "a.fastq.gz"}, overwrite=False, autorename=False)

    job = http.post("/storage/imports", order).json()

    assert re.fullmatch(r"[A-Za-z0-9]{32}", job["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", job.pop("started_on"))
    assert job == {
        "href": f"{cgc.url}/storage/imports/{job['id']}",
        "id": job["id"],
        "state": "PENDING",
        **order,
    }


def test_job_ends_in_a_second(http: Http, cgc: CgcEmulator) -> None:
    [job] = cgc.submit_imports([FASTQ])
    states = []

    for seconds in (0, 0.6, 0.4):
        cgc.clock.advance(seconds)
        states.append(http.get(f"/storage/imports/{job}").json()["state"])

    assert states == ["PENDING", "RUNNING", "COMPLETED"]


def test_import_skips_the_queue(http: Http, cgc: CgcEmulator) -> None:
    cgc.submit_exports(cgc.file_ids)
    [job] = cgc.submit_imports([FASTQ])

    cgc.clock.advance(1)

    assert http.get(f"/storage/imports/{job}").json()["state"] == "COMPLETED"


def test_result_is_an_alias(http: Http, cgc: CgcEmulator) -> None:
    stored = http.get(f"/storage/volumes/{cgc.read_only_volume}/object", location=FASTQ).json()

    result = done(http, cgc, item(cgc))["result"]

    assert re.fullmatch(r"[0-9a-f]{24}", result["id"])
    assert (result["name"], result["size"], result["project"]) == (NAME, stored["metadata"]["size"], cgc.project)
    assert result["storage"] == {"type": "VOLUME", "volume": cgc.read_only_volume, "location": FASTQ}
    assert http.get(f"/files/{result['id']}").json() == result
    assert result["id"] in [file["id"] for file in http.get("/files", project=cgc.project).json()["items"]]


def test_imported_is_no_export(http: Http, cgc: CgcEmulator) -> None:
    file = done(http, cgc, item(cgc))["result"]["id"]

    with pytest.raises(Exception, match="403/9006"):
        cgc.submit_exports([file])


def test_import_of_an_export(http: Http, cgc: CgcEmulator) -> None:
    """An import of an exported object sees the prefix of its volume."""
    cgc.submit_exports(cgc.file_ids[:1], location="x/a.bam")
    cgc.clock.advance(3600)
    size = http.get(f"/files/{cgc.file_ids[0]}").json()["size"]

    here = done(http, cgc, item(cgc, "x/a.bam", volume=cgc.volume))["result"]
    whole_key = done(http, cgc, item(cgc, "cgc/x/a.bam", destination={"parent": cgc.folder_id}))["result"]

    assert (here["name"], here["size"], here["storage"]["location"]) == ("a.bam", size, "x/a.bam")
    assert (whole_key["parent"], whole_key["storage"]["volume"]) == (cgc.folder_id, cgc.read_only_volume)


REFUSALS = {
    "unknown volume": (lambda e: item(e, volume="demo-lab/none"), (404, 9007)),
    "inactive volume": (lambda e: item(e, volume=e.inactive_volume), (409, 9069)),
    "no right to the volume": (lambda e: item(e, volume=e.unwritable_volume), (403, 9020)),
    "unknown project": (lambda e: item(e, destination={"project": "demo-lab/none"}), (400, 9012)),
    "no right to the project": (lambda e: item(e, destination={"project": e.unwritable_project}), (403, 9003)),
    "unknown parent": (lambda e: item(e, destination={"parent": "0" * 24}), (404, 9009)),
    "parent is a file": (lambda e: item(e, destination={"parent": e.file_ids[0]}), (400, 5022)),
    "project and parent": (
        lambda e: item(e, destination={"project": e.project, "parent": e.folder_id}),
        (400, 9011),
    ),
    "neither project nor parent": (lambda e: item(e, destination={"name": "a"}), (400, 9011)),
    "no destination": (lambda e: {"source": item(e)["source"]}, (400, 9011)),
    "no location": (lambda e: item(e, ""), (400, 9011)),
    "no name left": (lambda e: item(e, "/"), (400, 9018)),
    "slash in the name": (lambda e: item(e, destination={"project": e.project, "name": "a/b"}), (400, 9011)),
    "long name": (lambda e: item(e, destination={"project": e.project, "name": "a" * 256}), (400, 9011)),
    "odd autorename": (lambda e: item(e, autorename="maybe"), (400, 9011)),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_refusal_alone_or_bulk(http: Http, cgc: CgcEmulator, reason: str) -> None:
    """A refusal is an error of a single call, and of the item in a bulk call."""
    make, expected = REFUSALS[reason]

    alone = http.post("/storage/imports", make(cgc))
    records = create(http, [make(cgc), item(cgc)])

    assert http.code(alone) == expected
    assert (records[0]["error"]["status"], records[0]["error"]["code"]) == expected
    assert records[1]["resource"]["state"] == "PENDING"


LATE = {
    "no such object": (lambda e: item(e, "runs/none.fastq.gz"), 9105),
    "no such folder": (lambda e: item(e, "runs/none/"), 9105),
    "folder without its slash": (lambda e: item(e, "runs"), 9105),
    "name taken": (
        lambda e: item(e, destination={"parent": e.folder_id, "name": e.file_names[e.file_ids[0]]}),
        9108,
    ),
    "name taken by a folder": (
        lambda e: item(e, destination={"project": e.project, "name": "WXS"}, overwrite=True),
        9108,
    ),
}


@pytest.mark.parametrize("reason", LATE)
def test_failure_shows_in_job(http: Http, cgc: CgcEmulator, reason: str) -> None:
    make, code = LATE[reason]

    job = done(http, cgc, make(cgc))

    assert (job["state"], job["error"]["code"]) == ("FAILED", code)
    assert "result" not in job
    assert job["finished_on"]


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("unknown volume", 9104),
        ("inactive volume", 9103),
        ("no right to the volume", 9103),
        ("unknown project", 9102),
        ("no right to the project", 9102),
        ("unknown parent", 9106),
        ("parent is a file", 9106),
    ],
)
def test_refusal_shows_in_job(http: Http, cgc: CgcEmulator, reason: str, code: int) -> None:
    """A refusal at submit can show in the job instead."""
    cgc.option("import_checks", "job")

    job = done(http, cgc, REFUSALS[reason][0](cgc))

    assert (job["state"], job["error"]["code"]) == ("FAILED", code)


def test_volume_gone_is_9103(http: Http, cgc: CgcEmulator) -> None:
    """Volume that is inactive when the job starts is 9103."""
    cgc.option("stuck", True)
    [job] = cgc.submit_imports([FASTQ])
    with cgc.world.open() as world:
        world.volumes[cgc.read_only_volume].active = False
    cgc.option("stuck", False)

    cgc.clock.advance(60)

    assert http.get(f"/storage/imports/{job}").json()["error"]["code"] == 9103


def test_bulk_get_keeps_order(http: Http, cgc: CgcEmulator) -> None:
    jobs = cgc.submit_imports(cgc.locations[:5])

    records = http.post("/bulk/storage/imports/get", {"import_ids": [*jobs[::-1], "none"]}).json()["items"]

    assert [record["resource"]["id"] for record in records[:5]] == jobs[::-1]
    assert records[5]["error"]["code"] == 9008


def test_exports_are_unknown(http: Http, cgc: CgcEmulator) -> None:
    [export] = cgc.submit_exports(cgc.file_ids[:1])
    [imported] = cgc.submit_imports([FASTQ])

    assert http.code(http.get(f"/storage/imports/{export}")) == (404, 9008)
    assert http.code(http.get(f"/storage/exports/{imported}")) == (404, 9008)


def test_other_users_job_is_9005(http: Http, cgc: CgcEmulator, ask: type[Http]) -> None:
    stranger = ask(cgc, cgc.add_token("grace"))
    [job] = cgc.submit_imports([FASTQ])
    theirs = cgc.submit_imports(cgc.locations[1:2], user="grace")

    [record] = stranger.post("/bulk/storage/imports/get", {"import_ids": [job]}).json()["items"]

    assert record["error"]["code"] == 9005
    assert http.code(stranger.get(f"/storage/imports/{job}")) == (403, 9005)
    assert [one["id"] for one in stranger.get("/storage/imports").json()["items"]] == theirs


def test_list_filters(http: Http, cgc: CgcEmulator) -> None:
    first = cgc.submit_imports([FASTQ, "none"])
    second = cgc.submit_imports([FASTQ], project=cgc.other_project)
    third = cgc.submit_imports([FASTQ], parent=cgc.folder_id)
    cgc.clock.advance(60)

    def listed(**query: Any) -> list[str]:
        return [job["id"] for job in http.get("/storage/imports", **query).json()["items"]]

    assert listed(project=cgc.other_project) == second
    assert listed(project=cgc.project) == [*third, *first[::-1]]
    assert listed(project=cgc.project, state="FAILED") == first[1:]
    assert listed(volume=cgc.read_only_volume, limit=1) == third
    assert listed(volume=cgc.volume) == []
    assert http.code(http.get("/storage/imports", project="demo-lab/none")) == (400, 9012)
    assert http.code(http.get("/storage/imports", volume="demo-lab/none")) == (404, 9007)


def test_list_is_brief(http: Http, cgc: CgcEmulator) -> None:
    cgc.submit_imports(cgc.locations[:3])

    brief = http.get("/storage/imports", limit=2)
    chosen = http.get("/storage/imports", fields="id,source.location").json()["items"]

    assert [set(job) for job in brief.json()["items"]] == [{"href", "id", "state"}] * 2
    assert brief.headers["X-Total-Matching-Query"] == "3"
    assert [job["source"]["location"] for job in chosen] == cgc.locations[2::-1]


@pytest.mark.parametrize(
    "pattern", [FASTQ, NAME, "*_R1_001.fastq.gz", "runs/*", "demo-lab/archive/*"],
)  # fmt: skip
def test_failure_by_location(http: Http, cgc: CgcEmulator, pattern: str) -> None:
    cgc.fail_files(pattern, code=9205)

    failed, other = done(http, cgc, item(cgc)), done(http, cgc, item(cgc, "references/GRCh38.d1.vd1/GRCh38.d1.vd1.fa"))

    assert failed["error"]["code"] == 9205
    assert other["state"] == ("FAILED" if pattern == "demo-lab/archive/*" else "COMPLETED")


def test_scripted_refusal(http: Http, cgc: CgcEmulator) -> None:
    cgc.fail_files("*.fastq.gz", code=9004, at="submit")

    [record] = create(http, [item(cgc)])

    assert record["error"]["code"] == 9004


def test_exports_are_spared(http: Http, cgc: CgcEmulator) -> None:
    """Scripted failure can spare the other kind."""
    cgc.fail_files("*", code=9206, jobs="exports")
    [export] = cgc.submit_exports(cgc.file_ids[:1])

    imported = done(http, cgc, item(cgc))

    assert imported["state"] == "COMPLETED"
    assert http.export(export)["state"] == "FAILED"


@pytest.mark.parametrize(
    ("option", "value", "absent"), [("absent", "null", []), ("job_error", "absent", ["error", "result"])]
)
def test_shares_the_switches(http: Http, cgc: CgcEmulator, option: str, value: str, absent: list[str]) -> None:
    """Switches of exports are those of imports."""
    cgc.option(option, value)

    failed = done(http, cgc, item(cgc, "none"))

    assert [key for key in ("error", "result") if key not in failed] == absent


def test_name_as_asked_for(http: Http, cgc: CgcEmulator) -> None:
    filled = http.post("/storage/imports", item(cgc)).json()["destination"]
    cgc.option("destination_name", "asked")
    asked = http.post("/storage/imports", item(cgc)).json()["destination"]

    assert (filled, asked) == ({"project": cgc.project, "name": NAME}, {"project": cgc.project})


def test_name_from_location(http: Http, cgc: CgcEmulator) -> None:
    """Submitting takes a name with the last part of the location."""
    jobs = cgc.submit_imports(cgc.locations[:2], name="new_{name}")

    made = [http.get(f"/storage/imports/{job}").json()["destination"]["name"] for job in jobs]

    assert made == ["new_" + location.rpartition("/")[2] for location in cgc.locations[:2]]


def test_reset_forgets_all(http: Http, cgc: CgcEmulator) -> None:
    file = done(http, cgc, item(cgc))["result"]["id"]
    cgc.put_objects(["new.txt"])

    cgc.reset()

    assert http.get("/storage/imports").json()["items"] == []
    assert http.code(http.get(f"/files/{file}")) == (404, 5002)
    assert http.get(f"/storage/volumes/{cgc.read_only_volume}/object", location="new.txt").status_code == 404


def test_order_of_time(http: Http, cgc: CgcEmulator) -> None:
    """An import that was submitted before an export's end does not see the object, however late anybody looks."""
    cgc.submit_exports(cgc.file_ids[:1], location="a.bam")
    [early] = cgc.submit_imports(["a.bam"], volume=cgc.volume)
    cgc.clock.advance(3600)

    late = done(http, cgc, item(cgc, "a.bam", volume=cgc.volume))

    assert http.get(f"/storage/imports/{early}").json()["error"]["code"] == 9105
    assert late["state"] == "COMPLETED"
