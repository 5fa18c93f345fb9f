"""The facts of an order are asked for in few requests, and what is refused or not told is kept as a fact."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest

from airflow_provider_cgc.client.errors import (
    CgcForbidden,
    CgcNotFound,
    CgcUnauthorized,
    CgcUnavailable,
    CgcUnreadableError,
    CgcUsageError,
)
from airflow_provider_cgc.client.errors.problem import REMEDIES, BulkRecord, Problem
from airflow_provider_cgc.client.models import File
from airflow_provider_cgc.client.models.account import Project
from airflow_provider_cgc.jobs.exports.facts import Facts, ask
from airflow_provider_cgc.jobs.exports.item import ExportItem
from tests.fakes.export_facts import (
    HOME,
    OUT,
    PROJECT,
    UNDECIDED,
    UNKNOWN,
    A,
    B,
    a_file,
    a_volume,
    an_item,
    only,
    problems,
)


class Platform:
    """Answers as the client does, and counts what it is asked; what is an error is raised."""

    def __init__(self, files=(), volumes=(), projects=(), answers=None):
        self.known = {file.id: file for file in files}
        self.things = {thing.id: thing for thing in (*volumes, *projects)}
        self.answers = answers or {}
        self.asked = Counter()
        self.bulk = []
        self.lock = threading.Lock()
        self.files = SimpleNamespace(bulk_get=self.bulk_get)
        self.volumes = SimpleNamespace(get=self.get)
        self.projects = SimpleNamespace(get=self.get)

    def get(self, name):
        with self.lock:
            self.asked[name] += 1
        if name in self.answers:
            raise self.answers[name]
        return self.things[name]

    def bulk_get(self, ids):
        with self.lock:
            self.bulk.append(list(ids))
            return [self.record(file_id) for file_id in ids]

    def record(self, file_id):
        answer = self.answers.get(file_id, UNKNOWN)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, File) or file_id in self.known:
            return BulkRecord(file_id, self.known.get(file_id, answer))
        return BulkRecord(file_id, None, answer)


def refusal(kind, status, code):
    return kind(Problem(status, code, "No."), status=status, call="GET /thing")


def test_things_are_asked_once():
    """Each thing is asked for once, and files a hundred at a time."""
    ids = [f"{number:024x}" for number in range(250)]
    platform = Platform(
        [a_file(file_id) for file_id in ids], [a_volume(), a_volume("mcurie/two")], [Project(PROJECT, "", HOME)]
    )
    items = [ExportItem(file_id) for file_id in ids * 2] + [ExportItem(ids[0], volume="mcurie/two")]

    found = ask(platform, items, [OUT, OUT])

    assert sorted(map(len, platform.bulk)) == [50, 100, 100]
    assert sorted(file_id for call in platform.bulk for file_id in call) == ids
    assert platform.asked == {OUT: 1, "mcurie/two": 1, PROJECT: 1}
    assert set(found.files) == set(ids)
    assert set(found.volumes) == {OUT, "mcurie/two"}
    assert found.locations == {PROJECT: HOME}
    assert found.refused == found.refused_volumes == {}


def test_ten_thousand_cost_102():
    """Ten thousand files cost a hundred and two requests."""
    ids = [f"{number:024x}" for number in range(10_000)]
    platform = Platform([a_file(file_id) for file_id in ids], [a_volume()], [Project(PROJECT, "", HOME)])

    found = ask(platform, [an_item(file_id, location=file_id) for file_id in ids], [OUT])

    assert len(platform.bulk) + platform.asked.total() == 102
    assert len(found.files) == 10_000


def test_requests_run_together():
    ids = [f"{number:024x}" for number in range(200)]
    platform = Platform(answers=dict.fromkeys(ids, UNKNOWN))
    both = threading.Barrier(2, timeout=10)
    bulk_get = platform.files.bulk_get
    platform.files.bulk_get = lambda group: both.wait() >= 0 and bulk_get(group)

    assert len(ask(platform, [ExportItem(file_id) for file_id in ids], [], threads=2).refused) == 200


def test_nothing_asks_nothing():
    platform = Platform()

    assert ask(platform, [], []) == Facts({}, {}, {}, {}, {})
    assert platform.bulk == []


@pytest.mark.parametrize(("kind", "status", "code"), [(CgcForbidden, 403, 9020), (CgcNotFound, 404, 9007)])
def test_unseen_volume_is_a_fact(kind, status, code):
    platform = Platform([a_file()], [], [Project(PROJECT)], {OUT: refusal(kind, status, code)})

    found = ask(platform, [ExportItem(A)], [OUT])

    assert found.refused_volumes[OUT].code == code
    assert found.volumes == {}


def test_odd_volume_is_a_fact():
    error = CgcUsageError("the volume id must read 'owner/name', not 'out'")
    found = ask(Platform(answers={"out": error}), [], ["out"])

    text = only(problems([an_item(volume="out")], replace(found, files={A: a_file()})))

    assert "must read 'owner/name'" in text
    assert REMEDIES[9007].text in text


@pytest.mark.parametrize(("kind", "status", "code"), [(CgcForbidden, 403, 3001), (CgcNotFound, 404, 3002)])
def test_unseen_project_is_blank(kind, status, code):
    """A project that this user does not see tells no location."""
    platform = Platform([a_file()], [a_volume()], [], {PROJECT: refusal(kind, status, code)})

    assert ask(platform, [ExportItem(A)], [OUT]).locations == {PROJECT: None}


def test_odd_project_is_blank():
    """A project id that no path can hold tells no location."""
    platform = Platform([a_file(project="radium")], answers={"radium": CgcUsageError("must read 'owner/name'")})

    assert ask(platform, [ExportItem(A)], []).locations == {"radium": None}


@pytest.mark.parametrize("thing", [OUT, PROJECT])
@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (CgcUnauthorized, 401, 90001),
        (CgcUnavailable, 503, 90005),
        (CgcNotFound, 404, None),
        (CgcForbidden, 403, None),
    ],
)
def test_whole_trouble_is_raised(thing, kind, status, code):
    error = refusal(kind, status, code)
    platform = Platform([a_file()], [a_volume()], [Project(PROJECT)], {thing: error})

    with pytest.raises(kind) as raised:
        ask(platform, [ExportItem(A)], [OUT])

    assert raised.value is error


def test_first_error_ends_it():
    """The first error ends the asking and waits for no other request."""
    ids = [f"{number:024x}" for number in range(1000)]
    platform = Platform(answers={ids[0]: refusal(CgcUnauthorized, 401, 90001)})
    given_up = threading.Event()
    bulk_get = platform.files.bulk_get
    platform.files.bulk_get = lambda group: (group[0] == ids[0] or given_up.wait(10)) and bulk_get(group)

    with pytest.raises(CgcUnauthorized):
        ask(platform, [ExportItem(file_id) for file_id in ids], [], threads=2)

    assert len(platform.bulk) == 1
    given_up.set()


def test_refused_file_is_kept():
    """A refused file is kept with its reason and not asked again."""
    platform = Platform([a_file()], [], [Project(PROJECT)], {B: UNKNOWN})

    found = ask(platform, [ExportItem(A), ExportItem(B)], [])

    assert found.refused == {B: UNKNOWN}
    assert len(platform.bulk) == 1


@pytest.mark.parametrize("first", [UNDECIDED, Problem(503, 5000, "Busy.")])
@pytest.mark.parametrize("then", [a_file(B), UNKNOWN])
def test_untold_is_asked_alone(first, then):
    platform = Platform([a_file()], [], [Project(PROJECT)], {B: [first, then]})

    found = ask(platform, [ExportItem(A), ExportItem(B)], [])

    assert platform.bulk == [[A, B], [B]]
    assert found.files.get(B, found.refused.get(B)) == then
    assert (B in found.files) != (B in found.refused)


def test_never_told_may_pass():
    """Files that are never told are trouble that may pass, and not a fact."""
    platform = Platform([a_file()], [], [Project(PROJECT)], {B: UNDECIDED})

    with pytest.raises(CgcUnreadableError, match=f"about 1 file are unclear, such as {B}.*try again later"):
        ask(platform, [ExportItem(A), ExportItem(B)], [])

    assert len(platform.bulk) == 4


def test_undecided_beside_unknown():
    """Beside a file that is certainly unknown, the undecided ones are facts to report."""
    platform = Platform(answers={A: UNKNOWN, B: UNDECIDED})

    assert ask(platform, [ExportItem(A), ExportItem(B)], []).refused == {A: UNKNOWN, B: UNDECIDED}
