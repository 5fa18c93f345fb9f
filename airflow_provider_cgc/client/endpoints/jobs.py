"""What export and import jobs have in common: one job, the list of them, bulk get and bulk create.

A kind of job is a subclass that says its nouns and how an item looks on the wire. https://docs.cancergenomicscloud.org
/reference/start-a-bulk-export-job and its neighbours are the pages followed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import combinations
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from airflow_provider_cgc.client.endpoints.bulk_get import BulkReader
from airflow_provider_cgc.client.endpoints.pages import Query, all_items, page_at
from airflow_provider_cgc.client.endpoints.paths import one_segment
from airflow_provider_cgc.client.endpoints.records import BULK_LIMIT, Accounts, account
from airflow_provider_cgc.client.errors import CgcUsageError
from airflow_provider_cgc.client.errors.codes import NO_SUCH_JOB
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem, one_line
from airflow_provider_cgc.client.http.transport import Request, Transport
from airflow_provider_cgc.client.models import JobState
from airflow_provider_cgc.client.models.lists import PAGE_LIMIT, Page

__all__ = ["Fit", "JobsEndpoint", "checked_flag", "checked_text", "state_name"]

log = logging.getLogger(__name__)

_NOBODY = -1
"""Stands where an item's index would for a job that cannot be tied to one item."""


class Fit(IntEnum):
    """How well what a job tells of itself fits an item: otherwise, not quite as asked, or as asked."""

    NONE = 0
    POSSIBLE = 1
    GOOD = 2


class Job(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Job)


class JobsEndpoint(Generic[T]):
    """One kind of job. Every method raises `CgcError`s; reads are repeated within the client's patience."""

    noun: ClassVar[str]
    """ "export": the paths, the key of a bulk get and the messages follow from it."""
    item_keys: ClassVar[frozenset[str]]
    """What an item of a bulk create may say."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._path = f"/storage/{self.noun}s"
        self._bulk_path = f"/bulk/storage/{self.noun}s"
        self._reader = BulkReader(
            transport,
            f"{self._bulk_path}/get",
            ids_key=f"{self.noun}_ids",
            what=self.noun,
            parse=self._parse,
            unknown_code=NO_SUCH_JOB,
        )

    def get(self, job_id: str) -> T:
        """One job, by one request of its own; `bulk_get` asks for a hundred with one."""
        request = Request("GET", f"{self._path}/{one_segment(self.noun, job_id)}")
        return self._parse(self._transport.send(request).value)

    def bulk_get(self, ids: Iterable[str]) -> list[BulkRecord[T]]:
        """One record per id, in the order given, a hundred ids per request; no ids: nothing is sent.

        A record has the job, or the problem of this one id. Three problems are our own (`made_here`): 9008 for an id
        that the platform's answers do not mention, and two that only say to ask again (`may_pass`): for a job that is
        there but cannot be read, and for an id that could not be told from unknown ones, because that takes more than
        24 requests per hundred or one of them met trouble that passes. Raises `CgcUnreadableError` only if the whole
        first answer cannot be read.
        """
        return self._reader.get(ids)

    def _list(self, query: Query, *, limit: int | None, offset: int) -> Iterator[T]:
        return all_items(self._transport, self._path, self._parse, query, limit=limit, offset=offset)

    def _page(self, query: Query, *, limit: int = PAGE_LIMIT, offset: int = 0) -> Page[T]:
        return page_at(self._transport, self._path, self._parse, query, offset, limit=limit)

    def _create(self, items: Sequence[Mapping[str, Any]], params: Mapping[str, str]) -> list[BulkRecord[T]]:
        """Send one bulk create; never twice, unless the platform certainly saw nothing of it."""
        if isinstance(items, str | bytes | Mapping):
            raise CgcUsageError("give a list of items")
        if len(items) > BULK_LIMIT:
            raise CgcUsageError(
                f"one call takes at most {BULK_LIMIT} items, not {len(items)}: send chunks_of(items, {BULK_LIMIT})"
            )
        bodies = [self._wire(index, self._known(index, item)) for index, item in enumerate(items)]
        self._refuse_twins(bodies)
        if not bodies:
            return []
        request = Request("POST", f"{self._bulk_path}/create", params, {"items": bodies}, repeatable=False)
        return self._records(bodies, self._transport.send(request).value)

    def _records(self, bodies: Sequence[Mapping[str, Any]], answer: object) -> list[BulkRecord[T]]:
        """One record per item, in order: a job belongs to the item that it fits, wherever in the answer it stands."""
        # Where nothing is asked for, all jobs of an answer are strays.
        jobs = account((), answer, parse=self._parse, key=_id, id_of=_id).strays
        indices = range(len(bodies))
        owners = _owners({job.id: _best([self._fit(body, job) for body in bodies]) for job in jobs})
        accounts = account(indices, answer, parse=self._parse, key=lambda job: owners.get(job.id, _NOBODY), id_of=_id)
        for job in accounts.strays:
            log.warning("the platform started %s %s, which matches no one item of the call", self.noun, job.id)
        problem = _of_the_missing([index for index in indices if index not in accounts.records], accounts, self.noun)
        return [accounts.records.get(index) or BulkRecord(None, None, problem) for index in indices]

    def _known(self, index: int, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """The item itself, if it is an object and says nothing that this kind of job does not know."""
        known = ", ".join(sorted(self.item_keys))
        if not isinstance(item, Mapping):
            raise CgcUsageError(f"item {index}: must be an object with some of {known}, not {item!r}")
        unknown = ", ".join(repr(key) for key in item if key not in self.item_keys)
        if unknown:
            raise CgcUsageError(f"item {index}: has {unknown}, which an {self.noun} does not know; it knows {known}")
        return item

    def _refuse_twins(self, bodies: Sequence[Mapping[str, Any]]) -> None:
        """Of two jobs with one target both may end well, but only one result is left."""
        for (first, body), (second, other) in combinations(enumerate(bodies), 2):
            clash = self._clash(body, other)
            if clash:
                raise CgcUsageError(f"items {first} and {second} {clash}")

    def _parse(self, raw: object) -> T:
        raise NotImplementedError

    def _wire(self, index: int, item: Mapping[str, Any]) -> dict[str, Any]:
        """The item as the platform wants it; raises `CgcUsageError` that names the index."""
        raise NotImplementedError

    def _fit(self, body: Mapping[str, Any], job: T) -> Fit:
        """Whether a job that came back can be the one that was asked for by this body."""
        raise NotImplementedError

    def _clash(self, body: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
        """Why two jobs must not be asked for by one call, to follow "items 0 and 1"; None if they may."""
        raise NotImplementedError


def state_name(state: JobState | str | None) -> str | None:
    """A state as the platform's filter takes it."""
    if state is None:
        return None
    name = state.value if isinstance(state, JobState) else str(state).strip().upper()
    if name not in JobState.__members__ or name == JobState.UNKNOWN.value:
        raise CgcUsageError(f"the state must be PENDING, RUNNING, COMPLETED or FAILED, not {state!r}")
    return name


def checked_text(index: int, item: Mapping[str, Any], key: str) -> str:
    """A required text of an item."""
    value = item.get(key)
    if not isinstance(value, str) or not value:
        raise CgcUsageError(f"item {index}: '{key}' must be a text that is not empty, not {value!r}")
    return value


def checked_flag(index: int, item: Mapping[str, Any], key: str) -> bool:
    """A flag of an item; false unless given."""
    value = item.get(key, False)
    if not isinstance(value, bool):
        raise CgcUsageError(f"item {index}: '{key}' must be true or false, not {value!r}")
    return value


def _best(fits: Sequence[Fit]) -> set[int]:
    """The items that a job fits best, if it fits any."""
    best = max(fits)
    return {index for index, fit in enumerate(fits) if fit is best} if best is not Fit.NONE else set()


def _owners(candidates: dict[str, set[int]]) -> dict[str, int]:
    """The one item that each job can belong to, given the items that it fits; what stays open is left out.

    An item has one job at most: what is taken by one job is no choice for the others, and what only two can be is
    neither's.
    """
    owners: dict[str, int] = {}
    while certain := next((job_id for job_id, indices in candidates.items() if len(indices) == 1), None):
        [index] = candidates.pop(certain)
        if {index} not in candidates.values():
            owners[certain] = index
        for indices in candidates.values():
            indices.discard(index)
    return owners


def _id(job: Job) -> str:
    return job.id


def _of_the_missing(missing: Sequence[int], accounts: Accounts[int, Any], noun: str) -> Problem:
    """What is known of items that no record could be tied to."""
    problems = accounts.unplaced
    if accounts.strays:
        started = ", ".join(job.id for job in accounts.strays)
        text = one_line(f"the platform's answer does not tell if this {noun} is one that it started: {started}")
        return Problem(None, None, text, made_here=True)
    if problems and len(problems) == len(missing) and len(set(problems)) == 1:
        return problems[0]
    if problems and len(problems) == len(missing):
        said = "; ".join(dict.fromkeys(str(problem) for problem in problems))
        return Problem(None, None, f"refused, for one of these reasons: {said}", made_here=True)
    text = f"the platform's answer did not mention this {noun}: it may have been started or not"
    return Problem(None, None, text, made_here=True)
