"""One attempt to export an order: check, decide what is left to do, send, find lost answers, and account for it all.

Free of Airflow: what is remembered between attempts is handed in as a `Ledger`, and lines to log are handed out.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.errors import CgcError
from airflow_provider_cgc.client.errors.codes import LOCATION_TAKEN
from airflow_provider_cgc.client.errors.problem import Problem
from airflow_provider_cgc.jobs.exports.facts import Facts
from airflow_provider_cgc.jobs.exports.order import BadOrder, Order, Placed, place
from airflow_provider_cgc.jobs.exports.problems import report
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.objects import common_folder
from airflow_provider_cgc.jobs.submitting.manifest import ItemOutcome, ItemState
from airflow_provider_cgc.jobs.submitting.outcomes import ALREADY_THERE
from airflow_provider_cgc.jobs.submitting.plan import Worklist
from airflow_provider_cgc.jobs.submitting.resume import Action
from airflow_provider_cgc.jobs.submitting.submit import Sender, Sent
from airflow_provider_cgc.jobs.text import counted

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.jobs.exports.item import Item
    from airflow_provider_cgc.jobs.submitting.ledger import Ledger
    from airflow_provider_cgc.jobs.submitting.search import Key

MOST_ROUNDS = 3
"""How often what became uncertain on the way is searched for and sent again, if it certainly did not start."""


class Exporting:
    """
    One attempt to export an order.

    :param client: with a patience of minutes: a create that hits the rate limit waits for the next window.
    :param say: takes a line to log.
    """

    def __init__(
        self,
        client: CgcClient,
        order: Order,
        *,
        say: Callable[[str], object],
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._order = order
        self._say = say
        self._clock = clock
        self._sleep = sleep
        self._placed = Placed({}, [], Facts({}, {}, {}, {}, {}), [])
        self._work = self._worklist()
        self.sent = Sent()
        self.began = datetime.fromtimestamp(clock(), UTC)
        """By the platform's clock, once `now` has asked for it."""

    @property
    def count(self) -> int:
        """The number of items in the order, with those that have no place."""
        return len(self._order.items)

    @property
    def items(self) -> Mapping[Key, Item]:
        """The items, each with its place; none before `check`."""
        return self._placed.items

    @property
    def facts(self) -> Facts:
        """What the platform has told of files and volumes; nothing before `check`."""
        return self._placed.facts

    def check(self, *, first: bool = True) -> None:
        """
        Ask the platform about files and volumes, and give every item its place.

        Where an earlier attempt may have sent something, `first` is False, and `decide` tells what is wrong with what
        is left to be sent.

        :raises BadItems: with everything that is wrong; nothing was submitted.
        """
        self._placed = place(self._client, self._order, first=first)
        self._work = self._worklist()
        for line in self._placed.warnings:
            self._say(line)

    def now(self) -> datetime:
        """Ask for the platform's clock, by one request that also proves the right to list jobs."""
        volumes = sorted({key.volume for key in self.items})
        date = self._client.exports.page(volume=volumes[0] if volumes else None, limit=1).date
        self.began = date or datetime.fromtimestamp(self._clock(), UTC)
        return self.began

    def decide(self, ledger: Ledger, *, again: bool = False) -> None:
        """
        Settle what has to be done with each item; `again` tells that it is not the first time in this try.

        :raises UncertainExports: nothing was sent, and what an earlier attempt has sent goes on.
        :raises BadItems: with what is wrong with items that are still to be sent; this attempt has sent nothing.
        """
        self._work.decide(ledger, again=again, now=self.began)

    def dry_run(self) -> list[str]:
        """Return the lines of a report; sends nothing."""
        fit = [item for key, item in self.items.items() if key not in self._work.unfit]
        return [*report(fit, self.facts, decided=self._work.words()), *self.intent()]

    def obstacles(self) -> list[str]:
        """Return the locations where an object is that is not the wanted one, or that nobody said may be replaced."""
        return self._work.obstacles()

    def counts(self) -> dict[str, int]:
        """Return how many items would be sent, how many skipped, and how many need nothing else."""
        return self._work.counts()

    def intent(self) -> list[str]:
        """Say what is about to be sent where, and whether the platform keeps its files."""
        to_send = self._work.to_send()
        if not to_send:
            return []
        lines = []
        for volume in sorted({key.volume for key in to_send}):
            locations = [key.location for key in to_send if key.volume == volume]
            folder = common_folder(locations)
            below = f", below {folder!r}" if folder else ""
            lines.append(f"Exporting {len(locations)} of {counted(self.count, 'item')} to {volume}{below}.")
        if self._order.copy_only:
            return lines
        return [*lines, "copy_only is False: these files are MOVED, and become aliases of the exported objects."]

    def send(self, ledger: Ledger) -> None:
        """Send what has to be sent, and find out what became of answers that were lost on the way."""
        order = self._order

        def create(items: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
            return self._client.exports.bulk_create(items, copy_only=order.copy_only)

        unplaced = sum(not order.skips(one.problem) for one in self._placed.unplaced)
        sender = Sender(
            create,
            self._client.exports.bulk_get,
            ledger,
            at=self.began,
            too_many=lambda failed: order.too_many(failed + unplaced),
            overwrite=order.if_exists == "overwrite",
            not_counted={LOCATION_TAKEN} if order.if_exists == "skip" else (),
            properties=order.properties,
            stop=self._client.close,
        )
        unfit = {key: problem for key, problem in self._work.unfit.items() if not order.skips(problem)}
        self.sent.refused |= self._work.in_the_way | self._work.blocked | unfit
        self.sent.held |= self._work.held
        sender.send({key: self.items[key] for key in self._work.to_send()}, self.sent)
        for rounds_left in reversed(range(MOST_ROUNDS)):
            if not self.sent.uncertain:
                break
            self._say(
                f"The answers about {EXPORT.count(len(self.sent.uncertain))} were lost"
                f" ({next(iter(self.sent.uncertain.values()))}); looking for them on the platform before anything is"
                " sent again."
            )
            again = self._find(ledger)
            if rounds_left and not self.sent.stopped:
                self._send_again(sender, again)
            else:
                self._give_up(again)
        if order.if_exists == "skip":
            self._skip_what_was_taken_meanwhile()

    def outcomes(self, *, user: str | None = None, conn_id: str | None = None) -> list[ItemOutcome]:
        """Return how each item stands: in the order given, and last those for which there is no place."""
        unsent = set(self.sent.unsent)
        outcomes = [self._outcome(key, item, unsent=key in unsent) for key, item in self.items.items()]
        outcomes += [self._unfit(self._base(one.item), one.problem) for one in self._placed.unplaced]
        return [replace(one, copy_only=self._order.copy_only, user=user, conn_id=conn_id) for one in outcomes]

    def refused(self, error: BadOrder) -> list[ItemOutcome]:
        """Return how each item stands when nothing was sent: those that cannot be exported, and those held up by it."""
        problems = {(one.item.file, one.item.line): one.problem for one in error.unfit}
        why = f"not sent: {error.head or error.problems[0]}"
        outcomes = []
        for item in self._order.items:
            base = replace(self._base(item), volume=item.volume or self._order.volume)
            problem = problems.get((item.file, item.line))
            fate = replace(base, state=ItemState.UNSENT, message=why)
            outcomes.append(fate if problem is None else self._unfit(base, problem))
        return [replace(one, copy_only=self._order.copy_only) for one in outcomes]

    def told(self) -> list[str]:
        """Say what was done, and why not all of it."""
        work = self._work
        apart = work.held.keys() | work.blocked.keys()
        problems = work.problems()
        aliases = sum(map(self._order.skips, problems))
        refused = self.sent.refused.keys() - work.blocked.keys() - work.in_the_way.keys() - work.unfit.keys()
        known = Counter(one.action for key, one in work.decisions.items() if key not in apart)
        counts = (
            (len(self.sent.started), "started"),
            (known[Action.ADOPT], "under way already and taken over"),
            (known[Action.DONE], "done already"),
            (len(work.skipped), "skipped, they are there already"),
            (aliases, "skipped, they are aliases"),
            (len(problems) - aliases, "not sent, they cannot be exported"),
            (len(work.in_the_way), "not sent, another object is in the way"),
            (len(work.blocked), "done already, but not as they should be"),
            (len(work.held), "left to a job of another run for now"),
            (len(refused), "refused by the platform"),
            (len(self.sent.unsent), "not sent"),
        )
        lines = [f"Of {EXPORT.count(self.count)}: " + ", ".join(f"{n} {word}" for n, word in counts if n) + "."]
        if self.sent.stopped:
            lines.append(f"Nothing more was sent: {self.sent.stopped}.")
        return lines

    def _find(self, ledger: Ledger) -> dict[Key, Problem | CgcError]:
        """Settle what is uncertain by the platform's list; give what certainly did not start, and why."""
        decisions = self._work.look_for(list(self.sent.uncertain), ledger)
        found = {key: one.job_id for key, one in decisions.items() if one.job_id and one.action is not Action.SEND}
        ledger.adopted({key: job_id for key, job_id in found.items() if job_id})
        reasons = {key: why for key, why in self.sent.uncertain.items() if decisions[key].action is Action.SEND}
        told = Sent(started={key: job_id for key, job_id in found.items() if job_id})
        told.uncertain = {
            key: Problem(None, None, one.why, made_here=True, undecided=True)
            for key, one in decisions.items()
            if one.action is Action.UNCERTAIN
        }
        self.sent.add(told)
        return reasons

    def _skip_what_was_taken_meanwhile(self) -> None:
        """Judge objects that came to their places after the volume was looked at like those that were there before."""
        taken = [
            key
            for key, problem in self.sent.refused.items()
            if problem.code == LOCATION_TAKEN and not problem.made_here
        ]
        self._work.skip_what_is_there(taken)
        for key in taken:
            if key in self._work.skipped:
                del self.sent.refused[key]
        self.sent.refused |= self._work.in_the_way

    def _send_again(self, sender: Sender, reasons: Mapping[Key, Problem | CgcError]) -> None:
        """Send what certainly did not start; what stays uncertain meanwhile keeps its place."""
        later = Sent()
        for key in reasons:
            del self.sent.uncertain[key]
        try:
            sender.send({key: self.items[key] for key in reasons}, later, probe=False)
        finally:
            self.sent.add(later)

    def _give_up(self, reasons: Mapping[Key, Problem | CgcError]) -> None:
        """Count what certainly did not start, and will not in this attempt, as refused or, with its call, as unsent."""
        for key, why in reasons.items():
            del self.sent.uncertain[key]
            if isinstance(why, Problem) and not why.made_here:
                self.sent.refused[key] = why
                continue
            self.sent.unsent.append(key)
            self.sent.stopped = self.sent.stopped or str(why)
            if isinstance(why, CgcError):
                self.sent.error = self.sent.error or why

    def _base(self, item: Item) -> ItemOutcome:
        return ItemOutcome(
            file=item.file,
            location=item.location,
            volume=item.volume,
            properties=(dict(self._order.properties) or None) if item.properties is None else item.properties,
            state=ItemState.SUBMITTED,
            size=item.size,
            location_template=None if item.location else item.location_template or self._order.template.text,
        )

    def _unfit(self, base: ItemOutcome, problem: Problem) -> ItemOutcome:
        state = ItemState.SKIPPED if self._order.skips(problem) else ItemState.FAILED
        return replace(base, state=state, code=problem.code, message=problem.message)

    def _outcome(self, key: Key, item: Item, *, unsent: bool) -> ItemOutcome:
        base = self._base(item)
        if key in self._work.skipped:
            return replace(base, state=ItemState.SKIPPED, message=ALREADY_THERE)
        if key in self._work.unfit:
            return self._unfit(base, self._work.unfit[key])
        if key in self.sent.started:
            return replace(base, id=self.sent.started[key])
        if key in self.sent.refused:
            return self._unfit(base, self.sent.refused[key])
        if key in self.sent.uncertain:
            return replace(base, message=str(self.sent.uncertain[key]))
        if key in self.sent.held:
            return replace(base, state=ItemState.UNSENT, message=f"not sent: {self.sent.held[key]}")
        decision = self._work.decisions.get(key)
        if unsent or decision is None:
            return replace(base, state=ItemState.UNSENT, message=f"not sent: {self.sent.stopped or 'no attempt yet'}")
        if decision.job_id is not None and decision.action is not Action.SEND:
            return replace(base, id=decision.job_id, message=None)
        if decision.action is Action.DONE:
            return replace(base, state=ItemState.COMPLETED, message=decision.why)
        return base

    def _worklist(self) -> Worklist:
        return Worklist(self._client, self._order, self._placed, say=self._say, clock=self._clock, sleep=self._sleep)
