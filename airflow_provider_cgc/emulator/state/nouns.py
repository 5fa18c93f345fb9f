"""The platform's nouns: users, projects, files, volumes and the objects in their buckets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

MAX_NAME = 255  # characters of a file's name

Jobs: TypeAlias = Literal["exports", "imports"]
"""A kind of jobs, as in the paths of the API."""


@dataclass(frozen=True, slots=True)
class User:
    """A user of the platform."""

    name: str


@dataclass(frozen=True, slots=True)
class Project:
    """Holds files; `location` is cloud and region, which must match a volume's for exports."""

    id: str
    name: str
    root: str
    location: str
    created: float
    # None: everyone who sees the project may write to it.
    writers: frozenset[str] | None = None

    @property
    def owner(self) -> str:
        """The first half of the id."""
        return self.id.split("/")[0]

    def writable_by(self, user: User) -> bool:
        """Return True if a user may put files into it."""
        return self.writers is None or user.name in self.writers


@dataclass(slots=True)
class File:
    """A file or a folder. An alias has `volume` and `location`; its bytes lie on the volume."""

    id: str
    name: str
    project: str
    parent: str | None
    created: float
    modified: float
    size: int = 0
    folder: bool = False
    hosted_on: str = ""
    volume: str | None = None
    location: str | None = None
    # Archived, or a copy of a public file: no field of the API shows it, the export is refused all the same.
    frozen: bool = False
    # The platform has lost the bytes: no field shows it, the export is accepted and FAILED later.
    unreadable: bool = False
    task: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, str | None] = field(default_factory=dict)
    deleted: bool = False

    @property
    def exportable(self) -> bool:
        """True if the platform itself holds the bytes and exports them."""
        return not (self.folder or self.frozen or self.volume is not None)

    def become_alias(self, volume: str, location: str, now: float) -> None:
        """Become the alias that a move leaves behind: the same id, the bytes on the volume."""
        self.volume, self.location, self.modified = volume, location, now


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object in a bucket."""

    size: int
    modified: float


@dataclass(slots=True)
class Volume:
    """A bucket of the user's own, or the part of it below `prefix`."""

    id: str
    bucket: str
    location: str
    endpoint: str
    created: float
    modified: float
    access_mode: str = "RW"
    prefix: str = ""
    active: bool = True
    description: str = ""
    # None: everyone who sees the volume may export to it, or import from it.
    writers: frozenset[str] | None = None
    copiers: frozenset[str] | None = None
    properties: dict[str, Any] = field(default_factory=lambda: {"sse_algorithm": "AES256"})

    @property
    def name(self) -> str:
        """The second half of the id."""
        return self.id.split("/")[1]

    def key(self, location: str) -> str:
        """Return the key in the bucket of a location on this volume."""
        if not self.prefix:
            return location
        return f"{self.prefix.rstrip('/')}/{location}"

    def location_of(self, key: str) -> str:
        """Return the location on this volume of a key in the bucket."""
        return key[len(self.key("")) :]

    def writable_by(self, user: User) -> bool:
        """Return True if a user has the write permission, which an export needs."""
        return self.writers is None or user.name in self.writers

    def copyable_by(self, user: User) -> bool:
        """Return True if a user has the copy permission, which an import needs."""
        return self.copiers is None or user.name in self.copiers
