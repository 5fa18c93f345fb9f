"""The doctor's findings on a real Airflow and the emulated platform, one failure at a time, with the exit status."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from airflow.jobs.job import Job
from airflow.models.connection import Connection
from airflow.utils.session import create_session

from airflow_provider_cgc.__main__ import main
from airflow_provider_cgc.doctor import visit as visits
from airflow_provider_cgc.emulator import CgcEmulator

CANARY = "canary0123456789abcdef0123456789"
NAMES = [
    *("versions", "airflow", "connection", "platform", "requests", "user"),
    *("project", "volume", "region", "triggerer", "manifest"),
]
AFTER = {
    "connection": {"platform", "requests", "user", "project", "volume", "region"},
    "platform": {"requests", "user", "project", "volume", "region"},
    "requests": {"user", "project", "volume", "region"},
    "user": {"project", "volume", "region"},
}
"""The checks that cannot be made after one has failed."""


class Told(NamedTuple):
    """The lines of one run, and its exit status."""

    status: int
    states: dict[str, str]
    texts: dict[str, str]
    end: str

    def having(self, state: str) -> set[str]:
        return {name for name, one in self.states.items() if one == state}


def read(status: int, out: str) -> Told:
    *lines, end = out.splitlines()
    rows = [(line[11:].split()[0], line[:11].strip(), line[25:]) for line in map(spread, lines)]
    return Told(status, {name: state for name, state, _ in rows}, {name: text for name, _, text in rows}, end)


def spread(line: str) -> str:
    assert line[11:13] == "  "
    return line


@pytest.fixture
def cgc() -> Iterator[CgcEmulator]:
    with CgcEmulator(files=3, speed=0, token=CANARY) as emulator:
        yield emulator


@pytest.fixture
def triggerer(database: None) -> Iterator[Callable[[timedelta], None]]:
    """Put the heartbeat of a triggerer, so long ago, into the database."""

    def beat(ago: timedelta) -> None:
        with create_session() as session:
            job = Job(job_type="TriggererJob", state="running")
            job.latest_heartbeat, job.hostname = datetime.now(UTC) - ago, "box7"
            session.add(job)

    yield beat
    with create_session() as session:
        session.query(Job).filter(Job.job_type == "TriggererJob").delete()


@pytest.fixture
def healthy(triggerer: Callable[[timedelta], None], cgc: CgcEmulator, connect: Callable[..., str]) -> CgcEmulator:
    """A deployment with nothing wrong."""
    triggerer(timedelta(seconds=1))
    connect(cgc)
    return cgc


@pytest.fixture
def doctor(database: None, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Callable[..., Told]:
    """Run the command in this process; nothing that it prints may hold the token."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "")  # so that it is put back
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "disabled", True)  # the emulator's server

    def run(*arguments: str) -> Told:
        capfd.readouterr()
        status = main(["doctor", *arguments])
        out, err = capfd.readouterr()
        assert "canary" not in out + err
        assert "Traceback" not in out + err
        return read(status, out)

    return run


def with_connection(monkeypatch: pytest.MonkeyPatch, cgc: CgcEmulator, **changed: Any) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CGC_DEFAULT", json.dumps({**cgc.connection, **changed}))


def failed_alone(told: Told, check: str, words: str) -> None:
    """One check has failed, those that need it were not made, the others went well."""
    assert (told.status, told.having("FAILED")) == (1, {check}), told
    assert words in told.texts[check]
    assert told.having("not checked") - {"manifest"} == AFTER.get(check, set())
    assert told.end == f"1 failed: {check}."


def test_all_is_well(healthy: CgcEmulator, doctor: Callable[..., Told], tmp_path: Path) -> None:
    told = doctor("--volume", healthy.volume, "--manifest-path", str(tmp_path / "run.jsonl"))

    assert [*told.states] == NAMES
    assert (told.status, told.having("ok"), told.end) == (0, set(NAMES), "Nothing failed.")
    assert "demo may export ('copy') and import ('write')" in told.texts["project"]
    assert "demo may export ('write') and import ('copy')" in told.texts["volume"]
    assert told.texts["triggerer"].startswith("1 triggerer alive, on box7")
    assert all(call.startswith("GET ") for call in healthy.stats()["requests"])


def test_nothing_given_is_no_failure(healthy: CgcEmulator, doctor: Callable[..., Told]) -> None:
    told = doctor()

    assert told.status == 0
    assert told.having("not checked") == {"volume", "region", "manifest"}
    assert "--volume" in told.texts["volume"]


def test_no_default_project(healthy: CgcEmulator, doctor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with_connection(monkeypatch, healthy, extra={"platform": "other"})

    assert "give --project" in doctor("--volume", healthy.volume).texts["project"]
    assert doctor("--project", healthy.other_project).states["project"] == "ok"


# The connection


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


# Project and volume


@pytest.mark.parametrize(
    ("project", "words"),
    [
        ("demo-lab/nowhere", "answered 404, code 3002"),
        ("lonely", "Write the project as 'owner/short-name'"),
        ("partner-lab/consortium", "user demo may not export ('copy') or import ('write'). 9003: Ask an admin"),
    ],
)
def test_bad_project(healthy: CgcEmulator, doctor: Any, project: str, words: str) -> None:
    told = doctor("--project", project)

    assert (told.status, told.having("FAILED")) == (1, {"project"})
    assert words in told.texts["project"]


@pytest.mark.parametrize(
    ("volume", "check", "words"),
    [
        ("demo-lab/nowhere", "volume", "volume demo-lab/nowhere: 9007"),
        ("lonely", "volume", "Check the volume id ('owner/name')"),
        ("demo-lab/retired", "volume", "volume demo-lab/retired: 9069: The volume is inactive: ask its owner"),
        ("demo-lab/archive", "volume", "its access mode is 'RO'. 9026: The volume is read-only"),
        ("partner-lab/dropbox", "volume", "may not export ('write') or import ('copy'). 9020: Ask an admin"),
        ("demo-lab/frankfurt", "region", "is in 'aws:us-east-1', and volume demo-lab/frankfurt is in 'eu-central-1'"),
    ],
)
def test_bad_volume(healthy: CgcEmulator, doctor: Any, volume: str, check: str, words: str) -> None:
    told = doctor("--volume", volume)

    assert (told.status, told.having("FAILED")) == (1, {check})
    assert words in told.texts[check]
    assert all(call.startswith("GET ") for call in healthy.stats()["requests"])


def test_hidden_rights_are_noted(healthy: CgcEmulator, doctor: Any) -> None:
    healthy.fault("404_gateway", path="*/members/*", count=None)

    told = doctor("--volume", healthy.volume)

    assert (told.status, told.states["volume"]) == (0, "note")
    assert "does not show the permissions of user demo" in told.texts["volume"]


# Airflow


@pytest.mark.parametrize(
    ("ago", "words"),
    [(None, "No triggerer has ever run with the database sqlite:"), (timedelta(hours=2), "on box7, gave its last")],
    ids=["never", "long ago"],
)
def test_no_triggerer(
    triggerer: Any, cgc: CgcEmulator, connect: Any, doctor: Any, ago: timedelta | None, words: str
) -> None:
    connect(cgc)
    if ago is not None:
        triggerer(ago)

    told = doctor("--volume", cgc.volume)

    failed_alone(told, "triggerer", words)
    assert "Start one with `airflow triggerer`" in told.texts["triggerer"]


def test_one_of_two_triggerers(triggerer: Any, cgc: CgcEmulator, connect: Any, doctor: Any) -> None:
    connect(cgc)
    triggerer(timedelta(hours=2))
    triggerer(timedelta(seconds=1))

    assert doctor().texts["triggerer"].startswith("1 triggerer alive, on box7; the last heartbeat was")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("{folder}", "is a folder; add the name of a file"),
        ("{folder}/old.jsonl/run.jsonl", "does not exist"),
        ("/proc/run.jsonl", "does not exist"),
        ("run.jsonl", "is not complete"),
        ("s4://bucket/run.jsonl", "install the Airflow provider for it"),
        ("s3://bucket/{{{{ run_id }}}}.jsonl", "is no address"),
    ],
)
def test_bad_manifest_path(healthy: CgcEmulator, doctor: Any, tmp_path: Path, path: str, words: str) -> None:
    (tmp_path / "old.jsonl").write_text("kept\n")

    told = doctor("--volume", healthy.volume, "--manifest-path", path.format(folder=tmp_path))

    failed_alone(told, "manifest", words)
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("old.jsonl", "kept\n")]


def test_manifest_is_left_alone(healthy: CgcEmulator, doctor: Any, tmp_path: Path) -> None:
    """The file at the path stays, and nothing is left beside it."""
    manifest = tmp_path / "run.jsonl"
    manifest.write_text("kept\n")

    told = doctor("--manifest-path", f"file://{manifest}")

    assert told.states["manifest"] == "ok"
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("run.jsonl", "kept\n")]


def test_disk_of_this_worker_is_noted(
    healthy: CgcEmulator, doctor: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")

    told = doctor("--manifest-path", str(tmp_path / "run.jsonl"))

    assert (told.status, told.states["manifest"]) == (0, "note")
    assert "on the disk of this worker" in told.texts["manifest"]


# As a command


def in_a_shell(*command: str, **variables: str) -> Told:
    done = subprocess.run(
        [sys.executable, "-m", *command], env={**os.environ, **variables}, capture_output=True, text=True, timeout=300
    )
    assert "canary" not in done.stdout + done.stderr
    return read(done.returncode, done.stdout)


def test_unreadable_database_is_noted(cgc: CgcEmulator, connect: Any, tmp_path: Path) -> None:
    """A connection of the environment is enough for the rest."""
    connect(cgc)

    told = in_a_shell(
        *("airflow_provider_cgc", "doctor", "--volume", cgc.volume),
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{tmp_path}/none.db",
    )

    assert (told.status, told.states["triggerer"], told.states["volume"]) == (0, "note", "ok")
    assert (
        f"sqlite:///{tmp_path}/none.db cannot be read from here (OperationalError: no such" in told.texts["triggerer"]
    )
    assert "`airflow jobs check --job-type TriggererJob`" in told.texts["triggerer"]


def test_airflow_that_cannot_start(cgc: CgcEmulator) -> None:
    told = in_a_shell("airflow_provider_cgc", "doctor", AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"not-{CANARY}:///")

    assert (told.status, [*told.states], told.having("FAILED")) == (1, ["versions", "airflow"], {"airflow"})
    assert "run `airflow version`" in told.texts["airflow"]


def test_command_of_airflow(database: None, cgc: CgcEmulator, connect: Any) -> None:
    pytest.importorskip("airflow.sdk")
    from airflow.providers_manager import ProvidersManager

    if not hasattr(ProvidersManager, "cli_command_functions"):
        pytest.skip("this Airflow takes no commands of providers")
    connect(cgc)

    told = in_a_shell("airflow", "cgc", "doctor", "--volume", cgc.read_only_volume)

    assert [*told.states] == NAMES
    assert (told.status, told.states["volume"], told.states["user"]) == (1, "FAILED", "ok")
