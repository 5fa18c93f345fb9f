"""The errors of a call that a wait tells apart."""

from __future__ import annotations

from airflow_provider_cgc.client.errors import (
    CgcApiError,
    CgcConnectionError,
    CgcNotFound,
    CgcRateLimited,
    CgcUnauthorized,
    CgcUnavailable,
)
from airflow_provider_cgc.client.errors.problem import Problem


def api_error(
    kind: type[CgcApiError],
    status: int,
    code: int | None = None,
    message: str = "the platform says no",
    *,
    retry_after: float | None = None,
) -> CgcApiError:
    problem = Problem(status, code, message)
    return kind(problem, status=status, call="POST /bulk/storage/exports/get", retry_after=retry_after)


DOWN = api_error(CgcUnavailable, 503)
MAINTENANCE = api_error(CgcUnavailable, 503, 0, "The platform is in maintenance")
LIMITED = api_error(CgcRateLimited, 429, 1000, retry_after=240.0)
TOKEN = api_error(CgcUnauthorized, 401)
PAGE = CgcNotFound(Problem(404, None, "a page", made_here=True), status=404, call="POST /bulk/storage/exports/get")
"""An answer that is not the platform's own."""
DROPPED = CgcConnectionError("the line dropped", sent=True)
NOT_LISTENING = CgcConnectionError("nothing listens there", sent=False)
