"""Files and folders of projects. https://docs.cancergenomicscloud.org/reference/list-files-primary-method"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from airflow_provider_cgc.client.endpoints.bulk import BulkReader
from airflow_provider_cgc.client.endpoints.pages import all_items
from airflow_provider_cgc.client.endpoints.paths import one_segment, owner_and_name
from airflow_provider_cgc.client.errors import CgcUsageError
from airflow_provider_cgc.client.models import BulkRecord, File
from airflow_provider_cgc.client.transport import Request, Transport

__all__ = ["FilesEndpoint"]

_UNKNOWN_FILE = 5002


class FilesEndpoint:
    """`client.files`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._reader = BulkReader(
            transport,
            "/bulk/files/get",
            ids_key="file_ids",
            what="file",
            parse=File.from_json,
            unknown_code=_UNKNOWN_FILE,
            # Where a file is stored, and so if it can be exported, is told only when all fields are asked for.
            fields="_all",
        )

    def get(self, file_id: str) -> File:
        """One file or folder, whole."""
        request = Request("GET", f"/files/{one_segment('file', file_id)}")
        return File.from_json(self._transport.send(request).value)

    def bulk_get(self, ids: Iterable[str]) -> list[BulkRecord[File]]:
        """One record per id, in the order given, a hundred ids per request; no ids: nothing is sent."""
        return self._reader.get(ids)

    def list(
        self,
        project: str | None = None,
        *,
        parent: str | None = None,
        name: str | Iterable[str] | None = None,
        metadata: Mapping[str, str] | None = None,
        tag: str | Iterable[str] | None = None,
        origin_task: str | None = None,
    ) -> Iterator[File]:
        """Files and folders directly in a project or in a folder (`parent`, its id), whole, page by page.

        Several names match any of them. Raises `CgcUsageError` unless exactly one of project and parent is given.
        """
        if (project is None) == (parent is None):
            raise CgcUsageError("give either a project or a parent folder")
        query: dict[str, str | list[str] | None] = {"fields": "_all", "origin.task": origin_task}
        if project is not None:
            owner_and_name("project", project)
            query["project"] = project
        else:
            one_segment("folder", parent)
            query["parent"] = parent
        query |= {"name": _texts(name), "tag": _texts(tag)}
        query |= {f"metadata.{key}": value for key, value in (metadata or {}).items()}
        return all_items(self._transport, "/files", File.from_json, query)

    def walk(self, project: str) -> Iterator[File]:
        """All files of a project, below all its folders; the folders themselves are left out."""
        levels = [self.list(project=project)]
        seen: set[str] = set()
        while levels:
            for item in levels.pop():
                if item.id in seen:
                    continue
                seen.add(item.id)
                if item.is_folder:
                    levels.append(self.list(parent=item.id))
                else:
                    yield item


def _texts(value: str | Iterable[str] | None) -> str | list[str] | None:
    return value if value is None or isinstance(value, str) else list(value)
