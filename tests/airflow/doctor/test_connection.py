"""The doctor finds what is wrong with a connection, and with the platform behind it: line and exit status."""

from __future__ import annotations

import json
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.models.connection import Connection
from airflow.utils.session import create_session
from cryptography.fernet import Fernet

from airflow_provider_cgc.compat import tasks_need_database
from airflow_provider_cgc.doctor import visit as visits
from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.doctor.told import AFTER, CANARY, failed_alone, in_a_shell, with_connection


def test_no_such_connection(healthy: CgcEmulator, doctor: Any) -> None:
    told = doctor("--conn-id", "cgc_defalt", "--volume", healthy.volume)

    failed_alone(told, "connection", "connection 'cgc_defalt' is not defined; create it under Admin > Connections")
    assert "AIRFLOW_CONN_CGC_DEFALT=" in told.texts["connection"]
    assert "Airflow looked in EnvironmentVariablesBackend and MetastoreBackend." in told.texts["connection"]
    assert told.texts["connection"].endswith("is 'cgc_defalt' meant to be 'cgc_default'?")


def test_database_is_looked_in(healthy: CgcEmulator, doctor: Any) -> None:
    given = {**healthy.connection, "extra": json.dumps(healthy.connection["extra"])}
    with create_session() as session:
        session.add(Connection(conn_id="cgc_stored", **given))
    try:
        found = doctor("--conn-id", "cgc_stored")
        named = doctor("--conn-id", "elsewhere")
    finally:
        with create_session() as session:
            session.query(Connection).filter(Connection.conn_id == "cgc_stored").delete()

    assert found.states["user"] == "ok"
    assert "set here" not in found.texts["connection"]
    assert named.texts["connection"].endswith("Connections of this type: 'cgc_default', 'cgc_stored'.")


def test_place_that_fails(healthy: CgcEmulator, doctor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place that fails may have the connection: it is not said to be undefined."""

    def locked(self: Any, conn_id: str, **kwargs: Any) -> Any:
        raise OSError("the vault is sealed")

    monkeypatch.setattr("airflow.secrets.metastore.MetastoreBackend.get_connection", locked)

    told = doctor("--conn-id", "cgc_vault", "--volume", healthy.volume)

    failed_alone(told, "connection", "cannot be read: MetastoreBackend failed (OSError: the vault is sealed). Check")
    assert "not defined" not in told.texts["connection"]
    assert told.texts["connection"].endswith("Airflow looked in EnvironmentVariablesBackend.")


def test_worker_without_database(cgc: CgcEmulator, tmp_path: Path) -> None:
    """A worker of Airflow 3 needs no database, because tasks ask the API server; one of 2.11 does."""
    told = in_a_shell(
        *("airflow_provider_cgc", "doctor", "--conn-id", "cgc_stored", "--volume", cgc.volume),
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{tmp_path}/none.db",
    )

    text = told.texts["connection"]
    assert (
        f"Airflow's database sqlite:///{tmp_path}/none.db cannot be read from here (OperationalError: no such" in text
    )
    assert AFTER["connection"] <= told.having("not checked")
    if tasks_need_database():
        assert (told.status, told.having("FAILED")) == (1, {"connection"})
        return
    assert (told.status, told.states["connection"], told.having("FAILED")) == (0, "not checked", set())
    assert text.startswith("Connection 'cgc_stored' is not in EnvironmentVariablesBackend, and Airflow's database ")
    assert text.endswith("Run this command on the API server's machine, or set AIRFLOW_CONN_CGC_STORED here.")


def test_bug_of_ours_is_no_finding(healthy: CgcEmulator, doctor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in reading the fields is not taken for one of a secrets backend."""

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise KeyError("a bug")

    monkeypatch.setattr("airflow_provider_cgc.hooks.cgc.settings_from_connection", broken)

    with pytest.raises(KeyError, match="a bug"):
        doctor()


@pytest.mark.parametrize("field", ["password", "extra"])
def test_wrong_fernet_key(database: None, field: str) -> None:
    """Airflow decrypts a field only when it is read."""
    stored = Connection(conn_id="cgc_stored", conn_type="cgc")
    setattr(stored, f"_{field}", Fernet(Fernet.generate_key()).encrypt(CANARY.encode()).decode())
    setattr(stored, "is_encrypted" if field == "password" else "is_extra_encrypted", True)
    with create_session() as session:
        session.add(stored)
    try:
        told = in_a_shell(
            *("airflow_provider_cgc", "doctor", "--conn-id", "cgc_stored"),
            AIRFLOW__CORE__FERNET_KEY=Fernet.generate_key().decode(),
        )
    finally:
        with create_session() as session:
            session.query(Connection).filter(Connection.conn_id == "cgc_stored").delete()

    assert told.states["connection"] == "FAILED"
    assert "cannot be read" in told.texts["connection"]
    assert "InvalidToken" in told.texts["connection"]
    assert "that the Fernet key is the one that the connection was stored with" in told.texts["connection"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"extra": "{bad"}, "field Extra of connection 'cgc_default' is not JSON"),
        ({"extra": {"platform": "gcg"}}, "must be one of cgc, cavatica"),
        ({"host": "https://cgc.example.org/v2"}, "[cgc] allowed_hosts"),
        ({"host": ""}, "platform 'other' needs a host"),
        ({"password": ""}, "Password (token) of connection 'cgc_default' is missing; copy it from"),
        ({"password": f"Bearer {CANARY}"}, "begins with the name of a header"),
        ({"pasword": CANARY}, "a key that Airflow does not know"),
    ],
    ids=["extra", "platform", "host not allowed", "no host", "no token", "token with a label", "misspelt key"],
)
def test_bad_connection(
    healthy: CgcEmulator, doctor: Any, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], words: str
) -> None:
    with_connection(monkeypatch, healthy, **changed)

    failed_alone(doctor("--volume", healthy.volume), "connection", words)


def test_unknown_extra_is_noted(healthy: CgcEmulator, doctor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with_connection(monkeypatch, healthy, extra={"platform": "other", "rate-share": CANARY})

    told = doctor()

    assert (told.status, told.states["connection"]) == (0, "note")
    assert "is 'rate-share' meant to be 'rate_share'?" in told.texts["connection"]


@pytest.mark.parametrize(
    "changed",
    [
        {"host": f"https://cgc-api.sbgenomics.com/v2/{CANARY}"},
        {"host": CANARY},
        {"extra": {"platform": "cgc", "timeout": CANARY}},
        {"extra": {"platform": "cgc", "rate_share": CANARY}},
        {"extra": {"platform": "cgc", "verify": f"/etc/{CANARY}"}},
        {"extra": {"platform": "cgc", "timeout": "soon", CANARY: 1}},
    ],
    ids=str,
)
def test_token_in_other_field(
    healthy: CgcEmulator, doctor: Any, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    """No line has the token, which the fixture looks for."""
    with_connection(monkeypatch, healthy, **changed)

    failed_alone(doctor("--volume", healthy.volume), "connection", "of connection 'cgc_default' ")


@pytest.mark.parametrize("given", [f"cgc://:{CANARY}@", f"cgc://{CANARY}", f'{{"password": "{CANARY}"}}'])
def test_connection_as_id(healthy: CgcEmulator, doctor: Any, given: str) -> None:
    told = doctor("--conn-id", given, "--volume", healthy.volume)

    failed_alone(told, "connection", "Give the id of an Airflow connection")


@pytest.mark.parametrize("address", [f"https://svc:{CANARY}@vault/v1", f"https://vault/v1?a=1&token={CANARY}"])
@pytest.mark.parametrize("before", ["", "x" * 150])
def test_address_of_a_backend(
    healthy: CgcEmulator, doctor: Any, monkeypatch: pytest.MonkeyPatch, address: str, before: str
) -> None:
    """Airflow knows no secret of a backend's address, wherever the text is cut off."""

    def refuse(self: Any, conn_id: str, **kwargs: Any) -> Any:
        raise RuntimeError(f"{before}GET {address}, no answer")

    monkeypatch.setattr("airflow.secrets.metastore.MetastoreBackend.get_connection", refuse)

    told = doctor("--conn-id", "cgc_vault", "--volume", healthy.volume)

    failed_alone(told, "connection", "MetastoreBackend failed (RuntimeError: ")
    assert before or "GET https://" in told.texts["connection"]


def test_backend_that_raises(healthy: CgcEmulator, doctor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token is not shown, whatever an error of Airflow holds."""
    from airflow_provider_cgc.hooks.cgc import CgcHook, mask_secret

    def refuse(cls: type, conn_id: str) -> Any:
        mask_secret(CANARY)
        raise RuntimeError(f"no key for {CANARY}\nin the vault")

    monkeypatch.setattr(CgcHook, "get_connection", classmethod(refuse))

    failed_alone(doctor("--volume", healthy.volume), "connection", "cannot be read (RuntimeError: no key for ***)")


# The platform


def test_nothing_listens(healthy: CgcEmulator, doctor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with_connection(monkeypatch, healthy, host=f"http://127.0.0.1:{free.getsockname()[1]}/v2")

        failed_alone(doctor("--volume", healthy.volume), "platform", "connection refused")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("404_html", "check host and path of the connection"),
        ("302_html", "a redirect to host"),
        ("broken_json", "not JSON"),
        ("401", "put the current one into the connection's field Token"),
        ("403", "ask an admin"),
        ("503_maintenance", "in maintenance"),
        ("drop_before", "the connection was lost"),
    ],
)
def test_platform_in_trouble(healthy: CgcEmulator, doctor: Any, kind: str, words: str) -> None:
    healthy.fault(kind, count=None)

    failed_alone(doctor("--volume", healthy.volume), "platform", words)


def test_refused_token(healthy: CgcEmulator, doctor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with_connection(monkeypatch, healthy, password="canary-of-yesterday")

    failed_alone(doctor("--volume", healthy.volume), "platform", "answered 401, code 90001")


def test_slow_platform_is_left(healthy: CgcEmulator, doctor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "LONGEST_ANSWER", 0.3)
    healthy.fault("slow", seconds=4, count=None)

    failed_alone(doctor("--volume", healthy.volume), "platform", "This command waits for 0.3 s at most.")


def test_no_request_is_left(triggerer: Any, connect: Any, doctor: Any) -> None:
    triggerer(timedelta(seconds=1))
    with CgcEmulator(files=3, speed=0, token=CANARY, rate_limit=2) as cgc:
        connect(cgc)
        doctor()

        told = doctor("--volume", cgc.volume)

    failed_alone(told, "requests", "0 of 2 requests are left until ")
    assert "wait for the next window" in told.texts["requests"]


def test_share_is_used_up(triggerer: Any, connect: Any, doctor: Any) -> None:
    triggerer(timedelta(seconds=1))
    with CgcEmulator(files=3, speed=0, token=CANARY, rate_limit=10) as cgc:
        connect(cgc)
        for _ in range(5):
            told = doctor("--project", cgc.project)

    assert (told.status, told.states["requests"]) == (0, "note")
    assert "2 of 10 requests are left" in told.texts["requests"]
    assert "leaves 2 of them to people (rate_share 0.8), so that tasks wait" in told.texts["requests"]
