"""The emulator's token check, rate limit, headers and gateway, asked with plain requests."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest
import requests

from airflow_provider_cgc.emulator import CgcEmulator
from tests.fakes.clock import Clock

if TYPE_CHECKING:
    from tests.contract.conftest import Http

TIMEOUT = 10


@pytest.fixture
def wall() -> Clock:
    return Clock(1_800_000_000.25)


@pytest.fixture
def small(wall: Clock) -> Iterator[CgcEmulator]:
    """An cgc that lets three requests through in a window."""
    with CgcEmulator(files=1, rate_limit=3, wall=wall) as cgc:
        yield cgc


def test_connection_is_complete(cgc: CgcEmulator) -> None:
    connection = cgc.connection

    assert connection == {
        "conn_type": "cgc",
        "host": cgc.url,
        "password": cgc.token,
        "extra": {"platform": "other", "project": "demo-lab/cptac3"},
    }
    assert cgc.url.startswith("http://127.0.0.1:")
    assert cgc.url.endswith("/v2")


@pytest.mark.parametrize("headers", [{}, {"X-SBG-Auth-Token": "wrong"}, {"Authorization": "Bearer wrong"}])
def test_bad_token_is_401(cgc: CgcEmulator, headers: dict[str, str], ask: type[Http]) -> None:
    answer = requests.get(cgc.url + "/user", headers=headers, timeout=TIMEOUT)

    assert ask.code(answer) == (401, 90001)
    assert "X-RateLimit-Limit" not in answer.headers


def test_bearer_token_works(cgc: CgcEmulator) -> None:
    headers = {"Authorization": f"Bearer {cgc.token}"}

    answer = requests.get(cgc.url + "/user", headers=headers, timeout=TIMEOUT)

    assert answer.json()["username"] == "demo"


def test_old_token_is_void(cgc: CgcEmulator, ask: type[Http]) -> None:
    """Rotated token voids the old one."""
    old = ask(cgc)

    cgc.set_token("f" * 32)

    assert ask.code(old.get("/user")) == (401, 90001)
    assert ask(cgc).get("/user").json()["username"] == "demo"
    assert cgc.connection["password"] == "f" * 32


def test_index_is_free(cgc: CgcEmulator, ask: type[Http]) -> None:
    answer = requests.get(cgc.url + "/", timeout=TIMEOUT)

    assert answer.status_code == 200
    assert ask(cgc).get("/rate_limit").json()["rate"]["remaining"] == 1000


def test_rate_limit_call_is_free(small: CgcEmulator, ask: type[Http]) -> None:
    http = ask(small)
    http.get("/user")

    remaining = [http.get("/rate_limit").json()["rate"]["remaining"] for _ in range(5)]

    assert remaining == [2] * 5


def test_headers_of_an_answer(small: CgcEmulator, ask: type[Http]) -> None:
    answer = ask(small).get("/user")

    assert answer.headers["X-RateLimit-Limit"] == "3"
    assert answer.headers["X-RateLimit-Remaining"] == "2"
    assert int(answer.headers["X-RateLimit-Reset"]) == 1_800_000_301
    assert len(answer.headers["X-Request-Id"]) == 36


def test_limit_is_429_till_reset(small: CgcEmulator, wall: Clock, ask: type[Http]) -> None:
    """Request over the limit is 429 until the window ends."""
    http = ask(small)
    allowed = [http.get("/user").status_code for _ in range(3)]

    refused = http.get("/user")

    assert allowed == [200, 200, 200]
    assert http.code(refused) == (429, 1000)
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    wall.now = int(refused.headers["X-RateLimit-Reset"]) - 0.5
    assert http.get("/user").status_code == 429
    wall.now = int(refused.headers["X-RateLimit-Reset"])
    assert http.get("/user").status_code == 200


def test_bulk_call_counts_once(cgc: CgcEmulator, ask: type[Http]) -> None:
    http = ask(cgc)
    jobs = cgc.submit_exports(cgc.file_ids[:50])

    http.records(jobs)

    assert http.get("/rate_limit").json()["rate"]["remaining"] == 999


def test_rate_limit_is_per_user(small: CgcEmulator, ask: type[Http]) -> None:
    other = ask(small, small.add_token("grace"))
    for _ in range(3):
        ask(small).get("/user")

    answer = other.get("/user")

    assert answer.json()["username"] == "grace"
    assert answer.headers["X-RateLimit-Remaining"] == "2"


def test_reset_follows_the_wall(small: CgcEmulator, wall: Clock, ask: type[Http]) -> None:
    """The reset follows the wall clock, the date follows the platform's."""
    small.clock.advance(86_400)

    answer = ask(small).get("/user")

    assert parsedate_to_datetime(answer.headers["Date"]).timestamp() == 1_800_086_400
    assert int(answer.headers["X-RateLimit-Reset"]) == 1_800_000_301


def test_one_date_no_server(cgc: CgcEmulator, ask: type[Http]) -> None:
    """Answer has one date and no server header."""
    answer = ask(cgc).get("/user")

    assert len(answer.raw.headers.getlist("Date")) == 1
    assert "Server" not in answer.headers


@pytest.mark.parametrize("path", ["/nope", "/storage/nope", "/bulk/storage/export/get"])
def test_unknown_path_is_404(cgc: CgcEmulator, path: str, ask: type[Http]) -> None:
    answer = ask(cgc).post(path, {"export_ids": ["x"]})

    assert answer.status_code == 404
    assert answer.json() == {"status": "NOT_FOUND", "message": "HTTP 404 Not Found"}


def test_slash_does_not_matter(http: Http) -> None:
    assert http.get("/projects/").json()["items"] == http.get("/projects").json()["items"]


def test_wrong_method_is_405(cgc: CgcEmulator, ask: type[Http]) -> None:
    assert ask.code(ask(cgc).post("/user", {})) == (405, 90006)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_body_of_a_get(cgc: CgcEmulator, method: str) -> None:
    """Body of a get does not garble the next request."""
    session = requests.Session()
    session.headers["X-SBG-Auth-Token"] = cgc.token

    session.request(method, cgc.url + "/user", data="null", timeout=TIMEOUT)
    second = session.get(cgc.url + "/user", timeout=TIMEOUT)

    assert second.json()["username"] == "demo"


def test_href_leads_back(cgc: CgcEmulator) -> None:
    url = cgc.url.replace("127.0.0.1", "localhost")
    headers = {"X-SBG-Auth-Token": cgc.token}

    href = requests.get(url + "/user", headers=headers, timeout=TIMEOUT).json()["href"]

    assert href == url + "/users/demo"
    assert requests.get(href, headers=headers, timeout=TIMEOUT).json()["username"] == "demo"


def test_stranger_is_not_found(cgc: CgcEmulator, ask: type[Http]) -> None:
    assert ask.code(ask(cgc).get("/users/nobody")) == (404, 2002)


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"{", "application/json", (500, 90009)),
        (b"[]", "application/json", (400, 9011)),
        (b'{"export_ids": "a"}', "application/json", (400, 9011)),
        (b'{"export_ids": ["a"]}', "text/plain", (415, 90008)),
    ],
)
def test_unreadable_is_refused(
    cgc: CgcEmulator, body: bytes, content_type: str, expected: tuple[int, int], ask: type[Http]
) -> None:
    headers = {"X-SBG-Auth-Token": cgc.token, "Content-Type": content_type}

    answer = requests.post(cgc.url + "/bulk/storage/exports/get", data=body, headers=headers, timeout=TIMEOUT)

    assert ask.code(answer) == expected
