"""Projects. https://docs.cancergenomicscloud.org/reference/list-all-your-projects"""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_cgc.client.endpoints.pages import all_items
from airflow_provider_cgc.client.endpoints.paths import owner_and_name
from airflow_provider_cgc.client.http.request import Request
from airflow_provider_cgc.client.http.transport import Transport
from airflow_provider_cgc.client.models.account import Project

__all__ = ["ProjectsEndpoint"]


class ProjectsEndpoint:
    """`client.projects`: those that the token's user is a member of."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, project_id: str) -> Project:
        """Return one project, "owner/short-name"; its `location` is the cloud and region that exports are bound to."""
        request = Request("GET", f"/projects/{owner_and_name('project', project_id)}")
        return Project.from_json(self._transport.send(request).value)

    def list(self, name: str | None = None) -> Iterator[Project]:
        """Yield all projects, or those whose name contains `name` in any case, page by page."""
        return all_items(self._transport, "/projects", Project.from_json, {"fields": "_all", "name": name})
