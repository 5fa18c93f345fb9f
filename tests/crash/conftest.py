"""The emulated platforms that tasks are killed on, and the server that forks the processes to kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.crash.forks import ForkServer
from tests.crash.scene import SIZE, VOLUME, Platform


@pytest.fixture(scope="session")
def forks() -> Iterator[ForkServer]:
    """Import Airflow once for all processes."""
    with ForkServer() as forks:
        yield forks


@pytest.fixture(scope="session")
def old_platforms() -> Iterator[dict[tuple[str, float, int], Platform]]:
    """Platforms with many older jobs, which take a while to make; each is made when it is first asked for."""
    platforms: dict[tuple[str, float, int], Platform] = {}
    yield platforms
    for platform in platforms.values():
        platform.emulator.stop()


@pytest.fixture
def platform(
    forks: ForkServer, old_platforms: dict[tuple[str, float, int], Platform], tmp_path: Path
) -> Iterator[Callable[[str, float, int], Platform]]:
    """Give the platform whose list has that order, that lag in seconds, and so many older jobs."""
    made: dict[tuple[str, float, int], Platform] = {}

    def give(order: str, lag: float, older: int) -> Platform:
        platforms = old_platforms if older else made
        if (order, lag, older) not in platforms:
            platforms[order, lag, older] = make(forks, tmp_path, order, lag, older)
        return platforms[order, lag, older]

    yield give
    for platform in made.values():
        platform.emulator.stop()


def make(forks: ForkServer, folder: Path, order: str, lag: float, older: int) -> Platform:
    """Start an emulator with files and with older jobs."""
    emulator = CgcEmulator(files=1, slots=1000, rate_limit=10**6).start()
    files = emulator.add_files([f"crash/{number}.bam" for number in range(250)], size=SIZE)
    [old] = emulator.add_files(["old.bam"], size=1)
    for number in range(0, older, 100):
        for place in range(number, number + 100):
            emulator.submit_exports([old], location=f"old/{place}", volume=VOLUME)
        emulator.clock.advance(100)
    emulator.set_options({"list_order": order, "list_lag": lag})
    return Platform(emulator, forks, folder, files)
