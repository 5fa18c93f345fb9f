"""The facts of a task in a manifest of another release, edited by hand, or damaged."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.exceptions import CgcBadInput
from airflow_provider_cgc.jobs.exports.item import ExportItem, ExportKey
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.submitting.ledger import OtherOwnerError
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, ItemState
from airflow_provider_cgc.operators.record import Record
from tests.fakes.task_instance import TaskInstance

KEY = ExportKey("file", "lab/volume", "place")
RUN_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = {
    "id": "dag/run/task/-1",
    "max_tries": 2,
    "try": 2,
    "succeeded": False,
    "since": "2026-01-01T05:00:00+00:00",
    "cleared": False,
    "owner": "me at host",
}
OURS: dict[str, Any] = {
    "found": True,
    "cleared": False,
    "since": 5,
    "answered": True,
    "taken up": True,
    "may run": True,
}
NOT_OURS = {"found": False, "since": 0, "answered": False, "taken up": False, "may run": False}
OTHER_USER = {"found": "another user's", "cleared": None, "since": None}


def write(path: Path, task: Any) -> None:
    item = ExportItem(KEY.file, KEY.location, KEY.volume)
    line = json.loads(ItemOutcome(item=item, state=ItemState.COMPLETED, id="job").to_line())
    path.write_text(json.dumps(line | {"task": task}) + "\n")


def unlike(task: Any) -> str:
    """Return the facts of a task that `GOOD` has not, as the name of a test."""
    return str({key: value for key, value in task.items() if GOOD.get(key, "") != value} if task else task)


def judged(path: Path, *, max_tries: int = 2) -> dict[str, Any]:
    """Return the result of the task's second try with this manifest."""
    ti = TaskInstance(try_number=2, max_tries=max_tries)
    more: dict[str, Any] = {"manifest_path": f"file://{path}", "resume": True, "retries": 2, "warn": print}
    record = Record(EXPORT, ExportItem, ti, store=None, **more)
    known: dict[str, Any] = dict(OTHER_USER)
    try:
        ledger = record.open([KEY], now=RUN_BEGAN + timedelta(days=1), run_began=RUN_BEGAN, owner="me at host")
        known = {
            "found": ledger.past(KEY).job_id == "job",
            "cleared": ledger.cleared,
            "since": ledger.since.astimezone(UTC).hour,
        }
    except OtherOwnerError:
        pass
    known |= {
        "answered": record.was_answered_at(lambda: "host"),
        "taken up": Record(EXPORT, ExportItem, ti, store=None, later_poke=True, **more).taken_up() is not None,
    }
    record.write_nothing(waits=False)
    return known | {"may run": path.stat().st_size > 0}


@pytest.mark.parametrize(
    ("task", "differs"),
    [
        (GOOD, {}),
        (GOOD | {"unheard of": 1}, {}),
        *((task, NOT_OURS) for task in (None, {}, {"unheard of": 1})),
        *((GOOD | {"id": value}, NOT_OURS) for value in (None, "", 5, ["dag/run/task/-1"], {}, "dag/other/task/-1")),
        *((GOOD | {"max_tries": value}, {"cleared": True}) for value in (None, "2", [2], {}, True, 3)),
        (GOOD | {"max_tries": 2.0}, {}),
        *((GOOD | {"try": value}, {"taken up": False}) for value in (None, "2", [2], {}, True, 3)),
        (GOOD | {"try": 2.0}, {}),
        *((GOOD | {"succeeded": value}, {}) for value in (None, "", 0, [], {})),
        *((GOOD | {"succeeded": value}, {"may run": False}) for value in (True, "no", 1, [0])),
        *((GOOD | {"since": value}, {"since": 0}) for value in (None, "", 5, [], "soon", "2026-01-01T05:00:00")),
        (GOOD | {"since": "2026-01-01T06:00:00+01:00"}, {}),
        *((GOOD | {"cleared": value}, {}) for value in (None, "true", 1, [True])),
        (GOOD | {"cleared": True}, {"cleared": True}),
        *((GOOD | {"owner": value}, {"answered": False}) for value in (None, "", 0, [], {})),
        (GOOD | {"owner": "you at host"}, OTHER_USER),
        *(
            (GOOD | {"owner": value}, OTHER_USER | {"answered": False})
            for value in ("you", 5, ["me at host"], {"a": 1})
        ),
        ({"id": GOOD["id"]}, {"cleared": True, "since": 0, "answered": False, "taken up": False}),
    ],
    ids=lambda value: unlike(value) if value is None or "id" in value else "",
)
def test_odd_facts_are_judged(tmp_path: Path, task: Any, differs: dict[str, Any]) -> None:
    path = tmp_path / "m.jsonl"
    write(path, task)

    assert judged(path) == OURS | differs


@pytest.mark.parametrize("max_tries", [None, "3", 2])
def test_success_is_over_after_clear(tmp_path: Path, max_tries: Any) -> None:
    """A success counts no more if Airflow's number of tries is another one now, or was lost."""
    path = tmp_path / "m.jsonl"
    write(path, GOOD | {"succeeded": True, "max_tries": max_tries})

    assert judged(path, max_tries=3) == OURS | {"found": False, "since": 0, "may run": False}


@pytest.mark.parametrize("task", [[], "dag/run/task/-1", 5, True])
def test_other_forms_are_refused(tmp_path: Path, task: Any) -> None:
    path = tmp_path / "m.jsonl"
    write(path, task)

    with pytest.raises(CgcBadInput, match="is no manifest of this operator"):
        judged(path)
