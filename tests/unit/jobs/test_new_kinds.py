"""A new kind of job is a value and a sensor: made-up ones wait, resume and are shown like those that there are."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_cgc import compat
from airflow_provider_cgc.client.errors import CgcConnectionError, CgcUnauthorized
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.compat import AirflowSensorTimeout, BaseSensorOperator
from airflow_provider_cgc.exceptions import CgcJobsFailed, CgcWaitError
from airflow_provider_cgc.jobs.ids import parse_ids
from airflow_provider_cgc.jobs.kinds import KINDS
from airflow_provider_cgc.jobs.parts import NO_RESULT
from airflow_provider_cgc.jobs.waiting.poller import Poller
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.sensors.base import CgcJobsSensor
from airflow_provider_cgc.sensors.given import CgcGivenJobsSensor
from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger
from dev.virtual_time import VirtualTime
from tests.fakes.kinds import COPY, RUN, Client, Copies, Runs
from tests.fakes.store import Store
from tests.fakes.task_instance import TaskInstance

LOGGER = "tests.new_kinds"
MODES = ("poke", "reschedule", "deferrable")
every_mode = pytest.mark.parametrize("mode", MODES)
LOST = CgcConnectionError("the line dropped", sent=True)


class RunSensor(CgcGivenJobsSensor):
    kind = RUN
    ids_argument = "run_ids"
    template_fields = ("run_ids", *CgcGivenJobsSensor.template_fields)

    def __init__(self, *, run_ids: Any, max_in_flight: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_ids = run_ids
        self.max_in_flight = max_in_flight


class CopySensor(CgcGivenJobsSensor):
    kind = COPY
    ids_argument = "copy_ids"
    template_fields = ("copy_ids", *CgcGivenJobsSensor.template_fields)

    def __init__(self, *, copy_ids: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.copy_ids = copy_ids


class Play:
    """A task, played as Airflow would: its pokes, each in a process of its own, or its deferral and its trigger."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time = VirtualTime()
        self.client = Client()
        self.ti = TaskInstance("wait", first_poke=lambda: self._first)
        self.shown: list[dict[str, Any]] = []
        self.store = Store()
        self.row: dict[str, Any] = {}
        self._slept = 0.0
        self._first: datetime | None = None
        clock = SimpleNamespace(time=self.now, monotonic=self.now, sleep=self.sleep)
        base = importlib.import_module(BaseSensorOperator.__module__)
        for name in (base.__name__, "airflow_provider_cgc.sensors.base", "airflow_provider_cgc.sensors.wait"):
            monkeypatch.setattr(f"{name}.time", clock)
        for cls in (RunSensor, CopySensor, CgcJobsTrigger):
            monkeypatch.setattr(cls, "log", logging.getLogger(LOGGER), raising=False)
        monkeypatch.setattr(CgcJobsSensor, "_connection", lambda sensor: self.client)
        monkeypatch.setattr(CgcJobsTrigger, "clock", staticmethod(self.now))
        monkeypatch.setattr(CgcJobsTrigger, "_make_poller", lambda trigger, threads: self._poller(trigger, threads))
        monkeypatch.setattr(compat, "write_view", lambda where, key, value: self.shown.append(value))
        monkeypatch.setattr(compat, "read_view", lambda where, key: None)
        for kind in (RUN, COPY):
            monkeypatch.setitem(KINDS, kind.name, kind)

    def now(self) -> float:
        return self.time.clock() + self._slept

    def sleep(self, seconds: float) -> None:
        self._slept += seconds

    def _poller(self, trigger: CgcJobsTrigger, threads: Any) -> Poller:
        async def connect() -> Any:
            return self.client

        return Poller(KINDS[trigger.kind], connect, threads=threads, clock=self.now)

    def run(self, make: Callable[..., CgcJobsSensor], mode: str, **how: Any) -> Any:
        how |= {"task_id": "wait", "deferrable": mode == "deferrable", "retries": 0}
        how |= {"mode": "reschedule"} if mode == "reschedule" else {}
        sensor = make(**how)
        if mode == "poke":
            return sensor.execute(self.context)
        if mode == "deferrable":
            return self._deferred(sensor)
        while True:
            ended = make(**how).poke(self.context)
            if ended:
                return ended.xcom_value
            self._first = self._first or datetime.fromtimestamp(self.now(), UTC)
            self.sleep(sensor.poke_interval)

    def _deferred(self, sensor: CgcJobsSensor) -> Any:
        try:
            return sensor.execute(self.context)
        except TaskDeferred as deferred:
            _, self.row = deferred.trigger.serialize()
        stored = json.loads(json.dumps(self.row, allow_nan=False))

        async def events() -> list[Any]:
            return [event.payload async for event in CgcJobsTrigger(**stored).run()]

        [event] = self.time.run(events())
        return sensor.execute_complete(self.context, json.loads(json.dumps(event)))

    @property
    def context(self) -> Any:
        return {"ti": self.ti, "task_state_store": self.store}


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Play:
    caplog.set_level(logging.INFO, logger=LOGGER)
    return Play(monkeypatch)


@pytest.fixture
def runs(play: Play) -> Runs:
    play.client.runs = runs = Runs(play.now)
    runs.add([f"run{number}" for number in range(10)])
    return runs


@pytest.fixture
def copies(play: Play) -> Copies:
    play.client.copies = copies = Copies()
    return copies


# --- drafts and a window


@every_mode
def test_drafts_start_in_a_window(play: Play, runs: Runs, mode: str) -> None:
    """Drafts are started within the window."""
    summary = play.run(RunSensor, mode, run_ids=list(runs.began), max_in_flight=3)

    assert (summary["kind"], summary["completed"]) == ("run", 10)
    assert (sorted(runs.starts), runs.most_at_once) == (sorted(runs.began), 3)


@every_mode
def test_no_window_starts_nothing(play: Play, runs: Runs, mode: str) -> None:
    """Without a window drafts are waited for."""
    with pytest.raises(AirflowSensorTimeout, match="10 runs have not ended"):
        play.run(RunSensor, mode, run_ids=list(runs.began), timeout=600)

    assert runs.starts == []


@every_mode
def test_others_may_start_them(play: Play, runs: Runs, mode: str) -> None:
    """A draft that somebody else has started is fine."""
    real = runs.bulk_get

    def as_before(ids: Any) -> Any:
        """Answer the first look with what is old by the time it comes."""
        records = real(ids)
        if not runs.starts:
            runs.began["run0"] = play.now()
        return records

    runs.bulk_get = as_before  # type: ignore[method-assign]  # spied on
    summary = play.run(RunSensor, mode, run_ids=["run0", "run1"], max_in_flight=2)

    assert (summary["completed"], "run0" in runs.starts) == (2, True)


@every_mode
def test_refused_start_fails(play: Play, runs: Runs, mode: str) -> None:
    runs.refused["run1"] = Problem(400, 7024, "The inputs are not valid.")

    with pytest.raises(CgcJobsFailed, match="1 FAILED") as caught:
        play.run(RunSensor, mode, run_ids=list(runs.began), max_in_flight=4)

    assert [(one["id"], one["code"]) for one in caught.value.failed] == [("run1", 7024)]
    assert (caught.value.summary["completed"], runs.starts.count("run1")) == (9, 1)


@every_mode
def test_start_is_tried_again(play: Play, runs: Runs, mode: str) -> None:
    until = play.now() + 200
    runs.trouble = lambda job_id: LOST if play.now() < until else None

    summary = play.run(RunSensor, mode, run_ids=list(runs.began), max_in_flight=10)

    assert (summary["completed"], sorted(runs.starts)) == (10, sorted(runs.began))


@every_mode
def test_start_may_be_denied(play: Play, runs: Runs, mode: str) -> None:
    """A token that may not start a draft ends the wait."""
    play.client.renew = lambda: None
    runs.trouble = lambda job_id: CgcUnauthorized(Problem(401, None, "No."), status=401, call="POST /runs")

    with pytest.raises(CgcWaitError):
        play.run(RunSensor, mode, run_ids=list(runs.began), max_in_flight=10)


@every_mode
def test_failure_has_its_words(play: Play, runs: Runs, mode: str, caplog: pytest.LogCaptureFixture) -> None:
    runs.ends = {"run4": "FAILED"}

    with pytest.raises(CgcJobsFailed) as caught:
        play.run(RunSensor, mode, run_ids=list(runs.began), max_in_flight=5)

    assert str(caught.value).startswith("Of 10 runs, 1 FAILED.\n- align run4, with app lab/p/bwa: 7500: Out of memory.")
    assert "  align run4, with app lab/p/bwa: 7500: Out of memory." in caplog.messages
    assert not any(word in line for line in caplog.messages for word in ("export", "import", "file"))


@every_mode
def test_unknown_run_is_named(play: Play, runs: Runs, mode: str) -> None:
    with pytest.raises(CgcJobsFailed, match="other: 7002: The platform does not know this run job"):
        play.run(RunSensor, mode, run_ids=["run0", "other"], max_in_flight=5)


@every_mode
def test_unknown_state_is_awaited(play: Play, runs: Runs, mode: str, caplog: pytest.LogCaptureFixture) -> None:
    runs.add(["odd"], draft=False)
    real, until = runs.state, play.now() + 900

    def paused_at_first(one: str) -> str:
        return "PAUSED" if one == "odd" and play.now() < until else real(one)

    runs.state = paused_at_first  # type: ignore[method-assign]  # a state of a later release

    assert play.run(RunSensor, mode, run_ids=["odd"])["completed"] == 1
    assert sum("'PAUSED'" in line for line in caplog.messages) == 1


def test_row_holds_the_window(play: Play, runs: Runs) -> None:
    """The row of a windowed wait holds one word more."""
    play.run(RunSensor, "deferrable", run_ids=list(runs.began), max_in_flight=3)

    assert (play.row["kind"], play.row["max_in_flight"], play.row["ids"]) == ("run", 3, list(runs.began))


def test_restart_keeps_the_window(play: Play, runs: Runs) -> None:
    """Nobody tells it what an earlier one has started; it looks first."""
    for one in ("run0", "run1", "run2"):
        runs.start(one)
    play.client.runs = runs
    state = JobTracker.of(RUN, runs.began).to_json()
    times = {"deadline": play.now() + 1e6, "first_look": play.now(), "not_before": 0.0, "poke_interval": 60.0}
    row = {"kind": "run", "cgc_conn_id": "c", "ids": list(runs.began), "state": state, "max_in_flight": 3, **times}

    async def events() -> list[Any]:
        return [event.payload async for event in CgcJobsTrigger(**row).run()]

    [event] = play.time.run(events())

    assert (event["summary"]["completed"], runs.most_at_once) == (10, 3)


def test_starts_spare_the_looks(play: Play, runs: Runs) -> None:
    """If the budget sets the pace, a thousand starts of one wait and the looks of another take turns."""
    runs.add([f"many{number}" for number in range(300)])
    runs.add(["alone"], draft=False)
    play.client.budget.pace_for = lambda owner, wish: 1.0
    asked: list[float] = []
    real = runs.bulk_get

    def noted(ids: Any) -> Any:
        asked.extend([play.now()] if "alone" in ids else [])
        return real(ids)

    runs.bulk_get = noted  # type: ignore[method-assign]  # spied on
    times = {"deadline": play.now() + 1e6, "first_look": play.now(), "not_before": 0.0, "poke_interval": 60.0}

    def row(ids: list[str], **more: Any) -> CgcJobsTrigger:
        state = JobTracker.of(RUN, ids).to_json()
        return CgcJobsTrigger(kind="run", cgc_conn_id="c", ids=ids, state=state, **times, **more)

    async def events(trigger: CgcJobsTrigger) -> list[Any]:
        return [event.payload async for event in trigger.run()]

    async def both() -> Any:
        many = [one for one in runs.began if one.startswith("many")]
        return await asyncio.gather(events(row(many, max_in_flight=300)), events(row(["alone"])))

    [[started], [waited]] = play.time.run(both())

    assert (started["summary"]["completed"], waited["summary"]["completed"]) == (300, 1)
    assert max(later - earlier for earlier, later in pairwise(asked)) < 70


# --- several results


@every_mode
def test_things_are_judged_alone(play: Play, copies: Copies, mode: str) -> None:
    """The things of a job are judged one by one."""
    ids = copies.add("job", ["a", "b", "c"])
    copies.finish("job", {"name": "a"}, {"name": "b", "error": {"code": 10225, "message": "Gone."}}, {"name": "c"})

    with pytest.raises(CgcJobsFailed) as caught:
        play.run(CopySensor, mode, copy_ids=ids)

    assert (caught.value.summary["completed"], caught.value.summary["failed"]) == (2, 1)
    assert [(one["id"], one["name"], one["code"]) for one in caught.value.failed] == [("job#1", "b", 10225)]


@every_mode
def test_job_is_asked_for_once(play: Play, copies: Copies, mode: str) -> None:
    """A job is asked for once for all its things."""
    ids = copies.add("job", [f"n{number}" for number in range(100)])
    copies.finish("job", *({"name": f"n{number}"} for number in range(100)))

    assert play.run(CopySensor, mode, copy_ids=ids)["completed"] == 100
    assert copies.asked == ["job"]


@every_mode
def test_results_match_by_name(play: Play, copies: Copies, mode: str) -> None:
    """
    A result of another length is matched by name.

    What it does not tell of is never called completed; nor is one of two of the same name.
    """
    ids = copies.add("job", ["a", "b", "twin", "twin"])
    copies.finish("job", {"name": "b"}, {"name": "twin"})

    with pytest.raises(CgcJobsFailed) as caught:
        play.run(CopySensor, mode, copy_ids=ids)

    told = {one["id"]: one["message"] for one in caught.value.failed}
    assert caught.value.summary["completed"] == 1
    assert told == dict.fromkeys(["job#0", "job#2", "job#3"], NO_RESULT)


def test_whole_job_id_is_told(play: Play, copies: Copies) -> None:
    """An id of a whole job is told to be one."""
    copies.finish("job", *copies.add("job", []))

    [whole, beyond] = copies.bulk_get(["job", "job#7"])

    assert "give the ids of its parts" in str(whole.error)
    assert beyond.error is not None


def test_things_have_ids() -> None:
    assert parse_ids("job#0, job#11") == ["job#0", "job#11"]


# --- what is shown, and what is remembered


def test_snapshot_has_own_rows(play: Play, runs: Runs) -> None:
    runs.ends = {"run1": "FAILED"}
    runs.start("run0"), runs.start("run1")
    tracker = JobTracker.of(RUN, ["run0", "run1", "run2", "other"])
    view = LiveView(RUN, since=play.now(), interval=60.0)

    def look() -> dict[str, Any]:
        records = runs.bulk_get(list(tracker.open))
        view.take(records, tracker.open)
        tracker.take(records, play.now())
        tracker.close_missing(play.now(), interval=60.0)
        return view.snapshot(tracker, play.now())

    first = look()
    play.sleep(700)
    last = look()

    assert (first["kind"], first["project"], first["volume"]) == ("run", "lab/p", None)
    assert (first["counts"]["running"], first["counts"]["pending"]) in ((2, 1), (0, 3))
    assert {row["app"] for row in (*first["longest"], *last["recent"], *last["failures"]) if "app" in row} == {
        "lab/p/bwa"
    }
    assert [(row["id"], row["state"]) for row in last["failures"]] == [("run1", "FAILED"), ("other", "MISSING")]


def test_rows_agree_with_counts(play: Play, runs: Runs, copies: Copies) -> None:
    """A job that counts as missing is shown as such, for whatever reason the platform does not tell of it."""
    ids = [*copies.add("job", ["a", "b", "c"]), "other#0"]
    copies.finish("job", {"name": "a"}, {"name": "b", "error": {"code": 10225, "message": "Gone."}})
    unknown: BulkRecord[Any] = BulkRecord("run0", None, Problem(404, 1, "No."))
    runs.bulk_get = lambda ids: [unknown]  # type: ignore[method-assign]  # another reason than the usual one
    refused: BulkRecord[Any] = BulkRecord("run1", None, Problem(400, 7024, "The inputs are not valid."))
    rows: dict[str, str] = {}

    for kind, endpoint, waited in ((COPY, copies, ids), (RUN, runs, ["run0", "run1"])):
        tracker = JobTracker.of(kind, waited)
        tracker.note_starting(["run1"] if kind is RUN else [])
        tracker.take_started([refused], play.now())
        for _ in range(2):
            tracker.take(endpoint.bulk_get(list(tracker.open)), play.now())
            tracker.close_missing(play.now(), interval=60.0)
            play.sleep(700)
        shown = LiveView(kind, since=play.now(), interval=60.0).snapshot(tracker, play.now())
        rows |= {row["id"]: row["state"] for row in shown["failures"]}
        assert [row["state"] for row in shown["failures"]].count("MISSING") == shown["counts"]["missing"]

    assert rows == {
        "job#1": "FAILED",
        "job#2": "MISSING",
        "other#0": "MISSING",
        "run0": "MISSING",
        "run1": "FAILED",
    }


def test_kept_tracker_goes_on(play: Play, runs: Runs) -> None:
    tracker = JobTracker.of(RUN, runs.began)
    tracker.take([BulkRecord("run0", runs.bulk_get(["run0"])[0].resource)], play.now())

    again = JobTracker.from_json(json.loads(json.dumps(tracker.to_json())), tracker.open)

    assert again.kind is RUN
    assert again.to_start(10) == [], "nothing was seen yet"
