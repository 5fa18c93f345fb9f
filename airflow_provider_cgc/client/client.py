"""The client: one object per connection, one attribute per noun of the platform's API."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from types import TracebackType

from airflow_provider_cgc.client.endpoints.exports import ExportsEndpoint
from airflow_provider_cgc.client.endpoints.files import FilesEndpoint
from airflow_provider_cgc.client.endpoints.imports import ImportsEndpoint
from airflow_provider_cgc.client.endpoints.projects import ProjectsEndpoint
from airflow_provider_cgc.client.endpoints.volumes import VolumesEndpoint
from airflow_provider_cgc.client.errors import CgcUsageError
from airflow_provider_cgc.client.http.budget import RateBudget, budget_for
from airflow_provider_cgc.client.http.request import Request
from airflow_provider_cgc.client.http.transport import Transport
from airflow_provider_cgc.client.models import RateLimit
from airflow_provider_cgc.client.models.account import User
from airflow_provider_cgc.client.models.limits import rate_limit_from_json
from airflow_provider_cgc.client.settings import Settings

__all__ = ["CgcClient"]


class CgcClient:
    """Calls the platform on behalf of one user; may be shared by threads.

    `patience`: seconds that one call may spend in all on waiting and repeating. With a patience the rate budget is
    a courtesy: a call waits for it, and goes out when its patience is over. With 0 the caller schedules: a call makes
    at most one attempt and never sleeps, and while Airflow's share of the requests (`rate_share`) is used up, or a
    429 asks to wait, it sends nothing but raises `CgcBudgetSpent`, whose `.retry_after` tells when to come back.
    `clock` gives epoch seconds. `answered`: the platform has answered at this address before. Otherwise it must do so
    within 45 s, or the address is wrong; once it has, refused connections are waited out like all other trouble.
    Nothing is sent before the first call. Every call raises a `CgcError` or gives a value.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        patience: float = 300.0,
        budget: RateBudget | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] | None = None,
        answered: bool = False,
    ) -> None:
        if not patience >= 0 or math.isinf(patience):
            raise CgcUsageError(f"patience must be a number of seconds from 0 on, not {patience!r}")
        self.settings = settings
        self.budget = budget if budget is not None else budget_for(settings, clock)
        self._transport = Transport(
            settings, patience=patience, budget=self.budget, clock=clock, sleep=sleep, answered=answered
        )
        self.exports = ExportsEndpoint(self._transport)
        self.files = FilesEndpoint(self._transport)
        self.imports = ImportsEndpoint(self._transport)
        self.projects = ProjectsEndpoint(self._transport)
        self.volumes = VolumesEndpoint(self._transport)

    def __repr__(self) -> str:
        return f"<CgcClient of {self.settings.base_url}>"

    def __enter__(self) -> CgcClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def answered(self) -> bool:
        """Something has answered at this address."""
        return self._transport.answered

    def close(self) -> None:
        """
        Close all connections. A call that is under way ends well, one that waits for its turn raises
        `CgcConnectionError` and is not sent; a later call opens new connections.
        """
        self._transport.close()

    def user(self) -> User:
        """Return the user that the token belongs to: the cheapest proof that host and token are right. One request."""
        return User.from_json(self._transport.send(Request("GET", "/user")).value)

    def rate_limit(self) -> RateLimit:
        """Return the requests left in this window. The platform does not count this call."""
        return rate_limit_from_json(self._transport.send(Request("GET", "/rate_limit", counted=False)).value)
