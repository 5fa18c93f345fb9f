"""Volumes and what lies on them. https://docs.cancergenomicscloud.org/reference/list-volumes and its neighbours"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from airflow_provider_cgc.client import fields
from airflow_provider_cgc.client.endpoints.pages import PAGE_LIMIT, all_items
from airflow_provider_cgc.client.endpoints.paths import owner_and_name
from airflow_provider_cgc.client.errors import CgcUnreadableError
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
        """The objects below `prefix`, a folder with or without its slash; `recursive` goes down into its sub-folders.

        `into` chooses among the sub-folders by their names, which are whole and end with a slash. Raises
        `CgcUnreadableError` where the platform says that there is more and does not tell how to get it.
        """
        path = f"{_PATH}/{owner_and_name('volume', volume_id)}/list"
        start = _with_slash(prefix)
        waiting, seen = [start], {start}
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
            page = _Contents(self._transport.send(request).value, prefix)
            yield page
            if page.next is None and page.truncated:
                raise CgcUnreadableError(
                    f"GET {path}: the platform cut the list short and gave no link to the rest; try again, or list a"
                    " smaller prefix"
                )
            if page.next in followed:
                return
            followed.add(page.next)
            request = Request("GET", path, link=page.next)


class _Contents:
    """One page of a listing: objects, sub-folders, and the link to the next."""

    def __init__(self, raw: object, prefix: str) -> None:
        page = Page.from_json(raw, VolumeObject.from_json)
        body = fields.mapping(raw)
        self.items = [replace(item, location=_below(prefix, item.location)) for item in page.items]
        self.next = page.next
        self.truncated = fields.truth(body.get("truncated"))
        prefixes = body.get("prefixes")
        self.folders = [_below(prefix, name) for name in map(_folder, prefixes or ()) if name]


def _folder(entry: object) -> str:
    """A sub-folder. Examples end its name with a slash, the fixtures of the vendor's R library do not."""
    name = entry if isinstance(entry, str) else fields.text(fields.mapping(entry).get("prefix"))
    return _with_slash(name or "")


def _with_slash(prefix: str) -> str:
    """A folder as it is asked for: without the slash, "run" would find "run2/" and "run.log" as well."""
    return prefix if prefix.endswith("/") or not prefix else f"{prefix}/"


def _below(prefix: str, name: str) -> str:
    """Drop a slash before the name unless `prefix` begins with one; some answers add it."""
    return name if prefix.startswith("/") else name.lstrip("/") or name
