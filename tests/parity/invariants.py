"""Rules for every wait, however it ends: complaints about one, in words."""

from __future__ import annotations

import math
import traceback
from collections.abc import Iterator

from tests.parity.cases import Jobs, Verdict
from tests.parity.drivers import LAG, End, Task
from tests.parity.scene import NEXT_TOKEN, TOKEN

WINDOW, SHARE = 300.0, 800
"""Of the 1000 requests that the platform grants in 300 seconds, 800 are Airflow's."""
REPEATS = 3
"""After so many failures in a row nothing is repeated before an interval is over."""
LONGEST_ASTRAY = 900.0
"""For so long a triggerer hears answers that are not the platform's before it calls the address wrong."""
JITTER = 0.95
"""An interval is shortened by up to a twentieth."""


def complaints(task: Task, end: End, expected: Verdict, jobs: Jobs, *, lasts: float) -> Iterator[str]:
    """Give a sentence for each thing that is wrong."""
    yield from end.left
    yield from _unbidden(task)
    yield from _events(task)
    yield from _secrets(task, end)
    if task.scene.kind.submits:
        # It asks for other things besides, accounts for every job at the end, and remembers that for a Clear.
        return
    yield from (f"{job_id} was asked for again" for job_id in task.scene.line.asked_again)
    yield from _requests(task, end, jobs)
    if expected.error != "CgcBadInput":
        yield from _punctuality(task, end, expected, jobs, lasts)
    if task.store:
        yield f"the memory {list(task.store)} outlives the wait"


def _unbidden(task: Task) -> Iterator[str]:
    """
    Nobody asks while the share is used up, or when the platform has asked to wait.

    The second has two exceptions: at the deadline, because a job that has ended must not be called late, and where
    nothing is remembered, because an id is asked for twice before it is called missing.
    """
    line, began = task.scene.line, task.scene.began
    yield from (f"the share was used up, but the platform was asked at {at - began:.1f} s" for at in line.unbidden)
    early = [at for at in line.early if at < began + task.arguments["timeout"] - 1]
    if task.mode.memory:
        yield from (f"the platform was asked at {at - began:.1f} s, earlier than it wished" for at in early)


def _events(task: Task) -> Iterator[str]:
    if task.events != task.rows:
        yield f"{task.events} events of {task.rows} triggers"


def _secrets(task: Task, end: End) -> Iterator[str]:
    places: dict[str, str] = {"what Airflow stores": "".join(task.kept), "the log": "".join(task.scene.log.lines)}
    places["what the task returned"] = repr(end.returned)
    if end.error is not None:
        places["an exception"] = "".join(traceback.format_exception(end.error)) + "".join(_insides(end.error))
    for place, text in places.items():
        if TOKEN in text or NEXT_TOKEN in text:
            yield f"the token is in {place}"


def _insides(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield f"{error!r} {error.args!r} {vars(error)!r}"
        error = error.__cause__ or error.__context__


def _requests(task: Task, end: End, jobs: Jobs) -> Iterator[str]:
    """
    At most: for each look its chunks, each as often as it takes to learn which ids the platform does not know, and
    repeated three times where the line or the platform is in trouble; and one request for the names of failed files.

    There is a look at each start, in each shortened interval, at the deadline, and before an id is called missing.
    """
    asked = task.scene.emulator.requests
    line = task.scene.line
    looks = end.at / (_interval(task) * JITTER) + task.starts + 2
    # Ids that were not known travel apart.
    chunks = math.ceil(len(jobs.ids) / 100) + line.some_unknown
    bound = looks * chunks * line.calls_of_a_look * (1 + REPEATS * bool(line.troubles)) + 1
    if len(asked) > bound:
        yield f"{len(asked)} requests, more than {bound:.0f}"
    walls = [one.wall for one in asked]
    for first, wall in enumerate(walls):
        if sum(wall <= other < wall + WINDOW for other in walls[first:]) > SHARE:
            yield f"more than {SHARE} requests in {WINDOW:.0f} s"
            break
    refused = [one for one in asked if one.status == 429]
    if refused and not task.scene.may_refuse:
        yield f"{len(refused)} requests too many, by the platform's count"
    other = {one.path for one in asked} - {task.scene.path, "/v2/bulk/files/get"}
    if other:
        yield f"requests to {other}"


def _punctuality(task: Task, end: End, expected: Verdict, jobs: Jobs, lasts: float) -> Iterator[str]:
    """No wait ends before it is known how, nor much later."""
    due = max(_due(task, expected, jobs), 0.0)
    if end.at < due - 1:
        yield f"it ended after {end.at:.1f} s, before {due:.1f} s"
    lags = (LAG + 1) * (task.starts + end.at / _interval(task))
    if end.at > due + 2 * _interval(task) + lags + 30 + lasts:
        yield f"it ended after {end.at:.1f} s, long after {due:.1f} s"


def _due(task: Task, expected: Verdict, jobs: Jobs) -> float:
    """Seconds after which it is known how the wait ends."""
    line, how, began = task.scene.line, task.arguments, task.scene.began
    if expected.error == "CgcWaitError":
        # Who looks in the worker knows whether anything was ever answered; a triggerer that has just started does not.
        in_triggerers = sum(life + LAG for life in task.mode.restarts) + LONGEST_ASTRAY
        return in_triggerers if jobs.stranger and task.mode.map_index >= 0 else 0.0
    if expected.error == "AirflowSensorTimeout":
        return float(how["timeout"])
    if expected.error == "AirflowTaskTimeout":
        return float(how["execution_timeout"].total_seconds())
    missing, patience = [*jobs.lost, *jobs.foreign], 3 * _interval(task)
    ends = [line.finished[job_id] - began for job_id in [*jobs.bad, *jobs.good] if job_id in line.finished]
    if how.get("fail_fast") and jobs.bad:
        return min(ends)
    if missing and task.mode.memory:
        ends.append(max(line.first_answer.get(job_id, began) for job_id in missing) - began + patience)
    elif missing:
        ends.append(patience)
    return max(ends, default=0.0)


def _interval(task: Task) -> float:
    return float(task.arguments["poke_interval"])
