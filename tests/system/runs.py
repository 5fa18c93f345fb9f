"""A run in the real Airflow, as tests see it: its tasks, their ends, summaries and logs; and waiting for it."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dev.airflow_box import AirflowBox

ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")
PATIENCE = 420.0
"""Seconds for whatever should happen: generous, because other programs may use this machine, too."""

MISMATCH = re.compile(
    r"reported that the task instance <TaskInstance: (?P<dag>[\w-]+)\.(?P<task>[\w-]+) \S+"
    r" (?:map_index=(?P<index>\d+) )?\[\w+\][^>]*>"
    r" finished with state \w+, but the task instance's state attribute is \w+"
)
"""airflow/jobs/scheduler_job_runner.py, `process_executor_events` (apache/airflow#71172, #72716)."""


@dataclass(frozen=True)
class Run:
    """One Dag run."""

    airflow: AirflowBox
    dag_id: str
    run_id: str

    @classmethod
    def start(cls, airflow: AirflowBox, dag_id: str, conf: dict[str, Any] | None = None) -> Run:
        """Wait for the Dag and start a run of it."""
        airflow.wait_for_dag(dag_id)
        return cls(airflow, dag_id, airflow.trigger(dag_id, conf))

    @property
    def tasks(self) -> dict[tuple[str, int], dict[str, Any]]:
        """The task instances as they are now, by task id and map index."""
        return {
            (one["task_id"], one["map_index"]): one for one in self.airflow.task_instances(self.dag_id, self.run_id)
        }

    @property
    def states(self) -> dict[str, str | None]:
        """The state of each task by its id; of a mapped one by `task[index]`."""
        return {_name(*key): task["state"] for key, task in self.tasks.items()}

    def task(self, task_id: str, map_index: int = -1) -> dict[str, Any]:
        """One task instance as it is now."""
        return self.tasks[task_id, map_index]

    def summary(self, task_id: str, map_index: int = -1) -> Any:
        """The XCom `cgc_summary`."""
        return self.airflow.xcom(self.dag_id, self.run_id, task_id, "cgc_summary", map_index)

    def log(self, task_id: str, try_number: int | None = None, map_index: int = -1) -> str:
        """The log of a task's last try, or of the one given."""
        number = try_number or self.task(task_id, map_index)["try_number"]
        return self.airflow.task_log(self.dag_id, self.run_id, task_id, number, map_index)

    def has_ended(self) -> bool:
        """True once the run is over."""
        return self.airflow.dag_run(self.dag_id, self.run_id)["state"] in ("success", "failed")


def wait_until(
    airflow: AirflowBox,
    condition: Callable[[], object],
    what: str,
    *,
    runs: tuple[Run, ...] = (),
    meanwhile: Callable[[], object] = lambda: None,
    timeout: float = PATIENCE,
) -> None:
    """Wait until `condition()` holds; a component that dies ends the wait; `runs` are told if it never does."""
    deadline = time.monotonic() + timeout
    while not condition():
        airflow.check_alive()
        if time.monotonic() > deadline:
            told = "\n".join(f"{run.dag_id}: {Counter(run.states.values())} {run.states}" for run in runs)
            raise TimeoutError(f"Not after {timeout:.0f} s: {what}.\n{told}")
        meanwhile()
        time.sleep(1)


def wait_for_all(airflow: AirflowBox, *runs: Run, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Wait until all runs are over."""
    wait_until(
        airflow,
        lambda: all(run.has_ended() for run in runs),
        f"the end of {', '.join(run.dag_id for run in runs)}",
        runs=runs,
        meanwhile=meanwhile,
    )


def mismatches(airflow: AirflowBox) -> Counter[tuple[str, str, int]]:
    """Count the tries that Airflow failed by its own race: by Dag, task and map index, from the scheduler's log."""
    text = (airflow.home / "logs" / "scheduler.out").read_text(errors="replace")
    found = [(m["dag"], m["task"], int(m["index"] or -1)) for m in MISMATCH.finditer(text)]
    assert len(found) == text.count("the task instance's state attribute is"), "this Airflow says it in other words"
    return Counter(found)


def our_lines(log: str) -> list[str]:
    """The lines of a task's log that the provider wrote."""
    return [line for line in log.splitlines() if re.search(r" [\w.]+\.(CgcBulkExportSensor|CgcJobsTrigger) ", line)]


def _name(task_id: str, map_index: int) -> str:
    return task_id if map_index < 0 else f"{task_id}[{map_index}]"
