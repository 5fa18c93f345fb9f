"""The datasets that a task read and wrote, for OpenLineage, named by facts that the task has anyway.

The platform is not asked, and nothing happens if Airflow's OpenLineage provider is not installed, or is off. Lineage
must not fail a task: any error here becomes a warning.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_cgc.asset_uris import PROJECT, VOLUME, namespace
from airflow_provider_cgc.jobs.datasets import Moved, Namespaces
from airflow_provider_cgc.patience import task_state_store

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_cgc.jobs.submitting.attempt import Attempt
    from airflow_provider_cgc.jobs.transfers import TransferOrder
    from airflow_provider_cgc.jobs.waiting.summary import Summary

log = logging.getLogger(__name__)

KEY = "cgc_lineage"


class MaskedTaskInfo:
    """
    An attribute that is needed by Airflow's OpenLineage provider with `include_full_task_info`.

    The provider masks secrets in an operator's `__dict__`, but only if JSON cannot take all of it as it is (tried with
    2.20): with this value, which JSON cannot take, the others are masked.
    """

    __slots__ = ()


class TransferLineage:
    """
    The part of an operator that knows its datasets.

    Airflow's OpenLineage provider calls the public methods, in the process that ended the task.
    """

    _moved: Moved | None = None
    _arrived = False

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return the datasets of a task that succeeded; None if lineage is not wanted."""
        return as_openlineage(self._moved)

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> Any:
        """Return the datasets of a task that failed: outputs only if something was written."""
        known = self._moved
        if known is not None and not self._arrived:
            known = Moved(known.inputs, ())
        return as_openlineage(known)

    def about_to_send(self, context: Context, attempt: Attempt) -> None:
        """Name the datasets, and store them for the process that ends the task, which may be another one."""
        with _may_fail():
            order = cast("TransferOrder", attempt.order)
            host = order.client.settings.host
            here = Namespaces(namespace(host, VOLUME), namespace(host, PROJECT))
            self._moved = order.datasets(here)
            if not is_wanted():
                return
            store = task_state_store(context)
            if store is not None:
                store.set(KEY, self._moved.to_json())
            else:
                context["ti"].xcom_push(key=KEY, value=self._moved.to_json())

    def accounted(self, context: Context, summary: Summary) -> None:
        """Read the stored datasets, at the end of the task."""
        self._arrived = bool(summary.completed + summary.skipped)
        with _may_fail():
            if self._moved is not None or not is_wanted():
                return
            ti: Any = context["ti"]
            store = task_state_store(context)
            known = None if store is None else store.get(KEY)
            if known is None:
                known = ti.xcom_pull(task_ids=ti.task_id, key=KEY, map_indexes=ti.map_index)
            self._moved = Moved.from_json(known)


def is_wanted() -> bool:
    """Return True if Airflow's OpenLineage provider is installed, and was not switched off."""
    try:
        from airflow.providers.openlineage.conf import is_disabled
    except ImportError:
        return False
    return not is_disabled()


def as_openlineage(known: Moved | None) -> Any:
    """Return Airflow's own value for datasets; None if none are known, or lineage is not wanted."""
    if known is None or not is_wanted():
        return None
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.openlineage.extractors import OperatorLineage

    return OperatorLineage(
        inputs=[Dataset(namespace=namespace, name=name) for namespace, name in known.inputs],
        outputs=[Dataset(namespace=namespace, name=name) for namespace, name in known.outputs],
    )


@contextmanager
def _may_fail() -> Iterator[None]:
    """Turn errors into warnings."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  # lineage must not fail a task
        log.warning("OpenLineage does not get the datasets of this task: %s: %s", type(error).__name__, error)
