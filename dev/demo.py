"""`make demo`: the provider at work in a real Airflow on this machine, without an account on the platform.

Run as `python -m dev.demo` from the root of the repository; `KEEP=1` leaves the UI up until Ctrl-C, `PORT=8123`
chooses its port. Exits with 0 if every Dag ended as it should. Only the standard library is imported at the top, so
that what is missing can be said.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from dev.airflow_box import AirflowBox
    from dev.demo_run import Demo, Emulator

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".demo" / "airflow"
EXAMPLES = ROOT / "example_dags"
CONNECTION = "AIRFLOW_CONN_CGC_DEFAULT"
QUIET = 600.0
"""Seconds in which nothing moves before the demo gives up; a slow machine that gets on is given all the time."""
STALE = 300.0
"""Seconds without a sign of life from a part of Airflow: on a busy machine it may have to wait for its turn."""
SPEED = 60
FAILING = 3
"""Files whose first export fails on the platform, so that there is a rest to retry."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asked the demo to end; not an Exception, so that nothing takes it for an error of its own."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main() -> int:
    port, wrong_port = wanted_port(os.environ.get("PORT", ""))
    if problem := missing() or wrong_port:
        print(problem, file=sys.stderr)
        return 1
    _raise_on_signals()
    from airflow_provider_cgc.emulator import CgcEmulator

    try:
        with CgcEmulator(speed=SPEED) as emulator:
            for file_id in emulator.file_ids[:FAILING]:
                emulator.fail_files(file_id, code=9100, times=1)
            print(f"An emulated CGC at {emulator.url}; its clock runs {SPEED} times as fast as yours.")
            return show(
                emulator,
                connection=emulator.airflow_conn,
                dags_folder=EXAMPLES,
                home=HOME,
                keep=os.environ.get("KEEP") == "1",
                port=port,
            )
    except Stopped as stopped:
        print(f"\nStopped by {signal.Signals(stopped.number).name}; nothing is left running.", file=sys.stderr)
        return 128 + stopped.number


def missing() -> str:
    """Name the thing that Python lacks to run the demo, and the remedy; empty if it lacks nothing."""
    if sys.hexversion < 0x030B0000:
        return f"The demo needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}."
    remedy = f"{sys.executable} -m pip install -e '.[emulator]'"
    if importlib.util.find_spec("airflow") is None:
        return f"Airflow is not installed. Run: {remedy}"
    # Asked as Airflow's components will see it: they do not run in the root of the repository.
    if subprocess.run([sys.executable, "-P", "-c", "import airflow_provider_cgc"], capture_output=True).returncode:
        return f"The provider is not installed. Run: {remedy}"
    if any(importlib.util.find_spec(name) is None for name in ("fastapi", "uvicorn")):
        return f"The emulator's extra is not installed. Run: {remedy}"
    return ""


def wanted_port(text: str) -> tuple[int | None, str]:
    """The port that `PORT` asks for, None where it asks for none; and what is wrong with it, empty if nothing is."""
    from dev.ports import is_free

    text = text.strip()
    if not text:
        return None, ""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1024 <= int(text) <= 65_535):
        return None, f"PORT={text} is no port for the UI: choose a number from 1024 to 65535, or leave PORT out."
    if not is_free(int(text)):
        return None, f"Port {text} is taken by another program: end that one, choose another PORT, or leave PORT out."
    return int(text), ""


def show(
    emulator: Emulator,
    *,
    connection: str,
    dags_folder: Path,
    home: Path,
    keep: bool,
    port: int | None = None,
    quiet: float = QUIET,
    out: TextIO = sys.stdout,
) -> int:
    """Run the demo in `home` until it ends or nothing moves for `quiet` seconds, and return the exit code.

    Leaves no process behind.
    """
    from dev import demo_folder
    from dev.airflow_api import AirflowApiError
    from dev.airflow_box import AirflowBox, ComponentDied, DagNotReadyError
    from dev.airflow_settings import AirflowUnusableError
    from dev.demo_patience import DemoTooSlowError, Patience
    from dev.demo_run import Demo

    box = AirflowBox(home, dags_folder=dags_folder, env={CONNECTION: connection}, port=port, stale_after=STALE)
    demo = Demo(box, emulator, patience=Patience(quiet), out=out)
    problems = (AirflowUnusableError, ComponentDied, DagNotReadyError, AirflowApiError, DemoTooSlowError, TimeoutError)
    try:
        demo_folder.claim(home)
        with box:
            try:
                print(f"Starting Airflow at {box.base_url}{_instead_of_8080(box, port)} ...", file=out, flush=True)
                box.wait_healthy(quiet)
                try:
                    demo.run()
                finally:
                    _report(demo, out)
                code = _verdict(demo, out)
                if keep:
                    _keep(box, out)
                else:
                    print(f"Airflow is stopped now; its logs are in {box.home / 'logs'}.", file=out)
                    print("KEEP=1 make demo leaves its UI up, and the links above work.", file=out, flush=True)
                return code
            except problems as error:
                return _failed(error, box, out)  # said before the clean-up, which takes seconds
            finally:
                with _undisturbed():
                    box.stop()
    except demo_folder.FolderRefusedError as error:
        print(error, file=out)
        return 1
    except problems as error:  # at the start
        return _failed(error, box, out)


def _report(demo: Demo, out: TextIO) -> None:
    from dev import demo_report

    if demo.results:
        print("", demo_report.table(demo.results), sep="\n", file=out)
    for result in demo.results:
        if result.failed_items:
            print("", demo_report.failures(result), sep="\n", file=out)
    out.flush()


def _verdict(demo: Demo, out: TextIO) -> int:
    wrong = [result for result in demo.results if result.problem]
    for result in wrong:
        print(f"\nNot as expected: {result.dag_id}: {result.problem}. Its logs are named above.", file=out)
    if wrong:
        return 1
    print("\nEvery Dag ended as expected.", file=out)
    return 0


def _failed(error: Exception, box: AirflowBox, out: TextIO) -> int:
    print(f"\n{error}\n\nThe demo failed. Airflow's logs: {box.home / 'logs'}", file=out, flush=True)
    return 1


def _keep(box: AirflowBox, out: TextIO) -> None:
    """Wait for Ctrl-C."""
    print(f"The UI stays at {box.base_url} until you press Ctrl-C.", file=out, flush=True)
    try:
        while True:
            box.check_alive()
            time.sleep(1)
    except Stopped as stopped:
        if stopped.number != signal.SIGINT:
            raise


def _instead_of_8080(box: AirflowBox, port: int | None) -> str:
    return "" if port is not None or box.port == 8080 else " (port 8080 is busy; PORT=... chooses one)"


def _raise_on_signals() -> None:
    def stop(number: int, _frame: Any) -> None:
        for one in SIGNALS:
            signal.signal(one, signal.SIG_IGN)
        print("\nStopping ...", file=sys.stderr, flush=True)
        raise Stopped(number)

    for number in SIGNALS:
        signal.signal(number, stop)


@contextmanager
def _undisturbed() -> Iterator[None]:
    # The clean-up takes some seconds; a Ctrl-C in the middle of it could leave processes behind.
    before = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
