"""The doctor finds what is wrong with a project or volume, as an export would: line and exit status."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.doctor.told import NAMES, Told, with_connection


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
