"""A connection that Airflow cannot read is told as such, with its variable, and nothing of what it holds."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcSettingsError, Settings
from airflow_provider_cgc.hooks.cgc import CgcHook
from airflow_provider_cgc.hooks.unreadable import not_found

SECRET = "canary-secret-token"
GOOD = '{"conn_type": "cgc", "password": "<token>", "extra": {"platform": "cgc"}}'
UNREADABLE = {
    "cut off": ('{"conn_type": "cgc", "password": "canary-secret-token", ', "not JSON (Expecting"),
    "a list": ('["canary-secret-token"]', "neither JSON nor"),
    "the token alone": (SECRET, "neither JSON nor"),
    "half an address": ("cgc//canary-secret-token@x", "neither JSON nor"),
    "a port of letters in an address": ("cgc://:canary-secret-token@host:port/v2", "does not accept its address"),
    "a bad bracket": ("cgc://:canary-secret-token@[bad/", "does not accept its address"),
    "nothing": ("", "is empty"),
    "a misspelt key": ('{"conn_type": "cgc", "pasword": "canary-secret-token"}', "a key that Airflow does not know"),
    "a port of letters": (
        '{"conn_type": "cgc", "password": "canary-secret-token", "port": "x"}',
        "its port is not a number",
    ),
    "a number as token": ('{"conn_type": "cgc", "password": 1234567890}', "not text"),
}
ODD_EXTRA = {
    "cut off": ('{"conn_type":"cgc","password":"canary-secret-token","extra":"{bad"}', "not JSON (Expecting"),
    "a list": ('{"conn_type":"cgc","password":"canary-secret-token","extra":[1]}', "not an object"),
    "a list in an address": ("cgc://:canary-secret-token@/?__extra__=%5B1%5D", "not an object"),
    "cut off in an address": ("cgc://:canary-secret-token@/?__extra__=%7Bbad", "not JSON (Expecting"),
}
READERS: dict[str, Callable[[], Settings]] = {
    "worker": lambda: CgcHook("cgc_odd").settings,
    "triggerer": lambda: asyncio.run(CgcHook.aget_settings("cgc_odd")),
}


every_reader = pytest.mark.parametrize("read", READERS.values(), ids=list(READERS))


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch, capfd: Any, caplog: Any) -> Callable[[str, Callable[[], Settings]], str]:
    """Give the words about a variable when it is read; fail if anything of its value is shown."""

    def told(text: str, read: Callable[[], Settings]) -> str:
        monkeypatch.setenv("AIRFLOW_CONN_CGC_ODD", text)
        with pytest.raises(CgcSettingsError) as refused:
            read()
        shown = "".join(traceback.format_exception(refused.value)) + "".join(capfd.readouterr()) + caplog.text
        assert "canary" not in shown
        assert "1234567890" not in shown
        return str(refused.value)

    return told


@every_reader
@pytest.mark.parametrize(("text", "why"), UNREADABLE.values(), ids=list(UNREADABLE))
def test_variable_is_named(refusal: Any, text: str, why: str, read: Any) -> None:
    told = refusal(text, read)

    assert told.startswith("connection 'cgc_odd' cannot be read from the environment variable AIRFLOW_CONN_CGC_ODD: ")
    assert why in told
    assert GOOD in told


@every_reader
@pytest.mark.parametrize(("text", "why"), ODD_EXTRA.values(), ids=list(ODD_EXTRA))
def test_extra_is_named(refusal: Any, text: str, why: str, read: Any) -> None:
    told = refusal(text, read)

    assert told.startswith("field Extra of connection 'cgc_odd' ")
    assert why in told


def test_advice_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CGC_ODD", GOOD.replace("<token>", SECRET))

    assert CgcHook("cgc_odd").settings.token == SECRET


@pytest.mark.parametrize(("conn_id", "offered"), [("cgc_prod", True), ("cgc-prod", False), ("cgc.prod", False)])
def test_no_advice_against_shells(conn_id: str, offered: bool) -> None:
    """A variable that no shell takes is not advised."""
    told = not_found(conn_id)

    assert told.undefined
    assert ("AIRFLOW_CONN_" in str(told)) is offered
    assert "Admin > Connections" in str(told)


def test_no_made_up_id_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow tests a connection under an id of eight random letters."""
    monkeypatch.setenv("AIRFLOW_CONN_QW8RTZUI", '{"conn_type": "cgc", "password": "0123456789", "host": "cgc"}')

    good, told = CgcHook("qW8rTzUi").test_connection()

    assert not good
    assert told.startswith("field Host of this connection ")
    assert "qW8rTzUi" not in told
