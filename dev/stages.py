"""All that must hold, stage by stage: before a change lands (`make ci`), or before a release (`make all`).

Stages of two lanes run side by side; the first that fails ends all others, and its last lines are shown. The outputs
are kept in `.stages/`. What the stages of `make all` took and said is also written to `tests/RESULTS.md`.
"""

from __future__ import annotations

import os
import platform
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import IO

from airflow_provider_cgc import __version__

ROOT = Path(__file__).resolve().parent.parent
OUTPUTS = ROOT / ".stages"
RESULTS = ROOT / "tests" / "RESULTS.md"
SHOWN_OF_A_FAILURE = 60
PATIENCE = 60.0
"""Seconds that a stage has to end what it has started, when another one has failed."""
NOT_HANDED_ON = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "ARGS", "VERSIONS", "PYTHONS", "KEEP", "PYTEST_ADDOPTS")
COLOURS = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True)
class Stage:
    """A target of the Makefile, with its variables."""

    target: str
    variables: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The command as one types it."""
        return " ".join(("make", self.target, *(_quoted(one) for one in self.variables)))

    @property
    def output(self) -> Path:
        """Its output's file."""
        return OUTPUTS / f"{self.target}.log"


Lane = Sequence[Stage]
"""Stages one after the other."""

CI: Sequence[Sequence[Lane]] = (
    [[Stage("check")], [Stage("docs"), Stage("package")]],
    [
        [Stage("test"), Stage("wheel"), Stage("bench", ("ARGS=--contender ours",)), Stage("demo")],
        [Stage("system"), Stage("triggerer"), Stage("browser")],
    ],
)
ALL: Sequence[Sequence[Lane]] = (
    [[Stage("check")], [Stage("docs"), Stage("package")]],
    [
        [Stage("test-all"), Stage("matrix", ("ARGS=--whole",)), Stage("pythons"), Stage("wheel")],
        # First, because `matrix` in the other lane later builds the same Airflow 3.1 venv; both at once would break it.
        [Stage("triggerer", ("ARGS=--whole",)), Stage("system", ("ARGS=--whole",)), Stage("browser"), Stage("demo")],
    ],
    # Alone: it compares CPU with CPU.
    [[Stage("bench")]],
)
"""Parts, one after the other, of lanes side by side: one that mostly computes, and one that mostly waits."""
PLANS = {"ci": CI, "all": ALL}


@dataclass(frozen=True)
class Passed:
    """Wall and CPU seconds of a stage, and the summary it printed."""

    stage: Stage
    wall: float
    cpu: float
    said: str

    def __str__(self) -> str:
        return f"{self.stage.name}: passed in {_minutes(self.wall)}, CPU {_minutes(self.cpu)}; {self.said}"


class StageError(RuntimeError):
    """A stage has failed."""


class Run:
    """The stages under way; whatever goes wrong first ends all of them."""

    def __init__(self) -> None:
        self.passed: list[Passed] = []
        self._running: dict[int, Stage] = {}
        self._over = False
        self._lock = threading.Lock()

    def part(self, lanes: Sequence[Lane]) -> None:
        """
        Run lanes side by side.

        :raises StageError: if a stage fails, as soon as the others are ended.
        """
        with ThreadPoolExecutor(len(lanes)) as pool:
            try:
                for future in as_completed([pool.submit(self._lane, lane) for lane in lanes]):
                    future.result()
            except BaseException:  # Ctrl-C, too: nothing may go on without us
                self._end()
                raise

    def _lane(self, lane: Lane) -> None:
        for stage in lane:
            passed = self._stage(stage)
            if passed is None:
                return
            self.passed.append(passed)
            print(f"=== {passed}", flush=True)

    def _stage(self, stage: Stage) -> Passed | None:
        """Run one stage; None if all is over before it begins."""
        began = time.monotonic()
        with stage.output.open("wb") as output:
            process = self._begin(stage, output)
            if process is None:
                return None
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            with self._lock:
                # Whatever it has left behind in its session; the number is still its own.
                os.killpg(process.pid, signal.SIGKILL)
                del self._running[process.pid]
                _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        wall, lines = time.monotonic() - began, stage.output.read_text(errors="replace").splitlines()
        if process.returncode and self._over:
            print(f"=== {stage.name}: ended, because another one failed", flush=True)
            return None
        if process.returncode:
            shown = "\n".join(lines[-SHOWN_OF_A_FAILURE:])
            after = f"failed with code {process.returncode} after {_minutes(wall)}"
            raise StageError(f"{shown}\n=== {stage.name}: {after}; full output: {stage.output.relative_to(ROOT)}")
        return Passed(stage, wall, usage.ru_utime + usage.ru_stime, _summary(lines))

    def _begin(self, stage: Stage, output: IO[bytes]) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._over:
                return None
            print(f"=== {stage.name} ...", flush=True)
            process = subprocess.Popen(
                ["make", stage.target, *stage.variables],
                cwd=ROOT,
                # What a developer's own run has left for --lf stays as it is.
                env={name: value for name, value in os.environ.items() if name not in NOT_HANDED_ON}
                | {"PYTEST_ADDOPTS": "-p no:cacheprovider"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running[process.pid] = stage
            return process

    def _end(self) -> None:
        """End all running stages: gently, so that no Airflow is left behind, and after a minute by force."""
        signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, signal.SIG_IGN) for number in signals}
        with self._lock:
            self._over = True
            for pid in self._running:
                os.kill(pid, signal.SIGTERM)  # make hands it on
        deadline = time.monotonic() + PATIENCE
        while self._running and time.monotonic() < deadline:
            time.sleep(0.1)
        with self._lock:
            for pid in self._running:
                os.killpg(pid, signal.SIGKILL)
        for number, handler in before.items():
            signal.signal(number, handler)


def main(arguments: Sequence[str]) -> int:
    """Run the stages of a plan; give the exit status."""
    if len(arguments) != 1 or arguments[0] not in PLANS:
        print(f"no such plan: {' '.join(arguments)}; there are {', '.join(PLANS)}", file=sys.stderr)
        return 2
    [plan] = arguments
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    OUTPUTS.mkdir(exist_ok=True)
    run, began = Run(), time.monotonic()
    try:
        for lanes in PLANS[plan]:
            run.part(lanes)
    except StageError as failure:
        print(failure, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130
    wall = time.monotonic() - began
    if plan == "all":
        planned = [stage for lanes in ALL for lane in lanes for stage in lane]
        in_order = sorted(run.passed, key=lambda one: planned.index(one.stage))
        RESULTS.write_text("\n".join(page(in_order, wall)) + "\n")
        print(f"{RESULTS.relative_to(ROOT)} is written.")
    tests = sum(int(count) for one in run.passed for count in re.findall(r"(\d+) passed", one.said))
    print(f"=== all {len(run.passed)} stages passed in {_minutes(wall)}")
    print(f"{tests} passed, 0 failed")  # the line that a CI reads
    return 0


def page(passed: Sequence[Passed], wall: float) -> Iterator[str]:
    """The lines of `tests/RESULTS.md`."""
    airflow = metadata.version("apache-airflow")
    yield "# What was tested before the last release"
    yield ""
    yield "Written by `make all`; do not edit."
    yield f"airflow-provider-cgc {__version__}, Airflow {airflow}, Python {platform.python_version()}."
    yield f"{date.today().isoformat()}, {os.cpu_count()} cores, {_minutes(wall)} minutes in all."
    yield ""
    yield "| stage | wall, min:s | CPU, min:s | said |"
    yield "|---|---:|---:|---|"
    for one in passed:
        yield f"| `{one.stage.name}` | {_minutes(one.wall)} | {_minutes(one.cpu)} | {one.said} |"


def _summary(lines: Sequence[str]) -> str:
    """The last lines by which pytest, once for each of its runs, or another program says how it went."""
    clean = [COLOURS.sub("", line).strip(" =") for line in lines]
    counts = [line for line in clean if re.search(r"\d+ passed.* in [\d.]+s", line)]
    return "; ".join(counts) or next((line for line in reversed(clean) if line), "")


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def _quoted(variable: str) -> str:
    name, _, value = variable.partition("=")
    return f'{name}="{value}"' if " " in value else variable


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
