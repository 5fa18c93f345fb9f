"""The plan of an order: one decision for each item, by what earlier attempts have left and others do.

The ledger and the jobs that it leads to come first (see `resume`); then what stands where results should go, and what
other runs of the same user have under way for the same items just now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_provider_cgc.client.errors.problem import Problem, as_sentence
from airflow_provider_cgc.jobs.submitting.items import listed
from airflow_provider_cgc.jobs.submitting.resume import Action, Decision, decide_all
from airflow_provider_cgc.jobs.submitting.search import SETTLING, under_way

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
    """Of some items nobody can tell if a job of an earlier attempt runs; sending them could do it twice."""


class Plan:
    """
    The decisions about the items of an order; sends nothing itself.

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
        """Items whose result stands there as wanted."""
        self.unfit: dict[Key, Problem] = {}
        """Items for which no job can be started, and why; some of them may be passed over."""
        self.in_the_way: dict[Key, Problem] = {}
        """Items that are not sent although they should be, because something else is where their result should go."""
        self.blocked: dict[Key, Problem] = {}
        """Items that seem to be done, and are not as they should be; sending them again would not help."""
        self.held: dict[Key, str] = {}
        """Items that are not sent for now, and why: a job of another run does nearly the same."""
        self._again = False
        self._now: datetime | None = None
        self._refused_before: set[Key] = set()

    def decide(self, ledger: Ledger, *, again: bool, now: datetime) -> None:
        """
        Settle what has to be done with each item; `again` tells that it is not the first time in this try.

        `now` is the platform's clock.

        :raises UncertainJobs: nothing was sent, and what an earlier attempt has sent goes on.
        :raises BadItems: with what is wrong with items that are still to be sent; this attempt has sent nothing.
        """
        self._again, self._now = again, now
        self._refused_before = {key for key in self._order.keys if ledger.past(key).refused}
        self.decisions = self.look_for(self._order.keys, ledger)
        if self._order.skips_existing:
            self.skip_what_is_there([key for key, one in self.decisions.items() if self._is_open_or_blocked(one)])
        settled = {*self.skipped, *self.in_the_way}
        unsure = {
            key: one for key, one in self.decisions.items() if one.action is Action.UNCERTAIN and key not in settled
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
        """Decide by the ledger and by the platform's jobs alone; waits where its list has to settle first."""

        def patient(seconds: float) -> None:
            self._log_info(
                "Jobs may show late in the platform's list: looking once more in"
                f" {seconds:.0f} s of the {SETTLING:.0f} s that are given to them."
            )
            self._sleep(seconds)

        return decide_all(self._order, keys, ledger, clock=self._clock, sleep=patient, again=self._again, now=self._now)

    def skip_what_is_there(self, keys: Collection[Key]) -> None:
        """
        Skip items whose result is there already as wanted; set the others apart as "in the way".

        What jobs have come to, or do just now, does not matter: nothing is to be done about what is there.
        """
        for key, standing in self._order.there(keys).items():
            if standing.fits:
                self.skipped.add(key)
            else:
                self.in_the_way[key] = standing.problem

    def to_send(self) -> list[Key]:
        """Return what is to be sent; what was refused before comes last, or it would use up what the task tolerates."""
        kept_back = {*self.skipped, *self.in_the_way, *self.held, *self.unfit}
        keys = [key for key in self._keys(Action.SEND) if key not in kept_back]
        return sorted(keys, key=lambda key: key in self._refused_before)

    def obstacles(self) -> list[Key]:
        """Return the items where something stands that is not the wanted result, or may not be replaced."""
        to_send = self.to_send()
        there = self._order.there(to_send)
        return [key for key in (*self.in_the_way, *to_send) if key in self.in_the_way or key in there]

    def counts(self) -> dict[str, int]:
        """Return how many items would be sent, how many skipped, how many would fail unsent, and how many are done."""
        to_send = len(self.to_send())
        passed_over = sum(map(self._order.skips, self.problems()))
        skipped, unfit = len(self.skipped) + passed_over, len(self.problems()) - passed_over
        apart = len(self.held.keys() | self.blocked.keys() | self.in_the_way.keys())
        settled = len(self._order.keys) + len(self._order.unplaced) - to_send - skipped - unfit - apart
        return {"to_send": to_send, "skipped": skipped, self._order.unfit: unfit, "settled": settled}

    def problems(self) -> list[Problem]:
        """Return what is wrong with each item for which no job can be started."""
        return [*(one.problem for one in self._order.unplaced), *self.unfit.values()]

    def words(self) -> Counter[str]:
        """Return how often which words say what would be done with an item."""
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
            return "that a job of another run does otherwise just now"
        return "with something else in the way" if key in self.in_the_way else _WORDS[decision.action]

    def _word_about(self, problem: Problem) -> str:
        return (
            f"to be skipped, {self._order.passed_over}" if self._order.skips(problem) else f"that {self._order.cannot}"
        )

    def _keys(self, action: Action) -> list[Key]:
        return [key for key, one in self.decisions.items() if one.action is action]

    def _is_open_or_blocked(self, decision: Decision) -> bool:
        blocked = decision.job is not None and self._order.was_taken(decision.job)
        return decision.action is Action.SEND or blocked

    def _join_what_runs(self) -> None:
        """Wait for jobs that do the same for another run or Dag; send nothing beside those that do not quite."""
        joined = []
        for key, job in under_way(self._order, set(self.to_send()), log_info=self._log_info).items():
            if why := self._order.not_joined(key, job):
                self.held[key] = self._otherwise(key, job.id, why)
            else:
                self.decisions[key] = Decision(Action.ADOPT, f"job {job.id} is under way", job.id, job)
                joined.append(job)
        for line in self._order.joined(joined):
            self._log_info(line)

    def _doubt_what_was_found(self, ledger: Ledger) -> None:
        """Keep apart what the platform's list shows and no record names, and what is not as it was asked for."""
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
        Set the items apart for which no job can be started.

        :raises BadItems: if something is wrong with all of it, or with more items than may fail.
        """
        unfit, common = self._order.problems(self.to_send())
        self.unfit = {key: one.problem for key, one in unfit.items()}
        everything = [*self._order.unplaced, *unfit.values()]
        self._order.refuse(everything, common)
        self._tell_what_is_unfit(everything)

    def _tell_what_is_unfit(self, unfit: Sequence[Unfit]) -> None:
        count = self._kind.count(len(self._order.items))
        passed_over = [one for one in unfit if self._order.skips(one.problem)]
        failing = [one for one in unfit if not self._order.skips(one.problem)]
        if passed_over:
            first = f"{passed_over[0].name}: {as_sentence(passed_over[0].problem.message)}"
            self._log_info(f"{len(passed_over)} of {count} skipped, {self._order.passed_over}, such as {first}")
        if failing:
            self._log_info(f"{len(failing)} of {count} cannot be started and count as failed:")
        for line in listed(self._order.sentences(failing)):
            self._log_info(line)

    def _believe_what_is_there(self) -> None:
        """Count as done what certainly is the wanted result, where the platform has forgotten its job."""
        if not self._order.believes_what_is_there:
            return
        forgotten = [key for key in self._keys(Action.SEND) if self.decisions[key].forgotten]
        for key, standing in self._order.there(forgotten).items():
            if standing.proven:
                why = f"{self.decisions[key].why}, and the result is there"
                self.decisions[key] = Decision(Action.DONE, why)

    def _doubt_what_needed_no_job(self) -> None:
        """Tell of what was done before, and is not there any more: no job of this attempt would show it."""
        done = [key for key in self._keys(Action.DONE) if self.decisions[key].job_id is None]
        there = self._order.there(done)
        for key in done:
            if not _fits(there.get(key)):
                self.blocked[key] = Problem(None, None, self._order.gone, made_here=True)

    def _doubt_what_is_gone(self) -> None:
        """Send again what a job of ours has done and is not there as wanted; who clears the task wants it so."""
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
            f"Of {self._kind.count(len(unsure))} it cannot be told if an earlier attempt started them, such as"
            f" {self._order.describe(key)} ({decision.why}). Nothing was sent, because that could {self._order.twice}."
            f" Look at {self._order.where_results_are}, then clear the task to look again, or set resume=False to"
            f" start all {self._kind.plural} anew (below Airflow 3.3 with a manifest_path)."
        )


def _fits(standing: Standing | None) -> bool:
    return standing is not None and standing.fits
