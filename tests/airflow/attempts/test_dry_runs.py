"""The manifest of a dry run: exactly what would be sent, for an export of just that, and no record of anything sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc import storage
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.exceptions import CgcBadInput, CgcInputRefused
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.manifests import FailedOf, manifest_items, outcomes_at
from tests.airflow.attempts.attempts import Attempts, manifest_lines, remove_files, size_of

with_and_without_a_store = pytest.mark.parametrize("store", [True, False], ids=["store", "no store"])


@pytest.fixture
def plan(tmp_path: Path) -> str:
    return f"file://{tmp_path}/plan.jsonl"


def planned(emulator: CgcEmulator, plan: str, **arguments: Any) -> Attempts:
    """A dry run of three files that has succeeded."""
    usual = {"items": emulator.file_ids[:3], "copy_only": False, "manifest_path": plan, "task_id": "plan"}
    task = Attempts(emulator, **{**usual, "dry_run": True, **arguments})
    assert task.run() == "success", task.error
    return task


def move(emulator: CgcEmulator, plan: str, **arguments: Any) -> Attempts:
    """The export of a plan, with another location for items that have none: the plan's count."""
    return Attempts(
        emulator, task_id="move", **{"manifest": plan, "copy_only": False, "location": "elsewhere/{id}", **arguments}
    )


def asked(lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(line["file"], line["location"]) for line in lines]


def test_lists_what_would_be_sent(emulator: CgcEmulator, plan: str) -> None:
    """Items that are skipped or cannot be exported are left out; a line says if something is in the way."""
    files = emulator.file_ids[:3]
    before = Attempts(emulator, items=files[:1])
    assert before.run() == "success", before.error

    task = planned(
        emulator, plan, items=[*files, emulator.alias_id, emulator.folder_id], aliases="skip", max_failures=1
    )

    lines = manifest_lines(plan)
    assert asked(lines) == [(file, f"out/{file}") for file in files]
    assert {(line["state"], line["id"], line["copy_only"], line["volume"]) for line in lines} == {
        ("UNSENT", None, False, emulator.volume)
    }
    assert [line["message"] for line in lines] == [
        "not sent: this was a dry run; something is there already",
        "not sent: this was a dry run",
        "not sent: this was a dry run",
    ]
    assert task.returned == {
        "items": 5,
        "dry_run": True,
        "to_send": 3,
        "skipped": 1,
        "not_exportable": 1,
        "settled": 0,
        "under_way": 0,
        "failing": 0,
        "in_the_way": 1,
        "bytes": sum(size_of(emulator, file) for file in files),
        "lines": 3,
        "manifest": plan,
    }


@pytest.mark.parametrize("path", [True, False], ids=["manifest", "no manifest"])
def test_keys_are_the_same(emulator: CgcEmulator, plan: str, path: bool) -> None:
    """A template reads the result without a look at the number of items: Airflow refuses keys that are not there."""
    manifest_path = plan if path else None
    task = planned(emulator, plan, manifest_path=manifest_path)
    some = task.returned

    assert task.clear(items=[], allow_empty=True) == "success", task.error

    none = task.returned
    assert [*none] == [*some]
    assert none == {**dict.fromkeys(some, 0), "dry_run": True, "manifest": manifest_path}


def test_sends_nothing(emulator: CgcEmulator, plan: str) -> None:
    task = planned(emulator, plan)

    assert task.jobs == []
    assert task.store == {}


@with_and_without_a_store
def test_export_sends_just_these(emulator: CgcEmulator, plan: str, store: bool) -> None:
    """The same files to the same keys, whatever the export's own location says, and each once."""
    planned(emulator, plan)

    task = move(emulator, plan, store=store)

    assert task.run() == "success", task.error
    assert task.jobs == [(location, "COMPLETED") for _, location in sorted(asked(manifest_lines(plan)))]
    assert task.clear() == "success", task.error
    assert len(task.jobs) == 3


def test_own_properties_are_kept(emulator: CgcEmulator, plan: str) -> None:
    planned(emulator, plan, properties={"sse_algorithm": "AES256"})

    assert move(emulator, plan).run() == "success"

    with emulator.world.open() as world:
        assert {str(job.order.properties) for job in world.exports.values()} == {"{'sse_algorithm': 'AES256'}"}


@pytest.mark.parametrize("planned_as", [True, False], ids=["copy", "move"])
def test_copy_is_no_move(emulator: CgcEmulator, plan: str, planned_as: bool) -> None:
    """A plan to copy moves nothing, and the other way round."""
    planned(emulator, plan, copy_only=planned_as)

    task = move(emulator, plan, copy_only=not planned_as)

    assert task.run() == "CgcInputRefused"
    assert f"planned with copy_only={planned_as}" in str(task.error)
    assert "3 items, such as line 1, were planned" in str(task.error)
    assert task.jobs == []
    assert task.run(copy_only=planned_as) == "success", task.error


def deleted(emulator: CgcEmulator) -> None:
    remove_files(emulator, emulator.file_ids[1])


def an_alias(emulator: CgcEmulator) -> None:
    other = Attempts(emulator, items=emulator.file_ids[1:2], location="other/{id}", copy_only=False, task_id="other")
    assert other.run() == "success", other.error


@pytest.mark.parametrize(("change", "words"), [(deleted, "5002"), (an_alias, "alias")])
def test_later_change_is_told(
    emulator: CgcEmulator, plan: str, change: Callable[[CgcEmulator], None], words: str
) -> None:
    """A file that has changed since the dry run stops the export before anything is sent."""
    planned(emulator, plan)
    change(emulator)
    task = move(emulator, plan)
    before = task.jobs

    assert task.run() == "CgcInputRefused"

    assert words in str(task.error)
    assert task.jobs == before


def test_moved_meanwhile_is_done(emulator: CgcEmulator, plan: str) -> None:
    """A file that somebody has moved to the very object since then is not sent again."""
    planned(emulator, plan)
    other = Attempts(emulator, items=emulator.file_ids[1:2], copy_only=False, task_id="other")
    assert other.run() == "success", other.error

    task = move(emulator, plan)

    assert task.run() == "success", task.error
    assert len(task.jobs) == 3


def a_record(emulator: CgcEmulator, plan: str, **arguments: Any) -> None:
    usual = {"items": emulator.file_ids[:2], "manifest_path": plan, "location": "before/{id}", "wait": False}
    Attempts(emulator, **{**usual, **arguments}).run()


def of_yesterday(plan: str) -> None:
    text = "".join(storage.read_lines(plan)).replace('"dag/run/', '"dag/yesterday/')
    storage.write_lines(plan, [text])


RECORDS: dict[str, Callable[[CgcEmulator, str], None]] = {
    "of this task": lambda emulator, plan: a_record(emulator, plan, task_id="plan"),
    "of another task": a_record,
    "refused": lambda emulator, plan: a_record(
        emulator, plan, task_id="plan", items=[emulator.folder_id, emulator.file_ids[0]]
    ),
    "ended": lambda emulator, plan: a_record(emulator, plan, task_id="plan", wait=True),
    "a list of files": lambda emulator, plan: Path(plan.removeprefix("file://")).write_text('{"file": "x"}\n') and None,
}


@pytest.mark.parametrize("yesterday", [False, True], ids=["of this run", "of another run"])
@pytest.mark.parametrize("record", RECORDS)
def test_records_are_kept(emulator: CgcEmulator, plan: str, record: str, yesterday: bool) -> None:
    RECORDS[record](emulator, plan)
    if yesterday:
        of_yesterday(plan)
    before = "".join(storage.read_lines(plan))
    task = Attempts(emulator, items=emulator.file_ids[:3], manifest_path=plan, dry_run=True, task_id="plan")

    assert task.run() == "CgcInputRefused"

    assert "manifest_path" in str(task.error)
    assert "".join(storage.read_lines(plan)) == before
    assert task.run(manifest_path=None) == "success", task.error


def test_record_written_meanwhile(emulator: CgcEmulator, plan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that appears while the dry run looks is kept, too."""
    from airflow_provider_cgc.jobs.submitting.attempt import Attempt

    planned_of = Attempt.planned

    def after_another_task(attempt: Attempt, *args: Any, **how: Any) -> Any:
        a_record(emulator, plan)
        return planned_of(attempt, *args, **how)

    monkeypatch.setattr(Attempt, "planned", after_another_task)
    task = Attempts(emulator, items=emulator.file_ids[:3], manifest_path=plan, dry_run=True, task_id="plan")

    assert task.run() == "CgcInputRefused"

    assert {line["location"].partition("/")[0] for line in manifest_lines(plan)} == {"before"}


def test_cleared_lists_anew(emulator: CgcEmulator, plan: str) -> None:
    task = planned(emulator, plan)

    assert task.clear(items=emulator.file_ids[1:2]) == "success", task.error

    assert asked(manifest_lines(plan)) == [(emulator.file_ids[1], f"out/{emulator.file_ids[1]}")]


@pytest.mark.parametrize("how", [{"items": []}, {"items": ["alias"], "aliases": "skip"}], ids=["no items", "skipped"])
def test_nothing_leaves_no_old_list(emulator: CgcEmulator, plan: str, how: dict[str, Any]) -> None:
    """An export from it has nothing to send then, and not what was listed before."""
    task = planned(emulator, plan)
    items = [emulator.alias_id for _ in how["items"]]

    assert task.clear(**{**how, "items": items, "allow_empty": True}) == "success", task.error

    assert manifest_lines(plan) == []
    assert (task.returned["to_send"], task.returned["bytes"], task.returned["manifest"]) == (0, 0, plan)
    export = move(emulator, plan, allow_empty=True)
    assert export.run() == "success", export.error
    assert export.jobs == []


@with_and_without_a_store
def test_then_for_real(emulator: CgcEmulator, plan: str, store: bool) -> None:
    """The list is no record: the same task without `dry_run` sends everything, once."""
    task = planned(emulator, plan, task_id="export", store=store)

    assert task.clear(dry_run=False) == "success", task.error

    assert len(task.jobs) == 3
    assert {line["state"] for line in manifest_lines(plan)} == {"COMPLETED"}


def test_export_keeps_the_plan(emulator: CgcEmulator, plan: str) -> None:
    """The task that sends has a manifest of its own."""
    planned(emulator, plan)
    before = manifest_lines(plan)

    task = move(emulator, plan, manifest=None, items=emulator.file_ids[:3], manifest_path=plan)

    assert task.run() == "CgcInputRefused"
    assert "also that of another task of this Dag run, plan" in str(task.error)
    assert manifest_lines(plan) == before


def test_is_nothing_to_wait_for(emulator: CgcEmulator, plan: str) -> None:
    planned(emulator, plan)

    with pytest.raises(CgcBadInput, match="is of a dry run, which started nothing"):
        outcomes_at(plan, kind=EXPORT, of=ExportItem, where="export_ids")


def test_has_no_failed_items(emulator: CgcEmulator, plan: str) -> None:
    """`failed_only` after a task that was tried out must not send what that task did not."""
    planned(emulator, plan)
    how: dict[str, Any] = {"of": ExportItem, "conn_id": None, "written": None, "where": "manifest"}

    with pytest.raises(CgcInputRefused, match="leave failed_only out"):
        manifest_items(plan, failed_of=FailedOf(EXPORT, lambda ids: [], "sensor({})"), **how)

    assert len(manifest_items(plan, **how)) == 3


def test_half_a_plan_is_refused(emulator: CgcEmulator, plan: str) -> None:
    """A storage may tear a file; nothing of it is sent."""
    planned(emulator, plan)
    path = Path(plan.removeprefix("file://"))
    path.write_text(path.read_text()[:-40])
    task = move(emulator, plan)

    assert task.run() == "CgcInputRefused"
    assert task.jobs == []


def test_unwritable_fails(emulator: CgcEmulator, tmp_path: Path) -> None:
    """A dry run that was to write a manifest is not green without it."""
    (tmp_path / "taken").write_text("x")
    path = f"file://{tmp_path}/taken/plan.jsonl"
    task = Attempts(emulator, items=emulator.file_ids[:3], manifest_path=path, dry_run=True)

    assert task.run() == "CgcInputRefused"


def test_lines_say_who(emulator: CgcEmulator, plan: str) -> None:
    planned(emulator, plan)

    line = manifest_lines(plan)[0]

    assert (line["user"], line["conn_id"], line["task"]["dry_run"]) == ("demo", "cgc_default", True)
    assert json.dumps(line).count(emulator.token) == 0
