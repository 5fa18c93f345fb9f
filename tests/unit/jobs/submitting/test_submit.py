"""Sending: the probe, the chunks in flight, what stops it, and in which place every item ends."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.client.endpoints.records import BULK_LIMIT
from airflow_provider_cgc.client.errors import (
    CgcConnectionError,
    CgcForbidden,
    CgcNotFound,
    CgcRateLimited,
    CgcRedirect,
    CgcUnauthorized,
    CgcUnavailable,
)
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models import ExportJob, JobState
from airflow_provider_cgc.jobs.exports.item import ExportItem, ExportKey
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.submitting.header import NoStore
from airflow_provider_cgc.jobs.submitting.ledger import Fate, Ledger
from airflow_provider_cgc.jobs.submitting.submit import ENOUGH_ENDED, IN_FLIGHT, LOOK_EVERY, Sender, SubmitResult
from airflow_provider_cgc.jobs.submitting.tolerance import Tolerance
from tests.fakes.order import export_client, export_order

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
REFUSED = Problem(403, 9006, "Requested file cannot be exported.")
NO_RIGHT = Problem(403, 9020, "No right to this volume.")
TAKEN = Problem(409, 9107, "Location on volume already contains a file.")
LOST = Problem(None, None, "the answer did not mention it", made_here=True)
GONE = CgcConnectionError("no answer", sent=True)
NEVER_LEFT = CgcConnectionError("connection refused", sent=False)
DOWN = CgcUnavailable(Problem(503, None, "down"), status=503, call="POST /x")
LIMIT = CgcRateLimited(Problem(429, None, "too many"), status=429, call="POST /x")
WHO = CgcUnauthorized(Problem(401, 90001, "who are you"), status=401, call="POST /x")
PAGE = CgcNotFound(Problem(404, None, "a page", made_here=True), status=404, call="POST /x")
REDIRECT = CgcRedirect("to a login page", status=302, to_host="login.example.org")
WHOLE = CgcForbidden(NO_RIGHT, status=403, call="POST /x")


class Volume:
    """Answers creates as the test says, chunk by chunk, and counts what was asked at once."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[list[str]] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.looks: list[list[str]] = []
        self.ended: dict[str, Problem | None] = {}
        self.gate = threading.Barrier(1)

    def create(self, items: Any) -> list[BulkRecord[Any]]:
        with self.lock:
            number = len(self.calls)
            self.calls.append([item["file"] for item in items])
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if number:
                self.gate.wait(timeout=10)
            answer = self.answers[number] if number < len(self.answers) else None
            if isinstance(answer, BaseException):
                raise answer
            return [self._record(item["file"], answer) for item in items]
        finally:
            with self.lock:
                self.at_once -= 1

    def _record(self, name: str, answer: Any) -> BulkRecord[Any]:
        problem = answer.get(name) if isinstance(answer, dict) else answer
        return BulkRecord(None, None, problem) if problem else BulkRecord(f"job-{name}")

    def bulk_get(self, ids: Any) -> list[BulkRecord[Any]]:
        self.looks.append(list(ids))
        return [BulkRecord(job_id, self._job(job_id)) for job_id in ids]

    def _job(self, job_id: str) -> Any:
        error = self.ended.get(job_id)
        ended = JobState.COMPLETED if error is None else JobState.FAILED
        return ExportJob(job_id, ended if job_id in self.ended else JobState.RUNNING, error=error)


def some(count: int) -> dict[ExportKey, ExportItem]:
    names = [f"f{number:05d}" for number in range(count)]
    return {ExportKey(name, "a/out", f"x/{name}"): ExportItem(name, f"x/{name}", "a/out") for name in names}


def sender(volume: Volume, items: dict[ExportKey, ExportItem], **more: Any) -> tuple[Sender, Ledger]:
    return sender_to(volume.create, items, bulk_get=volume.bulk_get, **more)


def sender_to(
    create: Any,
    items: dict[ExportKey, ExportItem],
    *,
    bulk_get: Any = None,
    close: Any = lambda: None,
    most: int = 10_000,
    ledger: type[Ledger] = Ledger,
    **more: Any,
) -> tuple[Sender, Ledger]:
    """Give a sender of items of which `most` may fail; `more` is how they are sent, and the sender's own arguments."""
    how = {name: more.pop(name) for name in ("clock", "failed") if name in more}
    client = export_client(create=create, bulk_get=bulk_get, close=close)
    order = export_order(client, items, tolerance=Tolerance(most), **more)
    record = ledger(NoStore(), EXPORT, items, since=BEGAN, owner="me", fresh=True)
    return Sender(order, record, at=BEGAN, **how), record


def sent(count: int, *answers: Any, **more: Any) -> tuple[Any, Volume, Ledger]:
    volume, items = Volume(*answers), some(count)
    one, ledger = sender(volume, items, **more)
    result = SubmitResult()
    one.send(list(items), result)
    return result, volume, ledger


def test_hundred_at_a_time():
    """All are sent a hundred at a time, and noted."""
    result, volume, ledger = sent(250)

    assert sorted(map(len, volume.calls)) == [50, 100, 100]
    assert len(result.started) == 250
    assert all(ledger.past(key).job_id == job_id for key, job_id in result.started.items())


def test_first_chunk_goes_alone():
    """The first chunk goes alone, and then several are under way."""
    volume, items = Volume(), some(BULK_LIMIT * (1 + 2 * IN_FLIGHT))
    volume.gate = threading.Barrier(IN_FLIGHT)
    one, _ = sender(volume, items)

    one.send(list(items), SubmitResult())

    assert volume.calls[0] == [key.file for key in list(items)[:BULK_LIMIT]]
    assert volume.most_at_once == IN_FLIGHT


@pytest.mark.parametrize("answer", [NO_RIGHT, WHOLE])
def test_refused_probe_ends_it(answer: Any):
    result, volume, ledger = sent(300, answer)

    assert len(volume.calls) == 1
    assert len(result.refused) == 100
    assert len(result.unsent) == 200
    assert "9020" in result.stopped
    assert {ledger.past(key).fate for key in some(300)} == {Fate.NEVER_SENT}


@pytest.mark.parametrize("code", [9006, 9009, 9109])
def test_probe_of_bad_files(code: int):
    """A probe full of files that cannot be exported says nothing of the others."""
    result, volume, _ = sent(300, Problem(403, code, "not this file"))

    assert len(volume.calls) == 3
    assert (len(result.refused), len(result.started), result.stopped) == (100, 200, None)


def test_half_probe_ends_nothing():
    result, volume, _ = sent(300, {"f00000": REFUSED})

    assert len(volume.calls) == 3
    assert (len(result.started), len(result.refused), result.stopped) == (299, 1, None)


@pytest.mark.parametrize("answer", [GONE, DOWN, PAGE, REDIRECT])
def test_lost_answer_is_uncertain(answer: Any):
    """A lost answer leaves its items uncertain, and the others go on."""
    result, volume, ledger = sent(300, None, answer)

    assert len(volume.calls) == 3
    assert (len(result.started), len(result.uncertain), result.stopped) == (200, 100, None)
    assert {ledger.past(key).fate for key in result.uncertain} == {Fate.UNCERTAIN}


@pytest.mark.parametrize("answer", [NEVER_LEFT, LIMIT, WHO])
def test_no_effect_stops_it(answer: Any):
    """A call that certainly did nothing stops it with its error."""
    result, volume, ledger = sent(300, answer)

    assert (len(volume.calls), len(result.unsent), result.uncertain) == (1, 300, {})
    assert result.error is answer
    assert {ledger.past(key).fate for key in some(300)} == {Fate.NEVER_SENT}


def test_unclear_is_uncertain():
    result, _, ledger = sent(3, {"f00001": LOST, "f00002": Problem(503, 9100, "busy")})

    assert sorted(key.file for key in result.uncertain) == ["f00001", "f00002"]
    assert {ledger.past(key).fate for key in result.uncertain} == {Fate.UNCERTAIN}


def test_too_many_stop_it():
    """More failures than are tolerated stop it."""
    result, volume, _ = sent(1000, {"f00000": REFUSED}, {f"f{n:05d}": REFUSED for n in range(1000)}, most=50)

    assert len(volume.calls) <= 2 + IN_FLIGHT
    assert "more than the task tolerates" in result.stopped
    assert len(result.started) + len(result.refused) + len(result.unsent) == 1000


def watched(count: int, error: Problem | None, **more: Any) -> tuple[Any, Volume]:
    """Send while the clock runs and `count` jobs of the first chunk end at once."""
    now = [0.0]

    def clock() -> float:
        now[0] += LOOK_EVERY
        return now[0]

    volume, items = Volume(), some(1000)
    volume.ended = {f"job-f{number:05d}": error for number in range(count)}
    more = {"most": max(count, 2), **more}
    one, _ = sender(volume, items, clock=clock, **more)
    result = SubmitResult()
    one.send(list(items), result)
    return result, volume


def test_one_lasting_reason_ends():
    """If all that ended failed for one lasting reason, nothing more is sent."""
    result, volume = watched(ENOUGH_ENDED, NO_RIGHT)

    assert "9020" in result.stopped
    assert result.unsent
    assert len(volume.looks[0]) == 100


def test_objects_tell_no_others():
    """Objects in the way say nothing of other keys."""
    result, _ = watched(ENOUGH_ENDED, TAKEN)

    assert (result.stopped, len(result.started)) == (None, 1000)


@pytest.mark.parametrize(("if_exists", "stops"), [("skip", False), ("fail", True)])
@pytest.mark.parametrize("when", ["it is sent", "its job has ended"])
def test_object_may_be_tolerated(if_exists: str, stops: bool, when: str) -> None:
    """An object in the way counts against the tolerance unless it is skipped."""
    how: dict[str, Any] = {"if_exists": if_exists, "most": 3}
    if when == "it is sent":
        result, *_ = sent(1000, {f"f{number:05d}": TAKEN for number in range(10)}, **how)
    else:
        result, _ = watched(10, TAKEN, **how)

    assert (result.stopped is not None) == stops


def test_known_hides_no_reason() -> None:
    """Facts from before do not hide that all is refused for one reason."""
    result, volume, _ = sent(300, NO_RIGHT, failed=1)

    assert result.stopped is not None
    assert "all of the first 100 items" in result.stopped
    assert len(volume.calls) == 1


@pytest.mark.parametrize(
    ("failed", "stopped"), [(2, None), (3, "4 items failed already, more than the task tolerates")]
)
def test_known_failures_count(failed: int, stopped: str | None) -> None:
    """Items that count as failed before anything is sent count against the tolerance, and in the reason."""
    result, *_ = sent(300, {"f00000": REFUSED}, failed=failed, most=3)

    assert result.stopped == stopped


def test_no_job_for_two_items() -> None:
    """An answer that says so leaves the second one to be looked for; nobody would wait for it otherwise."""
    items = some(3)

    def create(given: Any) -> Any:
        return [BulkRecord("a"), BulkRecord("b"), BulkRecord("a")]

    result = SubmitResult()
    one, _ = sender_to(create, items)
    one.send(list(items), result)

    assert list(result.started.values()) == ["a", "b"]
    assert [key.file for key in result.uncertain] == ["f00002"]


class TimeoutOfTheTask(BaseException):
    """As Airflow's own: it comes from outside, and no `except Exception` sees it."""


def test_broken_off_is_told():
    """After an interruption nothing more leaves, and the items that have left are told."""
    result, volume, items = SubmitResult(), Volume(), some(500)
    stopped = threading.Event()

    class Interrupted(Ledger):
        def intend(self, keys: Any, *, at: datetime) -> int:
            if keys[0].file == "f00200":
                raise TimeoutOfTheTask
            return super().intend(keys, at=at)

    def create(given: Any) -> Any:
        if given[0]["file"] == "f00100":
            assert stopped.wait(timeout=10)
        return volume.create(given)

    one, ledger = sender_to(create, items, ledger=Interrupted, close=stopped.set)

    with pytest.raises(TimeoutOfTheTask):
        one.send(list(items), result)

    assert (len(volume.calls), len(result.started)) == (2, 200)
    assert {ledger.past(key).fate for key in result.started} == {Fate.STARTED}


@pytest.mark.parametrize(
    ("count", "error"), [(ENOUGH_ENDED - 1, NO_RIGHT), (ENOUGH_ENDED, Problem(503, 9100, "busy")), (100, None)]
)
def test_few_failures_end_nothing(count: int, error: Problem | None):
    """Few failures, passing ones or successes end nothing."""
    result, _ = watched(count, error)

    assert (result.stopped, len(result.started)) == (None, 1000)


def test_seen_end_counts_once():
    result, volume = watched(2, NO_RIGHT)

    assert (result.stopped, len(result.started)) == (None, 1000)
    looked_at = [name for look in volume.looks for name in look]
    assert looked_at.count("job-f00000") == looked_at.count("job-f00001") == 1


def test_own_properties_win():
    """An item keeps its own properties, and gets the common ones if it has none."""
    bodies: list[Any] = []
    volume = Volume()
    items = {
        ExportKey("f", "a/out", "x"): ExportItem("f", "x", "a/out"),
        ExportKey("g", "a/out", "y"): ExportItem("g", "y", "a/out", {"a": 1}),
    }

    def create(given: Any) -> Any:
        bodies.extend(given)
        return volume.create(given)

    one, _ = sender_to(create, items, if_exists="overwrite", properties={"b": 2})
    one.send(list(items), SubmitResult())

    assert [body["properties"] for body in bodies] == [{"b": 2}, {"a": 1}]
    assert {body["overwrite"] for body in bodies} == {True}


ANSWERS = st.sampled_from([None, REFUSED, LOST, GONE, DOWN, NEVER_LEFT, LIMIT, WHO, WHOLE])


@given(count=st.integers(0, 900), answers=st.lists(ANSWERS, max_size=9), most=st.integers(0, 300))
def test_one_place_for_each_item(count: int, answers: list[Any], most: int) -> None:
    result, volume, ledger = sent(count, *answers, most=most)

    places = [*result.started, *result.refused, *result.uncertain, *result.unsent]
    assert sorted(places) == sorted(some(count))
    asked = [name for call in volume.calls for name in call]
    assert len(asked) == len(set(asked))
    for key in result.unsent:
        assert ledger.past(key).fate is Fate.NEVER_SENT
