"""Export jobs: files from a project into a volume. https://docs.cancergenomicscloud.org/reference/start-an-export-job"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow_provider_cgc.client.endpoints.bulk_create import BulkCreateEndpoint, Fit
from airflow_provider_cgc.client.endpoints.items import checked_flag, checked_text
from airflow_provider_cgc.client.endpoints.jobs import state_name
from airflow_provider_cgc.client.errors import CgcUsageError
from airflow_provider_cgc.client.errors.problem import BulkRecord
from airflow_provider_cgc.client.models import ExportJob, JobState
from airflow_provider_cgc.client.models.lists import PAGE_LIMIT, Page

__all__ = ["ExportsEndpoint"]

Records = list[BulkRecord[ExportJob]]


class ExportsEndpoint(BulkCreateEndpoint[ExportJob]):
    """`client.exports`. The platform shows a user's own jobs only."""

    noun = "export"
    path = "/storage/exports"
    bulk_path = "/bulk/storage/exports"
    item_keys = frozenset({"file", "volume", "location", "properties", "overwrite"})

    def list(
        self,
        *,
        volume: str | None = None,
        state: JobState | str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Iterator[ExportJob]:
        """Yield one's own jobs, whole, page by page; the platform does not document their order."""
        return self._list(_query(volume, state), limit=limit, offset=offset)

    def page(
        self,
        *,
        volume: str | None = None,
        state: JobState | str | None = None,
        limit: int = PAGE_LIMIT,
        offset: int = 0,
    ) -> Page[ExportJob]:
        """Return one page of `list`, with the number of all jobs and the platform's clock, by one request."""
        return self._page(_query(volume, state), limit=limit, offset=offset)

    def bulk_create(self, items: Sequence[Mapping[str, Any]], *, copy_only: bool) -> Records:
        """Start up to 100 exports; one record per item, in order, with the job's id or the item's problem.

        An item is `{"file": id, "volume": "owner/name", "location": key}`, with `properties` (an object) and
        `overwrite` (false) as it likes. `copy_only=False` moves: after success the platform's file becomes an alias
        of the exported object. Raises `CgcUsageError` before anything is sent, also for two items with the same volume
        and location: with `overwrite` both would end COMPLETED, and one file would be lost. After
        `CgcConnectionError` with `.sent`, `CgcUnavailable` or `CgcUnreadableError` jobs may run whose ids are
        unknown: look into `list`. The same holds for an item whose problem is `made_here`.
        """
        if not isinstance(copy_only, bool):
            raise CgcUsageError(f"copy_only must be True or False, not {copy_only!r}: without it files are moved")
        return self._create(items, {"copy_only": "true" if copy_only else "false"})

    def _parse(self, raw: object) -> ExportJob:
        return ExportJob.from_json(raw)

    def _wire(self, index: int, item: Mapping[str, Any]) -> dict[str, Any]:
        properties = item.get("properties")
        if properties is not None and not isinstance(properties, Mapping):
            raise CgcUsageError(f"item {index}: 'properties' must be an object")
        return {
            "source": {"file": checked_text(index, item, "file")},
            "destination": {
                "volume": checked_text(index, item, "volume"),
                "location": checked_text(index, item, "location"),
            },
            "overwrite": checked_flag(index, item, "overwrite"),
            "properties": dict(properties or {}),
        }

    def _fit(self, body: Mapping[str, Any], job: ExportJob) -> Fit:
        asked = body["destination"]
        given = {"volume": job.volume, "location": job.location}
        if body["source"] != {"file": job.file} or any(given[key] not in (None, asked[key]) for key in given):
            return Fit.NONE
        return Fit.GOOD if given == asked else Fit.POSSIBLE

    def _clash(self, body: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
        target, one, two = body["destination"], body["source"]["file"], other["source"]["file"]
        if target != other["destination"]:
            return None
        if one == two:
            return "ask for the same export; give it once"
        return (
            f"send two files to one key: {one!r} and {two!r} to {target['location']!r} in {target['volume']!r}; give "
            "each its own location"
        )


def _query(volume: str | None, state: JobState | str | None) -> dict[str, str | list[str] | None]:
    # A list is abbreviated to id and state unless it is asked for all.
    return {"volume": volume, "state": state_name(state), "fields": "_all"}
