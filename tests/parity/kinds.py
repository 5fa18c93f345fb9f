"""The kinds of jobs that a sensor waits for: how they are started here, and how the platform is asked for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
from airflow_provider_cgc.sensors.given import CgcGivenJobsSensor
from airflow_provider_cgc.sensors.imports import CgcBulkImportSensor

VOLUME = "demo-lab/archive"
Start = Callable[[CgcEmulator, Mapping[str, int], Collection[str], str, str | None], list[str]]
"""Starts a job of the size of each file, to or from a folder, for a user; bad ones will be FAILED soon."""


@dataclass(frozen=True)
class Kind:
    """
    One kind of job.

    :param ids: the argument of the sensor and the key of the request that have the ids.
    :param get: the path of the question about many jobs.
    """

    sensor: type[CgcGivenJobsSensor]
    ids: str
    get: str
    start: Start


def _exports(
    emulator: CgcEmulator, files: Mapping[str, int], bad: Collection[str], folder: str, user: str | None
) -> list[str]:
    for file in bad:
        emulator.fail_files(emulator.file_names[file], code=9206)
    return emulator.submit_exports([*files], location=folder + "/{name}", user=user)


def _imports(
    emulator: CgcEmulator, files: Mapping[str, int], bad: Collection[str], folder: str, user: str | None
) -> list[str]:
    locations = {file: f"{folder}/{emulator.file_names[file]}" for file in files}
    for file, location in locations.items():
        emulator.put_objects([location], volume=VOLUME, size=files[file])
    for file in bad:
        emulator.fail_files(locations[file], code=9105)
    return emulator.submit_imports([*locations.values()], volume=VOLUME, name=folder + "-{name}", user=user)


KINDS = {
    "export": Kind(CgcBulkExportSensor, "export_ids", "/bulk/storage/exports/get", _exports),
    "import": Kind(CgcBulkImportSensor, "import_ids", "/bulk/storage/imports/get", _imports),
}
