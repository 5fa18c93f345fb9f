"""Knows the kinds of jobs that the API starts: what tells one from the other on the wire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from airflow_provider_cgc.emulator.state import exports, imports
from airflow_provider_cgc.emulator.state.exports import ExportJob, ExportOrder
from airflow_provider_cgc.emulator.state.imports import ImportJob, ImportOrder
from airflow_provider_cgc.emulator.state.nouns import User
from airflow_provider_cgc.emulator.state.queue import Job
from airflow_provider_cgc.emulator.state.registry import JobRegistry
from airflow_provider_cgc.emulator.state.world import World
from airflow_provider_cgc.emulator.web.call import Call

OrderT = TypeVar("OrderT")
JobT = TypeVar("JobT", bound=Job)


@dataclass(frozen=True, slots=True)
class JobKind(Generic[OrderT, JobT]):
    """One kind of job.

    :param name: as in its paths, in the plural.
    :param ids_key: of the list of ids in a bulk get.
    :param jobs: all jobs of the kind.
    :param reader: makes of a call what reads the bodies in it, alone or item by item.
    :param submit: accepts an order or refuses it.
    :param usable_volume: refuses an order whose volume cannot be used.
    :param project_of: by which the list can be filtered; None where it cannot.
    """

    name: str
    ids_key: str
    jobs: Callable[[World], JobRegistry[JobT]]
    reader: Callable[[Call], Callable[[Any], OrderT]]
    submit: Callable[[World, User, OrderT], JobT]
    usable_volume: Callable[[World, User, OrderT], Any]
    project_of: Callable[[JobT], str | None] | None = None


EXPORTS: JobKind[ExportOrder, ExportJob] = JobKind(
    name="exports",
    ids_key="export_ids",
    jobs=lambda world: world.exports,
    reader=lambda call: partial(ExportOrder.from_json, copy_only=call.flag("copy_only")),
    submit=exports.submit,
    usable_volume=exports.usable_volume,
)

IMPORTS: JobKind[ImportOrder, ImportJob] = JobKind(
    name="imports",
    ids_key="import_ids",
    jobs=lambda world: world.imports,
    reader=lambda call: ImportOrder.from_json,
    submit=imports.submit,
    usable_volume=imports.usable_volume,
    project_of=lambda job: job.project_id,
)
