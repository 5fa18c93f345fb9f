"""The datasets of exports: files that are read, and folders of volumes that are written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from airflow_provider_cgc.jobs.datasets import Moved, Namespaces, few, in_folders, on_volume

if TYPE_CHECKING:
    from airflow_provider_cgc.client.models import File
    from airflow_provider_cgc.jobs.exports.facts import Facts
    from airflow_provider_cgc.jobs.exports.item import ExportItem


def datasets_of(items: Iterable[ExportItem], facts: Facts, *, here: Namespaces) -> Moved:
    """
    Name the datasets that items are read from and written to.

    Files by project and path (or id, if the path is not known), as long as there are few; else their folders, else
    their projects. Objects by their folders, or the volume.
    """
    items = list(items)
    files = {item.file: facts.files.get(item.file) for item in items}
    volumes = [(str(item.volume), str(item.location), facts.volumes.get(str(item.volume))) for item in items]
    return Moved(
        few(
            [(here.projects, _file_name(item, files[item.file])) for item in items],
            [(here.projects, _folder_name(item, files[item.file])) for item in items],
            [(here.projects, _project(item, files[item.file])) for item in items],
        ),
        few(
            [on_volume(volume, key.rpartition("/")[0], known, here) for volume, key, known in volumes],
            [on_volume(volume, "", known, here) for volume, _, known in volumes],
        ),
    )


def _project(item: ExportItem, file: File | None) -> str:
    return item.project or (file.project if file is not None else None) or "unknown"


def _folder_name(item: ExportItem, file: File | None) -> str:
    return in_folders(_project(item, file), item.path or "")


def _file_name(item: ExportItem, file: File | None) -> str:
    name = item.name or (file.name if file is not None else "")
    if item.path is None or not name:
        return in_folders(_project(item, file), item.file)
    return in_folders(_folder_name(item, file), name)
