"""The emulator's making of folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator

if TYPE_CHECKING:
    from tests.contract.conftest import Http


def body(name: Any = "new", **where: Any) -> dict[str, Any]:
    return {"name": name, "type": "folder", **where}


@pytest.mark.parametrize("place", ["project", "parent"])
def test_folder_is_made(http: Http, cgc: CgcEmulator, place: str) -> None:
    root = http.get(f"/projects/{cgc.project}").json()["root_folder"]
    where = {"project": cgc.project} if place == "project" else {"parent": cgc.folder_id}

    answer = http.post("/files", body(**where))

    made = answer.json()
    assert answer.status_code == 200
    assert (made["name"], made["type"], made["project"]) == ("new", "folder", cgc.project)
    assert made["parent"] == (root if place == "project" else cgc.folder_id)
    assert not {"size", "storage", "metadata", "tags"} & set(made)
    assert http.get(f"/files/{made['id']}").json() == made
    assert "new" in [one["name"] for one in http.get("/files", parent=made["parent"], limit=100).json()["items"]]


def test_folders_in_folders(http: Http, cgc: CgcEmulator) -> None:
    first = http.post("/files", body("a", project=cgc.project)).json()["id"]
    second = http.post("/files", body("a", parent=first)).json()["id"]

    [job] = cgc.submit_imports(cgc.locations[:1], parent=second, name="x")
    cgc.clock.advance(60)

    assert http.get(f"/storage/imports/{job}").json()["result"]["parent"] == second
    assert [one["name"] for one in http.get(f"/files/{first}/list").json()["items"]] == ["a"]


REFUSALS = {
    "type file": (lambda e: body(project=e.project) | {"type": "file"}, (400, 5012)),
    "no type": (lambda e: {"name": "new", "project": e.project}, (400, 5012)),
    "no place": (lambda e: body(), (400, 5029)),
    "two places": (lambda e: body(project=e.project, parent=e.folder_id), (400, 5031)),
    "no name": (lambda e: body(None, project=e.project), (400, 5024)),
    "empty name": (lambda e: body("", project=e.project), (400, 5024)),
    "slash": (lambda e: body("a/b", project=e.project), (400, 5024)),
    "long name": (lambda e: body("a" * 256, project=e.project), (400, 5024)),
    "reserved name": (lambda e: body("__logs", project=e.project), (400, 5024)),
    "unknown project": (lambda e: body(project="demo-lab/none"), (404, 3002)),
    "unknown parent": (lambda e: body(parent="0" * 24), (404, 5026)),
    "parent is a file": (lambda e: body(parent=e.file_ids[0]), (400, 5022)),
    "no right to write": (lambda e: body(project=e.unwritable_project), (403, 5001)),
    "folder of that name": (lambda e: body("WXS", project=e.project), (409, 5030)),
    "file of that name": (lambda e: body(e.file_names[e.file_ids[0]], parent=e.folder_id), (409, 5030)),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_refused_folder(http: Http, cgc: CgcEmulator, reason: str) -> None:
    make, expected = REFUSALS[reason]

    assert http.code(http.post("/files", make(cgc))) == expected
