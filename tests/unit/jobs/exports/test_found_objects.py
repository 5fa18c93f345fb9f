"""An object that a job found at its place is skipped if it is as wanted and may be skipped, and a failure otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.client.models import VolumeObject
from airflow_provider_cgc.jobs.submitting.outcomes import ItemState
from tests.fakes.accounts import HERE, KEPT, NO_FILE, NOWHERE, SHORT, a_platform, account_of, failed, moved_file
from tests.fakes.job_lists import TAKEN

pytestmark = pytest.mark.usefixtures("naps")


@pytest.mark.parametrize("manifest", [True, False])
@pytest.mark.parametrize(
    ("file", "objects", "skipped"),
    [
        ({}, HERE, 1),
        ({}, SHORT, 0),
        ({}, NOWHERE, 0),
        ({"size": None}, HERE, 1),
        ({}, [VolumeObject("000", "a/out")], 1),
        (NO_FILE, HERE, 0),
    ],
    ids=["the same size", "another size", "not there", "the file tells none", "the object tells none", "no such file"],
)
def test_found_as_wanted_is_skip(file: Any, objects: list[VolumeObject], skipped: int, manifest: bool) -> None:
    """An object that a job found at its place is skipped if it is as wanted."""
    job = failed(0, TAKEN)
    answer = file if isinstance(file, Problem) else moved_file(job, **KEPT | file)
    platform = a_platform([job], files=lambda name: answer, objects=objects)

    told = account_of(platform, [job], skips=True, verify=True, manifest=manifest)

    assert (told.summary.skipped, told.summary.failed) == (skipped, 1 - skipped)
    assert len(told.summary.failed_items) == 1 - skipped
    if manifest:
        assert [one.state for one in told.outcomes] == [ItemState.SKIPPED if skipped else ItemState.FAILED]


@pytest.mark.parametrize("manifest", [True, False])
def test_skipped_may_be_unmoved(manifest: bool) -> None:
    job = failed(0, TAKEN)
    platform = a_platform([job], files=lambda name: moved_file(job, **KEPT), objects=HERE)

    told = account_of(platform, [job], skips=True, moves=True, manifest=manifest)

    assert (told.summary.skipped, told.summary.failed, told.not_yet_known) == (1, 0, None)


def test_size_from_the_manifest() -> None:
    """The manifest tells the size that the platform does not."""
    job = failed(0, TAKEN)
    platform = a_platform([job], files=lambda name: moved_file(job, **KEPT, size=None), objects=SHORT)

    told = account_of(platform, [job], skips=True, manifest=True)

    assert (told.summary.skipped, told.summary.failed) == (0, 1)


def test_found_is_a_failure() -> None:
    """An object that a job found at its place is a failure unless it may be skipped."""
    told = account_of(a_platform([failed(0, TAKEN)], objects=HERE), [failed(0, TAKEN)])

    assert (told.summary.skipped, told.summary.failed) == (0, 1)
