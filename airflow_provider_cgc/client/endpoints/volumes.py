"""Volumes and what lies on them. https://docs.cancergenomicscloud.org/reference/list-volumes and its neighbours"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from airflow_provider_cgc.client.endpoints.pages import all_items
from airflow_provider_cgc.client.endpoints.paths import one_segment, owner_and_name
from airflow_provider_cgc.client.errors import CgcUnreadableError
from airflow_provider_cgc.client.http.request import Request
from airflow_provider_cgc.client.http.transport import Transport
from airflow_provider_cgc.client.models import Volume, VolumeObject, fields
from airflow_provider_cgc.client.models.account import Permissions
from airflow_provider_cgc.client.models.lists import PAGE_LIMIT, Page

__all__ = ["VolumesEndpoint"]

_PATH = "/storage/volumes"
_MOST_BARREN = 30
"""Pages in a row that bring nothing new, after which the links of a listing are not followed any more. Chosen: more
than the 3 of other lists, because continuation pages may be empty."""


class VolumesEndpoint:
    """`client.volumes`: those that the token's user is a member of."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, volume_id: str) -> Volume:
        """Return one volume, "owner/name"."""
        request = Request("GET", f"{_PATH}/{owner_and_name('volume', volume_id)}")
        return Volume.from_json(self._transport.send(request).value)

    def list(self) -> Iterator[Volume]:
        """Yield all volumes, whole, page by page."""
        return all_items(self._transport, _PATH, Volume.from_json, {"fields": "_all"})

    def permissions(self, volume_id: str, username: str) -> Permissions:
        """
        Return the permissions of a member: `write` to export to the volume, `copy` to import from it.

        A user who is a member through a team or division may be unknown here (404), and nothing says which members may
        ask about others.
        """
        path = f"{_PATH}/{owner_and_name('volume', volume_id)}/members/{one_segment('user', username)}"
        member = fields.object_of(self._transport.send(Request("GET", path)).value, "member")
        return Permissions.from_json(member.get("permissions"))

    def contents(
        self,
        volume_id: str,
        *,
        prefix: str = "",
        recursive: bool = False,
        into: Callable[[str], bool] | None = None,
    ) -> Iterator[VolumeObject]:
        """Yield the objects below `prefix`, a folder with or without its slash; `recursive` reads sub-folders too.

        `into` chooses among the sub-folders by their names, which are whole and end with a slash. Raises
        `CgcUnreadableError` where the platform says that there is more and does not give it.
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

    def level(self, volume_id: str, *, prefix: str = "") -> tuple[Sequence[VolumeObject], Sequence[str]]:
        """Return the first objects and sub-folders directly below `prefix`: those that one request gives."""
        path = f"{_PATH}/{owner_and_name('volume', volume_id)}/list"
        page = next(self._pages(path, _with_slash(prefix)))
        return page.items, page.folders

    def _pages(self, path: str, prefix: str) -> Iterator[_Contents]:
        """Yield the pages: one of them may be empty and yet have a successor, so only the links end them."""
        params: dict[str, str | list[str]] = {"limit": str(PAGE_LIMIT), "fields": "_all"}
        request = Request("GET", path, params | ({"prefix": prefix} if prefix else {}))
        followed: set[str] = set()
        seen: set[str] = set()
        barren = 0
        while True:
            page = _Contents(self._transport.send(request).value, prefix)
            if page.has_nothing and (page.truncated or page.next is not None):
                raise _cut_short(path, "has null in place of a page's objects, but the list goes on")
            yield page
            if page.truncated and page.next is None:
                raise _cut_short(path, "cut the list short and gave no link to the rest")
            if page.truncated and page.next in followed:
                raise _cut_short(path, "cut the list short and linked back instead of to the rest")
            if page.next is None or page.next in followed:
                return
            names = page.names - seen
            barren = 0 if names else barren + 1
            if barren == _MOST_BARREN:
                raise _cut_short(path, f"gave {_MOST_BARREN} pages in a row with nothing new, and a link to one more")
            seen |= names
            followed.add(page.next)
            request = Request("GET", path, link=page.next)


def _cut_short(path: str, reason: str) -> CgcUnreadableError:
    return CgcUnreadableError(f"GET {path}: the platform {reason}; try again, or list a smaller prefix")


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
        self.has_nothing = not page.has_items and not self.folders
        """True if the objects are null. With sub-folders, null may well mean that the page has no objects."""

    @property
    def names(self) -> set[str]:
        """The names of the objects and of the sub-folders."""
        return {item.location for item in self.items} | set(self.folders)


def _folder(entry: object) -> str:
    """Return the name of a sub-folder, which has a slash at its end in examples, and none in the vendor's R library."""
    name = entry if isinstance(entry, str) else fields.text(fields.mapping(entry).get("prefix"))
    return _with_slash(name or "")


def _with_slash(prefix: str) -> str:
    """Return a folder as it is asked for: without the slash, "run" would find "run2/" and "run.log" as well."""
    return prefix if prefix.endswith("/") or not prefix else f"{prefix}/"


def _below(prefix: str, name: str) -> str:
    """Drop a slash before the name unless `prefix` begins with one; some answers add it."""
    return name if prefix.startswith("/") else name.lstrip("/") or name
