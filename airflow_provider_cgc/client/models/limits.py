"""The rate limit of one user: https://docs.cancergenomicscloud.org/docs/api-rate-limit."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_cgc.client.errors import CgcUnreadableError
from airflow_provider_cgc.client.models import fields

__all__ = ["RateLimit", "rate_limit_from_json"]


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Requests of one user in one window. True while requests are left."""

    limit: int
    remaining: int
    reset: float
    """The end of the window, epoch seconds by this machine's clock."""

    def __bool__(self) -> bool:
        return self.remaining > 0


def rate_limit_from_json(raw: object) -> RateLimit:
    """Read the body of `GET /rate_limit`; raises `CgcUnreadableError` when it is none."""
    rate = fields.mapping(fields.object_of(raw, "rate limit").get("rate"))
    limit, remaining = fields.whole_number(rate.get("limit")), fields.whole_number(rate.get("remaining"))
    reset = fields.epoch_seconds(rate.get("reset"))
    if limit is None or remaining is None or reset is None:
        raise CgcUnreadableError("the platform sent a rate limit without limit, remaining and reset")
    return RateLimit(limit=limit, remaining=remaining, reset=reset)
