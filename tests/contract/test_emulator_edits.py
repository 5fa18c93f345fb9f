"""The emulator's changes of files: names, tags and metadata, alone and in bulk, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_cgc.emulator import CgcEmulator

if TYPE_CHECKING:
    from tests.contract.conftest import Http

BULK = ("/bulk/files/edit", "/bulk/files/update")
FIRST = {"sample_id": "S1", "library_id": "L7"}


def send(http: Http, method: str, path: str, body: Any) -> requests.Response:
    return requests.request(method, http.url + path, json=body, headers=http.headers, timeout=10)


def records(http: Http, items: list[Any], path: str = BULK[0]) -> list[dict[str, Any]]:
    answer = http.post(path, {"items": items})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def shown(http: Http, file_id: str) -> dict[str, Any]:
    return http.get(f"/files/{file_id}").json()


@pytest.fixture
def file(cgc: CgcEmulator) -> str:
    """A file with two tags and two pairs of metadata."""
    return cgc.add_files(["s1.bam"], tags=["keep", "old"], metadata=FIRST)[0]


def test_edit_keeps_the_rest(http: Http, file: str) -> None:
    [record] = records(http, [{"id": file, "metadata": {"sample_id": "S2"}}])

    assert record == {"resource": shown(http, file)}
    assert record["resource"]["metadata"] == {"sample_id": "S2", "library_id": "L7"}
    assert (record["resource"]["tags"], record["resource"]["name"]) == (["keep", "old"], "s1.bam")


@pytest.mark.parametrize("rest", [{}, {"name": None, "tags": None, "metadata": None}], ids=["absent", "null"])
@pytest.mark.parametrize(("path", "metadata", "tags"), [(BULK[0], FIRST, ["keep", "old"]), (BULK[1], {}, [])])
def test_update_erases_the_rest(
    http: Http, file: str, path: str, metadata: dict[str, str], tags: list[str], rest: dict[str, None]
) -> None:
    """Absent parts stay in an edit and go in an update; the name always stays."""
    [record] = records(http, [{"id": file, **rest}], path)

    left = record["resource"]
    assert (left["name"], left["metadata"], left["tags"]) == ("s1.bam", metadata, tags)


def test_update_replaces(http: Http, file: str) -> None:
    [record] = records(http, [{"id": file, "name": "b", "metadata": {"a": "b"}, "tags": ["c"]}], BULK[1])

    changed = record["resource"]
    assert (changed["name"], changed["metadata"], changed["tags"]) == ("b", {"a": "b"}, ["c"])


@pytest.mark.parametrize(
    ("method", "path", "body", "answer"),
    [
        ("PATCH", "metadata", {"a": "1"}, {**FIRST, "a": "1"}),
        ("PUT", "metadata", {"a": "1"}, {"a": "1"}),
        ("PUT", "metadata", {}, {}),
        ("PUT", "tags", ["new"], ["new"]),
        ("PUT", "tags", [], []),
    ],
)
def test_bare_bodies(http: Http, file: str, method: str, path: str, body: Any, answer: Any) -> None:
    given = send(http, method, f"/files/{file}/{path}", body)

    assert (given.status_code, given.json()) == (200, answer)
    assert shown(http, file)[path] == answer


def test_metadata_alone(http: Http, cgc: CgcEmulator, file: str) -> None:
    assert http.get(f"/files/{file}/metadata").json() == FIRST
    assert http.get(f"/files/{cgc.folder_id}/metadata").json() == {}
    assert http.code(http.get(f"/files/{'0' * 24}/metadata")) == (404, 5002)


def test_patch_replaces_metadata(http: Http, file: str) -> None:
    """A PATCH of a file takes "the full set" of its metadata, unlike one of its metadata."""
    answer = send(http, "PATCH", f"/files/{file}", {"metadata": {"a": "1"}, "name": "b.bam"}).json()

    assert answer == shown(http, file)
    assert (answer["name"], answer["metadata"], answer["tags"]) == ("b.bam", {"a": "1"}, ["keep", "old"])


def test_edit_answers_item_by_item(http: Http, cgc: CgcEmulator, file: str) -> None:
    items = [{"id": "0" * 24}, {"id": file, "tags": ["x"]}, {"id": cgc.folder_id, "tags": ["x"]}]

    missing, changed, folder = records(http, items)

    assert missing["error"] == {
        "status": 404, "code": 5002, "message": "Requested file does not exist.",
        "more_info": "http://docs.sevenbridges.com/docs/api-status-codes#5002",
    }  # fmt: skip
    assert changed["resource"]["tags"] == ["x"]
    assert folder["error"]["code"] == 5027


def test_items_of_one_file(http: Http, file: str) -> None:
    """Items of one file are done one after the other."""
    items = [{"id": file, "metadata": {"a": "1"}}, {"id": file, "metadata": {"a": "2", "b": "3"}}]

    made = [record["resource"]["metadata"] for record in records(http, items)]

    assert made == [{**FIRST, "a": "1"}, {**FIRST, "a": "2", "b": "3"}]


REFUSALS: dict[str, tuple[dict[str, Any], tuple[int, int]]] = {
    "empty name": ({"name": ""}, (400, 5024)),
    "slash in the name": ({"name": "a/b"}, (400, 5024)),
    "long name": ({"name": "a" * 256}, (400, 5024)),
    "no text for a name": ({"name": 1}, (400, 5024)),
    "name taken": ({"name": "WXS"}, (409, 5003)),
    "metadata no object": ({"metadata": ["a"]}, (400, 5006)),
    "empty key": ({"metadata": {"": "a"}}, (400, 5006)),
    "long key": ({"metadata": {"é" * 50 + "a": "a"}}, (400, 5006)),
    "long value": ({"metadata": {"a": "é" * 150 + "a"}}, (400, 5006)),
    "half a character": ({"metadata": {"a": "\ud800"}}, (400, 5006)),
    "number": ({"metadata": {"a": 1}}, (400, 5006)),
    "list": ({"metadata": {"a": ["b"]}}, (400, 5006)),
    "tags no list": ({"tags": "a"}, (400, 5033)),
    "tag no text": ({"tags": [1]}, (400, 5033)),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_refused_edit_does_nothing(http: Http, file: str, reason: str) -> None:
    """A part that is refused, alone or in bulk, leaves the other parts as they were."""
    body, expected = REFUSALS[reason]
    whole = {"name": "other", "tags": ["other"], "metadata": {"other": "x"}} | body
    before = shown(http, file)

    alone = send(http, "PATCH", f"/files/{file}", whole)
    refused = [records(http, [{"id": file, **whole}], path)[0]["error"] for path in BULK]

    assert http.code(alone) == expected
    assert [(error["status"], error["code"]) for error in refused] == [expected] * 2
    assert shown(http, file) == before


@pytest.mark.parametrize(
    ("item", "code"), [("text", 5033), (None, 5033), ({}, 5004), ({"id": ""}, 5004), ({"id": 7}, 5004)]
)
def test_item_without_an_id(http: Http, file: str, item: Any, code: int) -> None:
    refused, fine = records(http, [item, {"id": file}])

    assert refused["error"]["code"] == code
    assert fine["resource"]["id"] == file


PARTS = [({"name": "b", "tags": [], "metadata": {}}, 5008, 5023), ({"metadata": {}, "tags": []}, 5009, 5025)]
PARTS += [({"tags": []}, 5011, 5027)]


@pytest.mark.parametrize(("parts", "forbidden", "of_a_folder"), PARTS)
def test_rights_item_by_item(
    http: Http, cgc: CgcEmulator, file: str, parts: dict[str, Any], forbidden: int, of_a_folder: int
) -> None:
    """An edit needs the right to write to the file's project, and a file."""
    [theirs] = cgc.add_files(["a"], project=cgc.unwritable_project)

    items = [{"id": one, **parts} for one in (theirs, file, cgc.folder_id)]
    refused, changed, folder = records(http, items)

    assert (refused["error"]["status"], refused["error"]["code"]) == (403, forbidden)
    assert changed["resource"]["tags"] == []
    assert (folder["error"]["status"], folder["error"]["code"]) == (400, of_a_folder)


def test_exact_limits_pass(http: Http, file: str) -> None:
    pairs = {f"{number:03}" + "é" * 48 + "x": "é" * 150 for number in range(998)}

    [most] = records(http, [{"id": file, "metadata": pairs}])
    [more] = records(http, [{"id": file, "metadata": {"one more": "x"}}])

    assert most["resource"]["metadata"] == FIRST | pairs
    assert more["error"]["code"] == 5006
    assert send(http, "PUT", f"/files/{file}/metadata", {"one more": "x"}).json() == {"one more": "x"}


@pytest.mark.parametrize("path", BULK)
@pytest.mark.parametrize("count", [0, 101])
def test_edit_of_up_to_100(http: Http, cgc: CgcEmulator, file: str, path: str, count: int) -> None:
    whole = http.post(path, {"items": [{"id": file, "tags": []}] * count})
    cgc.option("too_many", "413")
    page = http.post(path, {"items": [{"id": file}] * 101})

    assert http.code(whole) == (400, 90000)
    assert page.status_code == 413
    assert shown(http, file)["tags"] == ["keep", "old"]
    assert len(records(http, [{"id": file}] * 100, path)) == 100


@pytest.mark.parametrize(
    ("variant", "merged", "replaced"),
    [
        ("stored", {"sample_id": None, "library_id": "L7", "b": None}, {"b": None}),
        ("removed", {"library_id": "L7"}, {}),
        ("ignored", FIRST, {}),
    ],
)
def test_null_in_metadata(
    http: Http, cgc: CgcEmulator, file: str, variant: str, merged: dict[str, Any], replaced: dict[str, Any]
) -> None:
    cgc.option("null_metadata", variant)

    [record] = records(http, [{"id": file, "metadata": {"sample_id": None, "b": None}}])
    after = send(http, "PUT", f"/files/{file}/metadata", {"b": None}).json()

    assert record["resource"]["metadata"] == merged
    assert after == replaced


@pytest.mark.parametrize(("variant", "fits"), [("stored", False), ("removed", True), ("ignored", True)])
def test_nulls_count_if_stored(http: Http, cgc: CgcEmulator, file: str, variant: str, fits: bool) -> None:
    cgc.option("null_metadata", variant)

    [record] = records(http, [{"id": file, "metadata": {str(number): None for number in range(1000)}}])

    assert ("resource" in record) is fits


@pytest.mark.parametrize(("value", "text"), [(5, "5"), (1.5, "1.5"), (True, "true"), (["a"], None), ({}, None)])
def test_numbers_become_text(http: Http, cgc: CgcEmulator, file: str, value: Any, text: str | None) -> None:
    cgc.option("odd_metadata", "converted")

    [record] = records(http, [{"id": file, "metadata": {"a": value}}])

    if text is None:
        assert record["error"]["code"] == 5006
    else:
        assert record["resource"]["metadata"]["a"] == text


@pytest.mark.parametrize("path", BULK)
@pytest.mark.parametrize(("variant", "keys"), [("id", ["error", "resource"]), ("both", ["resource", "resource"])])
def test_key_of_an_item(http: Http, cgc: CgcEmulator, file: str, path: str, variant: str, keys: list[str]) -> None:
    cgc.option("edit_key", variant)

    made = records(http, [{"file_id": file}, {"id": file}], path)

    assert [key for record in made for key in record] == keys
    assert [record["error"]["code"] for record in made if "error" in record] == [5004] * keys.count("error")


@pytest.mark.parametrize(("variant", "tags"), [("replace", ["new", "keep"]), ("add", ["keep", "old", "new"])])
def test_tags_of_an_edit(http: Http, cgc: CgcEmulator, file: str, variant: str, tags: list[str]) -> None:
    cgc.option("edit_tags", variant)

    [record] = records(http, [{"id": file, "tags": ["new", "keep"]}])

    assert record["resource"]["tags"] == tags
    assert send(http, "PUT", f"/files/{file}/tags", ["x"]).json() == ["x"]


def test_rename_keeps_its_place(http: Http, cgc: CgcEmulator) -> None:
    files = cgc.add_files(["d/a", "d/b", "d/c"])
    parent = shown(http, files[0])["parent"]

    records(http, [{"id": files[1], "name": "z"}, {"id": files[0], "tags": ["x"]}, {"id": files[2], "name": "b"}])

    listed = http.get("/files", parent=parent).json()["items"]
    assert [(one["id"], one["name"]) for one in listed] == list(zip(files, ["a", "z", "b"], strict=True))
    assert [one["id"] for one in http.get("/files", parent=parent, name="b").json()["items"]] == [files[2]]


def test_edit_is_a_modification(http: Http, cgc: CgcEmulator, file: str) -> None:
    before = shown(http, file)["modified_on"]
    cgc.clock.advance(60)

    [nothing] = records(http, [{"id": file}])
    [changed] = records(http, [{"id": file, "tags": []}])

    assert nothing["resource"]["modified_on"] == before
    assert changed["resource"]["modified_on"] > before


@pytest.mark.parametrize("path", ["metadata", "tags"])
def test_bare_null_is_refused(http: Http, file: str, path: str) -> None:
    headers = http.headers | {"Content-Type": "application/json"}

    answer = requests.put(f"{http.url}/files/{file}/{path}", data="null", headers=headers, timeout=10)

    assert http.code(answer) == (400, 5033)
    assert shown(http, file)["tags"] == ["keep", "old"]


@pytest.mark.parametrize("path", BULK)
def test_scripted_edit(http: Http, cgc: CgcEmulator, file: str, path: str) -> None:
    """A scripted failure of an edit strikes its file alone, so many times, and no job."""
    [other] = cgc.add_files(["other.bam"])
    cgc.fail_files("s1.bam", code=5010, at="edit", times=1)
    items = [{"id": file, "tags": ["x"]}, {"id": other, "tags": ["x"]}]
    [job] = cgc.submit_exports([file])
    cgc.clock.advance(3600)

    first, second = records(http, items, path), records(http, items, path)

    assert (first[0]["error"]["status"], first[0]["error"]["code"]) == (503, 5010)
    assert [record["resource"]["tags"] for record in [*first[1:], *second]] == [["x"]] * 3
    assert http.export(job)["state"] == "COMPLETED"


def test_edit_is_no_job(cgc: CgcEmulator) -> None:
    with pytest.raises(ValueError, match="an edit is no job"):
        cgc.fail_files("*", code=5010, at="edit", jobs="imports")
