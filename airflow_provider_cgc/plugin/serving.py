"""The ASGI callable that serves the tab's module: one public file, nothing else, and no framework to load."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["FILE", "ROUTE", "serve"]

FILE = Path(__file__).with_name("cgc_jobs.js")
ROUTE = "/jobs.js"
"""The path of the module below that at which `serve` is mounted."""

_Receive = Callable[[], Awaitable[Mapping[str, Any]]]
_Send = Callable[[dict[str, Any]], Awaitable[None]]
_Headers = list[tuple[bytes, bytes]]

_PLAIN = (b"content-type", b"text/plain; charset=utf-8")
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")


async def serve(scope: Mapping[str, Any], receive: _Receive, send: _Send) -> None:
    """Answer GET and HEAD of the module; no other path leads to a file, so none can lead out of the folder."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
        return
    if scope["type"] != "http":
        return
    if _route(scope) != ROUTE:
        await _answer(send, scope, 404, [_PLAIN], b"Not found.\n")
    elif scope["method"] not in ("GET", "HEAD"):
        await _answer(send, scope, 405, [_PLAIN, (b"allow", b"GET, HEAD")], b"Method not allowed.\n")
    else:
        body, etag = _module()
        # Kept by the browser, but asked about at each load of the page: so an upgrade is seen at once.
        headers = [(b"cache-control", b"no-cache"), (b"etag", etag)]
        if _matches(etag, scope["headers"]):
            await _answer(send, scope, 304, headers, None)
        else:
            await _answer(send, scope, 200, [(b"content-type", b"text/javascript; charset=utf-8"), *headers], body)


@cache
def _module() -> tuple[bytes, bytes]:
    body = FILE.read_bytes()
    return body, b'"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"'


def _route(scope: Mapping[str, Any]) -> str:
    """Return the path below the mount: some servers leave the mount's own path (and a proxy's) in front of it."""
    path, root = str(scope["path"]), str(scope.get("root_path") or "")
    return path.removeprefix(root) if path.startswith(root + "/") else path


def _matches(etag: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return True if the browser's copy is ours; a proxy that compresses makes a tag weak (`W/`), which counts here."""
    told = b",".join(value for name, value in headers if name.lower() == b"if-none-match")
    return any(one.strip().removeprefix(b"W/") in (etag, b"*") for one in told.split(b","))


async def _answer(send: _Send, scope: Mapping[str, Any], status: int, headers: _Headers, body: bytes | None) -> None:
    length = [] if body is None else [(b"content-length", str(len(body)).encode())]
    start = {"type": "http.response.start", "status": status, "headers": [*headers, _NO_SNIFFING, *length]}
    await send(start)
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body or b""})
