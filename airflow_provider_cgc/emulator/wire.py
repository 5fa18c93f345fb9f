"""Knows one request as the routes see it: who asks, which page and fields, which body; and list answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import JSONResponse

from airflow_provider_cgc.emulator.errors import PlatformError
from airflow_provider_cgc.emulator.limits import Rate
from airflow_provider_cgc.emulator.model import User
from airflow_provider_cgc.emulator.selector import select
from airflow_provider_cgc.emulator.views import View
from airflow_provider_cgc.emulator.world import World

MAX_ITEMS = 100
DEFAULT_LIMIT = 50

T = TypeVar("T")


@dataclass(slots=True)
class Call:
    """One request; `user` and `rate` are known once it has been let in."""

    world: World
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    base: str
    user: User = field(default_factory=lambda: User(""))
    rate: Rate | None = None

    @property
    def view(self) -> View:
        """Writes answers whose links lead back to where this request came in."""
        return View(self.base, self.world.options)

    @property
    def token(self) -> str | None:
        """The token, from either of the two headers that may carry it."""
        scheme, _, bearer = self.headers.get("authorization", "").partition(" ")
        return self.headers.get("x-sbg-auth-token") or (bearer.strip() if scheme.lower() == "bearer" else None)

    def one(self, name: str) -> str | None:
        """The value of a query parameter, the last if it is repeated."""
        values = self.query.get(name)
        return values[-1] if values else None

    def selected(self, body: dict[str, Any], default: Sequence[str] | None = None) -> dict[str, Any]:
        """What the caller's `fields` leave of a body."""
        return select(body, self.one("fields"), default=default)

    def answer(self, body: dict[str, Any]) -> JSONResponse:
        """200 with the fields that the caller asked for."""
        return JSONResponse(self.selected(body))

    def href(self, **changed: Any) -> str:
        """This request's own URL, with some query parameters changed."""
        query = self.query | {key: [str(value)] for key, value in changed.items()}
        path = self.base + self.path.removeprefix("/v2")
        return f"{path}?{urlencode(query, doseq=True, safe='/:,!')}" if query else path

    def number(self, name: str, default: int, low: int, high: int | None = None) -> int:
        """A query parameter that is a number.

        choice: 400/90000 for what is no number or out of range. What the platform does with `limit=500` is not
        published; an error shows a client's mistake where a silent cut would hide it.
        """
        text = self.one(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or int(text) < low or (high is not None and int(text) > high):
            raise PlatformError(90000, f"Bad request: {name}={text}.")
        return int(text)

    def json(self) -> dict[str, Any]:
        """The body of a POST.

        :raises PlatformError: 90008 for another content type, 90009 for broken JSON, 9011 for no object.
        """
        if self.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            raise PlatformError(90008)
        try:
            body = json.loads(self.body)
        except ValueError as error:
            raise PlatformError(90009) from error
        if not isinstance(body, dict):
            raise PlatformError(9011)
        return body

    def up_to_100(self, key: str) -> list[Any]:
        """The list in a bulk body.

        choice: 400/90000 for more than 100 and for none; neither answer is published.
        """
        items = self.json().get(key)
        if not isinstance(items, list):
            raise PlatformError(9011, f"Request syntax is not valid: {key} is not a list.")
        if not 1 <= len(items) <= MAX_ITEMS:
            raise PlatformError(90000, f"Bad request: {key} must hold 1 to {MAX_ITEMS} items, got {len(items)}.")
        return items

    def flag(self, name: str) -> bool:
        """A query parameter that is true or false, in any case: the vendor's SDK sends `True` and `False`."""
        text = (self.one(name) or "false").lower()
        if text not in ("true", "false"):
            # choice: an error; taking `copy_only=1` for false would move the files of somebody who meant to
            # copy them.
            raise PlatformError(90000, f"Bad request: {name} must be true or false.")
        return text == "true"

    def page(self, things: Sequence[T], show: Callable[[T], dict[str, Any]], brief: Sequence[str]) -> JSONResponse:
        """One page of a list, with its links and the header that tells the total."""
        offset = self.number("offset", 0, 0)
        limit = self.number("limit", DEFAULT_LIMIT, 1, MAX_ITEMS)
        links = []
        if offset + limit < len(things):
            links.append(self._link("next", offset + limit, limit))
        if offset > 0:
            links.append(self._link("prev", max(0, offset - limit), limit))
        items = [self.selected(show(thing), brief) for thing in things[offset : offset + limit]]
        body = {"href": self.href(offset=offset, limit=limit), "items": items, "links": links}
        return JSONResponse(body, headers={"X-Total-Matching-Query": str(len(things))})

    def _link(self, rel: str, offset: int, limit: int) -> dict[str, str]:
        return {"href": self.href(offset=offset, limit=limit), "rel": rel, "method": "GET"}


async def current_call(request: Request) -> Call:
    """The call that the gate has made of this request."""
    call = request.state.call
    assert isinstance(call, Call)  # only a bug here could break it
    return call


async def identify(call: Annotated[Call, Depends(current_call)]) -> Call:
    """Let in who has a good token, without counting the request."""
    with call.world.open() as world:
        call.user = world.user_of(call.token)
        call.rate = world.limits.look(call.user.name)
    return call


async def admit(call: Annotated[Call, Depends(current_call)]) -> Call:
    """Let in who has a good token and a request left."""
    with call.world.open() as world:
        call.user = world.user_of(call.token)
        call.rate = world.limits.take(call.user.name)
    if not call.rate.allowed:
        raise PlatformError(1000)
    return call


Anonymous = Annotated[Call, Depends(current_call)]
Free = Annotated[Call, Depends(identify)]
Counted = Annotated[Call, Depends(admit)]
