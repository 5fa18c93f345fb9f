"""One task from its first try to its end as Airflow would drive it, and what must then be true on the platform."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from airflow_provider_cgc.emulator import CgcEmulator
from tests.crash.forks import ForkServer

SIZE = 15_000_000_000
"""Bytes of a file: its job runs for a minute, so that a retry finds jobs under way."""
RETRIES = 4
MOST_POKES = 20
"""Pokes of one try that is rescheduled; more, and it would go on for ever."""
VOLUME = CgcEmulator.volume
CREATE = "/v2/bulk/storage/exports/create"
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
    files: list[str]


@dataclass
class Task:
    """A task instance of one Dag run."""

    platform: Platform
    arguments: Mapping[str, Any]
    store: bool
    manifest: bool
    items: int = 5
    there: int = 0
    """At the places of how many files somebody else has put objects of their size."""
    unfit: bool = False
    """Beside the others there is a file that is gone, and an alias."""
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
        self.moves = not self.arguments.get("copy_only", True)
        self.files = self.platform.files[: self.items]
        if self.moves:  # nobody can export them a second time
            paths = [f"crash/{self.number}/{place}.bam" for place in range(self.items)]
            self.files = self.emulator.add_files(paths, size=SIZE)
        there = [self.location(name) for name in self.files[: self.there]]
        self.emulator.put_objects(there, volume=VOLUME, size=SIZE)
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
        """The states of the platform's jobs for each file of this task, oldest first."""
        found: dict[str, list[str]] = {name: [] for name in self.files}
        with self.emulator.world.open() as world:
            for job in world.exports.values():
                if job.order.location == self.location(job.order.file):
                    found[job.order.file].append(job.state)
        return found

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The manifest."""
        return [json.loads(line) for line in (self.folder / "manifest.jsonl").read_text().splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.folder / "xcoms.json").read_text())["cgc_summary"]

    def location(self, file: str) -> str:
        return f"task-{self.number}/{file}"

    def on_the_volume(self) -> set[str]:
        """The files of this task whose objects are there."""
        with self.emulator.world.open() as world:
            there = world.volumes[VOLUME]
            return {name for name in self.files if there.key(self.location(name)) in world.buckets[there.bucket]}

    def must_be_done(self, *, jobs: Sequence[str] | Mapping[str, Sequence[str]] = ("COMPLETED",)) -> None:
        """
        Check that no item is missing from volume, summary or manifest, and the jobs of each file, oldest first.

        What was there has none.
        """
        to_send = self.files[self.there :]
        usual = dict.fromkeys(self.files, ()) | dict.fromkeys(to_send, ("COMPLETED",))
        wanted = {**usual, **(jobs if isinstance(jobs, Mapping) else dict.fromkeys(to_send, jobs))}
        assert self.jobs == {name: list(states) for name, states in wanted.items()}, self.log
        assert self.on_the_volume() == set(self.files), self.log
        counts = {name: self.summary[name] for name in ("total", "completed", "failed", "missing", "skipped")}
        wanted_counts = {
            "total": self.items + len(self.unfit_items),
            "completed": self.items - self.there,
            "failed": int(self.unfit),
            "missing": 0,
            "skipped": self.there + int(self.unfit),
        }
        assert counts == wanted_counts, self.log
        if self.manifest:
            assert [line["file"] for line in self.lines] == [*self.files, *self.unfit_items], self.log
            states = Counter(line["state"] for line in self.lines)
            wanted_states = {name.upper(): wanted_counts[name] for name in ("completed", "skipped", "failed")}
            assert states == +Counter(wanted_states), self.log
            assert all(line["task"]["succeeded"] for line in self.lines), self.log
            # That a file is an alias of the object says enough; nobody asks then which job has made it one.
            assert self.moves or all(line["id"] for line in self.lines[self.there : self.items]), self.log

    @property
    def unfit_items(self) -> list[str]:
        """The files that cannot be exported."""
        return ["0" * 24, self.emulator.alias_id] if self.unfit else []

    def forget(self) -> None:
        """Give the space back."""
        shutil.rmtree(self.folder)

    @property
    def given(self) -> dict[str, Any]:
        """The operator's arguments."""
        manifest = {"manifest_path": f"file://{self.folder}/manifest.jsonl"} if self.manifest else {}
        return {
            "items": [*self.files, *self.unfit_items],
            "volume": VOLUME,
            "location": f"task-{self.number}/{{id}}",
            "copy_only": True,
            "poke_interval": 60,
            **manifest,
            **self.arguments,
        }

    def _run(self, part: dict[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any] | None:
        """Run one part; None if it was killed as told."""
        (self.folder / "killed").unlink(missing_ok=True)
        (self.folder / "end.json").unlink(missing_ok=True)
        signal = self.platform.forks.run(
            {
                **part,
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
