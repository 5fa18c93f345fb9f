"""An emulated platform in a process of its own, so that what it costs is not taken for the triggerer's."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.emulator.state.catalog import COLUMNS

BULK_GET = "/v2/bulk/storage/exports/get"
NO_LIMIT = 10_000_000
"""Requests in a window. The real limit would stretch the intervals of both contenders, and hide what they ask for."""
SHORT, LONG = 0, 10**15
"""Bytes of a file whose export ends when it is told to, and of one whose export outlasts every measurement."""
AN_AGE = 3600.0


class Request(NamedTuple):
    """One request that was answered: when (epoch seconds), where, and the job ids that it asked for."""

    wall: float
    path: str
    ids: tuple[str, ...]


class Platform:
    """The platform as the measurement drives it; its clock stands still but for `end_short_jobs`.

    :param latency: seconds that each bulk get takes.
    """

    def __init__(self, *, files: int, short: int, latency: float) -> None:
        self._arguments = (files, short, latency)

    def __enter__(self) -> Platform:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, *self._arguments), daemon=True)
        self._process.start()
        theirs.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._pipe.send(("stop", ()))
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._pipe.close()

    @property
    def airflow_conn(self) -> str:
        """The connection to it, as JSON."""
        return str(self._call("airflow_conn"))

    def start_jobs(self) -> list[str]:
        """Begin anew with an export of every file, and give the ids, the same each time: first the short ones'."""
        return list(self._call("start_jobs"))

    def end_short_jobs(self) -> None:
        """Let the short exports end now."""
        self._call("end_short_jobs")

    def forget_requests(self) -> None:
        """Count requests anew."""
        self._call("forget_requests")

    def requests(self) -> list[Request]:
        """Give the requests since, oldest first."""
        return list(self._call("requests"))

    def _call(self, name: str, *arguments: Any) -> Any:
        self._pipe.send((name, arguments))
        return self._pipe.recv()


class _Servant:
    """The other process's end of calls."""

    def __init__(self, emulator: CgcEmulator, latency: float) -> None:
        self._emulator = emulator
        self._latency = latency

    def airflow_conn(self) -> str:
        return self._emulator.airflow_conn

    def start_jobs(self) -> Sequence[str]:
        self._emulator.reset()
        self._emulator.fault("slow", path=BULK_GET, count=None, seconds=self._latency)
        ids = self._emulator.submit_exports(self._emulator.file_ids)
        self._emulator.clock.advance(3)  # the platform shows PENDING for two seconds
        return ids

    def end_short_jobs(self) -> None:
        self._emulator.clock.advance(AN_AGE)

    def forget_requests(self) -> None:
        self._emulator.journal.reset()

    def requests(self) -> list[Request]:
        return [
            Request(one.wall, one.path, tuple(one.body["export_ids"]) if one.path == BULK_GET else ())
            for one in self._emulator.requests
        ]


def _serve(pipe: Connection, files: int, short: int, latency: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        manifest = _manifest(Path(folder) / "files.tsv", files, short)
        with CgcEmulator(manifest=manifest, speed=0, slots=files, rate_limit=NO_LIMIT) as emulator:
            servant = _Servant(emulator, latency)
            while True:
                try:
                    name, arguments = pipe.recv()
                except EOFError:
                    return  # who started us is gone
                if name == "stop":
                    return
                pipe.send(getattr(servant, name)(*arguments))


def _manifest(path: Path, files: int, short: int) -> Path:
    lines = ["\t".join(COLUMNS)]
    for number in range(files):
        size = SHORT if number < short else LONG
        lines.append("\t".join((f"{number:024x}", f"{number:06}.bam", str(size), "0" * 32, "WGS", "C3L-00001")))
    path.write_text("\n".join(lines) + "\n")
    return path
