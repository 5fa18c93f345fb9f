"""The questions of one visit, and the answers so far, which later checks use."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from airflow_provider_cgc.client import CgcClient, RateBudget, Settings
from airflow_provider_cgc.client.errors import CgcError, CgcTimeoutError
from airflow_provider_cgc.hooks.cgc import PATIENCE_OF_THE_TEST, CgcHook

if TYPE_CHECKING:
    from airflow_provider_cgc.client.models import RateLimit, Volume
    from airflow_provider_cgc.client.models.account import Project

__all__ = ["Visit", "Wanted"]

LONGEST_ANSWER = 10.0
"""Seconds that an answer may take, whatever the connection allows: somebody is waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The arguments of the command."""

    conn_id: str
    project: str | None = None
    volume: str | None = None
    manifest_path: str | None = None
    manifest_conn_id: str | None = None


@dataclass(slots=True)
class Visit:
    """One run of the checks; each finds here what those before it have learned."""

    wanted: Wanted
    hook: CgcHook = field(init=False)
    rate: RateLimit = field(init=False)
    username: str = ""
    project: Project | None = None
    volume: Volume | None = None
    _client: CgcClient | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.hook = CgcHook(self.wanted.conn_id)

    @property
    def settings(self) -> Settings:
        """The checked connection."""
        return self.hook.settings

    def client(self) -> CgcClient:
        """Return the client, which asks as briefly as the Test button, and leaves Airflow's share of requests alone."""
        if self._client is None:
            settings = replace(self.settings, timeout=min(self.settings.timeout, LONGEST_ANSWER))
            self._client = CgcClient(settings, patience=PATIENCE_OF_THE_TEST, budget=RateBudget(share=1.0))
        return self._client

    def explain(self, error: CgcError) -> str:
        """Return an error of the client in sentences."""
        text = self.hook.explain(error)
        late = isinstance(error, CgcTimeoutError) and error.sent
        return f"{text} This command waits for {LONGEST_ANSWER:g} s at most." if late else text

    def close(self) -> None:
        """Close the connections to the platform."""
        self.hook.close()
        if self._client is not None:
            self._client.close()
