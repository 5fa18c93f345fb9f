"""The doctor finds what is wrong with Airflow itself: triggerer, manifest storage, database; as a command, too."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.doctor import checks, deployment
from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.doctor.told import CANARY, NAMES, failed_alone, in_a_shell


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


@pytest.mark.parametrize(
    ("path", "conn_id"),
    [
        (f"s3://key:{CANARY}@bucket/run.jsonl", None),
        (f"s3://key:{CANARY}@bucket/run.jsonl", "aws_default"),
        (f"s3://key:can/{CANARY}@bucket/run.jsonl", None),
        (f"sftp://user:{CANARY}@host/run.jsonl", None),
        (f"https://host/run.jsonl?sig={CANARY}", None),
        (f"abfs://container/run.jsonl?sv=1&sig={CANARY}", None),
        (f"s4://key:{CANARY}@[bucket/run.jsonl", None),
        (f"s3://key:{CANARY}@bucket/{{{{ ds }}}}.jsonl", None),
        (f"s3://key:{CANARY}@{'bucket' * 100}/run.jsonl", None),
    ],
    ids=str,
)
def test_secret_in_manifest_path(healthy: CgcEmulator, doctor: Any, path: str, conn_id: str | None) -> None:
    """No line has the password or signature; the fixture looks for it."""
    told = doctor("--manifest-path", path, *(["--manifest-conn-id", conn_id] if conn_id else []))

    assert told.having("FAILED") == {"manifest"}


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


def test_hanging_storage_is_left(healthy: CgcEmulator, doctor: Any, tmp_path: Path, monkeypatch: Any) -> None:
    """A storage that does not answer keeps nobody waiting: here, a pipe that nobody writes to."""
    monkeypatch.setattr(checks, "LONGEST_CHECK", 0.5)
    monkeypatch.setattr(deployment.storage, "check", lambda uri: os.open(pipe, os.O_RDONLY))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    told = doctor("--volume", healthy.volume, "--manifest-path", str(tmp_path / "run.jsonl"))
    os.close(os.open(pipe, os.O_WRONLY))

    failed_alone(told, "manifest", "No answer came from the storage of the manifest within 0.5 s. Check the network")


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
