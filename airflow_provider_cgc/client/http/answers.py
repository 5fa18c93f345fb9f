"""The one judge of an answer: its JSON value if it is a good one, else the error that it means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_cgc.client.errors import (
    CgcApiError,
    CgcBadRequest,
    CgcConflict,
    CgcForbidden,
    CgcNotFound,
    CgcRateLimited,
    CgcRedirect,
    CgcUnauthorized,
    CgcUnavailable,
    CgcUnreadableError,
)
from airflow_provider_cgc.client.errors.problem import Problem, one_line
from airflow_provider_cgc.client.http.headers import header, wait_of

_OTHER_SERVER = (
    "If the connection's host is not the API's address, correct it: choose a platform and leave Host empty, or give "
    "the address of the API. If it is, a proxy or a login page is in between: ask whoever runs the network."
)
_BY_STATUS: Mapping[int, type[CgcApiError]] = {
    401: CgcUnauthorized,
    403: CgcForbidden,
    404: CgcNotFound,
    409: CgcConflict,
    429: CgcRateLimited,
}
_SAY_ENOUGH = (401, 403, 408, 425, 429)
"""Statuses that tell what to do whatever the body says."""


def from_response(status: int, headers: Mapping[str, str], body: bytes, *, call: str, base_url: str, now: float) -> Any:
    """Judge an answer: its JSON value if it is a good one, else the error that it means.

    `call` is method and path ("GET /user") below `base_url`, `now` this machine's clock in epoch seconds, for
    `retry_after`.
    """
    if 200 <= status < 300:
        return None if status == 204 else _value(status, headers, body, call, base_url)
    if 300 <= status < 400:
        raise _redirect(status, headers, call, base_url)
    raw = _json_or_none(body)
    if call.startswith("GET ") and _is_job(raw):
        # The documentation shows a FAILED job under the HTTP status of its error; it is a job all the same.
        return raw
    if raw is None and status not in _SAY_ENOUGH and status < 500 and _claims_json(headers):
        # What was refused, and whether for good, stood in the part that is broken.
        raise _unreadable(status, headers, body, call, base_url)
    raise _api_error(status, headers, raw, body, call=call, base_url=base_url, now=now)


def _value(status: int, headers: Mapping[str, str], body: bytes, call: str, base_url: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as fault:
        raise _unreadable(status, headers, body, call, base_url) from fault


def _unreadable(status: int, headers: Mapping[str, str], body: bytes, call: str, base_url: str) -> CgcUnreadableError:
    kind = one_line(header(headers, "Content-Type"), 80) or "no content type"
    what = f"{call} at {base_url} answered {status} with {len(body)} bytes that are not JSON ({kind})"
    if _claims_json(headers) and not body.lstrip().startswith(b"<"):
        return CgcUnreadableError(f"{what}. The connection may have been lost; a retry asks again.")
    return CgcUnreadableError(f"{what}, so this is not the platform's API. {_OTHER_SERVER}", page=True)


def _redirect(status: int, headers: Mapping[str, str], call: str, base_url: str) -> CgcRedirect:
    try:
        host = urlsplit(header(headers, "Location") or "").hostname
    except ValueError:
        host = None
    host = one_line(host, 120) or None
    where = f"to host '{host}'" if host else "elsewhere"
    return CgcRedirect(
        f"{call} at {base_url} was answered with {status}, a redirect {where}. It was not followed, because "
        "the token would be sent there. Correct host and path of the connection, or ask whoever runs the proxy.",
        status=status,
        to_host=host,
    )


def _api_error(
    status: int, headers: Mapping[str, str], raw: Any, body: bytes, *, call: str, base_url: str, now: float
) -> CgcApiError:
    problem = Problem.from_json(raw) if isinstance(raw, Mapping) else None
    if problem is None:
        kind = one_line(header(headers, "Content-Type"), 80) or "no content type"
        fact = f"the answer of {base_url} is not an error of the platform ({kind}, {len(body)} bytes)."
        problem = Problem(status, None, fact, made_here=True)
    elif problem.status is None:
        problem = Problem(status, problem.code, problem.message, problem.more_info)
    kind_of_error = _BY_STATUS.get(status, CgcUnavailable if status >= 500 else CgcBadRequest)
    return kind_of_error(
        problem,
        status=status,
        call=call,
        request_id=one_line(header(headers, "X-Request-Id"), 120) or None,
        retry_after=_retry_after(status, headers, now=now),
    )


def _retry_after(status: int, headers: Mapping[str, str], *, now: float) -> float | None:
    """Return the seconds to wait; the window's reset says nothing of when a server that is down comes back."""
    if status == 429:
        return wait_of(headers, now=now)
    if status < 500:
        return None
    asked = {name: header(headers, name) for name in ("Retry-After", "Date")}
    return wait_of({name: value for name, value in asked.items() if value}, now=now)


def _json_or_none(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _claims_json(headers: Mapping[str, str]) -> bool:
    return "json" in (header(headers, "Content-Type") or "").lower()


def _is_job(raw: Any) -> bool:
    return isinstance(raw, Mapping) and all(isinstance(raw.get(key), str) for key in ("id", "state"))
