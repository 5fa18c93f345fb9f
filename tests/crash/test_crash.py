"""An export that is killed at every step, or whose answers are lost: nothing is missing, nothing is exported twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import pytest

from tests.airflow.conftest import has_task_state_store
from tests.crash.scene import CREATE, RETRIES, SIZE, VOLUME, Kill, Platform, Task
from tests.sample import plays_whole

pytestmark = pytest.mark.sampled

Give = Callable[[str, float, int], Platform]

MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}
RECORDS = {"none": (False, False), "manifest": (False, True)}
"""The memory of a task: a task state store or not, and a manifest or not."""
if has_task_state_store():
    RECORDS |= {"store": (True, False), "store and manifest": (True, True)}
KINDS: dict[str, dict[str, Any]] = {
    "copy": {},
    "move": {"items": 3, "arguments": {"copy_only": False}},
    "skip": {"items": 4, "there": 1, "arguments": {"if_exists": "skip"}},
    "unfit": {"items": 3, "unfit": True, "arguments": {"aliases": "skip", "max_failures": 1}},
}
SOME = 11
"""At every n-th step `make test` kills, at two at least, from another one on in each test; `make test-all` at all of
them. It is no multiple of the three by which pauses differ."""
LAG = 30.0
OLDER = 20_000


@dataclass(frozen=True)
class Scenario:
    """The run of a task, the tries before the one that is killed, and the jobs that each file must have in the end."""

    mode: str
    record: str
    order: str = "newest"
    lag: float = LAG
    older: int = 0
    kind: str = "copy"

    def task(self, give: Give, **values: Any) -> Task:
        store, manifest = RECORDS[self.record]
        kind = KINDS[self.kind]
        arguments = MODES[self.mode] | kind.get("arguments", {}) | values.get("arguments", {})
        values = kind | values | {"arguments": arguments}
        return Task(give(self.order, self.lag, self.older), store=store, manifest=manifest, **values)

    def __str__(self) -> str:
        older = f", {self.older} older" if self.older else ""
        kind = "" if self.kind == "copy" else f", {self.kind}"
        return f"{self.mode}, {self.record}, {self.order} first, lag {self.lag:g}{older}{kind}"


def named(scenarios: list[Scenario]) -> Any:
    return pytest.mark.parametrize("scenario", [pytest.param(one, id=str(one)) for one in scenarios])


ALL = [
    Scenario(mode, record)
    for mode in MODES
    for record in RECORDS
    if (mode, record) != ("reschedule", "none")  # is refused: nothing would remember from one poke to the next
]
OTHER_LISTS = [
    Scenario("poke", "none", "oldest"),
    Scenario("poke", "manifest", "oldest"),
    Scenario("poke", "none", "oldest", 0.0),
    Scenario("deferrable", "manifest", "oldest"),
]
OTHER_KINDS = [
    Scenario(mode, record, kind=kind)
    for kind in ("move", "skip", "unfit")
    for mode in MODES
    for record in RECORDS
    if "manifest" in record
]
LONG_LISTS = [
    Scenario("poke", record, order, LAG, OLDER) for order in ("newest", "oldest") for record in ("none", "manifest")
]


def kills_of(task: Task, *, only: str = "") -> Iterator[Kill]:
    """
    Give every step at which the undisturbed try, which this task has made, can be killed.

    Where nothing went on beside a step, the moment after it is that before the next one.
    """
    for end in task.ends:
        steps = end["steps"]
        for number, label in enumerate(steps):
            twin = number > 0 and label.startswith("after") and steps[number - 1] == label.replace("after", "before", 1)
            # Until it leaves its worker, a task does what one in poke mode does: only the sending is looked at again.
            left = end["part"] == "execute" and end["state"] in ("deferred", "reschedule")
            known = left and "create" not in label and number < 30
            if (not twin or only) and not known and only in label:
                yield Kill(end["part"], number)


Sweep = Callable[..., None]


@pytest.fixture
def sweep(request: pytest.FixtureRequest) -> Sweep:
    """Kill at every step, or at some, let Airflow go on, and check; tell all steps for which it does not hold."""
    every = 1 if plays_whole(request.config) else SOME
    first = crc32(request.node.nodeid.encode())

    def sweep(
        undisturbed: Task, killed: Callable[[Kill], Task], check: Callable[[Task], None], *, only: str = ""
    ) -> None:
        wrong = []
        kills = list(kills_of(undisturbed, only=only))
        assert kills
        kills = kills[first % min(every, len(kills)) :: min(every, len(kills) // 2 or 1)]
        for kill in kills:
            task = killed(kill)
            try:
                check(task)
            except AssertionError as error:
                step = undisturbed.steps_of(kill.part)[kill.step]
                wrong.append(f"=== killed in {kill.part} {step!r} ({kill.step}): {error}"[:5000])
            else:
                task.forget()
        print(f"{len(kills)} kills")
        assert not wrong, f"{len(wrong)} of {len(kills)} kills:\n" + "\n".join(wrong)

    return sweep


def pause_after(kill: Kill) -> float:
    """Let some retries begin at once and some when the jobs have ended."""
    return 400.0 if kill.step % 3 == 0 else 1.0


@named(ALL + OTHER_LISTS + OTHER_KINDS)
def test_killed_at_any_step(platform: Give, sweep: Sweep, scenario: Scenario) -> None:
    """A task that is killed at any step exports all, once."""
    undisturbed = scenario.task(platform)
    assert undisturbed.attempt() == "success", undisturbed.log
    undisturbed.must_be_done()

    def killed(kill: Kill) -> Task:
        task = scenario.task(platform, pause=pause_after(kill))
        task.attempt(kill)
        return task

    def check(task: Task) -> None:
        if not task.ends or task.ends[-1]["state"] != "success":
            assert task.retry() == "success", task.log
        task.must_be_done()

    sweep(undisturbed, killed, check)


@named(LONG_LISTS)
def test_killed_among_older_jobs(platform: Give, sweep: Sweep, scenario: Scenario) -> None:
    """A task that is killed while it sends finds its jobs among many older ones."""
    undisturbed = scenario.task(platform)
    assert undisturbed.attempt() == "success", undisturbed.log

    def killed(kill: Kill) -> Task:
        task = scenario.task(platform)
        assert task.attempt(kill) == "killed"
        return task

    def check(task: Task) -> None:
        assert task.retry() == "success", task.log
        task.must_be_done()

    sweep(undisturbed, killed, check, only="create")


@named([one for one in ALL if one.mode == "poke"])
def test_killed_twice(platform: Give, sweep: Sweep, scenario: Scenario) -> None:
    """
    A task that is killed twice exports all, once.

    The retry is killed at each of its steps, the search for jobs among them.
    """
    undisturbed = scenario.task(platform)
    assert undisturbed.attempt() == "success", undisturbed.log
    steps = undisturbed.steps_of("execute")
    second = [number for number, label in enumerate(steps) if label.startswith("after") and "create" in label][1]
    first_kill = Kill("execute", second)

    def retried() -> Task:
        task = scenario.task(platform)
        assert task.attempt(first_kill) == "killed"
        task.next_try()
        return task

    model = retried()
    assert model.attempt() == "success", model.log

    def killed(kill: Kill) -> Task:
        task = retried()
        task.attempt(kill)
        return task

    def check(task: Task) -> None:
        if not task.ends or task.ends[-1]["state"] != "success":
            assert task.retry() == "success", task.log
        task.must_be_done()

    model.ends = [end for end in model.ends if end["part"] == "execute"]
    sweep(model, killed, check)


@pytest.mark.parametrize("chunk", [0, 1, 2])
@pytest.mark.parametrize("fault", ["drop_after", "drop_before", "502_html"])
@named(ALL)
def test_lost_answer(platform: Give, scenario: Scenario, fault: str, chunk: int) -> None:
    """A lost answer loses and repeats nothing."""
    task = scenario.task(platform)
    task.emulator.fault(fault, path=CREATE, after=chunk)

    state = task.attempt()

    assert state == "success", task.log
    task.must_be_done()


@pytest.mark.parametrize("fault", ["drop_after", "drop_before"])
@named([one for one in ALL if one.mode == "poke"])
def test_killed_while_searching(platform: Give, sweep: Sweep, scenario: Scenario, fault: str) -> None:
    """A task that is killed while it looks for a lost answer exports all, once."""

    def struck(kill: Kill | None) -> Task:
        task = scenario.task(platform)
        task.emulator.fault(fault, path=CREATE, after=1)
        task.attempt(kill)
        return task

    undisturbed = struck(None)
    undisturbed.must_be_done()

    def check(task: Task) -> None:
        task.emulator.clear_faults()
        if not task.ends or task.ends[-1]["state"] != "success":
            assert task.retry() == "success", task.log
        task.must_be_done()

    sweep(undisturbed, struck, check)


@named(ALL)
def test_retry_resends_failed(platform: Give, sweep: Sweep, scenario: Scenario) -> None:
    """A retry sends again the failures that may pass, and nothing else."""

    def failing(kill: Kill | None) -> Task:
        task = scenario.task(platform)
        task.emulator.fail_files(task.files[1], code=9100, times=1)
        task.attempt(kill)
        return task

    undisturbed = failing(None)
    assert undisturbed.ends[-1]["state"] == "up_for_retry", undisturbed.log

    def check(task: Task) -> None:
        assert task.retry() == "success", task.log
        task.must_be_done(jobs={task.files[1]: ("FAILED", "COMPLETED")})

    sweep(undisturbed, failing, check, only="request" if scenario.mode == "poke" else "create")


@named([one for one in OTHER_KINDS if one.kind == "move"])
def test_fails_at_each_try(platform: Give, scenario: Scenario) -> None:
    """
    An item that fails at each try is sent once a try until none is left.

    With looks so often that a rescheduled task has many in each try.
    """
    task = scenario.task(platform, arguments={"poke_interval": 10})
    *_, bad = task.files
    task.emulator.fail_files(bad, code=9100)

    states = [task.attempt(), task.retry()]

    assert (states, task.try_number) == (["up_for_retry", "failed"], 1 + RETRIES), task.log
    assert task.jobs == {name: ["COMPLETED"] for name in task.files} | {bad: ["FAILED"] * task.try_number}, task.log


@named([one for one in OTHER_KINDS if one.kind == "skip"])
def test_present_is_not_resent(platform: Give, scenario: Scenario) -> None:
    """
    An object that is there after its job failed is not sent again.

    Nor is another one, which fails at each try, sent more than once a try.
    """
    task = scenario.task(platform, arguments={"poke_interval": 10})
    there, good, late, bad = task.files
    for name in (late, bad):
        task.emulator.fail_files(name, code=9100)

    first = task.attempt()
    task.emulator.put_objects([task.location(late)], volume=VOLUME, size=SIZE)
    states = [first, task.retry()]

    assert (states, task.try_number) == (["up_for_retry", "failed"], 1 + RETRIES), task.log
    fates = {there: [], good: ["COMPLETED"], late: ["FAILED"], bad: ["FAILED"] * task.try_number}
    assert task.jobs == fates, task.log
    assert (task.summary["skipped"], task.summary["failed"]) == (2, 1), task.log


@named(ALL)
def test_clear_after_failure(platform: Give, sweep: Sweep, scenario: Scenario) -> None:
    """A Clear of a failed task sends the failures, and nothing else."""

    def cleared() -> Task:
        task = scenario.task(platform)
        task.emulator.fail_files(task.files[1], code=9206)
        task.emulator.fail_files(task.files[3], code=9006, at="submit")
        assert task.attempt() == "failed", task.log
        assert {name: len(jobs) for name, jobs in task.jobs.items()} == {
            name: 0 if name == task.files[3] else 1 for name in task.files
        }
        task.emulator.clear_faults()
        task.clear()
        task.ends.clear()
        return task

    undisturbed = cleared()
    assert undisturbed.attempt() == "success", undisturbed.log

    def killed(kill: Kill) -> Task:
        task = cleared()
        task.attempt(kill)
        return task

    def check(task: Task) -> None:
        if not task.ends or task.ends[-1]["state"] != "success":
            assert task.retry() == "success", task.log
        task.must_be_done(jobs={task.files[1]: ("FAILED", "COMPLETED")})

    check(undisturbed)
    sweep(undisturbed, killed, check, only="" if scenario.mode == "poke" else "create")


@named(ALL)
def test_clear_after_success(platform: Give, sweep: Sweep, scenario: Scenario) -> None:
    """
    A Clear of a task that succeeded exports all anew, once.

    Without a store or a manifest nothing tells that the task had succeeded, and all is found done.
    """
    times = 1 if scenario.record == "none" else 2

    def cleared() -> Task:
        task = scenario.task(platform, arguments={"if_exists": "overwrite"})
        assert task.attempt() == "success", task.log
        task.clear()
        task.ends.clear()
        return task

    undisturbed = cleared()
    assert undisturbed.attempt() == "success", undisturbed.log

    def killed(kill: Kill) -> Task:
        task = cleared()
        task.attempt(kill)
        return task

    def check(task: Task) -> None:
        if not task.ends or task.ends[-1]["state"] != "success":
            assert task.retry() == "success", task.log
        task.must_be_done(jobs=["COMPLETED"] * times)

    check(undisturbed)
    # Where all is found done, nothing is created.
    sending = "create" if times == 2 else "request"
    sweep(undisturbed, killed, check, only="" if scenario.mode == "poke" else sending)


@named(ALL)
def test_retry_after_success(platform: Give, scenario: Scenario) -> None:
    """A retry after a success that Airflow lost sends nothing."""
    task = scenario.task(platform, arguments={"if_exists": "overwrite"})
    assert task.attempt() == "success", task.log

    assert task.retry() == "success", task.log
    task.must_be_done()


@named([one for one in ALL if one.record != "none"])  # is refused: nothing would tell the jobs of before the Clear
def test_without_resume(platform: Give, scenario: Scenario) -> None:
    """With `resume=False` everything is exported anew."""
    task = scenario.task(platform, arguments={"if_exists": "overwrite", "resume": False})
    assert task.attempt() == "success", task.log
    task.clear()

    assert task.attempt() == "success", task.log
    task.must_be_done(jobs=["COMPLETED"] * 2)


@named(ALL)
def test_failed_is_never_green(platform: Give, sweep: Sweep, scenario: Scenario) -> None:
    def failing(kill: Kill | None) -> Task:
        task = scenario.task(platform)
        task.emulator.fail_files(task.files[4], code=9206)
        task.attempt(kill)
        return task

    undisturbed = failing(None)

    def check(task: Task) -> None:
        if not task.ends or task.ends[-1]["state"] != "failed":
            assert task.retry() == "failed", task.log
        jobs = task.jobs
        assert jobs == {name: ["FAILED" if name == task.files[4] else "COMPLETED"] for name in task.files}, task.log
        assert task.summary["failed"] == 1
        if task.manifest:
            assert [line["state"] for line in task.lines] == ["COMPLETED"] * 4 + ["FAILED"]

    check(undisturbed)
    sweep(undisturbed, failing, check, only="request" if scenario.mode == "poke" else "create")


@named([one for one in ALL if one.mode == "poke"])
def test_two_hundred_and_fifty(platform: Give, sweep: Sweep, scenario: Scenario) -> None:
    """Two hundred and fifty are exported once."""
    undisturbed = scenario.task(platform, items=250, chunk=100)
    assert undisturbed.attempt() == "success", undisturbed.log

    def killed(kill: Kill) -> Task:
        task = scenario.task(platform, items=250, chunk=100)
        assert task.attempt(kill) == "killed"
        return task

    def check(task: Task) -> None:
        assert task.retry() == "success", task.log
        task.must_be_done()

    sweep(undisturbed, killed, check, only="create")
