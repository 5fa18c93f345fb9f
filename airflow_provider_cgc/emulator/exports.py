"""Knows export jobs: what is refused at once, what fails later, what a move does to the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.emulator.errors import PlatformError
from airflow_provider_cgc.emulator.jobs import Job
from airflow_provider_cgc.emulator.model import File, StoredObject, User, Volume

if TYPE_CHECKING:
    from airflow_provider_cgc.emulator.world import World


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """One export as it was asked for."""

    file: str
    volume: str
    location: str
    overwrite: bool
    properties: dict[str, Any]
    copy_only: bool

    @classmethod
    def from_json(cls, body: Any, *, copy_only: bool) -> ExportOrder:
        """Read the body of a create call, or one item of a bulk create.

        :raises PlatformError: 9011 for a body of another shape.
        """
        body = _object(body, "export")
        source, destination = (
            _object(body.get("source"), "source"),
            _object(body.get("destination"), "destination"),
        )
        return cls(
            file=_text(source, "file"),
            volume=_text(destination, "volume"),
            location=_text(destination, "location"),
            overwrite=_flag(body.get("overwrite")),
            properties=_object(body.get("properties") or {}, "properties"),
            copy_only=copy_only,
        )


@dataclass(slots=True, eq=False, kw_only=True)
class ExportJob(Job):
    """One file on its way to a volume."""

    order: ExportOrder
    file: File
    volume: Volume
    properties: dict[str, Any]
    bucket: dict[str, StoredObject]
    scripted_failure: Callable[[File], PlatformError | None]

    @property
    def size(self) -> int:
        """Bytes to move."""
        return self.file.size

    def check(self) -> PlatformError | None:
        """An alias by now, an occupied key, or a failure that a test has scripted."""
        return self.scripted_failure(self.file) or self._obstacle()

    def finish(self, now: float) -> PlatformError | None:
        """Write the object; a move makes the file an alias of it."""
        obstacle = self._obstacle()
        if obstacle is None:
            self.bucket[self.volume.key(self.order.location)] = StoredObject(self.file.size, now)
            if not self.order.copy_only:
                self.file.become_alias(self.volume.id, self.order.location, now)
        return obstacle

    def _obstacle(self) -> PlatformError | None:
        # choice: the key is looked at when the job starts and again when it ends, so that of two jobs that
        # run side by side to one key the slower fails; the outcome of such a pair is not published.
        if not self.order.overwrite and self.volume.key(self.order.location) in self.bucket:
            return PlatformError(9107)
        if self.file.unreadable:
            return PlatformError(9109)
        if self.file.volume is not None:
            # choice: moved by another job while this one waited. 9109 is the job-level code for a file that
            # is gone; whether two exports of one file can run at once is not published.
            return PlatformError(9109)
        return None


def submit(world: World, user: User, order: ExportOrder) -> ExportJob:
    """Accept an export and queue it.

    :raises PlatformError: what the platform refuses at once. choice: the order of the checks, not published.
    """
    volume = _target(world, user, order)
    file = _source(world, order, volume)
    job = ExportJob(
        id=world.new_job_id(),
        user=user,
        created=world.clock.now(),
        order=order,
        file=file,
        volume=volume,
        properties={**volume.properties, **order.properties},
        bucket=world.buckets.setdefault(volume.bucket, {}),
        scripted_failure=lambda source: world.scripted_failure("job", source),
    )
    world.exports[job.id] = job
    world.queue.add(job)
    return job


def _target(world: World, user: User, order: ExportOrder) -> Volume:
    if not order.location:
        raise PlatformError(9011, "Request syntax is not valid: location is empty.")
    if order.location.endswith("/"):
        raise PlatformError(9072)
    volume = world.volume(order.volume)
    if not volume.active:
        raise PlatformError(9069)
    if volume.access_mode != "RW":
        raise PlatformError(9026)
    if not volume.writable_by(user):
        raise PlatformError(9020)
    return volume


def _source(world: World, order: ExportOrder, volume: Volume) -> File:
    file = world.files.get(order.file)
    if file is None:
        raise PlatformError(9009)
    scripted = world.scripted_failure("submit", file)
    if scripted:
        raise scripted
    # choice: 9006 for a folder too; which code it gets is not published.
    if not file.exportable:
        raise PlatformError(9006)
    # choice: 9027, "across clouds", also for another region of the same cloud: no code of its own is
    # published.
    if world.project(file.project).location != volume.location:
        raise PlatformError(9027)
    return file


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PlatformError(9011, f"Request syntax is not valid: {what} is not an object.")
    return value


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str):
        raise PlatformError(9011, f"Request syntax is not valid: {key} is missing.")
    return value


def _flag(value: Any) -> bool:
    # Strings are let through because a client that sends "true" and "false" has migrated a whole institute.
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise PlatformError(9011, "Request syntax is not valid: overwrite is not true or false.")
