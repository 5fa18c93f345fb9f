"""The changes of files: names, tags, metadata, alone and in bulk."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from airflow_provider_cgc.emulator.options import Options
from airflow_provider_cgc.emulator.state.errors import PlatformError
from airflow_provider_cgc.emulator.state.nouns import MAX_NAME, File, User
from airflow_provider_cgc.emulator.state.world import World

MAX_PAIRS = 1000
MAX_KEY = 100  # bytes
MAX_VALUE = 300  # bytes

Metadata: TypeAlias = dict[str, str | None]
Part: TypeAlias = Literal["name", "metadata", "tags"]

# choice: each part's own code for who may not write to the project, and for a folder, in this order.
_FORBIDDEN: dict[Part, int] = {"name": 5008, "metadata": 5009, "tags": 5011}
_NOT_OF_A_FOLDER: dict[Part, int] = {"name": 5023, "metadata": 5025, "tags": 5027}


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one file; None for a part that stays as it is.

    :param merge: add the metadata to what is there, rather than replace it.
    :param add: the same for the tags.
    """

    name: Any = None
    metadata: Any = None
    tags: Any = None
    merge: bool = False
    add: bool = False

    def carry_out(self, world: World, user: User, file: File) -> File:
        """Change a file in all its parts, or in none.

        :raises PlatformError: why it cannot.
        """
        scripted = world.scripted_failure("edit", None, file.id, file.name)
        if scripted:
            raise scripted
        asked: list[Part] = [part for part in _FORBIDDEN if getattr(self, part) is not None]
        _refuse(world, user, file, asked)
        name = file.name if self.name is None else _free_name(world, file, self.name)
        metadata = file.metadata if self.metadata is None else self._metadata(world.options, file)
        tags = file.tags if self.tags is None else self._tags(file)
        if name != file.name:
            world.files.rename(file, name)
        file.metadata, file.tags = metadata, tags
        if asked:
            file.modified = world.clock.now()
        return file

    def _metadata(self, options: Options, file: File) -> Metadata:
        sent = _checked_metadata(self.metadata, options)
        metadata = {**file.metadata, **sent} if self.merge else sent
        if options.null_metadata == "removed":
            metadata = {key: value for key, value in metadata.items() if value is not None}
        if len(metadata) > MAX_PAIRS:
            raise PlatformError(5006, f"Metadata is not valid: more than {MAX_PAIRS} pairs.")
        return metadata

    def _tags(self, file: File) -> tuple[str, ...]:
        if not isinstance(self.tags, list) or not all(isinstance(tag, str) for tag in self.tags):
            raise PlatformError(5033, "Request is not valid: tags is not a list of texts.")
        return tuple(dict.fromkeys([*(file.tags if self.add else ()), *self.tags]))


def edit(item: dict[str, Any], options: Options) -> Change:
    """Read an item of a bulk edit, which keeps what it does not name."""
    return Change(item.get("name"), item.get("metadata"), item.get("tags"), merge=True, add=options.edit_tags == "add")


def update(item: dict[str, Any], options: Options) -> Change:
    """Read an item of a bulk update, which erases what it does not name. choice: all but the name."""
    metadata, tags = item.get("metadata"), item.get("tags")
    return Change(item.get("name"), {} if metadata is None else metadata, [] if tags is None else tags)


def change_item(world: World, user: User, item: Any, read: Callable[[dict[str, Any], Options], Change]) -> File:
    """Do one item of a bulk call.

    :raises PlatformError: 5033 for no object, 5004 without an id, 5002 for no file; and why it cannot be changed.
    """
    if not isinstance(item, dict):
        raise PlatformError(5033)
    # Three sites of the vendor print the key as `file_id`, the clients send `id`.
    file_id = item.get("id") or (item.get("file_id") if world.options.edit_key == "both" else None)
    if not isinstance(file_id, str) or not file_id:
        raise PlatformError(5004)
    return read(item, world.options).carry_out(world, user, world.file(file_id))


def _refuse(world: World, user: User, file: File, asked: list[Part]) -> None:
    if not asked:
        return
    if not world.project(file.project).writable_by(user):
        raise PlatformError(_FORBIDDEN[asked[0]])
    if file.folder:
        raise PlatformError(_NOT_OF_A_FOLDER[asked[0]])


def checked_name(name: Any) -> str:
    """Read the name of a file or folder.

    :raises PlatformError: 5024 for one that is empty, too long or has a slash.
    """
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or "/" in name:
        raise PlatformError(5024, f"Name is not valid: it must be 1 to {MAX_NAME} characters, no slash.")
    return name


def _free_name(world: World, file: File, wanted: Any) -> str:
    name = checked_name(wanted)
    if world.files.named(file.parent or "", name) not in (None, file):
        raise PlatformError(5003)
    return name


def _checked_metadata(metadata: Any, options: Options) -> Metadata:
    if not isinstance(metadata, dict):
        raise PlatformError(5006, "Metadata is not valid: it is not an object.")
    return {
        _checked_key(key): _checked_value(key, value, options)
        for key, value in metadata.items()
        if value is not None or options.null_metadata != "ignored"
    }


def _checked_key(key: str) -> str:
    if not 0 < _bytes(key) <= MAX_KEY:
        raise PlatformError(5006, f"Metadata is not valid: key {key!r} is not 1 to {MAX_KEY} bytes.")
    return key


def _checked_value(key: str, value: Any, options: Options) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool | int | float) and options.odd_metadata == "converted":
        value = json.dumps(value)
    if not isinstance(value, str):
        raise PlatformError(5006, f"Metadata is not valid: the value of {key!r} is not a text.")
    if _bytes(value) > MAX_VALUE:
        raise PlatformError(5006, f"Metadata is not valid: the value of {key!r} is longer than {MAX_VALUE} bytes.")
    return value


def _bytes(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:  # JSON can spell half of a pair of surrogates
        raise PlatformError(5006, "Metadata is not valid: it is not UTF-8.") from error
