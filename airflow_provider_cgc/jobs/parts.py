"""Bulk records where the platform gives none: starts of drafts, and jobs that move many things each.

One of many things in a job has an id of its own, "job#position"; the first one is "job#0".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from airflow_provider_cgc.client.errors import CgcApiError, CgcUnauthorized
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.http.retry import not_from_platform, transient

if TYPE_CHECKING:
    from airflow_provider_cgc.jobs.kinds import Job

J = TypeVar("J", bound="Job")

NO_RESULT = "the job has ended, and its result does not mention this item"

NO_POSITION = "this is the id of a whole job; give the ids of its parts, such as 'job#0'"


@dataclass(frozen=True, slots=True)
class Parts(Generic[J]):
    """
    The things that one job moves, from its record.

    :param names: their names, in the order of their positions.
    :param results: the outcome of each, with its name, in the platform's order; none yet while the job runs.
    :param is_over: the job has ended, so that no result will be added.
    :param part: makes the job of one thing from its id, and its result if there is one.
    """

    names: Sequence[str]
    results: Sequence[tuple[str | None, Any]]
    is_over: bool
    part: Callable[[str, Any | None], J]

    def record(self, part_id: str, position: int) -> BulkRecord[J]:
        """Return the record of one thing: never that of another, and never COMPLETED without a result."""
        result = self._result(position)
        if result is None and (self.is_over or position >= len(self.names)):
            return BulkRecord(part_id, None, Problem(404, None, NO_RESULT, made_here=True))
        return BulkRecord(part_id, self.part(part_id, result), None)

    def _result(self, position: int) -> Any | None:
        """Return the result at a position if every thing has one, else the only one with the thing's name."""
        if position >= len(self.names):
            return None
        if len(self.results) == len(self.names):
            return self.results[position][1]
        name = self.names[position]
        found = [result for named, result in self.results if named == name]
        return found[0] if len(found) == 1 and Counter(self.names)[name] == 1 else None


def part_ids(job_id: str, count: int) -> list[str]:
    """Return the ids of all parts of a job."""
    return [f"{job_id}#{position}" for position in range(count)]


def records_of_parts(
    ids: Iterable[str],
    jobs: Callable[[Sequence[str]], Iterable[BulkRecord[Any]]],
    parts: Callable[[Any], Parts[J]],
) -> list[BulkRecord[J]]:
    """
    Return one record for each id of a part, in order; each job is asked for once.

    :param jobs: asks for jobs, and returns a record for each.
    :param parts: reads the parts of one job.
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
    Start drafts with a request for each, and return a record for each: a refusal becomes that record's problem.

    :raises CgcError: for trouble that concerns all jobs, such as a lost connection, a rate limit or a refused token.
    """
    records: list[BulkRecord[Any]] = []
    for job_id in ids:
        try:
            start(job_id)
        except CgcApiError as error:
            if transient(error, answered=True) or not_from_platform(error) or isinstance(error, CgcUnauthorized):
                raise
            records.append(BulkRecord(job_id, None, error.problem))
        else:
            records.append(BulkRecord(job_id))
    return records
