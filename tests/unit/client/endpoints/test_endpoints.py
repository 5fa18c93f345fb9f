"""Single jobs, imports, volumes, files, projects, the user: what is asked and what comes back."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cgc.client import CgcClient, CgcUnreadableError, CgcUsageError


@pytest.mark.parametrize("kind", ["exports", "imports"])
def test_job_by_its_id(client: CgcClient, requests_mock: Any, base: str, kind: str) -> None:
    requests_mock.get(f"{base}/storage/{kind}/Qr7k", json={"id": "Qr7k", "state": "RUNNING"})

    assert getattr(client, kind).get("Qr7k").id == "Qr7k"


@pytest.mark.parametrize(("kind", "status"), [("exports", 409), ("imports", 404)])
def test_failed_job_is_a_job(client: CgcClient, requests_mock: Any, base: str, kind: str, status: int) -> None:
    """The platform's pages show a failed export under 409 and a failed import under 404."""
    body = {"id": "Zb3n", "state": "FAILED", "error": {"status": status, "code": 9107, "message": "No."}}
    requests_mock.get(f"{base}/storage/{kind}/Zb3n", status_code=status, json=body)

    assert getattr(client, kind).get("Zb3n").failed


def test_bulk_get_of_imports(client: CgcClient, requests_mock: Any, base: str) -> None:
    def platform(request: Any, context: Any) -> Any:
        unknown = {"error": {"status": 404, "code": 9008, "message": "Requested job does not exist."}}
        ids = request.json()["import_ids"]
        return {"items": [unknown if name == "bad" else {"resource": {"id": name, "state": "FAILED"}} for name in ids]}

    requests_mock.post(f"{base}/bulk/storage/imports/get", json=platform)

    records = client.imports.bulk_get(["a", "bad", "b"])

    assert [record.id for record in records] == ["a", "bad", "b"]
    assert [record.error.code if record.error else None for record in records] == [None, 9008, None]


def test_unmentioned_import(client: CgcClient, requests_mock: Any, base: str) -> None:
    """An import that the answer leaves out is unknown by its own noun."""
    requests_mock.post(f"{base}/bulk/storage/imports/get", json={"items": []})

    [record] = client.imports.bulk_get(["a"])

    assert record.error is not None
    assert (record.error.code, record.error.message) == (9008, "the platform's answer did not mention this import")


def test_imports_are_listed_whole(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.get(
        f"{base}/storage/imports",
        json={"items": [{"id": "Nf4j", "state": "FAILED"}]},
        headers={"X-Total-Matching-Query": "7"},
    )

    found = list(client.imports.list(project="mcurie/radium", volume="mcurie/in", state="failed", limit=5))

    assert [job.id for job in found] == ["Nf4j"]
    assert requests_mock.request_history[0].qs == {
        "project": ["mcurie/radium"], "volume": ["mcurie/in"], "state": ["failed"], "fields": ["_all"], "limit": ["5"],
        "offset": ["0"],
    }  # fmt: skip
    assert client.imports.page(limit=1, offset=3).total == 7
    assert requests_mock.last_request.qs == {"fields": ["_all"], "limit": ["1"], "offset": ["3"]}


def test_unknown_state_is_refused(client: CgcClient, requests_mock: Any) -> None:
    with pytest.raises(CgcUsageError, match="state"):
        client.imports.list(state="ABORTED")

    assert requests_mock.call_count == 0


def test_id_stays_in_its_path(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.get(f"{base}/storage/exports/a%2F..%2F..%2Fuser%3Fx", json={"id": "x", "state": "RUNNING"})

    client.exports.get("a/../../user?x")

    assert requests_mock.call_count == 1


@pytest.mark.parametrize("bad", ["", "  ", ".", "..", None, 5])
def test_empty_id_is_refused(client: CgcClient, requests_mock: Any, bad: Any) -> None:
    for get in (client.exports.get, client.files.get):
        with pytest.raises(CgcUsageError):
            get(bad)
    assert requests_mock.call_count == 0


@pytest.mark.parametrize("bad", ["", "lonely", "a/b/c", "/b", "a/", "../b", "a/..", None, 5])
def test_owner_and_name(client: CgcClient, requests_mock: Any, bad: Any) -> None:
    for get in (client.volumes.get, client.volumes.contents, client.projects.get):
        with pytest.raises(CgcUsageError, match="'owner/name'"):
            list(get(bad))
    assert requests_mock.call_count == 0


def test_volumes(client: CgcClient, requests_mock: Any, base: str) -> None:
    one = {"id": "mcurie/out", "access_mode": "RW", "active": True}
    requests_mock.get(f"{base}/storage/volumes/mcurie/out", json=one)
    requests_mock.get(f"{base}/storage/volumes", json={"items": [one], "links": []})

    assert client.volumes.get("mcurie/out").writable
    assert [volume.id for volume in client.volumes.list()] == ["mcurie/out"]
    assert requests_mock.last_request.qs["fields"] == ["_all"]


def listing(base: str, *locations: str, token: str | None = None, folders: tuple[str, ...] = ()) -> dict[str, Any]:
    link = {"next": f"{base}/storage/volumes/mcurie/out/list?continuation_token={token}"}
    return {
        "items": [{"location": location, "volume": "mcurie/out", "type": "s3"} for location in locations],
        "prefixes": [{"prefix": folder} for folder in folders],
        "links": [link] if token else [],
    }


def test_contents_pass_empty_page(client: CgcClient, requests_mock: Any, base: str) -> None:
    """Contents follow continuation links over empty pages."""
    pages = [listing(base, "run7/a", token="t1"), listing(base, token="t2"), listing(base, "run7/b")]
    requests_mock.get(f"{base}/storage/volumes/mcurie/out/list", [{"json": page} for page in pages])

    found = [entry.location for entry in client.volumes.contents("mcurie/out", prefix="run7/")]

    assert found == ["run7/a", "run7/b"]
    assert requests_mock.request_history[0].qs["prefix"] == ["run7/"]
    assert requests_mock.last_request.qs["continuation_token"] == ["t2"]


def test_contents_end_on_a_repeat(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.get(f"{base}/storage/volumes/mcurie/out/list", json=listing(base, "a", token="t1"))

    assert len(list(client.volumes.contents("mcurie/out"))) == 2
    assert "prefix" not in requests_mock.request_history[0].qs


def test_contents_go_down(client: CgcClient, requests_mock: Any, base: str) -> None:
    def platform(request: Any, context: Any) -> Any:
        prefix = request.qs.get("prefix", [""])[0]
        tree = {"": ("top", ("x/",)), "x/": ("x/a", ("x/y/", "x/")), "x/y/": ("x/y/b", ())}
        location, folders = tree[prefix]
        return listing(base, location, folders=folders)

    requests_mock.get(f"{base}/storage/volumes/mcurie/out/list", json=platform)

    assert [entry.location for entry in client.volumes.contents("mcurie/out")] == ["top"]
    found = [entry.location for entry in client.volumes.contents("mcurie/out", recursive=True)]
    assert found == ["top", "x/a", "x/y/b"]


@pytest.mark.parametrize("prefixes", [None, [], [None, 7, {}, {"prefix": None}, {"prefix": ""}]])
@pytest.mark.parametrize("links", [None, [], [None]])
@pytest.mark.parametrize("items", [None, []])
def test_empty_contents(
    client: CgcClient, requests_mock: Any, base: str, prefixes: object, links: object, items: object
) -> None:
    body = {"items": items, "prefixes": prefixes, "links": links}
    requests_mock.get(f"{base}/storage/volumes/mcurie/out/list", json=body)

    assert list(client.volumes.contents("mcurie/out", recursive=True)) == []
    assert requests_mock.call_count == 1


@pytest.mark.parametrize("spell", ["{}/", "{}", "/{}/", "/{}"])
@pytest.mark.parametrize("as_text", [False, True])
def test_folders_in_any_spelling(client: CgcClient, requests_mock: Any, base: str, spell: str, as_text: bool) -> None:
    tree = {"": (["top"], ["x", "y"]), "x/": (["x/a"], ["x/y"]), "x/y/": (["x/y/b"], []), "y/": (["y/c"], [])}
    slash = "/" if spell.startswith("/") else ""

    def platform(request: Any, context: Any) -> Any:
        locations, folders = tree[request.qs.get("prefix", [""])[0]]
        spelled = [spell.format(name) for name in folders]
        items = [{"location": slash + location} for location in locations]
        return {"items": items, "prefixes": spelled if as_text else [{"prefix": name} for name in spelled]}

    requests_mock.get(f"{base}/storage/volumes/mcurie/out/list", json=platform)

    found = [entry.location for entry in client.volumes.contents("mcurie/out", recursive=True)]

    assert sorted(found) == ["top", "x/a", "x/y/b", "y/c"]


def test_key_keeps_its_slash(client: CgcClient, requests_mock: Any, base: str) -> None:
    tree = {"": ([], ("/",)), "/": (["/a"], ("/b/",)), "/b/": (["/b/c"], ())}

    def platform(request: Any, context: Any) -> Any:
        locations, folders = tree[request.qs.get("prefix", [""])[0]]
        return listing(base, *locations, folders=folders)

    requests_mock.get(f"{base}/storage/volumes/mcurie/out/list", json=platform)

    assert [entry.location for entry in client.volumes.contents("mcurie/out", recursive=True)] == ["/a", "/b/c"]


def test_contents_cut_short(client: CgcClient, requests_mock: Any, base: str) -> None:
    cut = listing(base, "a") | {"truncated": True}
    requests_mock.get(f"{base}/storage/volumes/mcurie/out/list", json=cut)

    with pytest.raises(CgcUnreadableError, match="no link to the rest"):
        list(client.volumes.contents("mcurie/out"))


@pytest.mark.parametrize(
    "change", [{"truncated": True}, {"truncated": True, "links": []}, {"truncated": False}], ids=["both", "cut", "link"]
)
def test_null_contents(client: CgcClient, requests_mock: Any, base: str, change: dict[str, Any]) -> None:
    """Null in place of objects is an error where the list goes on."""
    lost = listing(base, token="t1") | {"items": None} | change
    requests_mock.get(f"{base}/storage/volumes/mcurie/out/list", [{"json": lost}, {"json": listing(base, "b")}])

    with pytest.raises(CgcUnreadableError, match="null in place of a page's objects"):
        list(client.volumes.contents("mcurie/out"))


def test_contents_link_back(client: CgcClient, requests_mock: Any, base: str) -> None:
    """A link back from contents that are cut short is an error."""
    pages = [listing(base, name, token="t1") | {"truncated": True} for name in ("a", "b")]
    requests_mock.get(f"{base}/storage/volumes/mcurie/out/list", [{"json": page} for page in pages])

    with pytest.raises(CgcUnreadableError, match="linked back instead of to the rest"):
        list(client.volumes.contents("mcurie/out"))


@pytest.mark.parametrize("names", [["a"], []], ids=["repeated", "empty"])
def test_contents_without_news(client: CgcClient, requests_mock: Any, base: str, names: list[str]) -> None:
    """Contents with ever new links and nothing new are an error."""
    pages = [listing(base, *names, token=f"t{number}") for number in range(100)]
    requests_mock.get(f"{base}/storage/volumes/mcurie/out/list", [{"json": page} for page in pages])

    with pytest.raises(CgcUnreadableError, match="30 pages in a row with nothing new"):
        list(client.volumes.contents("mcurie/out"))
    assert requests_mock.call_count <= 31


def test_sub_folders_are_news(client: CgcClient, requests_mock: Any, base: str) -> None:
    """Sub folders are something new on a page without objects."""
    pages = [listing(base, token=f"t{number}", folders=(f"d{number}/",)) for number in range(40)]
    answers = [{"json": page} for page in [*pages, listing(base, "end")]]
    requests_mock.get(f"{base}/storage/volumes/mcurie/out/list", answers)

    assert [entry.location for entry in client.volumes.contents("mcurie/out")] == ["end"]


@pytest.mark.parametrize("body", [{}, {"items": {}}, {"prefixes": [{"prefix": "a/"}]}])
def test_contents_need_items(client: CgcClient, requests_mock: Any, base: str, body: object) -> None:
    requests_mock.get(f"{base}/storage/volumes/mcurie/out/list", json=body)

    with pytest.raises(CgcUnreadableError, match="without 'items'"):
        list(client.volumes.contents("mcurie/out"))


def test_files_are_listed_whole(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.get(f"{base}/files", json={"items": [{"id": "1", "name": "a.bam"}]})

    found = list(
        client.files.list(
            project="mcurie/radium", name=["a.bam", "b.bam"], metadata={"sample_id": "s1"}, tag="keep", origin_task="t1"
        )
    )

    assert [file.name for file in found] == ["a.bam"]
    assert requests_mock.last_request.qs == {
        "project": ["mcurie/radium"], "name": ["a.bam", "b.bam"], "metadata.sample_id": ["s1"], "tag": ["keep"],
        "origin.task": ["t1"], "fields": ["_all"], "limit": ["100"], "offset": ["0"],
    }  # fmt: skip


NAMES = [f"C3L-{number:05d} wgs & gdc.bam" for number in range(300)]


@pytest.mark.parametrize(
    "filters",
    [
        {"name": NAMES},
        {"tag": NAMES},
        {"metadata": {"sample_id": NAMES}},
        {"name": NAMES, "tag": NAMES[:60], "metadata": {"a": "x", "b": NAMES[:3]}},
    ],
    ids=["names", "tags", "values", "several"],
)
def test_addresses_stay_short(client: CgcClient, requests_mock: Any, base: str, filters: dict[str, Any]) -> None:
    """The parts find together what the whole would, each file once: here it has two values of every list."""
    has = {NAMES[0].lower(), NAMES[59].lower(), NAMES[2].lower(), "x"}

    def platform(request: Any, context: Any) -> Any:
        asked = [set(values) for key, values in request.qs.items() if key in ("name", "tag") or "metadata" in key]
        return {"items": [{"id": "f"}] if all(has & values for values in asked) else []}

    requests_mock.get(f"{base}/files", json=platform)

    assert [file.id for file in client.files.list("mcurie/radium", **filters)] == ["f"]
    assert max(len(request.url) for request in requests_mock.request_history) < 2_200
    assert requests_mock.call_count > 5


def test_name_twice_is_one(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.get(f"{base}/files", json={"items": []})

    assert list(client.files.list("mcurie/radium", name=["a.bam"] * 500)) == []
    assert [request.qs["name"] for request in requests_mock.request_history] == [["a.bam"]]


@pytest.mark.parametrize("filters", [{"name": []}, {"tag": ()}, {"metadata": {"sample_id": []}}])
def test_filter_of_nothing(client: CgcClient, requests_mock: Any, filters: dict[str, Any]) -> None:
    assert list(client.files.list("mcurie/radium", **filters)) == []
    assert requests_mock.call_count == 0


@pytest.mark.parametrize("as_list", [False, True])
@pytest.mark.parametrize("length", [1_000, 1_950, 3_000])
def test_one_long_value(client: CgcClient, requests_mock: Any, base: str, length: int, as_list: bool) -> None:
    """One long value does not cost a request for each name."""
    requests_mock.get(f"{base}/files", json={"items": []})
    value = "x" * length
    names = [f"TCGA-sample-{number:05d}.bam" for number in range(1000)]

    assert list(client.files.list("mcurie/radium", name=names, metadata={"note": [value] if as_list else value})) == []
    asked = [name for request in requests_mock.request_history for name in request.qs["name"]]
    assert asked == [name.lower() for name in names]
    assert requests_mock.call_count < 50
    assert max(len(request.url) for request in requests_mock.request_history) < 6_000


def test_filter_beyond_addresses(client: CgcClient, requests_mock: Any) -> None:
    """Filters that no address can hold are refused."""
    with pytest.raises(CgcUsageError, match=r"this client sends at most 5800\. Give fewer values"):
        client.files.list("mcurie/radium", metadata={f"a key of some length {number}": "v" for number in range(200)})
    assert requests_mock.call_count == 0


@pytest.mark.parametrize("where", [{}, {"project": "a/b", "parent": "1"}, {"project": "lonely"}, {"parent": ""}])
def test_files_need_one_place(client: CgcClient, requests_mock: Any, where: dict[str, str]) -> None:
    with pytest.raises(CgcUsageError):
        client.files.list(**where)
    assert requests_mock.call_count == 0


def test_walk_visits_folders_once(client: CgcClient, requests_mock: Any, base: str) -> None:
    """A walk visits every folder once, and gives files only."""
    tree: dict[str, list[dict[str, str]]] = {
        "mcurie/radium": [{"id": "f1"}, {"id": "d1", "type": "folder"}, {"id": "d2", "type": "FOLDER"}],
        "d1": [{"id": "f2"}, {"id": "d3", "type": "folder"}],
        "d2": [{"id": "f3"}, {"id": "f1"}, {"id": "d1", "type": "folder"}],
        "d3": [{"id": "f4"}],
    }

    def platform(request: Any, context: Any) -> Any:
        return {"items": tree[(request.qs.get("project") or request.qs["parent"])[0]]}

    requests_mock.get(f"{base}/files", json=platform)

    found = [file.id for file in client.files.walk("mcurie/radium")]

    assert sorted(found) == ["f1", "f2", "f3", "f4"]
    assert requests_mock.call_count == 4


def test_bulk_files_have_storage(client: CgcClient, requests_mock: Any, base: str) -> None:
    def platform(request: Any, context: Any) -> Any:
        unknown = {"error": {"status": 404, "code": 5002, "message": "Requested file does not exist."}}
        ids = request.json()["file_ids"]
        return {"items": [unknown if name == "bad" else {"resource": {"id": name}} for name in ids]}

    requests_mock.post(f"{base}/bulk/files/get", json=platform)

    records = client.files.bulk_get(["a", "bad", "b"])

    assert [record.error.code if record.error else None for record in records] == [None, 5002, None]
    assert requests_mock.last_request.qs == {"fields": ["_all"]}


def test_projects(client: CgcClient, requests_mock: Any, base: str) -> None:
    one = {"id": "mcurie/radium", "name": "Radium", "settings": {"location": "aws:us-east-1"}}
    requests_mock.get(f"{base}/projects/mcurie/radium", json=one)
    requests_mock.get(f"{base}/projects", json={"items": [one]})

    assert client.projects.get("mcurie/radium").location == "aws:us-east-1"
    assert [project.name for project in client.projects.list(name="radi")] == ["Radium"]
    assert requests_mock.last_request.qs["name"] == ["radi"]


def test_user_and_rate_limit(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.get(f"{base}/user", json={"username": "mcurie"})
    requests_mock.get(f"{base}/rate_limit", json={"rate": {"limit": 1000, "remaining": 987, "reset": 1767226200}})

    assert client.user().username == "mcurie"
    assert client.rate_limit().remaining == 987


def test_other_shape_unreadable(client: CgcClient, requests_mock: Any, base: str) -> None:
    requests_mock.get(f"{base}/user", json=["mcurie"])

    with pytest.raises(CgcUnreadableError, match="did not send an object for the user, but a list"):
        client.user()
