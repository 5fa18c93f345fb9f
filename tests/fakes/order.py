"""The order of an export on a made-up client, as if it had been checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from airflow_provider_cgc.jobs.exports.item import ExportItem, ExportKey
from airflow_provider_cgc.jobs.exports.locations import LocationTemplate
from airflow_provider_cgc.jobs.exports.order import ExportOrder
from airflow_provider_cgc.jobs.submitting.items import Key


def export_client(
    *,
    pages: Callable[[str, int], Any] | None = None,
    bulk_get: Callable[[Any], Any] | None = None,
    create: Callable[[Any], Any] | None = None,
    close: Callable[[], object] = lambda: None,
) -> Any:
    """
    Return a client whose calls are these.

    :param pages: one page of a volume's list of jobs from an offset on.
    """

    def page(*, volume: str, state: object = None, offset: int = 0, limit: int = 100) -> Any:
        return pages(volume, offset) if pages else None

    exports = SimpleNamespace(
        page=page,
        bulk_get=bulk_get or (lambda ids: []),
        bulk_create=lambda bodies, copy_only: create(bodies) if create else [],
    )
    return SimpleNamespace(exports=exports, close=close)


def export_order(
    client: Any = None, items: Mapping[ExportKey, ExportItem] | Iterable[ExportKey] = (), **how: Any
) -> ExportOrder:
    """Return an order whose items have their places; `how` are its arguments."""
    order = ExportOrder(client, **{"copy_only": True, "volume": "a/out", "template": LocationTemplate("{id}")} | how)
    keys: dict[Key, ExportItem] = (
        dict(items)
        if isinstance(items, Mapping)
        else {key: ExportItem(key.file, key.location, key.volume) for key in items}
    )
    order.keys, order.items = keys, list(keys.values())
    return order
