"""Reads and writes the wire for volumes and what lies on them."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from airflow_provider_cgc.emulator.errors import PlatformError
from airflow_provider_cgc.emulator.model import StoredObject, Volume
from airflow_provider_cgc.emulator.views import BRIEF_VOLUME
from airflow_provider_cgc.emulator.wire import DEFAULT_LIMIT, MAX_ITEMS, Call, Counted
from airflow_provider_cgc.emulator.world import World

router = APIRouter(prefix="/storage/volumes")


@router.get("")
async def volumes(call: Counted) -> JSONResponse:
    """The volumes that the caller can see: all."""
    with call.world.open() as world:
        return call.page(list(world.volumes.values()), call.view.volume, BRIEF_VOLUME)


@router.get("/{owner}/{name}")
async def volume(call: Counted, owner: str, name: str) -> JSONResponse:
    """A volume."""
    with call.world.open() as world:
        return call.answer(call.view.volume(world.volume(f"{owner}/{name}")))


@router.get("/{owner}/{name}/list")
async def contents(call: Counted, owner: str, name: str) -> JSONResponse:
    """One page of the objects and prefixes directly below a prefix, in the order of their names."""
    with call.world.open() as world:
        return _contents(call, _open_volume(world, f"{owner}/{name}"), world)


@router.get("/{owner}/{name}/object")
async def stored_object(call: Counted, owner: str, name: str) -> JSONResponse:
    """One object by its location."""
    with call.world.open() as world:
        volume = _open_volume(world, f"{owner}/{name}")
        location = call.one("location") or ""
        stored = world.buckets[volume.bucket].get(volume.key(location))
        if stored is None:
            # choice: 9105, the only code whose meaning is "no such item on the volume".
            raise PlatformError(9105)
        return call.answer(call.view.volume_object(volume, location, stored))


def _open_volume(world: World, volume_id: str) -> Volume:
    volume = world.volume(volume_id)
    if not volume.active:
        raise PlatformError(9069)
    return volume


def _contents(call: Call, volume: Volume, world: World) -> JSONResponse:
    prefix = call.one("prefix") or ""
    limit = call.number("limit", DEFAULT_LIMIT, 1, MAX_ITEMS)
    after = _from_token(call.one("continuation_token"))
    entries = _entries(volume, world.buckets[volume.bucket], prefix)
    names = sorted(name for name in entries if name > after)
    page = names[:limit]
    truncated = len(names) > limit
    items, prefixes = [], []
    for name in page:
        stored = entries[name]
        if stored is None:
            prefixes.append(_prefix(call, volume, name))
        else:
            items.append(call.selected(call.view.volume_object(volume, name, stored)))
    links = [{"next": call.href(limit=limit, continuation_token=_to_token(page[-1]))}] if truncated else []
    body: dict[str, Any] = {"href": call.href(), "prefix": prefix, "limit": limit, "truncated": truncated}
    return JSONResponse(body | {"items": items, "prefixes": prefixes, "links": links})


def _entries(volume: Volume, bucket: dict[str, StoredObject], prefix: str) -> dict[str, StoredObject | None]:
    """Locations directly below a prefix; None stands for a prefix of its own, which ends with a slash.

    choice: locations are told as they are given to an export, without the volume's own prefix.
    """
    entries: dict[str, StoredObject | None] = {}
    start = len(volume.key(""))
    for key, stored in bucket.items():
        if not key.startswith(volume.key(prefix)):
            continue
        head, slash, _ = key[start + len(prefix) :].partition("/")
        entries[prefix + head + slash] = None if slash else stored
    return entries


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
