"""The story of `make demo`: example Dags, one after the other, in a real Airflow."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TextIO

from dev import demo_report
from dev.airflow_box import AirflowBox
from dev.demo_patience import Patience
from dev.demo_report import ProgressLine, Result

SUMMARY = "cgc_summary"
RUN_ID = "demo"  # the database is new each time, and a short id makes a short link
ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")


@dataclass(frozen=True, slots=True)
class Act:
    """One Dag of the demo, the state in which its run must end, and what it is told, such as a place for manifests."""

    dag_id: str
    expected: str
    has_manifests: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)


ACTS = (
    Act("cgc_export_manifest", "success", has_manifests=True),
    Act("cgc_import_volume", "success", has_manifests=True),
    Act("cgc_wait_for_mapped_exports", "success", params={"batches": 20}),
    Act("cgc_failed_export", "failed"),
)


class Emulator(Protocol):
    """The part of the emulator that the demo needs."""

    def stats(self) -> Mapping[str, Any]:
        """`total` is the number of requests so far."""


class Demo:
    """Runs acts in a healthy Airflow and remembers how they ended."""

    def __init__(self, box: AirflowBox, emulator: Emulator, *, patience: Patience, out: TextIO) -> None:
        self.results: list[Result] = []
        self._box = box
        self._emulator = emulator
        self._patience = patience
        self._out = out

    def run(self, acts: Sequence[Act] = ACTS) -> None:
        for act in acts:
            self.results.append(self._play(act))

    def _play(self, act: Act) -> Result:
        before = self._requests()
        self._box.wait_for_dag(act.dag_id, timeout=self._patience.seconds)
        # In the demo's own folder: a manifest of an earlier demo would be taken for that of this run.
        manifests = {"manifests": (self._box.home / "manifests").as_uri()} if act.has_manifests else {}
        conf = {**act.params, **manifests}
        run_id = self._box.trigger(act.dag_id, conf, run_id=RUN_ID)
        began = time.monotonic()
        follow = _Follow(self._box, act, run_id, ProgressLine(self._out), self._patience)
        state = self._box.wait_run(act.dag_id, run_id, math.inf, on_poll=follow.poll)
        summaries = follow.summaries()
        result = Result(
            dag_id=act.dag_id,
            state=state,
            expected=act.expected,
            files=sum(int(one.get("total") or 0) for one in summaries),
            bytes=sum(int(one.get("bytes") or 0) for one in summaries),
            requests=self._requests() - before,
            seconds=max((float(one.get("seconds") or 0) for one in summaries), default=0.0),
            took=time.monotonic() - began,
            url=self._box.run_url(act.dag_id, run_id),
            failed_items=[item for one in summaries for item in one.get("failed_items") or ()],
        )
        follow.end(result)
        if result.problem:
            self._explain(act, run_id, result.problem)
        return result

    def _explain(self, act: Act, run_id: str, problem: str) -> None:
        folder = self._box.home / "logs" / f"dag_id={act.dag_id}" / f"run_id={run_id}"
        print(f"{act.dag_id}: {problem}. Its logs: {folder}", file=self._out)
        failed = [t for t in self._box.task_instances(act.dag_id, run_id) if t["state"] == "failed"]
        for task in failed[:3]:
            text = self._box.task_log(act.dag_id, run_id, task["task_id"], task["try_number"], task["map_index"])
            lines = [line for line in text.splitlines() if not line.startswith("  File ")][-12:]
            print(f"--- the end of {task['task_id']}'s log", *lines, sep="\n", file=self._out)

    def _requests(self) -> int:
        return int(self._emulator.stats()["total"])


@dataclass(frozen=True, slots=True)
class _Stand:
    """The state of a run's tasks: each of them counts, and people read their numbers."""

    states: Sequence[tuple[str, str, int]]
    told: str

    def __str__(self) -> str:
        return self.told


class _Follow:
    """One run as the progress line tells it."""

    def __init__(self, box: AirflowBox, act: Act, run_id: str, line: ProgressLine, patience: Patience) -> None:
        self._box = box
        self._act = act
        self._run_id = run_id
        self._line = line
        self._patience = patience
        self._began = time.monotonic()
        self._tasks: list[dict[str, Any]] = []
        self._known: dict[str, dict[str, Any]] = {}  # the summaries of ended tasks

    def poll(self, _run: Mapping[str, Any]) -> None:
        self._tasks = self._box.task_instances(self._act.dag_id, self._run_id)
        for task in self._tasks:
            if task["state"] in ENDED and task["id"] not in self._known:
                self._known[task["id"]] = self._summary(task)
        states = sorted((task["id"], str(task["state"]), task["try_number"]) for task in self._tasks)
        self._patience.see(self._act.dag_id, _Stand(states, demo_report.task_counts(self._tasks)))
        self._line.show(
            f"{self._act.dag_id} {self._elapsed()}  tasks: {demo_report.task_counts(self._tasks)}"
            f"  jobs in waits that ended: {sum(_done(one) for one in self.summaries()):,}"
        )

    def summaries(self) -> list[dict[str, Any]]:
        """The summaries of the sensors; of all tasks where no sensor has one.

        A sensor behind an operator that started the jobs counts the same jobs once more.
        """
        having = [(task, self._known[task["id"]]) for task in self._tasks if self._known.get(task["id"])]
        of_sensors = [one for task, one in having if str(task.get("operator")).endswith("Sensor")]
        return of_sensors or [one for _, one in having]

    def end(self, result: Result) -> None:
        verdict = "NOT as expected" if result.problem else "as expected"
        self._line.end(
            f"{result.dag_id} {self._elapsed()}  {result.state}, {verdict}"
            f"  tasks: {demo_report.task_counts(self._tasks)}"
        )

    def _summary(self, task: Mapping[str, Any]) -> dict[str, Any]:
        value = self._box.xcom(self._act.dag_id, self._run_id, task["task_id"], SUMMARY, task["map_index"])
        return value if isinstance(value, dict) else {}

    def _elapsed(self) -> str:
        return demo_report.clock_time(time.monotonic() - self._began)


def _done(summary: Mapping[str, Any]) -> int:
    return sum(int(summary.get(key) or 0) for key in ("completed", "failed", "missing", "skipped"))
