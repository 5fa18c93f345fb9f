"""The arguments of an export, and the checks that need no request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from airflow_provider_cgc.arguments import flag_of, properties_of, word_of
from airflow_provider_cgc.jobs.exports.item import ExportItem, check_volume
from airflow_provider_cgc.jobs.exports.locations import LocationTemplate, targets
from airflow_provider_cgc.jobs.placeholders import BadTarget
from airflow_provider_cgc.jobs.text import is_nothing
from airflow_provider_cgc.literals import Literals
from airflow_provider_cgc.operators.submitting_arguments import Arguments

IF_EXISTS = ("fail", "skip", "overwrite")
ALIASES = ("fail", "skip")


def location_of(value: Any, *, where: str) -> LocationTemplate:
    """Read the template for keys. Raises BadTarget, which names the argument itself."""
    if isinstance(value, str) and value.strip() and is_nothing(value):
        raise BadTarget(f"the location is {value!r}: a template rendered to nothing; correct the template")
    return LocationTemplate(value)


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

    def check(self, item: ExportItem) -> list[str]:
        """Return the problem of an item's volume, if there is one."""
        return check_volume(item)

    def judge(self, given: Literals, items: list[ExportItem], values: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """Return the problems of items that have a location of their own."""
        # A volume or a location that is not known yet is not checked.
        volume = values["volume"] if given.known("volume") and not given.value("volume") else "some/volume"
        asked = [item for item in items if item.location is not None or not (item.volume or volume)]
        found = targets(asked, template=LocationTemplate("{id}"), volume=volume)
        return found.problems, [f"{item.line}: {problem}" for item, problem in found.unplaced]


EXPORT_ARGUMENTS = ExportArguments()
