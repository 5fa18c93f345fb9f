"""The emulator's variants of lists, rate limit, states and shapes: each switched on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_cgc.emulator import CgcEmulator

if TYPE_CHECKING:
    from tests.contract.conftest import Http

KINDS = ["exports", "imports"]
START = 1_800_000_000.0


def start(cgc: CgcEmulator, kind: str, count: int = 3) -> list[str]:
    """The ids of some jobs of a kind."""
    if kind == "exports":
        return cgc.submit_exports(cgc.file_ids[:count])
    return cgc.submit_imports(cgc.locations[:count])


def listed(http: Http, kind: str = "exports", **query: Any) -> list[str]:
    return [job["id"] for job in http.get(f"/storage/{kind}", **query).json()["items"]]


@pytest.mark.parametrize("kind", KINDS)
def test_list_in_order_of_ids(cgc: CgcEmulator, http: Http, kind: str) -> None:
    cgc.option("list_order", "id")
    ids = start(cgc, kind, 20)

    assert listed(http, kind) == sorted(ids) != ids


@pytest.mark.parametrize("kind", KINDS)
def test_list_shuffled_anew(cgc: CgcEmulator, http: Http, kind: str) -> None:
    cgc.option("list_order", "shuffled")
    ids = start(cgc, kind, 20)

    first, second = listed(http, kind), listed(http, kind)

    assert sorted(first) == sorted(second) == sorted(ids)
    assert len({tuple(order) for order in (ids, ids[::-1], first, second)}) == 4


def test_seed_fixes_shuffling(ask: type[Http]) -> None:
    def order(seed: int) -> list[int]:
        with CgcEmulator(files=20, seed=seed) as cgc:
            cgc.option("list_order", "shuffled")
            ids = cgc.submit_exports(cgc.file_ids)
            return [ids.index(job) for job in listed(ask(cgc))]

    assert order(1) == order(1) != order(2)


@pytest.mark.parametrize("kind", KINDS)
def test_import_lists_lag_too(cgc: CgcEmulator, http: Http, kind: str) -> None:
    cgc.option("list_lag", 30)
    early = start(cgc, kind)
    cgc.clock.advance(20)
    start(cgc, kind)

    cgc.clock.advance(10)

    assert listed(http, kind) == early[::-1]


def test_page_size_by_default(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("default_limit", 25)
    start(cgc, "exports", 30)

    assert (len(listed(http)), len(listed(http, limit=30))) == (25, 30)


def test_limit_above_100_is_cut(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("over_limit", "cap")
    start(cgc, "imports", 60)
    start(cgc, "imports", 60)

    answer = http.get("/storage/imports", limit=5000)

    assert len(answer.json()["items"]) == 100
    assert "limit=100" in answer.json()["links"][0]["href"]


@pytest.mark.parametrize(("variant", "found"), [("any", 3), ("last", 1), ("400", None)])
def test_repeated_state(cgc: CgcEmulator, http: Http, variant: str, found: int | None) -> None:
    cgc.option("many_states", variant)
    cgc.fail_files(cgc.file_ids[0], code=9206)
    start(cgc, "exports", 3)
    cgc.clock.advance(3600)

    answer = http.get("/storage/exports", state=["COMPLETED", "FAILED"])

    assert answer.headers.get("X-Total-Matching-Query") == (None if found is None else str(found))
    assert answer.status_code == (400 if found is None else 200)


@pytest.mark.parametrize(("variant", "times"), [("absent", 0), ("present", 1), ("twice", 2)])
def test_total_absent_or_twice(cgc: CgcEmulator, http: Http, variant: str, times: int) -> None:
    cgc.option("total_header", variant)

    answer = http.get("/storage/exports")

    assert answer.raw.headers.getlist("X-Total-Matching-Query") == ["0"] * times


def test_links_absent(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("empty_links", "absent")
    start(cgc, "exports", 3)

    assert "links" not in http.get("/storage/exports").json()
    assert len(http.get("/storage/exports", limit=2).json()["links"]) == 1


def test_sliding_window(ask: type[Http]) -> None:
    wall = [START]
    with CgcEmulator(files=1, rate_limit=3, wall=lambda: wall[0]) as cgc:
        cgc.option("rate_window", "sliding")
        http = ask(cgc)
        for second in (0, 100, 200):
            wall[0] = START + second
            http.get("/user")
        refused = http.get("/user")
        wall[0] = START + 299.9
        early = http.get("/user").status_code
        wall[0] = START + 300
        statuses = [http.get("/user").status_code for _ in range(2)]
        rate = http.get("/rate_limit").json()["rate"]

    assert http.code(refused) == (429, 1000)
    assert refused.headers["X-RateLimit-Reset"] == str(math.floor(START) + 300)
    assert early == 429
    assert statuses == [200, 429]
    assert rate == {"limit": 3, "remaining": 0, "reset": START + 400}


@pytest.mark.parametrize("variant", ["fixed", "sliding"])
def test_429_tells_the_wait(ask: type[Http], variant: str) -> None:
    wall = [START]
    with CgcEmulator(files=1, rate_limit=1, wall=lambda: wall[0]) as cgc:
        cgc.option("rate_window", variant)
        http = ask(cgc)
        good = http.get("/user")
        silent = http.get("/user")
        cgc.option("retry_after", True)
        wall[0] += 100
        told = http.get("/user")

    assert "Retry-After" not in good.headers
    assert "Retry-After" not in silent.headers
    assert (told.status_code, told.headers["Retry-After"]) == (429, "200")


def test_429_keeps_its_advice(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("retry_after", True)
    cgc.fault("429", retry_after=7)
    cgc.fault("429", seconds=20)

    own, derived = http.get("/user"), http.get("/user")

    assert own.raw.headers.getlist("Retry-After") == ["7"]
    assert derived.headers["Retry-After"] in ("20", "21")


@pytest.mark.parametrize("path", ["/storage/volumes", "/storage/imports", "/storage/exports"])
def test_advance_access(cgc: CgcEmulator, http: Http, path: str) -> None:
    cgc.option("advance_access", True)
    headers = {**http.headers, "x-sbg-advance-access": "Advance"}

    assert http.code(http.get(path)) == (403, 90002)
    assert requests.get(cgc.url + path, headers=headers, timeout=10).status_code == 200
    assert http.get("/user").status_code == 200


@pytest.mark.parametrize(("value", "stuck"), [(True, "PENDING"), ("PENDING", "PENDING"), ("RUNNING", "RUNNING")])
def test_jobs_stick_in_a_state(cgc: CgcEmulator, http: Http, value: Any, stuck: str) -> None:
    cgc.option("stuck", value)
    [job] = cgc.submit_exports(cgc.file_ids[:1])
    cgc.clock.advance(86_400)
    released = cgc.clock.now()
    state = http.export(job)["state"]

    cgc.option("stuck", False)
    cgc.clock.advance(3600)

    assert state == stuck
    assert http.export(job)["state"] == "COMPLETED"
    with cgc.world.open() as world:
        assert world.exports[job].ended >= released


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("state", ["PENDING", "COMPLETED", "FAILED"])
def test_made_up_state(cgc: CgcEmulator, http: Http, kind: str, state: str) -> None:
    cgc.option("unknown_state", "ARCHIVING")
    cgc.option("unknown_state_of", state)
    if state == "FAILED":
        cgc.fail_files("*", code=9206)
    [job] = start(cgc, kind, 1)
    cgc.clock.advance(0 if state == "PENDING" else 3600)

    shown = http.get(f"/storage/{kind}/{job}").json()

    assert shown["state"] == "ARCHIVING"
    assert ("finished_on" in shown) == (state != "PENDING")
    assert listed(http, kind, state=state) == []


def test_made_up_state_in_time(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("unknown_state", "ARCHIVING")
    cgc.option("unknown_state_seconds", 60)
    cgc.option("stuck", "RUNNING")
    [job] = cgc.submit_exports(cgc.file_ids[:1])
    states = []

    for seconds in (3, 56, 1):
        cgc.clock.advance(seconds)
        states.append(http.export(job)["state"])

    assert states == ["ARCHIVING", "ARCHIVING", "RUNNING"]


def test_made_up_state_by_looks(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("unknown_state", "ARCHIVING")
    cgc.option("unknown_state_looks", 2)
    cgc.option("stuck", "RUNNING")
    jobs = cgc.submit_exports(cgc.file_ids[:2])
    cgc.clock.advance(3)

    states = [record["resource"]["state"] for _ in range(3) for record in http.records(jobs[:1])]

    assert states == ["ARCHIVING", "ARCHIVING", "RUNNING"]
    assert http.export(jobs[1])["state"] == "ARCHIVING"


def test_filter_sees_the_shown(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("jump", True)
    ids = start(cgc, "exports")

    cgc.clock.advance(2.5)

    assert listed(http, state="RUNNING") == []
    assert listed(http, state="PENDING") == ids[::-1]


@pytest.mark.parametrize(
    "lacks", [["code"], ["status", "message"], "more_info", ["status", "code", "message", "more_info"]]
)
def test_errors_lack_fields(cgc: CgcEmulator, http: Http, lacks: Any) -> None:
    cgc.option("error_lacks", lacks)
    cgc.fail_files("*", code=9206)
    [job] = cgc.submit_exports(cgc.file_ids[:1])
    cgc.clock.advance(3600)
    cgc.fault("503", path="/v2/user")

    errors = [
        http.get("/storage/exports/none").json(),
        http.get("/user").json(),
        http.post("/user", {}).json(),
        http.records(["none"])[0]["error"],
        http.export(job)["error"],
    ]

    left = {"status", "code", "message", "more_info"} - set([lacks] if isinstance(lacks, str) else lacks)
    assert [set(error) for error in errors] == [left] * 5


def test_errors_lack_their_code(cgc: CgcEmulator, http: Http) -> None:
    """Unknown id is still told by its variant when errors lack their code."""
    cgc.option("error_lacks", ["code"])
    cgc.option("unknown_ids", "gap")

    assert http.records(["none"]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_failed_get_has_a_status(cgc: CgcEmulator, http: Http, kind: str) -> None:
    cgc.option("failed_status", "error")
    cgc.fail_files("*", code=9107)
    [job] = start(cgc, kind, 1)
    before = http.get(f"/storage/{kind}/{job}")
    cgc.clock.advance(3600)

    after = http.get(f"/storage/{kind}/{job}")

    assert (before.status_code, after.status_code) == (200, 409)
    assert (after.json()["id"], after.json()["state"]) == (job, "FAILED")


def test_copy_shown_as_alias(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("result", "alias")
    [job] = cgc.submit_exports(cgc.file_ids[:1], location="a.bam", copy_only=True)
    cgc.clock.advance(3600)

    storage = http.export(job)["result"]["storage"]

    assert storage == {"type": "VOLUME", "volume": cgc.volume, "location": "a.bam"}
    assert http.get(f"/files/{cgc.file_ids[0]}").json()["storage"]["type"] == "PLATFORM"


def test_storage_hides_its_place(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("hosted_on", "absent")

    assert http.get(f"/files/{cgc.file_ids[0]}").json()["storage"] == {"type": "PLATFORM"}


def test_types_in_other_case(cgc: CgcEmulator, http: Http) -> None:
    cgc.option("type_case", "other")

    types = [http.get(f"/files/{file_id}").json()["type"] for file_id in (cgc.file_ids[0], cgc.folder_id)]

    assert types == ["FILE", "FOLDER"]
    volume = http.get(f"/storage/volumes/{cgc.volume}").json()
    assert (volume["service"]["type"], volume["access_mode"]) == ("s3", "rw")
    storages = [http.get(f"/files/{name}").json()["storage"]["type"] for name in (cgc.file_ids[0], cgc.alias_id)]
    assert storages == ["platform", "volume"]


@pytest.mark.parametrize("path", ["/files", "/projects", "/storage/volumes", "/storage/exports", "/storage/imports"])
def test_pages_without_links(cgc: CgcEmulator, http: Http, path: str) -> None:
    cgc.option("next_links", "absent")
    start(cgc, "exports", 3)
    start(cgc, "imports", 3)
    cgc.add_files(["a", "b", "c"], project=cgc.unwritable_project)
    place = {"project": cgc.unwritable_project} if path == "/files" else {}

    first, last = (http.get(path, limit=1, offset=offset, **place) for offset in (0, 1))

    assert int(first.headers["X-Total-Matching-Query"]) > 1
    assert [link["rel"] for answer in (first, last) for link in answer.json()["links"]] == ["prev"]


@pytest.mark.parametrize(("variant", "nothing"), [("shown", [[], []]), ("null", [None, None])])
def test_null_for_empty(cgc: CgcEmulator, http: Http, variant: str, nothing: list[Any]) -> None:
    cgc.option("empty", variant)

    page = http.get("/storage/exports").json()
    contents = http.get(f"/storage/volumes/{cgc.volume}/list", prefix="nowhere/").json()
    file = http.get(f"/files/{cgc.folder_id}").json()
    plain = http.get(f"/files/{cgc.file_ids[0]}").json()

    assert [page["items"], page["links"]] == nothing
    assert [contents["items"], contents["prefixes"]] == nothing
    assert [plain["tags"], plain["origin"]] == [nothing[0], {} if variant == "shown" else None]
    assert "tags" not in file


@pytest.mark.parametrize(("variant", "folder"), [("present", "a/b/"), ("absent", "a/b")])
def test_prefixes_lack_a_slash(cgc: CgcEmulator, http: Http, variant: str, folder: str) -> None:
    cgc.option("prefix_slash", variant)
    cgc.put_objects(["a/b/x", "a/y"], volume=cgc.volume)

    body = http.get(f"/storage/volumes/{cgc.volume}/list", prefix="a/").json()

    assert [entry["prefix"] for entry in body["prefixes"]] == [folder]
    assert [entry["location"] for entry in body["items"]] == ["a/y"]


@pytest.mark.parametrize(
    ("variant", "found"), [("begin", ["a/", "ab/", "a.log"]), ("folder", ["a/b/", "a/y"])], ids=["begin", "folder"]
)
def test_prefix_of_key_or_folder(cgc: CgcEmulator, http: Http, variant: str, found: list[str]) -> None:
    cgc.option("prefix_means", variant)
    cgc.put_objects(["a/b/x", "a/y", "ab/z", "a.log"], volume=cgc.volume)
    path = f"/storage/volumes/{cgc.volume}/list"

    body = http.get(path, prefix="a").json()

    assert [entry["prefix"] for entry in body["prefixes"]] + [entry["location"] for entry in body["items"]] == found
    assert http.get(path, prefix="a/").json()["items"][0]["location"] == "a/y"
    assert len(http.get(path).json()["prefixes"]) == 2


@pytest.mark.parametrize(("variant", "location"), [("sent", "run7/a.bam"), ("whole", "cgc/run7/a.bam")])
def test_alias_tells_whole_key(cgc: CgcEmulator, http: Http, variant: str, location: str) -> None:
    cgc.option("alias_location", variant)
    [job] = cgc.submit_exports(cgc.file_ids[:1], location="run7/a.bam", copy_only=False)
    cgc.clock.advance(3600)

    assert http.get(f"/files/{cgc.file_ids[0]}").json()["storage"]["location"] == location
    assert http.export(job)["result"]["storage"]["location"] == location
    assert http.export(job)["destination"]["location"] == "run7/a.bam"
