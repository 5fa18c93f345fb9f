"""The datasets that jobs read and write, for OpenLineage: named as others name them, and few whatever the jobs.

Only facts that a task has anyway are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from airflow_provider_cgc.client.models import Volume

MOST = 100
"""Datasets on each side at most: an event with thousands is refused by the backends, or never read."""
MOST_CHARACTERS = 16_000
"""Characters of their names together at most: they are kept in an XCom, or in Airflow's store."""
_SCHEMES = {"s3": "s3", "gcs": "gs"}
"""Services for whose buckets OpenLineage has names (https://openlineage.io/docs/spec/naming)."""

Name = tuple[str, str]
"""Namespace and name of a dataset."""


class Namespaces(NamedTuple):
    """The namespaces of a platform."""

    volumes: str
    projects: str


@dataclass(frozen=True, slots=True)
class Moved:
    """The datasets of one task."""

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


def few(*levels: Sequence[Name]) -> tuple[Name, ...]:
    """Return the distinct names of the first level that has few enough, or the first names of the last level."""
    for level in levels:
        names = sorted(set(level))
        if len(names) <= MOST and sum(len(name) for _, name in names) <= MOST_CHARACTERS:
            return tuple(names)
    return tuple(names[:MOST])


def on_volume(volume: str, path: str, known: Volume | None, here: Namespaces) -> Name:
    """
    Name an object or a folder of a volume: on S3 and Google by bucket and key, elsewhere by the volume's name.

    :param path: below the volume's own prefix; "" for all of the volume.
    :param known: the platform's facts about the volume; None if there are none.
    """
    scheme = _SCHEMES.get(known.service_type or "") if known is not None else None
    if known is None or scheme is None or not known.bucket:
        return here.volumes, in_folders(volume, path)
    return f"{scheme}://{known.bucket}", in_folders(known.prefix or "", path) or "/"


def in_folders(*parts: str) -> str:
    """Join the parts of a path that are not empty."""
    return "/".join(part.strip("/") for part in parts if part.strip("/"))


def _names(raw: Iterable[Sequence[Any]]) -> tuple[Name, ...]:
    return tuple((str(namespace), str(name)) for namespace, name in raw)
