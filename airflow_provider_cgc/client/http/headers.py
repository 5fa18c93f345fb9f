"""The headers of an answer: requests left, times to wait, the platform's clock; pure, nonsense gives None.

https://docs.cancergenomicscloud.org/docs/api-rate-limit: 1000 requests per 300 seconds and user. One of the
platforms documents `X-RateLimit-Reset` in milliseconds, the others in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from airflow_provider_cgc.client.models import fields
from airflow_provider_cgc.client.models.limits import RateLimit

__all__ = [
    "LONGEST_WAIT",
    "SHORTEST_WAIT",
    "bounded",
    "header",
    "rate_limit_of",
    "server_date",
    "wait_of",
]

LONGEST_WAIT = 310.0
"""Seconds: no window is longer than 300, so a header that asks for more is wrong."""
SHORTEST_WAIT = 5.0
"""Seconds after a 429: `Retry-After: 0`, or a reset that is over already, would be asked hundreds of times a minute."""


def rate_limit_of(headers: Mapping[str, str], *, now: float) -> RateLimit | None:
    """Read the three `X-RateLimit-*` headers, `reset` by this machine's clock; None unless all three make sense."""
    limit = _count(header(headers, "X-RateLimit-Limit"))
    remaining = _count(header(headers, "X-RateLimit-Remaining"))
    wait = _until_reset(headers, now=now)
    if limit is None or remaining is None or wait is None or limit < 1:
        return None
    return RateLimit(limit=limit, remaining=remaining, reset=now + wait)


def wait_of(headers: Mapping[str, str], *, now: float) -> float | None:
    """Read the seconds, 0 to 310, that an answer asks to wait: `Retry-After`, else until `X-RateLimit-Reset`."""
    asked = _retry_after(headers, now=now)
    return asked if asked is not None else _until_reset(headers, now=now)


def header(headers: Mapping[str, str], name: str) -> str | None:
    """Return a header by its name in any case, also from a plain dict."""
    if name in headers:
        return headers[name]
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), None)


def server_date(headers: Mapping[str, str]) -> datetime | None:
    """Read the platform's own clock when it answered."""
    return fields.http_date(header(headers, "Date"))


def _until_reset(headers: Mapping[str, str], *, now: float) -> float | None:
    reset = fields.epoch_seconds(header(headers, "X-RateLimit-Reset"))
    return None if reset is None else _until(reset, headers, now=now)


def _retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    text = header(headers, "Retry-After")
    seconds = fields.number(text)
    if seconds is not None:
        return bounded(seconds) if seconds >= 0 else None
    date = fields.http_date(text)
    return None if date is None else _until(date.timestamp(), headers, now=now)


def _until(moment: float, headers: Mapping[str, str], *, now: float) -> float:
    """Return the seconds until then, by the platform's clock if the answer has it: this machine's may be wrong."""
    date = server_date(headers)
    return bounded(moment - (now if date is None else date.timestamp()))


def bounded(seconds: float) -> float:
    """Return a wait within 0 to 310 seconds."""
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _count(value: object) -> int | None:
    number = fields.number(value)
    return None if number is None or number < 0 else int(number)
