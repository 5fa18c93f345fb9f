"""Knows how the parts of the HTTP side are put together."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from airflow_provider_cgc.emulator import routes_account, routes_exports, routes_files, routes_volumes
from airflow_provider_cgc.emulator.control import control_routes
from airflow_provider_cgc.emulator.controls import Controls
from airflow_provider_cgc.emulator.errors import PlatformError, gateway_body
from airflow_provider_cgc.emulator.gate import Gate


def make_app(controls: Controls) -> Gate:
    """The emulator as one ASGI application: the API under `/v2`, its controls under `/_emulator`."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    for routes in (routes_account, routes_files, routes_volumes, routes_exports):
        app.include_router(routes.router, prefix="/v2")
    app.include_router(control_routes(controls), prefix="/_emulator")
    app.add_exception_handler(PlatformError, _platform_error)
    # The gateway answers a path it does not know before it asks for a token: `/bulk/storage/export/get` is
    # one.
    app.add_exception_handler(404, lambda request, error: JSONResponse(gateway_body(404), 404))
    app.add_exception_handler(405, lambda request, error: JSONResponse(PlatformError(90006).to_json(), 405))
    return Gate(app, controls.world, controls.journal)


def _platform_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, PlatformError):
        raise error
    return JSONResponse(error.to_json(), error.status)
