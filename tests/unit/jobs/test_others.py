"""Exports of other runs are found in the platform's list, to its end, whatever its pages tell of that."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_cgc.client.models import Page
from airflow_provider_cgc.jobs.others import under_way
from dev.virtual_time import START
from tests.unit.jobs.job_lists import export, key


@pytest.mark.parametrize(
    ("total", "links"), [("right", True), ("right", False), (None, False), (0, False), (50, False), (100, False)]
)
@pytest.mark.parametrize("count", [1, 90, 100, 150])
def test_the_list_is_read_to_its_end(count: int, total: Any, links: bool) -> None:
    jobs = [export(f"job{number}", key(number), START) for number in range(count)]

    def page(*, volume: str, state: object, offset: int) -> Page[Any]:
        items = jobs[offset : offset + 100]
        following = "more" if links and offset + 100 < count else None
        return Page(tuple(items), count if total == "right" else total, following, None)

    client: Any = SimpleNamespace(exports=SimpleNamespace(page=page))

    assert under_way(client, {key(count - 1)}, say=pytest.fail).keys() == {key(count - 1)}
