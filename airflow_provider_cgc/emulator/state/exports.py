"""Export jobs: what is refused at once, what fails later, what a move does to the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_provider_cgc.emulator.state.errors import PlatformError
from airflow_provider_cgc.emulator.state.nouns import File, Jobs, StoredObject, User, Volume
from airflow_provider_cgc.emulator.state.orders import ExportOrder
from airflow_provider_cgc.emulator.state.queue import Job
from airflow_provider_cgc.emulator.state.world import World


@dataclass(slots=True, eq=False, kw_only=True)
class ExportJob(Job):
    """One file on its way to a volume."""

    kind: ClassVar[Jobs] = "exports"

    world: World
    order: ExportOrder
    file: File
    volume: Volume
    properties: dict[str, Any]

    @property
    def size(self) -> int:
        """Bytes to move."""
        return self.file.size

    @property
    def volume_id(self) -> str:
        """The volume that the file goes to."""
        return self.order.volume

    @property
    def target(self) -> tuple[str, str]:
        """Bucket and key."""
        return self.volume.bucket, self.volume.key(self.order.location)

    def check(self) -> PlatformError | None:
        """Refuse an alias by now, an occupied key, or what a test has scripted to fail."""
        scripted = self.world.scripted_failure("job", self.kind, self.file.id, self.file.name)
        return scripted or self._occupied() or self._unavailable()

    def finish(self, now: float) -> PlatformError | None:
        """Write the object; a move makes the file an alias of it."""
        # choice: the key is looked at when the job starts and again when it ends, so that of two jobs that run side
        # by side to one key the slower fails; the outcome of such a pair is not published.
        late = self._occupied() if self.world.options.same_key == "slower_fails" else None
        obstacle = late or self._unavailable()
        if obstacle is None:
            self.world.buckets[self.volume.bucket][self.target[1]] = StoredObject(self.file.size, now)
            if not self.order.copy_only:
                self.file.become_alias(self.volume.id, self.order.location, now)
        return obstacle

    def _occupied(self) -> PlatformError | None:
        bucket, key = self.target
        taken = not self.order.overwrite and key in self.world.buckets[bucket]
        return PlatformError(9107) if taken else None

    def _unavailable(self) -> PlatformError | None:
        if self.volume.access_mode != "RW":
            return PlatformError(9101)
        if self.file.deleted:
            return PlatformError(9106)
        # choice: an alias was moved by another job while this one waited. 9109 is the job-level code for a file
        # that is gone; whether two exports of one file can run at once is not published.
        if self.file.unreadable or self.file.volume is not None:
            return PlatformError(9109)
        return None


def submit(world: World, user: User, order: ExportOrder) -> ExportJob:
    """Accept an export and queue it.

    :raises PlatformError: what the platform refuses at once. choice: the order of the checks, not published.
    """
    if order.location.endswith("/"):
        raise PlatformError(9072)
    volume = usable_volume(world, user, order)
    job = ExportJob(
        id=world.new_job_id(),
        user=user,
        created=world.clock.now(),
        world=world,
        order=order,
        file=_source(world, order, volume),
        volume=volume,
        properties={**volume.properties, **order.properties},
    )
    _refuse_twin(world, job)
    world.start(job)
    return job


def usable_volume(world: World, user: User, order: ExportOrder) -> Volume:
    """Return the volume that an export goes to.

    :raises PlatformError: why it cannot.
    """
    volume = world.active_volume(order.volume)
    if volume.access_mode != "RW":
        raise PlatformError(9026)
    if not volume.writable_by(user):
        raise PlatformError(9020)
    return volume


def _source(world: World, order: ExportOrder, volume: Volume) -> File:
    file = world.files.get(order.file)
    if file is None:
        raise PlatformError(9009)
    scripted = world.scripted_failure("submit", ExportJob.kind, file.id, file.name)
    if scripted:
        raise scripted
    if file.folder:
        raise PlatformError(world.options.folder_code)
    if not file.exportable:
        raise PlatformError(9006)
    # choice: 9027, "across clouds", also for another region of the same cloud: no code of its own is
    # published.
    if world.project(file.project).location != volume.location:
        raise PlatformError(9027)
    return file


def _refuse_twin(world: World, job: ExportJob) -> None:
    """Refuse a second job for a file or a key, in the variants that do.

    choice: 9006, "cannot be exported", for the file, and 9107, "already contains a file", for the key.
    """
    if world.options.same_file == "refused" and any(job.file is other.file for other in _open_exports(world)):
        raise PlatformError(9006)
    if world.options.same_key == "refused" and any(job.target == other.target for other in _open_exports(world)):
        raise PlatformError(9107)


def _open_exports(world: World) -> Iterator[ExportJob]:
    return (job for job in world.open_jobs() if isinstance(job, ExportJob))
