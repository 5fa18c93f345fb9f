"""The plan of an order: one decision for each item, from the record of earlier attempts and the state of the platform.

The ledger and the jobs that it names come first (see `resume`); then objects that are already where results should go,
and unfinished jobs of the same user's other runs for the same items.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_cgc.client.errors.problem import Problem, as_sentence
from airflow_provider_cgc.jobs.submitting.items import listed
from airflow_provider_cgc.jobs.submitting.resume import Action, Decision, decide_all
from airflow_provider_cgc.jobs.submitting.search import SETTLING, elsewhere

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_cgc.jobs.kinds import JobKind
    from airflow_provider_cgc.jobs.submitting.items import Key
    from airflow_provider_cgc.jobs.submitting.ledger import Ledger
    from airflow_provider_cgc.jobs.submitting.order import Order
    from airflow_provider_cgc.jobs.submitting.unfit import Unfit


class Words(NamedTuple):
    """The words for the items of one action, after their number; in braces, those of the order."""

    planned: str
    """In a dry run."""
    logged: str
    """In the log, once all is sent; "" if the results of sending tell more."""


WORDS = {
    Action.SEND: Words("to be sent", ""),
    Action.ADOPT: Words("under way already", "under way already and taken over"),
    Action.DONE: Words("done already", "done already"),
    Action.GIVE_UP: Words("that failed and cannot succeed by themselves", "failed before and not sent again"),
    Action.SKIP: Words("to be skipped, they are there already", "skipped, they are there already"),
    Action.NEEDLESS: Words("to be skipped, {why}", "skipped, {why}"),
    Action.UNFIT: Words("that {cannot}", "not sent because they {cannot}"),
    Action.IN_THE_WAY: Words("with something else in the way", "not sent because something else is in the way"),
    Action.WRONG: Words("done already, but not as they should be", "done already, but not as they should be"),
    Action.HOLD: Words("held back, a job of another run has other settings", "left to a job of another run for now"),
}
"""In the order of the log. A plan with an item that is UNCERTAIN is not carried out."""


LISTED = (Action.SEND, Action.ADOPT, Action.GIVE_UP, Action.IN_THE_WAY, Action.WRONG, Action.HOLD)
"""The actions of items that are not over: a dry run lists them, so that the task that sends its manifest takes over
their jobs, or fails. Nothing is left to do for the others, or nothing can be done."""


def counts_of(tally: Counter[Action], kind: JobKind) -> dict[str, int]:
    """
    Count the items that would be sent, would be skipped, cannot be started, and are done or under way.

    `under_way` are those of the `settled` ones whose jobs have not ended; `failing` are those that failed for good, are
    done wrongly, or are held back by a job of another run.
    """
    return {
        "to_send": tally[Action.SEND],
        "skipped": tally[Action.SKIP] + tally[Action.NEEDLESS],
        kind.unfit_key: tally[Action.UNFIT],
        "settled": tally[Action.DONE] + tally[Action.ADOPT],
        "under_way": tally[Action.ADOPT],
        "failing": tally[Action.GIVE_UP] + tally[Action.WRONG] + tally[Action.HOLD],
    }


class UncertainJobs(Exception):
    """A job of an earlier attempt may run for some items, and nobody can tell; sending them could start it twice."""


class Plan:
    """
    The decisions about the items of an order; nothing is sent here.

    :param log_info: takes a line to log.
    """

    def __init__(
        self,
        order: Order,
        *,
        log_info: Callable[[str], object],
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._order = order
        self._kind = order.kind
        self._log_info = log_info
        self._clock = clock
        self._sleep = sleep
        self.decisions: dict[Key, Decision] = {}
        """One for each item with a key, in the items' order; empty before `decide`."""
        self.has_joined = False
        """A job of another run was taken over."""
        self._later_poke = False
        self._now: datetime | None = None
        self._refused_before: set[Key] = set()

    def decide(self, ledger: Ledger, *, later_poke: bool, now: datetime) -> None:
        """
        Decide about each item; `later_poke`: this try has decided before, in another process.

        `now` is the platform's clock.

        :raises UncertainJobs: nothing was sent; jobs of an earlier attempt continue.
        :raises BadItems: with the problems of items that are still to be sent; this attempt has sent nothing.
        """
        self._later_poke, self._now = later_poke, now
        self._refused_before = {key for key in self._order.keys if ledger.past(key).refused}
        self.decisions = self.decide_by_jobs(self._order.keys, ledger)
        if self._order.skips_existing:
            self.skip_what_is_there([key for key, one in self.decisions.items() if self._may_be_there(one)])
        self._refuse_uncertain()
        if self._order.believes_what_is_there:
            self._believe_what_is_there()
        if self._order.verify:
            self._doubt_what_is_gone(cleared=ledger.cleared)
        self._doubt_what_was_found(ledger)
        self._join_what_runs()
        self._set_unfit_apart()
        skipped = self.tally()[Action.SKIP]
        for line in self._order.skipped(skipped) if skipped else ():
            self._log_info(line)
        found = {key: one.job_id for key, one in self.decisions.items() if one.job_id}
        ledger.adopted({key: job_id for key, job_id in found.items() if ledger.past(key).job_id != job_id})

    def decide_by_jobs(self, keys: Iterable[Key], ledger: Ledger) -> dict[Key, Decision]:
        """Decide by the ledger and the platform's jobs alone; sleeps between two looks at the list of jobs."""

        def patient(seconds: float) -> None:
            self._log_info(
                f"Jobs may appear late in the platform's list, up to {SETTLING:.0f} s: looking once more in"
                f" {seconds:.0f} s."
            )
            self._sleep(seconds)

        return decide_all(
            self._order, keys, ledger, clock=self._clock, sleep=patient, later_poke=self._later_poke, now=self._now
        )

    def skip_what_is_there(self, keys: Collection[Key]) -> list[Key]:
        """
        Skip items whose wanted result exists already, and those with something else in the way; return both.

        Their jobs do not matter: nothing has to be done for a result that exists.
        """
        there = self._order.there(keys)
        for key, standing in there.items():
            if standing.fits:
                self.decisions[key] = Decision(Action.SKIP, "the result is there already")
            else:
                self._end(key, Action.IN_THE_WAY, standing.problem)
        return list(there)

    def keys(self, *actions: Action) -> list[Key]:
        """Return the items with one of these actions, in their order."""
        return [key for key, one in self.decisions.items() if one.action in actions]

    def to_send(self) -> list[Key]:
        """Return the items to send; those that were refused before come last, to use up the tolerance last."""
        return sorted(self.keys(Action.SEND), key=lambda key: key in self._refused_before)

    def obstacles(self) -> list[Key]:
        """Return the items with something in the way: another object, or one that may not be replaced."""
        to_send = self.to_send()
        there = self._order.there(to_send)
        return [*self.keys(Action.IN_THE_WAY), *(key for key in to_send if key in there)]

    def tally(self) -> Counter[Action]:
        """Count the items by their action, also those without a key."""
        keyless = [self._action_for(one.problem) for one in self._order.keyless]
        return Counter([*(one.action for one in self.decisions.values()), *keyless])

    def failed(self) -> int:
        """Count the items that fail without a job; those whose job FAILED before hold no others up."""
        tally = self.tally()
        return tally[Action.UNFIT] + tally[Action.IN_THE_WAY] + tally[Action.WRONG]

    def held(self) -> list[str]:
        """Return the reason for each item that is not sent for now: a job of another run does nearly the same."""
        return [self.decisions[key].why for key in self.keys(Action.HOLD)]

    def planned(self) -> list[str]:
        """Say in the words of a dry run how many items there are of each action, in the items' order."""
        return [f"{count} {self._in_words(WORDS[action].planned)}" for action, count in self.tally().items()]

    def logged(self) -> list[str]:
        """Say in the words of the log how many items there are of each action, but for those that were sent."""
        tally = self.tally()
        return [
            f"{tally[action]} {self._in_words(words.logged)}"
            for action, words in WORDS.items()
            if words.logged and tally[action]
        ]

    def _in_words(self, words: str) -> str:
        return words.format(why=self._order.why_skipped, cannot=self._order.cannot)

    def _end(self, key: Key, action: Action, problem: Problem) -> None:
        self.decisions[key] = Decision(action, problem.message, problem=problem)

    def _action_for(self, problem: Problem) -> Action:
        """Return the action for an item with a problem for which no job can be started."""
        return Action.NEEDLESS if self._order.skips(problem) else Action.UNFIT

    def _may_be_there(self, decision: Decision) -> bool:
        return decision.action is Action.SEND or (decision.job is not None and self._order.was_taken(decision.job))

    def _join_what_runs(self) -> None:
        """Take over jobs of other runs that do the same; hold back items for which such a job has other settings."""
        joined = []
        for key, job in elsewhere(self._order, set(self.to_send()), log_info=self._log_info).items():
            if why := self._order.not_joined(key, job):
                self._hold(key, job.id, why)
            else:
                self.decisions[key] = Decision(Action.ADOPT, f"job {job.id} is under way", job.id, job)
                joined.append(job)
        self.has_joined = bool(joined)
        for line in self._order.joined(joined):
            self._log_info(line)

    def _doubt_what_was_found(self, ledger: Ledger) -> None:
        """Check jobs that were found only in the platform's list: those with other settings do not count."""
        for key, one in self.decisions.items():
            if one.job is None or one.job_id == ledger.past(key).job_id:
                continue
            why = self._order.unlike(key, one.job)
            if why and one.action is Action.ADOPT:
                self._hold(key, one.job.id, why)
            elif why and one.action is Action.DONE:
                problem = Problem(None, None, f"Job {one.job_id} has done it {why}.", made_here=True)
                self._end(key, Action.WRONG, problem)

    def _hold(self, key: Key, job_id: str, why: str) -> None:
        item = self._order.describe(key)
        reason = f"job {job_id} of another run is the same {self._kind.name} ({item}), {why}"
        self.decisions[key] = Decision(Action.HOLD, reason)

    def _set_unfit_apart(self) -> None:
        """
        Find the items for which no job can be started.

        :raises BadItems: if the order has a problem as a whole, or more such items than may fail.
        """
        unfit, common = self._order.problems(self.to_send())
        for key, one in unfit.items():
            self._end(key, self._action_for(one.problem), one.problem)
        everything = [*self._order.keyless, *unfit.values()]
        self._order.refuse(everything, common)
        self._log_unfit(everything)

    def _log_unfit(self, unfit: Sequence[Unfit]) -> None:
        count = self._kind.count(len(self._order.items))
        skipped = [one for one in unfit if self._order.skips(one.problem)]
        failing = [one for one in unfit if not self._order.skips(one.problem)]
        if skipped:
            first = f"{skipped[0].name}: {as_sentence(skipped[0].problem.message)}"
            self._log_info(f"{len(skipped)} of {count} skipped, {self._order.why_skipped}, such as {first}")
        if failing:
            self._log_info(f"{len(failing)} of {count} cannot be started and count as failed:")
        for line in listed(self._order.sentences(failing)):
            self._log_info(line)

    def _believe_what_is_there(self) -> None:
        """Count items as done whose result certainly exists, if the platform has forgotten their job."""
        forgotten = [key for key in self.keys(Action.SEND) if self.decisions[key].forgotten]
        for key, standing in self._order.there(forgotten).items():
            if standing.proven:
                why = f"{self.decisions[key].why}, and the result is there"
                self.decisions[key] = Decision(Action.DONE, why)

    def _doubt_what_is_gone(self, *, cleared: bool) -> None:
        """
        Look for the results of items that were done without a job of this task, which nothing else would check.

        If the task was cleared, perhaps because of that, items whose job COMPLETED and whose result is gone are sent
        again.
        """
        done = [key for key in self.keys(Action.DONE) if cleared or self.decisions[key].job_id is None]
        there = self._order.still_there({key: self.decisions[key].job for key in done})
        for key in done:
            if key in there:
                continue
            if self.decisions[key].job_id is None:
                self._end(key, Action.WRONG, Problem(None, None, self._order.gone, made_here=True))
            else:
                self.decisions[key] = Decision(Action.SEND, "its result is not there any more")

    def _refuse_uncertain(self) -> None:
        """
        Refuse the order if a job of an earlier attempt may run for an item.

        :raises UncertainJobs: always then.
        """
        unsure = self.keys(Action.UNCERTAIN)
        if not unsure:
            return
        raise UncertainJobs(
            f"It is not known whether an earlier attempt started {self._kind.count(len(unsure))}, such as"
            f" {self._order.describe(unsure[0])} ({self.decisions[unsure[0]].why}). Nothing was sent, because that"
            f" could {self._order.twice}. Look at {self._order.where_results_are}, then clear the task to look again,"
            f" or set resume=False to start all {self._kind.plural} anew (below Airflow 3.3 with a manifest_path)."
        )
