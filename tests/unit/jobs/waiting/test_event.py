"""The trigger's one event, read as if a stranger had sent it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from airflow_provider_cgc.jobs.kinds import EXPORT, IMPORT, KINDS
from airflow_provider_cgc.jobs.waiting.event import WaitEvent
from airflow_provider_cgc.jobs.waiting.summary import Outcome, Summary, failure_table
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker

ITEM = {"id": "x", "file": "f", "code": 9107, "message": "exists"}
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def summary():
    return Summary(EXPORT, total=3, completed=3).to_json()


def payload(summary, outcome="completed"):
    return WaitEvent(Outcome(outcome), Summary(EXPORT, total=3)).to_json() | {"summary": summary}


@every_kind
@pytest.mark.parametrize(
    ("outcome", "counts", "error"),
    [
        (Outcome.COMPLETED, {}, None),
        (Outcome.COMPLETED, {"completed": 1, "skipped": 2}, None),
        (Outcome.COMPLETED, {"completed": 0, "total": 0}, None),
        (Outcome.FAILED, {"completed": 1, "failed": 1, "missing": 1, "failed_items": [ITEM, ITEM]}, None),
        (Outcome.FAILED, {"completed": 0, "failed": 1, "failed_items": []}, None),
        (Outcome.TIMEOUT, {"completed": 1}, None),
        (Outcome.EXECUTION_TIMEOUT, {"completed": 0}, None),
        (Outcome.ERROR, {"completed": 0}, "The token is refused."),
    ],
)
def test_event_survives_the_way(kind, outcome, counts, error):
    unsent = counts.get("failed", 0)
    told = {"total": 3, "completed": 3, "failed_items": [], **counts}
    sent = WaitEvent(outcome, Summary(KINDS[kind], **told, unsent=unsent), error)

    received = WaitEvent.from_json(json.loads(json.dumps(sent.to_json())), kind=kind)

    assert replace(received, summary=replace(received.summary, causes=())) == sent
    assert sum(cause["count"] for cause in received.summary.causes) == counts.get("failed", 0) + counts.get(
        "missing", 0
    )


@pytest.mark.parametrize(("told", "believed"), [(2, 2), (3, 0), (-1, 0), ("2", 0), (True, 0), (None, 0)])
def test_unsent_is_believed(summary, told, believed):
    """The number of items that were never sent is believed if so many failed."""
    event = payload(summary | {"completed": 1, "failed": 2}, outcome="failed") | {"unsent": told}

    assert WaitEvent.from_json(event, kind="export").summary.unsent == believed


@pytest.mark.parametrize(("sent", "awaited"), [(EXPORT, IMPORT), (IMPORT, EXPORT)], ids=str)
def test_other_kind_is_refused(sent, awaited):
    """Whatever mixed them up: a wait for imports must not end well because some exports did."""
    event = WaitEvent(Outcome.COMPLETED, JobTracker.of(sent, []).summary()).to_json()

    with pytest.raises(ValueError, match=f"about '{sent.name}', this task waits for '{awaited.name}'"):
        WaitEvent.from_json(event, kind=awaited.name)
    with pytest.raises(ValueError, match="no summary of this kind"):
        WaitEvent.from_json(event | {"kind": awaited.name}, kind=awaited.name)


@pytest.mark.parametrize("lost", [None, "", "completed", 7, [], [{}], True])
def test_lost_event_is_refused(lost):
    with pytest.raises(ValueError, match="not a mapping"):
        WaitEvent.from_json(lost, kind="export")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"version": None}, "version None"),
        ({"version": 2}, "version 2, this release reads 1"),
        ({"version": "1"}, "version '1'"),
        ({"kind": "import"}, "about 'import', this task waits for 'export'"),
        ({"kind": None}, "about None"),
        ({"kind": ["export"]}, "about"),
        ({"outcome": "ok"}, "outcome 'ok'"),
        ({"outcome": None}, "outcome None"),
        ({"outcome": ["completed"]}, "outcome"),
        ({"outcome": {}}, "outcome"),
        ({"outcome": "COMPLETED"}, "outcome 'COMPLETED'"),
        ({"summary": None}, "no summary of this kind"),
        ({"summary": []}, "no summary of this kind"),
        ({"summary": {}}, "no summary of this kind"),
        ({"summary": {"kind": "import"}}, "no summary of this kind"),
    ],
)
def test_strangers_is_refused(summary, changes, text):
    with pytest.raises(ValueError, match="the event") as refusal:
        WaitEvent.from_json(payload(summary) | changes, kind="export")

    assert text in str(refusal.value)


@pytest.mark.parametrize("missing", ["version", "kind", "outcome", "summary"])
def test_every_part_is_needed(summary, missing):
    event = payload(summary)
    del event[missing]

    with pytest.raises(ValueError, match="the event"):
        WaitEvent.from_json(event, kind="export")


def test_unknown_kind_is_refused(summary):
    event = payload(summary | {"kind": "export"}) | {"kind": "spell"}

    with pytest.raises(ValueError, match="about 'spell'"):
        WaitEvent.from_json(event, kind="spell")


@pytest.mark.parametrize("name", ["total", "completed", "failed", "missing", "skipped", "bytes"])
@pytest.mark.parametrize("value", [-1, None, "3", 3.0, True, [3], float("nan")])
def test_count_is_a_number(summary, name, value):
    with pytest.raises(ValueError, match="not a count"):
        WaitEvent.from_json(payload(summary | {name: value}), kind="export")


@pytest.mark.parametrize("value", [-1, "12", True, [1], float("inf"), float("nan")])
def test_duration_is_a_number(summary, value):
    with pytest.raises(ValueError, match="not a duration"):
        WaitEvent.from_json(payload(summary | {"seconds": value}), kind="export")


@pytest.mark.parametrize("items", [None, {}, "x", [None], ["x"], [[]]])
def test_failed_items_are_items(summary, items):
    with pytest.raises(ValueError, match="no list of failed items"):
        WaitEvent.from_json(payload(summary | {"failed_items": items}), kind="export")


@pytest.mark.parametrize(
    ("outcome", "counts", "text"),
    [
        ("completed", {"completed": 2}, "only 2 of 3 jobs are"),
        ("completed", {"completed": 2, "failed": 1}, "only 2 of 3 jobs are"),
        ("completed", {"completed": 2, "missing": 1}, "only 2 of 3 jobs are"),
        ("completed", {"completed": 3, "failed": 1}, "counts 4 jobs of 3"),
        ("completed", {"completed": 4}, "counts 4 jobs of 3"),
        ("failed", {"completed": 3}, "names no job that is"),
        ("failed", {"completed": 1}, "names no job that is"),
        ("failed", {"completed": 2, "failed": 1, "failed_items": [ITEM, ITEM]}, "more than it counts"),
        ("timeout", {"completed": 2, "missing": 2}, "counts 4 jobs of 3"),
    ],
)
def test_outcome_fits_its_counts(summary, outcome, counts, text):
    """An outcome that its counts contradict is refused."""
    with pytest.raises(ValueError, match="the event") as refusal:
        WaitEvent.from_json(payload(summary | counts, outcome=outcome), kind="export")

    assert text in str(refusal.value)


def test_newer_keys_are_ignored(summary):
    event = payload(summary | {"new": 1}) | {"newer": "yes"}

    assert WaitEvent.from_json(event, kind="export").outcome is Outcome.COMPLETED


@pytest.mark.parametrize(
    "item",
    [{}, {"code": None}, {"code": [9107], "message": {"text": "x"}}, {"id": 7, "location": ["x"], "file": 1.5}],
    ids=repr,
)
def test_poor_item_can_be_shown(summary, item):
    event = payload(summary | {"completed": 2, "failed": 1, "failed_items": [item]}, outcome="failed")

    received = WaitEvent.from_json(event, kind="export")

    assert len(failure_table(received.summary)) == 1


def test_optional_is_filled_in(summary):
    del summary["seconds"], summary["manifest"]

    received = WaitEvent.from_json(payload(summary), kind="export").summary

    assert (received.seconds, received.manifest) == (None, None)
