"""The emulator's controls, from Python and under `/_emulator/`: statistics, clock, reset, tokens, jobs."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.emulator.controls.journal import KEPT_BYTES, KEPT_REQUESTS, Journal, RecordedRequest

if TYPE_CHECKING:
    from tests.contract.conftest import Http


def test_stats_fold_ids(cgc: CgcEmulator, http: Http) -> None:
    """Stats fold ids and count statuses."""
    jobs = cgc.submit_exports(cgc.file_ids[:3])
    http.records(jobs)
    http.records(jobs[:2])
    http.export(jobs[0])
    http.export("none")
    http.get(f"/storage/volumes/{cgc.volume}")
    http.get(f"/storage/volumes/{cgc.volume}/list")
    http.get(f"/projects/{cgc.project}")
    http.get(f"/files/{cgc.file_ids[0]}")

    stats = cgc.stats()

    assert stats == {
        "requests": {
            "POST /v2/bulk/storage/exports/get": 2,
            "GET /v2/storage/exports/{id}": 2,
            "GET /v2/storage/volumes/{id}": 1,
            "GET /v2/storage/volumes/{id}/list": 1,
            "GET /v2/projects/{id}": 1,
            "GET /v2/files/{id}": 1,
        },
        "statuses": {"200": 7, "404": 1},
        "total": 8,
        "max_per_id": 3,
    }
    assert http.control("GET", "stats").json() == stats


def test_requests_are_kept(cgc: CgcEmulator, http: Http) -> None:
    http.get("/files", project=cgc.project, name=["a", "b"])
    http.post("/bulk/storage/exports/get", {"export_ids": ["x"]})

    first, last = cgc.requests

    assert (first.method, first.path, first.status) == ("GET", "/v2/files", 200)
    assert first.query == {"project": [cgc.project], "name": ["a", "b"]}
    assert first.body is None
    assert first.user_agent.startswith("python-requests/")
    assert last.body == {"export_ids": ["x"]}


def test_looks_are_counted(cgc: CgcEmulator, http: Http) -> None:
    """Looks at imports are counted like those at exports."""
    [job, other] = cgc.submit_imports(cgc.locations[:2])
    http.post("/bulk/storage/imports/get", {"import_ids": [job, other]})
    http.get(f"/storage/imports/{job}")

    stats = cgc.stats()

    assert stats["requests"] == {"POST /v2/bulk/storage/imports/get": 1, "GET /v2/storage/imports/{id}": 1}
    assert stats["max_per_id"] == 2


def recorded(number: int, raw: bytes) -> RecordedRequest:
    return RecordedRequest("POST", "/v2/bulk/storage/exports/get", {}, raw, 200, float(number), "test")


def test_journal_keeps_newest() -> None:
    """Journal keeps the newest requests and counts all."""
    journal = Journal()

    for number in range(KEPT_REQUESTS + 5):
        journal.add(recorded(number, b'{"export_ids": ["a", "b"]}'))

    assert [journal.kept()[0].wall, len(journal.kept())] == [5.0, KEPT_REQUESTS]
    assert journal.stats()["total"] == journal.stats()["max_per_id"] == KEPT_REQUESTS + 5


def test_journal_limits_bodies() -> None:
    """Journal keeps no more than so many bytes of bodies."""
    journal = Journal()
    body = b'"' + b"x" * (KEPT_BYTES // 4) + b'"'

    for number in range(6):
        journal.add(recorded(number, body))

    assert [request.wall for request in journal.kept()] == [3.0, 4.0, 5.0]
    assert sum(len(request.raw) for request in journal.kept()) <= KEPT_BYTES
    assert journal.stats()["total"] == 6


def test_text_body_is_kept(cgc: CgcEmulator, http: Http) -> None:
    requests.post(http.url + "/bulk/storage/exports/get", data=b"{\xff", headers=http.headers, timeout=10)

    assert cgc.requests[0].body == "{\ufffd"


def test_forgotten_is_unknown(cgc: CgcEmulator, http: Http) -> None:
    jobs = cgc.submit_exports(cgc.file_ids[:2])

    cgc.forget(jobs[:1])

    assert http.code(http.get(f"/storage/exports/{jobs[0]}")) == (404, 9008)
    assert [job["id"] for job in http.get("/storage/exports").json()["items"]] == jobs[1:]


def test_reset_starts_over(cgc: CgcEmulator, http: Http) -> None:
    ids, names = cgc.file_ids, cgc.file_names
    started = cgc.clock.now()
    jobs = cgc.submit_exports(ids[:2], copy_only=False)
    cgc.clock.advance(3600)
    http.records(jobs)
    cgc.option("unknown_ids", "404")
    cgc.fail_files("*", code=9206)
    cgc.fault("503", count=None)

    cgc.reset()

    assert cgc.stats()["total"] == 0
    assert cgc.clock.now() - started < 3600
    assert http.get("/storage/exports").json()["items"] == []
    assert http.records(jobs)[0]["error"]["code"] == 9008
    assert (cgc.file_ids, cgc.file_names) == (ids, names)
    assert http.get(f"/files/{ids[0]}").json()["storage"]["type"] == "PLATFORM"
    assert http.get(f"/storage/volumes/{cgc.volume}/list").json()["items"] == []
    again = cgc.submit_exports(ids[:1])
    cgc.clock.advance(3600)
    assert http.export(again[0])["state"] == "COMPLETED"


def test_speed_makes_seconds() -> None:
    wall = [1_800_000_000.0]
    with CgcEmulator(files=1, speed=60, wall=lambda: wall[0]) as emulator:
        wall[0] += 10
        after_ten = emulator.clock.now() - 1_800_000_000
        emulator.clock.speed = 1
        wall[0] += 10
        after_twenty = emulator.clock.now() - 1_800_000_000

    assert (after_ten, after_twenty) == (600, 610)


def test_clock_never_goes_back(cgc: CgcEmulator) -> None:
    with pytest.raises(ValueError, match="forward"):
        cgc.clock.advance(-1)


def test_seed_fixes_job_ids() -> None:
    def ids(seed: int) -> list[str]:
        with CgcEmulator(files=3, seed=seed) as emulator:
            return emulator.submit_exports(emulator.file_ids)

    assert ids(1) == ids(1)
    assert ids(1) != ids(2)


def test_emulators_are_apart(cgc: CgcEmulator, http: Http, ask: type[Http]) -> None:
    """Emulators side by side know nothing of each other."""
    jobs = cgc.submit_exports(cgc.file_ids[:1])
    with CgcEmulator(files=1) as other:
        ask(other).control("POST", "options", {"error_lacks": ["more_info"]})
        [record] = ask(other).records(jobs)
        theirs, ours = ask(other).get("/files/none").json(), http.get("/files/none").json()

    assert record["error"]["code"] == 9008
    assert ("more_info" in theirs, "more_info" in ours) == (False, True)


def test_stop_lets_answers_end() -> None:
    """An answer under way arrives whole when the emulator stops."""
    emulator = CgcEmulator(files=1).start()
    address = ("127.0.0.1", int(emulator.url.removesuffix("/v2").rpartition(":")[2]))
    body = json.dumps({"x" * 5_000_000: 1}).encode()  # an error tells the name of what it does not know
    head = f"Host: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(address, timeout=10) as client:
        client.sendall(f"POST /_emulator/clock HTTP/1.1\r\n{head}".encode() + body)
        answer = client.recv(1000)  # its head is out, the rest is not
        stopping = threading.Thread(target=emulator.stop)
        stopping.start()
        while part := client.recv(1_000_000):
            answer += part
        stopping.join()

    head, _, rest = answer.decode().partition("\r\n\r\n")
    assert f"content-length: {len(rest)}" in head.lower()
    assert len(rest) > 5_000_000


def test_refused_submit_raises(cgc: CgcEmulator) -> None:
    with pytest.raises(Exception, match="403/9006"):
        cgc.submit_exports([cgc.alias_id])


def test_stopped_has_no_url() -> None:
    emulator = CgcEmulator(files=1)

    with pytest.raises(RuntimeError, match="context manager"):
        _ = emulator.url


def test_threads_may_submit(cgc: CgcEmulator, http: Http) -> None:
    jobs: list[str] = []

    def submit(number: int) -> None:
        for turn in range(20):
            jobs.extend(cgc.submit_exports(cgc.file_ids[:2], location=f"{number}/{turn}/{{name}}"))

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    asked = [http.get("/storage/exports", limit=100).status_code for _ in range(10)]
    for thread in threads:
        thread.join()

    assert set(asked) == {200}
    assert http.get("/storage/exports").headers["X-Total-Matching-Query"] == "160"
    assert len(set(jobs)) == 160


def test_control_sets_a_fault(cgc: CgcEmulator, http: Http) -> None:
    made = http.control("POST", "faults", {"kind": "503", "path": "/v2/user", "count": 2})

    assert made.status_code == 200
    assert [http.get(path).status_code for path in ("/user", "/projects", "/user", "/user")] == [
        503,
        200,
        503,
        200,
    ]


def test_control_clears_faults(cgc: CgcEmulator, http: Http) -> None:
    http.control("POST", "faults", {"kind": "503", "count": None})

    http.control("DELETE", "faults")

    assert http.get("/user").status_code == 200


def test_control_fails_files(cgc: CgcEmulator, http: Http) -> None:
    http.control("POST", "faults", {"fail_files": "*", "code": 9206})
    [job] = http.control("POST", "exports", {"file_ids": cgc.file_ids[:1]}).json()["result"]

    http.control("POST", "clock", {"advance": 3600})

    assert http.export(job)["error"]["code"] == 9206


def test_control_sets_options(cgc: CgcEmulator, http: Http) -> None:
    http.control("POST", "options", {"unknown_ids": "gap", "rate_headers": False})

    answer = http.post("/bulk/storage/exports/get", {"export_ids": ["none"]})

    assert answer.json() == {"items": []}
    assert "X-RateLimit-Limit" not in answer.headers


def test_all_options_or_none(http: Http) -> None:
    before = http.control("GET", "options").json()

    refused = http.control("POST", "options", {"jump": True, "no_such_option": 1})
    after = http.control("GET", "options").json()
    http.control("POST", "options", {"jump": True})

    assert (refused.status_code, after) == (400, before)
    assert http.control("GET", "options").json() == before | {"jump": True}


def test_control_submits_imports(cgc: CgcEmulator, http: Http) -> None:
    """Control submits imports of objects that it put."""
    http.control("POST", "objects", {"locations": ["new/a.txt"], "volume": cgc.volume, "size": 7})
    body = {"locations": ["new/a.txt"], "volume": cgc.volume, "project": cgc.other_project, "name": "b-{name}"}
    [job] = http.control("POST", "imports", body).json()["result"]

    http.control("POST", "clock", {"advance": 60})

    result = http.get(f"/storage/imports/{job}").json()["result"]
    assert (result["name"], result["size"], result["project"]) == ("b-a.txt", 7, cgc.other_project)


def test_control_puts_files(cgc: CgcEmulator, http: Http) -> None:
    """Control puts files into folders of a project."""
    body = {"paths": ["a/b/x.bam", "a/y.bam", "empty/"], "project": cgc.other_project, "size": 7, "tags": ["keep"]}
    body |= {"metadata": {"sample_id": "S1"}, "task": "t1"}

    deep, high, folder = http.control("POST", "files", body).json()["result"]

    file = http.get(f"/files/{deep}").json()
    assert (file["name"], file["size"], file["tags"], file["project"]) == ("x.bam", 7, ["keep"], cgc.other_project)
    assert (file["metadata"], file["origin"]) == ({"sample_id": "S1"}, {"task": "t1"})
    above = http.get(f"/files/{file['parent']}").json()
    assert (above["name"], above["type"], above["parent"]) == (
        "b",
        "folder",
        http.get(f"/files/{high}").json()["parent"],
    )
    assert http.get(f"/files/{folder}").json()["type"] == "folder"


def test_put_file_is_exported(cgc: CgcEmulator) -> None:
    ids = cgc.add_files(["a/x.bam"])

    assert len(cgc.submit_exports(ids)) == 1


def test_control_moves_the_clock(cgc: CgcEmulator, http: Http) -> None:
    before = cgc.clock.now()

    answer = http.control("POST", "clock", {"advance": 60, "speed": 2})

    assert answer.json()["now"] >= before + 60
    assert cgc.clock.speed == 2


def test_reset_restores_files(cgc: CgcEmulator) -> None:
    before = cgc.file_ids
    [added] = cgc.add_files(["more/a.bam"])
    with cgc.world.open() as world:
        assert added in world.files

    cgc.reset()

    with cgc.world.open() as world:
        assert added not in world.files
    assert cgc.file_ids == before


def test_control_resets(cgc: CgcEmulator, http: Http) -> None:
    http.get("/user")

    http.control("POST", "reset")

    assert http.control("GET", "stats").json()["total"] == 0


def test_control_makes_tokens(cgc: CgcEmulator, http: Http, ask: type[Http]) -> None:
    token = http.control("POST", "tokens", {"username": "grace"}).json()["result"]
    http.control("POST", "tokens", {"new": "e" * 32})

    assert ask(cgc, token).get("/user").json()["username"] == "grace"
    assert ask(cgc, "e" * 32).get("/user").json()["username"] == "demo"
    assert http.get("/user").status_code == 401


def test_control_forgets_jobs(cgc: CgcEmulator, http: Http) -> None:
    jobs = cgc.submit_exports(cgc.file_ids[:1])

    http.control("POST", "forget", {"job_ids": jobs})

    assert http.records(jobs)[0]["error"]["code"] == 9008


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"kind": "418"}),
        ("faults", {"kind": "503", "count": "many"}),
        ("faults", {"kind": "503", "colour": "red"}),
        ("faults", {"fail_files": "*"}),
        ("faults", {"fail_files": "*", "code": 4711}),
        ("faults", {"fail_files": "*", "code": 9206, "at": "noon"}),
        ("options", {"no_such_option": 1}),
        ("clock", {"advance": -1}),
        ("clock", {"forward": 1}),
        ("exports", {"file_ids": ["none"]}),
        ("exports", {"file_ids": "none"}),
        ("exports", {"file_ids": ["none"], "location": "{colour}"}),
        ("exports", {"file_ids": [], "user": "nobody"}),
        ("imports", {"locations": "none"}),
        ("imports", {"locations": ["a"], "project": "demo-lab/none"}),
        ("imports", {"locations": ["a"], "project": "demo-lab/cptac3", "parent": "x"}),
        ("imports", {"locations": ["a"], "name": "{colour}"}),
        ("imports", {"locations": [], "user": "nobody"}),
        ("objects", {"locations": ["a/"]}),
        ("objects", {"locations": ["a"], "volume": "demo-lab/none"}),
        ("files", {"paths": "none"}),
        ("files", {"paths": ["a//x"]}),
        ("files", {"paths": ["a", "a"]}),
        ("files", {"paths": ["a", "a/b"]}),
        ("files", {"paths": ["a"], "project": "demo-lab/none"}),
        ("faults", {"fail_files": "*", "code": 9206, "jobs": "tasks"}),
        ("faults", {"kind": "503", "after": -1}),
    ],
)
def test_control_explains_itself(http: Http, path: str, body: dict[str, Any]) -> None:
    """Control tells what is wrong with its arguments."""
    answer = http.control("POST", path, body)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_controls_are_free(cgc: CgcEmulator, http: Http) -> None:
    http.control("POST", "clock", {"advance": 1})

    assert cgc.stats()["total"] == 0
    assert http.get("/rate_limit").json()["rate"]["remaining"] == 1000
