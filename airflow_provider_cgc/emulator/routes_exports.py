"""Reads and writes the wire for export jobs: create, list, get, each alone; create and get in bulk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from airflow_provider_cgc.emulator.errors import PlatformError
from airflow_provider_cgc.emulator.exports import ExportOrder, submit
from airflow_provider_cgc.emulator.options import Options
from airflow_provider_cgc.emulator.views import BRIEF_JOB, error_record, record
from airflow_provider_cgc.emulator.wire import Counted

router = APIRouter()

STATES = ("PENDING", "RUNNING", "COMPLETED", "FAILED")


@router.post("/storage/exports")
async def create(call: Counted) -> JSONResponse:
    """Start one export; what is refused is an error of the call."""
    order = ExportOrder.from_json(call.json(), copy_only=call.flag("copy_only"))
    with call.world.open() as world:
        return call.answer(call.view.export(submit(world, call.user, order)))


@router.get("/storage/exports")
async def exports(call: Counted) -> JSONResponse:
    """The caller's own jobs, of one volume or in one of some states if asked so."""
    states = call.query.get("state", list(STATES))
    if not set(states) <= set(STATES):
        raise PlatformError(90000, f"Bad request: state must be one of {', '.join(STATES)}.")
    with call.world.open() as world:
        volume = call.one("volume")
        if volume is not None:
            world.volume(volume)  # choice: 9007 for a volume that does not exist, rather than an empty list
        jobs = world.exports_of(call.user)
        found = [job for job in jobs if job.state in states and volume in (None, job.volume.id)]
        return call.page(found, call.view.export, BRIEF_JOB)


@router.get("/storage/exports/{job_id}")
async def export(call: Counted, job_id: str) -> JSONResponse:
    """One of the caller's jobs."""
    with call.world.open() as world:
        return call.answer(call.view.export(world.export(job_id, call.user)))


@router.post("/bulk/storage/exports/create")
async def bulk_create(call: Counted) -> JSONResponse:
    """Start up to 100 exports; each is accepted or refused for itself, in the order of the request.

    choice: two items for one file or location are two jobs; the documentation's own example has such a pair.
    """
    items, copy_only = call.up_to_100("items"), call.flag("copy_only")
    with call.world.open() as world:

        def start(item: Any) -> dict[str, Any]:
            order = ExportOrder.from_json(item, copy_only=copy_only)
            return call.view.export(submit(world, call.user, order))

        return JSONResponse({"items": [call.selected(_record(start, item)) for item in items]})


@router.post("/bulk/storage/exports/get")
async def bulk_get(call: Counted) -> JSONResponse:
    """Up to 100 jobs, in the order of the request.

    choice: an id that stands twice is answered twice. How ids that the caller may not see are answered is not
    published; the options `unknown_ids` and `foreign_ids` play each way.
    """
    job_ids = call.up_to_100("export_ids")
    with call.world.open() as world:

        def show(job_id: Any) -> dict[str, Any]:
            return call.view.export(world.export(str(job_id), call.user))

        records = [_record(show, job_id) for job_id in job_ids]
        return JSONResponse({"items": [call.selected(one) for one in _judged(records, world.options)]})


def _record(do: Callable[[Any], dict[str, Any]], item: Any) -> dict[str, Any]:
    try:
        return record(do(item))
    except PlatformError as error:
        return error_record(error)


def _judged(records: list[dict[str, Any]], options: Options) -> list[dict[str, Any]]:
    """The records as the switched variant shows them: with errors, with gaps, or none but one error for all."""
    variants = {9008: options.unknown_ids, 9005: options.foreign_ids}
    shown = []
    for one in records:
        variant = variants.get(one["error"]["code"], "error") if "error" in one else "error"
        if variant == "404":
            raise PlatformError(9008)
        if variant == "error":
            shown.append(one)
    return shown
