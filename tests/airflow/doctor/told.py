"""The lines of the doctor, and what one failure leaves of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, NamedTuple

import pytest

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


def with_connection(monkeypatch: pytest.MonkeyPatch, cgc: CgcEmulator, **changed: Any) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CGC_DEFAULT", json.dumps({**cgc.connection, **changed}))


def in_a_shell(*command: str, **variables: str) -> Told:
    """Run a command in a process of its own; nothing that it prints may hold the token."""
    done = subprocess.run(
        [sys.executable, "-m", *command], env={**os.environ, **variables}, capture_output=True, text=True, timeout=300
    )
    assert "canary" not in done.stdout + done.stderr
    return read(done.returncode, done.stdout)


def failed_alone(told: Told, check: str, words: str) -> None:
    """One check has failed, those that need it were not made, the others went well."""
    assert (told.status, told.having("FAILED")) == (1, {check}), told
    assert words in told.texts[check]
    assert told.having("not checked") - {"manifest"} == AFTER.get(check, set())
    assert told.end == f"1 failed: {check}."
