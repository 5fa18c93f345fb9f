"""The arguments of an export, and the checks that need no request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from airflow_provider_cgc import storage
from airflow_provider_cgc.arguments import flag_of, properties_of, word_of
from airflow_provider_cgc.exceptions import CgcBadInput
from airflow_provider_cgc.jobs.exports.item import ExportItem, check_volume
from airflow_provider_cgc.jobs.exports.locations import LocationTemplate, targets
from airflow_provider_cgc.jobs.placeholders import BadTarget
from airflow_provider_cgc.jobs.submitting.manifest import is_json_lines
from airflow_provider_cgc.jobs.text import is_nothing
from airflow_provider_cgc.literals import Literals
from airflow_provider_cgc.operators.base import CgcSubmittingOperator
from airflow_provider_cgc.operators.submitting_arguments import Arguments, address_of

IF_EXISTS = ("fail", "skip", "overwrite")
ALIASES = ("fail", "skip")
NOT_YET_THERE = (
    "with wait=False nobody writes the metadata of exported files, because none is on the volume yet; drop"
    " metadata_path, or wait=False"
)


def location_of(value: Any, *, where: str) -> LocationTemplate:
    """Read the template for keys. Raises BadTarget, which names the argument itself."""
    if isinstance(value, str) and value.strip() and is_nothing(value):
        raise BadTarget(f"the location is {value!r}: a template rendered to nothing; correct the template")
    return LocationTemplate(value)


def metadata_path_of(value: Any, *, where: str, conn_id: str | None) -> str:
    """
    Read the address of the sidecar to write, which an import must be able to read.

    :raises CgcBadInput: if it is none, or the name is not that of JSON Lines.
    """
    address = address_of(value, where=where, conn_id=conn_id)
    if not is_json_lines(address):
        raise CgcBadInput(f"{where} is {address!r}; let it end in .jsonl, because the metadata is JSON Lines")
    return address


class ExportArguments(Arguments):
    """The arguments of `CgcBulkExportOperator`."""

    READERS: ClassVar[Mapping[str, Callable[..., Any]]] = {
        "copy_only": flag_of,
        "if_exists": partial(word_of, words=IF_EXISTS),
        "aliases": partial(word_of, words=ALIASES),
        "location": location_of,
        "properties": properties_of,
        **Arguments.READERS,
    }
    WRITTEN: ClassVar[Mapping[str, Callable[..., str]]] = {
        **Arguments.WRITTEN,
        "metadata_path": metadata_path_of,
    }

    def check(self, item: ExportItem) -> list[str]:
        """Return the problem of an item's volume, if there is one."""
        return check_volume(item)

    def wrong_together(self, task: CgcSubmittingOperator, values: Mapping[str, Any]) -> list[str]:
        """Return the problems of arguments that are right one by one."""
        wrong = super().wrong_together(task, values)
        metadata_path = getattr(task, "metadata_path", None)
        if not metadata_path:
            return wrong
        if task.wait is False:
            wrong.append(NOT_YET_THERE)
        same = [name for name in ("manifest_path", "manifest") if _is_same(metadata_path, getattr(task, name), task)]
        if same:
            wrong.append(f"metadata_path and {same[0]} are the same address; give each a file of its own")
        return wrong

    def judge(self, given: Literals, items: list[ExportItem], values: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """Return the problems of items that have a location of their own."""
        # A volume or a location that is not known yet is not checked.
        volume = values["volume"] if given.known("volume") and not given.value("volume") else "some/volume"
        asked = [item for item in items if item.location is not None or not (item.volume or volume)]
        found = targets(asked, template=LocationTemplate("{id}"), volume=volume)
        return found.problems, [f"{item.line}: {problem}" for item, problem in found.unplaced]


def _is_same(one: Any, other: Any, task: CgcSubmittingOperator) -> bool:
    """Return True if two arguments are one address, or texts that will render to one."""
    one, other = storage.as_text(one), storage.as_text(other)
    if not (isinstance(one, str) and isinstance(other, str)):
        return False
    if one == other:
        return True
    try:
        return storage.address(one, task.manifest_conn_id) == storage.address(other, task.manifest_conn_id)
    except CgcBadInput:
        return False  # a template, or an address whose own problem is told


EXPORT_ARGUMENTS = ExportArguments()
