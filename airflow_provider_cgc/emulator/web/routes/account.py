"""The routes of the caller's own account: index, user, rate limit, projects."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from airflow_provider_cgc.emulator.web.call import Anonymous, Counted, Free
from airflow_provider_cgc.emulator.web.views import BRIEF_PROJECT

router = APIRouter()

# choice: that the index answers anonymously is known, its keys are not published.
_INDEX = {"user": "/user", "rate_limit": "/rate_limit", "projects": "/projects", "files": "/files"}
_INDEX |= {"volumes": "/storage/volumes", "exports": "/storage/exports", "imports": "/storage/imports"}


@router.get("")
@router.get("/")
async def index(call: Anonymous) -> JSONResponse:
    """Answer with the addresses of things; no token needed, not counted."""
    return JSONResponse({f"{name}_url": call.base + path for name, path in _INDEX.items()})


@router.get("/rate_limit")
async def rate_limit(call: Free) -> JSONResponse:
    """Answer with the requests that the caller has left; not counted."""
    with call.world.open() as world:
        return call.answer(call.view.rate(world.look_at_rate(call.user)))


@router.get("/user")
async def me(call: Counted) -> JSONResponse:
    """Answer with the caller."""
    with call.world.open():
        return call.answer(call.view.user(call.user))


@router.get("/users/{username}")
async def user(call: Counted, username: str) -> JSONResponse:
    """Answer with a user by name."""
    with call.world.open() as world:
        return call.answer(call.view.user(world.account(username)))


@router.get("/projects")
async def projects(call: Counted) -> JSONResponse:
    """Answer with all projects; `name` matches a part of the name in any case."""
    part = (call.one("name") or "").lower()
    with call.world.open() as world:
        found = [project for project in world.projects.values() if part in project.name.lower()]
        return call.page(found, call.view.project, BRIEF_PROJECT)


@router.get("/projects/{owner}/{name}")
async def project(call: Counted, owner: str, name: str) -> JSONResponse:
    """Answer with a project."""
    with call.world.open() as world:
        return call.answer(call.view.project(world.project(f"{owner}/{name}")))
