"""Trouble in a worker's wait: waited out or told with a remedy, and never taken for an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_cgc.client.errors import CgcConnectionError, CgcRateLimited, CgcSettingsError, CgcUnauthorized
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models import ExportJob
from airflow_provider_cgc.compat import AirflowSensorTimeout
from airflow_provider_cgc.exceptions import CgcJobsFailed, CgcWaitError
from airflow_provider_cgc.sensors import wait as sensor_wait
from tests.fakes.clock import Clock
from tests.fakes.errors import PAGE
from tests.fakes.store import Store
from tests.unit.sensors.worker import BEGIN, HOUR, Platform, Run, ours


@pytest.mark.parametrize("store", [Store(), None], ids=["with memory", "without memory"])
def test_unknown_once_is_fine(store: Store | None, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An id unknown for one look does not fail a rescheduled wait.

    Nor if it is the only one left: then this look would be the last one.
    """
    job_id = list(platform.ends)[-1]
    last_minutes = BEGIN + 6 * HOUR - 120
    platform.unknown_at[job_id] = (last_minutes, last_minutes + 5)

    summary = Run(platform, monkeypatch, store=store, mode="reschedule").to_the_end()

    assert summary["missing"] == 0


@pytest.mark.parametrize("store", [Store(), None], ids=["with memory", "without memory"])
def test_unknown_for_ever_fails(store: Store | None, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = list(platform.ends)[-1]
    platform.unknown_at[job_id] = (0.0, BEGIN * 2)

    with pytest.raises(CgcJobsFailed, match=job_id) as raised:
        Run(platform, monkeypatch, store=store, mode="reschedule").to_the_end()

    for cause in ("the id of a job and not, for example, of its file", "the user who started the job", "may be gone"):
        assert cause in str(raised.value)


def test_unknown_has_other_advice(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An unknown id is met with another next step than a failed export.

    Clearing the starter would export everything twice, when only the connection is wrong.
    """
    for job_id in platform.ends:
        platform.unknown_at[job_id] = (0.0, BEGIN * 2)

    with pytest.raises(CgcJobsFailed) as failed:
        Run(platform, monkeypatch, mode="poke").to_the_end()

    assert "clear it: it only waits" in str(failed.value)
    assert "anew" not in str(failed.value)


def test_trouble_has_two_lines(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Trouble is one line when it comes, and one when it goes."""
    platform.trouble = (BEGIN + HOUR, BEGIN + HOUR + 600)

    Run(platform, monkeypatch, mode="poke").to_the_end()

    lines = ours(caplog)
    assert sum("dropped" in line for line in lines) == 1
    assert sum("answers again after" in line for line in lines) == 1
    assert sum("connection 'cgc_default'" in line for line in lines if "dropped" in line) == 1


@pytest.mark.parametrize("how", [{"mode": "poke"}, {"mode": "reschedule"}], ids=["poke", "reschedule"])
def test_silent_timeout_says_why(how: dict[str, Any], platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """A timeout without an answer says why, and with which connection."""
    platform.trouble = (BEGIN, BEGIN + 9 * HOUR)

    with pytest.raises(AirflowSensorTimeout) as raised:
        Run(platform, monkeypatch, timeout=HOUR, **how).to_the_end()

    assert "The last look at them failed: POST /bulk/storage/exports/get: the line was dropped." in str(raised.value)
    assert "This task asks with connection 'cgc_default'." in str(raised.value)
    assert "120 exports may still run." in str(raised.value)
    assert str(raised.value).endswith("give this task a larger timeout. Then clear it: it only waits.")
    summary = raised.value.summary  # type: ignore[attr-defined]  # ours, on an error of Airflow's
    assert (summary["total"], summary["completed"]) == (120, 0)


def test_past_trouble_is_unsaid(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """A timeout of a platform that answers again speaks of no trouble."""
    platform.trouble = (BEGIN, BEGIN + HOUR / 2)

    with pytest.raises(AirflowSensorTimeout) as raised:
        Run(platform, monkeypatch, mode="poke", timeout=HOUR).to_the_end()

    assert "failed" not in str(raised.value)


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_unanswered_stays_unproved(clock: Clock, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """
    An address that has not answered yet is not taken for right.

    Not at the second look either, which is another process in reschedule mode.
    """
    platform = Platform(clock, count=1)
    errors = [CgcConnectionError("dropped", sent=True), PAGE]

    def bulk_get(ids: Any) -> Any:
        raise errors.pop(0)

    platform.exports.bulk_get = bulk_get

    with pytest.raises(CgcWaitError, match=r"check host and path of the connection.*'cgc_default'.*clear this task"):
        Run(platform, monkeypatch, store=Store(), mode=mode).to_the_end()
    assert errors == []


def test_other_ids_prove_nothing(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are another question to the same address, which has not answered."""
    platform = Platform(clock, count=1)
    run = Run(platform, monkeypatch, store=Store(), mode="reschedule")
    platform.exports.bulk_get = raising(CgcConnectionError("dropped", sent=True))
    assert not run.sensor().poke(run.context)
    run.first_poke = datetime.fromtimestamp(clock.now, UTC)
    platform.ends["another"] = clock.now + HOUR
    platform.exports.bulk_get = raising(PAGE)

    with pytest.raises(CgcWaitError, match="check host and path of the connection"):
        run.sensor().poke(run.context)


def test_older_pokes_prove_none(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow 2.11 counts the timeout from the first try; the connection may have been changed since."""
    platform = Platform(clock, count=1)
    run = Run(platform, monkeypatch, mode="reschedule")
    run.first_poke = datetime.fromtimestamp(clock.now - HOUR, UTC)
    monkeypatch.setattr(sensor_wait, "has_poked", lambda context: False)
    platform.exports.bulk_get = raising(PAGE)

    with pytest.raises(CgcWaitError, match="check host and path of the connection"):
        run.sensor().poke(run.context)


def raising(error: Exception) -> Any:
    def bulk_get(ids: Any) -> Any:
        raise error

    return bulk_get


def test_poke_waits_as_asked(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A poke sits out the wait that the platform asks for, and looks once more at the deadline.

    A long Retry-After must neither be cut short nor let Airflow's own timeout call a finished job late.
    """
    platform = Platform(clock, count=3, hours=0.05)
    refusal = CgcRateLimited(Problem(429, 1000, "slow down"), status=429, call="POST /x", retry_after=280.0)
    looks: list[float] = []

    def bulk_get(ids: Sequence[str]) -> list[BulkRecord[ExportJob]]:
        looks.append(clock.now - BEGIN)
        if len(looks) == 1:
            raise refusal
        return platform.bulk_get(ids)

    platform.exports.bulk_get = bulk_get

    summary = Run(platform, monkeypatch, mode="poke", poke_interval=60, timeout=200).to_the_end()

    assert summary["completed"] == 3
    assert len(looks) == 2
    assert 199 <= looks[1] <= 201


def test_rescheduled_waits_too(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rescheduled poke waits as long as the platform asks for."""
    platform = Platform(clock, count=3)
    refusal = CgcRateLimited(Problem(429, 1000, "slow down"), status=429, call="POST /x", retry_after=280.0)

    def bulk_get(ids: Sequence[str]) -> list[BulkRecord[ExportJob]]:
        raise refusal

    platform.exports.bulk_get = bulk_get
    sensor = Run(platform, monkeypatch, mode="reschedule").sensor()

    assert not sensor.poke(Run(platform, monkeypatch, mode="reschedule").context)

    assert 280 <= sensor._get_next_poke_interval(clock.now, lambda: 0.0, 1) <= 310


def test_mended_denial_is_past(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A denial that was mended is forgotten where `silent_fail` goes on."""
    platform = Platform(clock, count=2, hours=0.01)
    answers = platform.bulk_get
    looks = []

    def bulk_get(ids: Sequence[str]) -> list[BulkRecord[ExportJob]]:
        looks.append(ids)
        if len(looks) == 1:
            return [BulkRecord(job_id, None, Problem(None, 9005, "Not yours.")) for job_id in ids]
        return answers(ids)

    platform.exports.bulk_get = bulk_get

    summary = Run(platform, monkeypatch, mode="poke", silent_fail=True).to_the_end()

    assert summary["completed"] == 2


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_401_keeps_the_summary(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, shown: list[dict[str, Any]], mode: str
) -> None:
    """A connection that cannot be read after a 401 ends the wait with its summary."""

    def bulk_get(ids: Sequence[str]) -> Any:
        raise CgcUnauthorized(Problem(401, None, "Unauthorized"), status=401, call="POST /x")

    def renew() -> None:
        raise CgcSettingsError("connection 'cgc_default'", "is not defined")

    platform.exports.bulk_get = bulk_get
    platform.renew = renew
    run = Run(platform, monkeypatch, mode=mode, poke_interval=60, timeout=HOUR)

    with pytest.raises(CgcWaitError, match=r"connection 'cgc_default' is not defined\. 120 exports"):
        run.to_the_end()

    assert run.pushed["cgc_summary"]["total"] == 120
    assert shown[-1]["outcome"] == "error"


@pytest.mark.parametrize("problem", [Problem(None, 9005, "Not yours."), Problem(401, None, "No.")], ids=["9005", "401"])
def test_denial_is_no_silent_skip(problem: Problem, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = Platform(clock, count=2)
    platform.exports.bulk_get = lambda ids: [BulkRecord(job_id, None, problem) for job_id in ids]

    with pytest.raises(CgcWaitError, match="cgc_default"):
        Run(platform, monkeypatch, mode="poke", soft_fail=True).to_the_end()
