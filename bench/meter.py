"""A contender's cost to this process: CPU, memory, and the time of each turn of its event loop."""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import threading
import time
from array import array
from collections.abc import Iterable
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_THE_PEAK = "5"


class Meter:
    """CPU of this process less that of some of its threads, and the peak of its memory, from `start` on."""

    def __init__(self) -> None:
        self._cpu = 0.0
        self._memory = 0.0
        self._left_out: list[int] = []

    def start(self, *, leave_out: Iterable[threading.Thread] = ()) -> None:
        """Measure from now on; the threads that are left out must live until `stop`."""
        self._left_out = [thread.ident for thread in leave_out if thread.ident is not None]
        gc.collect()
        gc.freeze()  # what Airflow and the emulator hold by now is not the contender's to search for garbage
        self._memory = _forget_the_peak()
        self._cpu = self._now()

    def stop(self) -> tuple[float, float]:
        """CPU seconds, and bytes of memory at the peak above what there was at the start."""
        used = self._now() - self._cpu, max(_peak() - self._memory, 0.0)
        gc.unfreeze()
        return used

    def _now(self) -> float:
        others = (time.clock_gettime(time.pthread_getcpuclockid(ident)) for ident in self._left_out)
        return time.process_time() - sum(others)


class Turns:
    """CPU seconds of each turn of an event loop: for so long everything else on the loop has to wait."""

    def __init__(self) -> None:
        self.first = array("d")
        """The turns of the first sweep, which a start or a restart brings."""
        self.everyday = array("d")
        """The turns after it."""
        self._now = self.first

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Measure every turn of a loop of asyncio's own kind from now on."""
        run_once = loop._run_once  # type: ignore[attr-defined]  # there is no public place to measure a turn
        self._now = self.first

        def measured() -> None:
            before = time.thread_time()
            run_once()
            self._now.append(time.thread_time() - before)

        loop._run_once = measured  # type: ignore[attr-defined]  # as above

    def settle(self) -> None:
        """The first sweep is over."""
        self._now = self.everyday


def _forget_the_peak() -> float:
    """Let the peak of memory begin anew; bytes in use now, or the old peak where it cannot be forgotten."""
    try:
        _CLEAR_REFS.write_text(_RESET_THE_PEAK)
    except OSError:  # not Linux, or not allowed: what the set-up took at its peak is not charged
        return _peak()
    return _of_status("VmRSS")


def peak_memory() -> float:
    """Bytes that were resident at the most."""
    return _peak()


def _peak() -> float:
    if _STATUS.exists():
        return _of_status("VmHWM")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)


def _of_status(name: str) -> float:
    for line in _STATUS.read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return float(value.split()[0]) * 1024
    raise LookupError(f"{_STATUS} has no {name}")
