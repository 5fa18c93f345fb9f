"""The routes of jobs of one kind: create, list, get, each alone; create and get in bulk."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import JSONResponse

from airflow_provider_cgc.emulator.options import Options
from airflow_provider_cgc.emulator.state.errors import PlatformError
from airflow_provider_cgc.emulator.state.world import World
from airflow_provider_cgc.emulator.web.call import Anonymous, Call, Counted, admit
from airflow_provider_cgc.emulator.web.kinds import JobKind, JobT, OrderT
from airflow_provider_cgc.emulator.web.views import BRIEF_JOB, View

STATES = ("PENDING", "RUNNING", "COMPLETED", "FAILED")


def job_routes(kind: JobKind[OrderT, JobT]) -> APIRouter:
    """Make the routes of one kind."""
    router = APIRouter()
    alone, bulk = f"/storage/{kind.name}", f"/bulk/storage/{kind.name}"

    @router.post(alone)
    async def create(call: Counted) -> JSONResponse:
        """Start one job; what is refused is an error of the call."""
        order = kind.reader(call)(call.json())
        with call.world.open() as world:
            return call.answer(kind.show(call.view, kind.submit(world, call.user, order)))

    @router.get(alone)
    async def jobs(call: Counted) -> JSONResponse:
        """Answer with the caller's own jobs, of one volume or project or in one of some states if asked so."""
        with call.world.open() as world:
            view = call.view
            return call.page(_found(kind, call, world, view), partial(kind.show, view), BRIEF_JOB)

    @router.get(alone + "/{job_id}")
    async def job(call: Counted, job_id: str) -> JSONResponse:
        """Answer with one of the caller's jobs."""
        with call.world.open() as world:
            found = _look_up(kind, call, world, job_id)
            # The documentation prints failed jobs under the HTTP status of their error.
            as_documented = world.options.failed_status == "error"
            status = found.error.status if found.error is not None and as_documented else 200
            return call.answer(kind.show(call.view, found), status)

    @router.post(bulk + "/create")
    async def bulk_create(call: Counted) -> JSONResponse:
        """Start up to 100 jobs; each is accepted or refused for itself, in the order of the request."""
        return _bulk_create(kind, call)

    @router.post(bulk + "/get")
    async def bulk_get(call: Counted) -> JSONResponse:
        """Answer with up to 100 jobs, in the order of the request."""
        return _bulk_get(kind, call)

    # One page of the documentation spells the path of a bulk call in the singular.
    @router.post(bulk.removesuffix("s") + "/create")
    async def bulk_create_in_the_singular(call: Anonymous) -> JSONResponse:
        """Do the same, where that path is answered."""
        return _bulk_create(kind, await _in_the_singular(call))

    @router.post(bulk.removesuffix("s") + "/get")
    async def bulk_get_in_the_singular(call: Anonymous) -> JSONResponse:
        """Do the same, where that path is answered."""
        return _bulk_get(kind, await _in_the_singular(call))

    return router


def _bulk_create(kind: JobKind[OrderT, JobT], call: Call) -> JSONResponse:
    """Start jobs. choice: two items for one file or location are two jobs, as in the documentation's own example."""
    items, read = call.up_to_100("items"), kind.reader(call)
    with call.world.open() as world:
        view = call.view
        if world.options.bad_volume == "call":
            _refuse_bad_volumes(kind, call, world, items)

        records = []
        for item in items:
            try:
                records.append({"resource": kind.show(view, kind.submit(world, call.user, read(item)))})
            except PlatformError as error:
                records.append({"error": view.error(error)})
        return call.bulk_answer(records)


def _bulk_get(kind: JobKind[OrderT, JobT], call: Call) -> JSONResponse:
    """Answer with jobs. For ids that the caller may not see, `unknown_ids` and `foreign_ids` say how: unpublished."""
    job_ids = call.up_to_100(kind.ids_key)
    with call.world.open() as world:
        view, options = call.view, world.options
        variants = {9008: options.unknown_ids, 9005: options.foreign_ids}
        records = []
        for job_id in _without_twins(job_ids, options):
            try:
                records.append({"resource": kind.show(view, _look_up(kind, call, world, str(job_id)))})
            except PlatformError as error:
                if variants[error.code] == "404":
                    raise PlatformError(9008) from error
                if variants[error.code] == "error":
                    records.append({"error": view.error(error)})
        return call.bulk_answer(records)


async def _in_the_singular(call: Call) -> Call:
    if not call.world.options.singular_path:
        raise HTTPException(404)
    return await admit(call)


def _look_up(kind: JobKind[OrderT, JobT], call: Call, world: World, job_id: str) -> JobT:
    return kind.jobs(world).look_up(job_id, call.user, world.options, world.clock.now())


def _found(kind: JobKind[OrderT, JobT], call: Call, world: World, view: View) -> list[JobT]:
    """Find the jobs of a list. choice: 9007 or 9012 for a volume or project that does not exist, not an empty list."""
    states, volume, project = _states(call), call.one("volume"), call.one("project")
    if volume is not None:
        world.volume(volume)
    found = kind.jobs(world).listed(call.user, world.options, world.clock.now(), world.dice, volume=volume)
    if project is not None and kind.goes_to is not None:
        if project not in world.projects:
            raise PlatformError(9012)
        found = [job for job in found if kind.goes_to(world.options, job, project)]
    return found if states is None else [job for job in found if view.state(job) in states]


def _states(call: Call) -> set[str] | None:
    wanted = call.query.get("state")
    if wanted is None:
        return None
    variant = call.world.options.many_states
    if not set(wanted) <= set(STATES) or (variant == "400" and len(wanted) > 1):
        raise PlatformError(90000, f"Bad request: state must be one of {', '.join(STATES)}.")
    return set(wanted[-1:] if variant == "last" else wanted)


def _refuse_bad_volumes(kind: JobKind[OrderT, JobT], call: Call, world: World, items: list[Any]) -> None:
    for item in items:
        try:
            order = kind.reader(call)(item)
        except PlatformError:
            continue  # of another shape: that is the item's own fault, and shows in its record
        kind.usable_volume(world, call.user, order)


def _without_twins(job_ids: list[Any], options: Options) -> list[Any]:
    """Return the ids to answer. choice: one that stands twice is answered twice; the other two ways are variants."""
    once = list(dict.fromkeys(map(str, job_ids)))
    if options.duplicate_ids == "400" and len(once) < len(job_ids):
        raise PlatformError(90000, "Bad request: an id stands there twice.")
    return once if options.duplicate_ids == "once" else job_ids
