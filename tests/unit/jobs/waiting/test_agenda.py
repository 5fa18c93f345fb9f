"""The ids that are due, and the waiter whose turn it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from airflow_provider_cgc.jobs.waiting.agenda import DUE, Agenda
from tests.fakes.platform import some_ids

CHUNK = 5


@pytest.fixture
def agenda():
    return Agenda(lambda job_id: job_id.rstrip("0123456789"))


def plan(agenda, ids, when=0.0):
    for job_id in ids:
        agenda.put(job_id, when)


def test_due_is_taken_once(agenda):
    plan(agenda, ["a", "b"])

    assert sorted(agenda.take(0.0, chunk=1)) == ["a", "b"]
    assert agenda.take(0.0, chunk=1) == []
    assert agenda.next_time() is None
    assert len(agenda) == 0


def test_not_due_tells_when(agenda):
    plan(agenda, ["a"], when=60.0)

    assert agenda.take(59.9, chunk=CHUNK) == []
    assert agenda.next_time() == 60.0


def test_request_is_filled_up(agenda):
    """The last request is filled up with ids that are due next."""
    plan(agenda, some_ids(7, "due"))
    for number, job_id in enumerate(some_ids(9, "later")):
        agenda.put(job_id, 100.0 - number)

    taken = agenda.take(0.0, chunk=CHUNK)

    assert len(taken) == 2 * CHUNK
    assert taken[7:] == ["later00008", "later00007", "later00006"]


def test_full_takes_nothing_along(agenda):
    plan(agenda, some_ids(CHUNK))
    plan(agenda, ["later"], when=1.0)

    assert "later" not in agenda.take(0.0, chunk=CHUNK)


def test_apart_rides_with_none(agenda):
    """Ids that travel apart give no ride, and take none."""
    plan(agenda, ["alone1"])
    plan(agenda, ["alone2", "later"], when=1.0)
    apart = {"alone1", "alone2"}

    assert agenda.take(0.0, chunk=CHUNK, apart=apart) == ["alone1"]
    plan(agenda, ["due"])
    assert agenda.take(0.0, chunk=CHUNK, apart=apart) == ["due", "later"]
    assert agenda.next_time() == 1.0
    assert agenda.take(1.0, chunk=CHUNK, apart=apart) == ["alone2"]


def test_new_time_replaces(agenda):
    plan(agenda, ["a"], when=10.0)
    plan(agenda, ["a"], when=20.0)

    assert agenda.take(15.0, chunk=1) == []
    assert agenda.next_time() == 20.0


@pytest.mark.parametrize(("first", "second", "when"), [(10.0, 20.0, 10.0), (20.0, 10.0, 10.0)])
def test_late_brings_forward(agenda, first, second, when):
    """A later waiter can only bring an id forward."""
    agenda.put_sooner("a", first)
    agenda.put_sooner("a", second)

    assert agenda.next_time() == when


def test_dropped_is_never_taken(agenda):
    plan(agenda, ["a", "b"])
    agenda.drop("a")

    assert agenda.take(0.0, chunk=1) == ["b"]


def test_turn_is_due_at_once(agenda):
    plan(agenda, some_ids(CHUNK + 1))

    agenda.take(0.0, chunk=CHUNK, most=CHUNK)

    assert agenda.next_time() == DUE


def test_turn_cannot_be_put_off(agenda):
    plan(agenda, some_ids(2 * CHUNK))
    left = set(some_ids(2 * CHUNK)) - set(agenda.take(0.0, chunk=CHUNK, most=CHUNK))

    plan(agenda, left, when=1000.0)

    assert set(agenda.take(0.0, chunk=CHUNK, most=CHUNK)) == left


def test_few_go_before_many(agenda):
    plan(agenda, some_ids(10_000, "huge"))
    agenda.take(0.0, chunk=100, most=100)
    plan(agenda, ["small1", "small2"], when=1.0)

    assert {"small1", "small2"} <= set(agenda.take(1.0, chunk=100, most=100))


def test_many_take_turns(agenda):
    names = [f"w{letter}{other}x" for letter in "abcdefghij" for other in "klmno"]
    for name in names:
        plan(agenda, some_ids(10, name))

    served = [{job_id.rstrip("0123456789") for job_id in agenda.take(0.0, chunk=10, most=10)} for _ in range(5)]

    assert set().union(*served) == set(names)


@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    most=st.integers(1, 40),
)
def test_even_part_at_least(sizes, most):
    """Nobody gets less than an even part unless it wants less."""
    agenda = Agenda(lambda job_id: job_id.split("-")[0])
    for owner, size in enumerate(sizes):
        plan(agenda, [f"{owner}-{number}" for number in range(size)])

    taken = agenda.take(0.0, chunk=1, most=most)

    assert len(taken) == min(most, sum(sizes))
    for owner, size in enumerate(sizes):
        got = sum(job_id.startswith(f"{owner}-") for job_id in taken)
        assert got >= min(size, most // len(sizes))


class Model(RuleBasedStateMachine):
    """The agenda beside a plain table of times."""

    ids = st.sampled_from(some_ids(12))

    def __init__(self):
        super().__init__()
        self.agenda = Agenda(lambda job_id: int(job_id[-1]) % 3)
        self.table = {}
        self.now = 0.0

    @rule(job_id=ids, wait=st.integers(0, 20))
    def put(self, job_id, wait):
        self.agenda.put(job_id, self.now + wait)
        if self.table.get(job_id) != DUE:
            self.table[job_id] = self.now + wait

    @rule(job_id=ids, wait=st.integers(0, 20))
    def put_sooner(self, job_id, wait):
        self.agenda.put_sooner(job_id, self.now + wait)
        self.table[job_id] = min(self.table.get(job_id, float("inf")), self.now + wait)

    @rule(job_id=ids)
    def drop(self, job_id):
        self.agenda.drop(job_id)
        self.table.pop(job_id, None)

    @rule(seconds=st.integers(1, 15))
    def pass_time(self, seconds):
        self.now += seconds

    @rule(most=st.none() | st.integers(1, 6))
    def take(self, most):
        due = {job_id for job_id, when in self.table.items() if when <= self.now}

        taken = self.agenda.take(self.now, chunk=CHUNK, most=most)

        wanted = len(due) if most is None else min(most, len(due))
        filled = min(wanted + -wanted % CHUNK, len(self.table)) if wanted else 0
        assert len(set(taken)) == len(taken)
        assert set(taken[:wanted]) <= due
        assert wanted <= len(taken) <= max(filled, wanted)
        self.table = {
            job_id: DUE if job_id in due else when for job_id, when in self.table.items() if job_id not in taken
        }

    @invariant()
    def holds_what_was_planned(self):
        assert len(self.agenda) == len(self.table)

    @invariant()
    def next_time_is_never_late(self):
        soonest = min(self.table.values(), default=None)
        told = self.agenda.next_time()
        assert (told is None) <= (soonest is None)
        assert soonest is None or told <= soonest


TestModel = Model.TestCase
