"""Starting many jobs in one request, the same for every kind that the platform starts in bulk.

https://docs.cancergenomicscloud.org/reference/start-a-bulk-export-job and its neighbours are the pages followed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from enum import IntEnum
from itertools import combinations
from typing import Any, ClassVar

from airflow_provider_cgc.client.endpoints.items import known_item, refuse_no_list
from airflow_provider_cgc.client.endpoints.jobs import Job, JobsEndpoint, T
from airflow_provider_cgc.client.endpoints.records import BULK_LIMIT, Accounts, account
from airflow_provider_cgc.client.errors import CgcUsageError
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem, one_line
from airflow_provider_cgc.client.http.request import Request

__all__ = ["BulkCreateEndpoint", "Fit"]

log = logging.getLogger(__name__)

_NOBODY = -1
"""The index in place of an item's for a job that cannot be tied to one item."""


class Fit(IntEnum):
    """The fit of a job in the answer to an item of the request."""

    NONE = 0
    POSSIBLE = 1
    """Not quite as asked, or not everything is told."""
    GOOD = 2


class BulkCreateEndpoint(JobsEndpoint[T]):
    """One kind of job that is started in bulk."""

    item_keys: ClassVar[frozenset[str]]
    """The keys that an item may have."""

    def _create(self, items: Sequence[Mapping[str, Any]], params: Mapping[str, str]) -> list[BulkRecord[T]]:
        """Send one bulk create; never twice, unless the platform certainly saw nothing of it."""
        refuse_no_list(items)
        if len(items) > BULK_LIMIT:
            raise CgcUsageError(
                f"one call takes at most {BULK_LIMIT} items, not {len(items)}: send chunks_of(items, {BULK_LIMIT})"
            )
        bodies = [self._wire(index, known_item(index, item, self.item_keys)) for index, item in enumerate(items)]
        self._refuse_twins(bodies)
        if not bodies:
            return []
        request = Request("POST", f"{self.bulk_path}/create", params, {"items": bodies}, repeatable=False)
        return self._records(bodies, self._transport.send(request).value)

    def _records(self, bodies: Sequence[Mapping[str, Any]], answer: object) -> list[BulkRecord[T]]:
        """Return one record per item, in order; a job belongs to the item that it fits, wherever it stands."""
        # Where nothing is asked for, all jobs of an answer are strays.
        jobs = account((), answer, parse=self._parse, key=_id, id_of=_id).strays
        indices = range(len(bodies))
        owners = _owners({job.id: _best([self._fit(body, job) for body in bodies]) for job in jobs})
        accounts = account(indices, answer, parse=self._parse, key=lambda job: owners.get(job.id, _NOBODY), id_of=_id)
        for job in accounts.strays:
            log.warning("the platform started %s %s, which matches no single item of the call", self.noun, job.id)
        problem = _of_the_missing([index for index in indices if index not in accounts.records], accounts, self.noun)
        return [accounts.records.get(index) or BulkRecord(None, None, problem) for index in indices]

    def _refuse_twins(self, bodies: Sequence[Mapping[str, Any]]) -> None:
        """Refuse two jobs with one target: both may end well, but only one result would be left."""
        for (first, body), (second, other) in combinations(enumerate(bodies), 2):
            clash = self._clash(body, other)
            if clash:
                raise CgcUsageError(f"items {first} and {second} {clash}")

    def _wire(self, index: int, item: Mapping[str, Any]) -> dict[str, Any]:
        """Return the item as the platform wants it; raises `CgcUsageError` that names the index."""
        raise NotImplementedError

    def _fit(self, body: Mapping[str, Any], job: T) -> Fit:
        """Judge if a job that came back can be the one that this body asked for."""
        raise NotImplementedError

    def _clash(self, body: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
        """Return the reason that forbids two jobs in one call, to follow "items 0 and 1"; None if there is none."""
        raise NotImplementedError


def _best(fits: Sequence[Fit]) -> set[int]:
    """Return the items that a job fits best, if it fits any."""
    best = max(fits)
    return {index for index, fit in enumerate(fits) if fit is best} if best is not Fit.NONE else set()


def _owners(candidates: dict[str, set[int]]) -> dict[str, int]:
    """Return the one item that each job can belong to, given the items that it fits; open cases are left out.

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
    """Return the problem of items that no record could be tied to."""
    problems = accounts.unplaced
    if accounts.strays:
        started = ", ".join(job.id for job in accounts.strays)
        text = one_line(f"the platform's answer does not show whether this {noun} is one that it started: {started}")
        return Problem(None, None, text, made_here=True)
    if problems and len(problems) == len(missing) and len(set(problems)) == 1:
        return problems[0]
    if problems and len(problems) == len(missing):
        said = "; ".join(dict.fromkeys(str(problem) for problem in problems))
        return Problem(None, None, f"refused for one of these reasons: {said}", made_here=True)
    text = f"the platform's answer did not mention this {noun}: it may or may not have been started"
    return Problem(None, None, text, made_here=True)
