"""The kinds of jobs that the API starts: what tells one from the other on the wire.

To add a kind: its job in `state/`, its order in `state/orders.py`, its queue in `state/world.py`, and a value here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from airflow_provider_cgc.emulator.options import Options
from airflow_provider_cgc.emulator.state import exports, imports
from airflow_provider_cgc.emulator.state.exports import ExportJob
from airflow_provider_cgc.emulator.state.imports import ImportJob
from airflow_provider_cgc.emulator.state.nouns import Jobs, User
from airflow_provider_cgc.emulator.state.orders import ExportOrder, ImportOrder
from airflow_provider_cgc.emulator.state.queue import Job
from airflow_provider_cgc.emulator.state.registry import JobRegistry
from airflow_provider_cgc.emulator.state.world import World
from airflow_provider_cgc.emulator.web.call import Call
from airflow_provider_cgc.emulator.web.views import Json, View

OrderT = TypeVar("OrderT")
JobT = TypeVar("JobT", bound=Job)


@dataclass(frozen=True, slots=True)
class JobKind(Generic[OrderT, JobT]):
    """One kind of job.

    :param name: its name in paths, in the plural.
    :param ids_key: the name of the list of ids in a bulk get.
    :param reader: makes of a call the function that reads its bodies, alone or item by item.
    :param submit: accepts an order or refuses it.
    :param usable_volume: refuses an order whose volume cannot be used.
    :param show: writes a job as JSON.
    :param goes_to: answers if a job goes to a project, by which the list can be filtered; None where it cannot.
    """

    name: Jobs
    ids_key: str
    reader: Callable[[Call], Callable[[Any], OrderT]]
    submit: Callable[[World, User, OrderT], JobT]
    usable_volume: Callable[[World, User, OrderT], Any]
    show: Callable[[View, JobT], Json]
    goes_to: Callable[[Options, JobT, str], bool] | None = None

    def jobs(self, world: World) -> JobRegistry[JobT]:
        """Return all jobs of this kind."""
        return world.jobs[self.name]


def _show_export(view: View, job: ExportJob) -> Json:
    order, options = job.order, view.options
    destination = {"volume": order.volume, "location": order.location}
    if options.pasted_shape:
        # As the documentation of the bulk get prints it: an import's source and destination, and no start.
        pasted = {"project": job.file.project, "name": job.file.name}
        asked: Json = {"source": destination, "destination": pasted, "overwrite": order.overwrite}
    else:
        asked = {"source": {"file": order.file}, "destination": destination, "overwrite": order.overwrite}
        asked |= {"started_on": view.time(job.created), "properties": dict(job.properties)}
    if job.state != "COMPLETED" or options.result == "absent":
        return view.job(job, asked, {})
    file = view.file(job.file)
    if options.result == "alias":
        file["storage"] = view.on_volume(order.volume, order.location)
    return view.job(job, asked, {"result": file})


def _show_import(view: View, job: ImportJob) -> Json:
    order = job.order
    where = {"project": order.project} if order.parent is None else {"parent": order.parent}
    name = job.name if view.options.destination_name == "filled" else order.name
    asked: Json = {
        "source": {"volume": order.volume, "location": order.location},
        "destination": {**where, **({} if name is None else {"name": name})},
        "overwrite": order.overwrite,
        "autorename": order.autorename,
        "started_on": view.time(job.created),
    }
    if order.folder:
        asked["preserve_folder_structure"] = order.preserve_folder_structure
    result = None if view.options.result == "absent" else job.result
    return view.job(job, asked, {"result": view.file(result)} if result else {})


def _goes_to(options: Options, job: ImportJob, project: str) -> bool:
    return project == (job.project_id if options.import_project == "all" else job.order.project)


EXPORTS: JobKind[ExportOrder, ExportJob] = JobKind(
    name="exports",
    ids_key="export_ids",
    reader=lambda call: partial(ExportOrder.from_json, copy_only=call.flag("copy_only")),
    submit=exports.submit,
    usable_volume=exports.usable_volume,
    show=_show_export,
)

IMPORTS: JobKind[ImportOrder, ImportJob] = JobKind(
    name="imports",
    ids_key="import_ids",
    reader=lambda call: ImportOrder.from_json,
    submit=imports.submit,
    usable_volume=imports.usable_volume,
    show=_show_import,
    goes_to=_goes_to,
)

KINDS: tuple[JobKind[Any, Any], ...] = (EXPORTS, IMPORTS)
