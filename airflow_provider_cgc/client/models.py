"""What the platform's objects are: frozen values read from JSON.

Unknown fields pass and stay in `raw`, absent fields are None, and an unheard-of state is still an active job.
Shapes: https://docs.cancergenomicscloud.org/reference (volumes, exports, files, projects).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from airflow_provider_cgc.client.errors import CgcUnreadableError
from airflow_provider_cgc.client.headers import RateLimit, epoch_seconds
from airflow_provider_cgc.client.problems import Problem, one_line

__all__ = [
    "BulkRecord",
    "ExportJob",
    "File",
    "JobState",
    "Page",
    "Project",
    "RateLimit",
    "User",
    "Volume",
    "VolumeObject",
    "rate_limit_from_json",
]

T = TypeVar("T")
Json = Mapping[str, Any]


class JobState(StrEnum):
    """The four documented states of an export or import job, and the one that stands for all others."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"

    @property
    def done(self) -> bool:
        return self in (JobState.COMPLETED, JobState.FAILED)

    @classmethod
    def judge(cls, text: str, *, ended: bool) -> JobState:
        """The state that a text means; an unheard-of one is active, unless the job shows signs of an end."""
        name = text.strip().upper()
        if name in cls.__members__ and name != cls.UNKNOWN.name:
            return cls[name]
        return cls.FAILED if ended else cls.UNKNOWN


@dataclass(frozen=True, slots=True)
class ExportJob:
    """One export of one file to one place on a volume.

    `state_text` is the state as the platform wrote it. `started_on` is when the job was submitted, also while it
    is PENDING. `size` is the exported file's, in bytes, where the answer has a `result`.
    """

    id: str
    state: JobState
    state_text: str = ""
    file: str | None = None
    volume: str | None = None
    location: str | None = None
    overwrite: bool = False
    properties: Json = field(hash=False, default_factory=dict)
    started_on: datetime | None = None
    finished_on: datetime | None = None
    error: Problem | None = None
    size: int | None = None
    raw: Json = field(repr=False, compare=False, default_factory=dict)

    @property
    def done(self) -> bool:
        return self.state.done

    @property
    def completed(self) -> bool:
        return self.state is JobState.COMPLETED

    @property
    def failed(self) -> bool:
        return self.state is JobState.FAILED

    @classmethod
    def from_json(cls, raw: object) -> ExportJob:
        """Raises `CgcUnreadableError` unless `raw` is an object with an id."""
        job = _object(raw, "export job")
        source, destination = _mapping(job.get("source")), _mapping(job.get("destination"))
        error = Problem.from_json(job.get("error"))
        finished_on = _time(job.get("finished_on"))
        state_text = one_line(job.get("state"), 60)
        return cls(
            id=_id(job, "export job"),
            state=JobState.judge(state_text, ended=bool(error or finished_on)),
            state_text=state_text,
            file=_text(source.get("file")),
            volume=_text(destination.get("volume")),
            location=_text(destination.get("location")),
            overwrite=_truth(job.get("overwrite")),
            properties=_mapping(job.get("properties")),
            started_on=_time(job.get("started_on")),
            finished_on=finished_on,
            error=error,
            size=_size(_mapping(job.get("result")).get("size")),
            raw=job,
        )


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

    @property
    def is_folder(self) -> bool:
        return self.type == "folder"

    @property
    def is_alias(self) -> bool:
        """The bytes are on a volume, at `volume` and `location`: it can be read, not exported."""
        return self.storage_type == "VOLUME"

    @classmethod
    def from_json(cls, raw: object) -> File:
        """Raises `CgcUnreadableError` unless `raw` is an object with an id."""
        item = _object(raw, "file")
        storage = _mapping(item.get("storage"))
        tags = item.get("tags")
        return cls(
            id=_id(item, "file"),
            name=_text(item.get("name")) or "",
            size=_size(item.get("size")),
            project=_text(item.get("project")),
            parent=_text(item.get("parent")),
            type=(_text(item.get("type")) or "file").lower(),
            storage_type=_upper(storage.get("type")),
            volume=_text(storage.get("volume")),
            location=_text(storage.get("location")),
            created_on=_time(item.get("created_on")),
            modified_on=_time(item.get("modified_on")),
            tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
            metadata=_mapping(item.get("metadata")),
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
        """Raises `CgcUnreadableError` unless `raw` is an object with an id."""
        item = _object(raw, "volume")
        service = _mapping(item.get("service"))
        active = item.get("active")
        return cls(
            id=_id(item, "volume"),
            name=_text(item.get("name")) or "",
            access_mode=_upper(item.get("access_mode")),
            active=None if active is None else _truth(active),
            service_type=(_text(service.get("type")) or "").lower() or None,
            bucket=_text(service.get("bucket")),
            prefix=_text(service.get("prefix")),
            region=_text(service.get("region")) or _region_of(_text(service.get("endpoint"))),
            raw=item,
        )


@dataclass(frozen=True, slots=True)
class VolumeObject:
    """One object on a volume. `size` in bytes, where the listing gives one."""

    location: str
    volume: str | None = None
    size: int | None = None
    raw: Json = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_json(cls, raw: object) -> VolumeObject:
        """Raises `CgcUnreadableError` unless `raw` is an object with a location."""
        item = _object(raw, "object of a volume")
        location = _text(item.get("location"))
        if location is None:
            raise CgcUnreadableError("the platform listed an object of a volume without a location")
        metadata = _mapping(item.get("metadata"))
        sizes = (item.get("size"), metadata.get("size"), metadata.get("content-length"))
        return cls(
            location=location,
            volume=_text(item.get("volume")),
            size=next((size for size in map(_size, sizes) if size is not None), None),
            raw=item,
        )


@dataclass(frozen=True, slots=True)
class Project:
    """A project; `location` is its cloud and region ("aws:us-east-1"), which an export's volume must share."""

    id: str
    name: str = ""
    location: str | None = None
    raw: Json = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_json(cls, raw: object) -> Project:
        """Raises `CgcUnreadableError` unless `raw` is an object with an id."""
        item = _object(raw, "project")
        settings = _mapping(item.get("settings"))
        return cls(
            id=_id(item, "project"),
            name=_text(item.get("name")) or "",
            location=_text(settings.get("location")),
            raw=item,
        )


@dataclass(frozen=True, slots=True)
class User:
    """Whom the token belongs to."""

    username: str
    email: str | None = None
    raw: Json = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_json(cls, raw: object) -> User:
        """Raises `CgcUnreadableError` unless `raw` is an object with a username."""
        item = _object(raw, "user")
        username = _text(item.get("username"))
        if username is None:
            raise CgcUnreadableError("the platform described a user without a username")
        return cls(username=username, email=_text(item.get("email")), raw=item)


@dataclass(frozen=True, slots=True)
class BulkRecord(Generic[T]):
    """What one item of a bulk call came to: a resource, or the problem that stands in its place."""

    id: str | None
    resource: T | None = None
    error: Problem | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. `total` counts all pages, where told; `date` is the platform's clock at the answer."""

    items: tuple[T, ...]
    total: int | None
    next: str | None = field(repr=False)
    date: datetime | None

    @classmethod
    def from_json(
        cls, raw: object, parse: Callable[[object], T], *, total: int | None = None, date: datetime | None = None
    ) -> Page[T]:
        """Raises `CgcUnreadableError` unless `raw` has a list of items."""
        page = _object(raw, "list")
        items = page.get("items")
        if not isinstance(items, list):
            raise CgcUnreadableError("the platform answered a list without 'items'")
        return cls(tuple(parse(item) for item in items), total, _next_link(page.get("links")), date)


def rate_limit_from_json(raw: object) -> RateLimit:
    """The body of `GET /rate_limit`; raises `CgcUnreadableError` when it is none."""
    rate = _mapping(_object(raw, "rate limit").get("rate"))
    limit, remaining = rate.get("limit"), rate.get("remaining")
    reset = epoch_seconds(rate.get("reset"))
    if not isinstance(limit, int) or not isinstance(remaining, int) or reset is None:
        raise CgcUnreadableError("the platform described the rate limit without limit, remaining and reset")
    return RateLimit(limit=limit, remaining=remaining, reset=reset)


def _next_link(links: object) -> str | None:
    """Two shapes are documented: `{"rel": "next", "href": url}`, and for a volume's contents `{"next": url}`."""
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping):
            href = link.get("href") if link.get("rel") == "next" else link.get("next")
            if isinstance(href, str) and href:
                return href
    return None


def _object(raw: object, what: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise CgcUnreadableError(f"the platform answered no {what} but {type(raw).__name__}")
    return raw


def _id(item: Json, what: str) -> str:
    value = item.get("id")
    if not isinstance(value, str) or not value:
        raise CgcUnreadableError(f"the platform described a {what} without an id")
    return value


def _mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _upper(value: object) -> str | None:
    text = _text(value)
    return None if text is None else text.upper()


def _truth(value: object) -> bool:
    """Flags come as JSON booleans, and from some clients as text."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def _size(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _time(value: object) -> datetime | None:
    """ISO 8601 with "Z" or an offset; a time without either is UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _region_of(endpoint: str | None) -> str | None:
    """The region that an S3 endpoint names: "s3.eu-west-1.amazonaws.com" and "s3-eu-west-1..." do, others do not."""
    if not endpoint or not endpoint.endswith(".amazonaws.com"):
        return None
    name = endpoint.split("//")[-1].removesuffix(".amazonaws.com").removeprefix("s3").lstrip(".-")
    return name if name.count("-") >= 2 and name.replace("-", "").isalnum() else None
