"""Proxies are used where the connection or the environment says so, and get no more than they must."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcClient, CgcConnectionError, CgcSettingsError, RateBudget, Settings

TOKEN = "canary0123456789abcdef0123456789"
USER = json.dumps({"username": "by proxy"}).encode()
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
Serve = Callable[[Callable[[Any, socket.socket], None]], Any]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def proxy(serve: Serve, http_answer: Callable[..., bytes]) -> Any:
    """Answers plain requests itself, and refuses tunnels after having heard of them."""

    def talk(server: Any, line: socket.socket) -> None:
        heard = server.hear(line)
        if heard.startswith(b"CONNECT"):
            line.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        else:
            line.sendall(http_answer(USER))

    return serve(talk)


@pytest.fixture
def origin_server(serve: Serve, http_answer: Callable[..., bytes]) -> Any:
    def talk(server: Any, line: socket.socket) -> None:
        server.hear(line)
        line.sendall(http_answer(b'{"username": "direct"}'))

    return serve(talk)


def client_of(url: str, proxies: dict[str, str] | None) -> CgcClient:
    settings = Settings(token=TOKEN, base_url=url, timeout=5, proxies=proxies)
    return CgcClient(settings, patience=0, budget=RateBudget(share=1))


def test_connections_proxy(proxy: Any, origin_server: Any) -> None:
    with client_of(origin_server.url, {"http": f"http://somebody:geheim@127.0.0.1:{proxy.port}"}) as client:
        assert client.user().username == "by proxy"

    assert proxy.heard[0].startswith(f"GET {origin_server.url}/user HTTP/1.1".encode())
    assert base64.b64encode(b"somebody:geheim") in proxy.heard[0]
    assert origin_server.connections == 0


def test_environments_proxy(proxy: Any, origin_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's proxy is used if the connection has none."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")

    with client_of(origin_server.url, None) as client:
        assert client.user().username == "by proxy"


def test_no_proxy_is_honoured(proxy: Any, origin_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    with client_of(origin_server.url, None) as client:
        assert client.user().username == "direct"


def test_change_counts_next_call(proxy: Any, origin_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of the environment counts from the next call on."""
    with client_of(origin_server.url, None) as client:
        before = client.user().username
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        with_a_proxy = client.user().username
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with_an_exception = client.user().username

    assert (before, with_a_proxy, with_an_exception) == ("direct", "by proxy", "direct")


def test_connection_wins(proxy: Any, origin_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    with client_of(origin_server.url, {"http": f"http://127.0.0.1:{proxy.port}"}) as client:
        assert client.user().username == "by proxy"


def test_empty_object_is_no_proxy(origin_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    with client_of(origin_server.url, {}) as client:
        assert client.user().username == "direct"


def test_tunnel_hides_the_token(proxy: Any) -> None:
    with (
        client_of("https://cgc-api.sbgenomics.com", {"https": f"http://127.0.0.1:{proxy.port}"}) as client,
        pytest.raises(CgcConnectionError, match="through the proxy") as caught,
    ):
        client.user()

    assert not caught.value.sent
    assert proxy.heard[0].startswith(b"CONNECT cgc-api.sbgenomics.com:443")
    assert TOKEN.encode() not in proxy.heard[0]


def test_dead_proxy_sends_nothing() -> None:
    """Over a dead proxy nothing was sent, and its password is kept."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    proxies = {"https": f"http://somebody:geheim@127.0.0.1:{port}"}

    with client_of("https://cgc-api.sbgenomics.com", proxies) as client, pytest.raises(CgcConnectionError) as caught:
        client.user()

    assert not caught.value.sent
    assert "geheim" not in str(caught.value)
    assert "HTTPS_PROXY" in str(caught.value)


@pytest.mark.parametrize("bad", ["http://", "http://somebody:geheim@:3128", "socks9://127.0.0.1:1"])
def test_bad_proxy_is_named(bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad proxy of the environment is named without its password."""
    monkeypatch.setenv("HTTPS_PROXY", bad)

    with (
        client_of("https://cgc-api.sbgenomics.com", None) as client,
        pytest.raises((CgcSettingsError, CgcConnectionError)) as caught,
    ):
        client.user()

    assert "geheim" not in str(caught.value)
    assert "prox" in str(caught.value)
