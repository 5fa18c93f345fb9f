"""A client whose platform is `requests_mock`, a clock that moves by hand, and a server on a real socket."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcClient, RateBudget, Settings
from tests.fakes.clock import Clock

TOKEN = "canary0123456789abcdef0123456789"
BASE = "https://cgc-api.sbgenomics.com/v2"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def token() -> str:
    return TOKEN


@pytest.fixture
def base() -> str:
    return BASE


@pytest.fixture
def make_client(clock: Clock) -> Iterator[Callable[..., CgcClient]]:
    """`make_client(patience=0, **settings)`: a client with a budget of its own, on the fake clock."""
    with contextlib.ExitStack() as stack:

        def make(patience: float = 0.0, **settings: Any) -> CgcClient:
            made = Settings(**{"token": TOKEN, **settings})
            budget = RateBudget(share=made.rate_share, clock=clock)
            client = CgcClient(made, patience=patience, budget=budget, clock=clock, sleep=clock.sleep)
            return stack.enter_context(client)

        yield make


@pytest.fixture
def client(make_client: Callable[..., CgcClient]) -> CgcClient:
    """One attempt per call."""
    return make_client()


class Server(socketserver.ThreadingTCPServer):
    """A server on 127.0.0.1 whose `talk(line)` does what it likes with each connection."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, talk: Callable[[socket.socket], None]) -> None:
        self.connections = 0
        self.heard: list[bytes] = []
        self.closing = threading.Event()
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer.connections += 1
                with contextlib.suppress(OSError):
                    talk(self.request)

        super().__init__(("127.0.0.1", 0), Handler)
        self.port: int = self.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v2"

    def hear(self, line: socket.socket) -> bytes:
        """Read one request with its body."""
        received = b""
        while b"\r\n\r\n" not in received:
            piece = line.recv(65536)
            if not piece:
                return received
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        length = 0
        for header in head.split(b"\r\n"):
            if header.lower().startswith(b"content-length:"):
                length = int(header.split(b":")[1])
        while len(body) < length:
            body += line.recv(65536)
        self.heard.append(head + b"\r\n\r\n" + body)
        return self.heard[-1]


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Server, socket.socket], None]], Server]]:
    """`serve(talk)` starts a server; `talk(server, line)` handles one connection."""
    with contextlib.ExitStack() as stack:

        def start(talk: Callable[[Server, socket.socket], None]) -> Server:
            server = Server(lambda line: talk(server, line))
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()

            def stop() -> None:
                server.closing.set()
                server.shutdown()
                server.server_close()
                thread.join()

            stack.callback(stop)
            return server

        yield start


def answer(body: bytes, *, status: str = "200 OK", headers: str = "", length: int | None = None) -> bytes:
    """A whole HTTP answer as bytes."""
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n{headers}\r\n"
    return head.encode() + body


@pytest.fixture
def http_answer() -> Callable[..., bytes]:
    return answer
