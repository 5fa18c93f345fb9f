"""Jobs of one kind: one by its id, many in one request, the list of all.

To add a kind, write a subclass with its name, its paths and its model, and give it a line in `client.py`. A kind that
is started in bulk is a subclass of `BulkCreateEndpoint` in `bulk_create.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Generic, Protocol, TypeVar

from airflow_provider_cgc.client.endpoints.bulk_get import BulkReader
from airflow_provider_cgc.client.endpoints.pages import Query, all_items, page_at
from airflow_provider_cgc.client.endpoints.paths import one_segment
from airflow_provider_cgc.client.errors import CgcUsageError
from airflow_provider_cgc.client.errors.codes import NO_SUCH_JOB
from airflow_provider_cgc.client.errors.problem import BulkRecord
from airflow_provider_cgc.client.http.request import Request
from airflow_provider_cgc.client.http.transport import Transport
from airflow_provider_cgc.client.models import JobState
from airflow_provider_cgc.client.models.lists import PAGE_LIMIT, Page

__all__ = ["Job", "JobsEndpoint", "T", "state_name"]


class Job(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Job)


class JobsEndpoint(Generic[T]):
    """One kind of job. Every method raises `CgcError`s; reads are repeated within the client's patience."""

    noun: ClassVar[str]
    """The kind's name in the singular, such as "export"; a bulk get calls its ids "export_ids"."""
    path: ClassVar[str]
    """The path of the list, such as "/storage/exports"; one job is below it."""
    bulk_path: ClassVar[str]
    """The path that the bulk calls are below, such as "/bulk/storage/exports"."""
    bulk_fields: ClassVar[str | None] = None
    """The fields that a bulk get asks for; None: those that the platform sends by itself."""
    unknown_code: ClassVar[int] = NO_SUCH_JOB
    """The platform's code for an id of this kind that does not exist."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._reader = BulkReader(
            transport,
            f"{self.bulk_path}/get",
            ids_key=f"{self.noun}_ids",
            what=self.noun,
            parse=self._parse,
            unknown_code=self.unknown_code,
            fields=self.bulk_fields,
        )

    def get(self, job_id: str) -> T:
        """Return one job, by one request of its own; `bulk_get` asks for a hundred with one."""
        request = Request("GET", f"{self.path}/{one_segment(self.noun, job_id)}")
        return self._parse(self._transport.send(request).value)

    def bulk_get(self, ids: Iterable[str]) -> list[BulkRecord[T]]:
        """Return one record per id, in the order given, a hundred ids per request; no ids: nothing is sent.

        A record has the job, or the problem of this one id. Three problems are our own (`made_here`): 9008 (or the
        kind's own code) for an id that the platform's answers do not mention, and two that only say to ask again
        (`may_pass`): for a job that is there but cannot be read, and for an id that could not be told from unknown
        ones, because that takes more than 24 requests per hundred or one of them met temporary trouble. Raises
        `CgcUnreadableError` only if the whole first answer cannot be read.
        """
        return self._reader.get(ids)

    def _list(self, query: Query, *, limit: int | None = None, offset: int = 0) -> Iterator[T]:
        return all_items(self._transport, self.path, self._parse, query, limit=limit, offset=offset)

    def _page(self, query: Query, *, limit: int = PAGE_LIMIT, offset: int = 0) -> Page[T]:
        return page_at(self._transport, self.path, self._parse, query, offset, limit=limit)

    def _parse(self, raw: object) -> T:
        """Read one job; raises `CgcUnreadableError`."""
        raise NotImplementedError


def state_name(state: JobState | str | None) -> str | None:
    """Return a state as the platform's filter takes it; raises `CgcUsageError`."""
    if state is None:
        return None
    name = state.value if isinstance(state, JobState) else str(state).strip().upper()
    if name not in JobState.__members__ or name == JobState.UNKNOWN.value:
        raise CgcUsageError(f"the state must be PENDING, RUNNING, COMPLETED or FAILED, not {state!r}")
    return name
