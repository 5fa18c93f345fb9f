"""What differs between the kinds of job."""

from __future__ import annotations

import pytest

from airflow_provider_cgc.jobs.kinds import EXPORT, KINDS, JobKind


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_every_kind_is_found_by_its_name(kind):
    assert KINDS[kind.name] is kind


@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_every_kind_names_an_endpoint_of_the_real_client(kind):
    from airflow_provider_cgc.client import CgcClient, Settings

    with CgcClient(Settings(token="a-made-up-token")) as client:
        assert callable(kind.bulk_get(client))


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "1 export still runs on the platform and cannot be cancelled"),
        (2, "2 exports still run on the platform and cannot be cancelled"),
    ],
)
def test_exports_cannot_be_cancelled_and_the_text_says_so(count, text):
    assert EXPORT.still_running(count) == text


def test_jobs_that_can_be_cancelled_are_not_said_to_be_beyond_that():
    task = JobKind(name="task", plural="tasks", cancellable=True)

    assert task.still_running(3) == "3 tasks still run on the platform"
