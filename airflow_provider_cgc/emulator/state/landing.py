"""Knows where imported objects land in a project: which names they get, which folders are made for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from airflow_provider_cgc.emulator.state.bucket import Bucket
from airflow_provider_cgc.emulator.state.errors import PlatformError
from airflow_provider_cgc.emulator.state.nouns import File, StoredObject, Volume
from airflow_provider_cgc.emulator.state.orders import ImportOrder
from airflow_provider_cgc.emulator.state.world import World


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one object goes: through these folders, under the last name."""

    path: tuple[str, ...]
    location: str
    stored: StoredObject


class Landing:
    """An import that can be done.

    choice: `autorename` wins over `overwrite`, because nothing is lost; a folder that is imported over a folder of
    its name with `overwrite` is merged into it, its files over those of the same name; the file that overwrites
    another has an id of its own.

    :raises PlatformError: 9105 if the object or folder is not there, 9108 if its name is taken; nothing has changed.
    """

    def __init__(self, world: World, volume: Volume, folder: File, order: ImportOrder, name: str) -> None:
        self._world = world
        self._volume = volume
        self._folder = folder
        self._order = order
        if not order.folder:
            self._places = self._one(name)
        elif order.preserve_folder_structure:
            self._places = self._whole(name)
        else:
            self._places = self._flat()

    def carry_out(self, now: float) -> File:
        """Make the aliases; what the job shows as its result: the file, the folder, or where a flat one went."""
        made = [self._alias(place, now) for place in self._places]
        if not self._order.folder:
            return made[0]
        if not self._order.preserve_folder_structure:
            return self._folder
        top = self._world.files.named(self._folder.id, self._places[0].path[0])
        assert top is not None  # its files have just been put into it
        return top

    def _one(self, name: str) -> list[_Place]:
        location = self._order.location
        stored = self._bucket.get(self._volume.key(location))
        if stored is None:
            raise PlatformError(9105)
        if self._order.autorename:
            name = self._world.files.free_name(self._folder.id, name)
        return [self._checked(_Place((name,), location, stored))]

    def _whole(self, name: str) -> list[_Place]:
        if self._order.autorename:
            name = self._world.files.free_name(self._folder.id, name)
        elif self._world.files.named(self._folder.id, name) is not None and not self._order.overwrite:
            raise PlatformError(9108)
        places = [self._checked(_Place((name, *path), location, stored)) for path, location, stored in self._below()]
        folders = {place.path[:depth] for place in places for depth in range(1, len(place.path))}
        if any(place.path in folders for place in places):  # a bucket may hold `a` and `a/b`, a folder cannot
            raise PlatformError(9108)
        return places

    def _flat(self) -> list[_Place]:
        places: dict[str, _Place] = {}
        for path, location, stored in self._below():
            name = path[-1]
            if self._order.autorename:
                name = self._world.files.free_name(self._folder.id, name, places)
            elif name in places and not self._order.overwrite:
                raise PlatformError(9108)
            places[name] = self._checked(_Place((name,), location, stored))
        return list(places.values())

    def _below(self) -> list[tuple[list[str], str, StoredObject]]:
        """The objects of the folder: the path from there on, the location on the volume, the object."""
        found = []
        start = len(self._volume.key(self._order.location))
        for key in self._bucket.below(self._volume.key(self._order.location)):
            found.append((key[start:].split("/"), self._volume.location_of(key), self._bucket[key]))
        if not found:
            raise PlatformError(9105)
        return found

    def _checked(self, place: _Place) -> _Place:
        """A place that is free or may be overwritten."""
        *folders, last = self._standing(place.path)
        if any(found is not None and not found.folder for found in folders):
            raise PlatformError(9108)
        if last is not None and (last.folder or not self._order.overwrite):
            raise PlatformError(9108)
        return place

    def _standing(self, path: tuple[str, ...]) -> Iterator[File | None]:
        """What has these names already, one below the other."""
        found: File | None = self._folder
        for name in path:
            found = self._world.files.named(found.id, name) if found else None
            yield found

    def _alias(self, place: _Place, now: float) -> File:
        folder = self._folder
        for name in place.path[:-1]:
            below = self._world.files.named(folder.id, name)
            folder = below or self._add(folder, File(self._world.new_file_id(), name, "", None, now, now, folder=True))
        standing = self._world.files.named(folder.id, place.path[-1])
        if standing is not None:
            self._world.files.remove(standing)
        alias = File(self._world.new_file_id(), place.path[-1], "", None, now, now, size=place.stored.size)
        alias.become_alias(self._volume.id, place.location, now)
        return self._add(folder, alias)

    def _add(self, folder: File, file: File) -> File:
        file.project, file.parent = folder.project, folder.id
        self._world.files.add(file)
        return file

    @property
    def _bucket(self) -> Bucket:
        return self._world.buckets[self._volume.bucket]
