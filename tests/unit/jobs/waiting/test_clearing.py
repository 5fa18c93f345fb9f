"""The words about a Clear; `tests/airflow/attempts/test_after_clear.py` compares them with what a Clear does."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_cgc.jobs.exports.again import AGAIN
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.waiting.clearing import Clearing, Counts, after_clear, after_clear_of_refused
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.operators.export_arguments import IF_EXISTS

NONE = Counts(completed=0, failed=0, missing=0, skipped=0, open=0)
DONE = replace(NONE, completed=300, bytes=3_100_000_000_000)
MIXED = replace(NONE, completed=297, failed=3)
HALF = replace(NONE, completed=10, failed=1, missing=1, open=8)
HOLDS = "This holds while its items and arguments stay the same and the platform still shows its jobs."
SENSOR = Clearing(sends=False)
COPY = Clearing(sends=True, resends=True, why="objects are replaced")
MOVE = Clearing(sends=True, why="they are moved")
ANEW = replace(COPY, resumes=False)
MOVE_ANEW = replace(MOVE, resumes=False)
WORKER = replace(COPY, holds_worker=True)
COMPLETED, FAILED = Outcome.COMPLETED, Outcome.FAILED
ENDS = (None, *Outcome)

GOLDEN: list[tuple[Clearing, Counts, Outcome | None, str]] = [
    (
        SENSOR,
        MIXED,
        FAILED,
        "Clearing this task starts no exports: it only waits again. It does not change the exports that failed: with"
        " the same ones it fails again.",
    ),
    (
        COPY,
        DONE,
        COMPLETED,
        f"This task succeeded, so clearing it starts anew: it sends again all 300 exports (3.1 TB); objects are"
        f" replaced. {HOLDS}",
    ),
    (
        COPY,
        MIXED,
        FAILED,
        f"Clearing this task tries again the 3 exports that failed, and no others; it keeps the 297 exports that"
        f" completed. {HOLDS}",
    ),
    (
        WORKER,
        HALF,
        None,
        "Clearing this task now stops its worker, and the next one continues as in a retry: it tries again the"
        " export that failed only if its error may be temporary or it was never started, and no others; it keeps the 10"
        " exports that completed and takes over the 8 exports under way. Exports that fail before you clear count as"
        f" failed. {HOLDS}",
    ),
    (
        ANEW,
        replace(NONE, open=4),
        Outcome.TIMEOUT,
        "Clearing this task starts anew (resume=False). Of the 4 exports under way, it takes over those that still are"
        f" under way then, and sends again those that have ended by then; objects are replaced. {HOLDS}",
    ),
    (
        COPY,
        replace(MIXED, missing=2),
        FAILED,
        "Clearing this task tries again the 3 exports that failed and looks again for the 2 exports that the platform"
        " does not know; it keeps the 297 exports that completed. It sends again those that it does not find and whose"
        f" results are not there either, but perhaps not within an hour of their start. {HOLDS}",
    ),
]
CLAUSES: list[tuple[Clearing, Counts, Outcome | None, int, str]] = [
    (SENSOR, HALF, None, 0, "it only waits again."),
    (SENSOR, replace(NONE, missing=1), FAILED, 0, "it only waits again."),
    (COPY, DONE, COMPLETED, 300, "sends again all 300 exports"),
    (COPY, replace(NONE, completed=1), COMPLETED, 1, "sends again the export; objects are replaced."),
    (COPY, MIXED, COMPLETED, 300, "sends again all 300 exports; objects are replaced."),
    (COPY, MIXED, FAILED, 3, "tries again the 3 exports that failed, and no others"),
    (MOVE, DONE, COMPLETED, 0, "sends nothing again; it keeps the 300 exports that completed: they are moved."),
    (MOVE, MIXED, COMPLETED, 3, "tries again the 3 exports that failed, and no others; it keeps the 297 exports"),
    (ANEW, HALF, None, 20, "starts anew (resume=False): it sends again the 12 exports that have ended; objects"),
    (ANEW, replace(HALF, completed=0, missing=0), None, 9, "sends again the export that has ended; objects"),
    (ANEW, HALF, None, 20, "Of the 8 exports under way, it takes over those that still are under way then, and sends"),
    (ANEW, replace(HALF, open=1), None, 13, "the export under way if it still is under way then, and otherwise sends"),
    (MOVE_ANEW, HALF, None, 2, "tries again the 2 exports that failed, and no others; it keeps"),
    (MOVE_ANEW, HALF, None, 2, "still are under way then, and tries again those that have failed by then."),
    (MOVE_ANEW, replace(NONE, open=1), None, 0, "(resume=False). It takes over the export under way if it still is"),
    (MOVE_ANEW, replace(DONE, open=1), None, 0, "(resume=False): it keeps the 300 exports that completed: they are"),
    (MOVE_ANEW, NONE, FAILED, 0, "(resume=False): it sends nothing again."),
    (COPY, replace(NONE, missing=1), FAILED, 1, "task looks again for the export that the platform does not know. It"),
    (WORKER, replace(NONE, missing=1), None, 0, "it sends nothing again."),
    (replace(WORKER, cleared=True), replace(NONE, missing=1), None, 1, "it looks again for the export that the"),
    (replace(COPY, remembers=False), replace(NONE, missing=1), FAILED, 1, "tries again the export that failed"),
    (replace(COPY, remembers=False), DONE, COMPLETED, 0, "keeps the 300 exports that completed. It has to find its"),
    (replace(COPY, verifies=True), HALF, None, 2, "also sends again exports whose results are gone (verify=True)."),
    (
        WORKER,
        replace(HALF, failed=2),
        None,
        2,
        "of the 2 exports that failed, only those whose error may be temporary or that were never",
    ),
    (WORKER, replace(HALF, missing=0), None, 1, "the export that failed only if its error may be temporary or it was"),
    (replace(WORKER, cleared=True), MIXED, None, 3, "tries again the 3 exports that failed, and no others; it keeps"),
    (COPY, HALF, FAILED, 2, "Exports that fail before you clear count as failed."),
    (COPY, replace(DONE, skipped=1), COMPLETED, 300, "The skipped item is checked again and sent only if the reason"),
    (MOVE, replace(DONE, skipped=2), FAILED, 0, "The 2 skipped items are checked again and sent only if the reason to"),
]
KNOWN = [facts for facts, *_ in CLAUSES]


@pytest.mark.parametrize(("facts", "counts", "outcome", "text"), GOLDEN)
def test_whole_texts(facts: Clearing, counts: Counts, outcome: Outcome | None, text: str) -> None:
    assert after_clear(facts, EXPORT, counts, outcome)["text"] == text


@pytest.mark.parametrize(("facts", "counts", "outcome", "sends", "clause"), CLAUSES)
def test_clauses(facts: Clearing, counts: Counts, outcome: Outcome | None, sends: int, clause: str) -> None:
    told = after_clear(facts, EXPORT, counts, outcome)

    assert told["sends"] == sends
    assert clause in told["text"]


@pytest.mark.parametrize("number", [0, 1, 9_999])
def test_fits_into_the_tab(number: int) -> None:
    """With every sentence that a text can have, and no word twice."""
    counts = Counts(number, number, number, number, number, bytes=number)
    texts = [after_clear(facts, EXPORT, counts, end)["text"] for facts in KNOWN for end in ENDS]

    assert [text for text in texts if len(text) >= 1000] == []  # what the tab shows of a text
    assert [text for text in texts if re.search(r"\b(\w+) \1\b|  |\.\.", text)] == []


@pytest.mark.parametrize(
    ("facts", "outcome", "running"),
    [
        (SENSOR, None, None),
        (COPY, None, False),
        (COPY, FAILED, False),
        (WORKER, None, True),
        (WORKER, FAILED, False),
    ],
)
def test_holds_while_a_worker_runs(facts: Clearing, outcome: Outcome | None, running: bool | None) -> None:
    """Airflow stops a worker for a Clear, and does not raise `max_tries` then."""
    assert after_clear(facts, EXPORT, HALF, outcome)["running"] is running


REFUSED = [
    (COPY, 12, "checks all 12 exports again. It sends nothing as long as there is a reason to refuse them."),
    (COPY, 1, "checks the export again. It sends nothing as long as there is a reason to refuse it."),
    (ANEW, 12, "refuse them; otherwise it sends those that can be sent and are not under way already."),
    (replace(COPY, first=True), 1, "refuse it; otherwise it sends it if it can be sent and is not under way already."),
    (replace(COPY, first=True, remembers=False), 2, "under way already. It has to find its exports in the platform's"),
]


@pytest.mark.parametrize(("facts", "total", "clause"), REFUSED)
def test_refused_is_checked_again(facts: Clearing, total: int, clause: str) -> None:
    told = after_clear_of_refused(facts, EXPORT, total)

    assert told["sends"] == total
    assert clause in told["text"]
    assert ("otherwise" in told["text"]) == (facts.first or not facts.resumes)


@pytest.mark.parametrize("facts", [SENSOR, COPY, MOVE, replace(COPY, resumes=False, verifies=True)])
def test_facts_round_trip(facts: Clearing) -> None:
    assert Clearing.from_json(facts.to_json()) == facts
    assert Clearing.from_json({**facts.to_json(), "of a later release": 1}) == facts


@pytest.mark.parametrize("value", [None, 5, [], {}, {**COPY.to_json(), "sends": "yes"}, {"sends": True}])
def test_odd_facts_say_nothing(value: Any) -> None:
    """A row of another release, or a damaged one, has none that are understood."""
    view = LiveView.of_row(EXPORT, {"clearing": value}, since=0.0, interval=60.0)

    assert Clearing.from_json(value) is None
    assert view.snapshot(JobTracker.of(EXPORT, ["a"]), 1.0)["after_clear"] is None


@pytest.mark.parametrize("facts", [None, COPY])
def test_row_has_the_facts(facts: Clearing | None) -> None:
    """A trigger's row, and only that: neither a snapshot nor the memory of a poke repeats them."""
    view = LiveView(EXPORT, since=0.0, interval=60.0, place={"volume": "lab/results"}, clearing=facts)

    again = LiveView.of_row(EXPORT, json.loads(json.dumps(view.place_for_row())), since=0.0, interval=60.0)

    assert (again.place, again.clearing) == (view.place, facts)
    assert "clearing" not in {**view.to_json(), **view.snapshot(JobTracker.of(EXPORT, ["a"]), 1.0)}


def test_each_if_exists_is_told() -> None:
    assert [*AGAIN] == [*IF_EXISTS]
