"""The kinds of job that a task can wait for: all that waiting must know of one, as a value.

A new kind is one more value here, and a sensor: nothing in `jobs.waiting`, the sensors' base or the trigger names one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_cgc.client.errors.codes import DENIALS, NO_SUCH_JOB

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem

    BulkGet = Callable[[Sequence[str]], Sequence[BulkRecord[Any]]]
    Start = Callable[[CgcClient, Sequence[str]], Sequence[BulkRecord[Any]]]
    Names = Callable[[CgcClient, Collection[str]], Mapping[str, str]]


class Phase(StrEnum):
    """The progress of a job, for whoever waits for it; the platform's states differ from kind to kind."""

    DRAFT = "DRAFT"
    """Made, and not started yet."""
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    UNKNOWN = "UNKNOWN"
    """In a state that this release does not know; waited for as if it were running."""
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


ENDED = frozenset({Phase.COMPLETED, Phase.FAILED})


SHARED = ("project", "volume")
"""The keys of an item that a whole wait may have in common: its snapshot tells them, and a task's links go there."""


class Job(Protocol):
    """A job as waiting reads it, whatever its kind."""

    @property
    def id(self) -> str: ...
    @property
    def state_text(self) -> str:
        """The state as the platform wrote it."""

    @property
    def item(self) -> Mapping[str, Any]:
        """The work of the job, in the form that starts such a job."""

    @property
    def started_on(self) -> datetime | None: ...
    @property
    def finished_on(self) -> datetime | None: ...
    @property
    def size(self) -> int | None:
        """Bytes that it has moved or made, as far as the platform tells."""

    @property
    def error(self) -> Problem | None: ...


class Endpoint(Protocol):
    """The client's calls about one kind of job, as far as waiting needs them."""

    def bulk_get(self, ids: Sequence[str], /) -> Sequence[BulkRecord[Any]]:
        """Return one record for each id."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """
    One kind of job.

    :param name: the word for one, which XComs and trigger rows hold, too.
    :param plural: the word for several.
    :param cancellable: a job that runs can be stopped.
    :param phase: judges how far a job is, by its whole record.
    :param endpoint: finds the calls about such jobs in a client.
    :param unfit_key: the key of the number of items for which no job can be started, in the result of a dry run.
    :param unknown_code: the platform's code for an id that it does not know.
    :param denials: codes and statuses of a record that waiting cannot change.
    :param subject: the key of an item for what is moved, if the kind has one.
    :param title: the key of an item that names it best.
    :param columns: the keys of an item that the live snapshot shows, beside the job's id.
    :param about: keys of an item that a line about it tells besides, and the words that introduce them.
    :param names: looks up the names of subjects, for failures whose items have none.
    :param start: starts jobs that were made as drafts, and gives a record for each id. A job may be started that has
        been started before. Raises `CgcError` for trouble that is about no single job.
    :param started_codes: the codes with which the platform refuses to start a job that has been started.
    :param start_size: the number of jobs that one call of `start` takes.
    """

    name: str
    plural: str
    cancellable: bool
    phase: Callable[[Any], Phase] = field(repr=False)
    endpoint: Callable[[Any], Endpoint] = field(repr=False)
    unknown_code: int
    unfit_key: str = "not_startable"
    denials: frozenset[int] = DENIALS
    subject: str = ""
    title: str = "name"
    columns: tuple[str, ...] = ("name", "project")
    about: tuple[tuple[str, str], ...] = ()
    names: Names | None = field(default=None, repr=False)
    start: Start | None = field(default=None, repr=False)
    started_codes: frozenset[int] = frozenset()
    start_size: int = 1

    @property
    def known_by(self) -> str:
        """The key of an item at which nothing stands where the platform does not know the job."""
        return self.subject or self.title

    def bulk_get(self, client: CgcClient) -> BulkGet:
        """Return the client's call that asks for many jobs of this kind in one request."""
        return self.endpoint(client).bulk_get

    def has_ended(self, job: Any) -> bool:
        """Return True if a job needs no further look."""
        return self.phase(job) in ENDED

    def completed(self, job: Any) -> bool:
        """Return True if a job has ended well."""
        return self.phase(job) is Phase.COMPLETED

    def failed(self, job: Any) -> bool:
        """Return True if a job has ended otherwise."""
        return self.phase(job) is Phase.FAILED

    def count(self, number: int) -> str:
        """Count jobs in words: 1 export, 300 exports."""
        return f"{number} {self.name if number == 1 else self.plural}"

    def still_running(self, count: int) -> str:
        """Return a sentence about `count` jobs that nobody waits for any more: they continue."""
        if self.start is not None:
            return f"{self.count(count)} {'has' if count == 1 else 'have'} not ended, and those that were started go on"
        jobs = f"{self.name} still runs" if count == 1 else f"{self.plural} still run"
        fate = "" if self.cancellable else " and cannot be cancelled"
        return f"{count} {jobs} on the platform{fate}"


def phase_by_state(job: Any) -> Phase:
    """Judge a job by its state alone, where the client has judged this by the whole record (`JobState.judge`)."""
    return _BY_STATE[job.state]


_BY_STATE = {phase.value: phase for phase in Phase}


def _file_names(client: CgcClient, ids: Collection[str]) -> dict[str, str]:
    """Look up the names of files, a hundred in a request."""
    records = client.files.bulk_get(ids)
    return {str(record.id): record.resource.name for record in records if record.resource is not None}


EXPORT = JobKind(
    name="export",
    plural="exports",
    cancellable=False,
    phase=phase_by_state,
    endpoint=attrgetter("exports"),
    unknown_code=NO_SUCH_JOB,
    unfit_key="not_exportable",
    subject="file",
    title="location",
    columns=("file", "name", "volume", "location"),
    about=(("file", "file"),),
    names=_file_names,
)
IMPORT = JobKind(
    name="import",
    plural="imports",
    cancellable=False,
    phase=phase_by_state,
    endpoint=attrgetter("imports"),
    unknown_code=NO_SUCH_JOB,
    unfit_key="not_importable",
    subject="location",
    title="location",
    columns=("name", "volume", "location", "project", "parent"),
    about=(("project", "to project"), ("parent", "to folder")),
)

KINDS = {kind.name: kind for kind in (EXPORT, IMPORT)}
