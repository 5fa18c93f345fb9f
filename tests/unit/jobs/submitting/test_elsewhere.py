"""Exports of other runs are found in the platform's list, to its end, whatever its pages tell of that."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cgc.client import CgcUnreadableError
from airflow_provider_cgc.client.models.lists import Page
from airflow_provider_cgc.jobs.submitting.search import elsewhere
from dev.virtual_time import START
from tests.fakes.job_lists import export, key
from tests.fakes.order import export_client, export_order


@pytest.mark.parametrize(
    ("total", "links"), [("right", True), ("right", False), (None, False), (0, False), (50, False), (100, False)]
)
@pytest.mark.parametrize("count", [1, 90, 100, 150])
def test_list_is_read_to_its_end(count: int, total: Any, links: bool) -> None:
    jobs = [export(f"job{number}", key(number), START) for number in range(count)]

    def page(volume: str, offset: int) -> Page[Any]:
        items = jobs[offset : offset + 100]
        following = "more" if links and offset + 100 < count else None
        return Page(tuple(items), count if total == "right" else total, following, None)

    order = export_order(export_client(pages=page))

    assert elsewhere(order, {key(count - 1)}, log_info=pytest.fail).keys() == {key(count - 1)}


@pytest.mark.parametrize("cap", [25, 50, 100])
def test_short_pages_skip_none(cap: int) -> None:
    jobs = [export(f"job{number}", key(number), START) for number in range(150)]

    def page(volume: str, offset: int) -> Page[Any]:
        return Page(tuple(jobs[offset : offset + cap]), 150, "more" if offset + cap < 150 else None, None)

    order = export_order(export_client(pages=page))
    wanted = {key(number) for number in range(150)}

    assert elsewhere(order, wanted, log_info=pytest.fail).keys() == wanted


@pytest.mark.parametrize(("total", "following"), [(None, None), (None, "more"), (3, None)])
def test_null_is_not_nobody(total: int | None, following: str | None) -> None:
    """Null in place of jobs is not taken for nobody else."""
    answer: Page[Any] = Page((), total, following, None, has_items=False)
    order = export_order(export_client(pages=lambda volume, offset: answer))

    with pytest.raises(CgcUnreadableError, match="null in place of the jobs from 0 on"):
        elsewhere(order, {key(1)}, log_info=pytest.fail)


def test_null_and_0_is_nobody() -> None:
    """Null with a total of 0 means that nobody else exports."""
    answer: Page[Any] = Page((), 0, None, None, has_items=False)
    order = export_order(export_client(pages=lambda volume, offset: answer))

    assert elsewhere(order, {key(1)}, log_info=pytest.fail) == {}
