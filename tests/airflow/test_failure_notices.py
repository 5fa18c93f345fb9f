"""The recipes of `cgc_tell_failures`: a mail, a chat message and a task, against a mail server and a webhook here."""

from __future__ import annotations

import json
import socketserver
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import redact

from airflow_provider_cgc.compat import AirflowSensorTimeout
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.exceptions import CgcInputRefused, CgcWaitError
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.waiting.summary import Outcome, Summary
from airflow_provider_cgc.sensors.ending import End, error_of

NAME = "cgc_tell_failures"
SECRET = "/hooks/very-secret"
BROKEN = "C3L-00004_wgs_gdc_realn.bam"


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[int]:
    """Serve in a thread; give the port."""
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The mails that a server here, that of `smtp_default`, has taken."""
    taken: list[Any] = []

    class Sink(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            for line in self.rfile:
                word = line[:4].upper().strip()
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    text = b"".join(iter(self.rfile.readline, b".\r\n"))
                    taken.append(message_from_bytes(text))
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 here\r\n")

    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Sink)) as port:
        extra = {"disable_ssl": True, "disable_tls": True}
        connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
        yield taken


class Chat:
    """An incoming webhook, and what was posted to it."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, Any]] = []
        self.status = 200


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    """The webhook of `cgc_chat`."""
    chat = Chat()

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            chat.posts.append((self.path, body))
            self.send_response(chat.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with serving(HTTPServer(("127.0.0.1", 0), Webhook)) as port:
        connection = {"conn_type": "generic", "password": f"http://127.0.0.1:{port}{SECRET}"}
        monkeypatch.setenv("AIRFLOW_CONN_CGC_CHAT", json.dumps(connection))
        yield chat


@pytest.fixture
def recipes(load_dags: Callable[[str], ModuleType]) -> Any:
    return load_dags(NAME)


@pytest.fixture
def run(emulator: CgcEmulator, connect: Callable[..., str], recipes: Any, no_grace: None) -> Callable[..., Any]:
    """Run the example, and give the states of its tasks and of the run."""
    emulator.clock.speed = 20_000
    connect(emulator)

    def play(**params: str) -> Any:
        run = recipes.cgc_tell_failures().test(run_conf=params)
        return {ti.task_id: str(ti.state) for ti in run.get_task_instances()}, str(run.state)

    return play


def context(error: BaseException | str | None) -> dict[str, Any]:
    """The part of a callback's context that the recipes use."""
    ti = SimpleNamespace(dag_id="dag", task_id="wait", run_id="run")
    return {"ti": ti} if error is None else {"ti": ti, "exception": error}


def late(outcome: Outcome) -> BaseException:
    summary = Summary(EXPORT, total=5, completed=3, failed=0, missing=0, skipped=0)
    reason = "The token is refused." if outcome is Outcome.ERROR else None
    return error_of(
        End(outcome, summary, reason=reason), what_to_do=lambda _: "", clear="it waits again", conn_id="cgc", limit=60
    )


def test_all_are_told(run: Callable[..., Any], mails: list[Any], chat: Chat) -> None:
    """A failed export: one mail, a message by the callback and one by the task, and the run is red."""
    states, state = run()

    assert states == {"list_files": "success", "export": "failed", "tell": "success", "go_on": "upstream_failed"}
    assert state == "failed"
    [mail] = mails
    assert (mail["To"], mail["From"]) == ("cgc@lab.example", "airflow@lab.example")
    assert str(make_header(decode_header(mail["Subject"]))) == "CGC: export of cgc_tell_failures failed"
    [part] = [one for one in mail.walk() if one.get_content_type() == "text/html"]
    told = [part.get_payload(decode=True).decode(), *(body["text"] for _, body in chat.posts)]
    assert len(told) == 3
    for text in told:
        assert "export jobs: 1 in all, 0 completed, 1 failed" in text
        assert "- 1 with code 9109" in text
        assert BROKEN not in text
    assert {path for path, _ in chat.posts} == {SECRET}


def test_success_tells_nobody(run: Callable[..., Any], mails: list[Any], chat: Chat) -> None:
    states, state = run(project="demo-lab/cptac3")

    assert (states, state) == (
        {"list_files": "success", "export": "success", "tell": "skipped", "go_on": "success"},
        "success",
    )
    assert (mails, chat.posts) == ([], [])


@pytest.mark.parametrize("outcome", [Outcome.TIMEOUT, Outcome.ERROR])
def test_other_ends_have_counts(outcome: Outcome, recipes: Any, chat: Chat) -> None:
    """A timeout and a refused token have a summary, too."""
    error = late(outcome)
    assert isinstance(error, AirflowSensorTimeout | CgcWaitError)

    recipes.tell_the_chat(context(error))

    [(_, body)] = chat.posts
    assert "export jobs: 5 in all, 3 completed, 0 failed" in body["text"]


@pytest.mark.parametrize("error", [None, "detected as zombie", CgcInputRefused("file patient-7.bam is gone")])
def test_without_summary(error: Any, recipes: Any, mails: list[Any], chat: Chat) -> None:
    """A lost worker leaves no exception (3.x) or its text (2.11); an error of another kind has no counts."""
    given = {**context(error), "dag": recipes.cgc_tell_failures()}
    recipes.tell_the_chat(given)
    recipes.mail_the_lab(given)

    [(_, body)] = chat.posts
    assert body["text"] == "dag, task wait, run run: it failed; the reason is in its log."
    assert "patient" not in str(mails[0])


def chat_is_at(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CGC_CHAT", json.dumps({"conn_type": "generic", "password": address}))


def test_refused_webhook_stays_secret(recipes: Any, chat: Chat) -> None:
    chat.status = 403
    with pytest.raises(RuntimeError, match="answered 403") as refused:
        recipes.tell_the_chat(context(None))

    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [None, f"nowhere{SECRET}", f"http://{'a' * 70}.example{SECRET}", f"http://[{SECRET}", f"http://h:x{SECRET}"],
)
def test_odd_webhook_stays_secret(recipes: Any, monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    """Whatever `requests` and its library raise, for a label that is too long too, becomes one plain error."""
    chat_is_at(address, monkeypatch)
    with pytest.raises(RuntimeError, match="cannot be reached") as caught:
        recipes.tell_the_chat(context(None))

    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


def test_webhook_is_masked_in_logs(recipes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """At level DEBUG, urllib3 logs path and query alone, and not the address that Airflow masks."""
    path = "/services/masked-here?key=of-the-room"
    chat_is_at(f"http://127.0.0.1:1{path}", monkeypatch)
    with pytest.raises(RuntimeError, match="cannot be reached"):
        recipes.tell_the_chat(context(None))

    assert redact(f"POST {path} HTTP/1.1") == "POST /*** HTTP/1.1"
