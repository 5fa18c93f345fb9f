"""The end of an export task after its wait: failures that are tolerated, retried, or never green."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcConnectionError, CgcSettingsError
from airflow_provider_cgc.compat import AirflowSensorTimeout, AirflowTaskTimeout, BaseSensorOperator
from airflow_provider_cgc.exceptions import CgcBadInput, CgcJobsFailed, CgcJobsIncomplete, CgcJobsNotYetKnown
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.submitting import account
from airflow_provider_cgc.jobs.waiting.summary import Outcome, Summary
from airflow_provider_cgc.operators.exports import CgcBulkExportOperator
from airflow_provider_cgc.operators.record import Record
from airflow_provider_cgc.operators.task_manifest import TaskManifest
from airflow_provider_cgc.sensors.ending import End
from tests.fakes.task_instance import TaskInstance


def test_airflow_methods_stay() -> None:
    """An argument of that name must not hide one: `BaseOperator.dry_run()` renders the templates for a look at them."""
    operator = CgcBulkExportOperator(task_id="t", items=["a"], volume="a/b", copy_only=True)
    hidden = [name for name in vars(operator) if callable(getattr(BaseSensorOperator, name, None))]

    assert hidden == []


@pytest.fixture(autouse=True)
def _plain_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the task log where pytest sees it."""
    monkeypatch.setattr(CgcBulkExportOperator, "log", logging.getLogger("airflow_provider_cgc.tests"), raising=False)


def ended(outcome: Outcome, *, total: int = 10, code: int = 9206, task: TaskInstance | None = None, **more: Any) -> Any:
    """End a task whose jobs came to this; `failed` and `completed` are counts, the rest are its arguments."""
    failed, completed = more.pop("failed", 0), more.pop("completed", 0)
    operator = CgcBulkExportOperator(task_id="t", items=["a"], volume="a/b", copy_only=True, **more)
    operator.client = lambda: SimpleNamespace()  # type: ignore[method-assign,assignment,return-value]  # no client
    nothing = SimpleNamespace(get_conn=lambda patience: SimpleNamespace(files=SimpleNamespace(bulk_get=lambda ids: [])))
    operator._connection = lambda: nothing  # type: ignore[method-assign,assignment,return-value]  # no connection
    counts = {
        "kind": "export",
        "total": total,
        "completed": completed,
        "failed": failed,
        "missing": 0,
        "skipped": 0,
        "bytes": 0,
        "seconds": 1.0,
        "failed_items": [
            {"id": f"j{n}", "file": "f", "volume": "a/b", "location": f"x{n}", "code": code, "message": "m"}
            for n in range(failed)
        ],
        "manifest": None,
    }
    now = datetime.now(UTC)
    context: Any = {"ti": task or TaskInstance(), "dag_run": SimpleNamespace(run_after=now, start_date=now)}
    return operator._finish(context, End(outcome, Summary.from_json(counts, kind=EXPORT)))


def test_tolerated_ends_well() -> None:
    assert ended(Outcome.FAILED, failed=1, completed=9, max_failures=1)["failed"] == 1


def test_one_more_does_not() -> None:
    with pytest.raises(CgcJobsFailed):
        ended(Outcome.FAILED, failed=2, completed=8, max_failures=1)


def test_running_is_never_green() -> None:
    """Nothing is green while jobs run, however much is tolerated."""
    with pytest.raises(CgcJobsFailed, match="8 exports still run"):
        ended(Outcome.FAILED, failed=1, completed=1, max_failures=5, fail_fast=True)


def test_passing_is_retried() -> None:
    with pytest.raises(CgcJobsIncomplete, match="sends only items that failed or are missing"):
        ended(Outcome.FAILED, failed=1, completed=9, code=9100)


def test_own_taken_key_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that our own job is just taking is retried, and never skipped."""

    def running(order: Any, summary: Any, **how: Any) -> Any:
        known = account.Account(order, summary)
        known.not_yet_known = "The export j9 is just putting an object to 'x0'."
        return known

    monkeypatch.setattr(account, "account_for", running)
    with pytest.raises(CgcJobsNotYetKnown, match="j9 is just putting"):
        ended(Outcome.FAILED, failed=1, completed=9, code=9107, soft_fail=True, max_failures=3)


def test_timeout_without_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """A timeout stays one when the account cannot be made."""

    def down(*args: Any, **how: Any) -> Any:
        raise CgcConnectionError("no route", sent=False)

    monkeypatch.setattr(account, "account_for", down)
    with pytest.raises(AirflowSensorTimeout):
        ended(Outcome.TIMEOUT, completed=9)
    with pytest.raises(CgcJobsNotYetKnown, match=r"no route\. The jobs have ended, but not every item"):
        ended(Outcome.COMPLETED, completed=10)


def test_connection_lost_at_the_end(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A connection that cannot be used any more leaves the summary of the wait, and a task that is retried."""

    def broken(self: CgcBulkExportOperator, context: Any, *, ended: bool) -> Any:
        raise CgcSettingsError("connection 'cgc_default'", "is not defined")

    monkeypatch.setattr(CgcBulkExportOperator, "order_at_end", broken)
    task = TaskInstance()
    with pytest.raises(CgcJobsNotYetKnown, match=r"not defined\. The jobs have ended, but not every item"):
        ended(Outcome.COMPLETED, completed=10, task=task)

    assert task.xcoms["cgc_summary"]["completed"] == 10
    with pytest.raises(AirflowSensorTimeout):
        ended(Outcome.TIMEOUT, completed=9)
    assert "Not every item could be accounted for: connection 'cgc_default' is not defined" in caplog.text
    assert "manifest" not in caplog.text.lower()


@pytest.mark.parametrize(
    ("outcome", "error"),
    [(Outcome.TIMEOUT, AirflowSensorTimeout), (Outcome.EXECUTION_TIMEOUT, AirflowTaskTimeout)],
)
def test_timeout_with_open_ends(monkeypatch: pytest.MonkeyPatch, outcome: Outcome, error: type[BaseException]) -> None:
    """A timeout stays one whatever the account leaves open."""

    def running(order: Any, summary: Any, **how: Any) -> Any:
        known = account.Account(order, summary)
        known.not_yet_known = "The export j9 is just putting an object to 'x0'."
        return known

    monkeypatch.setattr(account, "account_for", running)
    with pytest.raises(error):
        ended(outcome, failed=1, completed=3, code=9107)


@pytest.mark.parametrize("trouble", [OSError("the bucket is away"), CgcBadInput("no manifest"), CgcJobsNotYetKnown("")])
@pytest.mark.parametrize("at", ["outcomes", "write"])
@pytest.mark.parametrize(
    ("outcome", "error"),
    [(Outcome.TIMEOUT, AirflowSensorTimeout), (Outcome.EXECUTION_TIMEOUT, AirflowTaskTimeout)],
)
def test_timeout_with_no_manifest(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    outcome: Outcome,
    error: type[BaseException],
    at: str,
    trouble: Exception,
) -> None:
    """A timeout stays one whatever trouble there is with the manifest, of which the log tells."""

    def away(self: Record, *args: Any, **how: Any) -> Any:
        raise trouble

    def nothing(order: Any, summary: Any, **how: Any) -> Any:
        return account.Account(order, summary, [])

    monkeypatch.setattr(account, "account_for", nothing)
    monkeypatch.setattr(Record, "outcomes", lambda self: [])
    monkeypatch.setattr(TaskManifest if at == "write" else Record, at, away)
    with pytest.raises(error):
        ended(outcome, completed=3)
    fault = {"outcomes": "Not every item could be accounted for", "write": "Manifest None could not be written"}
    assert f"{fault[at]}: {trouble}" in caplog.text


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.COMPLETED])
def test_ends_tell_the_manifest(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every end tells the manifest with its connection."""
    task = TaskInstance()

    # There is nothing at the address: the account cannot be made, and the address is told all the same.
    monkeypatch.setattr(TaskManifest, "lines", lambda self: [])
    with pytest.raises(BaseException):  # noqa: B017, PT011  # each in its own way
        ended(
            outcome,
            failed=2 if outcome is Outcome.FAILED else 0,
            total=2,
            task=task,
            manifest_path="s3://b/m.jsonl",
            manifest_conn_id="lab_bucket",
        )

    assert task.xcoms["cgc_summary"]["manifest"] == "s3://lab_bucket@b/m.jsonl"


def test_shown_manifest_is_whole() -> None:
    """The manifest that is shown meanwhile has its connection."""
    operator = CgcBulkExportOperator(
        task_id="t",
        items=["a"],
        volume="a/b",
        copy_only=True,
        manifest_path="s3://b/m.jsonl",
        manifest_conn_id="lab_bucket",
    )
    operator._connection = lambda: SimpleNamespace(settings=SimpleNamespace(web_url="w"))  # type: ignore[method-assign,assignment,return-value]  # no connection

    assert operator._known_place()["manifest"] == "s3://lab_bucket@b/m.jsonl"


def test_no_failure_ends_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A failure that is none after all does not end the others.

    With `fail_fast` the wait ends at the first FAILED job, and the object that it found there was to be skipped.
    """

    def skipped(order: Any, summary: Any, **how: Any) -> Any:
        return account.Account(order, replace(summary, failed=0, skipped=1, failed_items=[], causes=[]))

    monkeypatch.setattr(account, "account_for", skipped)
    with pytest.raises(CgcJobsNotYetKnown, match="No item has failed, and 8 exports still run"):
        ended(Outcome.FAILED, failed=1, completed=1, code=9107, fail_fast=True, if_exists="skip")
