"""The words about a Clear; `tests/airflow/attempts/test_after_clear.py` compares them with what a Clear does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.waiting.clearing import Clearing, Counts, after_clear, after_clear_of_refused
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker

NONE = Counts(completed=0, failed=0, missing=0, skipped=0, open=0)
DONE = replace(NONE, completed=300, bytes=3_100_000_000_000)
MIXED = replace(NONE, completed=297, failed=3)
HALF = replace(NONE, completed=10, failed=1, missing=1, open=8)
HOLDS = "This holds while its items and arguments stay the same and the platform still shows its jobs."
SENSOR = Clearing(sends=False)
COPY = Clearing(sends=True, repeats="over what is there")
MOVE = Clearing(sends=True, keeps="because they are moved")
COMPLETED, FAILED = Outcome.COMPLETED, Outcome.FAILED

CASES: list[tuple[Clearing, Counts, Outcome | None, int, str]] = [
    (SENSOR, HALF, None, 0, "Clearing this task starts no exports: it only waits again."),
    (SENSOR, replace(NONE, missing=1), FAILED, 0, "Clearing this task starts no exports: it only waits again."),
    (
        SENSOR,
        MIXED,
        FAILED,
        0,
        "Clearing this task starts no exports: it only waits again. It does not change the exports that failed: with"
        " the same ones it fails again.",
    ),
    (
        COPY,
        DONE,
        COMPLETED,
        300,
        "This task succeeded, so clearing it starts anew: it sends all 300 exports (3.1 TB) again, over what is there."
        f" {HOLDS}",
    ),
    (
        COPY,
        replace(NONE, completed=1, skipped=2),
        COMPLETED,
        1,
        "This task succeeded, so clearing it starts anew: it sends the export again, over what is there. What was"
        f" skipped (2) is looked at again, and sent only if nothing speaks for a skip then. {HOLDS}",
    ),
    (
        MOVE,
        DONE,
        COMPLETED,
        0,
        "This task succeeded, so clearing it starts anew: it sends nothing again; it keeps the 300 exports that"
        f" completed, because they are moved. {HOLDS}",
    ),
    (
        MOVE,
        MIXED,
        COMPLETED,
        3,
        "This task succeeded, so clearing it starts anew: it tries the 3 exports that failed again, and sends no"
        f" others; it keeps the 297 exports that completed, because they are moved. {HOLDS}",
    ),
    (
        COPY,
        MIXED,
        FAILED,
        3,
        "Clearing this task tries the 3 exports that failed again, and sends no others; it keeps the 297 exports that"
        f" completed. {HOLDS}",
    ),
    (
        replace(COPY, resumes=False),
        HALF,
        None,
        12,
        "Clearing this task starts anew (resume=False): it sends the 12 exports that ended again, over what is there."
        " It takes over the 8 exports under way, as far as the platform's list shows them, and else sends again."
        f" {HOLDS}",
    ),
    (
        replace(COPY, remembers=False),
        DONE,
        COMPLETED,
        0,
        "Clearing this task sends nothing again; it keeps the 300 exports that completed. It has to find its exports in"
        " the platform's list; if that does not show what became of all of them, it fails and sends nothing."
        f" {HOLDS}",
    ),
    (
        replace(COPY, verifies=True),
        HALF,
        None,
        2,
        "Clearing this task tries the 2 exports that failed again, and sends no others; it keeps the 10 exports that"
        " completed and takes over the 8 exports under way. What fails until then counts as failed. It also sends those"
        f" again whose results are gone by then (verify=True). {HOLDS}",
    ),
    (
        replace(COPY, holds_worker=True),
        HALF,
        None,
        2,
        "Clearing this task now stops its worker, and the next one continues as in a retry: it sends again the 2"
        " exports that failed only if the error may be temporary, or if no job was started, and no others; it keeps the"
        " 10 exports that completed and takes over the 8 exports under way. What fails until then counts as failed."
        f" {HOLDS}",
    ),
    (
        replace(COPY, holds_worker=True, cleared=True),
        MIXED,
        None,
        3,
        "Clearing this task now stops its worker, and the next one continues as in a retry: it tries the 3 exports that"
        f" failed again, and sends no others; it keeps the 297 exports that completed. {HOLDS}",
    ),
]


@pytest.mark.parametrize(("facts", "counts", "outcome", "sends", "text"), CASES)
def test_words(facts: Clearing, counts: Counts, outcome: Outcome | None, sends: int, text: str) -> None:
    told = after_clear(facts, EXPORT, counts, outcome)

    assert (told["sends"], told["text"]) == (sends, text)
    assert len(text) < 1000  # what the tab shows of a text


@pytest.mark.parametrize(
    ("facts", "outcome", "running"),
    [
        (SENSOR, None, None),
        (COPY, None, False),
        (COPY, FAILED, False),
        (replace(COPY, holds_worker=True), None, True),
        (replace(COPY, holds_worker=True), FAILED, False),
    ],
)
def test_holds_while_a_worker_runs(facts: Clearing, outcome: Outcome | None, running: bool | None) -> None:
    """Airflow stops a worker for a Clear, and does not raise `max_tries` then."""
    assert after_clear(facts, EXPORT, HALF, outcome)["running"] is running


@pytest.mark.parametrize(("total", "all_"), [(1, "the export"), (12, "all 12 exports")])
def test_refused_is_checked_again(total: int, all_: str) -> None:
    told = after_clear_of_refused(EXPORT, total)

    assert told["sends"] == total
    assert told["text"].startswith(f"Clearing this task checks {all_} again.")


@pytest.mark.parametrize("facts", [SENSOR, COPY, MOVE, replace(COPY, resumes=False, verifies=True)])
def test_facts_round_trip(facts: Clearing) -> None:
    assert Clearing.from_json(facts.to_json()) == facts
    assert Clearing.from_json({**facts.to_json(), "of a later release": 1}) == facts


@pytest.mark.parametrize("value", [None, 5, [], {}, {**COPY.to_json(), "sends": "yes"}, {"sends": True}])
def test_odd_facts_say_nothing(value: Any) -> None:
    """A row of another release, or a damaged one, has none that are understood."""
    view = LiveView(EXPORT, since=0.0, interval=60.0, place={"clearing": value})

    assert Clearing.from_json(value) is None
    assert view.snapshot(JobTracker.of(EXPORT, ["a"]), 1.0)["after_clear"] is None
