"""One request as the routes see it: who asks, which page and fields, which body; and list answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import JSONResponse

from airflow_provider_cgc.emulator.state.errors import PageError, PlatformError
from airflow_provider_cgc.emulator.state.limits import Rate
from airflow_provider_cgc.emulator.state.nouns import User
from airflow_provider_cgc.emulator.state.world import World
from airflow_provider_cgc.emulator.web.fields import select
from airflow_provider_cgc.emulator.web.views import View

MAX_ITEMS = 100
_NEEDS_ADVANCE_ACCESS = ("/v2/storage/", "/v2/bulk/storage/")

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
        """The writer of answers whose links lead back to where this request came in."""
        return View(self.base, self.world.options, self.world.clock.now(), self.world.volumes)

    @property
    def token(self) -> str | None:
        """The token, from either of the two headers that may carry it."""
        scheme, _, bearer = self.headers.get("authorization", "").partition(" ")
        return self.headers.get("x-sbg-auth-token") or (bearer.strip() if scheme.lower() == "bearer" else None)

    def one(self, name: str) -> str | None:
        """Return the value of a query parameter, the last if it is repeated."""
        values = self.query.get(name)
        return values[-1] if values else None

    def selected(self, body: dict[str, Any], default: Sequence[str] | None = None) -> dict[str, Any]:
        """Return the part of a body that the caller's `fields` ask for."""
        return select(body, self.one("fields"), default=default)

    def selected_record(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return that part of a bulk answer's record; the meaning of names there is published for tasks only."""
        variant = self.world.options.bulk_fields
        if variant == "ignored" or self.one("fields") is None:
            return record
        if variant == "prefixed":
            return self.selected(record)
        return {wrapper: self.selected(body) for wrapper, body in record.items()}

    def answer(self, body: dict[str, Any], status: int = 200) -> JSONResponse:
        """Answer with the fields that the caller asked for."""
        return JSONResponse(self.selected(body), status)

    def bulk_answer(self, records: Sequence[dict[str, Any]]) -> JSONResponse:
        """Answer with the records of a bulk call, in the order in force."""
        items = [self.selected_record(record) for record in records]
        if self.world.options.record_order == "reversed":
            items.reverse()
        if self.world.options.record_order == "shuffled":
            self.world.dice.shuffle(items)
        return JSONResponse({"items": items})

    def href(self, **changed: Any) -> str:
        """Return this request's own URL, with some query parameters changed."""
        query = self.query | {key: [str(value)] for key, value in changed.items()}
        path = self.base + self.path.removeprefix("/v2")
        return f"{path}?{urlencode(query, doseq=True, safe='/:,!')}" if query else path

    def number(self, name: str, default: int, low: int, high: int | None = None) -> int:
        """Read a query parameter that is a number.

        choice: 400/90000 for what is no number or out of range; an error shows a client's mistake.
        """
        text = self.one(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or int(text) < low or (high is not None and int(text) > high):
            raise PlatformError(90000, f"Bad request: {name}={text}.")
        return int(text)

    def limit(self) -> int:
        """Read the number of items that a page may have; the answer to `limit=500` is not published."""
        options = self.world.options
        most = MAX_ITEMS if options.over_limit == "400" else None
        return min(MAX_ITEMS, self.number("limit", options.default_limit, 1, most))

    def json(self) -> dict[str, Any]:
        """Read the body of a POST.

        :raises PlatformError: 90008 for another content type, 90009 for broken JSON, 9011 for no object.
        """
        body = self.any_json()
        if not isinstance(body, dict):
            raise PlatformError(9011)
        return body

    def any_json(self) -> Any:
        """Read a body that need not be an object.

        :raises PlatformError: 90008 for another content type, 90009 for broken JSON.
        """
        if self.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            raise PlatformError(90008)
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise PlatformError(90009) from error

    def up_to_100(self, key: str) -> list[Any]:
        """Read the list in a bulk body.

        choice: 400/90000 for more than 100 and for none; neither answer is published.
        """
        options = self.world.options
        items = self.json().get(key)
        if not isinstance(items, list):
            raise PlatformError(9011, f"Request syntax is not valid: {key} is not a list.")
        if len(items) > MAX_ITEMS and options.too_many == "413":
            raise PageError("413_html")
        too_many = len(items) > MAX_ITEMS and options.too_many == "400"
        if too_many or (not items and options.empty_bulk == "400"):
            raise PlatformError(90000, f"Bad request: {key} must hold 1 to {MAX_ITEMS} items, got {len(items)}.")
        return items[:MAX_ITEMS] if options.too_many == "cut" else items

    def flag(self, name: str) -> bool:
        """Read a query parameter that is true or false, in any case: the vendor's SDK sends `True` and `False`."""
        text = (self.one(name) or "false").lower()
        if text not in ("true", "false"):
            # choice: an error; taking `copy_only=1` for false would move the files of somebody who meant to
            # copy them.
            raise PlatformError(90000, f"Bad request: {name} must be true or false.")
        return text == "true"

    def page(self, things: Sequence[T], show: Callable[[T], dict[str, Any]], brief: Sequence[str]) -> JSONResponse:
        """Answer with one page of a list, its links, and the total in a header."""
        options = self.world.options
        offset, limit = self.number("offset", 0, 0), self.limit()
        links = []
        if offset + limit < len(things) and options.next_links == "present":
            links.append(self._link("next", offset + limit, limit))
        if offset > 0:
            links.append(self._link("prev", max(0, offset - limit), limit))
        items = [self.selected(show(thing), brief) for thing in things[offset : offset + limit]]
        body: dict[str, Any] = {"href": self.href(offset=offset, limit=limit), "items": items}
        if links or options.empty_links == "present":
            body["links"] = links
        answer = JSONResponse(self.view.with_nulls(body))
        for _ in range(("absent", "present", "twice").index(options.total_header)):
            answer.headers.append("X-Total-Matching-Query", str(len(things)))
        return answer

    def _link(self, rel: str, offset: int, limit: int) -> dict[str, str]:
        return {"href": self.href(offset=offset, limit=limit), "rel": rel, "method": "GET"}


async def current_call(request: Request) -> Call:
    """Return the call that the gate has made of this request."""
    call = request.state.call
    assert isinstance(call, Call)  # only a bug here could break it
    return call


async def identify(call: Annotated[Call, Depends(current_call)]) -> Call:
    """Let in who has a good token, without counting the request."""
    with call.world.open() as world:
        call.user = world.user_of(call.token)
        call.rate = world.look_at_rate(call.user)
    return call


async def admit(call: Annotated[Call, Depends(current_call)]) -> Call:
    """Let in who has a good token and a request left."""
    with call.world.open() as world:
        call.user = world.user_of(call.token)
        call.rate = world.take_from_rate(call.user)
        closed = world.options.advance_access and call.path.startswith(_NEEDS_ADVANCE_ACCESS)
    if not call.rate.allowed:
        raise PlatformError(1000)
    if closed and call.headers.get("x-sbg-advance-access", "").lower() != "advance":
        # choice: 403/90002. What a call without the header was answered when it still needed one is not published.
        raise PlatformError(90002)
    return call


Anonymous = Annotated[Call, Depends(current_call)]
Free = Annotated[Call, Depends(identify)]
Counted = Annotated[Call, Depends(admit)]
