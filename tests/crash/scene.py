"""One task from its first try to its end as Airflow would drive it, and what must then be true on the platform."""

from __future__ import annotations

import json
import shutil
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Literal

from airflow_provider_cgc.emulator import CgcEmulator
from tests.crash.forks import ForkServer

RETRIES = 4
MOST_POKES = 20
"""Pokes of one try that is rescheduled; more, and it would go on for ever."""
Sweep = Callable[..., None]
_numbers = count(1)


@dataclass(frozen=True)
class Kill:
    """The part of the task that dies, and the step at which it does."""

    part: str
    step: int


@dataclass
class Platform:
    """An emulator that many tasks are run on, each with places of its own."""

    emulator: CgcEmulator
    forks: ForkServer
    folder: Path
    stock: list[str]
    """The items that tasks share, by name; no task changes them."""


@dataclass
class Task(ABC):
    """A task instance of one Dag run; what its jobs do is told by a subclass for each kind of job."""

    KIND: ClassVar[Literal["exports", "imports"]]
    CALLS: ClassVar[Mapping[str, str]]
    """The paths of the requests that change the platform, by what they do; "create" starts jobs."""
    FAILS = 9100
    """The code of a failure that may pass."""
    FAILS_FOR_GOOD: ClassVar[int]
    IS_REFUSED: ClassVar[int]
    """The code with which an item is refused when it is sent."""

    platform: Platform
    arguments: Mapping[str, Any]
    store: bool
    manifest: bool
    items: int = 5
    there: int = 0
    """The number of items whose results somebody else has made already."""
    unfit: bool = False
    """Beside the others there are items for which no job can be started: one that fails, and one that is skipped."""
    chunk: int = 2
    pause: float = 1.0
    """Seconds until Airflow starts the next try."""
    try_number: int = 1
    max_tries: int = RETRIES
    ends: list[dict[str, Any]] = field(default_factory=list)
    """The end of each part that was not killed."""
    rescheduled: list[tuple[int, float]] = field(default_factory=list)
    """The try of each poke after which another one was wanted, and when that poke began."""

    def __post_init__(self) -> None:
        self.number = next(_numbers)
        self.folder = self.platform.folder / str(self.number)
        self.folder.mkdir()
        self.emulator.clear_faults()
        self.emulator.clock.advance(3600)
        self.names = self.make_items()
        self.make_results(self.names[: self.there])
        self.run_began = self.emulator.clock.now()
        self.emulator.clock.advance(5)

    @property
    def emulator(self) -> CgcEmulator:
        return self.platform.emulator

    def attempt(self, kill: Kill | None = None, **arguments: Any) -> str:
        """Make one try, in as many processes as Airflow would; give the task's state, "killed" if it died."""
        started = self.emulator.clock.now()
        parts: dict[str, Any] = {"part": "execute"}
        pokes = 1
        while True:
            began = self.emulator.clock.now()
            die = kill.step if kill and kill.part == parts["part"] else None
            end = self._run({**parts, "kill_at": die, "started": started}, arguments)
            if end is None and parts["part"] == "trigger":
                kill = None  # another triggerer takes the row
                continue
            if end is None:
                return "killed"
            self.ends.append({**end, "part": parts["part"]})
            if end["state"] == "deferred":
                row, method = end["row"], end["method"]
                parts = {"part": "trigger", "row": row}
            elif end["state"] == "event":
                parts = {"part": "resume", "event": end["event"], "method": method}
            elif end["state"] == "reschedule":
                assert pokes < MOST_POKES, self.log
                pokes += 1
                self.rescheduled.append((self.try_number, began))
                self.emulator.clock.advance(self.given["poke_interval"])
                parts = {"part": f"poke {pokes}"}
            elif end["state"] == "up_for_retry" and self.try_number > self.max_tries:
                return "failed"
            else:
                return str(end["state"])

    def retry(self, **arguments: Any) -> str:
        """Try again as Airflow does, until the task ends."""
        state = "killed"
        while state in ("killed", "up_for_retry"):
            assert self.try_number <= self.max_tries, self.log
            self.next_try()
            state = self.attempt(**arguments)
        return state

    def next_try(self) -> None:
        """Let Airflow's retry delay pass."""
        self.try_number += 1
        self.emulator.clock.advance(self.pause)

    def clear(self) -> None:
        """Clear the task: the tries go on counting, and there may be as many more as the Dag says."""
        self.emulator.clock.advance(600)
        self.max_tries = self.try_number + RETRIES
        self.try_number += 1

    def steps_of(self, part: str) -> list[str]:
        """The steps of the last such part that was not killed."""
        return next((end["steps"] for end in reversed(self.ends) if end["part"] == part), [])

    @property
    def log(self) -> str:
        """The course of events, for a failed test."""
        killed = self.folder / "killed"
        text = (self.folder / "log.txt").read_text()[-6000:]
        return f"\nkilled at: {killed.read_text() if killed.exists() else 'nothing'}\n{text}"

    @property
    def jobs(self) -> dict[str, list[str]]:
        """The states of the platform's jobs for each item of this task, oldest first."""
        found: dict[str, list[str]] = {name: [] for name in self.names}
        with self.emulator.world.open() as world:
            for job in world.jobs[self.KIND].values():
                if (name := self.name_of(job)) is not None:
                    found[name].append(job.state)
        return found

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The manifest."""
        return [json.loads(line) for line in (self.folder / "manifest.jsonl").read_text().splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.folder / "xcoms.json").read_text())["cgc_summary"]

    @property
    def skips(self) -> int:
        """The number of items that have no job, because their results are there."""
        return self.there if self.arguments.get("if_exists") == "skip" else 0

    def must_be_done(self, *, jobs: Sequence[str] | Mapping[str, Sequence[str]] = ("COMPLETED",)) -> None:
        """
        Check that no item is missing from the platform, summary or manifest, and the jobs of each, oldest first.

        An item that is skipped has none.
        """
        to_send = self.names[self.skips :]
        usual = dict.fromkeys(self.names, ()) | dict.fromkeys(to_send, ("COMPLETED",))
        wanted = {**usual, **(jobs if isinstance(jobs, Mapping) else dict.fromkeys(to_send, jobs))}
        assert self.jobs == {name: list(states) for name, states in wanted.items()}, self.log
        self.results_must_be_right()
        counts = {name: self.summary[name] for name in ("total", "completed", "failed", "missing", "skipped")}
        wanted_counts = {
            "total": self.items + len(self.unfit_items),
            "completed": self.items - self.skips,
            "failed": int(self.unfit),
            "missing": 0,
            "skipped": self.skips + int(self.unfit),
        }
        assert counts == wanted_counts, self.log
        if self.manifest:
            subjects = [line[self.subject] for line in self.lines]
            assert subjects == [*self.names, *self.unfit_items], self.log
            states = Counter(line["state"] for line in self.lines)
            wanted_states = {name.upper(): wanted_counts[name] for name in ("completed", "skipped", "failed")}
            assert states == +Counter(wanted_states), self.log
            assert all(line["task"]["succeeded"] for line in self.lines), self.log
            self.lines_must_be_right()

    def forget(self) -> None:
        """Give the space back."""
        shutil.rmtree(self.folder)

    @property
    def given(self) -> dict[str, Any]:
        """The operator's arguments."""
        manifest = {"manifest_path": f"file://{self.folder}/manifest.jsonl"} if self.manifest else {}
        return {"poke_interval": 60, **self.usual, **manifest, **self.arguments}

    def fail(self, name: str, **how: Any) -> None:
        """Let the jobs of an item fail."""
        self.emulator.fail_files(name, jobs=self.KIND, **how)

    @property
    def subject(self) -> str:
        """The key of a line of the manifest that names an item."""
        return "file" if self.KIND == "exports" else "location"

    @property
    def unfit_items(self) -> list[str]:
        """The items for which no job can be started."""
        return []

    @classmethod
    @abstractmethod
    def stock(cls, emulator: CgcEmulator, *, older: int) -> list[str]:
        """Make things that many tasks may share, and older jobs, on a new platform; return the names of the items."""

    @abstractmethod
    def make_items(self) -> list[str]:
        """Return the names of this task's items, as the platform's failures know them."""

    @abstractmethod
    def make_results(self, names: Sequence[str]) -> None:
        """Put the results of these items in their places, as somebody else would."""

    @property
    @abstractmethod
    def usual(self) -> dict[str, Any]:
        """The operator's arguments, as far as no test gives others."""

    @abstractmethod
    def name_of(self, job: Any) -> str | None:
        """Return the item of one of the platform's jobs; None if it is of another task."""

    @abstractmethod
    def results_must_be_right(self) -> None:
        """Check that each item's result is there, once, and is the right one."""

    @abstractmethod
    def lines_must_be_right(self) -> None:
        """Check the results that the lines of the manifest name."""

    def _run(self, part: dict[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any] | None:
        """Run one part; None if it was killed as told."""
        (self.folder / "killed").unlink(missing_ok=True)
        (self.folder / "end.json").unlink(missing_ok=True)
        signal = self.platform.forks.run(
            {
                **part,
                "kind": self.KIND,
                "folder": str(self.folder),
                "url": self.emulator.url,
                "connection": self.emulator.airflow_conn,
                "arguments": self.given | dict(arguments),
                "store": self.store,
                "chunk": self.chunk,
                "try_number": self.try_number,
                "max_tries": self.max_tries,
                "retries": RETRIES,
                "rescheduled": self.rescheduled,
                "run_began": self.run_began,
            }
        )
        if signal:
            assert part["kill_at"] is not None, self.log
            return None
        end = self.folder / "end.json"
        assert end.exists(), self.log
        return dict(json.loads(end.read_text()))
