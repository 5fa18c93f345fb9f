"""Pages of a list: https://docs.cancergenomicscloud.org/reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic

from airflow_provider_cgc.client.errors import CgcUnreadableError
from airflow_provider_cgc.client.errors.problem import T
from airflow_provider_cgc.client.models import fields

PAGE_LIMIT = 100
"""Items on a page at most, by the platform's documentation."""


_OWN_LIMITS = (25, 50)
"""Items on a page if no limit is given: 25 by https://docs.cancergenomicscloud.org/docs/get-details-of-all-async-jobs,
50 by the example of https://docs.cancergenomicscloud.org/docs/list-export-jobs-v2."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. `total` counts all pages, where told; `date` is the platform's clock at the answer."""

    items: tuple[T, ...]
    total: int | None
    next: str | None = field(repr=False)
    date: datetime | None
    has_items: bool = True
    """False if `items` is null: an empty page, unless the rest of the list shows that it cannot be one."""

    def is_last(self, seen: int, *, limit: int = 100) -> bool:
        """Return True if no page follows. `seen`: items read so far, with this page.

        Links and totals may be missing or wrong, so a page as long as `limit` never counts as the last; nor does one of
        25 or 50 items (the platform's own limits, `_OWN_LIMITS`), unless the total equals `seen`.
        """
        if self.next is not None or (self.total or 0) > seen:
            return False
        full = len(self.items) >= limit or (len(self.items) in _OWN_LIMITS and self.total != seen)
        return not full

    @classmethod
    def from_json(
        cls, raw: object, parse: Callable[[object], T], *, total: int | None = None, date: datetime | None = None
    ) -> Page[T]:
        """Read a page; raises `CgcUnreadableError` unless `raw` has a list of items, or null in its place."""
        page = fields.object_of(raw, "list")
        items = page.get("items")
        if not isinstance(items, list) and ("items" not in page or items is not None):
            raise CgcUnreadableError("the platform sent a list without 'items'")
        parsed = tuple(parse(item) for item in items or ())
        return cls(parsed, total, _next_link(page.get("links")), date, has_items=items is not None)


def _next_link(links: object) -> str | None:
    """Read the link, `{"rel": "next", "href": url}` or, for a volume's contents, `{"next": url}`."""
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping):
            href = link.get("href") if link.get("rel") == "next" else link.get("next")
            if isinstance(href, str) and href:
                return href
    return None
