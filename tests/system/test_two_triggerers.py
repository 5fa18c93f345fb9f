"""Sixty deferred waits on two triggerers, one of which is killed, or frozen for forty seconds and thawed, or both.

Forty seconds, because Airflow gives a triggerer's waits to the other after thirty without a heartbeat: the thawed one
then still runs what is no longer its own. `retries=0`: no try is lost to any of this. The one race of Airflow that
could cost one needs an event within seconds of the deferral (apache/airflow#72716), and these come later.
"""

from __future__ import annotations

import math
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.client.endpoints.records import BULK_LIMIT
from dev.airflow_box import PARTS, AirflowBox
from dev.ports import free_port
from tests.system.conftest import CANARY, DAGS, note_mismatches
from tests.system.labs import Lab
from tests.system.runs import ENDED, Run, mismatches, wait_until
from tests.system.triggerers import Triggerers, Wait

pytestmark = pytest.mark.system

LENGTHS = ((5, 5, 5), (5, 5, 20), (20, 20, 20), (5, 20, 30), (20, 30, 40), (30, 40, 50), (40, 50, 60))
"""Seconds that the exports of a wait take. Those of 5 end, and are seen to, before anything happens."""
NEVER = 3600
"""Seconds of an export that no wait's timeout awaits."""
FAILING = range(2, 44, 6)
TIMEOUTS = range(60, 120, 10)
"""Seconds: some are over while nobody, or more than one triggerer, looks after the wait."""
FROZEN_SECONDS = 40
SPEED = 0.6
"""Platform seconds for each of ours, from the first blow on: the waits end from then until well after the last."""
INTERVAL = 5
STATUS, NAMES = "/v2/bulk/storage/exports/get", "/v2/bulk/files/get"
LOST = "the wait was ended, or moved to another triggerer. None of its exports was cancelled."
KNOWN_ERRORS = ("TriggerRunner subprocess event loop appears deadlocked",)
"""The triggerer's lines about itself after it was frozen: one half of it does not know that the other was, too."""


Record = Callable[[str, object], None]


@dataclass(frozen=True)
class Expected:
    """The end that a wait must have: its state, its completed and failed exports, and a text that its log has once."""

    state: str
    completed: int
    failed: int
    says: str

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Total, completed, failed, missing."""
        return (3, self.completed, self.failed, 0)


DONE = Expected("success", 3, 0, "3 of 3 exports completed")
FAILED = Expected("failed", 2, 1, "1 of 3 exports did not complete.")
EXPECTED: dict[Wait, Expected] = {
    **{("waits", index): FAILED if index in FAILING else DONE for index in range(44)},
    **{("waits_softly", index): Expected("skipped", 2, 1, FAILED.says) for index in range(4)},
    **{
        (task_id, index): Expected(state, 2, 0, f"The timeout of {timeout} s is over.")
        for task_id, state in (("times_out", "failed"), ("times_out_softly", "skipped"))
        for index, timeout in enumerate(TIMEOUTS)
    },
}


@dataclass(frozen=True)
class Story:
    """The traces of one run."""

    what: str
    lab: Lab
    ids: dict[Wait, list[str]]
    holders: dict[Wait, int | None]
    """The triggerer of each wait when something happened; on a slow machine some may have timed out by then."""
    moved: set[Wait]
    tasks: dict[Wait, dict[str, Any]]
    events: Counter[tuple[str, int, str]]
    summaries: dict[Wait, dict[str, Any]]
    worker_logs: dict[Wait, list[str]]
    trigger_lines: list[str]
    """The lines from while triggers ran: in the tasks' logs or, of a trigger's last moments, in the triggerers' own."""
    component_lines: dict[str, list[str]]
    mismatches: Counter[tuple[str, str, int]]
    looks: list[float]
    """The times of the triggerers' requests, from the first blow on."""
    looks_after_the_end: dict[str, int]
    paths: set[str]
    requests_after_the_run: int
    exports_started: int
    stored_triggers: int


@pytest.fixture(scope="module")
def two(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AirflowBox, Lab]]:
    """An Airflow with two triggerers, and the one platform that all waits are for."""
    dags = tmp_path_factory.mktemp("two_dags")
    shutil.copy(DAGS / "system_two_triggerers.py", dags)
    folder = tmp_path_factory.mktemp("two_platform")
    with Lab("two_triggerers", folder=folder, token=f"{CANARY}two_triggerers") as lab:
        env = {
            "AIRFLOW_CONN_CGC_TWO_TRIGGERERS": lab.airflow_conn,
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
        }
        home = tmp_path_factory.mktemp("two_airflow")
        with AirflowBox(
            home, dags_folder=dags, env=env, components=PARTS, port=free_port(), database="postgres", triggerers=2
        ) as box:
            box.wait_healthy()
            yield box, lab
            note_mismatches(request.config, box)


@pytest.fixture(
    scope="module",
    # The last one has the blow of the first, too.
    params=[pytest.param("killed", marks=pytest.mark.whole), "frozen", "killed_and_frozen"],
)
def story(request: pytest.FixtureRequest, two: tuple[AirflowBox, Lab]) -> Story:
    """Let sixty waits be deferred, strike, and wait for their ends."""
    airflow, lab = two
    what: str = request.param
    airflow.wait_healthy()
    begun = {path: path.stat().st_size for path in outputs(airflow)}
    ids = start_exports(lab)
    exports = len(lab.world.exports)
    run = Run.start(airflow, f"system_{what}", arguments(ids))
    with Triggerers(airflow).open() as triggerers:

        def all_held() -> bool:
            holders = triggerers.holders(run.dag_id)
            timed_out = [task for task in run.tasks.values() if task["state"] in ("failed", "skipped")]
            return len(holders) + len(timed_out) == len(EXPECTED) and None not in holders.values()

        wait_until(airflow, all_held, "all waits are held by a triggerer", runs=(run,), timeout=900)
        lab.pass_time(10)
        wait_until(airflow, lambda: the_first_are_over(lab, run, ids), "the first ends are seen", runs=(run,))
        holders = triggerers.holders(run.dag_id)
        requests = len(lab.requests)
        strike(what, airflow, triggerers, run, passing := Passing(lab))
        wait_until(airflow, run.has_ended, "the end of the run", runs=(run,), meanwhile=passing, timeout=900)
        requests_in_run = len(lab.requests)
        time.sleep(3 * INTERVAL)
        if what != "frozen":
            airflow.start_component("triggerer-1")
        worker_logs, trigger_logs = task_logs(airflow, run)
        components = {path.name: read_from(path, begun.get(path, 0)).splitlines() for path in outputs(airflow)}
        triggerer_lines = [line for name, lines in components.items() if "triggerer" in name for line in lines]

        return Story(
            what=what,
            lab=lab,
            ids=ids,
            holders=holders,
            moved={wait for wait, holder in holders.items() if trigger_logs[wait].keys() - {holder}},
            tasks={wait: task for wait, task in run.tasks.items() if wait in EXPECTED},
            events=triggerers.events(run.dag_id),
            summaries={wait: run.summary(*wait) for wait in EXPECTED},
            worker_logs=worker_logs,
            trigger_lines=[line for logs in trigger_logs.values() for log in logs.values() for line in log]
            + triggerer_lines,
            component_lines=components,
            mismatches=Counter({key: n for key, n in mismatches(airflow).items() if key[0] == run.dag_id}),
            looks=[request.wall for request in lab.requests[requests:requests_in_run] if request.path == STATUS],
            looks_after_the_end=lab.looks_after_the_end(),
            paths={request.path for request in lab.requests},
            requests_after_the_run=len(lab.requests) - requests_in_run,
            exports_started=len(lab.world.exports) - exports,
            stored_triggers=triggerers.stored(),
        )


def the_first_are_over(lab: Lab, run: Run, ids: dict[Wait, list[str]]) -> bool:
    """Tell if every end so far was seen, and the waits that it ends are over."""
    looks, tasks = lab.looks_after_the_end(), run.tasks
    seen = all(looks[job_id] for of_wait in ids.values() for job_id in of_wait if job_id in looks)
    return seen and all(tasks["waits", index]["state"] in ENDED for index in range(0, 44, len(LENGTHS)))


class Passing:
    """Lets platform time pass with ours, a little slower, from when it is made."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._until = time.monotonic()

    def __call__(self) -> None:
        since, self._until = self._until, time.monotonic()
        self._lab.pass_time(SPEED * (self._until - since))


def strike(what: str, airflow: AirflowBox, triggerers: Triggerers, run: Run, passing: Passing) -> None:
    """Kill, freeze and thaw; where one is only frozen, its waits are another's when it is thawed."""
    if what != "frozen":
        airflow.stop_component("triggerer-1", signal.SIGKILL)
    if what == "killed":
        return
    frozen = "triggerer-1" if what == "frozen" else "triggerer-2"
    airflow.freeze(frozen)
    until = time.monotonic() + FROZEN_SECONDS

    def long_enough() -> bool:
        left = set(triggerers.holders(run.dag_id).values())
        return time.monotonic() > until and (what != "frozen" or len(left) <= 1)

    wait_until(airflow, long_enough, "forty seconds, and the move of the waits", runs=(run,), meanwhile=passing)
    airflow.thaw(frozen)


def start_exports(lab: Lab) -> dict[Wait, list[str]]:
    """Three exports for each wait, of which those that time out do not await the last."""
    ids = {wait: lab.start_exports(2, seconds=5) for wait in EXPECTED if wait[0].startswith("times_out")}
    lab.pass_time(10)
    for wait, expected in EXPECTED.items():
        if wait in ids:
            ids[wait] += lab.start_exports(1, seconds=NEVER)
            continue
        *lengths, last = LENGTHS[wait[1] % len(LENGTHS)]
        ids[wait] = [job_id for seconds in lengths for job_id in lab.start_exports(1, seconds=seconds)]
        ids[wait] += lab.start_exports(1, seconds=last, code=9109 if expected.failed else None)
    return ids


def arguments(ids: dict[Wait, list[str]]) -> dict[str, list[dict[str, Any]]]:
    """The arguments of the Dag's sensors, by task id."""
    conf: dict[str, list[dict[str, Any]]] = {}
    for (task_id, index), export_ids in ids.items():
        timeout = TIMEOUTS[index] if task_id.startswith("times_out") else 1800
        conf.setdefault(task_id, []).append({"export_ids": export_ids, "timeout": timeout})
    return conf


def outputs(airflow: AirflowBox) -> list[Path]:
    """The terminal output of each component."""
    return sorted((airflow.home / "logs").glob("*.out"))


def read_from(path: Path, offset: int) -> str:
    return path.read_bytes()[offset:].decode(errors="replace")


def task_logs(airflow: AirflowBox, run: Run) -> tuple[dict[Wait, list[str]], dict[Wait, dict[int, list[str]]]]:
    """The lines of each wait's log by the worker, and of those by the triggerers that ran it, by their jobs' ids."""
    folder = airflow.home / "logs" / f"dag_id={run.dag_id}" / f"run_id={run.run_id}"
    workers, triggers = {}, {}
    for task_id, index in EXPECTED:
        logs = sorted((folder / f"task_id={task_id}" / f"map_index={index}").glob("attempt=*"))
        lines = {log.name: log.read_text().splitlines() for log in logs}
        workers[task_id, index] = lines.pop("attempt=1.log")
        triggers[task_id, index] = {int(name.split(".")[-2]): log for name, log in lines.items()}
    return workers, triggers


def test_waits_were_spread(story: Story, record_property: Record) -> None:
    """
    The waits were spread over both triggerers.

    Airflow shares them out as they come; on a busy machine one triggerer may have few, but it must have some.
    """
    shares = Counter(story.holders.values())
    record_property("shares", sorted(shares.values()))

    assert len(shares) == 2


def test_only_struck_waits_move(story: Story) -> None:
    """
    The waits of the struck triggerer moved, and no others.

    Of both, where both were struck, those of the killed one: the thawed one goes on with its own.
    """
    struck = {story.holders[wait] for wait in story.moved}

    assert len(struck) == 1
    assert story.moved == {wait for wait, holder in story.holders.items() if holder in struck}


def test_waits_end_once(story: Story) -> None:
    """Every wait ends once, and as its exports did."""
    ends = {wait: (task["state"], task["try_number"]) for wait, task in story.tasks.items()}

    assert ends == {wait: (expected.state, 1) for wait, expected in EXPECTED.items()}


def test_waits_are_resumed_once(story: Story) -> None:
    """
    Every wait is deferred once and resumed once.

    By Airflow's own record: it runs, is deferred, runs again and ends.
    """
    record = {
        wait: {event: count for (task_id, index, event), count in story.events.items() if (task_id, index) == wait}
        for wait in EXPECTED
    }

    assert record == {wait: {"running": 2, "deferred": 1, expected.state: 1} for wait, expected in EXPECTED.items()}


def test_logs_tell_verdicts_once(story: Story) -> None:
    said = {wait: sum(expected.says in line for line in story.worker_logs[wait]) for wait, expected in EXPECTED.items()}

    assert said == dict.fromkeys(EXPECTED, 1)


def test_summaries_count_all(story: Story) -> None:
    counts = {
        wait: (summary["total"], summary["completed"], summary["failed"], summary["missing"])
        for wait, summary in story.summaries.items()
    }

    assert counts == {wait: expected.counts for wait, expected in EXPECTED.items()}


def test_failures_are_named(story: Story) -> None:
    named = {
        wait: [(item["id"], item["code"]) for item in summary["failed_items"]]
        for wait, summary in story.summaries.items()
        if summary["failed_items"]
    }

    assert named == {wait: [(story.ids[wait][2], 9109)] for wait, expected in EXPECTED.items() if expected.failed}


def test_no_try_lost_to_a_race(story: Story, record_property: Record) -> None:
    """Airflow failed no try by its own race."""
    record_property("state_mismatches", story.mismatches.total())

    assert not story.mismatches


def test_nothing_is_started(story: Story) -> None:
    assert story.exports_started == 0
    assert story.paths == {STATUS, NAMES}


def test_nothing_asked_afterwards(story: Story) -> None:
    """Nothing is asked once all waits are over."""
    assert story.requests_after_the_run == 0


def test_ends_are_seen_once(story: Story, record_property: Record) -> None:
    """
    Each triggerer sees an export end at most once.

    What the one had seen, the other cannot know when it takes over.
    """
    ended = [job_id for wait, ids in story.ids.items() for job_id in ids if EXPECTED[wait].completed == 3]

    looks = {job_id: story.looks_after_the_end[job_id] for job_id in ended}
    record_property("seen_twice", sum(count == 2 for count in looks.values()))

    assert set(looks.values()) <= {1, 2}, looks


def test_one_poller_per_triggerer(story: Story, record_property: Record) -> None:
    """
    The requests are those of one poller for each triggerer.

    Sixty waits that asked for themselves would be thirty times as many.
    """
    # One more than in one triggerer, because each has a last one.
    chunks = math.ceil(3 * len(EXPECTED) / BULK_LIMIT) + 1
    sweeps = (story.looks[-1] - story.looks[0]) / (0.95 * INTERVAL) + 1
    first_looks_elsewhere = len(story.moved)
    looks_at_a_deadline = len([wait for wait in EXPECTED if wait[0].startswith("times_out")])
    allowed = chunks * sweeps + first_looks_elsewhere + looks_at_a_deadline
    record_property("requests", (len(story.looks), round(allowed), len(story.moved)))

    assert len(story.looks) <= allowed


def test_no_trigger_is_left(story: Story) -> None:
    assert story.stored_triggers == 0


def test_no_traceback(story: Story) -> None:
    bad = {
        name: [line for line in lines if "Traceback (most recent call last)" in line]
        for name, lines in story.component_lines.items()
    }

    assert {"scheduler.out", "triggerer-1.out", "triggerer-2.out"} <= bad.keys()
    assert not {name: lines for name, lines in bad.items() if lines}


def test_no_error_is_reported(story: Story) -> None:
    errors = [
        line
        for name, lines in story.component_lines.items()
        for line in lines
        if "triggerer" in name and "[error " in line and not any(known in line for known in KNOWN_ERRORS)
    ]

    assert errors == []


def test_lost_waits_say_the_truth(story: Story) -> None:
    """
    A triggerer that lost its waits says only things that are true of all of them.

    Airflow calls `on_kill` for a wait that has moved, as if a user did it; it may go on elsewhere, or be over.
    """
    called = [line for line in story.trigger_lines if "invoking on_kill" in line]

    said = [line for line in story.trigger_lines if LOST in line]

    assert len(said) == len(called)
    assert bool(called) == (story.what == "frozen")
