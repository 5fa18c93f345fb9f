"""A task that is killed at every step, or whose answers are lost: nothing is missing, nothing is done twice."""

from __future__ import annotations

import pytest

from tests.crash.scenarios import ALL, IN_WORKER, LONG_LISTS, OTHER_KINDS, OTHER_LISTS, Give, Scenario, named
from tests.crash.scene import RETRIES, Kill, Sweep, Task

pytestmark = pytest.mark.sampled


def pause_after(kill: Kill) -> float:
    """Let some retries begin at once and some when the jobs have ended."""
    return 400.0 if kill.step % 3 == 0 else 1.0


@named(ALL + OTHER_LISTS + OTHER_KINDS)
def test_killed_at_any_step(platform: Give, sweep: Sweep, scenario: Scenario) -> None:
    """A task that is killed at any step does all, once."""
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


@named(IN_WORKER)
def test_killed_twice(platform: Give, sweep: Sweep, scenario: Scenario) -> None:
    """
    A task that is killed twice does all, once.

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
    task.emulator.fault(fault, path=task.CALLS["create"], after=chunk)

    state = task.attempt()

    assert state == "success", task.log
    task.must_be_done()


@pytest.mark.parametrize("fault", ["drop_after", "drop_before"])
@named(IN_WORKER)
def test_killed_while_searching(platform: Give, sweep: Sweep, scenario: Scenario, fault: str) -> None:
    """A task that is killed while it looks for a lost answer does all, once."""

    def struck(kill: Kill | None) -> Task:
        task = scenario.task(platform)
        task.emulator.fault(fault, path=task.CALLS["create"], after=1)
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
        task.fail(task.names[1], code=task.FAILS, times=1)
        task.attempt(kill)
        return task

    undisturbed = failing(None)
    assert undisturbed.ends[-1]["state"] == "up_for_retry", undisturbed.log

    def check(task: Task) -> None:
        assert task.retry() == "success", task.log
        task.must_be_done(jobs={task.names[1]: ("FAILED", "COMPLETED")})

    sweep(undisturbed, failing, check, only="request" if scenario.mode == "poke" else "create")


@named([one for one in OTHER_KINDS if one.kind in ("move", "import overwrite")])
def test_fails_at_each_try(platform: Give, scenario: Scenario) -> None:
    """
    An item that fails at each try is sent once a try until none is left.

    With looks so often that a rescheduled task has many in each try.
    """
    task = scenario.task(platform, arguments={"poke_interval": 10})
    *_, bad = task.names
    task.fail(bad, code=task.FAILS)

    states = [task.attempt(), task.retry()]

    assert (states, task.try_number) == (["up_for_retry", "failed"], 1 + RETRIES), task.log
    assert task.jobs == {name: ["COMPLETED"] for name in task.names} | {bad: ["FAILED"] * task.try_number}, task.log


@named([one for one in OTHER_KINDS if "skip" in one.kind])
def test_present_is_not_resent(platform: Give, scenario: Scenario) -> None:
    """
    A result that is there after its job failed is not sent again.

    Nor is another one, which fails at each try, sent more than once a try.
    """
    task = scenario.task(platform, arguments={"poke_interval": 10})
    there, good, late, bad = task.names
    for name in (late, bad):
        task.fail(name, code=task.FAILS)

    first = task.attempt()
    task.make_results([late])
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
        task.fail(task.names[1], code=task.FAILS_FOR_GOOD)
        task.fail(task.names[3], code=task.IS_REFUSED, at="submit")
        assert task.attempt() == "failed", task.log
        assert {name: len(jobs) for name, jobs in task.jobs.items()} == {
            name: 0 if name == task.names[3] else 1 for name in task.names
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
        task.must_be_done(jobs={task.names[1]: ("FAILED", "COMPLETED")})

    check(undisturbed)
    sweep(undisturbed, killed, check, only="" if scenario.mode == "poke" else "create")


@named(ALL)
def test_clear_after_success(platform: Give, sweep: Sweep, scenario: Scenario) -> None:
    """
    A Clear of a task that succeeded does all anew, once.

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
    """With `resume=False` everything is done anew."""
    task = scenario.task(platform, arguments={"if_exists": "overwrite", "resume": False})
    assert task.attempt() == "success", task.log
    task.clear()

    assert task.attempt() == "success", task.log
    task.must_be_done(jobs=["COMPLETED"] * 2)


@named(ALL)
def test_failed_is_never_green(platform: Give, sweep: Sweep, scenario: Scenario) -> None:
    def failing(kill: Kill | None) -> Task:
        task = scenario.task(platform)
        task.fail(task.names[4], code=task.FAILS_FOR_GOOD)
        task.attempt(kill)
        return task

    undisturbed = failing(None)

    def check(task: Task) -> None:
        if not task.ends or task.ends[-1]["state"] != "failed":
            assert task.retry() == "failed", task.log
        jobs = task.jobs
        assert jobs == {name: ["FAILED" if name == task.names[4] else "COMPLETED"] for name in task.names}, task.log
        assert task.summary["failed"] == 1
        if task.manifest:
            assert [line["state"] for line in task.lines] == ["COMPLETED"] * 4 + ["FAILED"]

    check(undisturbed)
    sweep(undisturbed, failing, check, only="request" if scenario.mode == "poke" else "create")


@named(IN_WORKER)
def test_two_hundred_and_fifty(platform: Give, sweep: Sweep, scenario: Scenario) -> None:
    """Two hundred and fifty are done once."""
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
