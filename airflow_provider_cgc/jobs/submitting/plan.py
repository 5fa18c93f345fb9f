"""What is left to do of an order: one decision for each item, by what earlier attempts have left and others do.

The ledger and the jobs that it leads to come first (see `resume`); then what the volume shows, and what other runs of
the same user export to the same places just now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_provider_cgc.client.errors.codes import LOCATION_TAKEN
from airflow_provider_cgc.client.errors.problem import Problem, as_sentence
from airflow_provider_cgc.jobs.exports.locations import named
from airflow_provider_cgc.jobs.exports.problems import Unfit, common_problems, sentences, unfit_items
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.objects import sizes_of
from airflow_provider_cgc.jobs.submitting.items import listed
from airflow_provider_cgc.jobs.submitting.resume import Action, Decision, plan
from airflow_provider_cgc.jobs.submitting.search import SETTLING, under_way

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.models import ExportJob
    from airflow_provider_cgc.jobs.exports.item import Item
    from airflow_provider_cgc.jobs.exports.order import Order, Placed
    from airflow_provider_cgc.jobs.submitting.ledger import Ledger
    from airflow_provider_cgc.jobs.submitting.search import Key

OTHER_OBJECT = (
    "An object of {there} bytes is there, and the file has {wanted} bytes: it is another one, or the file has changed;"
    ' set if_exists="overwrite", or give another location.'
)
GONE = "The file is an alias of this object, but the object is not on the volume, or not whole; put it back there."
OTHERWISE = "job {job} of another run exports file {file} to the same place, {why}"
_WORDS = {
    Action.SEND: "to be sent",
    Action.DONE: "done already",
    Action.ADOPT: "under way already",
    Action.LOST: "that failed and cannot succeed by themselves",
    Action.UNCERTAIN: "uncertain",
}


class UncertainExports(Exception):
    """Of some items nobody can tell if a job of an earlier attempt runs; sending them could move a file twice."""


class Worklist:
    """
    The decisions about the items of an order; sends nothing itself.

    :param placed: the items, each with its place.
    :param say: takes a line to log.
    """

    def __init__(
        self,
        client: CgcClient,
        order: Order,
        placed: Placed,
        *,
        say: Callable[[str], object],
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._client = client
        self._order = order
        self._facts = placed.facts
        self._unplaced = placed.unplaced
        self._say = say
        self._clock = clock
        self._sleep = sleep
        self.items: dict[Key, Item] = placed.items
        self.decisions: dict[Key, Decision] = {}
        self.skipped: set[Key] = set()
        """What is on the volume as wanted."""
        self.unfit: dict[Key, Problem] = {}
        """Items that cannot be exported, and why; aliases among them may be skipped."""
        self.in_the_way: dict[Key, Problem] = {}
        """What is not sent although it should be, because another object is where it should go."""
        self.blocked: dict[Key, Problem] = {}
        """What seems to be done, and is not as it should be; sending it again would not help."""
        self.held: dict[Key, str] = {}
        """What is not sent for now, and why: a job of another run does nearly the same."""
        self._again = False
        self._now: datetime | None = None
        self._refused_before: set[Key] = set()

    def decide(self, ledger: Ledger, *, again: bool, now: datetime) -> None:
        """
        Settle what has to be done with each item; `again` tells that it is not the first time in this try.

        `now` is the platform's clock.

        :raises UncertainExports: nothing was sent, and what an earlier attempt has sent goes on.
        :raises BadItems: with what is wrong with items that are still to be sent; this attempt has sent nothing.
        """
        self._again, self._now = again, now
        self._refused_before = {key for key in self.items if ledger.past(key).refused}
        self.decisions = self.look_for(self.items, ledger)
        if self._order.if_exists == "skip":
            self.skip_what_is_there([key for key, one in self.decisions.items() if _is_open_or_blocked(one)])
        settled = {*self.skipped, *self.in_the_way}
        unsure = {
            key: one for key, one in self.decisions.items() if one.action is Action.UNCERTAIN and key not in settled
        }
        if unsure:
            raise UncertainExports(_told(unsure))
        self._doubt_what_was_found(ledger)
        self._believe_the_volume()
        if self._order.verify:
            self._doubt_aliases()
        if self._order.verify and ledger.cleared:
            self._doubt_what_is_gone()
        self._join_what_runs()
        self._set_unfit_apart()
        if self.skipped and not self._order.copy_only:
            count = EXPORT.count(len(self.skipped))
            self._say(f"Not moved: {count}, because the objects are there already; the platform keeps its files.")
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
            self._say(
                "Jobs may show late in the platform's list: looking once more in"
                f" {seconds:.0f} s of the {SETTLING:.0f} s that are given to them."
            )
            self._sleep(seconds)

        return plan(
            keys,
            ledger,
            bulk_get=self._client.exports.bulk_get,
            pages=lambda volume, offset: self._client.exports.page(volume=volume, offset=offset),
            files=self._facts.files,
            clock=self._clock,
            sleep=patient,
            again=self._again,
            now=self._now,
        )

    def skip_what_is_there(self, keys: Collection[Key]) -> None:
        """
        Skip items whose object is there already with the right size; set the others apart as "in the way".

        What jobs have come to, or do just now, does not matter: nothing is to be done about an object that is there.
        """
        for key, size in sizes_of(self._client, keys).items():
            if self._fits(key, size):
                self.skipped.add(key)
            else:
                text = OTHER_OBJECT.format(there=size, wanted=self.items[key].size)
                self.in_the_way[key] = Problem(409, LOCATION_TAKEN, text, made_here=True)

    def to_send(self) -> list[Key]:
        """Return what is to be sent; what was refused before comes last, or it would use up what the task tolerates."""
        kept_back = {*self.skipped, *self.in_the_way, *self.held, *self.unfit}
        keys = [key for key in self._keys(Action.SEND) if key not in kept_back]
        return sorted(keys, key=lambda key: key in self._refused_before)

    def obstacles(self) -> list[str]:
        """Return the locations where an object is that is not the wanted one, or that nobody said may be replaced."""
        to_send = self.to_send()
        there = sizes_of(self._client, to_send)
        return [key.location for key in (*self.in_the_way, *to_send) if key in self.in_the_way or key in there]

    def counts(self) -> dict[str, int]:
        """Return how many items would be sent, how many skipped, how many would fail unsent, and how many are done."""
        to_send = len(self.to_send())
        passed_over = sum(map(self._order.skips, self.problems()))
        skipped, unfit = len(self.skipped) + passed_over, len(self.problems()) - passed_over
        apart = len(self.held.keys() | self.blocked.keys() | self.in_the_way.keys())
        settled = len(self.items) + len(self._unplaced) - to_send - skipped - unfit - apart
        return {"to_send": to_send, "skipped": skipped, "not_exportable": unfit, "settled": settled}

    def problems(self) -> list[Problem]:
        """Return what is wrong with each item that cannot be exported."""
        return [*(one.problem for one in self._unplaced), *self.unfit.values()]

    def words(self) -> Counter[str]:
        """Return how often which words say what would be done with an item."""
        return Counter(self._word(key, one) for key, one in self.decisions.items()) + Counter(
            self._word_about(one.problem) for one in self._unplaced
        )

    def _word(self, key: Key, decision: Decision) -> str:
        if key in self.skipped:
            return "to be skipped, they are there already"
        if key in self.unfit:
            return self._word_about(self.unfit[key])
        if key in self.blocked:
            return "done already, but not as they should be"
        if key in self.held:
            return "that a job of another run just exports otherwise"
        return "with another object in the way" if key in self.in_the_way else _WORDS[decision.action]

    def _word_about(self, problem: Problem) -> str:
        return "to be skipped, they are aliases" if self._order.skips(problem) else "that cannot be exported"

    def _keys(self, action: Action) -> list[Key]:
        return [key for key, one in self.decisions.items() if one.action is action]

    def _fits(self, key: Key, size: int | None) -> bool:
        """Whether an object of this size can be the wanted one."""
        return size is None or self.items[key].size is None or size == self.items[key].size

    def _join_what_runs(self) -> None:
        """Wait for exports that do the same for another run or Dag; send nothing beside those that do not quite."""
        wanted = set(self.to_send())
        replacing: list[str] = []
        for key, job in under_way(self._client, wanted, say=self._say).items():
            if why := self._why_not_joined(key, job):
                self.held[key] = OTHERWISE.format(job=job.id, file=key.file, why=why)
            else:
                self.decisions[key] = Decision(Action.ADOPT, f"job {job.id} is under way", job.id, job)
                replacing += [job.id] if job.overwrite and self._order.if_exists != "overwrite" else []
        if replacing:
            self._say(
                f"{EXPORT.count(len(replacing))} of other runs, such as {replacing[0]}, are under way to the same"
                f" places and replace what is there, although if_exists is {self._order.if_exists!r} here. This task"
                " waits for them: they cannot be cancelled."
            )

    def _why_not_joined(self, key: Key, job: ExportJob) -> str | None:
        """Say why a job of another run will not do for an item; None where it will."""
        if why := self._other_properties(key, job):
            return why
        if self._order.if_exists != "overwrite":
            return None
        if not job.overwrite:
            return "and does not overwrite what is there"
        return (
            None if self._order.recorded else "and only a manifest_path lets a retry know that it counts for this task"
        )

    def _other_properties(self, key: Key, job: ExportJob) -> str | None:
        """Say which of the wanted properties a job does not have."""
        item = self.items[key]
        wanted = dict(self._order.properties if item.properties is None else item.properties)
        told = {name: job.properties.get(name) for name in wanted}
        return None if told == wanted else f"with properties {told} instead of {wanted}"

    def _doubt_what_was_found(self, ledger: Ledger) -> None:
        """Keep apart what the platform's list shows and no record names, and what is not as it was asked for."""
        for key, one in self.decisions.items():
            if one.job is None or one.job_id == ledger.past(key).job_id:
                continue
            why = self._other_properties(key, one.job)
            if why and one.action is Action.ADOPT:
                self.held[key] = OTHERWISE.format(job=one.job_id, file=key.file, why=why)
            elif why and one.action is Action.DONE:
                text = f"Job {one.job_id} has exported it {why}."
                self.blocked[key] = Problem(None, None, text, made_here=True)

    def _set_unfit_apart(self) -> None:
        """
        Set the items apart that cannot be exported.

        :raises BadItems: if something is wrong with all of it, or with more items than may fail.
        """
        to_send = {self.items[key]: key for key in self.to_send()}
        unfit = unfit_items(list(to_send), self._facts)
        self.unfit = {to_send[one.item]: one.problem for one in unfit}
        fit = [item for item, key in to_send.items() if key not in self.unfit]
        everything = [*self._unplaced, *unfit]
        self._order.check(everything, common=common_problems(fit, self._facts))
        self._say_what_is_unfit(everything)

    def _say_what_is_unfit(self, unfit: Sequence[Unfit]) -> None:
        count = EXPORT.count(len(self._order.items))
        aliases = [one for one in unfit if self._order.skips(one.problem)]
        failing = [one for one in unfit if not self._order.skips(one.problem)]
        if aliases:
            first = f"{named(aliases[0].item)}: {as_sentence(aliases[0].problem.message)}"
            self._say(f"{len(aliases)} of {count} skipped, because the files are aliases, such as {first}")
        if failing:
            self._say(f"{len(failing)} of {count} cannot be started and count as failed:")
        for line in listed(sentences(failing)):
            self._say(line)

    def _believe_the_volume(self) -> None:
        """
        Count as done what is there, where the platform does not know the job any more that was to put it there.

        Only what has the file's size is believed; what was to be replaced may be there still, and a file that was moved
        is an alias.
        """
        if self._order.if_exists == "overwrite" or not self._order.copy_only:
            return
        forgotten = [key for key in self._keys(Action.SEND) if self.decisions[key].forgotten]
        for key, size in sizes_of(self._client, forgotten).items():
            if size is not None and size == self.items[key].size:
                why = f"{self.decisions[key].why}, and the object is there"
                self.decisions[key] = Decision(Action.DONE, why)

    def _doubt_aliases(self) -> None:
        """Tell of what was moved, and is not on the volume any more: no job of this attempt would show it."""
        moved = [key for key in self._keys(Action.DONE) if self.decisions[key].job_id is None]
        there = sizes_of(self._client, moved)
        for key in moved:
            if key not in there or not self._fits(key, there[key]):
                self.blocked[key] = Problem(None, None, GONE, made_here=True)

    def _doubt_what_is_gone(self) -> None:
        """Send again what a job of ours has put there and is not there as wanted; who clears the task wants it so."""
        done = [key for key in self._keys(Action.DONE) if self.decisions[key].job_id is not None]
        there = sizes_of(self._client, done)
        for key in done:
            if key not in there or not self._fits(key, there[key]):
                why = f"{self.decisions[key].why}, but the object is not there" + (
                    ", or not whole" if key in there else ""
                )
                self.decisions[key] = Decision(Action.SEND, why)
                self.blocked.pop(key, None)


def _is_open_or_blocked(decision: Decision) -> bool:
    return decision.action is Action.SEND or (decision.job is not None and decision.job.blocked_by_object)


def _told(unsure: Mapping[Key, Decision]) -> str:
    key, decision = next(iter(unsure.items()))
    return (
        f"Of {EXPORT.count(len(unsure))} it cannot be told if an earlier attempt started them, such as file"
        f" {key.file} to {key.location!r} on {key.volume} ({decision.why}). Nothing was sent, because that could"
        " move a file twice. Look at the volume and at the jobs there, then clear the task to look again, or set"
        " resume=False to export all anew (below Airflow 3.3 with a manifest_path)."
    )
