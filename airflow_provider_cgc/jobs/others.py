"""Exports that other runs or Dags of the same user have under way to the same places: a second one would fail.

Only as far as the platform's list shows them: two runs that start in the same minute do not see each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from airflow_provider_cgc.client.endpoints.pages import PAGE_LIMIT
from airflow_provider_cgc.client.models import JobState
from airflow_provider_cgc.jobs.submitting.joblist import check_null_jobs
from airflow_provider_cgc.jobs.submitting.search import Key, key_of

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.models import ExportJob

LEAST_LOOKED_AT = 200
"""Jobs of a volume and a state that are looked through at least, if there are so many: three requests."""


def under_way(client: CgcClient, wanted: Collection[Key], *, say: Callable[[str], object]) -> Mapping[Key, ExportJob]:
    """
    Return the jobs under way that export one of these files to its place.

    Of each volume twice as many jobs are looked through as are wanted: a task of one file must not read the list of a
    night. `say` is told where that is not the whole list. Raises `CgcError`.
    """
    found: dict[Key, ExportJob] = {}
    for volume in sorted({key.volume for key in wanted}):
        most = max(LEAST_LOOKED_AT, 2 * sum(key.volume == volume for key in wanted))
        for state in (JobState.PENDING, JobState.RUNNING):
            for job in _listed(client, volume, state, most=most, say=say):
                key = key_of(job, volume)
                if key is not None and key in wanted and not job.done:
                    found[key] = job
    return found


def _listed(
    client: CgcClient, volume: str, state: JobState, *, most: int, say: Callable[[str], object]
) -> Iterator[ExportJob]:
    offset = looked_through = 0
    totals: list[int] = []
    while offset < most:
        page = client.exports.page(volume=volume, state=state, offset=offset)
        totals += [] if page.total is None else [page.total]
        check_null_jobs(page, offset, max(totals, default=math.inf))
        yield from page.items
        looked_through = offset + len(page.items)
        if page.is_last(looked_through):
            return
        # Each page repeats a tenth of what the one before held: meanwhile jobs end, and the others move up.
        held = len(page.items) or PAGE_LIMIT
        offset += max(held - max(held // 10, 1), 1)
    say(
        f"There are more {state.value} exports on {volume} than the {looked_through} that were looked through"
        " for such as export the same files to the same places."
    )
