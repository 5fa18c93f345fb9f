"""The changes of a volume, and what becomes of its jobs."""

from __future__ import annotations

from typing import Any

from airflow_provider_cgc.emulator.state.bodies import a_flag, an_object, maybe_text
from airflow_provider_cgc.emulator.state.errors import PlatformError
from airflow_provider_cgc.emulator.state.nouns import User, Volume
from airflow_provider_cgc.emulator.state.world import World

_CHANGEABLE = {"description", "access_mode", "active", "service"}
_CHANGEABLE_IN_SERVICE = {"properties", "credentials"}


def change(world: World, user: User, volume: Volume, body: dict[str, Any], *, force: bool) -> None:
    """Change the parts of a volume that a PATCH names, or none of them.

    choice: 9011 for parts that do not exist or cannot change, such as the name; 9020 for who may not write to it.

    :param force: end the open jobs of a volume that is deactivated, rather than refusing to.
    :raises PlatformError: 9011, 9016, 9020; 90007 for open jobs.
    """
    _only(body, _CHANGEABLE)
    service = an_object(body.get("service") or {}, "service")
    _only(service, _CHANGEABLE_IN_SERVICE)
    properties = an_object(service.get("properties") or {}, "properties")
    active, mode = a_flag(body, "active", default=volume.active), maybe_text(body, "access_mode") or volume.access_mode
    description = maybe_text(body, "description") if "description" in body else volume.description
    if mode not in ("RW", "RO"):
        raise PlatformError(9016)
    _owned(volume, user)
    if volume.active and not active:
        _end_jobs(world, volume, force=force)
    volume.active, volume.access_mode, volume.description = active, mode, description or ""
    volume.properties = {**volume.properties, **properties}
    volume.modified = world.clock.now()


def delete(world: World, user: User, volume: Volume) -> None:
    """Delete a volume; what lies in the bucket stays.

    choice: 409/90007 where the documentation only says that it cannot be done.

    :raises PlatformError: 9020; 90007 while it is active, or while a file's bytes lie on it.
    """
    _owned(volume, user)
    if volume.active:
        raise PlatformError(90007, "Volume is active: deactivate it first.")
    if any(file.volume == volume.id for file in world.files.values()):
        raise PlatformError(90007, "Files have been imported from the volume: delete them first.")
    del world.volumes[volume.id]


def _end_jobs(world: World, volume: Volume, *, force: bool) -> None:
    """End a volume's jobs. choice: FAILED, with the code of the option `forced_code`; their end is not published."""
    if not force and any(job.volume_id == volume.id for job in world.open_jobs()):
        raise PlatformError(90007, "Volume has jobs that have not ended.")
    world.abort(lambda job: job.volume_id == volume.id, PlatformError(world.options.forced_code))


def _only(body: dict[str, Any], names: set[str]) -> None:
    for name in body:
        if name not in names:
            raise PlatformError(9011, f"Request syntax is not valid: {name} cannot be changed.")


def _owned(volume: Volume, user: User) -> None:
    if not volume.writable_by(user):
        raise PlatformError(9020)
