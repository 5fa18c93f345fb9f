"""The lines of a sidecar: what the platform knows about exported files, as items that an import takes.

Pure: neither the platform nor a storage is asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_cgc.jobs.exports.item import ExportItem, ExportKey

if TYPE_CHECKING:
    from airflow_provider_cgc.client.models import File
    from airflow_provider_cgc.jobs.submitting.account import Account

Line = Mapping[str, Any]
"""One file: its object, its name, folders and project on the platform, its metadata and tags, and the task."""
SETTLED = "settled"
"""The key of a line that is not final yet, for an object that is there without a job of this task."""


class Sidecar(Protocol):
    """The file that is written when all jobs have ended."""

    def finish(self, account: Account) -> str | None:
        """Write the lines of all files that are on the volume; return what cannot be known yet, in a sentence."""


def key_of(line: Line) -> ExportKey:
    """Return the key of a line's item."""
    return ExportKey(line["file"], line["volume"], line["location"])


def line_of(key: ExportKey, item: ExportItem, file: File | None) -> dict[str, Any]:
    """
    Return the line of a file; without `file`, because the platform does not show it, metadata and tags are None.

    An import keeps text only: numbers and booleans are written as JSON writes them, and a null is no value. Lists and
    objects are kept as `other_metadata`, which an import ignores.
    """
    known: dict[str, Any] = {
        "volume": key.volume,
        "location": key.location,
        "file": key.file,
        "source_name": item.name,
        "size": item.size,
        "path": item.path,
        "source_project": item.project,
        "metadata": None,
        "tags": None,
        "origin_task": None,
    }
    if file is None:
        return known
    others = {name: value for name, value in file.metadata.items() if isinstance(value, list | dict)}
    told = {
        "source_name": file.name or None,
        "size": file.size,
        "source_project": file.project,
        "origin_task": file.origin_task,
    }
    known |= {name: value for name, value in told.items() if value is not None}
    known["metadata"] = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in file.metadata.items()
        if value is not None and name not in others
    }
    # Of tags that are empty nothing is left in an import.
    known["tags"] = [tag for tag in file.tags if tag.strip()]
    return known | ({"other_metadata": others} if others else {})


def on_the_volume(planned: Mapping[ExportKey, Line], account: Account) -> tuple[list[dict[str, Any]], list[ExportKey]]:
    """Return the lines of all files whose objects are there at the end, and the keys of those that have no line."""
    there = {ExportKey(*key) for key in (*account.done(), *account.found_there)}
    there |= {key for key, line in planned.items() if line.get(SETTLED)}
    there = {key for key in there if not account.has_failed(key)}
    found = [line for key, line in planned.items() if key in there]
    final = [{name: value for name, value in line.items() if name != SETTLED} for line in found]
    return final, sorted(there - planned.keys())
