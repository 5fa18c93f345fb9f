"""Before the platform has ever answered, an address that cannot be reached is wrong; after that it is an outage."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests
import urllib3

from airflow_provider_cgc.client import CgcClient, CgcConnectionError, CgcError, CgcUnreadableError
from airflow_provider_cgc.client.errors import CgcApiError, CgcRedirect, CgcUnauthorized
from airflow_provider_cgc.client.http.retry import FIRST_CONTACT, not_from_platform, unreached

USER = {"username": "mcurie"}
NOT_CONNECTED = urllib3.exceptions.NewConnectionError(None, "refused")  # type: ignore[arg-type]  # needs no pool
NOT_LISTENING = {"exc": requests.ConnectionError(NOT_CONNECTED)}
DOWN = {"status_code": 503, "json": {"status": 503, "code": 90005, "message": "Service unavailable."}}
PAGE = {"text": "<html>Welcome</html>", "headers": {"Content-Type": "text/html"}}
MakeClient = Callable[..., CgcClient]


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


@pytest.mark.parametrize("patience", [300.0, 900.0])
def test_refused_ends_in_a_minute(
    make_client: MakeClient, requests_mock: Any, base: str, clock: Any, patience: float
) -> None:
    """A port that refuses from the start ends the call within a minute."""
    requests_mock.get(f"{base}/user", [NOT_LISTENING])

    with pytest.raises(CgcConnectionError):
        make_client(patience=patience).user()

    assert 10 < sum(clock.naps) <= FIRST_CONTACT <= 50
    assert requests_mock.call_count > 3


@pytest.mark.parametrize("first", [{"json": USER}, DOWN, PAGE], ids=["an answer", "maintenance", "a web page"])
def test_refused_later_waits(
    make_client: MakeClient, requests_mock: Any, base: str, clock: Any, first: dict[str, Any]
) -> None:
    def refused_for_two_minutes(request: Any, context: Any) -> Any:
        if clock.now < began + 120:
            raise NOT_LISTENING["exc"]  # type: ignore[misc]  # an exception
        return USER

    requests_mock.get(f"{base}/rate_limit", [first])
    requests_mock.get(f"{base}/user", json=refused_for_two_minutes)
    client = make_client(patience=900)
    client._transport._patience = 0
    with pytest.raises(CgcError):
        client.rate_limit()
    client._transport._patience = 900
    began = clock.now

    assert client.user().username == "mcurie"
    assert clock.now >= began + 120


def test_known_answers_wait(requests_mock: Any, base: str, clock: Any, make_client: MakeClient) -> None:
    """A client that knows of earlier answers waits it out."""
    requests_mock.get(f"{base}/user", [NOT_LISTENING])
    client = make_client(patience=300)
    again = CgcClient(
        client.settings, patience=300, budget=client.budget, clock=clock, sleep=clock.sleep, answered=True
    )

    with pytest.raises(CgcConnectionError):
        again.user()

    assert sum(clock.naps) > 100


def test_budget_is_no_contact(make_client: MakeClient, requests_mock: Any, base: str, clock: Any) -> None:
    requests_mock.get(f"{base}/user", [NOT_LISTENING])
    client = make_client(patience=900)
    client.budget.observe_429(200.0)

    with pytest.raises(CgcConnectionError):
        client.user()

    assert requests_mock.call_count > 3


@pytest.mark.parametrize("known", [False, True])
def test_web_page_is_repeated(make_client: MakeClient, requests_mock: Any, base: str, known: bool) -> None:
    """A web page after an answer is repeated."""
    requests_mock.get(f"{base}/rate_limit", [DOWN | {"status_code": 404}])
    requests_mock.get(f"{base}/user", [PAGE, {"json": USER}])
    client = make_client(patience=300)
    if not known:
        with pytest.raises(CgcUnreadableError):
            client.user()
        return
    with pytest.raises(CgcApiError):
        client.rate_limit()

    assert client.user().username == "mcurie"


def test_log_line_has_one_stop(
    make_client: MakeClient, requests_mock: Any, base: str, caplog: pytest.LogCaptureFixture
) -> None:
    requests_mock.get(f"{base}/user", [NOT_LISTENING, PAGE | {"headers": {"Content-Type": "application/json"}}, DOWN])

    with pytest.raises(CgcError):
        make_client(patience=60).user()

    assert caplog.messages
    assert not any(".." in line for line in caplog.messages)


def _client(url: str, **settings: Any) -> CgcClient:
    from airflow_provider_cgc.client import RateBudget, Settings

    given = {"token": "canary0123456789", "base_url": url, "connect_timeout": 0.3, "proxies": {}, **settings}
    return CgcClient(Settings(**given), patience=0, budget=RateBudget(share=1))


@pytest.mark.parametrize(
    ("url", "settings", "words"),
    [
        ("http://127.0.0.1:PORT", {}, ["127.0.0.1:PORT", "connection refused", "host and port", "is running"]),
        (
            "https://no-such-host.invalid",
            {"allowed_hosts": ("no-such-host.invalid",)},
            ["no-such-host.invalid", "cannot be resolved", "typing errors", "HTTPS_PROXY", "'proxies'"],
        ),
        (
            "https://cgc-api.sbgenomics.com",
            {"proxies": {"https": "http://user:canary-pw@127.0.0.1:PORT"}},
            ["cgc-api.sbgenomics.com", "through the proxy", "refused", "'proxies'", "HTTPS_PROXY", "NO_PROXY"],
        ),
    ],
    ids=["nothing listens", "no such name", "no proxy there"],
)
def test_unreachable_has_advice(closed_port: int, url: str, settings: dict[str, Any], words: list[str]) -> None:
    def put(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: put(one) for key, one in value.items()}
        return value.replace("PORT", str(closed_port)) if isinstance(value, str) else value

    with _client(put(url), **put(settings)) as client, pytest.raises(CgcConnectionError) as caught:
        client.user()

    told = str(caught.value)
    assert unreached(caught.value)
    assert not caught.value.sent
    assert told.startswith("Cannot connect to ")
    assert "The request was not sent." in told
    for word in words:
        assert put(word) in told
    assert "canary" not in told


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (requests.ConnectTimeout("slow"), ["in time", "firewall", "HTTPS_PROXY"]),
        (requests.ConnectionError(NOT_CONNECTED), ["host and port"]),
    ],
)
def test_connect_has_its_advice(
    make_client: MakeClient, requests_mock: Any, base: str, fault: Exception, words: list[str]
) -> None:
    requests_mock.get(f"{base}/user", exc=fault)

    with pytest.raises(CgcConnectionError) as caught:
        make_client().user()

    for word in words:
        assert word in str(caught.value)


Answers = Callable[[int, bytes, dict[str, str]], str]


@pytest.fixture
def other_server() -> Iterator[Answers]:
    """Give the address of a server that answers everything alike."""
    servers = []

    def start(status: int, body: bytes, headers: dict[str, str]) -> str:
        class Talk(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Talk)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


HTML = {"Content-Type": "text/html"}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((200, b"<html>Welcome to nginx!</html>", HTML), CgcUnreadableError),
        ((200, b"<!doctype html>", {"Content-Type": "application/json"}), CgcUnreadableError),
        ((200, b"", {}), CgcUnreadableError),
        ((200, b"ok", {"Content-Type": "text/plain"}), CgcUnreadableError),
        ((302, b"", {"Location": "https://login.example.org/"}), CgcRedirect),
        ((404, b"<html>Not Found</html>", HTML), CgcApiError),
        ((405, b"", {}), CgcApiError),
        ((401, b"<html>Sign in</html>", HTML), CgcUnauthorized),
    ],
    ids=["page", "page called JSON", "nothing", "text", "redirect", "not found", "no such method", "login"],
)
def test_foreign_answer_has_host(
    other_server: Answers, answer: tuple[int, bytes, dict[str, str]], kind: type[CgcError]
) -> None:
    place = other_server(*answer)

    with _client(f"http://{place}") as client, pytest.raises(kind) as caught:
        client.user()

    assert place in str(caught.value)
    assert "connection" in str(caught.value)
    assert "host" in str(caught.value)
    assert not_from_platform(caught.value) or isinstance(caught.value, CgcUnauthorized)


def test_http_behind_https(other_server: Answers) -> None:
    place = other_server(200, b"{}", {})

    with (
        _client(f"https://{place}") as client,
        pytest.raises(CgcConnectionError, match="does not speak https") as caught,
    ):
        client.user()

    assert unreached(caught.value)
    # Whether it has read what we sent, nobody can tell: a create is not repeated.
    assert caught.value.sent
