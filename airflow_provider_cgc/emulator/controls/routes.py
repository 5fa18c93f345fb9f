"""The routes of the emulator's controls, `/_emulator/`: no token, only from this machine."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import validate_call

from airflow_provider_cgc.emulator.controls.actions import Controls
from airflow_provider_cgc.emulator.state.errors import PlatformError


async def _from_here(request: Request) -> None:
    """Refuse whoever is not on this machine, however the server was bound."""
    host = request.client.host if request.client else ""
    if host != "localhost" and not ipaddress.ip_address(host or "0.0.0.0").is_loopback:  # a value, not a bind
        raise HTTPException(403, "the emulator's controls answer this machine only")


async def _controls(request: Request) -> Controls:
    """Return the controls of the emulator that this request came to."""
    controls = request.state.controls
    assert isinstance(controls, Controls)  # only a bug here could break it
    return controls


_Mine = Annotated[Controls, Depends(_controls)]
router = APIRouter(dependencies=[Depends(_from_here)])
"""Each route takes the arguments of the Python method as a JSON object; 400 tells what is wrong."""


@router.get("/stats")
async def stats(controls: _Mine) -> JSONResponse:
    return JSONResponse(controls.stats())


@router.post("/faults")
async def faults(controls: _Mine, body: dict[str, Any]) -> JSONResponse:
    if "fail_files" in body:
        arguments = {
            "pattern": body["fail_files"],
            **{key: value for key, value in body.items() if key != "fail_files"},
        }
        return _done(controls.fail_files, arguments)
    return _done(controls.fault, body)


@router.delete("/faults")
async def clear_faults(controls: _Mine) -> JSONResponse:
    return _done(controls.clear_faults, {})


@router.post("/reset")
async def reset(controls: _Mine) -> JSONResponse:
    return _done(controls.reset, {})


@router.post("/clock")
async def clock(controls: _Mine, body: dict[str, Any]) -> JSONResponse:
    answer = _done(functools.partial(_set_clock, controls), body)
    return answer if answer.status_code != 200 else JSONResponse({"now": controls.world.clock.now()})


@router.get("/options")
async def options_now(controls: _Mine) -> JSONResponse:
    with controls.world.open() as world:
        return JSONResponse(world.options.to_json())


@router.post("/options")
async def options(controls: _Mine, body: dict[str, Any]) -> JSONResponse:
    return _done(controls.set_options, {"values": body})


@router.post("/tokens")
async def tokens(controls: _Mine, body: dict[str, Any]) -> JSONResponse:
    return _done(controls.set_token if "new" in body else controls.add_token, body)


@router.post("/exports")
async def exports(controls: _Mine, body: dict[str, Any]) -> JSONResponse:
    return _done(controls.submit_exports, body)


@router.post("/imports")
async def imports(controls: _Mine, body: dict[str, Any]) -> JSONResponse:
    return _done(controls.submit_imports, body)


@router.post("/objects")
async def objects(controls: _Mine, body: dict[str, Any]) -> JSONResponse:
    return _done(controls.put_objects, body)


@router.post("/placeholders")
async def placeholders(controls: _Mine, body: dict[str, Any]) -> JSONResponse:
    return _done(controls.put_placeholders, body)


@router.post("/files")
async def files(controls: _Mine, body: dict[str, Any]) -> JSONResponse:
    return _done(controls.add_files, body)


@router.post("/forget")
async def forget(controls: _Mine, body: dict[str, Any]) -> JSONResponse:
    return _done(controls.forget, body)


def _set_clock(controls: Controls, *, advance: float = 0.0, speed: float | None = None) -> None:
    controls.world.clock.advance(advance)
    if speed is not None:
        controls.world.clock.speed = speed


def _done(method: Callable[..., Any], arguments: dict[str, Any]) -> JSONResponse:
    """Call a control with the arguments of a request: 400 for a name, a type or a value that does not fit."""
    try:
        result = validate_call(method)(**arguments)
    except (ValueError, PlatformError) as error:  # pydantic's ValidationError is a ValueError
        return JSONResponse({"error": str(error)}, 400)
    return JSONResponse({"result": result})
