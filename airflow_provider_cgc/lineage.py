"""The datasets that an export read and wrote, for OpenLineage, named by facts that the task has anyway.

The platform is not asked, and nothing happens if Airflow's OpenLineage provider is not installed, or is off. Lineage
must not fail a task: any error here becomes a warning.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.asset_uris import namespace
from airflow_provider_cgc.patience import task_state_store

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_cgc.client.models import File, Volume
    from airflow_provider_cgc.jobs.exports.facts import Facts
    from airflow_provider_cgc.jobs.exports.item import ExportItem
    from airflow_provider_cgc.jobs.waiting.summary import Summary

log = logging.getLogger(__name__)

KEY = "cgc_lineage"
MOST = 100
"""Datasets on each side at most: an event with thousands is refused by the backends, or never read."""
MOST_CHARACTERS = 16_000
"""Characters of their names together at most: they are kept in an XCom, or in Airflow's store."""
_SCHEMES = {"s3": "s3", "gcs": "gs"}
"""Services for whose buckets OpenLineage has names (https://openlineage.io/docs/spec/naming)."""

Name = tuple[str, str]
"""Namespace and name of a dataset."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The datasets of one export."""

    inputs: tuple[Name, ...]
    outputs: tuple[Name, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {"version": 1, "inputs": [list(one) for one in self.inputs], "outputs": [list(o) for o in self.outputs]}

    @classmethod
    def from_json(cls, raw: Any) -> Moved | None:
        """Read it again; None for a value that this release does not know."""
        if not isinstance(raw, Mapping) or raw.get("version") != 1:
            return None
        try:
            return cls(inputs=_names(raw["inputs"]), outputs=_names(raw["outputs"]))
        except (KeyError, TypeError, ValueError):
            return None


def moved(items: Iterable[ExportItem], facts: Facts, *, host: str) -> Moved:
    """
    Name the datasets that items are read from and written to.

    Files by project and path (or id, if the path is not known), as long as there are few; else their folders, else
    their projects. Objects by their folders, or the volume: on S3 and Google by bucket and key, elsewhere by the
    volume's name on the platform.
    """
    here = namespace(host)
    items = list(items)
    files = {item.file: facts.files.get(item.file) for item in items}
    sources = (
        [(here, _file_name(item, files[item.file])) for item in items],
        [(here, _folder_name(item, files[item.file])) for item in items],
        [(here, _project(item, files[item.file])) for item in items],
    )
    targets = (
        [_target(item, facts.volumes, here, folder=str(item.location).rpartition("/")[0]) for item in items],
        [_target(item, facts.volumes, here, folder="") for item in items],
    )
    return Moved(_few(sources), _few(targets))


class MaskedTaskInfo:
    """
    An attribute that is needed by Airflow's OpenLineage provider with `include_full_task_info`.

    The provider masks secrets in an operator's `__dict__`, but only if JSON cannot take all of it as it is (tried with
    2.20): with this value, which JSON cannot take, the others are masked.
    """

    __slots__ = ()


class ExportLineage:
    """The methods that Airflow's OpenLineage provider calls on an operator, in the process that ended the task."""

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

    def _keep_lineage(self, context: Context, items: Iterable[ExportItem], facts: Facts, *, host: str) -> None:
        """Name the datasets, and store them for the process that ends the task, which may be another one."""
        with _may_fail():
            self._moved = moved(items, facts, host=host)
            if not is_wanted():
                return
            store = task_state_store(context)
            if store is not None:
                store.set(KEY, self._moved.to_json())
            else:
                context["ti"].xcom_push(key=KEY, value=self._moved.to_json())

    def _recall_lineage(self, context: Context, summary: Summary) -> None:
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
        log.warning("OpenLineage does not get the datasets of this export: %s: %s", type(error).__name__, error)


def _names(raw: Iterable[Sequence[Any]]) -> tuple[Name, ...]:
    return tuple((str(namespace), str(name)) for namespace, name in raw)


def _few(levels: Sequence[Sequence[Name]]) -> tuple[Name, ...]:
    """Return the distinct names of the first level that has few enough, or the first names of the last level."""
    for level in levels:
        names = sorted(set(level))
        if len(names) <= MOST and sum(len(name) for _, name in names) <= MOST_CHARACTERS:
            return tuple(names)
    return tuple(names[:MOST])


def _project(item: ExportItem, file: File | None) -> str:
    return item.project or (file.project if file is not None else None) or "unknown"


def _folder_name(item: ExportItem, file: File | None) -> str:
    return _joined(_project(item, file), item.path or "")


def _file_name(item: ExportItem, file: File | None) -> str:
    name = item.name or (file.name if file is not None else "")
    if item.path is None or not name:
        return _joined(_project(item, file), item.file)
    return _joined(_folder_name(item, file), name)


def _target(item: ExportItem, volumes: Mapping[str, Volume], here: str, *, folder: str) -> Name:
    volume = volumes.get(str(item.volume))
    scheme = _SCHEMES.get(volume.service_type or "") if volume is not None else None
    if volume is None or scheme is None or not volume.bucket:
        return here, _joined(str(item.volume), folder)
    return f"{scheme}://{volume.bucket}", _joined(volume.prefix or "", folder) or "/"


def _joined(*parts: str) -> str:
    return "/".join(part.strip("/") for part in parts if part.strip("/"))
