"""Reading a list page by page, whatever the platform does with its pages.

A list is live: items shift between pages while jobs are made, and one list of the platform is known to repeat every
item (https://docs.cancergenomicscloud.org/reference, paging). So each id is given once, and the reading ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Generic, Protocol, TypeAlias, TypeVar

from airflow_provider_cgc.client.errors import CgcUnreadableError, CgcUsageError
from airflow_provider_cgc.client.http.request import Request
from airflow_provider_cgc.client.http.transport import Transport
from airflow_provider_cgc.client.models.lists import PAGE_LIMIT, Page

__all__ = ["BARREN_PAGES", "PAGE_LIMIT", "PageStart", "Query", "Reading", "all_items", "page_at"]


BARREN_PAGES = 3
"""Pages in a row that bring nothing new, after which a list is over whatever its links say."""

Query = Mapping[str, str | list[str] | None]
PageStart: TypeAlias = int | str
"""The start of a page: an offset, or the platform's own link."""


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T")
Item = TypeVar("Item", bound=_HasId)


def page_at(
    transport: Transport, path: str, parse: Callable[[object], T], query: Query, where: PageStart, *, limit: int
) -> Page[T]:
    """Return one page, of at most `limit` (1 to 100) items."""
    if isinstance(where, str):
        request = Request("GET", path, link=where)
    else:
        if not 1 <= limit <= PAGE_LIMIT or where < 0:
            raise CgcUsageError(f"a page has 1 to {PAGE_LIMIT} items from offset 0 on, not {limit} from {where}")
        params = {key: value for key, value in query.items() if value is not None}
        request = Request("GET", path, params | {"limit": str(limit), "offset": str(where)})
    answer = transport.send(request)
    return Page.from_json(answer.value, parse, total=answer.total, date=answer.date)


def all_items(
    transport: Transport,
    path: str,
    parse: Callable[[object], Item],
    query: Query,
    *,
    limit: int | None = None,
    offset: int = 0,
) -> Iterator[Item]:
    """Yield each item once; `limit` ends it early, and asks for a short page where that is enough."""
    if limit is not None and limit <= 0:
        return
    most = min(limit or PAGE_LIMIT, PAGE_LIMIT)
    reading: Reading[Item] = Reading(path, limit=most, offset=offset)
    where: PageStart | None = offset
    left = limit
    while where is not None:
        page = page_at(transport, path, parse, query, where, limit=most)
        for item in reading.take(page, where):
            yield item
            if left is not None:
                left -= 1
                if not left:
                    return
        where = reading.advance(page)


class Reading(Generic[Item]):
    """The reading of one list: the new items of each page, and the start of the next page; it sends nothing itself.

    Links lead from page to page. Where one is missing, or leads back, the largest total told and the size of the page
    tell whether there is more, and the next page is asked for by its offset. A list ends at the latest after three
    pages in a row that bring nothing new: one may come of a hundred jobs that were made meanwhile and moved the list.

    A page with null for its items is empty, unless the total promises some at its position and the items before it fill
    their page: then it has lost them. After a page that is not full, the total may just as well be too large.
    """

    def __init__(self, path: str, *, limit: int = PAGE_LIMIT, offset: int = 0) -> None:
        self._path = path
        self._limit = limit
        self._offset = offset
        self._seen: set[str] = set()
        self._followed: set[str] = set()
        self._linked = False
        self._largest_page = 0
        """The most items of a page so far."""
        self._full_page = limit
        """Items that make a page full: those of the largest page before it, for the platform may have its own limit."""
        self._asked = {offset}
        """Offsets that were asked for."""
        self._total = 0
        """The largest total told so far."""
        self._full_until: set[PageStart | None] = set()
        """The starts of the pages that follow a full one: their links, and their offsets."""
        self._furthest = offset
        """The largest offset that was asked for and brought something new."""
        self._lost_at: int | None = None
        """The offset of a page that had null for its items although there should have been some."""
        self.barren = 0
        """Pages in a row that brought nothing new."""

    def take(self, page: Page[Item], where: PageStart) -> list[Item]:
        """Return the items of a page that no page before it had; `where` is its start.

        Raises `CgcUnreadableError` if this page, or one before it, must have lost its items.
        """
        self._total = max(self._total, page.total or 0)
        new = [item for item in {item.id: item for item in page.items}.values() if item.id not in self._seen]
        if not page.has_items:
            self._note_null_items(page, where)
        elif new and self._lost_at is not None and (isinstance(where, str) or where > self._lost_at):
            raise self._lost()
        self._seen.update(item.id for item in new)
        self.barren = 0 if new else self.barren + 1
        self._linked = self._linked or page.next is not None
        self._full_page = self._largest_page or self._limit
        self._largest_page = max(self._largest_page, len(page.items))
        if new:
            # A page that only repeats others stands elsewhere than it was asked for.
            self._note_position(page, where)
        return new

    def advance(self, page: Page[Item]) -> PageStart | None:
        """Go on to the page after this one and give its start; None at the end of the list."""
        if self.barren >= BARREN_PAGES:
            return None
        if page.next is not None and page.next not in self._followed:
            self._followed.add(page.next)
            return page.next
        where = self._next_offset(page)
        if where is not None:
            self._asked.add(where)
        return where

    def _note_position(self, page: Page[Item], where: PageStart) -> None:
        """Note the position of a page with new items, and if it is full."""
        begin = self._position - len(page.items) if isinstance(where, str) else where
        self._furthest = max(self._furthest, begin)
        if self._is_full(page):
            self._full_until |= {begin + len(page.items), page.next}

    def _is_full(self, page: Page[Item]) -> bool:
        return not replace(page, next=None, total=None).is_last(0, limit=self._full_page)

    def _note_null_items(self, page: Page[Item], where: PageStart) -> None:
        """Raise if these null items must have been lost; where that is not certain yet, remember the place."""
        offset = self._position if isinstance(where, str) else where
        counted = self._total > offset
        certain = isinstance(where, str) or offset == self._offset or offset < self._furthest
        if counted and (certain or offset in self._full_until):
            raise self._lost()
        if not self._total and isinstance(where, str) and where in self._full_until:
            # No total tells, but a full page did link on to these.
            raise self._lost()
        if self._lost_at is None and (counted or page.next is not None):
            self._lost_at = offset

    def _lost(self) -> CgcUnreadableError:
        return CgcUnreadableError(
            f"GET {self._path}: the platform answered null in place of a page's items, but the list goes on"
        )

    @property
    def _position(self) -> int:
        return self._offset + len(self._seen)

    def _next_offset(self, page: Page[Item]) -> int | None:
        """Return the first offset that was not asked for yet, if something is likely to be there."""
        total, where = self._total, self._position
        if self._lost_at is not None:
            # If the last item that the total promises is there, so were those that are missing.
            return total - 1 if total > where and total - 1 not in self._asked else None
        # Where links led here, a full page without one is the last only if its own total says so.
        links_end = self._linked and page.next is None and (not self._is_full(page) or page.total == where)
        full = self._limit if self._linked else self._full_page
        # A link that leads back is worth no more than none.
        if total <= where and (links_end or replace(page, next=None).is_last(where, limit=full)):
            return None
        while where in self._asked:
            where += self._limit
        return where if total > where or total <= self._position else None
