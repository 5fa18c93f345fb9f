"""Faults that only a real socket shows: slow servers, broken lines, half answers, redirects, reused connections."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_cgc.client import (
    CgcClient,
    CgcConnectionError,
    CgcError,
    CgcForbidden,
    CgcRedirect,
    CgcTimeoutError,
    CgcUnauthorized,
    CgcUnavailable,
    CgcUnreadableError,
    RateBudget,
    Settings,
)
from airflow_provider_cgc.client.http.retry import transient

TOKEN = "canary0123456789abcdef0123456789"
USER = json.dumps({"username": "mcurie"}).encode()
ITEM = {"file": "f", "volume": "a/b", "location": "x"}
Serve = Callable[[Callable[[Any, socket.socket], None]], Any]
Answer = Callable[..., bytes]


def client_of(url: str, **settings: Any) -> CgcClient:
    made = Settings(**{"token": TOKEN, "base_url": url, "timeout": 0.4, "connect_timeout": 1, **settings})
    return CgcClient(made, patience=0, budget=RateBudget(share=1))


def test_answer_over_a_real_line(serve: Serve, http_answer: Answer) -> None:
    def talk(server: Any, line: socket.socket) -> None:
        while server.hear(line):
            line.sendall(http_answer(USER))

    server = serve(talk)
    with client_of(server.url) as client:
        assert client.user().username == "mcurie"
        assert client.user().username == "mcurie"

    assert server.connections == 1
    assert b"GET /v2/user HTTP/1.1" in server.heard[0]
    assert f"X-SBG-Auth-Token: {TOKEN}".encode() in server.heard[0]


def test_silence_costs_timeout(serve: Serve) -> None:
    """A silent server costs the timeout, and no more."""

    def talk(server: Any, line: socket.socket) -> None:
        server.hear(line)
        server.closing.wait(20)

    began = time.monotonic()
    with client_of(serve(talk).url) as client, pytest.raises(CgcTimeoutError, match="no answer in time") as caught:
        client.user()

    assert caught.value.sent
    assert 0.3 < time.monotonic() - began < 3


def test_trickle_is_cut_off(serve: Serve, http_answer: Answer) -> None:
    """Each byte comes well within the read timeout, so only a deadline over the whole ends it."""

    def talk(server: Any, line: socket.socket) -> None:
        server.hear(line)
        head, _, body = http_answer(USER + b" " * 200).partition(b"\r\n\r\n")
        line.sendall(head + b"\r\n\r\n")
        for byte in body:
            if server.closing.wait(0.05):
                return
            line.sendall(bytes([byte]))

    began = time.monotonic()
    with client_of(serve(talk).url) as client, pytest.raises(CgcTimeoutError, match="not complete") as caught:
        client.user()

    assert caught.value.sent
    assert time.monotonic() - began < 3


def test_silence_midway_times_out(serve: Serve, http_answer: Answer) -> None:
    def talk(server: Any, line: socket.socket) -> None:
        server.hear(line)
        line.sendall(http_answer(USER, length=1000))
        server.closing.wait(20)

    with client_of(serve(talk).url) as client, pytest.raises(CgcTimeoutError) as caught:
        client.user()

    assert caught.value.sent


def test_refused_port_sends_none(serve: Serve) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    with client_of(f"http://127.0.0.1:{port}") as client, pytest.raises(CgcConnectionError) as caught:
        client.user()

    assert not caught.value.sent
    assert "The request was not sent." in str(caught.value)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


def test_no_name_sends_nothing() -> None:
    settings = {"base_url": "https://no-such-host.invalid", "allowed_hosts": ("no-such-host.invalid",)}

    with client_of("", **settings, proxies={}) as client, pytest.raises(CgcConnectionError) as caught:
        client.user()

    assert not caught.value.sent


def test_no_accept_sends_nothing() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        host, port = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        try:
            for queued in waiting:
                queued.setblocking(False)
                queued.connect_ex((host, port))
            with (
                client_of(f"http://127.0.0.1:{port}", connect_timeout=0.3) as client,
                pytest.raises(CgcTimeoutError) as caught,
            ):
                client.user()
        finally:
            for queued in waiting:
                queued.close()

    assert not caught.value.sent


@pytest.mark.parametrize("reset", [False, True])
def test_dropped_line_is_sent(serve: Serve, reset: bool) -> None:
    """A line dropped after the request may have worked."""

    def talk(server: Any, line: socket.socket) -> None:
        server.hear(line)
        if reset:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.close()

    server = serve(talk)
    with client_of(server.url) as client, pytest.raises(CgcConnectionError) as caught:
        client.exports.bulk_create([ITEM], copy_only=True)

    assert caught.value.sent
    assert "unknown" in str(caught.value)
    assert server.connections == 1


def test_patient_create_goes_once(serve: Serve) -> None:
    def talk(server: Any, line: socket.socket) -> None:
        server.hear(line)
        line.close()

    server = serve(talk)
    settings = Settings(token=TOKEN, base_url=server.url)
    with CgcClient(settings, patience=30, budget=RateBudget(share=1)) as client, pytest.raises(CgcConnectionError):
        client.exports.bulk_create([ITEM], copy_only=True)

    assert len(server.heard) == 1


def test_create_on_a_new_line(serve: Serve, http_answer: Answer) -> None:
    """
    A create does not ride on an idle connection.

    The other side may close an idle connection just when a create goes out, and nobody knows if it was read.
    """

    def talk(server: Any, line: socket.socket) -> None:
        while server.hear(line):
            line.sendall(http_answer(b'{"username": "x", "items": []}'))

    server = serve(talk)
    with client_of(server.url) as client:
        client.user()
        client.user()
        client.exports.bulk_create([ITEM], copy_only=True)

    assert server.connections == 2


def test_half_body(serve: Serve, http_answer: Answer) -> None:
    def talk(server: Any, line: socket.socket) -> None:
        server.hear(line)
        line.sendall(http_answer(USER, length=1000))
        line.shutdown(socket.SHUT_WR)

    with client_of(serve(talk).url) as client, pytest.raises(CgcUnreadableError, match="the connection was lost"):
        client.user()


def test_half_chunked_body(serve: Serve) -> None:
    def talk(server: Any, line: socket.socket) -> None:
        server.hear(line)
        line.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + USER)
        line.shutdown(socket.SHUT_WR)

    with client_of(serve(talk).url) as client, pytest.raises(CgcUnreadableError, match="the connection was lost"):
        client.user()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("401 Unauthorized", CgcUnauthorized),
        ("403 Forbidden", CgcForbidden),
        # What is not found, an id or the very address, stood in the other half.
        ("404 Not Found", CgcUnreadableError),
        ("409 Conflict", CgcUnreadableError),
    ],
)
def test_half_refusal_is_enough(serve: Serve, http_answer: Answer, status: str, kind: type[CgcError]) -> None:
    """Half a refusal is one if its status says enough."""

    def talk(server: Any, line: socket.socket) -> None:
        server.hear(line)
        line.sendall(http_answer(b'{"status": 404, "co', status=status, length=1000))
        line.shutdown(socket.SHUT_WR)

    with client_of(serve(talk).url) as client, pytest.raises(kind) as error:
        client.user()
    assert transient(error.value) == (kind is CgcUnreadableError)


def test_no_http_at_all(serve: Serve) -> None:
    def talk(server: Any, line: socket.socket) -> None:
        server.hear(line)
        line.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

    with client_of(serve(talk).url) as client, pytest.raises(CgcConnectionError):
        client.user()


@pytest.mark.parametrize(
    ("status", "kind"), [("200 OK", CgcUnreadableError), ("502 Bad Gateway", CgcUnavailable), ("504 X", CgcUnavailable)]
)
def test_html_page(serve: Serve, http_answer: Answer, status: str, kind: type[CgcError]) -> None:
    def talk(server: Any, line: socket.socket) -> None:
        server.hear(line)
        line.sendall(http_answer(b"<html><h1>nginx</h1></html>", status=status))

    with client_of(serve(talk).url) as client, pytest.raises(kind):
        client.user()


def test_compressed_answer(serve: Serve, http_answer: Answer) -> None:
    def talk(server: Any, line: socket.socket) -> None:
        server.hear(line)
        packed = gzip.compress(json.dumps({"username": "mcurie", "pad": "x" * 500_000}).encode())
        whole = http_answer(packed, headers="Content-Encoding: gzip\r\n")
        for start in range(0, len(whole), 97):
            line.sendall(whole[start : start + 97])

    with client_of(serve(talk).url, timeout=20) as client:
        assert len(client.user().raw["pad"]) == 500_000


def test_broken_compression(serve: Serve, http_answer: Answer) -> None:
    def talk(server: Any, line: socket.socket) -> None:
        server.hear(line)
        line.sendall(http_answer(b"no gzip at all", headers="Content-Encoding: gzip\r\n"))

    with client_of(serve(talk).url) as client, pytest.raises(CgcUnreadableError):
        client.user()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("read", [True, False])
def test_redirect_is_not_called(serve: Serve, http_answer: Answer, status: int, read: bool) -> None:
    def elsewhere(server: Any, line: socket.socket) -> None:
        server.hear(line)
        line.sendall(http_answer(USER))

    target = serve(elsewhere)

    def talk(server: Any, line: socket.socket) -> None:
        server.hear(line)
        location = f"Location: {target.url}/user\r\n"
        line.sendall(http_answer(b"", status=f"{status} Moved", headers=location))

    with client_of(serve(talk).url) as client, pytest.raises(CgcRedirect) as caught:
        client.user() if read else client.exports.bulk_create([ITEM], copy_only=True)

    assert caught.value.to_host == "127.0.0.1"
    assert target.connections == 0


def test_foreign_next_is_not_read(serve: Serve, http_answer: Answer) -> None:
    def elsewhere(server: Any, line: socket.socket) -> None:
        server.hear(line)

    target = serve(elsewhere)

    def talk(server: Any, line: socket.socket) -> None:
        server.hear(line)
        link = {"rel": "next", "href": f"{target.url}/storage/exports?offset=100"}
        page = {"items": [{"id": "a", "state": "RUNNING"}], "links": [link]}
        line.sendall(http_answer(json.dumps(page).encode()))

    with client_of(serve(talk).url) as client, pytest.raises(CgcError, match="not followed"):
        list(client.exports.list())

    assert target.connections == 0


def test_line_for_each_thread(serve: Serve, http_answer: Answer) -> None:
    """Each thread has its own connection, and `close` ends them all."""
    ended = threading.Semaphore(0)

    def talk(server: Any, line: socket.socket) -> None:
        while server.hear(line):
            line.sendall(http_answer(USER))
        ended.release()

    server = serve(talk)
    client = client_of(server.url, timeout=5)
    together, done, leave = threading.Barrier(4), threading.Barrier(5), threading.Event()

    def work() -> None:
        together.wait(10)
        client.user()
        client.user()
        done.wait(10)
        leave.wait(10)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    done.wait(10)
    assert server.connections == 4

    client.close()

    for _ in range(4):
        assert ended.acquire(timeout=5)
    leave.set()
    for thread in threads:
        thread.join()


def test_netrc_is_not_read(serve: Serve, http_answer: Answer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password geheim\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    def talk(server: Any, line: socket.socket) -> None:
        server.hear(line)
        line.sendall(http_answer(USER))

    server = serve(talk)
    with client_of(server.url) as client:
        client.user()

    assert b"Authorization" not in server.heard[0]
