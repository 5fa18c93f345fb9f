"""The decision about each item of a task that may have been tried before; nothing is sent here.

The first row that fits an item decides. Its jobs are the one that the ledger names and those in the platform's list,
and the best of them counts: COMPLETED before PENDING and RUNNING before FAILED, the newest first. "Complete": the list
was looked at twice (see `search`), so that it would show any further job. "Certain": the list is complete, or the job
is the one that the ledger names as the last.

    best job       and                                          decision
    -------------  -------------------------------------------  ---------------------------------------------------
    any or none    the order knows that it is done              DONE
    COMPLETED                                                   DONE
    under way      (an unknown state is under way, too)         ADOPT: wait for it
    FAILED, none   the ledger names a job that was not seen     ADOPT: the wait will show it; or as below if the task
                                                                was cleared since, and the job would be an hour old
    FAILED, taken  complete                                     GIVE UP: another user's or task's object is in the way;
                                                                SEND if the task was cleared since
    FAILED, taken  not complete                                 UNCERTAIN: it may be our own, from an earlier attempt
    FAILED         another poke of the same try                 GIVE UP: it is sent again by a retry only
    FAILED         the error is permanent                       GIVE UP, or as below if the task was cleared since
    FAILED         the error may be temporary, certain          SEND
    FAILED         the error may be temporary, not certain      UNCERTAIN: a later job may run
    none           the ledger says never sent                   SEND
    none           complete                                     SEND
    none           otherwise                                    UNCERTAIN

"Taken": something was in the way of its result; the order knows the codes.

A user who clears a failed task has probably removed the cause: a permanent error, such as a missing right on the
bucket, or an object in the way, is then tried again. A job that the platform no longer knows is then looked for in its
list, and if it is not there either, the item is `forgotten`: the caller looks at the destination, and the object there
decides.

An item that was refused when it was sent counts as never sent: nothing runs, and the cause may have been removed.
For UNCERTAIN the task has to fail: sending could do it twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.jobs.submitting.ledger import Fate, Ledger, Past
from airflow_provider_cgc.jobs.submitting.search import Finding, Search, best_first, find

if TYPE_CHECKING:
    from airflow_provider_cgc.client.errors.problem import Problem
    from airflow_provider_cgc.jobs.kinds import BulkGet
    from airflow_provider_cgc.jobs.submitting.items import Key
    from airflow_provider_cgc.jobs.submitting.order import Order

FORGETTING = 3600.0
"""Seconds after which a job that the platform does not know is forgotten; a younger one may not be visible yet."""


class Action(StrEnum):
    """The decision about an item before anything is sent."""

    DONE = "done"
    ADOPT = "adopt"
    SEND = "send"
    GIVE_UP = "give up"
    """Its job FAILED, and it is not sent again."""
    UNCERTAIN = "uncertain"

    # The table above knows only these; a `Plan` puts others in their place.
    SKIP = "skip"
    """The wanted result exists already."""
    IN_THE_WAY = "in the way"
    """Something else is where the result should go."""
    WRONG = "wrong"
    """It seems to be done, but not as wanted; sending it again would not help."""
    HOLD = "hold"
    """It is not sent for now: a job of another run does nearly the same."""
    UNFIT = "unfit"
    """No job can be started for it."""
    NEEDLESS = "needless"
    """No job can be started for it, and none is needed: it is skipped."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The action for an item, and the reason."""

    action: Action
    why: str
    job_id: str | None = None
    """The job that counts for the item; None if one is to be started."""
    job: Any | None = None
    """The record of the best job, if one was seen."""
    forgotten: bool = False
    """A job was started for the item, and the platform no longer knows it."""
    problem: Problem | None = None
    """The problem that the item ends with, unless it is sent."""


def decide_all(
    order: Order,
    keys: Iterable[Key],
    ledger: Ledger,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    later_poke: bool = False,
    now: datetime | None = None,
) -> dict[Key, Decision]:
    """
    Decide about items: ask for the jobs that the ledger names, and search the list for items that are still uncertain.

    `later_poke`: this try has decided before, in another process. `now` is the platform's clock. Sleeps 90 s between
    the two looks of a search, if there is one. Nobody may send anything meanwhile.
    """
    pasts = {key: ledger.past(key) for key in keys}
    jobs = _jobs_by_id([past.job_id for past in pasts.values() if past.job_id], order.bulk_get)

    def judged(key: Key, finding: Finding | None = None) -> Decision:
        past = pasts[key]
        return decide(
            order,
            key,
            past,
            job=jobs.get(past.job_id or ""),
            finding=finding,
            cleared=ledger.cleared,
            later_poke=later_poke,
            young=_is_young(past, now),
        )

    decisions = {key: judged(key) for key in pasts}
    uncertain = frozenset(key for key, one in decisions.items() if one.action is Action.UNCERTAIN)
    search = _searched(order, uncertain, ledger, clock=clock, sleep=sleep)
    return decisions | {key: judged(key, search.finding(key)) for key in uncertain}


def _searched(
    order: Order,
    wanted: frozenset[Key],
    ledger: Ledger,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Search:
    """Look for the jobs of these items in the platform's list, until a further look would show nothing new."""
    search = Search(order.kind, wanted)
    while (due := search.look_again_at) is not None:
        began = clock()
        if began < due:
            sleep(due - began)
            continue
        since = ledger.search_from(search.open)
        search = search.after(find(order, search.open, since=since, details=order.bulk_get), began)
    return search


def decide(
    order: Order,
    key: Key,
    past: Past,
    *,
    job: Any | None = None,
    finding: Finding | None = None,
    cleared: bool = False,
    later_poke: bool = False,
    young: bool = False,
) -> Decision:
    """
    Decide about one item by the table above.

    :param job: the job that the ledger names, if the platform showed it; one for another item does not count.
    :param finding: the result of the search, if there was one.
    :param cleared: the task was cleared since it failed.
    :param later_poke: this try has decided before, in another process.
    :param young: the job that the ledger names may have been started too recently to be visible.
    """
    if why := order.done_already(key):
        return Decision(Action.DONE, why)
    if job is not None and order.key_of(job, order.scope_of(key)) not in {None, key}:
        past, job = Past(Fate.UNCERTAIN), None
    finding = finding or Finding()
    jobs = best_first(order.kind, [*finding.jobs, *([] if job is None else [job])])
    best = next(iter(jobs), None)
    if best is not None and order.kind.completed(best):
        return Decision(Action.DONE, f"job {best.id} has done it", best.id, best)
    if best is not None and not order.kind.failed(best):
        return Decision(Action.ADOPT, f"job {best.id} is under way", best.id, best)
    unseen = past.job_id is not None and past.job_id not in {seen.id for seen in jobs}
    if unseen and (young or not cleared):
        return Decision(Action.ADOPT, f"job {past.job_id} was started and is not visible yet", past.job_id)
    if best is None:
        return _without_a_job(past, finding, unseen=unseen)
    return _after_failure(order, best, past, finding, cleared=cleared, later_poke=later_poke)


def _is_young(past: Past, now: datetime | None) -> bool:
    return past.at is not None and now is not None and now - past.at < timedelta(seconds=FORGETTING)


def _without_a_job(past: Past, finding: Finding, *, unseen: bool) -> Decision:
    if past.fate is Fate.NEVER_SENT:
        return Decision(Action.SEND, "it was never sent")
    if finding.complete and unseen:
        return Decision(Action.SEND, f"the platform does not know job {past.job_id} any more", forgotten=True)
    if finding.complete:
        return Decision(Action.SEND, "the platform has no job for it")
    return Decision(Action.UNCERTAIN, f"an earlier attempt may have started it, and {_why_unknown(finding)}")


def _after_failure(
    order: Order, job: Any, past: Past, finding: Finding, *, cleared: bool, later_poke: bool
) -> Decision:
    why = f"job {job.id} FAILED ({job.error or 'the platform gave no reason'})"
    if order.was_taken(job):
        if not finding.complete:
            action, why = Action.UNCERTAIN, f"{why}, maybe because of an earlier attempt"
        elif cleared and not later_poke:
            action = Action.SEND
        else:
            action, why = Action.GIVE_UP, f"{why}, and the object in the way is not from a job of this task"
    elif later_poke or not (cleared or (job.error is not None and job.error.may_pass)):
        action = Action.GIVE_UP
    else:
        action = Action.SEND if finding.complete or job.id == past.job_id else Action.UNCERTAIN
    if action is Action.UNCERTAIN:
        why = f"{why}; {_why_unknown(finding)}"
    return Decision(action, why, None if action is Action.SEND else job.id, job)


def _why_unknown(finding: Finding) -> str:
    if finding.blind is not None:
        return f"it is not known whether another job runs: {finding.blind.value}"
    return "the platform's list of jobs has not been watched for long enough"


def _jobs_by_id(ids: list[str], bulk_get: BulkGet) -> dict[str, Any]:
    records = bulk_get(ids) if ids else ()
    return {record.id: record.resource for record in records if record.id is not None and record.resource is not None}
