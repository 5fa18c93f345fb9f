"""The command line: `python -m airflow_provider_cgc.emulator` serves until it is told to stop."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from airflow_provider_cgc.emulator.options import Options
from airflow_provider_cgc.emulator.server import CgcEmulator
from airflow_provider_cgc.emulator.state.catalog import ManifestError
from airflow_provider_cgc.emulator.state.errors import CODES


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM."""
    parser = _parser()
    options = parser.parse_args(arguments)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        emulator = CgcEmulator(port=options.port, manifest=options.manifest, speed=options.speed)
        for pattern, code in options.fail:
            emulator.fail_files(pattern, code=code)
        for name, text in options.option:
            emulator.option_text(name, text)
        emulator.start()
    except ManifestError as error:
        parser.exit(2, f"{parser.prog}: error: manifest {error}\n")
    except OSError as error:
        parser.exit(2, f"{parser.prog}: error: cannot serve on port {options.port}: {error.strerror}\n")
    _announce(emulator)
    stopped.wait()
    emulator.stop()
    return 0


def _announce(emulator: CgcEmulator) -> None:
    print(
        f"CGC emulator at {emulator.url}: {len(emulator.file_ids)} files in {emulator.project}, "
        f"volume {emulator.volume}"
    )
    print("Airflow connection:")
    print(f"AIRFLOW_CONN_CGC_DEFAULT='{emulator.airflow_conn}'", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_cgc.emulator",
        description="Serve an emulated Cancer Genomics Cloud on 127.0.0.1.",
    )
    parser.add_argument(
        "--port", type=_port, default=8090, help="port to serve on (default: %(default)s; 0 takes a free one)"
    )
    parser.add_argument("--manifest", metavar="FILE.tsv", help="files to start with (default: 300 built-in files)")
    parser.add_argument(
        "--speed", type=_speed, default=1.0, metavar="N", help="platform seconds per second (default: 1)"
    )
    parser.add_argument(
        "--fail", type=_fail, action="append", default=[], metavar="GLOB=CODE",
        help="let jobs of these files or objects fail with that code, for example '*.bam=9206'; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--option", type=_option, action="append", default=[], metavar="NAME=VALUE",
        help="switch a variant of the platform on, for example 'unknown_ids=gap'; may be repeated",
    )  # fmt: skip
    return parser


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a speed above 0")
    return speed


def _fail(text: str) -> tuple[str, int]:
    pattern, _, code = text.rpartition("=")
    if not pattern or not code.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form GLOB=CODE")
    if int(code) not in CODES:
        raise argparse.ArgumentTypeError(f"{code} is not a code this emulator knows: {', '.join(map(str, CODES))}")
    return pattern, int(code)


def _option(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    try:
        Options().set_text(name, value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return name, value


if __name__ == "__main__":
    sys.exit(main())
