"""Import jobs: from a volume into a project. https://docs.cancergenomicscloud.org/reference/start-an-import-job"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow_provider_cgc.client.endpoints.bulk_create import BulkCreateEndpoint, Fit
from airflow_provider_cgc.client.endpoints.items import checked_flag, checked_text
from airflow_provider_cgc.client.endpoints.jobs import state_name
from airflow_provider_cgc.client.errors import CgcUsageError
from airflow_provider_cgc.client.errors.problem import BulkRecord
from airflow_provider_cgc.client.models import ImportJob, JobState
from airflow_provider_cgc.client.models.lists import PAGE_LIMIT, Page

__all__ = ["ImportsEndpoint"]

Records = list[BulkRecord[ImportJob]]


class ImportsEndpoint(BulkCreateEndpoint[ImportJob]):
    """`client.imports`. The platform shows a user's own jobs only."""

    noun = "import"
    path = "/storage/imports"
    bulk_path = "/bulk/storage/imports"
    item_keys = frozenset(
        {"volume", "location", "project", "parent", "name", "overwrite", "autorename", "preserve_folder_structure"}
    )

    def list(
        self,
        *,
        project: str | None = None,
        volume: str | None = None,
        state: JobState | str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Iterator[ImportJob]:
        """Yield one's own jobs, whole, page by page; the platform does not document their order."""
        return self._list(_query(project, volume, state), limit=limit, offset=offset)

    def page(
        self,
        *,
        project: str | None = None,
        volume: str | None = None,
        state: JobState | str | None = None,
        limit: int = PAGE_LIMIT,
        offset: int = 0,
    ) -> Page[ImportJob]:
        """Return one page of `list`, with the number of all jobs and the platform's clock, by one request."""
        return self._page(_query(project, volume, state), limit=limit, offset=offset)

    def bulk_create(self, items: Sequence[Mapping[str, Any]]) -> Records:
        """Start up to 100 imports; one record per item, in order, with the job's id or the item's problem.

        An item is `{"volume": "owner/name", "location": key}` with either `"project": "owner/name"` or `"parent"`, the
        id of a folder. A location that ends with a slash is a folder. As it likes an item has `name` (else the
        platform takes the last part of the location), `overwrite` and `autorename` (false; a name that is taken fails
        the job otherwise), and for a folder `preserve_folder_structure` (the platform keeps it unless this is false).
        No bytes are copied: what was imported is an alias of the object.

        Raises `CgcUsageError` before anything is sent, also for two items with the same destination and name, unless
        both have `autorename`: only one of them would be left. After `CgcConnectionError` with `.sent`,
        `CgcUnavailable` or `CgcUnreadableError` jobs may run whose ids are unknown: look into `list`. The same holds
        for an item whose problem is `made_here`.
        """
        return self._create(items, {})

    def _parse(self, raw: object) -> ImportJob:
        return ImportJob.from_json(raw)

    def _wire(self, index: int, item: Mapping[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "source": {
                "volume": checked_text(index, item, "volume"),
                "location": checked_text(index, item, "location"),
            },
            "destination": _destination(index, item),
            "overwrite": checked_flag(index, item, "overwrite"),
            "autorename": checked_flag(index, item, "autorename"),
        }
        if item.get("preserve_folder_structure") is not None:
            if not _is_folder(body):
                raise CgcUsageError(
                    f"item {index}: 'preserve_folder_structure' is for folders, whose location ends with a slash; "
                    f"{item['location']!r} does not"
                )
            body["preserve_folder_structure"] = checked_flag(index, item, "preserve_folder_structure")
        return body

    def _fit(self, body: Mapping[str, Any], job: ImportJob) -> Fit:
        """Judge by source and destination, which a job tells as they were given, by the documentation.

        The platform may fill in the name of a job without one, may tell a folder by its project, and may spell the
        location of a folder without its slash.
        """
        source = body["source"]
        given = {"volume": job.volume or source["volume"], "location": job.location}
        if given["volume"] != source["volume"] or (job.location or "").strip("/") != source["location"].strip("/"):
            return Fit.NONE
        asked = body["destination"]
        if "parent" in asked:
            here = job.parent in (asked["parent"], None)
        else:
            here = job.project == asked["project"] or (job.project is None and job.parent is None)
        fit = _fit_of_name(body, job.name) if here else Fit.NONE
        return fit if given == source else min(fit, Fit.POSSIBLE)

    def _clash(self, body: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
        one, two = body["source"], other["source"]
        target = _target(body)
        same_target = target is not None and target == _target(other)
        if one == two and (same_target or body["destination"] == other["destination"]):
            return "ask for the same import; give it once"
        if target is None or not same_target or (body["autorename"] and other["autorename"]):
            return None
        where, name = target
        things = " and ".join(f"{source['location']!r} of {source['volume']!r}" for source in (one, two))
        return (
            f"import two things under one name: {things} as {name!r} into {where!r}; give each its own name, or both "
            "autorename"
        )


def _destination(index: int, item: Mapping[str, Any]) -> dict[str, str]:
    kinds = [kind for kind in ("project", "parent") if item.get(kind) is not None]
    if len(kinds) != 1:
        given = "both" if kinds else "neither"
        raise CgcUsageError(f"item {index}: give either 'project' or 'parent', the id of a folder; it has {given}")
    keys = kinds if item.get("name") is None else [*kinds, "name"]
    return {key: checked_text(index, item, key) for key in keys}


def _is_folder(body: Mapping[str, Any]) -> bool:
    return bool(body["source"]["location"].endswith("/"))


def _fit_of_name(body: Mapping[str, Any], given: str | None) -> Fit:
    asked = body["destination"].get("name")
    if given is None:
        return Fit.GOOD if asked is None else Fit.POSSIBLE
    name = _name(body)
    # An automatic name has an underscore, a number and an underscore before the one that was wanted.
    if given == name or (body["autorename"] and re.fullmatch(rf"_\d+_{re.escape(name)}", given)):
        return Fit.GOOD
    return Fit.POSSIBLE if asked is None else Fit.NONE


def _name(body: Mapping[str, Any]) -> str:
    """Return the name asked for, else the last part of the location; empty for a whole volume."""
    return str(body["destination"].get("name") or body["source"]["location"].rstrip("/").rpartition("/")[2])


def _target(body: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the project or folder, and the name that a thing gets there; None if nobody can know the name."""
    destination, name = body["destination"], _name(body)
    if not name or body.get("preserve_folder_structure") is False:
        return None
    return destination.get("project") or destination["parent"], name


def _query(project: str | None, volume: str | None, state: JobState | str | None) -> dict[str, str | list[str] | None]:
    # A list is abbreviated to id and state unless it is asked for all.
    return {"project": project, "volume": volume, "state": state_name(state), "fields": "_all"}
