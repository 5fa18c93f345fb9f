"""The place where contenders wait: an emulated platform and jobs of known length, on virtual time.

HTTP goes over loopback and is real; the latency of a call, and whatever a contender sleeps, is virtual. What is
known here and nowhere else: when each job really ended, and when a contender knew.
"""

from __future__ import annotations

import random
import tempfile
import threading
from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, TypeVar
from unittest import mock

import requests

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.emulator.controls.journal import Journal, RecordedRequest
from airflow_provider_cgc.emulator.state.catalog import COLUMNS
from bench.cases import LATENCY, LIMIT, MEAN
from dev.virtual_time import VirtualTime

P = ParamSpec("P")
T = TypeVar("T")

SEED = 20_250_615
SHAPE = 4
"""Of the gamma distribution of durations: most jobs take 4 to 16 minutes, one of 10,000 half an hour and more."""
SHORTEST = 6.0
"""Seconds; the emulator adds 5 s to what the bytes take."""
OVERHEAD = 5.0
THROUGHPUT = 1_000_000
"""Bytes a second; a job's length is its file's size by this."""


class KilledError(BaseException):
    """Ends a thread of a contender whose time is over; not an Exception, so that no contender takes it for trouble."""


class Life:
    """One life of a contender, ended by a restart or by the cap: from then on its threads send nothing more."""

    def __init__(self) -> None:
        self.over = False

    def call(self, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call in this thread on behalf of this life."""
        before = getattr(_OF_THIS_THREAD, "life", None)
        _OF_THIS_THREAD.life = self
        try:
            return func(*args, **kwargs)
        finally:
            _OF_THIS_THREAD.life = before


_OF_THIS_THREAD = threading.local()


def _end_if_over() -> None:
    life: Life | None = getattr(_OF_THIS_THREAD, "life", None)
    if life is not None and life.over:
        raise KilledError


class Lab:
    """
    One emulated platform with a file for each job, and the latency of the way to it.

    :param durations: seconds that each job will take.
    :param rate_limit: requests per user in 300 seconds.
    """

    def __init__(self, durations: list[float], *, rate_limit: int = LIMIT) -> None:
        self.time = VirtualTime()
        self.seen: dict[str, float] = {}
        self.life = Life()
        self._rate_limit = rate_limit
        self._durations = durations
        self._exit = ExitStack()

    def __enter__(self) -> Lab:
        folder = Path(self._exit.enter_context(tempfile.TemporaryDirectory(prefix="cgc-bench-")))
        manifest = folder / "files.tsv"
        manifest.write_text(manifest_of(self._durations))
        self.emulator = CgcEmulator(
            manifest=manifest,
            wall=self.time.clock,
            slots=max(len(self._durations), 1),
            throughput=THROUGHPUT,
            rate_limit=self._rate_limit,
        )
        self.tally = Tally()
        self.emulator.journal = self.tally
        self._exit.enter_context(self.emulator)
        self._exit.enter_context(slow_requests(self.sleep))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._exit.close()

    @property
    def threads(self) -> list[threading.Thread]:
        """The emulator's threads, whose CPU is not the contender's."""
        return emulator_threads()

    def submit(self, count: int, *, skip: int = 0) -> list[str]:
        """Start the jobs of `count` files; their ids. All run side by side from now on."""
        return self.emulator.submit_exports(self.emulator.file_ids[skip : skip + count], location="{id}")

    def saw(self, job_id: str) -> None:
        """Note that the contender knows now that a job has ended."""
        self.seen.setdefault(job_id, self.time.clock())

    def ends(self) -> dict[str, float]:
        """Give the end of each job that has ended, by the platform's clock, to the fraction of a second."""
        with self.emulator.world.open() as world:
            return {job.id: job.ended for job in world.exports.values() if job.ended is not None}

    def sleep(self, seconds: float) -> None:
        """Sleep in a contender's thread."""
        _end_if_over()
        self.time.sleep(seconds)
        _end_if_over()


def emulator_threads() -> list[threading.Thread]:
    """The threads of this process's emulators."""
    threads = [thread for thread in threading.enumerate() if thread.name.startswith(EMULATOR)]
    if not threads:
        raise LookupError(f"no thread is called {EMULATOR}...: the emulator's CPU cannot be told apart")
    return threads


@contextmanager
def slow_requests(sleep: Callable[[float], None]) -> Iterator[None]:
    """Let every request of this process, whoever sends it, take its time; what is sent last is sent really."""
    send = requests.adapters.HTTPAdapter.send

    def slowly(adapter: requests.adapters.HTTPAdapter, *args: Any, **kwargs: Any) -> requests.Response:
        sleep(LATENCY / 2)
        response = send(adapter, *args, **kwargs)
        sleep(LATENCY / 2)
        return response

    with mock.patch.object(requests.adapters.HTTPAdapter, "send", slowly):
        yield


class Tally(Journal):
    """Counts, where the emulator's own journal keeps bodies, which would be taken for the contender's memory."""

    def add(self, request: RecordedRequest) -> None:
        """Count one request."""
        others = request.user_agent == OTHER_AGENT
        with self._lock:
            self._times[others, False].append(request.wall)
            if request.status == TOO_MANY:
                self._times[others, True].append(request.wall)

    def times(self, *, others: bool = False, refused: bool = False) -> list[float]:
        """Give the times of requests; with `refused` only those answered 429."""
        with self._lock:
            return list(self._times[others, refused])

    def _start(self) -> None:
        super()._start()
        self._times = {(others, refused): array("d") for others in (False, True) for refused in (False, True)}


EMULATOR = "cgc-emulator"
"""The prefix of the emulator's threads' names."""
OTHER_AGENT = "somebody-else"
TOO_MANY = 429


def durations(count: int, *, seed: int) -> list[float]:
    """Seconds that each of `count` jobs takes: a mean of ten minutes, the same in each run."""
    dice = random.Random(seed)  # the same jobs for every contender are the point
    return [max(dice.gammavariate(SHAPE, MEAN / SHAPE), SHORTEST) for _ in range(count)]


def manifest_of(seconds: list[float]) -> str:
    """The emulator's manifest of files that take so long to move."""
    lines = ["\t".join(COLUMNS)]
    for number, length in enumerate(seconds):
        size = round((length - OVERHEAD) * THROUGHPUT)
        lines.append("\t".join((f"file-{number:06d}", f"{number:06d}.bam", str(size), "", "WXS", "")))
    return "\n".join(lines) + "\n"
