"""Imports that take their time; the emulator's own end within a second, because no bytes move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.emulator.state.imports import ImportJob
from airflow_provider_cgc.emulator.state.queue import JobQueue


@contextmanager
def slow_imports(emulator: CgcEmulator, *, slots: int, throughput: float) -> Iterator[None]:
    """Let an import of this emulator take as long as an export of so many bytes takes."""
    with emulator.world.open() as world:
        before = world._queues["imports"]
        world._queues["imports"] = JobQueue(slots=slots, throughput=throughput)
    try:
        with mock.patch.object(ImportJob, "size", property(_bytes)):
            yield
    finally:
        with emulator.world.open() as world:
            world._queues["imports"] = before


def _bytes(job: ImportJob) -> int:
    volume = job.world.volume(job.volume_id)
    stored = job.world.buckets[volume.bucket].get(volume.key(job.order.location))
    return 0 if stored is None else stored.size
