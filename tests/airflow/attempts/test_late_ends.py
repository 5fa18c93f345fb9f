"""Jobs that end between the last look of a wait and the account of the task."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.jobs.submitting import account
from tests.airflow.attempts.attempts import Attempts, manifest_lines, size_of


@pytest.fixture(autouse=True)
def a_day_before_the_account(still: CgcEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    make = account.account_for

    def later(*args: Any, **how: Any) -> Any:
        still.clock.advance(24 * 3600)
        return make(*args, **how)

    monkeypatch.setattr(account, "account_for", later)


LATE = {"FAILED": 9206, "COMPLETED": None}


@pytest.mark.parametrize("end", LATE)
@pytest.mark.parametrize(
    ("arguments", "error"),
    [({"fail_fast": True}, "CgcJobsFailed"), ({"timeout": 1, "max_failures": 1}, "AirflowSensorTimeout")],
    ids=["fail_fast", "timeout"],
)
def test_late_ends_change_no_verdict(
    still: CgcEmulator, manifest: str, arguments: dict[str, Any], error: str, end: str
) -> None:
    """The task ends as the wait did, and counts what the wait has counted; the manifest has the late ends."""
    first, *others = still.file_ids[:3]
    still.fail_files(first, code=9009, at="submit")
    for file in others if LATE[end] else ():
        still.fail_files(file, code=LATE[end])
    task = Attempts(still, items=[first, *others], manifest_path=manifest, **arguments)

    assert task.run() == error, task.error
    assert task.summary == {"total": 3, "failed": 1}
    told = task.xcoms["cgc_summary"]
    assert [item["file"] for item in told["failed_items"]] == [first]
    assert sum(cause["count"] for cause in told["causes"]) == 1
    assert [line["state"] for line in manifest_lines(manifest)] == ["FAILED", end, end]


@pytest.mark.parametrize("refused", [3, 101, 150], ids=["all listed", "one unlisted", "many unlisted"])
@pytest.mark.parametrize("has_manifest", [True, False])
def test_late_objects_skip_none(still: CgcEmulator, manifest: str, refused: int, has_manifest: bool) -> None:
    """Jobs that find an object in their way after the wait has ended take back no failure, listed or not."""
    files = still.file_ids[: refused + 20]
    for file in files[:refused]:
        still.fail_files(file, code=9009, at="submit")
    how = {"manifest_path": manifest} if has_manifest else {}
    task = Attempts(still, items=files, if_exists="skip", fail_fast=True, max_failures=refused - 1, **how)
    make = account.account_for

    def in_the_way(*args: Any, **how: Any) -> Any:
        for file in files[refused:]:
            still.put_objects([f"out/{file}"], volume=still.volume, size=size_of(still, file))
        return make(*args, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(account, "account_for", in_the_way)
        assert task.run() == "CgcJobsFailed", task.error

    assert task.summary == {"total": refused + 20, "failed": refused}
    if has_manifest:
        states = Counter(line["state"] for line in manifest_lines(manifest))
        assert states["FAILED"] == refused + 20


def test_late_object_is_not_skipped(still: CgcEmulator, manifest: str) -> None:
    """A job that finds an object in its way after the wait has ended takes back no failure of another one."""
    first, other = still.file_ids[:2]
    still.fail_files(first, code=9009, at="submit")
    task = Attempts(still, items=[first, other], if_exists="skip", fail_fast=True, manifest_path=manifest)
    make = account.account_for

    def in_the_way(*args: Any, **how: Any) -> Any:
        still.put_objects([f"out/{other}"], volume=still.volume, size=size_of(still, other))
        return make(*args, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(account, "account_for", in_the_way)
        assert task.run() == "CgcJobsFailed", task.error

    assert task.summary == {"total": 2, "failed": 1}
    assert [item["file"] for item in task.xcoms["cgc_summary"]["failed_items"]] == [first]
