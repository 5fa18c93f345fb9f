"""The plan of an order: one decision for each item, from the record of earlier attempts and the state of the platform.

The ledger and the jobs that it names come first (see `resume`); then objects that are already where results should go,
and unfinished jobs of the same user's other runs for the same items.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_provider_cgc.client.errors.problem import Problem, as_sentence
from airflow_provider_cgc.jobs.submitting.items import listed
from airflow_provider_cgc.jobs.submitting.resume import Action, Decision, decide_all
from airflow_provider_cgc.jobs.submitting.search import SETTLING, elsewhere

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_cgc.jobs.submitting.items import Key
    from airflow_provider_cgc.jobs.submitting.ledger import Ledger
    from airflow_provider_cgc.jobs.submitting.order import Order, Standing, Unfit

OTHERWISE = "job {job} of another run is the same {kind} ({item}), {why}"
_WORDS = {
    Action.SEND: "to be sent",
    Action.DONE: "done already",
    Action.ADOPT: "under way already",
    Action.LOST: "that failed and cannot succeed by themselves",
    Action.UNCERTAIN: "uncertain",
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
        self.skipped: set[Key] = set()
        """Items whose wanted result exists already."""
        self.unfit: dict[Key, Problem] = {}
        """Items for which no job can be started, and why; some of them may be skipped."""
        self.in_the_way: dict[Key, Problem] = {}
        """Items that are not sent, because something else is where their result should go."""
        self.blocked: dict[Key, Problem] = {}
        """Items that seem to be done, but not as wanted; sending them again would not help."""
        self.held: dict[Key, str] = {}
        """Items that are not sent for now, and why: a job of another run does nearly the same."""
        self._again = False
        self._now: datetime | None = None
        self._refused_before: set[Key] = set()

    def decide(self, ledger: Ledger, *, again: bool, now: datetime) -> None:
        """
        Decide what to do with each item; `again` means that this try has decided before.

        `now` is the platform's clock.

        :raises UncertainJobs: nothing was sent; jobs of an earlier attempt continue.
        :raises BadItems: with the problems of items that are still to be sent; this attempt has sent nothing.
        """
        self._again, self._now = again, now
        self._refused_before = {key for key in self._order.keys if ledger.past(key).refused}
        self.decisions = self.look_for(self._order.keys, ledger)
        if self._order.skips_existing:
            self.skip_what_is_there([key for key, one in self.decisions.items() if self._is_open_or_blocked(one)])
        found = {*self.skipped, *self.in_the_way}
        unsure = {
            key: one for key, one in self.decisions.items() if one.action is Action.UNCERTAIN and key not in found
        }
        if unsure:
            raise UncertainJobs(self._why_uncertain(unsure))
        self._doubt_what_was_found(ledger)
        self._believe_what_is_there()
        if self._order.verify:
            self._doubt_what_needed_no_job()
        if self._order.verify and ledger.cleared:
            self._doubt_what_is_gone()
        self._join_what_runs()
        self._set_unfit_apart()
        for line in self._order.skipped(len(self.skipped)) if self.skipped else ():
            self._log_info(line)
        kept_apart = {*self.held, *self.blocked, *self.skipped, *self.in_the_way}
        ledger.adopted(
            {
                key: one.job_id
                for key, one in self.decisions.items()
                if key not in kept_apart
                and one.job_id
                and ledger.past(key).job_id != one.job_id
                and one.action is not Action.SEND
            }
        )

    def look_for(self, keys: Iterable[Key], ledger: Ledger) -> dict[Key, Decision]:
        """Decide by the ledger and the platform's jobs alone; sleeps between two looks at the list of jobs."""

        def patient(seconds: float) -> None:
            self._log_info(
                f"Jobs may appear late in the platform's list, up to {SETTLING:.0f} s: looking once more in"
                f" {seconds:.0f} s."
            )
            self._sleep(seconds)

        return decide_all(self._order, keys, ledger, clock=self._clock, sleep=patient, again=self._again, now=self._now)

    def skip_what_is_there(self, keys: Collection[Key]) -> None:
        """
        Skip items whose wanted result exists already; note the others that are blocked as "in the way".

        Their jobs do not matter: nothing has to be done for a result that exists.
        """
        for key, standing in self._order.there(keys).items():
            if standing.fits:
                self.skipped.add(key)
            else:
                self.in_the_way[key] = standing.problem

    def to_send(self) -> list[Key]:
        """Return the items to send; those that were refused before come last, to use up the tolerance last."""
        kept_back = {*self.skipped, *self.in_the_way, *self.held, *self.unfit}
        keys = [key for key in self._keys(Action.SEND) if key not in kept_back]
        return sorted(keys, key=lambda key: key in self._refused_before)

    def obstacles(self) -> list[Key]:
        """Return the items with something in the way: another object, or one that may not be replaced."""
        to_send = self.to_send()
        there = self._order.there(to_send)
        return [key for key in (*self.in_the_way, *to_send) if key in self.in_the_way or key in there]

    def counts(self) -> dict[str, int]:
        """Count the items that would be sent, would be skipped, cannot be started, and are done or under way."""
        to_send = len(self.to_send())
        unfit_skipped = sum(map(self._order.skips, self.problems()))
        skipped, unfit = len(self.skipped) + unfit_skipped, len(self.problems()) - unfit_skipped
        apart = len(self.held.keys() | self.blocked.keys() | self.in_the_way.keys())
        settled = len(self._order.keys) + len(self._order.unplaced) - to_send - skipped - unfit - apart
        return {"to_send": to_send, "skipped": skipped, self._order.unfit: unfit, "settled": settled}

    def problems(self) -> list[Problem]:
        """Return the problem of each item for which no job can be started."""
        return [*(one.problem for one in self._order.unplaced), *self.unfit.values()]

    def words(self) -> Counter[str]:
        """Count the items by the words for what would be done with them."""
        return Counter(self._word(key, one) for key, one in self.decisions.items()) + Counter(
            self._word_about(one.problem) for one in self._order.unplaced
        )

    def _word(self, key: Key, decision: Decision) -> str:
        if key in self.skipped:
            return "to be skipped, they are there already"
        if key in self.unfit:
            return self._word_about(self.unfit[key])
        if key in self.blocked:
            return "done already, but not as they should be"
        if key in self.held:
            return "held back, a job of another run has other settings"
        return "with something else in the way" if key in self.in_the_way else _WORDS[decision.action]

    def _word_about(self, problem: Problem) -> str:
        return (
            f"to be skipped, {self._order.why_skipped}" if self._order.skips(problem) else f"that {self._order.cannot}"
        )

    def _keys(self, action: Action) -> list[Key]:
        return [key for key, one in self.decisions.items() if one.action is action]

    def _is_open_or_blocked(self, decision: Decision) -> bool:
        blocked = decision.job is not None and self._order.was_taken(decision.job)
        return decision.action is Action.SEND or blocked

    def _join_what_runs(self) -> None:
        """Take over jobs of other runs that do the same; hold back items for which such a job does it otherwise."""
        joined = []
        for key, job in elsewhere(self._order, set(self.to_send()), log_info=self._log_info).items():
            if why := self._order.not_joined(key, job):
                self.held[key] = self._otherwise(key, job.id, why)
            else:
                self.decisions[key] = Decision(Action.ADOPT, f"job {job.id} is under way", job.id, job)
                joined.append(job)
        for line in self._order.joined(joined):
            self._log_info(line)

    def _doubt_what_was_found(self, ledger: Ledger) -> None:
        """Check jobs that were found only in the platform's list: those with other settings do not count."""
        for key, one in self.decisions.items():
            if one.job is None or one.job_id == ledger.past(key).job_id:
                continue
            why = self._order.unlike(key, one.job)
            if why and one.action is Action.ADOPT:
                self.held[key] = self._otherwise(key, one.job_id, why)
            elif why and one.action is Action.DONE:
                self.blocked[key] = Problem(None, None, f"Job {one.job_id} has done it {why}.", made_here=True)

    def _otherwise(self, key: Key, job_id: str | None, why: str) -> str:
        return OTHERWISE.format(job=job_id, kind=self._kind.name, item=self._order.describe(key), why=why)

    def _set_unfit_apart(self) -> None:
        """
        Find the items for which no job can be started.

        :raises BadItems: if the order has a problem as a whole, or more such items than may fail.
        """
        unfit, common = self._order.problems(self.to_send())
        self.unfit = {key: one.problem for key, one in unfit.items()}
        everything = [*self._order.unplaced, *unfit.values()]
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
        if not self._order.believes_what_is_there:
            return
        forgotten = [key for key in self._keys(Action.SEND) if self.decisions[key].forgotten]
        for key, standing in self._order.there(forgotten).items():
            if standing.proven:
                why = f"{self.decisions[key].why}, and the result is there"
                self.decisions[key] = Decision(Action.DONE, why)

    def _doubt_what_needed_no_job(self) -> None:
        """Report items that were done before and whose result is gone: no job of this attempt would show it."""
        done = [key for key in self._keys(Action.DONE) if self.decisions[key].job_id is None]
        there = self._order.there(done)
        for key in done:
            if not _fits(there.get(key)):
                self.blocked[key] = Problem(None, None, self._order.gone, made_here=True)

    def _doubt_what_is_gone(self) -> None:
        """Send items again whose job COMPLETED and whose result is gone; that is why the task was cleared."""
        done = [key for key in self._keys(Action.DONE) if self.decisions[key].job_id is not None]
        there = self._order.there(done)
        for key in done:
            if not _fits(there.get(key)):
                whole = ", or not whole" if key in there else ""
                self.decisions[key] = Decision(
                    Action.SEND, f"{self.decisions[key].why}, but the result is not there{whole}"
                )
                self.blocked.pop(key, None)

    def _why_uncertain(self, unsure: Mapping[Key, Decision]) -> str:
        key, decision = next(iter(unsure.items()))
        return (
            f"It is not known whether an earlier attempt started {self._kind.count(len(unsure))}, such as"
            f" {self._order.describe(key)} ({decision.why}). Nothing was sent, because that could {self._order.twice}."
            f" Look at {self._order.where_results_are}, then clear the task to look again, or set resume=False to"
            f" start all {self._kind.plural} anew (below Airflow 3.3 with a manifest_path)."
        )


def _fits(standing: Standing | None) -> bool:
    return standing is not None and standing.fits
