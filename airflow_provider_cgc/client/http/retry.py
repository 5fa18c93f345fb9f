"""The rules of repeating a call, and after how long; pure decisions: nobody sleeps here and no clock is read.

A call is repeatable if the platform ends up the same however often it is sent: reads, and bulk gets although they
are POSTs. A create is not, because there is no idempotency key; it is sent again only if it certainly did nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_cgc.client.errors import (
    CgcApiError,
    CgcCertificateError,
    CgcConnectionError,
    CgcError,
    CgcRateLimited,
    CgcRedirect,
    CgcUnavailable,
    CgcUnreadableError,
)
from airflow_provider_cgc.client.http.headers import LONGEST_WAIT, SHORTEST_WAIT

__all__ = [
    "FIRST_CONTACT",
    "FIRST_CONTACT_PAUSE",
    "counts_as_attempt",
    "not_from_platform",
    "transient",
    "unreached",
    "wait_before_repeat",
]

FIRST_CONTACT = 45.0
"""Seconds during which an address that has never answered is tried; after that it is wrong, and not out of order."""
FIRST_CONTACT_PAUSE = 8.0
"""Seconds between two of these tries at most."""
_LONGEST_BACKOFF = 60.0
_WITHOUT_ADVICE = 60.0
_MAINTENANCE = (60.0, 300.0)
_REQUEST_TIMEOUT, _TOO_EARLY = 408, 425
_NOT_HERE = (404, 405)
"""Statuses of a server that does not know the address; a server of plain pages answers a POST with the second."""


def wait_before_repeat(
    error: CgcError, *, repeatable: bool, attempt: int, random: Callable[[], float], answered: bool = True
) -> float | None:
    """Return the seconds to wait before the call is sent again; None: do not send it again.

    `attempt` counts the tries that failed so far, from 1, refusals by the rate limit or our own budget aside.
    `random` gives a number from 0 up to 1, so that many waiters do not come back at the same moment. `answered`: the
    platform has answered at this address before, so that a web page in place of an answer is trouble that passes.
    """
    page_that_passes = answered and isinstance(error, CgcUnreadableError)
    if not (transient(error) or page_that_passes):
        return None
    if isinstance(error, CgcRateLimited):
        return _until_reset(error, random)
    if not repeatable and not _certainly_not_sent(error):
        return None
    if isinstance(error, CgcUnavailable):
        if error.retry_after is not None:
            return min(error.retry_after + _jitter(error.retry_after, random), LONGEST_WAIT)
        if error.maintenance:
            shortest, longest = _MAINTENANCE
            return min(shortest * 2.0 ** min(attempt - 1, 10), longest * 0.8) * (1 + random() * 0.25)
    return _backoff(attempt, random)


def transient(error: CgcError, *, answered: bool = False) -> bool:
    """Return True for temporary errors: the rate limit, 5xx, maintenance, lost connections, unreadable answers.

    `answered`: the platform has answered the same question at the same address before. The address is right, then, and
    what leads astray from it passes, too.
    """
    if not_from_platform(error):
        return answered
    if isinstance(error, CgcCertificateError):
        return False
    if isinstance(error, CgcRateLimited | CgcUnavailable | CgcConnectionError | CgcUnreadableError):
        return True
    return isinstance(error, CgcApiError) and error.status in (_REQUEST_TIMEOUT, _TOO_EARLY)


def not_from_platform(error: CgcError) -> bool:
    """Return True for an answer that is not the platform's: a redirect, a web page, a 404 or 405 without its error.

    The address of the connection is wrong, or a gateway or proxy before the right one is in trouble, as in a deploy.
    Whether the platform has seen the request, nobody can tell.
    """
    if isinstance(error, CgcRedirect) or (isinstance(error, CgcUnreadableError) and error.page):
        return True
    return isinstance(error, CgcApiError) and error.status in _NOT_HERE and error.problem.made_here


def unreached(error: CgcError | None) -> bool:
    """Return True if nothing took the connection. If an address has never answered, it is wrong."""
    return isinstance(error, CgcConnectionError) and not error.reached


def counts_as_attempt(error: CgcError) -> bool:
    """Return True unless the rate limit refused: that is an appointment, not a failure."""
    return not isinstance(error, CgcRateLimited)


def _certainly_not_sent(error: CgcError) -> bool:
    return isinstance(error, CgcConnectionError) and not error.sent


def _until_reset(error: CgcRateLimited, random: Callable[[], float]) -> float:
    """Return the seconds to the reset and a little more, spread out, because every waiter of this user was refused."""
    wait = _WITHOUT_ADVICE if error.retry_after is None else max(error.retry_after, SHORTEST_WAIT)
    return min(wait + _jitter(wait, random), LONGEST_WAIT)


def _jitter(wait: float, random: Callable[[], float]) -> float:
    """Return a random addition: up to a tenth, at least up to one second and at most up to ten."""
    return random() * min(max(wait * 0.1, 1.0), 10.0)


def _backoff(attempt: int, random: Callable[[], float]) -> float:
    """Return 1, 2, 4 ... 60 seconds, each shortened by up to a half."""
    wait = min(2.0 ** min(attempt - 1, 10), _LONGEST_BACKOFF)
    return wait * (0.5 + random() / 2)
