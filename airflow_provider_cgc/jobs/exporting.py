"""From a list of items to jobs that run: check, decide what an earlier attempt has left to do, send, and account.

Free of Airflow: what is remembered between attempts is handed in as a `Ledger`, and lines to log are handed out.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.client.errors import CgcError
from airflow_provider_cgc.client.models import JobState
from airflow_provider_cgc.client.problems import Problem
from airflow_provider_cgc.jobs.items import BadItems, Item
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.locations import LocationTemplate, moved_twice, targets
from airflow_provider_cgc.jobs.manifest import ItemOutcome, ItemState
from airflow_provider_cgc.jobs.objects import common_folder, objects_at
from airflow_provider_cgc.jobs.places import paths_of
from airflow_provider_cgc.jobs.preflight import Facts, ask, problems, report
from airflow_provider_cgc.jobs.recovery import SETTLING, Key, key_of
from airflow_provider_cgc.jobs.resume import LOCATION_TAKEN, Action, Decision, plan
from airflow_provider_cgc.jobs.submit import Sender, Sent

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.jobs.ledger import Ledger

MOST_RUNNING = 10_000
"""Jobs of a volume and a state that are looked through for those that do what is about to be sent; with its filter the
platform lists few others."""
OTHER_OBJECT = (
    "An object of {there} bytes is there, and the file has {wanted} bytes: it is another one, or the file has changed;"
    ' set if_exists="overwrite", or give another location.'
)
MOST_ROUNDS = 3
"""How often what became uncertain on the way is searched for and sent again, if it certainly did not start."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be exported and how; see `CgcBulkExportOperator` for the words."""

    items: Sequence[Item]
    volume: str | None
    template: LocationTemplate
    copy_only: bool
    if_exists: str = "fail"
    properties: Mapping[str, Any] = field(default_factory=dict)
    too_many: Callable[[int], bool] = bool
    verify: bool = False
    """A job's word that it COMPLETED is not enough."""
    where: str = "items"
    """The argument that the items come from, for messages."""


class UncertainExports(Exception):
    """Of some items nobody can tell if a job of an earlier attempt runs; sending them could move a file twice."""


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
        self._facts = Facts({}, {}, {}, {}, {})
        self.items: dict[Key, Item] = {}
        self._again = False
        self._refused_before: set[Key] = set()
        self._decisions: dict[Key, Decision] = {}
        self._skipped: dict[Key, int | None] = {}
        self._in_the_way: dict[Key, Problem] = {}
        """What is not sent although it should be, because another object is where it should go."""
        self.sent = Sent()
        self.began = datetime.fromtimestamp(clock(), UTC)
        """By the platform's clock, once `now` has asked for it."""

    @property
    def facts(self) -> Facts:
        """What the platform has told of files and volumes; nothing before `check`."""
        return self._facts

    def check(self, *, first: bool = True) -> None:
        """
        Ask the platform about files and volumes, and give every item its place.

        Where an earlier attempt may have sent something, `first` is False, and `decide` tells what is wrong with what
        is left to be sent: a file may be gone that was exported long ago.

        :raises BadItems: with everything that is wrong; nothing was submitted.
        """
        order = self._order
        self._facts = facts = ask(self._client, order.items, [order.volume] if order.volume else [])
        items = self._with_paths(list(order.items), facts)
        known = [item for item in items if item.file in facts.files or not first]
        try:
            placed = targets(known, template=order.template, where=order.where, volume=order.volume, files=facts.files)
        except BadItems as error:
            raise BadItems(order.where, [*problems(items, facts), *error.problems]) from None
        unknown = [item for item in items if item.file not in facts.files]
        wrong = [] if order.copy_only else moved_twice(placed.items)
        if first or facts.refused_volumes:
            wrong += problems([*placed.items, *(unknown if first else [])], facts)
        if wrong:
            raise BadItems(order.where, wrong)
        for line in placed.warnings:
            self._say(line)
        self.items = {Key(item.file, str(item.volume), str(item.location)): item for item in placed.items}

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
        self._again = again
        self._refused_before = {key for key in self.items if ledger.past(key).refused}
        self._decisions = self._plan(self.items, ledger)
        unsure = {key: one for key, one in self._decisions.items() if one.action is Action.UNCERTAIN}
        if unsure:
            raise UncertainExports(_told(unsure))
        self._believe_the_volume()
        if self._order.verify and ledger.cleared:
            self._doubt_what_is_gone()
        self._join_what_runs()
        if self._order.if_exists == "skip":
            self._skip_what_is_there()
        wrong = problems([self.items[key] for key in self._to_send()], self._facts)
        if wrong:
            raise BadItems(self._order.where, wrong)
        ledger.adopted(
            {
                key: one.job_id
                for key, one in self._decisions.items()
                if one.job_id and ledger.past(key).job_id != one.job_id and one.action is not Action.SEND
            }
        )

    def dry_run(self) -> list[str]:
        """Give the lines of a report; sends nothing."""
        words = Counter(self._word(key, one) for key, one in self._decisions.items())
        return [*report(list(self.items.values()), self._facts, decided=words), *self.intent()]

    def _word(self, key: Key, decision: Decision) -> str:
        if key in self._skipped:
            return "to be skipped, they are there already"
        return "with another object in the way" if key in self._in_the_way else _WORDS[decision.action]

    def obstacles(self) -> list[str]:
        """Give the locations where an object is that is not the wanted one, or that nobody said may be replaced."""
        to_send = self._to_send()
        there = self._there(to_send)
        return [key.location for key in (*self._in_the_way, *to_send) if key in self._in_the_way or key in there]

    def counts(self) -> dict[str, int]:
        """Give how many items would be sent, how many skipped, and how many need nothing else."""
        to_send = len(self._to_send()) + len(self._in_the_way)
        skipped = len(self._skipped)
        return {"to_send": to_send, "skipped": skipped, "settled": len(self.items) - to_send - skipped}

    def intent(self) -> list[str]:
        """Say what is about to be sent where, and whether the platform keeps its files."""
        to_send = self._to_send()
        if not to_send:
            return []
        lines = [
            f"Exporting {len(keys)} of {EXPORT.count(len(self.items))} to {volume},"
            f" below {common_folder([key.location for key in keys])!r}."
            for volume in sorted({key.volume for key in to_send})
            if (keys := [key for key in to_send if key.volume == volume])
        ]
        if self._order.copy_only:
            return lines
        return [*lines, "copy_only is False: these files are MOVED, and become aliases of the exported objects."]

    def send(self, ledger: Ledger, *, at: datetime) -> None:
        """Send what has to be sent, and find out what became of answers that were lost on the way."""
        order = self._order

        def create(items: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
            return self._client.exports.bulk_create(items, copy_only=order.copy_only)

        sender = Sender(
            create,
            self._client.exports.bulk_get,
            ledger,
            at=at,
            too_many=order.too_many,
            overwrite=order.if_exists == "overwrite",
            properties=order.properties,
            stop=self._client.close,
        )
        self.sent.refused |= self._in_the_way
        sender.send({key: self.items[key] for key in self._to_send()}, self.sent)
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

    def outcomes(self, *, user: str | None = None, conn_id: str | None = None) -> list[ItemOutcome]:
        """Give how each item stands, in the order given."""
        unsent = set(self.sent.unsent)
        return [
            replace(
                self._outcome(key, item, unsent=key in unsent),
                copy_only=self._order.copy_only,
                user=user,
                conn_id=conn_id,
            )
            for key, item in self.items.items()
        ]

    def told(self) -> list[str]:
        """Say what was done, and why not all of it."""
        taken = sum(1 for one in self._decisions.values() if one.action is Action.ADOPT)
        done = sum(1 for one in self._decisions.values() if one.action is Action.DONE)
        counts = (
            (len(self.sent.started), "started"),
            (taken, "under way already and taken over"),
            (done, "done already"),
            (len(self._skipped), "skipped, they are there already"),
            (len(self.sent.refused), "refused by the platform"),
            (len(self.sent.unsent), "not sent"),
        )
        lines = [f"Of {EXPORT.count(len(self.items))}: " + ", ".join(f"{n} {word}" for n, word in counts if n) + "."]
        if self.sent.stopped:
            lines.append(f"Nothing more was sent: {self.sent.stopped}.")
        return lines

    def _plan(self, keys: Iterable[Key], ledger: Ledger) -> dict[Key, Decision]:
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
        )

    def _find(self, ledger: Ledger) -> dict[Key, Problem | CgcError]:
        """Settle what is uncertain by the platform's list; give what certainly did not start, and why."""
        decisions = self._plan(list(self.sent.uncertain), ledger)
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

    def _keys(self, action: Action) -> list[Key]:
        return [key for key, one in self._decisions.items() if one.action is action]

    def _to_send(self) -> list[Key]:
        """Give what is to be sent; what was refused before comes last, or it would use up what the task tolerates."""
        keys = [key for key in self._keys(Action.SEND) if key not in self._skipped and key not in self._in_the_way]
        return sorted(keys, key=lambda key: key in self._refused_before)

    def _there(self, keys: Sequence[Key]) -> dict[Key, int | None]:
        """Look which objects are on their volumes, and give their sizes."""
        there: dict[Key, int | None] = {}
        for volume in {key.volume for key in keys}:
            here = {key.location: key for key in keys if key.volume == volume}
            found = objects_at(self._client, volume, here)
            there |= {here[location]: size for location, size in found.items()}
        return there

    def _fits(self, key: Key, size: int | None) -> bool:
        """Whether an object of this size can be the wanted one."""
        return size is None or self.items[key].size is None or size == self.items[key].size

    def _join_what_runs(self) -> None:
        """Wait for exports of this user that just do the same for another run or Dag: a second one would fail."""
        wanted = set(self._keys(Action.SEND))
        for volume in {key.volume for key in wanted}:
            for state in (JobState.PENDING, JobState.RUNNING):
                # A list that moves between two pages may hide one; then it is as if nobody had looked.
                for job in islice(self._client.exports.list(volume=volume, state=state), MOST_RUNNING):
                    key = key_of(job, volume)
                    if key in wanted and not job.done:
                        self._decisions[key] = Decision(Action.ADOPT, f"job {job.id} is under way", job.id, job)

    def _skip_what_is_there(self) -> None:
        """Leave what is there as wanted; say of what is there otherwise why it will not be replaced."""
        for key, size in self._there(self._keys(Action.SEND)).items():
            if self._fits(key, size):
                self._skipped[key] = size
            else:
                text = OTHER_OBJECT.format(there=size, wanted=self.items[key].size)
                self._in_the_way[key] = Problem(409, LOCATION_TAKEN, text, made_here=True)

    def _believe_the_volume(self) -> None:
        """Count as done what is there, where the platform does not know the job any more that was to put it there."""
        forgotten = [key for key in self._keys(Action.SEND) if self._decisions[key].forgotten]
        for key, size in self._there(forgotten).items():
            if self._fits(key, size):
                why = f"{self._decisions[key].why}, and the object is there"
                self._decisions[key] = Decision(Action.DONE, why)

    def _doubt_what_is_gone(self) -> None:
        """Send again what a job of ours has put there and is not there as wanted; who clears the task wants it so."""
        done = [key for key in self._keys(Action.DONE) if self._decisions[key].job_id is not None]
        there = self._there(done)
        for key in done:
            if key not in there or not self._fits(key, there[key]):
                why = f"{self._decisions[key].why}, but the object is not there" + (
                    ", or not whole" if key in there else ""
                )
                self._decisions[key] = Decision(Action.SEND, why)

    def _with_paths(self, items: list[Item], facts: Facts) -> list[Item]:
        """Look up the folders of files that bring no path, if the template wants one."""
        if "path" not in self._order.template.fields:
            return items
        lacking = {item.file for item in items if item.path is None and item.location is None}
        files = [file for file_id, file in facts.files.items() if file_id in lacking and not file.is_folder]
        paths = paths_of(self._client, files)
        return [replace(item, path=paths.get(item.file, item.path)) for item in items]

    def _outcome(self, key: Key, item: Item, *, unsent: bool) -> ItemOutcome:
        base = ItemOutcome(
            file=key.file,
            location=key.location,
            volume=key.volume,
            properties=(dict(self._order.properties) or None) if item.properties is None else item.properties,
            state=ItemState.SUBMITTED,
            size=item.size,
        )
        if key in self._skipped:
            return replace(base, state=ItemState.SKIPPED, message="the object is there already")
        if key in self.sent.started:
            return replace(base, id=self.sent.started[key])
        if key in self.sent.refused:
            problem = self.sent.refused[key]
            return replace(base, state=ItemState.FAILED, code=problem.code, message=problem.message)
        if key in self.sent.uncertain:
            return replace(base, message=str(self.sent.uncertain[key]))
        decision = self._decisions.get(key)
        if unsent or decision is None:
            return replace(base, state=ItemState.UNSENT, message=f"not sent: {self.sent.stopped or 'no attempt yet'}")
        if decision.job_id is not None and decision.action is not Action.SEND:
            return replace(base, id=decision.job_id, message=None)
        if decision.action is Action.DONE:
            return replace(base, state=ItemState.COMPLETED, message=decision.why)
        return base


_WORDS = {
    Action.SEND: "to be sent",
    Action.DONE: "done already",
    Action.ADOPT: "under way already",
    Action.LOST: "that failed and cannot succeed by themselves",
    Action.UNCERTAIN: "uncertain",
}


def _told(unsure: Mapping[Key, Decision]) -> str:
    key, decision = next(iter(unsure.items()))
    return (
        f"Of {EXPORT.count(len(unsure))} it cannot be told if an earlier attempt started them, such as file"
        f" {key.file} to {key.location!r} on {key.volume} ({decision.why}). Nothing was sent, because that could"
        " move a file twice. Look at the volume and at the jobs there, then clear the task to look again, or set"
        " resume=False to export all anew."
    )
