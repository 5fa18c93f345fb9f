"""The half of a kind of job that submitting uses: its items, the requests that start jobs, the search for lost jobs.

Each kind subclasses `Order` in `jobs/<kind>/order.py`; nothing else in `jobs/submitting` depends on the kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_cgc.client.errors import CgcUnreadableError
from airflow_provider_cgc.client.errors.problem import Problem, as_sentence
from airflow_provider_cgc.client.models.lists import PAGE_LIMIT
from airflow_provider_cgc.jobs.submitting.items import BadItems
from airflow_provider_cgc.jobs.submitting.tolerance import Tolerance
from airflow_provider_cgc.jobs.submitting.unfit import Unfit, sentences
from airflow_provider_cgc.jobs.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.errors.problem import BulkRecord
    from airflow_provider_cgc.client.models import JobState
    from airflow_provider_cgc.client.models.lists import Page
    from airflow_provider_cgc.jobs.kinds import JobKind
    from airflow_provider_cgc.jobs.submitting.account import Account
    from airflow_provider_cgc.jobs.submitting.items import Item, Key
    from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome


@dataclass(frozen=True, slots=True)
class Standing:
    """An object or the like that is already where a job would put its result."""

    fits: bool
    """It can be the wanted result."""
    proven: bool
    """It certainly is the wanted result: its size is known and right."""
    problem: Problem
    """The problem of the item whose result it blocks."""


class Order(ABC):
    """
    The items that one task submits, and the options.

    Its methods may ask the platform, and raise `CgcError` if a call fails.

    :param client: with a patience of minutes: a create that hits the rate limit waits for the next window.
    :param skips_existing: skip items whose results exist already.
    :param verify: check the results of jobs that COMPLETED.
    :param recorded: the next attempt will know the jobs that this one started or took over.
    :param tolerance: the number of items that may fail.
    :param where: the argument that the items come from, for messages.
    """

    kind: ClassVar[JobKind]
    taken_codes: ClassVar[frozenset[int]] = frozenset()
    """The codes of jobs that FAILED because something was in the way of their result."""
    cannot: ClassVar[str] = "cannot be started"
    """The predicate of items for which no job can be started."""
    why_skipped: ClassVar[str] = "nothing has to be done"
    """The reason for skipping an item that `skips`, to follow "skipped, ..."."""
    has_lists: ClassVar[bool] = False
    """The platform lists the jobs of this kind, so that a job whose answer was lost can be found."""
    gone: ClassVar[str] = "It was done before, and the result does not exist any more."
    """The problem of an item that needs no job, and whose result is missing."""
    twice: ClassVar[str] = "do it twice"
    """The harm of sending an item twice, to follow "could ..."."""
    where_results_are: ClassVar[str] = "the jobs on the platform"
    """The places to look at, to follow "Look at ..."."""

    def __init__(
        self,
        client: CgcClient,
        *,
        skips_existing: bool = False,
        verify: bool = False,
        recorded: bool = True,
        tolerance: Tolerance | None = None,
        where: str = "items",
    ) -> None:
        self.client = client
        self.skips_existing = skips_existing
        self.verify = verify
        self.recorded = recorded
        self.tolerance = tolerance or Tolerance()
        self.where = where
        self.items: Sequence[Item] = ()
        self.keys: Mapping[Key, Item] = {}
        """The items by key; empty before `check`."""
        self.keyless: list[Unfit] = []
        """The items that have no key."""

    def bulk_get(self, ids: Sequence[str]) -> Sequence[BulkRecord[Any]]:
        """Ask for jobs by their ids, a hundred at most."""
        return self.kind.bulk_get(self.client)(ids)

    # Before anything is sent.

    def check(self, items: Sequence[Item], *, first: bool) -> list[str]:
        """
        Ask the platform about the items, and give each its key; return lines to log.

        `first` is False if an earlier attempt may have sent something: then only the items still to be sent must be
        right, and which these are is not known here.

        :raises BadItems: with everything that is wrong with the whole order, or with more items than may fail.
        """
        self.items = items
        self.keys = {key: item for item in items if (key := item.key()) is not None}
        return []

    def problems(self, keys: Sequence[Key]) -> tuple[dict[Key, Unfit], list[str]]:
        """Return the items that cannot be sent, and problems that concern all of them."""
        return {}, []

    def there(self, keys: Collection[Key]) -> Mapping[Key, Standing]:
        """Return the objects or the like that are already where these items would put their results."""
        return {}

    def still_there(self, done: Mapping[Key, Any | None]) -> set[Key]:
        """Return the items whose results still exist; `done` has the job of each, if it is known."""
        return {key for key, standing in self.there(list(done)).items() if standing.fits}

    @property
    def believes_what_is_there(self) -> bool:
        """An item counts as done if its result certainly exists, whoever has put it there."""
        return False

    def done_already(self, key: Key) -> str | None:
        """Return the reason why an item needs no job, whatever its jobs show; None if it may need one."""
        return None

    def skips(self, problem: Problem) -> bool:
        """Return True if an item with this problem is skipped instead of counted as a failure."""
        return False

    def prepare(self, keys: Sequence[Key]) -> Mapping[Key, Problem]:
        """
        Make things that these items need, just before they are sent; repeatable, and not called for a dry run.

        Return the items for which that is refused for good. Raise a `CgcError` for any other trouble.
        """
        return {}

    def result_of(self, key: Key) -> dict[str, Any] | None:
        """Return the result that was there already, as an item that another task takes; None if there is none."""
        return None

    # Jobs and their items.

    @abstractmethod
    def key_of(self, job: Any, scope: str | None = None) -> Key | None:
        """Return the key of a job's item, None if the job lacks a part of it; `scope` is that of the job's list."""

    def was_taken(self, job: Any) -> bool:
        """Return True if a job FAILED because something was in the way of its result."""
        return self.kind.failed(job) and job.error is not None and job.error.code in self.taken_codes

    def unlike(self, key: Key, job: Any) -> str | None:
        """Return the difference of a job from the one wanted, to follow the job's name; None if there is none."""
        return None

    def not_joined(self, key: Key, job: Any) -> str | None:
        """Return the reason why an unfinished job of another run cannot count for this task; None if it can."""
        return self.unlike(key, job)

    def joined(self, jobs: Sequence[Any]) -> list[str]:
        """Return warnings about jobs of other runs that count for this task."""
        return []

    # The search for a job whose answer was lost.

    def scope_of(self, key: Key) -> str:
        """Return the part of the platform's lists of jobs that shows the jobs of an item."""
        return ""

    def page(self, scope: str, offset: int = 0, *, state: JobState | None = None, limit: int = PAGE_LIMIT) -> Page[Any]:
        """Return one page of a list of jobs; called only if the kind `has_lists`."""
        raise NotImplementedError

    def is_whole(self, job: Any) -> bool:
        """Return True if a job of a list has its key and its start time."""
        return True

    def could_be(self, job: Any, key: Key) -> bool:
        """Return True if a job could be the one with this key, by the fields that it has."""
        return False

    # Sending.

    @abstractmethod
    def body(self, key: Key) -> Mapping[str, Any]:
        """Return the body that starts the job of an item."""

    @abstractmethod
    def create(self, bodies: Sequence[Mapping[str, Any]]) -> Sequence[BulkRecord[Any]]:
        """
        Start jobs; return a record for each body, in order.

        Raise a `CgcError` only if the whole call failed; once a job may have started, return undecided records.
        """

    # Texts and lines.

    def asked(self, item: Item) -> Item:
        """Return an item as it was asked for, with everything that the order adds, for a line of the manifest."""
        return item

    def describe(self, key: Key) -> str:
        """Name an item by its key, for messages."""
        return " ".join(key)

    def intent(self, keys: Sequence[Key]) -> list[str]:
        """Return the lines that announce the sending."""
        return [f"Starting {len(keys)} of {self.kind.count(len(self.items))}."] if keys else []

    def obstructed(self, keys: Sequence[Key]) -> list[str]:
        """Warn of items of a dry run whose results are blocked."""
        return [f"Something is in the way of {self.kind.count(len(keys))}, such as {self.describe(keys[0])}."]

    def skipped(self, count: int) -> list[str]:
        """Return lines about items that were skipped because their results exist already."""
        return []

    def report(self, keys: Collection[Key]) -> list[str]:
        """Return the lines of a dry run about all items that can be sent."""
        return [f"{self.kind.count(len(keys))}."]

    def place(self, outcomes: Sequence[ItemOutcome]) -> Mapping[str, Any]:
        """Return the facts that all items share, for the live snapshot; see `LiveView.place`."""
        return {}

    # The end.

    @property
    def finishes(self) -> bool:
        """There is something to do at the end even if all jobs ended well."""
        return False

    def finish(self, account: Account, *, since: datetime | None, log_info: Callable[[str], object]) -> list[str]:
        """
        Correct the account of a task whose jobs have ended; return what cannot be known yet, in sentences.

        :param since: the platform's clock before anything of this task was sent.
        """
        return []

    def too_many(self, failed: int) -> bool:
        """Return True if more items failed than the task tolerates."""
        return self.tolerance.exceeded(failed, len(self.items))

    def refuse(self, unfit: Iterable[Unfit], common: Sequence[str] = ()) -> None:
        """
        Refuse the order if it has a problem as a whole, or if more of its items are unfit than may fail.

        :raises BadOrder: with everything that is wrong.
        :raises CgcUnreadableError: if it is not known yet for some items whether jobs can be started.
        """
        failing = [one for one in unfit if not self.skips(one.problem)]
        too_many = self.too_many(sum(not one.problem.may_pass for one in failing))
        if common or too_many:
            count = len(self.items)
            of_all = f"{len(failing)} of {counted(count, 'item')} {self.cannot}; {self.tolerance.words(count)}"
            head = of_all if too_many else ""
            raise BadOrder(self.where, [*common, *self.sentences(failing)], head, unfit=failing)
        unsure = {one.name: one.problem for one in failing if one.problem.may_pass}
        if unsure:
            raise undecided_error(unsure, "item")

    def sentences(self, unfit: Sequence[Unfit]) -> list[str]:
        """Return sentences about unfit items, one for each cause."""
        return sentences(unfit)


class BadOrder(BadItems):
    """
    A refused order, of which nothing is sent: it has a problem as a whole, or more unfit items than may fail.

    `unfit` are the items for which no job can be started.
    """

    def __init__(self, where: str, problems: Sequence[str], head: str = "", *, unfit: Sequence[Unfit] = ()) -> None:
        super().__init__(where, problems, head)
        self.unfit = list(unfit)


def undecided_error(things: Mapping[str, Problem], noun: str) -> CgcUnreadableError:
    """Return the error about items for which the platform's answers do not show if they exist."""
    first, problem = next(iter(things.items()))
    return CgcUnreadableError(
        f"the platform's answers about {counted(len(things), noun)} are unclear, such as {first}:"
        f" {as_sentence(problem)} Nothing was submitted; try again later."
    )
