"""The datasets of imports: objects that are read, and files of projects that are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from airflow_provider_cgc.jobs.datasets import Moved, Namespaces, few, in_folders, on_volume

if TYPE_CHECKING:
    from airflow_provider_cgc.client.models import Volume
    from airflow_provider_cgc.jobs.imports.item import ImportKey


def datasets_of(
    keys: Iterable[ImportKey], *, volumes: Mapping[str, Volume], projects: Mapping[str, str], here: Namespaces
) -> Moved:
    """
    Name the datasets that items are read from and written to.

    Objects as long as there are few; else their folders, else the volumes. Files by project and path, below a folder
    that was given by its id by that; if there are many, their folders, else their projects.

    :param projects: by destination, its project.
    """
    objects, files = [], []
    for key in keys:
        project = projects.get(key.destination, key.destination)
        folder = "" if project == key.destination else key.destination
        objects.append((key.volume, key.location, volumes.get(key.volume)))
        files.append((project, in_folders(folder, key.name)))
    return Moved(
        few(
            [on_volume(volume, location, known, here) for volume, location, known in objects],
            [on_volume(volume, location.rpartition("/")[0], known, here) for volume, location, known in objects],
            [on_volume(volume, "", known, here) for volume, _, known in objects],
        ),
        few(
            [(here.projects, in_folders(project, path)) for project, path in files],
            [(here.projects, in_folders(project, path.rpartition("/")[0])) for project, path in files],
            [(here.projects, project) for project, _ in files],
        ),
    )
