"""Sensors that are given the ids of their jobs in an argument."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_cgc import storage
from airflow_provider_cgc.arguments import (
    check_count,
    connection_id,
    ids_given,
    manifests_given,
    whole_number,
    why_others,
)
from airflow_provider_cgc.exceptions import CgcBadInput
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.literals import Literals
from airflow_provider_cgc.sensors.base import CgcJobsSensor
from airflow_provider_cgc.sensors.source import GivenJobs, Source

if TYPE_CHECKING:
    from airflow_provider_cgc.jobs.submitting.items import Item


class CgcGivenJobsSensor(CgcJobsSensor):
    """
    Wait until jobs that somebody else has started have ended; see `CgcJobsSensor`.

    A subclass is one kind of job: it names the argument with the ids, and reads its literals when it is made.
    """

    ids_argument: ClassVar[str]
    item: ClassVar[type[Item] | None] = None
    """The items of manifests, which it takes in place of ids; None if no operator of ours starts such jobs."""

    def _read_literals(self) -> Literals:
        """Read the arguments that are known when the Dag is parsed, by the readers that `execute` uses."""
        given = Literals(self)
        given.read("cgc_conn_id", connection_id)
        expected = given.read("expected_count", whole_number)
        ids = given.read(self.ids_argument, self._distinct_ids)
        if ids is not None:
            given.check(lambda: self._check_ids(ids, expected, where=self.ids_argument))
        return given

    def _make_source(self) -> Source:
        """Return a new source of the jobs, for this process."""
        starters = sorted(self.upstream_task_ids)
        return GivenJobs(
            self.kind,
            self._given,
            conn_id=self.cgc_conn_id,
            starters=starters,
            starts_drafts=self.max_in_flight is not None,
        )

    def _given(self) -> JobTracker:
        """Return the jobs in the arguments, or raise an error if these are wrong, before anything is sent."""
        where = f"{self.ids_argument} of task {self.task_id!r}"
        manifests = self._manifests(getattr(self, self.ids_argument), where=where)
        if self.item is None or not manifests:
            return JobTracker.of(self.kind, self._ids())
        from airflow_provider_cgc.jobs.submitting.outcomes import tracker_of
        from airflow_provider_cgc.manifests import outcomes_at

        how: dict[str, Any] = {"kind": self.kind, "of": self.item, "where": where}
        lines = [one for address in manifests for one in outcomes_at(address, **how)]
        expected = whole_number(self.expected_count, where=f"expected_count of task {self.task_id!r}")
        self._check_ids(lines, expected, where=where)
        return tracker_of(self.kind, lines)

    def _manifests(self, value: Any, *, where: str) -> list[str]:
        """Return the addresses of manifests; empty if these are ids."""
        return [] if self.item is None else manifests_given(value, where=where)

    def _ids(self) -> list[str]:
        """Return the distinct ids, or raise an error if the arguments are wrong, before anything is sent."""
        where = f"{self.ids_argument} of task {self.task_id!r}"
        given = ids_given(getattr(self, self.ids_argument), where=where)
        ids = list(dict.fromkeys(given))
        if len(ids) < len(given):
            self.log.info("%s has %d ids twice; each is waited for once.", self.ids_argument, len(given) - len(ids))
        expected = whole_number(self.expected_count, where=f"expected_count of task {self.task_id!r}")
        self._check_ids(ids, expected, where=where)
        return ids

    def _distinct_ids(self, value: Any, *, where: str) -> list[str] | None:
        """Return the distinct ids; None if they are to be read from somewhere."""
        manifests = self._manifests(value, where=where)
        for address in manifests:
            try:
                storage.check_form(address)
            except CgcBadInput as error:
                raise CgcBadInput(f"{where}: {error}") from None
        if manifests:
            return None
        return list(dict.fromkeys(ids_given(value, where=where)))

    def _check_ids(self, ids: Sequence[Any], expected: int | None, *, where: str) -> None:
        why = why_others(self.kind, len(ids), expected)
        check_count(len(ids), where=where, why=why, expected=expected, allow_empty=self.allow_empty)
