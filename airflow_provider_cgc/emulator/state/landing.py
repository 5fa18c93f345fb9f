"""The landing of imported objects in a project: the names that they get, the folders that are made for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from airflow_provider_cgc.emulator.state.bucket import Bucket
from airflow_provider_cgc.emulator.state.errors import PlatformError
from airflow_provider_cgc.emulator.state.nouns import File, StoredObject, Volume
from airflow_provider_cgc.emulator.state.orders import ImportOrder
from airflow_provider_cgc.emulator.state.world import World


@dataclass(frozen=True, slots=True)
class _Target:
    """The target of one object: these folders, and its name in the last of them."""

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
        self._name = name
        if not order.folder:
            self._targets = self._one()
        elif order.preserve_folder_structure:
            self._targets = self._whole()
        else:
            self._targets = self._flat()

    def carry_out(self, now: float) -> File | None:
        """Make the aliases; return what the job shows as its result: the file, or the folder that they went to."""
        made = [self._alias(target, now) for target in self._targets]
        if not self._order.folder:
            return made[0] if made else None
        if not self._order.preserve_folder_structure:
            return self._folder
        return self._subfolder(self._folder, self._name, now)

    def _one(self) -> list[_Target]:
        location = self._order.location
        stored = self._bucket.get(self._volume.key(location))
        if stored is None:
            below = self._bucket.below(self._volume.key(location + "/"))
            if self._world.options.bare_folder == "nothing" and any(below):
                return []
            raise PlatformError(9105)
        if self._order.autorename:
            self._name = self._world.files.free_name(self._folder.id, self._name)
        return [self._checked(_Target((self._name,), location, stored))]

    def _whole(self) -> list[_Target]:
        below = self._below()
        standing = self._world.files.named(self._folder.id, self._name)
        if self._order.autorename:
            self._name = self._world.files.free_name(self._folder.id, self._name)
        elif standing is not None and not (self._order.overwrite and standing.folder):
            raise PlatformError(9108)
        targets = [self._checked(_Target((self._name, *path), location, stored)) for path, location, stored in below]
        folders = {target.path[:depth] for target in targets for depth in range(1, len(target.path))}
        if any(target.path in folders for target in targets):  # a bucket may hold `a` and `a/b`, a folder cannot
            raise PlatformError(9108)
        return targets

    def _flat(self) -> list[_Target]:
        targets: dict[str, _Target] = {}
        for path, location, stored in self._below():
            name = path[-1]
            if self._order.autorename:
                name = self._world.files.free_name(self._folder.id, name, targets)
            elif name in targets and not self._order.overwrite:
                raise PlatformError(9108)
            targets[name] = self._checked(_Target((name,), location, stored))
        return list(targets.values())

    def _below(self) -> list[tuple[list[str], str, StoredObject]]:
        """Return the objects of the folder: the path from there on, the location on the volume, the object.

        choice: the placeholders with which a bucket marks folders make neither files nor folders.
        """
        found = []
        start = len(self._volume.key(self._order.location))
        for key in self._bucket.below(self._volume.key(self._order.location)):
            if not key.endswith("/"):
                found.append((key[start:].split("/"), self._volume.location_of(key), self._bucket[key]))
        if not found and self._world.options.empty_folder == "fails":
            raise PlatformError(9105)
        return found

    def _checked(self, target: _Target) -> _Target:
        """Return a target that is free or may be overwritten."""
        *folders, last = self._standing(target.path)
        if any(found is not None and not found.folder for found in folders):
            raise PlatformError(9108)
        if last is not None and (last.folder or not self._order.overwrite):
            raise PlatformError(9108)
        return target

    def _standing(self, path: tuple[str, ...]) -> Iterator[File | None]:
        """Yield the files and folders that have these names already, one below the other."""
        found: File | None = self._folder
        for name in path:
            found = self._world.files.named(found.id, name) if found else None
            yield found

    def _alias(self, target: _Target, now: float) -> File:
        folder = self._folder
        for name in target.path[:-1]:
            folder = self._subfolder(folder, name, now)
        standing = self._world.files.named(folder.id, target.path[-1])
        if standing is not None:
            self._world.files.remove(standing)
        alias = File(self._world.new_file_id(), target.path[-1], "", None, now, now, size=target.stored.size)
        alias.become_alias(self._volume.id, target.location, now)
        return self._add(folder, alias)

    def _subfolder(self, folder: File, name: str, now: float) -> File:
        standing = self._world.files.named(folder.id, name)
        return standing or self._add(folder, File(self._world.new_file_id(), name, "", None, now, now, folder=True))

    def _add(self, folder: File, file: File) -> File:
        file.project, file.parent = folder.project, folder.id
        self._world.files.add(file)
        return file

    @property
    def _bucket(self) -> Bucket:
        return self._world.buckets[self._volume.bucket]
