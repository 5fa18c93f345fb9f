"""Files and folders of projects, volumes and the objects on them, as frozen values.

Shapes: https://docs.cancergenomicscloud.org/reference (files, volumes).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from airflow_provider_cgc.client.errors import CgcUnreadableError
from airflow_provider_cgc.client.models import fields
from airflow_provider_cgc.client.models.fields import Json

__all__ = ["File", "Volume", "VolumeObject"]


@dataclass(frozen=True, slots=True)
class File:
    """A file or folder on the platform. `size` in bytes. Ids are per project: a copy has an id of its own."""

    id: str
    name: str = ""
    size: int | None = None
    project: str | None = None
    parent: str | None = None
    type: str = "file"
    storage_type: str | None = None
    volume: str | None = None
    location: str | None = None
    created_on: datetime | None = None
    modified_on: datetime | None = None
    tags: tuple[str, ...] = ()
    metadata: Json = field(hash=False, default_factory=dict)
    raw: Json = field(repr=False, compare=False, default_factory=dict)
    volume_prefix: str | None = None
    """The volume's own prefix, if it was asked for: some answers may put it before `location`."""

    @property
    def is_folder(self) -> bool:
        return self.type == "folder"

    @property
    def is_alias(self) -> bool:
        """The bytes are on a volume, at `volume` and `location`: it can be read, not exported."""
        return self.storage_type == "VOLUME"

    @property
    def origin_task(self) -> str | None:
        """The id of the task that made it; None for a file that was uploaded or imported."""
        return fields.text(fields.mapping(self.raw.get("origin")).get("task"))

    def is_alias_of(self, volume: str | None, location: str | None) -> bool:
        """Return True if this is an alias of exactly that object; False if volume or location are left out."""
        if not self.is_alias or None in (volume, location, self.location) or self.volume != volume:
            return False
        prefix = (self.volume_prefix or "").strip("/")
        return str(self.location).lstrip("/") in (location, f"{prefix}/{location}".lstrip("/"))

    def may_be_alias_of(self, volume: str, location: str) -> bool:
        """Return True unless what the platform sent rules that object out; any prefix may come before the key."""
        if not self.is_alias or self.volume not in (None, volume):
            return False
        return self.location is None or f"/{self.location}".endswith(f"/{location}")

    @classmethod
    def from_json(cls, raw: object) -> File:
        """Read the platform's JSON; raises `CgcUnreadableError` unless `raw` is an object with an id."""
        item = fields.object_of(raw, "file")
        storage = fields.mapping(item.get("storage"))
        tags = item.get("tags")
        return cls(
            id=fields.id_of(item, "file"),
            name=fields.text(item.get("name")) or "",
            size=fields.size(item.get("size")),
            project=fields.text(item.get("project")),
            parent=fields.text(item.get("parent")),
            type=(fields.text(item.get("type")) or "file").lower(),
            storage_type=fields.upper(storage.get("type")),
            volume=fields.text(storage.get("volume")),
            location=fields.text(storage.get("location")),
            created_on=fields.time(item.get("created_on")),
            modified_on=fields.time(item.get("modified_on")),
            tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
            metadata=fields.mapping(item.get("metadata")),
            raw=item,
        )


@dataclass(frozen=True, slots=True)
class Volume:
    """A bucket as the platform knows it; `active` is None in an abbreviated list."""

    id: str
    name: str = ""
    access_mode: str | None = None
    active: bool | None = None
    service_type: str | None = None
    bucket: str | None = None
    prefix: str | None = None
    region: str | None = None
    raw: Json = field(repr=False, compare=False, default_factory=dict)

    @property
    def writable(self) -> bool:
        return self.access_mode == "RW"

    @classmethod
    def from_json(cls, raw: object) -> Volume:
        """Read the platform's JSON; raises `CgcUnreadableError` unless `raw` is an object with an id."""
        item = fields.object_of(raw, "volume")
        service = fields.mapping(item.get("service"))
        return cls(
            id=fields.id_of(item, "volume"),
            name=fields.text(item.get("name")) or "",
            access_mode=fields.upper(item.get("access_mode")),
            active=fields.flag(item.get("active")),
            service_type=(fields.text(service.get("type")) or "").lower() or None,
            bucket=fields.text(service.get("bucket")),
            prefix=fields.text(service.get("prefix")),
            region=fields.text(service.get("region")) or _region_of(fields.text(service.get("endpoint"))),
            raw=item,
        )


@dataclass(frozen=True, slots=True)
class VolumeObject:
    """One object on a volume. `size` in bytes, and the time of its last change, where the listing gives them."""

    location: str
    volume: str | None = None
    size: int | None = None
    raw: Json = field(repr=False, compare=False, default_factory=dict)
    modified_on: datetime | None = None

    @classmethod
    def from_json(cls, raw: object) -> VolumeObject:
        """Read the platform's JSON; raises `CgcUnreadableError` unless `raw` is an object with a location."""
        item = fields.object_of(raw, "object of a volume")
        location = fields.text(item.get("location"))
        if location is None:
            raise CgcUnreadableError("the platform listed an object of a volume without a location")
        metadata = fields.mapping(item.get("metadata"))
        # Which keys the metadata of an object has depends on the storage; those of S3 are documented nowhere.
        sizes = (item.get("size"), *_values(metadata, "size", "contentlength"))
        times = _values(metadata, "lastmodified", "updated")
        return cls(
            location=location,
            volume=fields.text(item.get("volume")),
            size=next((size for size in map(fields.size, sizes) if size is not None), None),
            raw=item,
            modified_on=next((moment for moment in map(fields.moment, times) if moment is not None), None),
        )


def _values(metadata: Json, *names: str) -> list[object]:
    """Return the values of keys that have one of these names but for their capitals, hyphens and underscores."""
    plain = [(re.sub("[-_]", "", key).lower(), value) for key, value in metadata.items()]
    return [value for name in names for key, value in plain if key == name]


_S3_ENDPOINT = re.compile(r"s3(-fips|-website)?[.-](?P<region>[a-z]{2}(-[a-z]+)+-[0-9]+)")


def _region_of(endpoint: str | None) -> str | None:
    """Return the region that an S3 endpoint names, such as "s3.eu-west-1.amazonaws.com" or "s3-eu-west-1..."."""
    if not endpoint or not endpoint.endswith(".amazonaws.com"):
        return None
    name = endpoint.split("//")[-1].removesuffix(".amazonaws.com")
    found = _S3_ENDPOINT.fullmatch(name)
    return found["region"] if found else None
