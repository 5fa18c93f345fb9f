"""A look for exports in a made-up list."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from airflow_provider_cgc.jobs.submitting.items import Key
from airflow_provider_cgc.jobs.submitting.search import Look, find
from tests.fakes.order import export_client, export_order


def look_in(pages: Callable[[str, int], Any], wanted: Collection[Key], **how: Any) -> Look:
    """Look once in a list of exports."""
    return find(export_order(export_client(pages=pages)), wanted, **how)


def found_ids(look: Look) -> dict[Key, list[str]]:
    return {wanted: [job.id for job in jobs] for wanted, jobs in look.found.items()}
