"""The emulator's faults: each kind as a client meets it, and how one is aimed."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.emulator.state.faults import KINDS

if TYPE_CHECKING:
    from tests.contract.conftest import Http


def raw_answer(emulator: CgcEmulator, path: str) -> bytes:
    """Everything that a bare socket receives until the server hangs up."""
    host, port = emulator.url.removeprefix("http://").removesuffix("/v2").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        head = f"GET /v2{path} HTTP/1.1\r\nHost: {host}\r\nX-SBG-Auth-Token: {emulator.token}\r\n"
        line.sendall((head + "Connection: close\r\n\r\n").encode())
        received = b""
        while chunk := line.recv(65536):
            received += chunk
    return received


def order(emulator: CgcEmulator, location: str) -> dict[str, Any]:
    return {
        "source": {"file": emulator.file_ids[0]},
        "destination": {"volume": emulator.volume, "location": location},
    }


def wait_for_jobs(emulator: CgcEmulator) -> list[str]:
    """The ids of all jobs, as soon as there is one."""
    for _ in range(200):
        with emulator.world.open() as world:
            if world.exports:
                return list(world.exports)
        time.sleep(0.05)
    raise AssertionError("no job was started")


@pytest.mark.parametrize(
    ("kind", "status", "body_code"),
    [
        ("429", 429, 1000),
        ("503_maintenance", 503, 0),
        ("503", 503, 90005),
        ("401", 401, 90001),
        ("403", 403, 90002),
    ],
)
def test_coded_fault(cgc: CgcEmulator, http: Http, kind: str, status: int, body_code: int) -> None:
    cgc.fault(kind)

    assert http.code(http.get("/user")) == (status, body_code)
    assert http.get("/user").status_code == 200


@pytest.mark.parametrize(
    ("kind", "status", "word"),
    [
        ("500", 500, "INTERNAL_SERVER_ERROR"),
        ("404_gateway", 404, "NOT_FOUND"),
        ("408", 408, "REQUEST_TIMEOUT"),
    ],
)
def test_gateway_fault(cgc: CgcEmulator, http: Http, kind: str, status: int, word: str) -> None:
    cgc.fault(kind)

    answer = http.get("/user")

    assert answer.status_code == status
    assert answer.json()["status"] == word
    assert "code" not in answer.json()


@pytest.mark.parametrize("kind", ["404_html", "405_html", "502_html", "503_html", "504_html"])
def test_html_fault_is_a_page(cgc: CgcEmulator, http: Http, kind: str) -> None:
    cgc.fault(kind)

    answer = http.get("/user")

    assert answer.status_code == int(kind[:3])
    assert answer.headers["Content-Type"] == "text/html"
    assert f"<h1>{kind[:3]} " in answer.text


def test_redirect_to_a_login(cgc: CgcEmulator) -> None:
    cgc.fault("302_html")

    answer = raw_answer(cgc, "/user")

    assert answer.startswith(b"HTTP/1.1 302 ")
    assert b"\r\nlocation: https://login.example.invalid/\r\n" in answer


def test_429_announces_its_reset(ask: type[Http]) -> None:
    with CgcEmulator(files=1, wall=lambda: 1_800_000_000.5) as emulator:
        emulator.fault("429", seconds=20, retry_after=7)

        answer = ask(emulator).get("/user")

    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert answer.headers["X-RateLimit-Reset"] == "1800000021"
    assert answer.headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("kind", "known"),
    [("403", True), ("503", True), ("401", False), ("503_maintenance", False), ("500", False), ("502_html", False)],
)
def test_only_some_tell_the_rate(cgc: CgcEmulator, http: Http, kind: str, known: bool) -> None:
    """Only services that know who asks tell the rate."""
    cgc.fault(kind)

    answer = http.get("/user")

    assert answer.headers.get("X-RateLimit-Remaining") == ("1000" if known else None)


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_dropped_line_is_empty(cgc: CgcEmulator, kind: str) -> None:
    cgc.fault(kind)

    assert raw_answer(cgc, "/user") == b""
    assert cgc.stats()["statuses"] == {"dropped": 1}


@pytest.mark.parametrize(
    ("kind", "jobs"), [("drop_before", 0), ("drop_after", 1), ("half_body", 1), ("broken_json", 1)]
)
def test_create_despite_a_fault(cgc: CgcEmulator, http: Http, kind: str, jobs: int) -> None:
    """Create takes effect unless the line broke before."""
    cgc.fault(kind, method="POST")

    with pytest.raises(requests.RequestException):
        http.post("/storage/exports", order(cgc, "a"), copy_only="true").json()

    assert http.get("/storage/exports").headers["X-Total-Matching-Query"] == str(jobs)


def test_half_body(cgc: CgcEmulator) -> None:
    cgc.fault("half_body")

    head, _, body = raw_answer(cgc, "/user").partition(b"\r\n\r\n")

    lines = head.decode().lower().split("\r\n")
    promised = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length"))
    assert lines[0] == "http/1.1 200 ok"
    assert 0 < len(body) < promised


def test_broken_json_is_whole(cgc: CgcEmulator, http: Http) -> None:
    cgc.fault("broken_json")

    answer = http.get("/user")

    assert answer.status_code == 200
    assert len(answer.content) == int(answer.headers["Content-Length"])
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_slow_create_happens(cgc: CgcEmulator, http: Http) -> None:
    cgc.fault("slow", seconds=0.6)

    with pytest.raises(requests.ReadTimeout):
        requests.post(
            http.url + "/storage/exports?copy_only=true",
            json=order(cgc, "a"),
            headers=http.headers,
            timeout=0.1,
        )

    [job] = wait_for_jobs(cgc)
    assert http.export(job)["state"] == "PENDING"


def test_slow_create_comes_late(cgc: CgcEmulator, http: Http) -> None:
    cgc.fault("slow", seconds=600)

    with pytest.raises(requests.ReadTimeout):
        requests.post(
            http.url + "/storage/exports?copy_only=true", json=order(cgc, "a"), headers=http.headers, timeout=0.5
        )

    assert http.get("/storage/exports").json()["items"] == []


def test_slow_answer_comes_after(cgc: CgcEmulator, http: Http) -> None:
    cgc.fault("slow_answer", method="POST", seconds=60)

    with pytest.raises(requests.ReadTimeout):
        requests.post(
            http.url + "/storage/exports?copy_only=true", json=order(cgc, "a"), headers=http.headers, timeout=0.5
        )

    assert len(http.get("/storage/exports").json()["items"]) == 1


def test_slow_line_is_alone(cgc: CgcEmulator, http: Http) -> None:
    """Slow line does not hold up the others."""
    cgc.fault("slow", seconds=60, path="/v2/user")
    with pytest.raises(requests.ReadTimeout):
        requests.get(http.url + "/user", headers=http.headers, timeout=0.1)

    assert http.get("/projects").status_code == 200


def test_slow_and_another(cgc: CgcEmulator, http: Http) -> None:
    cgc.fault("slow", seconds=0.01)
    cgc.fault("503")

    assert [http.get("/user").status_code for _ in range(2)] == [503, 200]


def test_fault_is_aimed(cgc: CgcEmulator, http: Http) -> None:
    cgc.fault("503", method="post", path="/v2/bulk/storage/exports/*", count=None)

    answers = [
        http.get("/storage/exports"),
        http.post("/bulk/files/get", {"file_ids": ["x"]}),
        http.post("/bulk/storage/exports/get", {"export_ids": ["x"]}),
        http.post("/bulk/storage/exports/create", {"items": ["x"]}),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 503, 503]


def test_fault_strikes_n_times(cgc: CgcEmulator, http: Http) -> None:
    cgc.fault("503", count=2)
    cgc.fault("500")

    assert [http.get("/user").status_code for _ in range(4)] == [503, 503, 500, 200]


def test_fault_lets_others_pass(cgc: CgcEmulator, http: Http) -> None:
    cgc.fault("503", path="/v2/user", after=2, count=2)

    statuses = [http.get(path).status_code for path in ("/user", "/projects", "/user", "/user", "/user", "/user")]

    assert statuses == [200, 200, 200, 503, 503, 200]


def test_waiting_fault_counts(cgc: CgcEmulator, http: Http) -> None:
    """Fault that waits counts what another strikes."""
    cgc.fault("503", count=2)
    cgc.fault("500", after=2)

    assert [http.get("/user").status_code for _ in range(4)] == [503, 503, 500, 200]


def test_fault_for_ever_ends(cgc: CgcEmulator, http: Http) -> None:
    cgc.fault("503", count=None)
    before = [http.get("/user").status_code for _ in range(3)]

    cgc.clear_faults()

    assert before == [503] * 3
    assert http.get("/user").status_code == 200


def test_seed_fixes_chances(ask: type[Http]) -> None:
    def statuses(seed: int) -> list[int]:
        with CgcEmulator(files=1, seed=seed) as emulator:
            emulator.fault("503", count=None, probability=0.5)
            return [ask(emulator).get("/user").status_code for _ in range(24)]

    first = statuses(1)

    assert set(first) == {200, 503}
    assert statuses(1) == first
    assert statuses(2) != first


def test_chances_are_independent(ask: type[Http]) -> None:
    """Probability is the same whatever else happens."""

    def statuses(*, seed: int | None, noise: bool) -> list[int]:
        with CgcEmulator(files=1) as emulator:
            emulator.fault("503", path="/v2/user", count=None, probability=0.5, seed=seed)
            if noise:
                emulator.fault("500", path="/v2/projects", count=None, probability=0.5)
                ask(emulator).get("/projects")
            return [ask(emulator).get("/user").status_code for _ in range(24)]

    assert statuses(seed=None, noise=False) == statuses(seed=None, noise=True)
    assert statuses(seed=5, noise=True) == statuses(seed=5, noise=False) != statuses(seed=6, noise=False)


def test_fault_costs_no_rate(cgc: CgcEmulator, http: Http) -> None:
    cgc.fault("503")

    http.get("/user")

    assert http.get("/rate_limit").json()["rate"]["remaining"] == 1000


@pytest.mark.parametrize(
    "arguments",
    [
        {"kind": "418"},
        {"kind": "slow"},
        {"kind": "slow_answer"},
        {"kind": "503", "after": -1},
        {"kind": "503", "count": 0},
        {"kind": "503", "probability": 0},
        {"kind": "503", "probability": 1.5},
    ],
)
def test_impossible_fault(cgc: CgcEmulator, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"fault|count|probability|after"):
        cgc.fault(**arguments)


@pytest.mark.parametrize("kind", KINDS)
def test_fit_again_after_faults(cgc: CgcEmulator, http: Http, kind: str) -> None:
    session = requests.Session()
    cgc.fault(kind, seconds=0.01)

    with contextlib.suppress(requests.RequestException):
        session.get(http.url + "/user", headers=http.headers, timeout=10)
    answer = session.get(http.url + "/user", headers=http.headers, timeout=10)

    assert answer.json()["username"] == "demo"


@pytest.mark.parametrize("pattern", ["*.bam", "name", "id"])
def test_scripted_job_failure(cgc: CgcEmulator, http: Http, pattern: str) -> None:
    bam = next(file_id for file_id, name in cgc.file_names.items() if name.endswith(".bam"))
    vcf = next(file_id for file_id, name in cgc.file_names.items() if name.endswith(".vcf.gz"))
    pattern = {"name": cgc.file_names[bam], "id": bam}.get(pattern, pattern)
    cgc.fail_files(pattern, code=9206, message="No PUT for you.")

    jobs = cgc.submit_exports([bam, vcf])
    cgc.clock.advance(3600)
    failed, done = (record["resource"] for record in http.records(jobs))

    assert (failed["state"], done["state"]) == ("FAILED", "COMPLETED")
    assert (failed["error"]["status"], failed["error"]["code"]) == (403, 9206)
    assert failed["error"]["message"] == "No PUT for you."
    assert failed["finished_on"] > failed["started_on"]


def test_scripted_refusal(cgc: CgcEmulator, http: Http) -> None:
    cgc.fail_files(cgc.file_ids[0], code=9006, at="submit")

    answer = http.post("/storage/exports", order(cgc, "a"), copy_only="true")

    assert http.code(answer) == (403, 9006)


def test_script_looks_ahead(cgc: CgcEmulator, http: Http) -> None:
    """
    Scripted failure does not reach back.

    A job that has ended before, by the clock, keeps its outcome though nobody has asked for it yet.
    """
    [job] = cgc.submit_exports(cgc.file_ids[:1])
    cgc.clock.advance(3600)

    cgc.fail_files("*", code=9206)

    assert http.export(job)["state"] == "COMPLETED"


def test_unknown_code_is_refused(cgc: CgcEmulator) -> None:
    with pytest.raises(ValueError, match="4711"):
        cgc.fail_files("*", code=4711)


@pytest.mark.parametrize("at", ["job", "submit"])
def test_failure_can_pass(cgc: CgcEmulator, http: Http, at: Any) -> None:
    cgc.fail_files("*", code=9100, times=2, at=at)
    outcomes: dict[str, list[Any]] = {file_id: [] for file_id in cgc.file_ids[:2]}

    for turn in range(3):
        for file_id, seen in outcomes.items():
            body = {"source": {"file": file_id}, "destination": {"volume": cgc.volume, "location": f"{turn}/{file_id}"}}
            answer = http.post("/storage/exports", body, copy_only="true").json()
            cgc.clock.advance(3600)
            job = http.export(answer["id"]) if "id" in answer else {"error": answer}
            seen.append(job["error"]["code"] if "error" in job else job["state"])

    assert list(outcomes.values()) == [[9100, 9100, "COMPLETED"]] * 2


def test_older_rule_then_newer(cgc: CgcEmulator, http: Http) -> None:
    cgc.fail_files("*", code=9206)
    cgc.fail_files("*", code=9100, times=1)
    jobs = [cgc.submit_exports(cgc.file_ids[:1], location=location)[0] for location in ("a", "b")]
    cgc.clock.advance(3600)

    assert [http.export(job)["error"]["code"] for job in jobs] == [9100, 9206]


@pytest.mark.parametrize("arguments", [{"at": "noon"}, {"jobs": "tasks"}, {"times": 0}])
def test_impossible_failure(cgc: CgcEmulator, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"at|jobs|times"):
        cgc.fail_files("*", code=9206, **arguments)
