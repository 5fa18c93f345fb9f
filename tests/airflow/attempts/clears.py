"""Help for tests that compare the words about a Clear with what it sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_cgc.emulator import CgcEmulator
from tests.airflow.attempts.attempts import Attempts

ITEMS = 4


class Seen:
    """The last snapshot that was written."""

    def __init__(self) -> None:
        self.snapshot: dict[str, Any] = {}

    def write(self, address: object, snapshot: dict[str, Any], **how: object) -> bool:
        """Keep a snapshot."""
        self.snapshot = dict(snapshot)
        return True

    @property
    def told(self) -> dict[str, Any]:
        """The effect of a Clear, as the snapshot tells it."""
        found: dict[str, Any] = self.snapshot["after_clear"]
        return found


class Stopping(Seen):
    """Stop the worker as soon as one job has completed and another one has failed."""

    def __init__(self, emulator: CgcEmulator) -> None:
        super().__init__()
        self._emulator = emulator

    def write(self, address: object, snapshot: dict[str, Any], **how: object) -> bool:
        """Keep a snapshot, and let time go by on the platform."""
        super().write(address, snapshot)
        if snapshot["counts"]["completed"] and snapshot["counts"]["failed"]:
            raise SystemExit
        self._emulator.clock.advance(5)
        return True


def fail_last(emulator: CgcEmulator, code: int = 9109) -> None:
    """Let the export of the last file fail, again and again."""
    emulator.fail_files(emulator.file_names[emulator.file_ids[ITEMS - 1]], code=code)


def fail_smallest(emulator: CgcEmulator, code: int = 9109) -> None:
    """Let the export that ends first fail."""
    with emulator.world.open() as world:
        smallest = min((world.files[one] for one in emulator.file_ids[:ITEMS]), key=lambda one: one.size)
        name = smallest.name
    emulator.fail_files(name, code=code)


def until_two_have_ended(task: Attempts) -> None:
    """Let time go by on the platform until two of its jobs have ended."""
    while sum(state in ("COMPLETED", "FAILED") for _, state in task.jobs) < 2:
        task.emulator.clock.advance(5)


def sent_by(step: Callable[[], str], task: Attempts) -> int:
    """Count the jobs that are started meanwhile."""
    before = len(task.jobs)
    step()
    return len(task.jobs) - before


def complete(emulator: CgcEmulator) -> None:
    """Let all jobs complete that were stuck."""
    emulator.option("stuck", False)
    emulator.clock.advance(24 * 3600)


def close_volume(emulator: CgcEmulator, closed: bool) -> None:
    """Make the volume inactive, or active again."""
    with emulator.world.open() as world:
        world.volumes[emulator.volume].active = not closed
