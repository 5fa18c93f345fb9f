"""The place of an export: what all of its items have in common, which the live snapshot shows from the start."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, ItemState
from airflow_provider_cgc.jobs.text import storable

if TYPE_CHECKING:
    from airflow_provider_cgc.client.models import File

MOST_NAME_BYTES = 4_000
"""Bytes of JSON that names of files may take in a trigger's row."""


def place_of(outcomes: Iterable[ItemOutcome], files: Mapping[str, File]) -> dict[str, Any]:
    """Return the volume and project that all items have in common, their bytes, and names; see `LiveView`."""
    moving = [one for one in outcomes if one.state is not ItemState.SKIPPED and not one.state.failed]
    items = [cast(ExportItem, one.item) for one in moving]
    shown = [files.get(item.file) for item in items]
    sizes = [file.size if file else one.size for one, file in zip(moving, shown, strict=True)]
    common = {"volume": {item.volume for item in items}, "project": {file.project for file in shown if file}}
    known = {name: seen.pop() for name, seen in common.items() if len(seen) == 1}
    names = _further_names(zip(items, shown, strict=True))
    total = {"bytes_total": sum(size for size in sizes if size)} if None not in sizes else {}
    return known | total | ({"names": names} if names else {})


def _further_names(moving: Iterable[tuple[ExportItem, File | None]]) -> dict[str, str]:
    """Return the names of files whose keys do not end with them, as many as fit into a trigger's row."""
    names: dict[str, str] = {}
    room = MOST_NAME_BYTES
    for item, file in moving:
        if file is None or not file.name or (item.location or "").rpartition("/")[2] == file.name:
            continue
        name = storable(file.name)
        room -= len(json.dumps({item.file: name}))
        if room < 0:
            break
        names[item.file] = name
    return names
