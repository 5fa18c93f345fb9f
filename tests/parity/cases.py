"""The fates of the jobs, the arguments of the sensor, and the verdict table's answers.

The expectation is read from the fates of the jobs and the arguments alone, never from a run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from tests.parity.drivers import MODES, USUAL_MODES
from tests.parity.scene import NEXT_TOKEN, Scene

UNKNOWN = "unknownunknownunknownunknown{:04d}"


@dataclass
class Jobs:
    """
    The ids of a wait by what becomes of them.

    :param endless: jobs that run for weeks.
    :param lost: ids that the platform does not know and never will.
    :param foreign: jobs of another user.
    :param refusal: whether the platform refuses every question, for ever.
    :param stranger: whether something else answers in its place, which is a refusal, too.
    """

    good: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    endless: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    refusal: bool = False
    stranger: bool = False

    @property
    def ids(self) -> list[str]:
        """All ids, those that matter somewhere in the middle."""
        half = len(self.good) // 2
        return [*self.good[:half], *self.bad, *self.lost, *self.foreign, *self.endless, *self.good[half:]]


Platform = Callable[[Scene], Jobs]


@dataclass(frozen=True)
class Verdict:
    """The end of a wait: Airflow's state, the class of the error behind it, and the counts of the summary, if any."""

    state: str
    error: str = ""
    counts: Mapping[str, int] | None = None
    bad_ids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Case:
    """One row of the verdict table, played."""

    jobs: Platform
    arguments: Mapping[str, Any] = field(default_factory=dict)
    modes: tuple[str, ...] = USUAL_MODES

    def but(self, **arguments: Any) -> Case:
        """The same jobs with other arguments."""
        return replace(self, arguments={**self.arguments, **arguments})


def verdict(jobs: Jobs, how: Mapping[str, Any], *, foreign: str) -> Verdict:
    """
    Read the table.

    :param how: the sensor's arguments.
    :param foreign: how the platform answers for another user's job: "error", "gap" or "404".
    """
    total = len(jobs.ids)
    if how.get("expected_count", total) != total or not (total or how.get("allow_empty")):
        return _ended("CgcBadInput", how)
    if jobs.refusal or (jobs.foreign and foreign == "error"):
        return _ended("CgcWaitError", how, _counts(total))
    missing = [*jobs.lost, *jobs.foreign]
    if how.get("fail_fast") and (jobs.bad or missing):
        # No job of these cases completes before the first one FAILED, which is long before an id counts as missing.
        first = {"failed": len(jobs.bad)} if jobs.bad else {"missing": len(missing)}
        return _ended("CgcJobsFailed", how, _counts(total, **first), jobs.bad or missing)
    counts = _counts(total, completed=len(jobs.good), failed=len(jobs.bad), missing=len(missing))
    bad = [*jobs.bad, *missing]
    if jobs.endless and "execution_timeout" in how:
        # Airflow itself interrupts a poking task, without a summary.
        return _ended("AirflowTaskTimeout", how)
    if jobs.endless:
        return _ended("AirflowSensorTimeout", how, counts, bad)
    return _ended("CgcJobsFailed" if bad else "", how, counts, bad)


def _ended(error: str, how: Mapping[str, Any], counts: Any = None, bad_ids: Any = ()) -> Verdict:
    covered = how.get("never_fail") or (how.get("soft_fail") and error in ("CgcJobsFailed", "AirflowSensorTimeout"))
    if not error:
        state = "success"
    elif covered:
        state = "skipped"
    else:
        state = "failed" if error in ("CgcJobsFailed", "AirflowSensorTimeout") else "up_for_retry"
    return Verdict(state, error, counts, frozenset(bad_ids))


def _counts(total: int, *, completed: int = 0, failed: int = 0, missing: int = 0) -> dict[str, int]:
    return {"total": total, "completed": completed, "failed": failed, "missing": missing, "skipped": 0}


def started(
    scene: Scene, numbers: Iterable[int], *, bad: Collection[int] = (), folders: Iterable[str] = ("a",)
) -> Jobs:
    """Start jobs for files, by their place in the order of size; `bad` ones will be FAILED soon."""
    numbers = list(numbers)
    sizes = {scene.files[number]: scene.sizes[scene.files[number]] for number in numbers}
    jobs = Jobs()
    for folder in folders:
        ids = scene.kind.start(scene.emulator, sizes, [scene.files[number] for number in bad], folder, None)
        for number, job_id in zip(numbers, ids, strict=True):
            (jobs.bad if number in bad else jobs.good).append(job_id)
    return jobs


def three(scene: Scene) -> Jobs:
    """Three jobs that end within one, two and four intervals."""
    return started(scene, (60, 165, 200))


def many(scene: Scene) -> Jobs:
    """250 jobs, in three requests, that end within one interval."""
    return started(scene, range(125), folders=("a", "b"))


def none(scene: Scene) -> Jobs:
    """Nothing to wait for."""
    return Jobs()


def weeks(scene: Scene) -> Jobs:
    """Three jobs of many gigabytes."""
    return Jobs(endless=started(scene, (-3, -2, -1)).good)


def one_failed(scene: Scene) -> Jobs:
    """One of three FAILED."""
    return started(scene, (60, 165, 200), bad=(165,))


def some_failed(scene: Scene) -> Jobs:
    """Six of 250 FAILED."""
    return started(scene, range(125), bad=(0, 70, 124), folders=("a", "b"))


def failed_early(scene: Scene) -> Jobs:
    """One FAILED, three that run for weeks."""
    return replace(weeks(scene), bad=started(scene, (60,), bad=(60,)).bad)


def of_each(scene: Scene) -> Jobs:
    """One completed, one FAILED, three that run for weeks."""
    return replace(started(scene, (60, 70), bad=(60,)), endless=weeks(scene).endless)


def last_minute(scene: Scene) -> Jobs:
    """A job that ends shortly before 100 s are over."""
    return started(scene, (180,))


def lost(form: str, jobs: Platform, *, count: int = 1) -> Platform:
    """Ids that the platform does not know, among others."""

    def platform(scene: Scene) -> Jobs:
        scene.emulator.option("unknown_ids", form)
        return replace(jobs(scene), lost=[UNKNOWN.format(number) for number in range(count)])

    return platform


def foreign(form: str, jobs: Platform) -> Platform:
    """Another user's job among others."""

    def platform(scene: Scene) -> Jobs:
        scene.emulator.add_token("ada")
        scene.emulator.option("foreign_ids", form)
        theirs = scene.kind.start(scene.emulator, {scene.files[5]: 0}, (), "ada", "ada")
        return replace(jobs(scene), foreign=theirs)

    return platform


def before(jobs: Platform) -> Platform:
    """Jobs that were started ten minutes before the task."""

    def platform(scene: Scene) -> Jobs:
        started = jobs(scene)
        scene.time.pass_by(600)
        return started

    return platform


def refused_token(after: float) -> Platform:
    """Somebody makes a new token, and nobody puts it into the connection."""

    def platform(scene: Scene) -> Jobs:
        scene.at(after, lambda: scene.emulator.set_token(NEXT_TOKEN))
        return replace(weeks(scene), refusal=True)

    return platform


def forbidden(after: float) -> Platform:
    """403 to every question."""

    def platform(scene: Scene) -> Jobs:
        scene.at(after, lambda: scene.emulator.fault("403", path=scene.path, count=None))
        return replace(weeks(scene), refusal=True)

    return platform


def outage(kind: str) -> Platform:
    """A platform that goes down, or a line that leads astray, and stays so."""

    def platform(scene: Scene) -> Jobs:
        scene.at(30, lambda: scene.emulator.fault(kind, path=scene.path, count=None))
        return weeks(scene)

    return platform


def wrong_address(kind: str) -> Platform:
    """Something answers, from the first question on, but it is not the platform."""

    def platform(scene: Scene) -> Jobs:
        scene.emulator.fault(kind, path=scene.path, count=None)
        return replace(weeks(scene), refusal=True, stranger=True)

    return platform


STAYING = tuple(mode for mode in USUAL_MODES if not mode.startswith("reschedule"))
EVERY = tuple(MODES)
SOFT, NEVER = {"soft_fail": True}, {"never_fail": True}

completed, failed = Case(three), Case(one_failed)
fail_fast = Case(failed_early, {"fail_fast": True})
timeout = Case(weeks, {"timeout": 900})
at_the_deadline = Case(refused_token(after=250), {"timeout": 270, "poke_interval": 240})

CASES = {
    "completed": completed,
    "completed, 250": Case(many),
    "completed before": Case(before(three)),
    "completed, every 10 s": completed.but(poke_interval=10),
    "completed, every 300 s": completed.but(poke_interval=300),
    "failed": failed,
    "failed, soft": failed.but(**SOFT),
    "failed, never": failed.but(**NEVER),
    "failed, 250": Case(some_failed),
    "failed before, 250": Case(before(some_failed)),
    "fail fast": fail_fast,
    "fail fast before": Case(before(failed_early), {"fail_fast": True}),
    "fail fast, soft": fail_fast.but(**SOFT),
    "lost, error": Case(lost("error", three)),
    "lost, gap": Case(lost("gap", three)),
    "lost, 404": Case(lost("404", three)),
    "lost, every 10 s": Case(lost("error", three), {"poke_interval": 10}),
    "lost, soft": Case(lost("error", three), SOFT),
    "lost, fail fast": Case(lost("gap", weeks), {"fail_fast": True}),
    "all lost, error": Case(lost("error", none, count=3)),
    "all lost, gap": Case(lost("gap", none, count=3)),
    "all lost, 404": Case(lost("404", none, count=3)),
    "failed and lost, 250, error": Case(lost("error", some_failed, count=2)),
    "failed and lost, 250, gap": Case(lost("gap", some_failed, count=2)),
    "failed and lost, 250, 404": Case(lost("404", some_failed, count=2)),
    "timeout": timeout,
    "timeout before the second look": timeout.but(timeout=30),
    "timeout, soft": timeout.but(**SOFT),
    "timeout, never": timeout.but(**NEVER),
    "timeout with all kinds": Case(of_each, {"timeout": 900}),
    "timeout in an outage": Case(outage("503_html"), {"timeout": 900}),
    "timeout while 404 HTML comes": Case(outage("404_html"), {"timeout": 900}, EVERY),
    "timeout while redirects come": Case(outage("302_html"), {"timeout": 900}, EVERY),
    "in time at the last minute": Case(last_minute, {"timeout": 100}),
    "execution timeout": Case(weeks, {"execution_timeout": timedelta(seconds=900)}, STAYING),
    "execution timeout, never": Case(weeks, {"execution_timeout": timedelta(seconds=900), **NEVER}, STAYING),
    "401": Case(refused_token(after=0)),
    "401 later": Case(refused_token(after=70)),
    "401 at the deadline": at_the_deadline,
    "401 at the deadline, soft": at_the_deadline.but(**SOFT),
    "401, soft": Case(refused_token(after=0), SOFT),
    "401 later, soft": Case(refused_token(after=70), SOFT),
    "401 later, never": Case(refused_token(after=70), NEVER),
    "403": Case(forbidden(after=0)),
    "403 later": Case(forbidden(after=70)),
    "403 later, soft": Case(forbidden(after=70), SOFT),
    "404 HTML from the start": Case(wrong_address("404_html"), modes=EVERY),
    "405 HTML from the start": Case(wrong_address("405_html"), modes=EVERY),
    "redirect from the start": Case(wrong_address("302_html"), modes=EVERY),
    "redirect from the start, soft": Case(wrong_address("302_html"), SOFT),
    "foreign, error": Case(foreign("error", weeks)),
    "foreign, error, soft": Case(foreign("error", weeks), SOFT),
    "foreign, timeout": Case(foreign("gap", weeks), {"timeout": 3600, "poke_interval": 240}),
    "foreign, gap": Case(foreign("gap", three)),
    "foreign, 404": Case(foreign("404", three)),
    "empty": Case(none),
    "empty, soft": Case(none, SOFT),
    "empty, never": Case(none, NEVER),
    "empty, allowed": Case(none, {"allow_empty": True}),
    "another count": Case(three, {"expected_count": 4}),
    "the expected count": Case(three, {"expected_count": 3}),
}
