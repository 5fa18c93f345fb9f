"""Emulated platforms whose clock stands still until a test moves it, and whose exports take as long as told."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.emulator.state.catalog import COLUMNS
from airflow_provider_cgc.emulator.state.queue import OVERHEAD_SECONDS, PENDING_SECONDS

BYTES_PER_SECOND = 1000
SHORTEST = PENDING_SECONDS + OVERHEAD_SECONDS
SECONDS = (5, 20, 30, 40, 50, 60, 3600)
FILES = 1100
"""Of each length."""


class Lab(CgcEmulator):
    """The platform of one scenario, behind an Airflow connection of its own.

    :param name: of the scenario; the connection is `cgc_<name>`.
    """

    def __init__(self, name: str, *, folder: Path, token: str) -> None:
        super().__init__(
            manifest=_manifest(folder / f"{name}.tsv"), speed=0, slots=10_000, throughput=BYTES_PER_SECOND, token=token
        )
        self.conn_id = f"cgc_{name}"
        self._unused = defaultdict(list)
        for file_id, file_name in self.file_names.items():
            self._unused[_seconds(file_name)].append(file_id)
        self._moments: list[tuple[float, float]] = []

    @property
    def body(self) -> dict[str, object]:
        """The connection as Airflow's REST API takes it."""
        fields = {**self.connection, "connection_id": self.conn_id}
        return {**fields, "extra": json.dumps(fields["extra"])}

    def start_exports(self, count: int, *, seconds: int, code: int | None = None) -> list[str]:
        """Start exports that take so many platform seconds, and give their job ids; with `code` they fail after 5."""
        files, self._unused[seconds] = self._unused[seconds][:count], self._unused[seconds][count:]
        assert len(files) == count, f"no {count} files of {seconds} s are left"
        if code is not None:
            for file in files:
                self.fail_files(file, code=code)
        return self.submit_exports(files)

    def pass_time(self, seconds: float) -> None:
        """Let platform time pass, and note when on the wall's clock that was."""
        self.clock.advance(seconds)
        self._moments.append((self.clock.wall(), self.clock.now()))

    def looks(self) -> dict[str, list[float]]:
        """The times at which each export was asked for, by the wall clock."""
        looks: dict[str, list[float]] = defaultdict(list)
        for request in self.requests:
            if request.path == "/v2/bulk/storage/exports/get":
                for job_id in request.body["export_ids"]:
                    looks[job_id].append(request.wall)
        return looks

    def looks_after_the_end(self) -> dict[str, int]:
        """The number of requests for each export after its end: all but the first look could have been spared."""
        with self.world.open() as world:
            ended = {job.id: job.ended for job in world.exports.values() if job.ended is not None}
        looks = self.looks()
        known_from = {job_id: next(wall for wall, now in self._moments if now >= end) for job_id, end in ended.items()}
        return {job_id: sum(look > since for look in looks[job_id]) for job_id, since in known_from.items()}


def _manifest(path: Path) -> Path:
    lines = ["\t".join(COLUMNS)]
    for seconds in SECONDS:
        size = round((seconds - SHORTEST) * BYTES_PER_SECOND)
        for number in range(FILES):
            file_id = f"{seconds:08x}{number:016x}"
            lines.append("\t".join((file_id, f"{seconds}s-{number:04}.bam", str(size), "0" * 32, "WGS", "C3L-00001")))
    path.write_text("\n".join(lines) + "\n")
    return path


def _seconds(file_name: str) -> int:
    return int(file_name.partition("s-")[0])
