"""Kinds of job that the tab was not written for are shown with their own words and columns."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.jobs.kinds import JobKind
from airflow_provider_cgc.jobs.parts import NO_RESULT
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from tests.browser.tab import Tab
from tests.fakes.kinds import COPY, RUN, Copies, Runs

INTERVAL = 60.0
LASTS = 700.0
NOT_MEANT = re.compile(r"undefined|null|\bnan\b|\[object|not_", re.IGNORECASE)
"""Nothing that a person should read."""
INPUTS = Problem(400, 7024, "The inputs are not valid.")


@dataclass
class Wait:
    """A wait of the real code for made-up jobs, up to now."""

    kind: JobKind
    endpoint: Any
    ids: Sequence[str]
    now: float = field(default_factory=lambda: time.time() - LASTS)

    def __post_init__(self) -> None:
        self.tracker = JobTracker.of(self.kind, self.ids)
        self.view = LiveView(self.kind, since=self.now, interval=INTERVAL, place={"web": "https://cgc.sbgenomics.com"})

    def look(self) -> dict[str, Any]:
        records = self.endpoint.bulk_get(list(self.tracker.open))
        self.view.take(records, self.tracker.open)
        self.tracker.take(records, self.now)
        self.tracker.close_missing(self.now, interval=INTERVAL)
        return self.view.snapshot(self.tracker, self.now)


def wait_for_runs() -> Wait:
    """Runs of every sort: a draft's start is refused, one run vanishes, and one has a state of a later release."""
    ids = ["draft1", "draft2", "refused", "queued", "going", "odd", "oom1", "oom2", "aborted", "done", "gone", "other"]
    ends = {"queued": "QUEUED", "going": "RUNNING", "odd": "PAUSED", "aborted": "ABORTED"}
    runs = Runs(lambda: wait.now, ends={**ends, "oom1": "FAILED", "oom2": "FAILED"})
    wait = Wait(RUN, runs, ids)
    runs.add(ids[:3])
    runs.add(ids[3:-1], draft=False)
    wait.look()
    wait.tracker.note_starting(["refused"])
    wait.tracker.take_started([BulkRecord("refused", None, INPUTS)], wait.now)
    wait.now += LASTS
    del runs.began["gone"]
    return wait


def wait_for_copies() -> Wait:
    """Copies of two jobs, of which one has ended and does not mention all things, and of one that nobody knows."""
    copies = Copies()
    wait = Wait(COPY, copies, [*copies.add("job", ["a", "b", "c"]), *copies.add("late", ["d", "e"]), "other#0"])
    copies.finish("job", {"name": "a"}, {"name": "b", "error": {"code": 10225, "message": "Gone."}})
    wait.look()
    wait.now += LASTS
    return wait


WAITS = {RUN: wait_for_runs, COPY: wait_for_copies}
COUNTS = {
    RUN: {"completed": 1, "failed": 4, "missing": 1, "running": 2, "pending": 3, "not_found": 1},
    COPY: {"completed": 1, "failed": 1, "missing": 2, "running": 2},
}
GROUPS = {
    RUN: {
        "failed": {"refused", "oom1", "oom2", "aborted"},
        "missing": {"other"},
        "running": {"going", "odd"},
        "pending": {"draft1", "draft2", "queued"},
        "not_found": {"gone"},
        "completed": {"done"},
    },
    COPY: {
        "failed": {"job#1"},
        "missing": {"job#2", "other#0"},
        "running": {"late#0", "late#1"},
        "completed": {"job#0"},
    },
}
CAUSES = {
    RUN: [
        "2 \u00d7 7500 Out of memory.",
        "1 \u00d7 7024 The inputs are not valid.",
        "1 \u00d7 The platform gave no reason.",
        "1 \u00d7 7002 The platform does not know this run job.",
    ],
    COPY: [
        "1 \u00d7 10225 Gone.",
        f"1 \u00d7 {NO_RESULT}",
        "1 \u00d7 57039 The platform does not know this copy job.",
    ],
}
ROWS = {
    RUN: {"going": "align going app lab/p/bwa job going", "draft1": "pending align draft1", "gone": "not found yet"},
    COPY: {"late#1": "running e job late#1", "job#0": "completed a job job#0", "other#0": "missing"},
}
every_kind = pytest.mark.parametrize("kind", WAITS, ids=lambda kind: kind.name)


def words(text: str) -> str:
    return " ".join(text.split())


def groups_in(tab: Tab) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in tab.rows.all():
        found.setdefault(row.get_attribute("data-group") or "", set()).add(row.get_attribute("data-row") or "")
    return found


@every_kind
def test_other_kinds_are_shown(kind: JobKind, show: Callable[..., Tab]) -> None:
    wait = WAITS[kind]()
    wait.look()

    tab = show(wait.look())

    tab.wait_for("ready")
    assert (tab.counts, groups_in(tab)) == (COUNTS[kind], GROUPS[kind])
    causes = [words(one) for one in tab.part("cause").all_inner_texts()]
    assert [one[: len(told)] for one, told in zip(causes, CAUSES[kind], strict=True)] == CAUSES[kind]
    for job_id, told in ROWS[kind].items():
        assert told in words(tab.row(job_id).inner_text())
    assert " B" not in tab.part("facts").inner_text(), "there are no sizes"
    assert (NOT_MEANT.findall(tab.root.inner_text()), tab.errors) == ([], [])


@every_kind
def test_each_count_has_its_rows(kind: JobKind, show: Callable[..., Tab]) -> None:
    tab = show(WAITS[kind]().look())
    tab.wait_for("ready")

    for name, number in tab.counts.items():
        tab.button(name).click()
        expect(tab.rows.filter(visible=True)).to_have_count(number)
        assert tab.groups == {name}


@every_kind
def test_other_summaries_are_shown(kind: JobKind, put: Callable[..., None], open_tab: Callable[..., Tab]) -> None:
    """All that there is where a task has written nothing while it waited."""
    wait = WAITS[kind]()
    wait.look()
    put(cgc_summary=wait.tracker.summary().to_json())

    tab = open_tab("shown")

    tab.wait_for("older")
    assert {name: tab.counts[name] for name in ("failed", "missing")}.items() <= COUNTS[kind].items()
    assert NOT_MEANT.findall(tab.root.inner_text()) == []


def test_own_columns_are_found(show: Callable[..., Tab], tmp_path: Path) -> None:
    """The search finds what only this kind has, and the file holds it."""
    tab = show(WAITS[RUN]().look())
    tab.wait_for("ready")

    tab.root.get_by_role("searchbox").fill("lab/p/BWA")

    expect(tab.row("going")).to_be_visible()
    with tab.download(tmp_path).open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert {line["app"] for line in lines if line["id"] == "going"} == {"lab/p/bwa"}
