"""One attempt at an order: check the items, decide about each, send, look for lost answers, and report the outcomes.

Free of Airflow: the memory of earlier attempts is handed in as a `Ledger`, and log lines go to a function.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_cgc.client.errors import CgcError
from airflow_provider_cgc.client.errors.problem import Problem, as_sentence
from airflow_provider_cgc.jobs.submitting.outcomes import ALREADY_THERE, ItemOutcome, ItemState
from airflow_provider_cgc.jobs.submitting.plan import LISTED, Plan
from airflow_provider_cgc.jobs.submitting.resume import Action
from airflow_provider_cgc.jobs.submitting.submit import TOO_MANY, Sender, SubmitResult
from airflow_provider_cgc.jobs.text import counted

if TYPE_CHECKING:
    from airflow_provider_cgc.jobs.submitting.items import Item, Key
    from airflow_provider_cgc.jobs.submitting.ledger import Ledger
    from airflow_provider_cgc.jobs.submitting.order import BadOrder, Order

MOST_ROUNDS = 3
"""The most searches for items that became uncertain; those that certainly did not start are sent again."""
NOT_BEGUN = "the task was stopped before it had sent anything"
DRY_RUN = "not sent: this was a dry run"
"""The reason of an item in the manifest of a dry run."""


class Attempt:
    """
    One attempt at an order.

    :param log_info: takes a line to log.
    """

    def __init__(
        self,
        order: Order,
        *,
        log_info: Callable[[str], object],
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.order = order
        self._kind = order.kind
        self._log_info = log_info
        self._clock = clock
        self.plan = Plan(order, log_info=log_info, clock=clock, sleep=sleep)
        self.result = SubmitResult()
        self.began = datetime.fromtimestamp(clock(), UTC)
        """The time at the beginning, by the platform's clock once `now` has asked for it."""

    def check(self, items: Sequence[Item], *, first: bool = True) -> None:
        """
        Ask the platform about the items, and give each its key.

        `first` is False if an earlier attempt may have sent something; then `Plan.decide` checks the items that are
        still to be sent.

        :raises BadItems: with everything that is wrong; nothing was submitted.
        """
        for line in self.order.check(items, first=first):
            self._log_info(line)

    def now(self) -> datetime:
        """Ask for the platform's clock, with a request that also proves the right to list jobs."""
        if self.order.has_lists:
            scope = min(map(self.order.scope_of, self.order.keys), default="")
            date = self.order.page(scope, limit=1).date
            self.began = date or datetime.fromtimestamp(self._clock(), UTC)
        return self.began

    def dry_run(self) -> list[str]:
        """Return the lines of a report; sends nothing."""
        unfit = set(self.plan.keys(Action.UNFIT, Action.NEEDLESS))
        fit = [key for key in self.order.keys if key not in unfit]
        planned = ", ".join(self.plan.planned()) or "Nothing to do"
        return [*self.order.report(fit), f"{planned}.", *self.intent()]

    def planned(
        self, in_the_way: Collection[Key] = (), *, user: str | None = None, conn_id: str | None = None
    ) -> list[ItemOutcome]:
        """
        Return the items that are not over, in their order: those that a dry run would send, whose jobs are under way,
        or that would fail; `in_the_way` are those whose place is taken.
        """
        taken = set(in_the_way)
        return [
            replace(
                self._base(self.order.keys[key]),
                state=ItemState.UNSENT,
                message=self._why_listed(key, taken=key in taken),
                user=user,
                conn_id=conn_id,
            )
            for key in self.plan.keys(*LISTED)
        ]

    def _why_listed(self, key: Key, *, taken: bool) -> str:
        """Return the message of an item in the manifest of a dry run."""
        decision = self.plan.decisions[key]
        if decision.action is not Action.SEND:
            return f"{DRY_RUN}; {decision.why}"
        return f"{DRY_RUN}; something is there already" if taken else DRY_RUN

    @property
    def bytes_to_send(self) -> int:
        """The sum of the known sizes of the items to send."""
        return sum(self.order.keys[key].size or 0 for key in self.plan.to_send())

    def intent(self) -> list[str]:
        """Return the lines that announce the sending."""
        to_send = self.plan.to_send()
        return self.order.intent(to_send) if to_send else []

    def send(self, ledger: Ledger) -> None:
        """Send the items that have to be sent, and look for jobs whose answers were lost."""
        sender = Sender(self.order, ledger, at=self.began, failed=self.plan.failed())
        to_send = self.plan.to_send()
        if not self._prepare(to_send):
            return
        sender.send([key for key in to_send if key not in self.result.refused], self.result)
        for rounds_left in reversed(range(MOST_ROUNDS)):
            if not self.result.uncertain:
                break
            self._log_info(
                f"The answers about {self._kind.count(len(self.result.uncertain))} were lost"
                f" ({next(iter(self.result.uncertain.values()))}); looking for the jobs on the platform before anything"
                " is sent again."
            )
            not_started = self._find(ledger)
            if rounds_left and not self.result.stopped:
                self._send_again(sender, not_started)
            else:
                self._give_up(not_started)
        if self.order.skips_existing:
            self._skip_what_was_taken_meanwhile()

    def outcomes(self, *, user: str | None = None, conn_id: str | None = None) -> list[ItemOutcome]:
        """Return the outcome of each item so far: in the order given, and last those that have no key."""
        unsent = set(self.result.unsent)
        outcomes = [self._outcome(key, item, unsent=key in unsent) for key, item in self.order.keys.items()]
        outcomes += [self._ended_by(self._base(one.item), one.problem) for one in self.order.keyless]
        return [replace(one, user=user, conn_id=conn_id) for one in outcomes]

    def refused(self, error: BadOrder) -> list[ItemOutcome]:
        """Return the outcome of each item of a refused order: unfit, or not sent because of the unfit ones."""
        problems = {self._mark(one.item): one.problem for one in error.unfit}
        why = f"not sent: {error.head or error.problems[0]}"
        outcomes = []
        for item in self.order.items:
            problem = problems.get(self._mark(item))
            base = self._base(item)
            held_up = replace(base, state=ItemState.UNSENT, message=why)
            outcomes.append(held_up if problem is None else self._ended_by(base, problem))
        return outcomes

    def lines(self) -> list[str]:
        """Return the lines about the items that were sent, and those that were not, with the reason."""
        results = (
            (self.result.started, "started"),
            (self.result.refused, "refused by the platform"),
            (self.result.uncertain, "not known to have been started"),
            (self.result.unsent, "not sent"),
        )
        started, *others = [f"{len(keys)} {word}" if keys else "" for keys, word in results]
        counts = ", ".join(filter(None, [started, *self.plan.logged(), *others]))
        lines = [f"Of {self._kind.count(len(self.order.items))}: {counts}."]
        if self.result.stopped and self.result.unsent:
            lines.append(f"Nothing more was sent: {as_sentence(self.result.stopped)}")
        return lines

    def _prepare(self, keys: list[Key]) -> bool:
        """Make the folders or the like that the items need; return False if nothing can be sent for now."""
        # Also if the task is interrupted meanwhile, nothing of it was sent.
        self.result.unsent, self.result.stopped = keys, NOT_BEGUN
        try:
            refused = self.order.prepare(keys) if keys else {}
        except CgcError as error:
            self.result.stopped, self.result.error = str(error), error
            return False
        self.result.unsent, self.result.stopped = [], None
        self.result.refused |= refused
        failed = self.plan.failed() + len(refused)
        if refused and self.order.too_many(failed):
            self.result.unsent = [key for key in keys if key not in refused]
            self.result.stopped = TOO_MANY.format(items=counted(failed, "item"))
            return False
        return True

    def _find(self, ledger: Ledger) -> dict[Key, Problem | CgcError]:
        """Look for uncertain jobs in the platform's list; return the items that certainly did not start, and why."""
        decisions = self.plan.decide_by_jobs(list(self.result.uncertain), ledger)
        known = SubmitResult(started={key: one.job_id for key, one in decisions.items() if one.job_id})
        ledger.adopted(known.started)
        reasons = {key: why for key, why in self.result.uncertain.items() if decisions[key].action is Action.SEND}
        known.uncertain = {
            key: Problem(None, None, one.why, made_here=True, undecided=True)
            for key, one in decisions.items()
            if one.action is Action.UNCERTAIN
        }
        self.result.add(known)
        return reasons

    def _skip_what_was_taken_meanwhile(self) -> None:
        """Judge objects that appeared after the first look like those that were there before."""
        refused = self.result.refused
        taken = [key for key, one in refused.items() if one.code in self.order.taken_codes and not one.made_here]
        for key in self.plan.skip_what_is_there(taken):
            del refused[key]

    def _send_again(self, sender: Sender, reasons: Mapping[Key, Problem | CgcError]) -> None:
        """Send the items that certainly did not start; those that are still uncertain stay so."""
        later = SubmitResult()
        for key in reasons:
            del self.result.uncertain[key]
        try:
            sender.send(list(reasons), later, probe=False)
        finally:
            self.result.add(later)

    def _give_up(self, reasons: Mapping[Key, Problem | CgcError]) -> None:
        """Count items that will not start in this attempt as refused, or as unsent if their call failed."""
        for key, why in reasons.items():
            del self.result.uncertain[key]
            if isinstance(why, Problem) and not why.made_here:
                self.result.refused[key] = why
                continue
            self.result.unsent.append(key)
            self.result.stopped = self.result.stopped or str(why)
            if isinstance(why, CgcError):
                self.result.error = self.result.error or why

    def _mark(self, item: Item) -> tuple[object, str]:
        """Return a mark that distinguishes an item from others of its list, with or without its destination."""
        return getattr(item, self._kind.subject or "line"), item.line

    def _base(self, item: Item) -> ItemOutcome:
        return ItemOutcome(item=self.order.asked(item), state=ItemState.SUBMITTED, size=item.size)

    def _ended_by(self, base: ItemOutcome, problem: Problem) -> ItemOutcome:
        state = ItemState.SKIPPED if self.order.skips(problem) else ItemState.FAILED
        return replace(base, state=state, code=problem.code, message=problem.message)

    def _outcome(self, key: Key, item: Item, *, unsent: bool) -> ItemOutcome:
        base, result = self._base(item), self.result
        if key in result.started:
            return replace(base, id=result.started[key])
        if key in result.uncertain:
            return replace(base, message=str(result.uncertain[key]))
        if unsent:
            return replace(base, state=ItemState.UNSENT, message=f"not sent: {result.stopped}")
        decision = self.plan.decisions[key]
        problem = result.refused.get(key) or decision.problem
        if problem is not None:
            return self._ended_by(base, problem)
        if decision.action is Action.SKIP:
            return replace(base, state=ItemState.SKIPPED, message=ALREADY_THERE, result=self.order.result_of(key))
        if decision.action is Action.HOLD:
            return replace(base, state=ItemState.UNSENT, message=f"not sent: {decision.why}")
        if decision.action is Action.DONE and decision.job_id is None:
            return replace(base, state=ItemState.COMPLETED, message=decision.why)
        return replace(base, id=decision.job_id)
