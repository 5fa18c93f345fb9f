"""A file counts as moved, or as copied and verified, if the platform shows it, and not before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.client.models import File, VolumeObject
from airflow_provider_cgc.jobs.files import MOST_CONFIRMED
from airflow_provider_cgc.jobs.submitting.outcomes import ItemState
from tests.fakes.accounts import HERE, KEPT, NO_FILE, NOWHERE, SHORT, a_platform, account_of, completed, moved_file
from tests.fakes.export_facts import UNDECIDED

pytestmark = pytest.mark.usefixtures("naps")

ELSEWHERE = {"location": "another/key"}
UNTOLD = {"volume": None, "location": None}
NO_RIGHT = Problem(403, 5001, "No access.")


@pytest.mark.parametrize(("shown", "counts"), [((KEPT, {}), (1, 0)), ((KEPT, KEPT), (0, 1))])
def test_move_has_time(naps: list[float], shown: tuple[Any, Any], counts: tuple[int, int]) -> None:
    """A moved file is given time to become an alias."""
    moved, looks = completed(0), iter(shown)

    told = account_of(a_platform([moved], files=lambda name: moved_file(moved, **next(looks))), [moved], moves=True)

    assert (told.summary.completed, told.summary.failed) == counts
    assert sum(naps) == 20


@pytest.mark.parametrize("manifest", [True, False])
@pytest.mark.parametrize(
    ("file", "objects", "ends"),
    [
        ({}, NOWHERE, "completed"),
        (KEPT, HERE, "failed"),
        (ELSEWHERE, HERE, "failed"),
        ({"volume": "a/other"}, HERE, "failed"),
        (UNTOLD, HERE, "completed"),
        (UNTOLD, SHORT, "failed"),
        (UNTOLD, NOWHERE, "failed"),
        ({"volume": "a/other", "location": None}, HERE, "failed"),
        ({"volume": None, "location": "another/key"}, HERE, "failed"),
        (NO_FILE, HERE, "completed"),
        (NO_FILE, SHORT, "failed"),
        (NO_FILE, NOWHERE, "failed"),
        (NO_RIGHT, HERE, "not known"),
        (UNDECIDED, HERE, "not known"),
    ],
    ids=[
        "an alias of the object",
        "no alias",
        "an alias of another key",
        "an alias on another volume",
        "an alias of something, the object is there",
        "an alias of something, the object is too short",
        "an alias of something, no object",
        "an alias of something on another volume",
        "an alias of something at another key",
        "no such file, the object is there",
        "no such file, the object is too short",
        "no such file, no object",
        "a file that is not shown",
        "a file that is not told",
    ],
)
def test_move_needs_a_proof(file: Any, objects: list[VolumeObject], ends: str, manifest: bool) -> None:
    moved = completed(0)
    answer = file if isinstance(file, Problem) else moved_file(moved, **file)

    told = account_of(
        a_platform([moved], files=lambda name: answer, objects=objects), [moved], moves=True, manifest=manifest
    )

    assert (told.not_yet_known is not None) == (ends == "not known")
    assert told.summary.failed == (1 if ends == "failed" else 0)
    if manifest and ends != "not known":
        assert [one.state for one in told.outcomes] == [ItemState(ends.upper())]


@pytest.mark.parametrize(("one", "counts"), [(NO_FILE, (1, 0)), (File("file-000", storage_type="PLATFORM"), (0, 1))])
def test_unmentioned_asked_alone(one: File | Problem, counts: tuple[int, int]) -> None:
    """
    A file that no answer mentions is asked for alone.

    A gap in an answer is no proof that a file is gone; the copy of another run would then count as a move.
    """
    moved = completed(0)
    gap = Problem(404, 5002, "the platform's answer did not mention this file", made_here=True)

    told = account_of(a_platform([moved], files=lambda name: gap, objects=HERE, one=one), [moved], moves=True)

    assert (told.summary.completed, told.summary.failed) == counts


def test_left_out_is_undecided() -> None:
    """Files that too many answers leave out stay undecided. Each of the two looks asks for a hundred of them alone."""
    gap = Problem(404, 5002, "the platform's answer did not mention this file", made_here=True)
    jobs = [completed(number) for number in range(2 * MOST_CONFIRMED + 1)]
    objects = [VolumeObject(str(job.location), "a/out", 7) for job in jobs]
    platform = a_platform(jobs, files=lambda name: gap, objects=objects, one=NO_FILE)

    told = account_of(platform, jobs, moves=True)

    assert told.not_yet_known is not None
    assert "For 1 file, such as" in told.not_yet_known


@pytest.mark.parametrize("manifest", [True, False])
@pytest.mark.parametrize("how", ["moves", "verify"])
def test_completed_with_an_error(how: Any, manifest: bool) -> None:
    """A job that completed with an error is looked at like all others."""
    odd = replace(completed(0), error=Problem(None, 0, "odd"))
    platform = a_platform([odd], files=lambda name: moved_file(odd, **KEPT), objects=NOWHERE)

    told = account_of(platform, [odd], manifest=manifest, **{how: True})

    assert (told.summary.completed, told.summary.failed) == (0, 1)


@pytest.mark.parametrize("how", ["moves", "verify"])
@pytest.mark.parametrize("what", ["the job is not told", "the job does not tell its file"])
def test_untold_is_not_done(how: Any, what: str) -> None:
    job = completed(0)
    known = [] if what == "the job is not told" else [replace(job, file=None)]

    told = account_of(a_platform(known, files=lambda name: moved_file(job), objects=HERE), [job], **{how: True})

    assert told.not_yet_known is not None
    assert "no longer shows how" in told.not_yet_known


@pytest.mark.parametrize("how", ["moves", "verify"])
@pytest.mark.parametrize("good", [True, False])
def test_forgotten_by_manifest(how: Any, good: bool) -> None:
    """Jobs that the platform forgot are judged by the manifest."""
    job = completed(0)
    file = moved_file(job, **({} if good else KEPT))

    told = account_of(
        a_platform([], files=lambda name: file, objects=HERE if good else NOWHERE), [job], manifest=True, **{how: True}
    )

    assert told.not_yet_known is None
    assert (told.summary.completed, told.summary.failed) == ((1, 0) if good else (0, 1))
