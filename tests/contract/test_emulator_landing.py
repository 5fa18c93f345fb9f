"""The landing of the emulator's imports: names that are taken, folders whole and flat."""

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
    source = {"volume": more.pop("volume", cgc.read_only_volume), "location": location}
    return {"source": source, "destination": more.pop("destination", {"project": cgc.project}), **more}


def done(http: Http, cgc: CgcEmulator, order: dict[str, Any]) -> dict[str, Any]:
    """The job of an import, a minute after it was submitted."""
    job = http.post("/storage/imports", order).json()
    cgc.clock.advance(60)
    return http.get(f"/storage/imports/{job['id']}").json()


def names(http: Http, parent: str) -> list[str]:
    return [file["name"] for file in http.get("/files", parent=parent, limit=100).json()["items"]]


def root(http: Http, cgc: CgcEmulator) -> str:
    return http.get(f"/projects/{cgc.project}").json()["root_folder"]


def test_overwrite_replaces(http: Http, cgc: CgcEmulator) -> None:
    first = done(http, cgc, item(cgc))["result"]["id"]

    again = done(http, cgc, item(cgc, cgc.locations[1], destination={"project": cgc.project, "name": NAME}))
    over = done(
        http, cgc, item(cgc, cgc.locations[1], destination={"project": cgc.project, "name": NAME}, overwrite="true")
    )

    assert again["error"]["code"] == 9108
    assert names(http, root(http, cgc)).count(NAME) == 1
    assert over["result"]["storage"]["location"] == cgc.locations[1]
    assert http.get(f"/files/{first}").status_code == 404


def test_autorename_adds_number(http: Http, cgc: CgcEmulator) -> None:
    made = [done(http, cgc, item(cgc, autorename=True))["result"]["name"] for _ in range(3)]

    assert made == [NAME, f"_1_{NAME}", f"_2_{NAME}"]


def test_autorename_wins(http: Http, cgc: CgcEmulator) -> None:
    """Autorename loses nothing even with overwrite."""
    first = done(http, cgc, item(cgc))["result"]["id"]

    second = done(http, cgc, item(cgc, autorename=True, overwrite=True))["result"]

    assert second["name"] == f"_1_{NAME}"
    assert http.get(f"/files/{first}").status_code == 200


def test_second_of_a_name_fails(http: Http, cgc: CgcEmulator) -> None:
    jobs = cgc.submit_imports([FASTQ, FASTQ])
    cgc.clock.advance(60)

    states = [http.get(f"/storage/imports/{job}").json()["state"] for job in jobs]

    assert states == ["COMPLETED", "FAILED"]


def test_folder_keeps_its_tree(http: Http, cgc: CgcEmulator) -> None:
    job = done(http, cgc, item(cgc, "runs/"))
    result = job["result"]
    [run] = http.get("/files", parent=result["id"]).json()["items"]

    assert job["preserve_folder_structure"] is True
    assert (result["name"], result["type"]) == ("runs", "folder")
    assert not {"size", "storage"} & set(result)
    assert run["name"] == "2026-02-11_NovaSeqX"
    assert sorted(names(http, run["id"])) == ["SampleSheet.csv", "fastq", "qc"]
    fastq = next(file for file in http.get("/files", parent=run["id"]).json()["items"] if file["name"] == "fastq")
    [first] = http.get("/files", parent=fastq["id"], name=NAME, fields="_all").json()["items"]
    assert first["storage"]["location"] == FASTQ
    assert len(names(http, fastq["id"])) == 48


def test_folder_has_another_name(http: Http, cgc: CgcEmulator) -> None:
    result = done(http, cgc, item(cgc, "references/", destination={"parent": cgc.folder_id, "name": "ref"}))["result"]

    assert (result["name"], result["parent"]) == ("ref", cgc.folder_id)


def test_flat_lands_in_parent(http: Http, cgc: CgcEmulator) -> None:
    cgc.put_objects(["deep/a.txt", "deep/b/c.txt"])

    job = done(http, cgc, item(cgc, "deep/", preserve_folder_structure=False))

    assert job["result"]["id"] == root(http, cgc)
    assert names(http, root(http, cgc))[-2:] == ["a.txt", "c.txt"]


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        ({}, 9108),
        ({"autorename": True}, ["a.txt", "_1_a.txt"]),
        ({"overwrite": True}, ["a.txt"]),
    ],
)
def test_flat_names_collide(http: Http, cgc: CgcEmulator, how: dict[str, bool], outcome: Any) -> None:
    cgc.put_objects(["deep/1/a.txt", "deep/2/a.txt"])

    job = done(http, cgc, item(cgc, "deep/", preserve_folder_structure=False, **how))

    made = [name for name in names(http, root(http, cgc)) if name.endswith("a.txt")]
    assert (job.get("error", {}).get("code") or made) == outcome
    assert made == (outcome if isinstance(outcome, list) else [])


def test_folder_is_there_already(http: Http, cgc: CgcEmulator) -> None:
    cgc.put_objects(["deep/a.txt"])
    first = done(http, cgc, item(cgc, "deep/"))["result"]
    cgc.put_objects(["deep/b.txt"])

    again = done(http, cgc, item(cgc, "deep/"))
    merged = done(http, cgc, item(cgc, "deep/", overwrite=True))["result"]
    renamed = done(http, cgc, item(cgc, "deep/", autorename=True))["result"]

    assert again["error"]["code"] == 9108
    assert merged["id"] == first["id"]
    assert sorted(names(http, merged["id"])) == ["a.txt", "b.txt"]
    assert renamed["name"] == "_1_deep"


def test_folder_is_no_file(http: Http, cgc: CgcEmulator) -> None:
    cgc.put_objects(["deep/a"])
    cgc.put_objects(["deep/a/b"], volume=cgc.volume)
    first = done(http, cgc, item(cgc, "deep/"))["result"]

    job = done(http, cgc, item(cgc, "deep/", volume=cgc.volume, overwrite=True))

    assert job["error"]["code"] == 9108
    assert names(http, first["id"]) == ["a"]


def test_object_like_a_folder(http: Http, cgc: CgcEmulator) -> None:
    """Object that is named like a folder spoils the whole import. A bucket may hold `a` and `a/b`, a project cannot."""
    cgc.put_objects(["deep/a", "deep/a/b"])

    job = done(http, cgc, item(cgc, "deep/"))

    assert job["error"]["code"] == 9108
    assert "deep" not in names(http, root(http, cgc))


def test_ten_thousand_of_a_name(ask: type[Http]) -> None:
    with CgcEmulator(files=1, speed=0, slots=1000) as cgc:
        jobs = cgc.submit_imports([FASTQ] * 10_000, autorename=True)
        cgc.clock.advance(60)
        last = ask(cgc).get(f"/storage/imports/{jobs[-1]}").json()

    assert last["result"]["name"] == f"_9999_{NAME}"
