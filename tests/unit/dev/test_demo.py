"""The patience of the demo, and its port."""

from __future__ import annotations

import socket

import pytest
import requests

from dev.airflow_api import AirflowApi, AirflowApiError
from dev.demo import wanted_port
from dev.demo_patience import DemoTooSlowError, Patience
from tests.fakes.clock import Clock


def test_moving_has_all_the_time():
    clock = Clock(0)
    patience = Patience(600, now=clock)

    for step in range(100):
        clock.now += 599
        patience.see("a Dag", step)


def test_standing_still_ends_it():
    clock = Clock(0)
    patience = Patience(600, now=clock)
    patience.see("a Dag", "1 deferred")
    clock.now += 600
    patience.see("a Dag", "1 deferred")
    clock.now += 1

    with pytest.raises(DemoTooSlowError, match="moved for 10 minutes: a Dag still stands at 1 deferred"):
        patience.see("a Dag", "1 deferred")


def test_slow_answer_is_repeated(monkeypatch):
    """A machine that is busy may take all of the patience for one answer."""
    clock = Clock(0)
    monkeypatch.setattr("dev.airflow_api.time", type("T", (), {"monotonic": clock, "sleep": clock.sleep}))
    api = AirflowApi("http://localhost:1", patience=180)
    slow = [600.0, 60.0]

    def send(*_):
        if slow:
            clock.now += slow.pop(0)
            raise requests.ReadTimeout("no answer")
        answer = requests.Response()
        answer.status_code, answer._content = 200, b'{"state": "running"}'
        return answer

    monkeypatch.setattr(api, "_send", send)

    assert api.dag_run("d", "r") == {"state": "running"}


def test_silent_api_is_told(monkeypatch):
    clock = Clock(0)
    monkeypatch.setattr("dev.airflow_api.time", type("T", (), {"monotonic": clock, "sleep": clock.sleep}))
    api = AirflowApi("http://localhost:1", patience=180)

    def refuse(*_):
        raise requests.ConnectionError("refused")

    monkeypatch.setattr(api, "_send", refuse)

    with pytest.raises(AirflowApiError, match="gave ConnectionError: refused"):
        api.dag_run("d", "r")
    assert clock.now == pytest.approx(180, abs=2)


@pytest.mark.parametrize("text", ["", "  "])
def test_any_port_will_do(text):
    assert wanted_port(text) == (None, "")


@pytest.mark.parametrize("text", ["abc", "80", "0", "-1", "65536", "8080.0", "١٢٣٤"])
def test_wrong_port_is_told(text):
    assert wanted_port(text)[1].startswith(f"PORT={text} is no port for the UI: choose a number from 1024 to 65535")


def test_taken_port_is_told():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        assert wanted_port(str(port)) == (
            None,
            f"Port {port} is taken by another program: end that one, choose another PORT, or leave PORT out.",
        )
    assert wanted_port(f" {port} ") == (port, "")
