"""The routes of files and folders."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from airflow_provider_cgc.emulator.state.errors import PlatformError
from airflow_provider_cgc.emulator.state.nouns import File
from airflow_provider_cgc.emulator.state.world import World
from airflow_provider_cgc.emulator.web.call import Call, Counted
from airflow_provider_cgc.emulator.web.views import BRIEF_CHILD, BRIEF_FILE

router = APIRouter()


@router.get("/files")
async def files(call: Counted) -> JSONResponse:
    """Answer with one level of a project (its root) or of a folder."""
    with call.world.open() as world:
        project, parent = call.one("project"), call.one("parent")
        if project and parent:
            raise PlatformError(5031)
        if project:
            return _listing(call, world, world.project(project).root, BRIEF_FILE)
        if parent:
            return _listing(call, world, parent, BRIEF_CHILD)
        raise PlatformError(5029)


@router.get("/files/{file_id}/list")
async def folder(call: Counted, file_id: str) -> JSONResponse:
    """Answer with a folder's contents."""
    with call.world.open() as world:
        return _listing(call, world, file_id, BRIEF_CHILD)


@router.get("/files/{file_id}")
async def file(call: Counted, file_id: str) -> JSONResponse:
    """Answer with a file or folder."""
    with call.world.open() as world:
        return call.answer(call.view.file(world.file(file_id)))


@router.delete("/files/{file_id}")
async def delete(call: Counted, file_id: str) -> Response:
    """Delete a file or an empty folder. choice: 5001 for a project's own root."""
    with call.world.open() as world:
        file = world.file(file_id)
        if file.parent is None or not world.project(file.project).writable_by(call.user):
            raise PlatformError(5001)
        if world.files.children(file_id):
            raise PlatformError(5021)
        world.files.remove(file)
        return Response(status_code=world.options.delete_status)


@router.post("/bulk/files/get")
async def bulk_get(call: Counted) -> JSONResponse:
    """Answer with up to 100 files, each for itself, in the order of the request."""
    file_ids = call.up_to_100("file_ids")
    with call.world.open() as world:
        return call.bulk_answer([_record(call, world, file_id) for file_id in file_ids])


def _record(call: Call, world: World, file_id: Any) -> dict[str, Any]:
    try:
        return {"resource": call.view.file(world.file(str(file_id)))}
    except PlatformError as error:
        return {"error": call.view.error(error)}


def _listing(call: Call, world: World, folder_id: str, brief: tuple[str, ...]) -> JSONResponse:
    if not world.file(folder_id).folder:
        raise PlatformError(5022)
    found = [child for child in world.files.children(folder_id) if _matches(call, child)]
    return call.page(found, call.view.file, brief)


def _matches(call: Call, file: File) -> bool:
    # choice: a repeated filter means "one of these", documented for `name` only; different filters must all
    # hold.
    for key, wanted in call.query.items():
        if key == "name" and file.name not in wanted:
            return False
        if key == "tag" and not set(wanted) & set(file.tags):
            return False
        if key == "origin.task" and file.task not in wanted:
            return False
        if key.startswith("metadata.") and file.metadata.get(key.removeprefix("metadata.")) not in wanted:
            return False
    return True
