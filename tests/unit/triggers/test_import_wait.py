"""A stored wait for imports: it goes on by the imports' own call, and its event is one about imports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_provider_cgc.client.errors.problem import BulkRecord
from airflow_provider_cgc.client.models import JobState
from airflow_provider_cgc.jobs.kinds import EXPORT, IMPORT, KINDS
from airflow_provider_cgc.jobs.waiting.event import WaitEvent
from airflow_provider_cgc.jobs.waiting.poller import Poller
from airflow_provider_cgc.jobs.waiting.summary import Outcome
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.triggers.jobs import CgcJobsTrigger
from dev.virtual_time import START
from tests.fakes.platform import FakePlatform, job

ROW = Path(__file__).parent / "rows" / "0.1.0-import.json"


@pytest.fixture
def platforms(time, monkeypatch):
    """A platform of each kind of job, whose client knows no other kind."""
    platforms = {kind.name: FakePlatform(time, kind=kind) for kind in KINDS.values()}

    def make_poller(trigger, threads):
        return Poller(KINDS[trigger.kind], platforms[trigger.kind].connect, threads=threads, clock=trigger.clock)

    monkeypatch.setattr(CgcJobsTrigger, "_make_poller", make_poller)
    return platforms


@pytest.fixture
def wait(time):
    """Run stored waits side by side to their ends; give their events' payloads."""

    async def event_of(row):
        [event] = [event async for event in CgcJobsTrigger(**row).run()]
        return json.loads(json.dumps(event.payload))

    async def events_of(rows):
        import asyncio

        return await asyncio.gather(*(event_of(row) for row in rows))

    return lambda *rows: time.run(events_of(rows))


def test_stored_wait_goes_on(platforms, wait):
    stored = json.loads(ROW.read_text())["kwargs"]
    late = dict.fromkeys(("deadline", "execution_deadline"), START + 3600)
    soon = dict.fromkeys(("first_look", "not_before"), START)
    first, second = stored["ids"]
    platforms["import"].end([first], after=0)
    platforms["import"].end([second], after=0, state=JobState.FAILED)

    [payload] = wait(stored | late | soon)

    event = WaitEvent.from_json(payload, kind="import")
    assert event.outcome is Outcome.FAILED
    assert (event.summary.total, event.summary.completed, event.summary.failed) == (3, 2, 1)
    assert event.summary.failed_items == [
        {
            "id": second,
            "volume": "lab/bucket",
            "location": f"results/{second}.bam",
            "project": "lab/project",
            "name": f"{second}.bam",
            "code": 9108,
            "message": "File already exists.",
        }
    ]


def test_ended_before_counts(platforms, wait, row):
    """Jobs that ended before the deferral are counted."""
    tracker = JobTracker.of(IMPORT, ["a", "b"])
    tracker.take([BulkRecord("a", job("a", JobState.COMPLETED, size=7, kind=IMPORT))], START)
    platforms["import"].end(["b"], after=0)

    [payload] = wait(row(["b"], kind="import", state=tracker.to_json()))

    event = WaitEvent.from_json(payload, kind="import")
    assert (event.outcome, event.summary.bytes) == (Outcome.COMPLETED, 1007)
    assert platforms["import"].asked("a") == []


def test_kinds_do_not_mix(platforms, wait, row):
    """Ids of one text, one an export's, one an import's: each is asked for by its own call."""
    for platform in platforms.values():
        platform.end(["a"], after=100)
    rows = [row(["a"], kind=kind.name, state=JobTracker.of(kind, ["a"]).to_json()) for kind in (EXPORT, IMPORT)]

    payloads = wait(*rows)

    assert [payload["kind"] for payload in payloads] == ["export", "import"]
    assert all(payload["outcome"] == "completed" for payload in payloads)
    assert [bool(platform.requests) for platform in platforms.values()] == [True, True]


def test_unknown_import_is_named(platforms, wait, row):
    platforms["import"].refuse(["gone"])

    [payload] = wait(row(["gone"], kind="import", state=JobTracker.of(IMPORT, ["gone"]).to_json()))

    [item] = payload["summary"]["failed_items"]
    assert item == {
        "id": "gone",
        "location": None,
        "code": 9008,
        "message": "The platform does not know this import job.",
    }
