"""The hook: when it reads the connection, what it gives, what it says."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowNotFoundException, Connection

from airflow_provider_cgc import client, get_provider_info
from airflow_provider_cgc.client import CgcSettingsError, budget_for
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.hooks import cgc
from airflow_provider_cgc.hooks.cgc import CgcHook

TOKEN = "canary0123456789abcdef0123456789"
BASE = "https://cgc-api.sbgenomics.com/v2"


class Connections:
    """Airflow's connections, in place of a database."""

    def __init__(self) -> None:
        self.reads: list[str] = []
        self.stored = {"cgc_default": self.make()}

    @staticmethod
    def make(**fields: Any) -> Any:
        given = {"conn_type": "cgc", "password": TOKEN, "extra": {"platform": "cgc"}, **fields}
        given["extra"] = json.dumps(given["extra"])
        return Connection(**{"conn_id": "cgc_default", **given})

    def get(self, conn_id: str) -> Any:
        self.reads.append(conn_id)
        if conn_id not in self.stored:
            raise AirflowNotFoundException(f"The conn_id `{conn_id}` isn't defined")
        return self.stored[conn_id]


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Connections:
    made = Connections()
    monkeypatch.setattr(CgcHook, "get_connection", classmethod(lambda cls, conn_id: made.get(conn_id)))
    return made


@pytest.fixture
def masked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    secrets: list[str] = []
    monkeypatch.setattr(cgc, "mask_secret", secrets.append)
    return secrets


def test_names_are_kept() -> None:
    """Dags and deployments rely on these names."""
    assert CgcHook.conn_name_attr == "cgc_conn_id"
    assert CgcHook.default_conn_name == "cgc_default"
    assert CgcHook.conn_type == "cgc"
    assert CgcHook.hook_name == "Cancer Genomics Cloud"
    assert CgcHook(cgc_conn_id="other").cgc_conn_id == "other"


def test_making_it_reads_nothing(connections: Connections) -> None:
    CgcHook()

    assert connections.reads == []


def test_connection_is_read_once(connections: Connections) -> None:
    hook = CgcHook()

    assert hook.settings.base_url == BASE
    assert hook.settings.token == TOKEN
    assert hook.get_conn().settings is hook.settings
    assert connections.reads == ["cgc_default"]


def test_client_for_each_patience(connections: Connections) -> None:
    hook = CgcHook()

    assert hook.get_conn() is hook.get_conn()
    assert hook.get_conn(patience=0) is hook.get_conn(0)
    assert hook.get_conn(patience=0) is not hook.get_conn()


def test_renewing_reads_again(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renewing reads again and closes the old client."""
    hook = CgcHook()
    old = hook.get_conn()
    closed: list[bool] = []
    monkeypatch.setattr(old, "close", lambda: closed.append(True))
    connections.stored["cgc_default"] = Connections.make(password="canary-the-next-token")

    assert hook.renew().token == "canary-the-next-token"

    assert closed == [True]
    assert hook.get_conn() is not old
    assert hook.get_conn().settings.token == "canary-the-next-token"
    assert len(connections.reads) == 2


def test_passwords_are_masked(connections: Connections, masked: list[str]) -> None:
    extra = {"platform": "cgc", "proxies": {"https": "http://somebody:geheim@proxy.example:3128"}}
    connections.stored["cgc_default"] = Connections.make(extra=extra)

    assert CgcHook().settings.host == "cgc-api.sbgenomics.com"

    assert masked == [TOKEN, "geheim"]


def test_token_is_masked_first(connections: Connections, masked: list[str]) -> None:
    """A token is masked before it is refused."""
    connections.stored["cgc_default"] = Connections.make(extra={})

    with pytest.raises(CgcSettingsError):
        _ = CgcHook().settings

    assert masked == [TOKEN]


@pytest.mark.parametrize("read", ["sync", "async"])
def test_unknown_connection(connections: Connections, monkeypatch: pytest.MonkeyPatch, read: str) -> None:
    """An unknown connection is told, with the way to make one."""

    async def aget(conn_id: str, hook: Any = None) -> Any:
        return connections.get(conn_id)

    monkeypatch.setattr("airflow.providers.common.compat.connection.get_async_connection", aget)

    with pytest.raises(CgcSettingsError) as caught:
        _ = CgcHook("cgc_lab").settings if read == "sync" else asyncio.run(CgcHook.aget_settings("cgc_lab"))

    assert "connection 'cgc_lab' is not defined" in str(caught.value)
    assert "AIRFLOW_CONN_CGC_LAB=" in str(caught.value)
    example = str(caught.value).split("AIRFLOW_CONN_CGC_LAB=")[1].strip("'")
    assert json.loads(example)["conn_type"] == "cgc"
    assert isinstance(caught.value.__cause__, AirflowNotFoundException)


def test_loop_reads_alike(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event loop reads a connection by the same rules."""

    async def aget(conn_id: str, hook: Any = None) -> Any:
        return connections.get(conn_id)

    def refuse(*args: Any) -> None:
        raise AssertionError("a synchronous look-up on the event loop")

    monkeypatch.setattr("airflow.providers.common.compat.connection.get_async_connection", aget)
    monkeypatch.setattr(CgcHook, "get_connection", classmethod(refuse))
    monkeypatch.setattr(cgc, "mask_secret", refuse)

    settings = asyncio.run(CgcHook.aget_settings("cgc_default"))

    assert (settings.base_url, settings.token) == (BASE, TOKEN)


@pytest.mark.parametrize(
    ("proxy", "secrets"),
    [("http://somebody:geheim@proxy.example:3128", ["geheim"])]
    + [(plain, []) for plain in ("http://proxy.example:3128", "http://somebody@proxy.example:3128")],
)
def test_loop_masks_in_a_thread(
    connections: Connections, monkeypatch: pytest.MonkeyPatch, proxy: str, secrets: list[str]
) -> None:
    """The event loop masks a proxy's password in a thread."""
    connections.stored["cgc_default"] = Connections.make(extra={"platform": "cgc", "proxies": {"https": proxy}})
    masked: dict[str, int] = {}

    async def aget(conn_id: str, hook: Any = None) -> Any:
        return connections.get(conn_id)

    def mask(secret: str) -> None:
        masked[secret] = threading.get_ident()

    monkeypatch.setattr("airflow.providers.common.compat.connection.get_async_connection", aget)
    monkeypatch.setattr(cgc, "mask_secret", mask)

    settings = asyncio.run(CgcHook.aget_settings("cgc_default"))

    assert settings.proxies == {"https": proxy}
    assert list(masked) == secrets
    assert threading.get_ident() not in masked.values()


def test_deployment_allows_hosts(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    connections.stored["cgc_default"] = Connections.make(host="api.lab.example", extra={"platform": "other"})
    with pytest.raises(CgcSettingsError, match="allowed_hosts"):
        _ = CgcHook().settings

    monkeypatch.setenv("AIRFLOW__CGC__ALLOWED_HOSTS", "api.lab.example, other.example")

    assert CgcHook().settings.host == "api.lab.example"


def test_own_host_is_not_allowed(connections: Connections) -> None:
    """A connection cannot allow its own host."""
    extra = {"platform": "other", "allowed_hosts": "evil.example"}
    connections.stored["cgc_default"] = Connections.make(host="evil.example", extra=extra)

    with pytest.raises(CgcSettingsError, match="known platforms"):
        _ = CgcHook().settings


@pytest.mark.parametrize(
    ("uri", "base_url"),
    [
        (f"cgc://:{TOKEN}@cgc-api.sbgenomics.com/v2", BASE),
        (f"cgc://:{TOKEN}@localhost:8090/v2", "http://localhost:8090/v2"),
        (f"cgc://:{TOKEN}@/?platform=cavatica", "https://cavatica-api.sbgenomics.com/v2"),
        (f"cgc://https://:{TOKEN}@cgc-api.sbgenomics.com/v2", BASE),
        (f"cgc://http://:{TOKEN}@127.0.0.1:8090/v2?timeout=5&verify=false", "http://127.0.0.1:8090/v2"),
        (json.dumps({"conn_type": "cgc", "password": TOKEN, "extra": {"platform": "cgc"}}), BASE),
        (
            json.dumps({"conn_type": "cgc", "password": TOKEN, "host": "http://127.0.0.1:8090/v2"}),
            "http://127.0.0.1:8090/v2",
        ),
    ],
)
def test_from_the_environment(monkeypatch: pytest.MonkeyPatch, uri: str, base_url: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CGC_OF_THE_TEST", uri)

    settings = CgcHook("cgc_of_the_test").settings

    assert (settings.base_url, settings.token) == (base_url, TOKEN)


def test_button_names_the_user(connections: Connections, requests_mock: Any) -> None:
    """The test button names the user, the host and the requests that are left."""
    requests_mock.get(f"{BASE}/user", json={"username": "mcurie"})
    rate = {"rate": {"limit": 1000, "remaining": 987, "reset": 4_000_000_000}}
    requests_mock.get(f"{BASE}/rate_limit", json=rate)

    good, text = CgcHook().test_connection()

    assert good
    for words in ("the Cancer Genomics Cloud (cgc-api.sbgenomics.com)", "as mcurie", "987 of 1000 requests"):
        assert words in text


def test_button_with_no_share(connections: Connections, requests_mock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test button works when the share is used up."""
    connections.stored["cgc_default"] = Connections.make(password="canary-of-a-spent-budget")
    used_up = {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "3", "X-RateLimit-Reset": str(time.time() + 200)}
    requests_mock.get(f"{BASE}/user", json={"username": "mcurie"})
    rate = {"rate": {"limit": 1000, "remaining": 2, "reset": time.time() + 200}}
    requests_mock.get(f"{BASE}/rate_limit", json=rate)
    assert 0 < cgc.PATIENCE_OF_THE_TEST <= 5
    monkeypatch.setattr(cgc, "PATIENCE_OF_THE_TEST", 0.05)
    hook = CgcHook()
    budget = budget_for(hook.settings)
    budget.claim(regardless=True)
    budget.settle(used_up)

    good, text = hook.test_connection()

    assert good
    assert "2 of 1000 requests" in text


def test_button_tells_the_remedy(connections: Connections, requests_mock: Any) -> None:
    requests_mock.get(f"{BASE}/user", status_code=401, json={"status": 401, "code": 90001, "message": "Unauthorized."})

    good, text = CgcHook().test_connection()

    assert not good
    assert "Developer > Authentication token" in text
    assert TOKEN not in text


def test_button_tells_the_field(connections: Connections) -> None:
    connections.stored["cgc_default"] = Connections.make(extra={"platform": "cgc", "timeout": "soon"})

    assert CgcHook().test_connection() == (
        False,
        "field Extra 'timeout' of this connection must be a number of seconds, such as 60",
    )


def test_button_bug_looks_like_one(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(client, "CgcClient", broken)

    with pytest.raises(ZeroDivisionError):
        CgcHook().test_connection()


def test_with_closes_it(connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    with CgcHook() as hook:
        monkeypatch.setattr(hook.get_conn(), "close", lambda: closed.append(True))

    assert closed == [True]


def test_no_text_has_the_token(connections: Connections) -> None:
    hook = CgcHook()
    hook.get_conn()

    assert TOKEN not in repr(hook)
    assert TOKEN not in repr(vars(hook))


def test_old_form_has_all_fields() -> None:
    pytest.importorskip("wtforms")
    pytest.importorskip("flask_appbuilder")

    widgets = CgcHook.get_connection_form_widgets()

    assert list(widgets) == list(get_provider_info()["connection-types"][0]["conn-fields"])


def test_old_form_names_fields() -> None:
    behaviour = CgcHook.get_ui_field_behaviour()

    assert set(behaviour) == {"hidden_fields", "relabeling", "placeholders"}
    assert behaviour["relabeling"]["password"] == "Token"


def test_unknown_extras_warn_once(
    connections: Connections, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgc, "_WARNED", set())
    extra = {"platform": "cgc", "rate-share": "geheim"}
    connections.stored = {name: connections.make(conn_id=name, extra=extra) for name in ("cgc_default", "other")}

    for name in ("cgc_default", "cgc_default", "other"):
        assert CgcHook(name).settings.rate_share == 0.8

    told = [record.getMessage() for record in caplog.records if record.name == cgc.__name__]
    assert [line.split(" has extras ")[0] for line in told] == ["Connection 'cgc_default'", "Connection 'other'"]
    assert "'rate-share' meant to be 'rate_share'?" in told[0]
    assert "geheim" not in caplog.text


def test_button_names_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    with CgcEmulator(files=1) as emulator:
        connection = emulator.connection
        connection["extra"]["projcet"] = "a/b"
        monkeypatch.setenv("AIRFLOW_CONN_CGC_DEFAULT", json.dumps(connection))

        good, text = CgcHook().test_connection()

    assert good
    assert ". The connection has extras that this provider does not know and ignores: 'projcet'" in text
