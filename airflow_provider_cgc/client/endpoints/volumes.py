"""Volumes and what lies on them. https://docs.cancergenomicscloud.org/reference/list-volumes and its neighbours"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from airflow_provider_cgc.client.endpoints.pages import PAGE_LIMIT, all_items
from airflow_provider_cgc.client.endpoints.paths import owner_and_name
from airflow_provider_cgc.client.models import Page, Volume, VolumeObject
from airflow_provider_cgc.client.transport import Request, Transport

__all__ = ["VolumesEndpoint"]

_PATH = "/storage/volumes"


class VolumesEndpoint:
    """`client.volumes`: those that the token's user is a member of."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, volume_id: str) -> Volume:
        """One volume, "owner/name"."""
        request = Request("GET", f"{_PATH}/{owner_and_name('volume', volume_id)}")
        return Volume.from_json(self._transport.send(request).value)

    def list(self) -> Iterator[Volume]:
        """All volumes, whole, page by page while you read."""
        return all_items(self._transport, _PATH, Volume.from_json, {"fields": "_all"})

    def contents(
        self,
        volume_id: str,
        *,
        prefix: str = "",
        recursive: bool = False,
        into: Callable[[str], bool] | None = None,
    ) -> Iterator[VolumeObject]:
        """The objects below `prefix`; `recursive` goes down into what the platform lists as sub-folders.

        `into` chooses among the sub-folders by their names.
        """
        path = f"{_PATH}/{owner_and_name('volume', volume_id)}/list"
        waiting, seen = [prefix], {prefix}
        while waiting:
            for page in self._pages(path, waiting.pop()):
                yield from page.items
                new = [name for name in page.folders if name not in seen and (into(name) if into else recursive)]
                seen.update(new)
                waiting += new

    def _pages(self, path: str, prefix: str) -> Iterator[_Contents]:
        """Continuation pages may be empty and yet have a successor, so only the links end them."""
        params: dict[str, str | list[str]] = {"limit": str(PAGE_LIMIT), "fields": "_all"}
        request = Request("GET", path, params | ({"prefix": prefix} if prefix else {}))
        followed: set[str | None] = {None}
        while True:
            page = _Contents(self._transport.send(request).value)
            yield page
            if page.next in followed:
                return
            followed.add(page.next)
            request = Request("GET", path, link=page.next)


class _Contents:
    """One page of a listing: objects, sub-folders, and the link to the next."""

    def __init__(self, raw: object) -> None:
        page = Page.from_json(raw, VolumeObject.from_json)
        self.items, self.next = page.items, page.next
        prefixes = raw.get("prefixes") if isinstance(raw, dict) else None
        found = [entry.get("prefix") for entry in prefixes or () if isinstance(entry, dict)]
        self.folders = [name for name in found if isinstance(name, str) and name]
