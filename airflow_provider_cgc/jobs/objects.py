"""The wanted objects that are on a volume, with their sizes: few requests, and no walk through other people's objects.

The platform lists one folder at a time, a hundred entries a request: see `client.volumes.contents`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient


class Destination(Protocol):
    """A volume, and a key below its prefix."""

    @property
    def volume(self) -> str: ...
    @property
    def location(self) -> str: ...


DestinationT = TypeVar("DestinationT", bound=Destination)

MOST_STARTS = 20
"""Folders to begin a listing at, at most: each costs a request, even if it does not exist."""


def objects_at(client: CgcClient, volume: str, locations: Collection[str]) -> dict[str, int | None]:
    """
    Return the sizes in bytes of the objects at these keys, None where the volume gives none.

    Only folders that lead to one of the keys are listed, and only if they exist. Raises `CgcError`.
    """
    wanted = set(locations)
    folders = {"/".join(parts[:depth]) for parts in map(_parts, wanted) for depth in range(1, len(parts) + 1)}
    return {
        found.location: found.size
        for start in _starts(wanted)
        for found in client.volumes.contents(volume, prefix=start, into=lambda folder: folder.strip("/") in folders)
        if found.location in wanted
    }


def sizes_of(client: CgcClient, keys: Collection[DestinationT]) -> dict[DestinationT, int | None]:
    """Return the sizes in bytes of the objects that exist, on any number of volumes. Raises `CgcError`."""
    there = {
        volume: objects_at(client, volume, [key.location for key in keys if key.volume == volume])
        for volume in {key.volume for key in keys}
    }
    return {key: there[key.volume][key.location] for key in keys if key.location in there[key.volume]}


def common_folder(locations: Iterable[str]) -> str:
    """Return the folder, with its slash, that contains all keys; "" if they have none in common."""
    common: list[str] = []
    for parts in zip(*map(_parts, locations), strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return _folder(common)


def _starts(wanted: Collection[str]) -> list[str]:
    """
    Return the folders to begin at, as deep as that costs few requests.

    A folder further up, which contains none of the keys itself, may hold a million objects of others.
    """
    starts = [common_folder(wanted)] if wanted else []
    while True:
        deeper = sorted({below for start in starts for below in _below(start, wanted)})
        if deeper == starts or len(deeper) > MOST_STARTS:
            return starts
        starts = deeper


def _below(folder: str, wanted: Collection[str]) -> set[str]:
    """Return the next folders on the way to the keys below this one; the folder itself if a key is in it."""
    depth = folder.count("/")
    inside = [_parts(key) for key in wanted if key.startswith(folder)]
    if any(len(parts) == depth for parts in inside):
        return {folder}
    return {_folder(parts[: depth + 1]) for parts in inside}


def _parts(key: str) -> list[str]:
    """Return the folders of a key."""
    return key.split("/")[:-1]


def _folder(parts: Sequence[str]) -> str:
    return "".join(f"{part}/" for part in parts)
