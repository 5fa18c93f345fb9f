"""What differs between the kinds of job."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_provider_cgc.client import models
from airflow_provider_cgc.jobs.kinds import EXPORT, IMPORT, KINDS


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_every_kind_is_found_by_its_name(kind):
    assert KINDS[kind.name] is kind


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_every_kind_names_an_endpoint_of_the_real_client(kind):
    from airflow_provider_cgc.client import CgcClient, Settings

    with CgcClient(Settings(token="a-made-up-token")) as client:
        assert kind.bulk_get(client) == getattr(client, kind.plural).bulk_get


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_every_kind_names_what_an_item_of_its_jobs_moves(kind):
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
def test_what_cannot_be_cancelled_is_said_to_be_so(kind, count, text):
    assert kind.still_running(count) == text


def test_jobs_that_can_be_cancelled_are_not_said_to_be_beyond_that():
    task = replace(EXPORT, name="task", plural="tasks", cancellable=True, subject="")

    assert task.still_running(3) == "3 tasks still run on the platform"
