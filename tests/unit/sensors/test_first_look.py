"""A worker's first look: an address that never answered ends the wait within a minute, an outage later does not."""

from __future__ import annotations

import pytest

from airflow_provider_cgc.client.errors import CgcConnectionError, CgcError, CgcUnavailable, CgcUnreadableError
from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.exceptions import CgcWaitError
from tests.fakes.store import Store
from tests.unit.sensors.worker import BEGIN, HOUR, Platform, Run

UNREACHED = CgcConnectionError("Cannot connect to cgc.invalid: connection refused.", sent=False)
OTHER_SHAPE = CgcUnreadableError("the platform answered a bulk call without a list of 'items'")
PAGE = CgcUnreadableError("POST /x at https://cgc.invalid answered 200 with 9 bytes that are no JSON", page=True)
DOWN = CgcUnavailable(Problem(503, 90005, "Down."), status=503, call="POST /x")
MODES = ["poke", "reschedule"]


def _run(platform: Platform, monkeypatch: pytest.MonkeyPatch, mode: str) -> Run:
    return Run(platform, monkeypatch, store=Store(), mode=mode, poke_interval=60, timeout=10 * HOUR)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("error", [UNREACHED, OTHER_SHAPE, PAGE], ids=["refused", "another shape", "a web page"])
def test_no_contact_ends_it(platform: Platform, monkeypatch: pytest.MonkeyPatch, mode: str, error: CgcError) -> None:
    """No contact ends the wait within a minute."""
    platform.trouble, platform.trouble_is = (0.0, BEGIN + 2 * HOUR), error

    with pytest.raises(CgcWaitError) as raised:
        _run(platform, monkeypatch, mode).to_the_end()

    assert platform.clock.now - BEGIN < 60
    assert str(error) in str(raised.value)
    assert "clear this task" in str(raised.value)
    assert ".." not in str(raised.value)
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("mode", MODES)
def test_hiccup_is_waited_out(platform: Platform, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    platform.trouble, platform.trouble_is = (0.0, BEGIN + 20), UNREACHED

    assert _run(platform, monkeypatch, mode).to_the_end()["completed"] == 120


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("error", [UNREACHED, OTHER_SHAPE, PAGE], ids=["refused", "another shape", "a web page"])
def test_later_is_waited_out(platform: Platform, monkeypatch: pytest.MonkeyPatch, mode: str, error: CgcError) -> None:
    platform.trouble, platform.trouble_is = (BEGIN + 30, BEGIN + 2 * HOUR), error

    assert _run(platform, monkeypatch, mode).to_the_end()["completed"] == 120


@pytest.mark.parametrize("mode", MODES)
def test_after_maintenance_too(platform: Platform, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    platform.trouble, platform.trouble_is = (0.0, BEGIN + HOUR), DOWN
    run = _run(platform, monkeypatch, mode)
    show = platform.bulk_get

    def then_refused(ids: list[str]) -> object:
        platform.trouble_is = UNREACHED if platform.clock.now > BEGIN else DOWN
        return show(ids)

    platform.exports.bulk_get = then_refused

    assert run.to_the_end()["completed"] == 120
