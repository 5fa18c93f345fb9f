"""Import jobs: what is refused at once, what fails later, which aliases they leave in the project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from airflow_provider_cgc.emulator.state.errors import PlatformError
from airflow_provider_cgc.emulator.state.faults import Moment
from airflow_provider_cgc.emulator.state.landing import Landing
from airflow_provider_cgc.emulator.state.nouns import MAX_NAME, File, Jobs, User, Volume
from airflow_provider_cgc.emulator.state.orders import ImportOrder
from airflow_provider_cgc.emulator.state.queue import Job
from airflow_provider_cgc.emulator.state.world import World

# What is refused at submit has a code of its own when it comes up in a job.
# choice: 9103, "not accessible as configured", for a volume that is inactive or gives no right to copy.
_IN_A_JOB = {9003: 9102, 9007: 9104, 9009: 9106, 9012: 9102, 9020: 9103, 9069: 9103, 5022: 9106}


@dataclass(slots=True, eq=False, kw_only=True)
class ImportJob(Job):
    """One object, or a folder of them, about to be seen in a project.

    :param name: what it will be called.
    :param project_id: where it goes; None for a parent that there is not.
    """

    kind: ClassVar[Jobs] = "imports"

    world: World
    order: ImportOrder
    name: str
    project_id: str | None
    result: File | None = None

    @property
    def size(self) -> int:
        """No bytes move: they stay on the volume."""
        return 0

    @property
    def volume_id(self) -> str:
        """The volume that has the bytes."""
        return self.order.volume

    def check(self) -> PlatformError | None:
        """Refuse an object that is not there, a name that is taken, or what a test has scripted to fail."""
        return _scripted(self.world, "job", self.order) or self._land(None)

    def finish(self, now: float) -> PlatformError | None:
        """Put the aliases into the project."""
        return self._land(now)

    def _land(self, now: float | None) -> PlatformError | None:
        """Return the error that prevents the import, None if there is none; then do it, if there is a time."""
        try:
            landing = _landing(self.world, self.user, self.order, self.name)
        except PlatformError as error:
            return PlatformError(_IN_A_JOB[error.code]) if error.code in _IN_A_JOB else error
        if now is not None:
            self.result = landing.carry_out(now)
        return None


def submit(world: World, user: User, order: ImportOrder) -> ImportJob:
    """Accept an import and queue it.

    choice: volume and destination are looked at now; the option `import_checks` leaves that to the job. Whether
    the object exists and the name is free shows in the job, as the documentation's failed example has it.

    :raises PlatformError: what the platform refuses at once.
    """
    if (order.project is None) == (order.parent is None):
        raise PlatformError(9011, "Request syntax is not valid: give either project or parent.")
    if world.options.import_checks == "submit":
        usable_volume(world, user, order)
        _destination(world, user, order)
    scripted = _scripted(world, "submit", order)
    if scripted:
        raise scripted
    name = _name(order)
    if world.options.taken_name == "submit":
        _refuse_taken_name(world, user, order, name)
    job = ImportJob(
        id=world.new_job_id(),
        user=user,
        created=world.clock.now(),
        world=world,
        order=order,
        name=name,
        project_id=_project_id(world, order),
    )
    world.start(job)
    return job


def usable_volume(world: World, user: User, order: ImportOrder) -> Volume:
    """Return the volume that an import comes from; it need not be writable.

    :raises PlatformError: why it cannot.
    """
    volume = world.active_volume(order.volume)
    if not volume.copyable_by(user):
        raise PlatformError(9020)
    return volume


def _landing(world: World, user: User, order: ImportOrder, name: str) -> Landing:
    return Landing(world, usable_volume(world, user, order), _destination(world, user, order), order, name)


def _refuse_taken_name(world: World, user: User, order: ImportOrder, name: str) -> None:
    """Refuse a name that is taken now. Whatever else is wrong shows in the job."""
    try:
        _landing(world, user, order, name)
    except PlatformError as error:
        if error.code == 9108:
            raise


def _destination(world: World, user: User, order: ImportOrder) -> File:
    """Return the folder that an import goes to.

    choice: 9009, "file does not exist", for a parent that does not, and 5022 for one that is no folder.
    """
    if order.parent is not None:
        folder = world.files.get(order.parent)
        if folder is None:
            raise PlatformError(9009)
        if not folder.folder:
            raise PlatformError(5022)
    else:
        project = world.projects.get(order.project or "")
        if project is None:
            raise PlatformError(9012)
        folder = world.files[project.root]
    if not world.project(folder.project).writable_by(user):
        raise PlatformError(9003)
    return folder


def _project_id(world: World, order: ImportOrder) -> str | None:
    if order.parent is None:
        return order.project
    parent = world.files.get(order.parent)
    return parent.project if parent else None


def _name(order: ImportOrder) -> str:
    """Return the name that was asked for, or the last segment of the location."""
    name = order.name or _last_segment(order)
    if not name:
        raise PlatformError(9018)
    if "/" in name or len(name) > MAX_NAME:
        raise PlatformError(9011, f"Request syntax is not valid: name must be 1 to {MAX_NAME} characters, no slash.")
    return name


def _last_segment(order: ImportOrder) -> str:
    return order.location.removesuffix("/").rpartition("/")[2]


def _scripted(world: World, at: Moment, order: ImportOrder) -> PlatformError | None:
    whole = f"{order.volume}/{order.location}"
    return world.scripted_failure(at, ImportJob.kind, whole, order.location, _last_segment(order))
