"""However often a task dies and whatever the platform makes of it: nothing is sent twice, nothing is left out.

The task here is the least that can be: resume, send what is to be sent, wait, and fail if anything failed.
"""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.client.errors import CgcConnectionError
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.submitting.header import Header, NoStore
from airflow_provider_cgc.jobs.submitting.ledger import Ledger
from airflow_provider_cgc.jobs.submitting.resume import Action, decide_all
from dev.virtual_time import START
from tests.fakes.job_lists import key
from tests.fakes.order import export_client, export_order
from tests.fakes.store import Store
from tests.fakes.stormy_volume import StormyVolume

KEYS = [key(number) for number in range(9)]
CHUNK = 4
CALM_ATTEMPTS = 3
"""A calm platform needs one to send all, one more for what failed in the storm, and one to see that all is done."""


class Crash(BaseException):
    """The process is no more."""


class UnsureError(Exception):
    """The task fails rather than sending anything twice."""


class Run:
    """One Dag run of a task that is tried again and again."""

    def __init__(self, volume, *, stored):
        self.volume = volume
        self.store = Store(lambda: volume.step()) if stored else NoStore()
        self.began = volume.date()
        self.attempts = 0

    def attempt(self, keys, *, dies_after=None):
        """Give the outcome of each item; raise the error that ends an attempt before that."""
        steps = 0

        def step():
            nonlocal steps
            steps += 1
            if dies_after is not None and steps > dies_after:
                raise Crash

        self.volume.step = step
        self.attempts += 1
        ledger = Ledger(self.store, EXPORT, keys, since=self.began, owner="me", fresh=self.attempts == 1)
        decisions = self.plan(ledger, keys)
        if any(decision.action is Action.UNCERTAIN for decision in decisions.values()):
            raise UnsureError
        adopted = {key: decision.job_id for key, decision in decisions.items() if decision.action is Action.ADOPT}
        ledger.adopted(adopted)
        to_send = [key for key, decision in decisions.items() if decision.action is Action.SEND]
        for start in range(0, len(to_send), CHUNK):
            chunk = to_send[start : start + CHUNK]
            number = ledger.intend(chunk, at=self.volume.date())
            ledger.answered(number, self.volume.create(chunk))
        self.wait(ledger, keys)
        if all(decision.action is Action.DONE for decision in decisions.values()):
            Header.read(self.store, EXPORT).note_success()
        return decisions

    def plan(self, ledger, keys):
        volume = self.volume
        order = export_order(export_client(pages=volume.pages, bulk_get=volume.get))
        return decide_all(order, keys, ledger, clock=volume.clock, sleep=volume.sleep)

    def wait(self, ledger, keys):
        ids = [ledger.past(key).job_id for key in keys]
        while any(record.resource and not record.resource.done for record in self.volume.get([i for i in ids if i])):
            self.volume.sleep(60)


attempts = st.lists(
    st.tuples(
        st.none() | st.integers(0, 40),  # after how many calls it dies
        st.sampled_from([0.0, 1.0, 31.0, 300.0]),  # how long until the next one
        st.just(KEYS) | st.sets(st.sampled_from(KEYS), min_size=1).map(sorted),  # what it is asked for
    ),
    min_size=1,
    max_size=5,
)


@given(
    chance=st.randoms(use_true_random=True),
    order=st.sampled_from(["newest", "oldest", "entered", "none"]),
    lags=st.booleans(),
    stored=st.booleans(),
    older=st.sampled_from([0, 100, 400, 600]),
    attempts=attempts,
)
def test_each_is_sent_once(chance, order, lags, stored, older, attempts):
    """Nothing is sent twice, and nothing is left out."""
    occupied, doomed = KEYS[:1], KEYS[1:2]
    volume = StormyVolume(chance, order=order, lags=lags, occupied=occupied, doomed=doomed)
    volume.fill(older, KEYS)
    run = Run(volume, stored=stored)

    for dies_after, pause, keys in attempts:
        with suppress(Crash, UnsureError, CgcConnectionError):
            run.attempt(keys, dies_after=dies_after)
        volume.step = lambda: None
        volume.sleep(pause)
    assert volume.twice == []

    volume.calm = True
    for _ in range(CALM_ATTEMPTS):
        decisions = run.attempt(KEYS)

    assert volume.twice == []
    for item in KEYS:
        lost = item in occupied + doomed
        assert (item, decisions[item].action) == (item, Action.GIVE_UP if lost else Action.DONE)
        assert decisions[item].job.started_on.timestamp() > START - 60
