"""Tasks that export files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_cgc.emulator import CgcEmulator
from tests.crash.scene import Task

SIZE = 15_000_000_000
"""Bytes of a file: its job runs for a minute, so that a retry finds jobs under way."""
VOLUME = CgcEmulator.volume


class ExportTask(Task):
    """A task whose files become objects on a volume."""

    KIND = "exports"
    CALLS = {"create": "/v2/bulk/storage/exports/create"}
    FAILS_FOR_GOOD, IS_REFUSED = 9206, 9006

    @classmethod
    def stock(cls, emulator: CgcEmulator, *, older: int) -> list[str]:
        files = emulator.add_files([f"crash/{number}.bam" for number in range(250)], size=SIZE)
        [old] = emulator.add_files(["old.bam"], size=1)
        for number in range(0, older, 100):
            for place in range(number, number + 100):
                emulator.submit_exports([old], location=f"old/{place}", volume=VOLUME)
            emulator.clock.advance(100)
        return files

    @property
    def moves(self) -> bool:
        return not self.arguments.get("copy_only", True)

    def make_items(self) -> list[str]:
        if not self.moves:
            return self.platform.stock[: self.items]
        # Nobody can move them a second time.
        paths = [f"crash/{self.number}/{place}.bam" for place in range(self.items)]
        return self.emulator.add_files(paths, size=SIZE)

    def make_results(self, names: Sequence[str]) -> None:
        self.emulator.put_objects([self.location(name) for name in names], volume=VOLUME, size=SIZE)

    @property
    def unfit_items(self) -> list[str]:
        """A file that is gone, and an alias."""
        return ["0" * 24, self.emulator.alias_id] if self.unfit else []

    @property
    def usual(self) -> dict[str, Any]:
        return {
            "items": [*self.names, *self.unfit_items],
            "volume": VOLUME,
            "location": f"task-{self.number}/{{id}}",
            "copy_only": True,
        }

    def location(self, file: str) -> str:
        return f"task-{self.number}/{file}"

    def name_of(self, job: Any) -> str | None:
        file = job.order.file
        return file if job.order.location == self.location(file) and file in self.names else None

    def results_must_be_right(self) -> None:
        with self.emulator.world.open() as world:
            there = world.volumes[VOLUME]
            keys = world.buckets[there.bucket]
            missing = [name for name in self.names if there.key(self.location(name)) not in keys]
        assert missing == [], self.log

    def lines_must_be_right(self) -> None:
        # That a file is an alias of the object says enough; nobody asks then which job has made it one.
        assert self.moves or all(line["id"] for line in self.lines[self.there : self.items]), self.log
