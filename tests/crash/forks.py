"""A server that has imported Airflow once and forks a process for each part of a task: the killing costs milliseconds.

Its clock is the emulated platform's: sleeping moves that clock, so that minutes of waiting pass at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.crash.clock import PlatformClock


class ForkServer:
    """Runs parts of tasks, one at a time, each in a process of its own."""

    def __enter__(self) -> ForkServer:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.forks"],
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def run(self, part: dict[str, Any]) -> int:
        """Run one part of a task to its end or its death; give the signal that ended it, or 0."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(part), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


def serve(run: Callable[[dict[str, Any]], None], warm_up: Callable[[Path], None]) -> None:
    """Fork for each line that comes; the line that goes back has the signal that ended the process, or 0."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with tempfile.TemporaryDirectory() as folder:
        warm_up(Path(folder))
    for line in sys.stdin:
        part = json.loads(line)
        child = os.fork()
        if child == 0:
            log = os.open(f"{part['folder']}/log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            status = 1
            try:
                run(part)
                status = 0
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        print(-code if code < 0 else 0, file=answers, flush=True)


if __name__ == "__main__":
    clock = PlatformClock()
    # Before anything is imported: many a default is `time.time`.
    time.time, time.sleep = clock.time, clock.sleep
    from tests.crash import parts

    serve(lambda part: parts.run(part, clock), parts.warm_up)
