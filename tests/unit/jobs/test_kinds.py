"""The differences between the kinds of job."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_provider_cgc.client import models
from airflow_provider_cgc.jobs.kinds import EXPORT, IMPORT, KINDS


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_kinds_have_names(kind):
    assert KINDS[kind.name] is kind


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_kinds_have_an_endpoint(kind):
    """Every kind names an endpoint of the real client."""
    from airflow_provider_cgc.client import CgcClient, Settings

    with CgcClient(Settings(token="a-made-up-token")) as client:
        assert kind.bulk_get(client) == getattr(client, kind.plural).bulk_get


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_kinds_name_their_items(kind):
    """Every kind names the item that its jobs move."""
    model = getattr(models, f"{kind.name.title()}Job")

    job = model.from_json({"id": "a", "source": {"file": "moved", "location": "moved"}})

    assert job.item[kind.subject] == "moved"


@pytest.mark.parametrize(
    ("kind", "count", "text"),
    [
        (EXPORT, 1, "1 export still runs on the platform and cannot be cancelled"),
        (EXPORT, 2, "2 exports still run on the platform and cannot be cancelled"),
        (IMPORT, 1, "1 import still runs on the platform and cannot be cancelled"),
        (IMPORT, 2, "2 imports still run on the platform and cannot be cancelled"),
    ],
)
def test_says_it_cannot_cancel(kind, count, text):
    """Jobs that cannot be cancelled are said to be so."""
    assert kind.still_running(count) == text


def test_says_it_can_cancel():
    """Jobs that can be cancelled are not said to be beyond that."""
    task = replace(EXPORT, name="task", plural="tasks", cancellable=True, subject="")

    assert task.still_running(3) == "3 tasks still run on the platform"
