"""The making of folders."""

from __future__ import annotations

from typing import Any

from airflow_provider_cgc.emulator.state.bodies import maybe_text
from airflow_provider_cgc.emulator.state.edits import checked_name
from airflow_provider_cgc.emulator.state.errors import PlatformError
from airflow_provider_cgc.emulator.state.nouns import File, User
from airflow_provider_cgc.emulator.state.world import World

RESERVED = "__"  # begins the names of the platform's own folders


def make_folder(world: World, user: User, body: dict[str, Any]) -> File:
    """Make a folder in a project or in another folder.

    choice: 5026 for a parent that is not there, 5001 for who may not write, 5030 also if a file has the name.

    :raises PlatformError: why it cannot.
    """
    if body.get("type") != "folder":
        raise PlatformError(5012)
    name = checked_name(body.get("name"))
    if name.startswith(RESERVED):
        raise PlatformError(5024, f"Name is not valid: it must not begin with {RESERVED}.")
    parent = _parent(world, body)
    if not world.project(parent.project).writable_by(user):
        raise PlatformError(5001)
    if world.files.named(parent.id, name) is not None:
        raise PlatformError(5030)
    now = world.clock.now()
    folder = File(world.new_file_id(), name, parent.project, parent.id, now, now, folder=True)
    world.files.add(folder)
    return folder


def _parent(world: World, body: dict[str, Any]) -> File:
    project_id, parent_id = maybe_text(body, "project"), maybe_text(body, "parent")
    if project_id and parent_id:
        raise PlatformError(5031)
    if project_id:
        return world.file(world.project(project_id).root)
    if not parent_id:
        raise PlatformError(5029)
    parent = world.files.get(parent_id)
    if parent is None:
        raise PlatformError(5026)
    if not parent.folder:
        raise PlatformError(5022)
    return parent
