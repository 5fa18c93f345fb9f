"""The orders of exports and imports, as far as they are alike: jobs of a volume, whose results may be in the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.models.lists import PAGE_LIMIT
from airflow_provider_cgc.jobs.submitting.order import Order

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.models import JobState
    from airflow_provider_cgc.client.models.lists import Page
    from airflow_provider_cgc.jobs.datasets import Moved, Namespaces
    from airflow_provider_cgc.jobs.submitting.items import Key
    from airflow_provider_cgc.jobs.submitting.tolerance import Tolerance


class TransferOrder(Order):
    """
    Objects that go from a volume to projects, or the other way.

    :param if_exists: the fate of an item whose place is taken; "skip" and "overwrite" mean the same for each kind.
    """

    has_lists = True

    def __init__(
        self,
        client: CgcClient,
        *,
        if_exists: str,
        verify: bool,
        recorded: bool,
        tolerance: Tolerance | None,
        where: str,
    ) -> None:
        super().__init__(
            client,
            skips_existing=if_exists == "skip",
            verify=verify,
            recorded=recorded,
            tolerance=tolerance,
            where=where,
        )
        self.if_exists = if_exists

    def not_joined(self, key: Key, job: Any) -> str | None:
        """Return the reason why an unfinished job of another run cannot count for this task; None if it can."""
        if why := self.unlike(key, job):
            return why
        if self.if_exists != "overwrite":
            return None
        if not job.overwrite:
            return "and does not overwrite what is there"
        return None if self.recorded else "and only a manifest_path lets a retry know that it counts for this task"

    def joined(self, jobs: Sequence[Any]) -> list[str]:
        """Warn of jobs of other runs that count for this task and replace things, which this task would not."""
        replacing = [job.id for job in jobs if job.overwrite and self.if_exists != "overwrite"]
        if not replacing:
            return []
        return [
            f"{self.kind.count(len(replacing))} of other runs, such as {replacing[0]}, are under way to the same places"
            f" and replace what is there, although if_exists is {self.if_exists!r} here. This task waits for them:"
            " they cannot be cancelled."
        ]

    def datasets(self, here: Namespaces) -> Moved:
        """Return the datasets that the items are read from and written to, of an order that was checked."""
        raise NotImplementedError

    def scope_of(self, key: Key) -> str:
        """Return the volume of an item: the platform lists jobs by volume."""
        volume: str = key.volume  # type: ignore[attr-defined]  # the keys of both kinds are tuples with this name
        return volume

    def page(self, scope: str, offset: int = 0, *, state: JobState | None = None, limit: int = PAGE_LIMIT) -> Page[Any]:
        """Return one page of the list of jobs of a volume."""
        endpoint: Any = self.kind.endpoint(self.client)
        page: Page[Any] = endpoint.page(volume=scope or None, state=state, offset=offset, limit=limit)
        return page
