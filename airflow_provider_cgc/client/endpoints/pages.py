"""Reading a list page by page, whatever the platform does with its pages.

A list is live: items shift between pages while jobs are made, and one list of the platform is known to repeat every
item (https://docs.cancergenomicscloud.org/reference, paging). So each id is given once, and the reading ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, TypeVar

from airflow_provider_cgc.client.errors import CgcUsageError
from airflow_provider_cgc.client.models import Page
from airflow_provider_cgc.client.transport import Request, Transport

__all__ = ["BARREN_PAGES", "PAGE_LIMIT", "Query", "all_items", "first_page", "pages"]

PAGE_LIMIT = 100
"""Items on a page at most, by the platform's documentation."""

BARREN_PAGES = 3
"""Pages in a row that bring nothing new, after which a list is over whatever its links say."""
_MOST_PAGES = 100_000

Query = Mapping[str, str | list[str] | None]


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T")
Item = TypeVar("Item", bound=_HasId)


def first_page(
    transport: Transport, path: str, parse: Callable[[object], T], query: Query, *, limit: int, offset: int = 0
) -> Page[T]:
    """One page from `offset` on, of at most `limit` (1 to 100) items."""
    if not 1 <= limit <= PAGE_LIMIT or offset < 0:
        raise CgcUsageError(f"a page has 1 to {PAGE_LIMIT} items from offset 0 on, not {limit} from {offset}")
    params = {key: value for key, value in query.items() if value is not None}
    params |= {"limit": str(limit), "offset": str(offset)}
    return _read(transport, Request("GET", path, params), parse)


def pages(transport: Transport, path: str, parse: Callable[[object], T], start: Page[T]) -> Iterator[Page[T]]:
    """`start` and the pages its links lead to; a link that was followed before ends it."""
    page, followed = start, set[str]()
    yield page
    while page.next is not None and page.next not in followed and len(followed) < _MOST_PAGES:
        followed.add(page.next)
        page = _read(transport, Request("GET", path, link=page.next), parse)
        yield page


def all_items(
    transport: Transport,
    path: str,
    parse: Callable[[object], Item],
    query: Query,
    *,
    limit: int | None = None,
    offset: int = 0,
) -> Iterator[Item]:
    """Each item once, lazily; `limit` ends it early and makes a short page where that is enough.

    It ends with the last link, an empty page, or three pages in a row that bring nothing new: one such page may come
    of a hundred jobs that were made meanwhile and moved the list.
    """
    if limit is not None and limit <= 0:
        return
    start = first_page(transport, path, parse, query, limit=min(limit or PAGE_LIMIT, PAGE_LIMIT), offset=offset)
    seen: set[str] = set()
    barren = 0
    for page in pages(transport, path, parse, start):
        known = len(seen)
        for item in page.items:
            if item.id not in seen:
                seen.add(item.id)
                yield item
                if len(seen) == limit:
                    return
        barren = 0 if len(seen) > known else barren + 1
        if not page.items or barren == BARREN_PAGES:
            return


def _read(transport: Transport, request: Request, parse: Callable[[object], T]) -> Page[T]:
    answer = transport.send(request)
    return Page.from_json(answer.value, parse, total=answer.total, date=answer.date)
