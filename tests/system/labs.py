"""Emulated platforms whose clock stands still until a test moves it, and whose every file takes as long as it is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.emulator.catalog import COLUMNS
from airflow_provider_cgc.emulator.jobs import OVERHEAD_SECONDS, PENDING_SECONDS

BYTES_PER_SECOND = 1000.0
QUICKEST = PENDING_SECONDS + OVERHEAD_SECONDS
"""Platform seconds that the export of a file without any size takes."""


class Lab(CgcEmulator):
    """A platform of one scenario: files by name, and an Airflow connection id of its own.

    :param name: of the scenario; the connection is `cgc_<name>`.
    :param files: platform seconds that the export of each file takes, by file name.
    """

    def __init__(self, name: str, files: Mapping[str, float], *, folder: Path, token: str) -> None:
        super().__init__(
            manifest=_manifest(folder / f"{name}.tsv", files),
            speed=0,
            slots=10_000,
            throughput=BYTES_PER_SECOND,
            token=token,
        )
        self.conn_id = f"cgc_{name}"
        self._ids = {name: file_id for file_id, name in self.file_names.items()}
        self._moments: list[tuple[float, float]] = []

    def export(self, names: Iterable[str]) -> list[str]:
        """Start the exports of these files without a request, and give the job ids."""
        return self.submit_exports([self._ids[name] for name in names])

    def pass_time(self, seconds: float) -> None:
        """Let platform time pass, and note when on the wall's clock that was."""
        self.clock.advance(seconds)
        self._moments.append((self.clock.wall(), self.clock.now()))

    def looks(self) -> dict[str, list[float]]:
        """When each export was asked for, by the wall's clock."""
        looks: dict[str, list[float]] = {}
        for request in self.requests:
            if request.path == "/v2/bulk/storage/exports/get":
                for job_id in request.body["export_ids"]:
                    looks.setdefault(job_id, []).append(request.wall)
        return looks

    def looks_after_its_end(self, job_id: str) -> int:
        """How often one export was asked for when it had ended already; those within half a second do not count."""
        with self.world.open() as world:
            ended = world.exports[job_id].ended
        assert ended is not None, f"export {job_id} has not ended"
        known_from = next((wall for wall, now in self._moments if now >= ended), 0.0)
        return sum(look > known_from + 0.5 for look in self.looks().get(job_id, ()))


def _manifest(path: Path, files: Mapping[str, float]) -> Path:
    lines = ["\t".join(COLUMNS)]
    for number, (name, seconds) in enumerate(files.items()):
        size = round(max(seconds - QUICKEST, 0) * BYTES_PER_SECOND)
        lines.append("\t".join((f"{number:024x}", name, str(size), "0" * 32, "WGS", "C3L-00001")))
    path.write_text("\n".join(lines) + "\n")
    return path
