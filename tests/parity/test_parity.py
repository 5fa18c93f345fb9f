"""A wait ends the same in every mode, whatever the platform does: kinds times modes times cases times faults."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.parity import drivers
from tests.parity.cases import CASES, Case, Verdict, verdict
from tests.parity.drivers import MODES, Task
from tests.parity.faults import FAULTS, SEEDS, Fault
from tests.parity.invariants import complaints
from tests.parity.kinds import KINDS, Kind
from tests.parity.scene import Scene, Stage

pytestmark = pytest.mark.sampled

CALM = Fault(lambda scene, jobs: None)
USUAL = {"poke_interval": 60, "timeout": 6 * 3600}
TROUBLED = ("completed", "failed and lost, 250, error", "fail fast", "timeout", "401 later")
SPOILING = ("half answers", "broken JSON", "dropped after", "503")
"""Trouble that might be taken for the answer to a question with an unknown id."""
COURTESY = ("a busy neighbour", "a greedy neighbour")
"""Faults after which the share may be used up, so that the names of failed files are not asked for in every mode."""
VARIED = ("completed", "failed and lost, 250, error", "fail fast", "foreign, timeout")
WAITING = ("export", "import")
"""The kinds of tasks that are given their jobs."""
OF_OPERATORS = (
    *("completed", "completed, 250", "completed, every 300 s", "failed", "failed, soft", "failed, never"),
    *("failed, 250", "fail fast", "timeout", "timeout, soft", "401 later", "403 later", "empty, allowed"),
)
"""Cases that say something of tasks that start their jobs, too."""
OF_A_RUN = ("id", "result", "started_on", "finished_on", "task")


def combinations() -> list[Any]:
    """Every case on a calm day, some with each fault, some on platforms of every kind; each of them in its modes."""
    pairs = [(case, "calm") for case in CASES]
    pairs += [(case, fault) for case in TROUBLED for fault in FAULTS]
    pairs += [("lost, 404", fault) for fault in SPOILING]
    pairs += [(case, seed) for case in VARIED for seed in SEEDS]
    return [
        pytest.param(case, fault, kind, mode, id=f"{case} - {fault} - {kind} - {mode}")
        for case, fault in pairs
        for kind in (*WAITING, *(["importing"] if _says_something(case, fault) else ()))
        for mode in CASES[case].modes
        # Without Airflow's memory it needs a manifest that all workers can read, and here it has one of this machine.
        if kind in WAITING or MODES[mode].memory
    ]


def _says_something(case: str, fault: str) -> bool:
    """Tell if a combination says something of an operator, which in the end accounts for its jobs once more."""
    if fault in SEEDS:
        return case == "completed"
    return case in OF_OPERATORS and not fault.startswith("lost")


@dataclass(frozen=True)
class Played:
    """The end of a combination, the verdict of the table, and complaints beside that."""

    ended: Verdict
    expected: Verdict
    summary: dict[str, Any] | None
    """Its failed items are in an order that does not depend on whose answer came first."""
    manifest: list[dict[str, Any]]
    """Its lines, without what differs from one run of the same to the next."""
    complaints: list[str]
    story: str


@pytest.fixture(scope="module")
def played(stage: Stage) -> Any:
    """Play a combination, once."""
    memory: dict[tuple[str, str, str, str], Played] = {}

    def play(case: str, fault: str, kind: str, mode: str) -> Played:
        this = case, fault, kind, mode
        if this not in memory:
            trouble = {**FAULTS, **SEEDS}.get(fault, CALM)
            memory[this] = _play(stage, CASES[case], trouble, KINDS[kind], mode, seed=f"{case} {fault} {mode}")
        return memory[this]

    return play


def _play(stage: Stage, case: Case, fault: Fault, kind: Kind, mode: str, *, seed: str) -> Played:
    with pytest.MonkeyPatch.context() as patch:
        scene = Scene(stage, patch, seed=seed, kind=kind)
        jobs = case.jobs(scene)
        fault.arrange(scene, jobs)
        how, manifest = {**USUAL, **case.arguments}, stage.folder / "manifest.jsonl"
        manifest.unlink(missing_ok=True)
        if kind.submits:
            # A list that is null and has no total may hide jobs; then nothing is sent at all.
            scene.emulator.option("empty", "shown")
            how["manifest_path"] = manifest.as_uri()
        expected = verdict(jobs, how, foreign=scene.emulator.world.options.foreign_ids)
        task = Task(scene, MODES[mode], jobs.ids, how)

        end = drivers.run(task, patch)

        summary = task.xcoms.get("cgc_summary")
        counts = {name: summary[name] for name in expected.counts} if summary and expected.counts else None
        bad_ids = frozenset(item[kind.known_by] for item in summary["failed_items"]) if summary else frozenset()
        wrong = list(complaints(task, end, expected, jobs, lasts=fault.lasts))
        if end.state == "success" and end.returned != summary and not kind.submits:
            wrong.append(f"it returned {end.returned}")
        ended = Verdict(end.state, end.cause, counts, bad_ids)
        names = all(fault is not FAULTS[name] for name in COURTESY)
        lines = manifest.read_text().splitlines() if manifest.exists() else ()
        told = [{key: value for key, value in json.loads(line).items() if key not in OF_A_RUN} for line in lines]
        return Played(ended, expected, comparable(summary, kind, names=names), told, wrong, scene.story(end.error))


def comparable(summary: dict[str, Any] | None, kind: Kind, *, names: bool = True) -> dict[str, Any] | None:
    """The summary with its failed items in an order that does not depend on whose answer came first."""
    if summary is None:
        return None
    # Ids of jobs and folders come in the order in which these were made, side by side.
    unlike = {*(["id", "parent"] if kind.submits else []), *([] if names else ["name"])}
    items = sorted(summary["failed_items"], key=lambda item: str(item[kind.known_by]))
    return {**summary, "failed_items": [{key: item[key] for key in item if key not in unlike} for item in items]}


@pytest.mark.parametrize(("case", "fault", "kind", "mode"), combinations())
def test_every_mode_ends_the_same(played: Any, case: str, fault: str, kind: str, mode: str) -> None:
    this = played(case, fault, kind, mode)

    assert this.ended == this.expected, this.story
    assert this.complaints == [], this.story
    if this.expected.counts is not None:
        first = played(case, fault, kind, CASES[case].modes[0])
        assert this.summary == first.summary, this.story
        assert this.manifest == first.manifest, this.story
