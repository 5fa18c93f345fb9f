"""The routes that change files and make folders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from airflow_provider_cgc.emulator.options import Options
from airflow_provider_cgc.emulator.state import edits
from airflow_provider_cgc.emulator.state.edits import Change
from airflow_provider_cgc.emulator.state.errors import PlatformError
from airflow_provider_cgc.emulator.state.folders import make_folder
from airflow_provider_cgc.emulator.state.nouns import File
from airflow_provider_cgc.emulator.state.world import World
from airflow_provider_cgc.emulator.web.call import Call, Counted

router = APIRouter()


@router.post("/files")
async def create_folder(call: Counted) -> JSONResponse:
    """Make a folder."""
    body = call.json()
    with call.world.open() as world:
        return call.answer(call.view.file(make_folder(world, call.user, body)))


@router.patch("/files/{file_id}")
async def modify(call: Counted, file_id: str) -> JSONResponse:
    """Change the parts of a file that are named; metadata and tags are replaced, as documented."""
    body = call.json()
    change = Change(body.get("name"), body.get("metadata"), body.get("tags"))
    with call.world.open() as world:
        return call.answer(call.view.file(_changed(call, world, file_id, change)))


@router.get("/files/{file_id}/metadata")
async def metadata(call: Counted, file_id: str) -> JSONResponse:
    """Answer with the metadata of a file, none for a folder."""
    with call.world.open() as world:
        return call.answer(dict(world.file(file_id).metadata))


@router.patch("/files/{file_id}/metadata")
async def merge_metadata(call: Counted, file_id: str) -> JSONResponse:
    """Add to the metadata of a file; answer with all of it."""
    change = Change(metadata=_sent(call), merge=True)
    with call.world.open() as world:
        return JSONResponse(_changed(call, world, file_id, change).metadata)


@router.put("/files/{file_id}/metadata")
async def replace_metadata(call: Counted, file_id: str) -> JSONResponse:
    """Replace the metadata of a file; answer with it."""
    change = Change(metadata=_sent(call))
    with call.world.open() as world:
        return JSONResponse(_changed(call, world, file_id, change).metadata)


@router.put("/files/{file_id}/tags")
async def replace_tags(call: Counted, file_id: str) -> JSONResponse:
    """Replace the tags of a file, a bare list; answer with them."""
    change = Change(tags=_sent(call))
    with call.world.open() as world:
        return JSONResponse(list(_changed(call, world, file_id, change).tags))


@router.post("/bulk/files/edit")
async def bulk_edit(call: Counted) -> JSONResponse:
    """Change up to 100 files, each for itself; what an item does not name stays."""
    return _bulk(call, edits.edit)


@router.post("/bulk/files/update")
async def bulk_update(call: Counted) -> JSONResponse:
    """Change up to 100 files, each for itself; what an item does not name is erased."""
    return _bulk(call, edits.update)


def _bulk(call: Call, read: Callable[[dict[str, Any], Options], Change]) -> JSONResponse:
    items = call.up_to_100("items")
    with call.world.open() as world:
        view, records = call.view, []
        for item in items:
            try:
                records.append({"resource": view.file(edits.change_item(world, call.user, item, read))})
            except PlatformError as error:
                records.append({"error": view.error(error)})
        return call.bulk_answer(records)


def _changed(call: Call, world: World, file_id: str, change: Change) -> File:
    return change.carry_out(world, call.user, world.file(file_id))


def _sent(call: Call) -> Any:
    """Return a bare body. choice: 5033 for null, which in a whole item would mean that a part stays."""
    body = call.any_json()
    if body is None:
        raise PlatformError(5033)
    return body
