"""What export and import jobs have in common: one job, the list of them, bulk get and bulk create.

A kind of job is a subclass that says its nouns and how an item looks on the wire. https://docs.cancergenomicscloud.org
/reference/start-a-bulk-export-job and its neighbours are the pages followed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from airflow_provider_cgc.client.bulk import BULK_LIMIT, Accounts, account
from airflow_provider_cgc.client.endpoints.bulk import BulkReader
from airflow_provider_cgc.client.endpoints.pages import PAGE_LIMIT, Query, all_items, first_page
from airflow_provider_cgc.client.endpoints.paths import one_segment
from airflow_provider_cgc.client.errors import CgcUsageError
from airflow_provider_cgc.client.models import BulkRecord, JobState, Page
from airflow_provider_cgc.client.problems import Problem
from airflow_provider_cgc.client.transport import Request, Transport

__all__ = ["JobsEndpoint", "Key", "checked_text", "state_name"]

log = logging.getLogger(__name__)

_UNKNOWN_JOB = 9008

Key = tuple[str | None, str | None, str | None]
"""What a job sends, and its target: the container and the name in it."""


class Job(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Job)


class JobsEndpoint(Generic[T]):
    """One kind of job. Every method raises `CgcError`s; reads are repeated within the client's patience."""

    noun: ClassVar[str]
    """ "export": the paths, the key of a bulk get and the messages follow from it."""

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
            unknown_code=_UNKNOWN_JOB,
        )

    def get(self, job_id: str) -> T:
        """One job, by one request of its own; `bulk_get` asks for a hundred with one."""
        request = Request("GET", f"{self._path}/{one_segment(self.noun, job_id)}")
        return self._parse(self._transport.send(request).value)

    def bulk_get(self, ids: Iterable[str]) -> list[BulkRecord[T]]:
        """One record per id, in the order given, a hundred ids per request; no ids: nothing is sent.

        A record has the job, or the problem of this one id. Three problems are our own (`made_here`): 9008 for an id
        that the platform's answers do not mention, and two that only say to ask again (`may_pass`): for a job that is
        there but cannot be read, and for an id that could not be told from unknown ones by at most 24 requests per
        hundred. Raises `CgcUnreadableError` only if a whole answer cannot be read.
        """
        return self._reader.get(ids)

    def _list(self, query: Query, *, limit: int | None, offset: int) -> Iterator[T]:
        return all_items(self._transport, self._path, self._parse, query, limit=limit, offset=offset)

    def _page(self, query: Query, *, limit: int = PAGE_LIMIT, offset: int = 0) -> Page[T]:
        return first_page(self._transport, self._path, self._parse, query, limit=limit, offset=offset)

    def _create(self, items: Sequence[Mapping[str, Any]], params: Mapping[str, str]) -> list[BulkRecord[T]]:
        """Send one bulk create; never twice, unless the platform certainly saw nothing of it."""
        if isinstance(items, str | bytes | Mapping):
            raise CgcUsageError("give a list of items")
        if len(items) > BULK_LIMIT:
            raise CgcUsageError(
                f"one call takes at most {BULK_LIMIT} items, not {len(items)}: send chunks_of(items, {BULK_LIMIT})"
            )
        bodies = [self._wire(index, item) for index, item in enumerate(items)]
        keys = [self._key_of_wire(body) for body in bodies]
        self._refuse_twins(keys)
        if not bodies:
            return []
        request = Request("POST", f"{self._bulk_path}/create", params, {"items": bodies}, repeatable=False)
        answer = self._transport.send(request)
        accounts = account(keys, answer.value, parse=self._parse, key=self._key_of_job, id_of=lambda job: job.id)
        return self._in_order(keys, accounts)

    def _in_order(self, keys: Sequence[Key], accounts: Accounts[Key, T]) -> list[BulkRecord[T]]:
        for job in accounts.strays:
            log.warning("the platform started %s %s, which matches no item of the call", self.noun, job.id)
        missing = [key for key in keys if key not in accounts.records]
        problem = _of_the_missing(missing, accounts, self.noun)
        return [accounts.records.get(key) or BulkRecord(None, None, problem) for key in keys]

    def _refuse_twins(self, keys: Sequence[Key]) -> None:
        """Of two jobs with one target both may end well, but only one result is left."""
        seen: dict[tuple[str | None, ...], int] = {}
        for index, (source, *target) in enumerate(keys):
            first = seen.setdefault(tuple(target), index)
            if first == index:
                continue
            if source == keys[first][0]:
                raise CgcUsageError(f"items {first} and {index} ask for the same {self.noun}; give it once")
            where, name = target
            raise CgcUsageError(
                f"items {first} and {index} send two files to one key: {keys[first][0]!r} and {source!r} to {name!r} "
                f"in {where!r}; give each its own location"
            )

    def _parse(self, raw: object) -> T:
        raise NotImplementedError

    def _wire(self, index: int, item: Mapping[str, Any]) -> dict[str, Any]:
        """The item as the platform wants it; raises `CgcUsageError` that names the index."""
        raise NotImplementedError

    def _key_of_wire(self, body: Mapping[str, Any]) -> Key:
        """What tells this job from all others, read from what is sent ..."""
        raise NotImplementedError

    def _key_of_job(self, job: T) -> Key:
        """... and from what comes back."""
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


def _of_the_missing(missing: Sequence[Key], accounts: Accounts[Key, Any], noun: str) -> Problem:
    """What is known of items that no record could be tied to."""
    problems = accounts.unplaced
    if problems and len(problems) == len(missing) and len(set(problems)) == 1:
        return problems[0]
    if problems and len(problems) == len(missing):
        said = "; ".join(dict.fromkeys(str(problem) for problem in problems))
        return Problem(None, None, f"refused, for one of these reasons: {said}", made_here=True)
    text = f"the platform's answer did not mention this {noun}: it may have been started or not"
    return Problem(None, None, text, made_here=True)
