"""One look at many jobs: what travels together, and what is kept when a part of it fails."""

from __future__ import annotations

import threading

import pytest

from airflow_provider_cgc.client.errors import (
    CgcConnectionError,
    CgcForbidden,
    CgcNotFound,
    CgcRateLimited,
    CgcUnauthorized,
    CgcUnavailable,
)
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.jobs.waiting.look import ask_all, chunks, look
from tests.fakes.platform import some_ids


def api_error(kind, status):
    return kind(Problem(status, None, "no"), status=status, call="POST /bulk/storage/exports/get")


LIMITED, DOWN = api_error(CgcRateLimited, 429), api_error(CgcUnavailable, 503)
LINE_DROPPED = CgcConnectionError("the line dropped", sent=True)
TOKEN, RIGHTS, PATH = api_error(CgcUnauthorized, 401), api_error(CgcForbidden, 403), api_error(CgcNotFound, 404)


def answering(*, fails=None):
    """Give a bulk get that answers, and raises what `fails` has for the first id of a chunk."""

    def bulk_get(ids):
        error = (fails or {}).get(ids[0])
        if error is not None:
            raise error
        return [BulkRecord(id=job_id) for job_id in ids]

    return bulk_get


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(0, []), (1, [1]), (100, [100]), (101, [100, 1]), (250, [100, 100, 50])],
)
def test_hundred_ids_at_most(count, sizes):
    ids = some_ids(count)

    groups = chunks(ids)

    assert [len(group) for group in groups] == sizes
    assert [job_id for group in groups for job_id in group] == ids


def test_unknown_travel_apart():
    ids = some_ids(150)

    groups = chunks(ids, suspects={ids[3], ids[120], "long gone"})

    assert [len(group) for group in groups] == [100, 48, 2]
    assert set(groups[-1]) == {ids[3], ids[120]}


@pytest.mark.parametrize("count", [0, 1, 100, 250, 2500])
def test_record_of_every_id(count):
    ids = some_ids(count)

    result = look(answering(), ids)

    assert [record.id for record in result.records] == ids
    assert (result.error, result.hopeless()) == (None, False)


def test_requests_run_together():
    together = threading.Barrier(3, timeout=5)

    def bulk_get(ids):
        together.wait()
        return [BulkRecord(id=job_id) for job_id in ids]

    assert len(look(bulk_get, some_ids(250)).records) == 250


def test_answers_come_at_once():
    """Each answer is handed out before the last one came."""
    first_taken = threading.Event()
    ids = some_ids(250)

    def bulk_get(asked):
        if asked[0] == ids[200]:
            assert first_taken.wait(timeout=5)
        return [BulkRecord(id=job_id) for job_id in asked]

    taken = []
    for answer in ask_all(bulk_get, ids):
        taken += [record.id for record in answer.records]
        first_taken.set()

    assert taken == ids


@pytest.mark.parametrize("failing", [0, 100, 200])
def test_answers_survive_an_error(failing):
    """The answers that came are kept when one request fails."""
    ids = some_ids(250)

    result = look(answering(fails={ids[failing]: DOWN}), ids)

    assert {record.id for record in result.records} == set(ids) - set(ids[failing : failing + 100])
    assert (result.error, result.hopeless()) == (DOWN, False)


@pytest.mark.parametrize("hopeless", [TOKEN, RIGHTS, PATH], ids=lambda error: str(error.status))
@pytest.mark.parametrize("passing", [LIMITED, DOWN, LINE_DROPPED], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("hopeless_at", [0, 100, 200])
def test_lasting_error_comes_first(hopeless, passing, hopeless_at):
    ids = some_ids(250)
    fails = {ids[0]: passing, ids[100]: passing, ids[200]: passing} | {ids[hopeless_at]: hopeless}

    result = look(answering(fails=fails), ids)

    assert result.error is hopeless
    assert result.hopeless()


@pytest.mark.parametrize("count", [10, 250], ids=["one request", "several"])
def test_bug_in_a_look_is_raised(count):
    ids = some_ids(count)

    with pytest.raises(ZeroDivisionError):
        look(answering(fails={ids[0]: ZeroDivisionError()}), ids)
