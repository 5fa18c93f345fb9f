"""Records for kinds of job that the platform does not answer for one by one: starts, and jobs that move many things.

A thing that is one of many in a job has an id of its own, "job#position", the first one "job#0".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from airflow_provider_cgc.client.errors import CgcApiError
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.http.retry import not_from_platform, transient

if TYPE_CHECKING:
    from airflow_provider_cgc.jobs.kinds import Job

J = TypeVar("J", bound="Job")

_UNAUTHORIZED = 401
NOT_TOLD = "the job has ended, and its result does not tell what became of this item"

NO_POSITION = "this is the id of a whole job; give the ids of what it moves, such as 'job#0'"


@dataclass(frozen=True, slots=True)
class Parts(Generic[J]):
    """
    The things that one job moves, as its record tells them.

    :param names: the name of each, in the order of their positions.
    :param results: what has become of each, by name, in the platform's order; none yet while the job is under way.
    :param is_over: the job has ended, so that no result will be added.
    :param part: gives the job of one thing, from its id, and its result if there is one.
    """

    names: Sequence[str]
    results: Sequence[tuple[str | None, Any]]
    is_over: bool
    part: Callable[[str, Any | None], J]

    def record(self, part_id: str, position: int) -> BulkRecord[J]:
        """Return the record of one thing: never that of another, and never a job that completed without a result."""
        result = self._result(position)
        if result is None and (self.is_over or position >= len(self.names)):
            return BulkRecord(part_id, None, Problem(404, None, NOT_TOLD, made_here=True))
        return BulkRecord(part_id, self.part(part_id, result), None)

    def _result(self, position: int) -> Any | None:
        """Return the result at a position if every thing has one, else the only one of the thing's name."""
        if position >= len(self.names):
            return None
        if len(self.results) == len(self.names):
            return self.results[position][1]
        name = self.names[position]
        found = [result for told, result in self.results if told == name]
        return found[0] if len(found) == 1 and Counter(self.names)[name] == 1 else None


def part_ids(job_id: str, count: int) -> list[str]:
    """Return the ids of all that a job moves."""
    return [f"{job_id}#{position}" for position in range(count)]


def records_of_parts(
    ids: Iterable[str],
    jobs: Callable[[Sequence[str]], Iterable[BulkRecord[Any]]],
    parts: Callable[[Any], Parts[J]],
) -> list[BulkRecord[J]]:
    """
    Return one record for each id of a thing, in the order given, each job asked for once.

    :param jobs: asks for jobs, and gives a record for each.
    :param parts: reads what one job moves.
    """
    wanted = [(part_id, *part_id.partition("#")[::2]) for part_id in ids]
    found = {record.id: record for record in jobs(list(dict.fromkeys(job_id for _, job_id, _ in wanted)))}
    read = {job_id: parts(one.resource) for job_id, one in found.items() if one.resource is not None}

    def record(part_id: str, job_id: str, position: str) -> BulkRecord[J]:
        if not position.isdecimal():
            return BulkRecord(part_id, None, Problem(404, None, NO_POSITION, made_here=True))
        if job_id in read:
            return read[job_id].record(part_id, int(position))
        return BulkRecord(part_id, None, found[job_id].error if job_id in found else None)

    return [record(*one) for one in wanted]


def start_each(start: Callable[[str], object], ids: Iterable[str]) -> list[BulkRecord[Any]]:
    """
    Start drafts by a request for each, and return a record for each: what the platform refuses is that one's problem.

    :raises CgcError: for trouble that is about no single job, such as a line that drops, a rate limit or a token.
    """
    records: list[BulkRecord[Any]] = []
    for job_id in ids:
        try:
            start(job_id)
        except CgcApiError as error:
            if transient(error, answered=True) or not_from_platform(error) or error.status == _UNAUTHORIZED:
                raise
            records.append(BulkRecord(job_id, None, error.problem))
        else:
            records.append(BulkRecord(job_id))
    return records
