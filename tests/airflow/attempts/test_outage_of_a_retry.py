"""A retry that begins in an outage: what an earlier attempt was answered proves the address, and it is waited out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.client.errors import CgcConnectionError
from airflow_provider_cgc.client.http import transport
from airflow_provider_cgc.client.http.wire import Wire
from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.attempts.attempts import Attempts


@pytest.fixture(autouse=True)
def no_first_contact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call an address that never answered wrong at once."""
    monkeypatch.setattr(transport, "FIRST_CONTACT", 0.0)


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let the next request find nothing at the address."""

    def begin() -> None:
        exchange, left = Wire.exchange, [1]

        def refused_once(wire: Wire, request: Any) -> Any:
            if left:
                left.pop()
                raise CgcConnectionError("connection refused", sent=False)
            return exchange(wire, request)

        monkeypatch.setattr(Wire, "exchange", refused_once)

    return begin


def sent_and_failed(emulator: CgcEmulator, tmp_path: Path, *, store: bool) -> Attempts:
    """A task of which one export failed for now, at its retry."""
    files = emulator.file_ids[:3]
    emulator.fail_files(emulator.file_names[files[0]], code=9206, times=1)
    task = Attempts(emulator, items=files, manifest_path=f"file://{tmp_path}/m.jsonl", store=store)
    assert task.run() == "CgcJobsFailed"
    return task


@pytest.mark.parametrize("store", [True, False], ids=["store", "no store"])
@pytest.mark.parametrize("how", ["retry", "clear"])
def test_it_is_waited_out(
    emulator: CgcEmulator, outage: Callable[[], None], tmp_path: Path, how: str, store: bool
) -> None:
    task = sent_and_failed(emulator, tmp_path, store=store)
    outage()

    ended = getattr(task, how)()

    assert ended != "CgcWaitError", task.error
    assert len(task.jobs) == (4 if how == "clear" else 3)


def test_first_attempt_is_wrong(emulator: CgcEmulator, outage: Callable[[], None]) -> None:
    """At the first attempt the address is wrong."""
    outage()

    assert Attempts(emulator, items=emulator.file_ids[:1]).run() == "CgcWaitError"


def test_another_address(
    emulator: CgcEmulator, outage: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another address has not answered."""
    task = sent_and_failed(emulator, tmp_path, store=True)
    monkeypatch.setenv("AIRFLOW_CONN_CGC_DEFAULT", emulator.airflow_conn.replace("127.0.0.1", "localhost"))
    outage()

    assert task.retry() == "CgcWaitError"
