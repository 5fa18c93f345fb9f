"""The account at the end of an export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_cgc.client.errors import CgcNotFound
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models import ExportJob, File, JobState, VolumeObject
from airflow_provider_cgc.client.models.lists import Page
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.exports.order import ExportOrder
from airflow_provider_cgc.jobs.files import MOST_CONFIRMED
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.submitting.account import account_for
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, ItemState
from airflow_provider_cgc.jobs.waiting.summary import MOST_ITEM_BYTES, MOST_ITEMS, Summary, failed_item
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker

FOR_GOOD = Problem(403, 9206, "No PUT.")
PASSING = Problem(503, 9100, "Busy.")
UNHEARD_OF_BUSY = Problem(503, 9199, "Busy in a way that no page tells of.")
UNHEARD_OF = Problem(400, 9198, "No.")
STATUS_ONLY = Problem(503, None, "Busy.")
GONE = Problem(404, 9008, "No such job.")
TAKEN = Problem(409, 9107, "There is an object.")
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def failed(number: int, problem: Problem, *, location: str | None = None) -> ExportJob:
    name = f"{number:03d}"
    place = name if location is None else location
    return ExportJob(f"job-{name}", JobState.FAILED, "FAILED", f"file-{name}", "a/out", place, error=problem)


def settle(
    client: Any, summary: Any, *, verify: bool = False, moves: bool = False, skips: bool = False, **how: Any
) -> Any:
    """Make the account of a task whose Dag says so."""
    order = ExportOrder(client, copy_only=not moves, if_exists="skip" if skips else "fail", verify=verify)
    known = Summary.from_json({"kind": EXPORT.name, **summary}, kind=EXPORT)
    return account_for(order, known, log_info=lambda line: None, **how)


def settled(jobs: Sequence[ExportJob], *, listed: list[dict[str, Any]] | None = None) -> Any:
    """Settle a task of which only these failures are told."""
    by_id = {job.id: job for job in jobs}
    exports = SimpleNamespace(bulk_get=lambda ids: [BulkRecord(name, by_id[name]) for name in ids])
    summary = {
        "total": len(jobs),
        "completed": 0,
        "failed": len(jobs),
        "missing": 0,
        "skipped": 0,
        "bytes": 0,
        "failed_items": [failed_item(job) for job in jobs[:MOST_ITEMS]] if listed is None else listed,
    }
    client: Any = SimpleNamespace(exports=exports)
    return settle(client, summary, outcomes=None, ids=sorted(by_id), verify=False, since=None)


@pytest.mark.parametrize(
    ("last", "may_pass"),
    [(PASSING, True), (FOR_GOOD, False), (UNHEARD_OF_BUSY, True), (UNHEARD_OF, False), (STATUS_ONLY, True)],
)
@pytest.mark.parametrize("count", [1, MOST_ITEMS, MOST_ITEMS + 1])
def test_passing_is_found(count: int, last: Problem, may_pass: bool) -> None:
    """A failure that may pass is found wherever it stands."""
    jobs = [*(failed(number, FOR_GOOD) for number in range(count - 1)), failed(count, last)]

    told = settled(jobs)

    assert told.may_pass is may_pass
    assert (told.summary.failed, len(told.summary.failed_items)) == (count, min(count, MOST_ITEMS))


def test_listed_as_the_wait_did() -> None:
    """
    The account lists the failures that the wait has listed.

    One that was too large for the summary of the wait must not cut the list of the account short.
    """
    jobs = [
        failed(number, FOR_GOOD, location="x" * MOST_ITEM_BYTES if number == 1 else f"out/{number}")
        for number in range(4)
    ]
    tracker = JobTracker.of(EXPORT, [job.id for job in jobs])
    tracker.take([BulkRecord(job.id, job) for job in jobs], 0.0)
    listed = tracker.summary().failed_items

    told = settled(jobs, listed=listed)

    assert told.summary.failed_items == listed
    assert [item["id"] for item in listed] == ["job-000", "job-002", "job-003"]


def completed(number: int) -> ExportJob:
    return replace(failed(number, FOR_GOOD), state=JobState.COMPLETED, error=None, size=7, started_on=SINCE)


@pytest.mark.parametrize(("properties", "counts"), [({}, (1, 0)), ({"sse_algorithm": "aws:kms"}, (0, 1))])
def test_ours_if_as_wanted(properties: dict[str, Any], counts: tuple[int, int]) -> None:
    """
    An object is ours if it was put there as wanted.

    Not if the other job of this task has other properties: the Dag was changed since.
    """
    mine = replace(failed(0, TAKEN), started_on=SINCE)
    other = replace(completed(0), id="other", properties=properties)
    exports = SimpleNamespace(
        bulk_get=lambda ids: [BulkRecord(mine.id, mine)],
        page=lambda **where: Page((mine, other), total=2, next=None, date=SINCE),
    )

    told = account_of(SimpleNamespace(exports=exports), [mine], since=SINCE)

    assert (told.summary.completed, told.summary.failed) == counts
    assert told.summary.bytes == (7 if counts[0] else 0)


@pytest.mark.parametrize("known", [True, False], ids=["counted", "of an older release"])
def test_taken_back_is_uncaused(known: bool) -> None:
    """
    The causes follow the failures that the account takes back.

    Of 150 failures, of which the summary lists a hundred, one was put there by this very task.
    """
    mine = replace(failed(0, TAKEN), started_on=SINCE)
    jobs = [mine, *(failed(number, TAKEN) for number in range(1, 140)), *(failed(n, FOR_GOOD) for n in range(140, 150))]
    exports = SimpleNamespace(
        bulk_get=lambda ids: [BulkRecord(job.id, job) for job in jobs if job.id in ids],
        page=lambda **where: Page((mine, replace(completed(0), id="other")), total=2, next=None, date=SINCE),
    )
    tracker = JobTracker.of(EXPORT, [job.id for job in jobs])
    tracker.take([BulkRecord(job.id, job) for job in jobs], 0.0)
    summary = tracker.summary().to_json()
    if not known:
        del summary["causes"]
    client: Any = SimpleNamespace(exports=exports)

    told = settle(client, summary, outcomes=None, ids=[job.id for job in jobs], verify=False, since=SINCE).summary

    assert (told.failed, told.completed) == (149, 1)
    counts = [(one["code"], one["count"]) for one in told.causes]
    assert counts == ([(9107, 139), (9206, 10)] if known else [(9107, 99), (None, 50)])


def test_verifying_has_causes() -> None:
    """The causes count the failures that verifying finds."""
    jobs = [completed(0), completed(1), failed(2, FOR_GOOD)]
    volumes = SimpleNamespace(
        contents=lambda *_, **__: [VolumeObject("000", "a/out", 3), VolumeObject("001", "a/out", 4)]
    )
    exports = SimpleNamespace(bulk_get=lambda ids: [BulkRecord(job.id, job) for job in jobs if job.id in ids])

    told = account_of(SimpleNamespace(exports=exports, volumes=volumes), jobs, verify=True).summary

    assert [(one["count"], one["message"]) for one in told.causes] == [
        (2, "The job COMPLETED, but the object has ... bytes instead of ..."),
        (1, "No PUT."),
    ]


def moved_file(job: ExportJob, **more: Any) -> File:
    """The file of a job as the platform shows it once it was moved."""
    told = {"storage_type": "VOLUME", "volume": job.volume, "location": job.location, "size": 7}
    return File(**{"id": str(job.file)} | told | more)


KEPT = {"storage_type": "PLATFORM", "volume": None, "location": None}
ELSEWHERE = {"location": "another/key"}
UNTOLD = {"volume": None, "location": None}
NO_FILE = Problem(404, 5002, "Requested file does not exist.")
NO_RIGHT = Problem(403, 5001, "No access.")
UNDECIDED = Problem(None, None, "not told apart from unknown ids yet", made_here=True, undecided=True)


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds slept; no test sits them out."""
    slept: list[float] = []
    monkeypatch.setattr("airflow_provider_cgc.jobs.exports.finish.time.sleep", slept.append)
    return slept


def alone(answer: File | Problem) -> File:
    """Answer a question for a single file."""
    if isinstance(answer, Problem):
        raise CgcNotFound(answer, status=404, call="GET /files/x")
    return answer


def a_platform(
    jobs: Sequence[ExportJob],
    *,
    files: Any = (),
    objects: Sequence[VolumeObject] = (),
    one: File | Problem | None = None,
) -> Any:
    """A made-up platform; `files` answers a question for files, with a file or a problem for each id.

    `one` is what it answers where it is asked for a single one.
    """
    by_id = {job.id: job for job in jobs}

    def records(ids: Sequence[str]) -> list[BulkRecord[File]]:
        answers = (files(name) for name in ids)
        return [
            BulkRecord(name, None, one) if isinstance(one, Problem) else BulkRecord(name, one)
            for name, one in zip(ids, answers, strict=True)
        ]

    return SimpleNamespace(
        exports=SimpleNamespace(
            bulk_get=lambda ids: [BulkRecord(name, by_id.get(name), None if name in by_id else GONE) for name in ids]
        ),
        files=SimpleNamespace(bulk_get=records, get=lambda name: alone(files(name) if one is None else one)),
        volumes=SimpleNamespace(contents=lambda volume, prefix, into: iter(objects)),
    )


@pytest.mark.parametrize(("shown", "counts"), [((KEPT, {}), (1, 0)), ((KEPT, KEPT), (0, 1))])
def test_move_has_time(naps: list[float], shown: tuple[Any, Any], counts: tuple[int, int]) -> None:
    """A moved file is given time to become an alias."""
    moved, looks = completed(0), iter(shown)

    told = account_of(a_platform([moved], files=lambda name: moved_file(moved, **next(looks))), [moved], moves=True)

    assert (told.summary.completed, told.summary.failed) == counts
    assert sum(naps) == 20


HERE, SHORT, NOWHERE = [VolumeObject("000", "a/out", 7)], [VolumeObject("000", "a/out", 3)], []


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


def test_late_end_is_not_counted() -> None:
    """
    A job that ends while the account is made is not counted by it.

    With `fail_fast` a job may COMPLETE after the wait has ended; the task has failed all the same.
    """
    jobs = [failed(0, FOR_GOOD), completed(1)]
    platform = a_platform(jobs, files=lambda name: moved_file(jobs[1], **KEPT), objects=NOWHERE)
    summary = {"total": 2, "completed": 0, "failed": 1, "missing": 0, "skipped": 0, "bytes": 0}
    summary |= {"failed_items": [failed_item(jobs[0])]}

    told = settle(
        platform,
        summary,
        outcomes=None,
        ids=[job.id for job in jobs],
        verify=True,
        moves=True,
        since=None,
    )

    assert (told.summary.completed, told.summary.failed, told.not_yet_known) == (0, 1, None)


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


@pytest.mark.parametrize(("objects", "counts"), [(HERE, (1, 0)), (SHORT, (0, 1)), (NOWHERE, (0, 1))])
@pytest.mark.parametrize("manifest", [True, False])
def test_taken_back_is_verified(objects: list[VolumeObject], counts: tuple[int, int], manifest: bool) -> None:
    mine = replace(failed(0, TAKEN), started_on=SINCE)
    other = replace(completed(0), id="other")
    platform = a_platform([mine, other], objects=objects)
    platform.exports.page = lambda **where: Page((mine, other), total=2, next=None, date=SINCE)

    told = account_of(platform, [mine], since=SINCE, verify=True, manifest=manifest)

    assert (told.summary.completed, told.summary.failed) == counts


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


def account_of(
    client: Any, jobs: Sequence[ExportJob], *, since: datetime | None = None, manifest: bool = False, **how: bool
) -> Any:
    """Settle a task of these jobs on a made-up platform."""
    bad = [job for job in jobs if job.failed]
    summary = {
        "total": len(jobs),
        "completed": len(jobs) - len(bad),
        "failed": len(bad),
        "missing": 0,
        "skipped": 0,
        "bytes": 0,
        "failed_items": [failed_item(job) for job in bad],
    }
    lines = [
        ItemOutcome(
            item=ExportItem(str(job.file), job.location, job.volume), id=job.id, state=ItemState.SUBMITTED, size=7
        )
        for job in jobs
    ]
    return settle(
        client,
        summary,
        outcomes=lines if manifest else None,
        ids=[job.id for job in jobs],
        since=since,
        **{"verify": False} | how,
    )
