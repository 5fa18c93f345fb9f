"""The emulated platforms that tasks are killed on, and the server that forks the processes to kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from tests.crash.forks import ForkServer
from tests.crash.scene import Kill, Platform, Sweep, Task
from tests.sample import plays_whole

SOME = 11
"""At every n-th step `make test` kills, at two at least, from another one on in each test; `make test-all` at all of
them. It is no multiple of the three by which pauses differ."""

Asked = tuple[type[Task], str, float, int]


@pytest.fixture(scope="session")
def forks() -> Iterator[ForkServer]:
    """Import Airflow once for all processes."""
    with ForkServer() as forks:
        yield forks


@pytest.fixture(scope="session")
def old_platforms() -> Iterator[dict[Asked, Platform]]:
    """Platforms with many older jobs, which take a while to make; each is made when it is first asked for."""
    platforms: dict[Asked, Platform] = {}
    yield platforms
    for platform in platforms.values():
        platform.emulator.stop()


@pytest.fixture
def platform(
    forks: ForkServer, old_platforms: dict[Asked, Platform], tmp_path: Path
) -> Iterator[Callable[[type[Task], str, float, int], Platform]]:
    """Give the platform for tasks of a kind whose list has that order, that lag in seconds, and so many older jobs."""
    made: dict[Asked, Platform] = {}

    def give(of: type[Task], order: str, lag: float, older: int) -> Platform:
        platforms, asked = old_platforms if older else made, (of, order, lag, older)
        if asked not in platforms:
            emulator = CgcEmulator(files=1, slots=1000, rate_limit=10**6).start()
            stock = of.stock(emulator, older=older)
            emulator.set_options({"list_order": order, "list_lag": lag})
            platforms[asked] = Platform(emulator, forks, tmp_path, stock)
        return platforms[asked]

    yield give
    for platform in made.values():
        platform.emulator.stop()


def kills_of(task: Task, *, only: str = "") -> Iterator[Kill]:
    """
    Give every step at which the undisturbed try, which this task has made, can be killed.

    Where nothing went on beside a step, the moment after it is that before the next one.
    """
    for end in task.ends:
        steps = end["steps"]
        for number, label in enumerate(steps):
            twin = number > 0 and label.startswith("after") and steps[number - 1] == label.replace("after", "before", 1)
            # Until it leaves its worker, a task does what one in poke mode does: only the sending is looked at again.
            left = end["part"] == "execute" and end["state"] in ("deferred", "reschedule")
            known = left and "create" not in label and number < 30
            if (not twin or only) and not known and only in label:
                yield Kill(end["part"], number)


@pytest.fixture
def sweep(request: pytest.FixtureRequest) -> Sweep:
    """Kill at every step, or at some, let Airflow go on, and check; tell all steps for which it does not hold."""
    every = 1 if plays_whole(request.config) else SOME
    first = crc32(request.node.nodeid.encode())

    def sweep(
        undisturbed: Task, killed: Callable[[Kill], Task], check: Callable[[Task], None], *, only: str = ""
    ) -> None:
        wrong = []
        kills = list(kills_of(undisturbed, only=only))
        assert kills
        kills = kills[first % min(every, len(kills)) :: min(every, len(kills) // 2 or 1)]
        for kill in kills:
            task = killed(kill)
            try:
                check(task)
            except AssertionError as error:
                step = undisturbed.steps_of(kill.part)[kill.step]
                wrong.append(f"=== killed in {kill.part} {step!r} ({kill.step}): {error}"[:5000])
            else:
                task.forget()
        print(f"{len(kills)} kills")
        assert not wrong, f"{len(wrong)} of {len(kills)} kills:\n" + "\n".join(wrong)

    return sweep
