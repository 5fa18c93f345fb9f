"""Secondary files: the index that is useless without its file, and without which its file often is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_cgc.client.models import File
    from airflow_provider_cgc.jobs.listing.item import ListedFile

_MAIN_ENDS: Mapping[str, tuple[str, ...]] = {
    ".bai": (".bam",),
    ".crai": (".cram",),
    ".csi": (".bam",),
    **dict.fromkeys((".tbi", ".fai", ".gzi", ".idx"), ()),
    ".dict": (".fa", ".fasta", ".fa.gz", ".fasta.gz"),
}
"""By the ending of an index, the endings of files that it may stand in place of: a.bam has a.bam.bai or a.bai."""


def mains_of(name: str) -> tuple[str, ...]:
    """Return the names of the files in the same folder whose index a file may be, going by its name."""
    stem, dot, end = name.rpartition(".")
    others = _MAIN_ENDS.get(f"{dot}{end.lower()}")
    return () if others is None or not stem else (stem, *(f"{stem}{other}" for other in others))


@dataclass(slots=True)
class SecondaryFiles:
    """The files that were not selected, until it is known which of them belong to selected ones."""

    _others: list[ListedFile] = field(default_factory=list)
    _mains: set[tuple[str, str]] = field(default_factory=set)
    """Path and name of the selected files."""
    _named: set[str] = field(default_factory=set)
    """The ids of secondary files that the platform names."""
    _not_there: int = 0
    _found: int = 0

    def note_selected(self, path: str, file: File) -> None:
        """Note a file that was selected, for its secondary files."""
        self._mains.add((path, file.name))
        named = file.raw.get("_secondary_files")
        entries = named if isinstance(named, list) else []
        self._named |= {str(one["id"]) for one in entries if isinstance(one, Mapping) and one.get("id")}

    def keep(self, other: ListedFile) -> None:
        """Keep a file that was not selected."""
        self._others.append(other)

    def found(self, selected: set[str]) -> Iterator[ListedFile]:
        """
        Yield those that belong to selected files, once all files have been read.

        :param selected: the ids of the selected files, which may be secondary files themselves.
        """
        for other in self._others:
            by_name = any((other.path, main) in self._mains for main in mains_of(other.name))
            if by_name or other.file in self._named:
                self._found += 1
                yield other
        self._not_there = len(self._named - selected - {other.file for other in self._others})

    @property
    def remarks(self) -> str:
        """A sentence about the number of them."""
        missing = (
            f", and {self._not_there} that the platform names are not in this place, so they are not listed"
            if self._not_there
            else ""
        )
        return f"Taken as secondary files of others: {self._found}{missing}."
