"""The kinds of tasks: what they wait for, how that is started, and how the platform is asked for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.operators.base import CgcSubmittingOperator
from airflow_provider_cgc.operators.imports import CgcBulkImportOperator
from airflow_provider_cgc.sensors.base import CgcJobsSensor
from airflow_provider_cgc.sensors.exports import CgcBulkExportSensor
from airflow_provider_cgc.sensors.imports import CgcBulkImportSensor

VOLUME = "demo-lab/archive"
Start = Callable[[CgcEmulator, Mapping[str, int], Collection[str], str, str | None], list[str]]
"""Starts a job of the size of each file, to or from a folder, for a user; bad ones will be FAILED soon."""


@dataclass(frozen=True)
class Kind:
    """
    One kind of task.

    :param task: the sensor, or an operator that starts its jobs itself.
    :param jobs: the argument that has its jobs, or the things that it starts jobs for.
    :param get: the path of the question about many jobs.
    :param ids: the key of that question which has their ids.
    :param start: starts the jobs, or gets the things ready; returns the value of that argument.
    :param known_by: the key of a failed item which has what `start` has returned for it.
    :param arguments: what else it is told.
    """

    task: type[CgcJobsSensor]
    jobs: str
    get: str
    ids: str
    start: Start
    known_by: str = "id"
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def submits(self) -> bool:
        """True if it starts its jobs itself."""
        return issubclass(self.task, CgcSubmittingOperator)


def _exports(
    emulator: CgcEmulator, files: Mapping[str, int], bad: Collection[str], folder: str, user: str | None
) -> list[str]:
    for file in bad:
        emulator.fail_files(emulator.file_names[file], code=9206)
    return emulator.submit_exports([*files], location=folder + "/{name}", user=user)


def _imports(
    emulator: CgcEmulator, files: Mapping[str, int], bad: Collection[str], folder: str, user: str | None
) -> list[str]:
    locations = _objects(emulator, files, bad, folder, user)
    return emulator.submit_imports(locations, volume=VOLUME, name=folder + "-{name}", user=user)


def _objects(
    emulator: CgcEmulator, files: Mapping[str, int], bad: Collection[str], folder: str, user: str | None
) -> list[str]:
    locations = {file: f"{folder}/{emulator.file_names[file]}" for file in files}
    for file, location in locations.items():
        emulator.put_objects([location], volume=VOLUME, size=files[file])
    for file in bad:
        emulator.fail_files(locations[file], code=9105)
    return [*locations.values()]


_GET = "/bulk/storage/{}/get"
_IMPORT: dict[str, Any] = {
    "volume": VOLUME,
    "project": "demo-lab/leftovers",
    "metadata": {"sample_id": "{folder}", "source": "{location}"},
}
KINDS = {
    "export": Kind(CgcBulkExportSensor, "export_ids", _GET.format("exports"), "export_ids", _exports),
    "import": Kind(CgcBulkImportSensor, "import_ids", _GET.format("imports"), "import_ids", _imports),
    "importing": Kind(
        CgcBulkImportOperator, "items", _GET.format("imports"), "import_ids", _objects, "location", _IMPORT
    ),
}
