"""The line to the service: it reads requests, lets faults strike, stamps answers, keeps the journal."""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from airflow_provider_cgc.emulator.controls.actions import Controls
from airflow_provider_cgc.emulator.controls.canned import FROM_A_SERVICE, LOGIN_PAGE, canned_answer
from airflow_provider_cgc.emulator.controls.journal import RecordedRequest
from airflow_provider_cgc.emulator.state.faults import SPOILED_ANSWERS, Fault
from airflow_provider_cgc.emulator.state.limits import Rate
from airflow_provider_cgc.emulator.web.call import Call

_SLICE = 0.05  # how soon a slow request notices that the server is being stopped, wall seconds


class LineProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which shows the application the connection, so that a fault can break it."""

    # asyncio's own stubs give every protocol a BaseTransport; uvicorn's runs over one that can be written to.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # see above
        """Keep the connection where the application finds it: in the request's state."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


@dataclass(slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Gate:
    """The outermost ASGI application; `app` never sees a request that a fault has swallowed."""

    def __init__(self, app: ASGIApp, controls: Controls) -> None:
        self.app = app
        self.controls = controls
        self.world = controls.world
        self.closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        scope["state"]["controls"] = self.controls
        if scope["type"] != "http" or scope["path"].startswith("/_emulator"):
            await self.app(scope, receive, send)
            return
        if scope["path"].endswith("/") and scope["path"] != "/v2/":
            scope["path"] = scope["path"][:-1]  # the vendor's SDK asks for `/projects/`
        call = self._call(scope, await _body(receive))
        with self.world.open() as world:
            delay, fault = world.faults.strike(call.method, call.path)
        await self._wait(delay)
        answer = await self._answer(scope, call, fault)
        if fault is not None and fault.kind == "slow_answer":
            await self._wait(fault.seconds or 0.0)
        dropped = fault is not None and fault.kind in ("drop_before", "drop_after")
        self._record(call, None if dropped else answer.status)
        if fault is not None and fault.kind == "broken_json":
            answer.body = answer.body[: len(answer.body) // 2]
        if dropped or (fault is not None and fault.kind == "half_body"):
            await _hang_up(scope, receive, None if dropped else answer)
        else:
            await _send(answer, send)

    def _call(self, scope: Scope, body: bytes) -> Call:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host") or "{}:{}".format(*scope["server"])
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        base = f"{scope['scheme']}://{host}/v2"
        return Call(self.world, scope["method"], scope["path"], query, headers, body, base)

    async def _wait(self, seconds: float) -> None:
        """Wait as a slow line does: the request takes effect after the delay, even if the client has given up."""
        until = time.monotonic() + seconds
        while not self.closing and (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(_SLICE, left))

    async def _answer(self, scope: Scope, call: Call, fault: Fault | None) -> Answer:
        if fault is None or fault.kind in SPOILED_ANSWERS:
            answer = await self._ask(scope, call)
        else:
            answer = self._canned(call, fault)
        self._stamp(answer, call)
        return answer

    async def _ask(self, scope: Scope, call: Call) -> Answer:
        scope["state"]["call"] = call
        answer = Answer(500, [], b"")

        async def receive() -> Message:
            return {"type": "http.request", "body": call.body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = [pair for pair in message.get("headers", ()) if pair[0].lower() != b"content-length"]
            else:
                answer.body += message.get("body", b"")

        await self.app(scope, receive, send)
        return answer

    def _canned(self, call: Call, fault: Fault) -> Answer:
        with self.world.open() as world:
            status, content_type, body = canned_answer(fault.kind, world.options.error_lacks)
            if fault.kind == "429":
                # Rounded up, so that who waits until then has waited long enough.
                call.rate = Rate(world.limits.limit, 0, math.ceil(world.clock.wall() + fault.until_reset))
            elif fault.kind in FROM_A_SERVICE:
                call.rate = world.rate_of_token(call.token)
        headers = [(b"content-type", content_type.encode())]
        if status == HTTPStatus.FOUND:
            headers.append((b"location", LOGIN_PAGE.encode()))
        if fault.retry_after is not None:
            headers.append((b"retry-after", str(fault.retry_after).encode()))
        return Answer(status, headers, body)

    def _stamp(self, answer: Answer, call: Call) -> None:
        """Add the headers of every answer; those of the rate limit once it is known who asks."""
        with self.world.open() as world:
            stamps = {"Date": formatdate(world.clock.now(), usegmt=True), "X-Request-Id": str(uuid.uuid4())}
            if call.rate is not None and world.options.rate_headers:
                stamps["X-RateLimit-Limit"] = str(call.rate.limit)
                stamps["X-RateLimit-Remaining"] = str(call.rate.remaining)
                stamps["X-RateLimit-Reset"] = str(call.view.reset(call.rate))
            if answer.status == 429 and world.options.retry_after and call.rate is not None:
                stamps["Retry-After"] = str(max(0, math.ceil(call.rate.reset - world.clock.wall())))
        there = {name.lower() for name, _ in answer.headers}
        answer.headers += [
            (name.encode(), value.encode()) for name, value in stamps.items() if name.lower().encode() not in there
        ]

    def _record(self, call: Call, status: int | None) -> None:
        request = RecordedRequest(
            method=call.method,
            path=call.path,
            query=call.query,
            raw=call.body,
            status=status,
            wall=self.world.clock.wall(),
            user_agent=call.headers.get("user-agent", ""),
        )
        self.controls.journal.add(request)


async def _body(receive: Receive) -> bytes:
    """Read the whole body, of a GET too: the vendor's SDK sends one, and left unread it garbles the next request."""
    body = b""
    while True:
        message = await receive()
        chunk: bytes = message.get("body", b"")
        body += chunk
        if not message.get("more_body", False):
            return body


async def _send(answer: Answer, send: Send) -> None:
    length = [] if answer.status == 204 else [(b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers, *length]})
    await send({"type": "http.response.body", "body": answer.body})


async def _hang_up(scope: Scope, receive: Receive, answer: Answer | None) -> None:
    """Close the connection, after the first half of an answer if there is one."""
    transport: asyncio.Transport = scope["state"]["transport"]
    if answer is not None:
        headers = [*answer.headers, (b"content-length", str(len(answer.body)).encode())]
        lines = [
            f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}".encode(),
            *(name + b": " + value for name, value in headers),
            b"",
            b"",
        ]
        transport.write(b"\r\n".join(lines) + answer.body[: len(answer.body) // 2])
    transport.close()
    # Returning before uvicorn has seen the end would make it answer 500 by itself.
    while (await receive())["type"] != "http.disconnect":
        pass
