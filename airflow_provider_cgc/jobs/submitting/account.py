"""The account of a task at its end: every item and every job, as the platform shows them, and their summary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from airflow_provider_cgc.client.errors.codes import NO_SUCH_JOB
from airflow_provider_cgc.client.errors.problem import REMEDIES, Problem
from airflow_provider_cgc.jobs.submitting.outcomes import ALREADY_THERE, ItemOutcome, ItemState, with_job, with_record
from airflow_provider_cgc.jobs.waiting.causes import Causes, causes_of
from airflow_provider_cgc.jobs.waiting.look import records_of
from airflow_provider_cgc.jobs.waiting.summary import FirstItems, failed_item

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_cgc.client.errors.problem import BulkRecord
    from airflow_provider_cgc.jobs.kinds import JobKind
    from airflow_provider_cgc.jobs.submitting.items import Key
    from airflow_provider_cgc.jobs.waiting.summary import Summary

Records = Mapping[str, "BulkRecord[Any]"]
"""Records by the job's id."""


class AccountedOrder(Protocol):
    """The part of an `Order` that its account needs."""

    kind: ClassVar[JobKind]
    taken_codes: ClassVar[frozenset[int]]

    @property
    def finishes(self) -> bool: ...
    def bulk_get(self, ids: Sequence[str]) -> Sequence[BulkRecord[Any]]: ...
    def key_of(self, job: Any, scope: str | None = None) -> Key | None: ...
    def was_taken(self, job: Any) -> bool: ...
    def finish(self, account: Account, *, since: datetime | None, log_info: Callable[[str], object]) -> list[str]: ...


def account_for(
    order: AccountedOrder,
    summary: Summary,
    *,
    outcomes: list[ItemOutcome] | None,
    ids: Sequence[str],
    since: datetime | None,
    log_info: Callable[[str], object],
) -> Account:
    """
    Ask for the jobs once more, if the account needs it, and correct the summary and the manifest.

    :param order: the task's order; its items need not be known any more.
    :param summary: the summary of the wait.
    :param outcomes: the lines of the manifest; None if there is none.
    :param ids: the ids of the jobs.
    :param since: the platform's clock before anything of this task was sent.
    :raises CgcError: if the platform does not answer.
    """
    listed = summary.failed_items
    unlisted = summary.bad > len(listed)
    unclear = any(item.get("id") and (item["code"] in order.taken_codes or not _is_clear(item)) for item in listed)
    if outcomes is None and not (order.finishes or unclear or unlisted):
        return Account(order, summary)
    account = Account(order, summary, outcomes, ids, records_of(order.bulk_get, ids))
    doubts = order.finish(account, since=since, log_info=log_info)
    account.list_failures()
    account.not_yet_known = " ".join(doubts) or None
    return account


class Done(NamedTuple):
    """A result that should exist: its size in bytes if that is known, its item, and its job."""

    size: int | None
    item: dict[str, Any]
    job_id: str | None


class Account:
    """Every item and job of a task, and the summary that counts them."""

    def __init__(
        self,
        order: AccountedOrder,
        summary: Summary,
        outcomes: list[ItemOutcome] | None = None,
        ids: Sequence[str] = (),
        records: Records | None = None,
    ) -> None:
        records, kind = records or {}, order.kind
        self._order = order
        self.summary = summary
        self.not_yet_known: str | None = None
        """The reason, in a sentence, to look again later: something may still run, or an outcome is not known."""
        self._causes = Causes.of_summary(summary.to_json())
        self.jobs = [record.resource for record in records.values() if record.resource is not None]
        self._jobs = {job.id: job for job in self.jobs}
        self._failures: dict[Any, Mapping[str, Any]] = {
            item["id"] or number: item for number, item in enumerate(summary.failed_items)
        }
        """By the job's id, or by a number or key of its own if there is no job."""
        self._problems = {job.id: job.error for job in self.jobs if kind.failed(job)}
        unlisted = {job.id: failed_item(job) for job in self.jobs if kind.failed(job) and job.id not in self._failures}
        # A job that FAILED after the wait had ended, by `fail_fast` or a timeout, is none that the summary counts.
        self._failures |= dict(islice(unlisted.items(), self._unlisted_jobs(ids)))
        self._lines = [self._with_all_known(one, records.get(one.id or "")) for one in outcomes or ()]
        self._has_manifest = outcomes is not None
        self._unseen = [one for one in ids if one not in records or records[one].resource is None]
        self._taken_back: dict[str, Any] = {}
        """By the id of a job that found an object in its way: the job of this task that has put it there."""
        self.found_there: set[Key] = set()
        """The items whose jobs found the wanted result there already."""
        self._given_up: set[Key] = set()
        self.results: dict[Key, dict[str, Any]] = {}
        """The results, as items that another task takes, if the kind of job has some."""
        self._by_job = {one.id: number for number, one in enumerate(self._lines) if one.id}
        self._by_key = {key: number for number, one in enumerate(self._lines) if (key := one.item.key())}

    def _unlisted_jobs(self, ids: Sequence[str]) -> int:
        """Count the jobs that failed while the task waited and are not listed; items without a job are none."""
        summary, asked = self.summary, set(ids)
        jobless = summary.total - summary.skipped - len(asked) if summary.left else 0
        listed_jobless = sum(item["id"] not in asked for item in summary.failed_items)
        return max(summary.bad - len(summary.failed_items) - max(jobless - listed_jobless, 0), 0)

    @property
    def outcomes(self) -> list[ItemOutcome] | None:
        """The lines of the manifest; None if there is none."""
        return self._lines if self._has_manifest else None

    @property
    def is_over(self) -> bool:
        """Everything has ended; with `fail_fast` some jobs may still run."""
        return not self.summary.left

    def done(self) -> dict[Key, Done]:
        """Return the results that should exist; an item that was skipped for a problem with a code has none."""
        done: dict[Key, Done] = {}
        for one in self._lines:
            has_none = one.state is ItemState.SKIPPED and one.code is not None
            if one.state.ended_well and not has_none and (key := one.item.key()) is not None:
                done[key] = Done(one.size, one.item.asked(), one.id)
        for job in self.jobs:
            by = job if self._order.kind.completed(job) else self._taken_back.get(job.id)
            if by is not None and (key := self._order.key_of(job)) is not None:
                done.setdefault(key, Done(by.size, dict(job.item), by.id))
        return done

    def job(self, job_id: str | None) -> Any | None:
        """Return a job that the platform shows, or that counts in place of one."""
        return self._jobs.get(job_id or "")

    def has_failed(self, key: Key) -> bool:
        """Return True if an item counts as failed, as far as its key is known."""
        number = self._by_key.get(key)
        return key in self._given_up or (number is not None and self._lines[number].state.failed)

    @property
    def has_all_results(self) -> bool:
        """The result of each item is known that is done, or was skipped because its result exists."""
        nothing = sum(one.state is ItemState.SKIPPED and one.code is not None for one in self._lines)
        return len(self.results) >= self.summary.completed + self.summary.skipped - nothing

    def note_result(self, key: Key, result: dict[str, Any]) -> None:
        """Keep the result of an item."""
        self.results[key] = result
        number = self._by_key.get(key)
        if number is not None:
            self._lines[number] = replace(self._lines[number], result=result)

    def unaccounted(self) -> list[str]:
        """Return the jobs whose outcome or item is not known, once all are over."""
        if self._has_manifest:
            return [one.id for one in self._lines if one.id and not _is_accounted_for(one)]
        silent = [job.id for job in self.jobs if self._order.kind.completed(job) and self._order.key_of(job) is None]
        unseen = [one for one in self._unseen if one not in self._failures]
        listed = sum(one in self._failures for one in self._unseen)
        # Missing jobs that the summary does not list are accounted for by their number alone.
        return [*silent, *unseen[max(self.summary.missing - listed, 0) :]]

    def taken(self) -> dict[Key, Any]:
        """Return the jobs that count as failed because an object was in the way of their result."""
        order = self._order
        taken = (job for job in self.jobs if job.id in self._failures and order.was_taken(job))
        return {key: job for job in taken if (key := order.key_of(job)) is not None}

    def count_completed(self, job: Any, by: Any) -> None:
        """Count a job as completed whose result another job of this task has put there."""
        self._taken_back[job.id] = by
        self._jobs.setdefault(by.id, by)
        self._uncount_failure(job, "completed")
        self.summary = replace(self.summary, bytes=self.summary.bytes + (by.size or 0))
        number = self._by_job.get(job.id)
        if number is not None:
            self._lines[number] = with_job(self._order.kind, replace(self._lines[number], id=by.id), by, None)

    def size_of(self, job: Any) -> int | None:
        """Return the size of a job's item, as in the manifest."""
        number = self._by_job.get(job.id)
        return None if number is None else self._lines[number].size

    def count_skipped(self, job: Any) -> None:
        """Count a job as skipped that found the wanted result already there."""
        self._uncount_failure(job, "skipped")
        if (key := self._order.key_of(job)) is not None:
            self.found_there.add(key)
        number = self._by_job.get(job.id)
        if number is not None:
            one = self._lines[number]
            self._lines[number] = replace(one, state=ItemState.SKIPPED, id=None, code=None, message=ALREADY_THERE)

    def _uncount_failure(self, job: Any, counted_now: str) -> None:
        self._causes.remove(self._failures.pop(job.id))
        self._count_as(counted_now, before="failed")

    def _count_as(self, name: str, *, before: str) -> None:
        """Count one more of these, and one less of what it was counted as before."""
        counts = {name: getattr(self.summary, name) + 1, before: getattr(self.summary, before) - 1}
        self.summary = replace(self.summary, **counts)

    def count_failed(
        self, key: Key, done: Done, problem: str, *, code: int | None = None, counted: str = "completed"
    ) -> None:
        """
        Count a result as failed that was counted as done; once, however many problems it has.

        :param code: the platform's code for the problem, if it has one.
        :param counted: what it was counted as, if no line of the manifest says so.
        """
        if key in self._given_up:
            return
        self._given_up.add(key)
        number = self._by_key.get(key)
        if number is not None:
            one = self._lines[number]
            counted = "skipped" if one.state is ItemState.SKIPPED else "completed"
            self._lines[number] = replace(one, state=ItemState.FAILED, code=code, message=problem)
        self._count_as("failed", before=counted)
        failure = {"id": done.job_id, **done.item, "code": code, "message": problem}
        self._failures[done.job_id or key] = failure
        self._causes.add(failure)

    @property
    def may_pass(self) -> bool:
        """At least one failure may be temporary."""
        return any(self._passes(item) for item in self._failures.values())

    def _passes(self, item: Mapping[str, Any]) -> bool:
        """Return True if a failure may be temporary: by its job's error if the job is known, else by its code."""
        if item["id"] in self._problems:
            problem = self._problems[item["id"]]
            return problem is not None and problem.may_pass
        return _code_may_pass(item)

    def list_failures(self) -> None:
        """Put the first of the remaining failures, and the causes of all of them, into the summary."""
        items = FirstItems(self._failures.values()).items
        summary = replace(self.summary, failed_items=items, causes=self._causes.to_json())
        self.summary = replace(summary, causes=causes_of(summary.to_json()))

    def _with_all_known(self, outcome: ItemOutcome, record: BulkRecord[Any] | None) -> ItemOutcome:
        """Return an item's outcome now; if the platform no longer shows its job, the one that the wait has seen."""
        now = with_record(self._order.kind, outcome, record)
        if outcome.id is None or (record is not None and record.resource is not None):
            return now
        failure = self._failures.get(outcome.id)
        if failure is not None:
            is_missing = failure["code"] in (None, NO_SUCH_JOB)
            state = ItemState.MISSING if is_missing else ItemState.FAILED
            return replace(outcome, state=state, code=failure["code"], message=failure["message"])
        every_failure_is_known = self.summary.bad <= len(self._failures)
        return replace(outcome, state=ItemState.COMPLETED) if self.is_over and every_failure_is_known else now


def _is_accounted_for(one: ItemOutcome) -> bool:
    return one.state.failed or (one.state.ended_well and one.item.key() is not None)


def _code_may_pass(item: Mapping[str, Any]) -> bool:
    """Return True if a failure may be temporary, by its code alone; `_is_clear` says if the code is enough."""
    return Problem(None, item["code"], str(item["message"])).may_pass


def _is_clear(item: Mapping[str, Any]) -> bool:
    """Return True if a failure's code shows if it is temporary; otherwise the HTTP status did, which is not kept."""
    return not item["id"] or item["code"] in REMEDIES
