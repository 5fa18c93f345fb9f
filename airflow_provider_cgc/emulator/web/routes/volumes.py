"""The routes of volumes and the objects on them."""

from __future__ import annotations

import base64
import binascii
from itertools import islice
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from airflow_provider_cgc.emulator.state import volumes as rules
from airflow_provider_cgc.emulator.state.errors import PlatformError
from airflow_provider_cgc.emulator.state.nouns import Volume
from airflow_provider_cgc.emulator.state.world import World
from airflow_provider_cgc.emulator.web.call import Call, Counted
from airflow_provider_cgc.emulator.web.views import BRIEF_OBJECT, BRIEF_VOLUME

router = APIRouter(prefix="/storage/volumes")


@router.get("")
async def volumes(call: Counted) -> JSONResponse:
    """Answer with the volumes that the caller can see: all."""
    with call.world.open() as world:
        return call.page(list(world.volumes.values()), call.view.volume, BRIEF_VOLUME)


@router.get("/{owner}/{name}")
async def volume(call: Counted, owner: str, name: str) -> JSONResponse:
    """Answer with a volume."""
    with call.world.open() as world:
        return call.answer(call.view.volume(world.volume(f"{owner}/{name}")))


@router.get("/{owner}/{name}/members/{username}")
async def member(call: Counted, owner: str, name: str, username: str) -> JSONResponse:
    """Answer with a member of a volume. choice: every user is one, and may ask about the others."""
    with call.world.open() as world:
        return call.answer(call.view.member(world.volume(f"{owner}/{name}"), world.account(username)))


@router.patch("/{owner}/{name}")
async def modify(call: Counted, owner: str, name: str) -> JSONResponse:
    """Change parts of a volume; `force=true` deactivates it though jobs run."""
    with call.world.open() as world:
        volume = world.volume(f"{owner}/{name}")
        rules.change(world, call.user, volume, call.json(), force=call.flag("force"))
        return call.answer(call.view.volume(volume))


@router.delete("/{owner}/{name}")
async def delete(call: Counted, owner: str, name: str) -> Response:
    """Delete an inactive volume that no file needs."""
    with call.world.open() as world:
        rules.delete(world, call.user, world.volume(f"{owner}/{name}"))
        return Response(status_code=world.options.delete_status)


@router.get("/{owner}/{name}/list")
async def contents(call: Counted, owner: str, name: str) -> JSONResponse:
    """Answer with one page of the objects and prefixes directly below a prefix, in the order of their names."""
    with call.world.open() as world:
        return _contents(call, world.active_volume(f"{owner}/{name}"), world)


@router.get("/{owner}/{name}/object")
async def stored_object(call: Counted, owner: str, name: str) -> JSONResponse:
    """Answer with one object by its location."""
    with call.world.open() as world:
        volume = world.active_volume(f"{owner}/{name}")
        location = call.one("location") or ""
        stored = world.buckets[volume.bucket].get(volume.key(location))
        if stored is None:
            # choice: 9105, the only code whose meaning is "no such item on the volume".
            raise PlatformError(9105)
        return call.answer(call.view.volume_object(volume, location, stored))


def _contents(call: Call, volume: Volume, world: World) -> JSONResponse:
    """List a level.

    choice: locations are told as they are given to an export, without the volume's own prefix; the placeholder of the
    folder that is listed is an item, as a bucket has it.
    """
    prefix, after = call.one("prefix") or "", _from_token(call.one("continuation_token"))
    limit, bucket, view = call.limit(), world.buckets[volume.bucket], call.view
    begin = volume.key(prefix)
    if prefix and not prefix.endswith("/") and world.options.prefix_means == "folder":
        begin += "/"
    keys = list(islice(bucket.level(begin, after=after and volume.key(after)), limit + 1))
    items, prefixes = [], []
    for key in keys[:limit]:
        location = volume.location_of(key)
        if key.endswith("/") and key != begin:
            folder = location if world.options.prefix_slash == "present" else location.removesuffix("/")
            prefixes.append(_prefix(call, volume, folder))
        else:
            items.append(call.selected(view.volume_object(volume, location, bucket[key]), BRIEF_OBJECT))
    links = []
    if len(keys) > limit:
        token = _to_token(volume.location_of(keys[limit - 1]))
        links.append({"next": call.href(limit=limit, continuation_token=token)})
    body: dict[str, Any] = {"href": call.href(), "prefix": prefix, "limit": limit, "truncated": len(keys) > limit}
    return JSONResponse(view.with_nulls(body | {"items": items, "prefixes": prefixes, "links": links}))


def _prefix(call: Call, volume: Volume, prefix: str) -> dict[str, str]:
    href = f"{call.base}/storage/volumes/{volume.id}/list?prefix={prefix}"
    return {"href": href, "prefix": prefix, "volume": volume.id}


def _to_token(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _from_token(token: str | None) -> str:
    try:
        return base64.urlsafe_b64decode(token or "").decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise PlatformError(90000, "Bad request: continuation_token is not one of ours.") from error
