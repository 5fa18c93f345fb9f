"""The HTTP side, put together."""

from __future__ import annotations

import functools

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from airflow_provider_cgc.emulator.controls import routes
from airflow_provider_cgc.emulator.controls.actions import Controls
from airflow_provider_cgc.emulator.controls.canned import canned_answer
from airflow_provider_cgc.emulator.state.errors import PageError, PlatformError, gateway_body
from airflow_provider_cgc.emulator.web.gate import Gate
from airflow_provider_cgc.emulator.web.kinds import KINDS
from airflow_provider_cgc.emulator.web.routes import account, edits, files, volumes
from airflow_provider_cgc.emulator.web.routes.jobs import job_routes


def make_app(controls: Controls) -> Gate:
    """Return the emulator as one ASGI application: the API under `/v2`, its controls under `/_emulator`."""
    return Gate(_routes(), controls)


@functools.cache
def _routes() -> FastAPI:
    """Make all routes, shared by the emulators of a process; `request.state.controls` is of the one that was asked."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    for router in (account.router, files.router, edits.router, volumes.router, *map(job_routes, KINDS)):
        app.include_router(router, prefix="/v2")
    app.include_router(routes.router, prefix="/_emulator")
    app.add_exception_handler(PlatformError, _refuse)
    app.add_exception_handler(405, _refuse)
    app.add_exception_handler(PageError, _page)
    # The gateway answers a path it does not know before it asks for a token: `/bulk/storage/export/get` is one.
    app.add_exception_handler(404, lambda request, error: JSONResponse(gateway_body(404), 404))
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    """Answer with an error in the API's own words; 405 is one of them."""
    refusal = error if isinstance(error, PlatformError) else PlatformError(90006)
    return JSONResponse(refusal.to_json(request.state.controls.world.options.error_lacks), refusal.status)


async def _page(request: Request, error: Exception) -> Response:
    assert isinstance(error, PageError)  # only a bug here could break it
    status, content_type, body = canned_answer(error.kind)
    return Response(body, status, media_type=content_type)
