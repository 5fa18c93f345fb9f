"""The connection of a trigger: looked up again while it is away, and given up if its address never answers."""

from __future__ import annotations

import pytest

from airflow_provider_cgc.client import RateBudget, Settings
from airflow_provider_cgc.client.errors import CgcSettingsError
from airflow_provider_cgc.hooks.unreadable import not_found
from airflow_provider_cgc.jobs.waiting.sharing import Threads
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.triggers import jobs as trigger_module
from airflow_provider_cgc.triggers.jobs import LAST_LOOK, CgcJobsTrigger
from dev.virtual_time import START
from tests.fakes.errors import NOT_LISTENING, PAGE
from tests.unit.triggers.tasks_trigger import HOUR


def test_astray_later_waits(platform, time, wait, row):
    """An answer that leads astray is waited out by a wait that had an answer before."""
    platform.end(["a"], after=HOUR)
    platform.fault = lambda number, ids: PAGE if time.clock() < START + 5 * HOUR else None

    event, at = wait(row(["a"]))

    assert event.outcome is Outcome.COMPLETED
    assert 5 * HOUR <= at <= 5 * HOUR + 61


@pytest.mark.parametrize("late", [0.0, 61.0, HOUR, 30 * HOUR], ids=["at once", "a minute", "an hour", "a day"])
def test_unanswered_ends_in_time(platform, wait, row, late):
    """
    An address that never answered ends the wait, however late it is started.

    A triggerer takes a row up when it can; `first_look` may be long over by then.
    """
    platform.fault = lambda number, ids: PAGE

    event, at = wait(row(["a"], answered=False, first_look=START - late, not_before=START - late))

    assert event.outcome is Outcome.ERROR
    assert "check host and path of the connection" in (event.error or "")
    assert 900 <= at <= 901


def test_old_row_is_unanswered(platform, wait, row):
    """A row that does not say whether the platform has answered loads as unanswered."""
    platform.fault = lambda number, ids: PAGE
    stored = row(["a"], first_look=START - HOUR)
    del stored["answered"]

    event, at = wait(stored)

    assert event.outcome is Outcome.ERROR
    assert 900 <= at <= 901


def test_unresolved_never_ends_it(platform, wait, row):
    """A name that is not resolved, or a port that nobody listens on, never ends a wait."""
    platform.fault = lambda number, ids: NOT_LISTENING

    event, at = wait(row(["a"], answered=False))

    assert event.outcome is Outcome.TIMEOUT
    assert at >= 7 * 24 * HOUR


def test_short_outage_ends_none(platform, time, wait, row):
    """
    An outage of less than 15 minutes ends no wait that another triggerer took up.

    The one before it may have been answered; the row does not tell.
    """
    platform.end(["a"], after=0)
    platform.fault = lambda number, ids: PAGE if time.clock() < START + 890 else None

    event, _ = wait(row(["a"], answered=False, first_look=START - HOUR))

    assert event.outcome is Outcome.COMPLETED


def test_early_deadline_has_it(platform, wait, row):
    """A deadline that comes before the 15 minutes are over names the address."""
    platform.fault = lambda number, ids: PAGE

    event, at = wait(row(["a"], answered=False, first_look=START, deadline=START + 300))

    assert (event.outcome, at <= 300 + LAST_LOOK + 1) == (Outcome.TIMEOUT, True)
    assert "check host and path of the connection" in (event.error or "")


def test_clients_make_one_attempt(time, row, monkeypatch):
    """The clients of the poller make one attempt per call and never sleep."""
    made = []

    class Client:
        def __init__(self, settings, *, patience):
            made.append((settings, patience))
            self.budget = RateBudget(share=1)

        def close(self):
            pass

    settings = Settings(token="a-made-up-token")

    async def aget_settings(conn_id):
        assert conn_id == "cgc_default"
        return settings

    monkeypatch.setattr(trigger_module.CgcHook, "aget_settings", aget_settings)
    monkeypatch.setattr("airflow_provider_cgc.client.CgcClient", Client, raising=False)

    async def main():
        poller = CgcJobsTrigger(**row(["a"]))._make_poller(Threads())
        await poller._connection._client.get()
        poller.close()

    time.run(main())

    assert made == [(settings, 0)]


@pytest.mark.parametrize("error", [CgcSettingsError("connection 'cgc_default'", "is not defined"), OSError("away")])
def test_lost_connection_returns(time, monkeypatch, error):
    """
    A connection that cannot be looked up at first is looked up again.

    Airflow says "not found" of a database that is away for a moment, too.
    """
    looks = []

    async def aget_settings(conn_id):
        looks.append(time.clock())
        if len(looks) < 10:
            raise error
        return Settings(token="a-made-up-token")

    monkeypatch.setattr(trigger_module.CgcHook, "aget_settings", aget_settings)

    client = time.run(trigger_module.connect("cgc_default"))
    client.close()

    assert len(looks) == 10
    assert looks[-1] - looks[0] <= 60


def test_gone_after_two_minutes(time, monkeypatch):
    """A connection that stays away for two minutes is believed to be gone."""

    async def aget_settings(conn_id):
        raise not_found(conn_id)

    monkeypatch.setattr(trigger_module.CgcHook, "aget_settings", aget_settings)

    with pytest.raises(CgcSettingsError, match="is not defined where the triggerer runs, although"):
        time.run(trigger_module.connect("cgc_default"))

    assert 110 <= time.clock() - START <= 130
