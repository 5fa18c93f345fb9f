"""On real Airflow: an address where nothing of the platform is ends a task soon, with what to check."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.airflow.rows import MODES, play

JOB = "Qr7kT2mZ9vYb4XcN1sLdW8eHfJ0aUiPo"
FILE = "65a1b2c3d4e5f60718293a4b"
Answer = tuple[int, dict[str, str], bytes]
ANSWERS: dict[str, Answer] = {
    "page": (200, {"Content-Type": "text/html"}, b"<html>Welcome to nginx!</html>"),
    "nothing": (200, {}, b""),
    "json": (200, {"Content-Type": "application/json"}, b'{"hello": "world"}'),
    "login": (302, {"Location": "https://login.example.org/"}, b""),
    "no_such_page": (404, {"Content-Type": "text/html"}, b"<html>Not Found</html>"),
    "sign_in": (401, {"Content-Type": "text/html"}, b"<html>Sign in</html>"),
}
WORDS = {
    "refused": ["Cannot connect to 127.0.0.1:PORT: connection refused", "host and port"],
    "unknown_name": ["no-such-host.invalid", "cannot be resolved", "HTTPS_PROXY"],
}
TASKS: dict[str, dict[str, Any]] = {
    **{mode: {"export_ids": [JOB], **how} for mode, how in MODES.items()},
    **{
        f"export_{mode}": {"items": [FILE], "volume": "me/out", "copy_only": True, **how} for mode, how in MODES.items()
    },
}


class Talk(BaseHTTPRequestHandler):
    """Answer everything with what the server has."""

    def do_GET(self) -> None:
        status, headers, body = self.server.answer(self)  # type: ignore[attr-defined]  # see `serving`
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(answer: Callable[[Any], Answer], port: int = 0) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", port), Talk) as server:
        server.answer = answer  # type: ignore[attr-defined]  # what `Talk` asks
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_port
        server.shutdown()


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the 45 seconds for the first contact half a second."""
    for module in ("client.http.transport", "sensors.wait"):
        monkeypatch.setattr(f"airflow_provider_cgc.{module}.FIRST_CONTACT", 0.5)


def connect(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    extra = {"platform": "other", "proxies": {}}
    connection = {"conn_type": "cgc", "password": "canary-0123456789", "host": host, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_CGC_DEFAULT", json.dumps(connection))
    monkeypatch.setenv("AIRFLOW__CGC__ALLOWED_HOSTS", "no-such-host.invalid")


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("fault", ["refused", "unknown_name", *ANSWERS])
def test_wrong_address_is_named(
    database: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str, task: str
) -> None:
    """A wrong address ends the task and names it."""
    arguments = {"task_id": f"{fault}_{task}", **TASKS[task]}
    if "items" in arguments:  # in reschedule mode Airflow below 3.3 wants one
        arguments["manifest_path"] = f"file://{tmp_path}/{{{{ ti.task_id }}}}.jsonl"
    if fault in ANSWERS:
        with serving(lambda request: ANSWERS[fault]) as port:
            connect(monkeypatch, f"http://127.0.0.1:{port}")
            [ended] = play(arguments)
    else:
        port = free_port()
        host = f"http://127.0.0.1:{port}" if fault == "refused" else "https://no-such-host.invalid"
        connect(monkeypatch, host)
        [ended] = play(arguments)

    kind, told = ended.error
    assert (ended.state, kind) == ("failed", "CgcWaitError")
    for words in WORDS.get(fault, [f"127.0.0.1:{port}", "host"]):
        assert words.replace("PORT", str(port)) in told
    assert "(this task asks with connection 'cgc_default'), clear this task: " in told
    assert ".." not in told
    assert "canary" not in told


@pytest.mark.parametrize("mode", MODES)
def test_closed_port_is_outage(database: None, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """A closed port after an answer is an outage."""

    def job(state: str) -> Answer:
        record = {"resource": {"id": JOB, "state": state, "source": {"file": FILE}}}
        return 200, {"Content-Type": "application/json"}, json.dumps({"items": [record]}).encode()

    port, first = free_port(), threading.Event()

    def running(request: Any) -> Answer:
        first.set()
        return job("RUNNING")

    def platform() -> None:
        with serving(running, port):
            first.wait(60)
        time.sleep(2)  # four times as long as a wrong address is tried
        with serving(lambda request: job("COMPLETED"), port):
            ended.wait(60)

    connect(monkeypatch, f"http://127.0.0.1:{port}")
    ended = threading.Event()
    thread = threading.Thread(target=platform)
    thread.start()
    try:
        [task] = play({"task_id": f"outage_{mode}", "export_ids": [JOB], "timeout": 60, **MODES[mode]})
    finally:
        ended.set()
        thread.join()

    assert task.state == "success"
