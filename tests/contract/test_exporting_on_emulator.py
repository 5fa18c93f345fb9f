"""The export operator's work without Airflow: paths, keys, what is there already, and the account at the end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sevenbridges

from airflow_provider_cgc.client import CgcClient, Settings
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.exceptions import CgcInputRefused, CgcWaitError
from airflow_provider_cgc.jobs.exports.item import ExportItem, parse_items
from airflow_provider_cgc.jobs.exports.locations import LocationTemplate
from airflow_provider_cgc.jobs.exports.order import ExportOrder
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.listing.folders import paths_of
from airflow_provider_cgc.jobs.submitting.account import account_for
from airflow_provider_cgc.jobs.submitting.attempt import Attempt
from airflow_provider_cgc.jobs.submitting.header import NoStore
from airflow_provider_cgc.jobs.submitting.items import BadItems
from airflow_provider_cgc.jobs.submitting.ledger import Ledger
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, ItemState, tracker_of
from airflow_provider_cgc.jobs.submitting.plan import counts_of
from airflow_provider_cgc.manifests import FailedOf, failed_items
from tests.fakes.clock import Clock

VOLUME = "demo-lab/results"
DAY = 24 * 3600


@pytest.fixture
def client(emulator: CgcEmulator) -> Iterator[CgcClient]:
    with CgcClient(Settings(token=emulator.token, base_url=emulator.url)) as client:
        yield client


def exported(
    client: CgcClient, items: Any, *, location: str = "{path}/{name}", copy_only: bool = True, **how: Any
) -> list[ItemOutcome]:
    """Start exports as a first attempt does."""
    order = ExportOrder(client, volume=VOLUME, template=LocationTemplate(location), copy_only=copy_only, **how)
    one = Attempt(order, log_info=lambda line: None)
    one.check(parse_items(items, where="items"))
    began = one.now()
    ledger = Ledger(NoStore(), EXPORT, order.keys, since=began, owner="me", fresh=True)
    one.plan.decide(ledger, later_poke=False, now=one.began)
    one.send(ledger)
    return one.outcomes(user="me", conn_id="cgc_default")


def failed_of(client: CgcClient, lines: list[str]) -> list[ExportItem]:
    how = FailedOf(EXPORT, client.exports.bulk_get, "CgcBulkExportSensor(export_ids={})")
    return failed_items(lines, name="m.jsonl", of=ExportItem, failed_of=how)


def account(
    client: CgcClient,
    outcomes: list[ItemOutcome],
    *,
    since: datetime | None = None,
    verify: bool = False,
    moves: bool = False,
    skips: bool = False,
) -> tuple[Any, list[str]]:
    said: list[str] = []
    tracker = tracker_of(EXPORT, outcomes)
    ids = list(tracker.open)
    tracker.take(client.exports.bulk_get(ids), 0.0)
    since = since or datetime.now(UTC) - timedelta(days=1)
    order = ExportOrder(client, copy_only=not moves, if_exists="skip" if skips else "fail", verify=verify)
    told = account_for(order, tracker.summary(), outcomes=outcomes, ids=ids, since=since, log_info=said.append)
    return told, said


@pytest.mark.parametrize("location", ["{path}/{name}", "{id}"])
def test_folder_is_one_problem(emulator: CgcEmulator, client: CgcClient, location: str) -> None:
    with pytest.raises(BadItems) as caught:
        exported(client, [emulator.folder_id], location=location)

    [problem] = caught.value.problems
    assert "It is a folder" in problem


def test_folder_beside_others(emulator: CgcEmulator, client: CgcClient) -> None:
    """A folder is told beside the problems of other items."""
    with pytest.raises(BadItems) as caught:
        exported(client, [emulator.alias_id, emulator.folder_id, "0" * 24])

    assert len(caught.value.problems) == 3


def test_tree_is_kept_for_ids(emulator: CgcEmulator, client: CgcClient) -> None:
    """The tree of a project is kept for files that are given by their ids."""
    ids = emulator.add_files(["a/b/c/deep.bam", "a/shallow.bam", "root.bam"], project=emulator.other_project)

    outcomes = exported(client, ids, location="{project}/{path}/{name}")

    short = emulator.other_project.split("/")[1]
    assert [one.item.location for one in outcomes] == [
        f"{short}/a/b/c/deep.bam",
        f"{short}/a/shallow.bam",
        f"{short}/root.bam",
    ]
    assert paths_of(client, [client.files.get(ids[0])]) == {ids[0]: "a/b/c"}


def test_sdk_sees_the_jobs(emulator: CgcEmulator, client: CgcClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SB_API_ENDPOINT", emulator.url)
    monkeypatch.setenv("SB_AUTH_TOKEN", emulator.token)
    sdk = sevenbridges.Api()
    outcomes = exported(client, emulator.file_ids[:3], properties={"sse_algorithm": "AES256"})
    emulator.clock.advance(DAY)

    jobs = [sdk.exports.get(one.id) for one in outcomes]

    assert [job.state for job in jobs] == ["COMPLETED"] * 3
    assert [(job.source.id, job.destination.volume, job.destination.location) for job in jobs] == [
        (one.item.file, one.item.volume, one.item.location) for one in outcomes
    ]


def test_told_together(emulator: CgcEmulator, client: CgcClient) -> None:
    """Unknown files and clashing keys are told together."""
    unknown = "0" * 24
    items = [unknown, emulator.folder_id, *({"file": name, "location": "same"} for name in emulator.file_ids[:2])]

    with pytest.raises(BadItems) as error:
        exported(client, items, location="{name}")

    text = str(error.value)
    assert unknown in text
    assert "It is a folder" in text
    assert "two files go to one key" in text
    assert not list(client.exports.list())


def test_right_size_is_skipped(emulator: CgcEmulator, client: CgcClient) -> None:
    """Of two objects that are there, only the one of the right size is skipped."""
    first, second = emulator.file_ids[:2]
    sizes = [client.files.get(name).size for name in (first, second)]
    assert sizes[0] is not None
    assert sizes[0] != sizes[1]
    emulator.put_objects([f"x/{first}", f"x/{second}"], volume=VOLUME, size=sizes[0])

    outcomes = exported(client, [first, second], location="x/{id}", if_exists="skip")

    assert [(one.state, one.code) for one in outcomes] == [(ItemState.SKIPPED, None), (ItemState.FAILED, 9107)]


@pytest.mark.parametrize(("size", "state"), [(None, "SKIPPED"), (7, "FAILED")])
def test_size_judges_latecomers(
    emulator: CgcEmulator, client: CgcClient, monkeypatch: pytest.MonkeyPatch, size: int | None, state: str
) -> None:
    """An object that comes between the look and the sending is judged by its size."""
    files = emulator.file_ids[:130]
    create = client.exports.bulk_create

    def too_late(items: Any, **how: Any) -> Any:
        emulator.put_objects(
            [f"out/{files[0]}"], volume=VOLUME, size=client.files.get(files[0]).size if size is None else size
        )
        emulator.fail_files(emulator.file_names[files[0]], code=9107, at="submit")
        return create(items, **how)

    monkeypatch.setattr(client.exports, "bulk_create", too_late)
    outcomes = exported(client, files, location="out/{id}", if_exists="skip")

    assert [one.state for one in outcomes] == [state, *["SUBMITTED"] * 129]


def test_verify_finds_it_missing(emulator: CgcEmulator, client: CgcClient) -> None:
    """An object that is not there although its job COMPLETED fails the verification."""
    outcomes = exported(client, emulator.file_ids[:3], location="x/{id}")
    emulator.clock.advance(DAY)
    told, said = account(client, outcomes, verify=True)
    assert (told.summary.completed, told.summary.failed) == (3, 0)
    assert said == [
        "Verified 3 of 3 objects on the volume: 3 by their size and 0 by their presence alone, because no size was"
        " given."
    ]
    emulator.put_objects([f"x/{emulator.file_ids[1]}"], volume=VOLUME, size=1)

    told, _ = account(client, outcomes, verify=True)

    assert (told.summary.completed, told.summary.failed) == (2, 1)
    [item] = told.summary.failed_items
    assert item["file"] == emulator.file_ids[1]
    assert "1 bytes instead of" in item["message"]
    assert [one.state for one in told.outcomes] == [ItemState.COMPLETED, ItemState.FAILED, ItemState.COMPLETED]


@pytest.mark.parametrize("told", ["sent", "whole"])
def test_move_with_any_prefix(
    emulator: CgcEmulator, client: CgcClient, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    """A move is proved, whether its alias tells the volume's prefix or not."""
    naps: list[float] = []
    monkeypatch.setattr("airflow_provider_cgc.jobs.exports.finish.time.sleep", naps.append)
    emulator.option("alias_location", told)
    moved = exported(client, emulator.file_ids[:3], location="x/{id}", copy_only=False)
    emulator.clock.advance(DAY)

    account(client, moved, moves=True)
    assert naps == []

    copied = exported(client, emulator.file_ids[3:4], location="x/{id}")
    emulator.clock.advance(DAY)
    whole, _ = account(client, [*moved, *copied], moves=True)

    assert (whole.summary.completed, whole.summary.failed) == (3, 1)
    assert whole.summary.failed_items[0]["file"] == emulator.file_ids[3]


def test_own_job_counts_as_done(emulator: CgcEmulator, client: CgcClient) -> None:
    earlier = exported(client, emulator.file_ids[:1], location="x/{id}")
    emulator.clock.advance(DAY)
    later = exported(client, emulator.file_ids[:2], location="x/{id}")
    emulator.clock.advance(DAY)

    told, said = account(client, later)

    assert len(said) == 1
    assert earlier[0].id in said[0]
    assert "another job of this task" in said[0]
    assert (told.summary.completed, told.summary.failed, told.summary.failed_items) == (2, 0, [])
    assert [one.state for one in told.outcomes] == [ItemState.COMPLETED] * 2
    assert told.outcomes[0].id == earlier[0].id


def test_older_job_is_not_ours(emulator: CgcEmulator, client: CgcClient) -> None:
    """
    A job from before this task began is not its own, and its object is in the way.

    The same user's, for the same file and key: of another Dag, of the run before, or from before a Clear.
    """
    exported(client, emulator.file_ids[:1], location="x/{id}")
    emulator.clock.advance(10)
    began = client.exports.page(volume=VOLUME, limit=1).date
    assert began is not None
    emulator.clock.advance(DAY)
    later = exported(client, emulator.file_ids[:1], location="x/{id}")
    emulator.clock.advance(DAY)

    told, said = account(client, later, since=began)

    assert (told.summary.completed, told.summary.failed, said) == (0, 1, [])
    assert told.outcomes[0].code == 9107


def test_unwaited_is_asked_first(emulator: CgcEmulator, client: CgcClient) -> None:
    """The jobs of a task that did not wait are asked about before its failures are taken."""
    emulator.fail_files(emulator.file_ids[1], code=9206)
    outcomes = exported(client, emulator.file_ids[:3], location="x/{id}")
    lines = [one.to_line() for one in outcomes]

    with pytest.raises(
        CgcWaitError,
        match=r"3 exports of m\.jsonl have not ended, such as .*CgcBulkExportSensor\(export_ids='m\.jsonl'\) wait",
    ):
        failed_of(client, lines)
    emulator.clock.advance(DAY)
    assert [item.file for item in failed_of(client, lines)] == [emulator.file_ids[1]]

    lost = [replace(outcomes[0], id=None).to_line(), *lines[1:]]
    with pytest.raises(CgcInputRefused, match="has 1 export that may or may not have been started"):
        failed_of(client, lost)


@pytest.mark.parametrize(("if_exists", "sent"), [("fail", 2), ("overwrite", 2), ("skip", 1)])
def test_dry_run_tells_objects(if_exists: str, sent: int, emulator: CgcEmulator, client: CgcClient) -> None:
    emulator.put_objects([f"x/{emulator.file_ids[0]}"], volume=VOLUME, size=1)
    order = ExportOrder(
        client, volume=VOLUME, template=LocationTemplate("x/{id}"), copy_only=False, if_exists=if_exists
    )
    one = Attempt(order, log_info=lambda line: None)
    one.check(parse_items(emulator.file_ids[:2], where="items"))
    now = one.now()
    ledger = Ledger(NoStore(), EXPORT, order.keys, since=now, owner="me", fresh=True)
    one.plan.decide(ledger, later_poke=False, now=now)

    lines = one.dry_run()

    assert [key[2] for key in one.plan.obstacles()] == [f"x/{emulator.file_ids[0]}"]
    assert any(line.endswith(f"{sent} to be sent.") for line in lines)
    assert f"Exporting {sent} of 2 items to {VOLUME}, below 'x/'." in lines
    assert f"{'1 with something else in the way, ' if if_exists == 'skip' else ''}{sent} to be sent." in lines
    assert any("these files are MOVED" in line for line in lines)
    counts = counts_of(one.plan.tally(), EXPORT)
    assert counts == {**dict.fromkeys(counts, 0), "to_send": sent}
    assert client.exports.page(volume=VOLUME, limit=1).items == ()


def test_taken_key_is_named(emulator: CgcEmulator, client: CgcClient) -> None:
    """A key that somebody else has taken is a failure that names it."""
    emulator.put_objects([f"x/{emulator.file_ids[0]}"], volume=VOLUME)
    outcomes = exported(client, emulator.file_ids[:1], location="x/{id}")
    emulator.clock.advance(DAY)

    told, _ = account(client, outcomes)

    assert (told.summary.failed, told.summary.failed_items[0]["code"]) == (1, 9107)
    assert told.outcomes[0].code == 9107


@pytest.mark.parametrize("kind", ["302_html", "401", "503_maintenance"])
def test_stopped_sending_is_a_sentence(kind: str, emulator: CgcEmulator) -> None:
    """The line about why nothing more was sent ends once, however the reason ends."""
    emulator.fault(kind, path="/v2/bulk/storage/exports/create", count=None)
    with CgcClient(Settings(token=emulator.token, base_url=emulator.url), patience=0) as client:
        order, time = ExportOrder(client, volume=VOLUME, copy_only=True), Clock()
        one = Attempt(order, log_info=lambda line: None, clock=time, sleep=time.sleep)
        one.check(parse_items(emulator.file_ids[:2], where="items"))
        ledger = Ledger(NoStore(), EXPORT, order.keys, since=one.now(), owner="me", fresh=True)
        one.plan.decide(ledger, later_poke=False, now=one.began)
        one.send(ledger)

    assert re.fullmatch(r"Nothing more was sent: .*[^.]\.", one.lines()[-1])
