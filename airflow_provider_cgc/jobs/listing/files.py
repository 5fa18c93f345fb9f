"""Listing the files of a folder: those that a selection takes, and on request only those that can be exported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.jobs.listing.folders import Folder
from airflow_provider_cgc.jobs.listing.item import ListedFile
from airflow_provider_cgc.jobs.listing.secondary import SecondaryFiles
from airflow_provider_cgc.jobs.listing.selection import Selection
from airflow_provider_cgc.jobs.text import counted, human_bytes, joined

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.endpoints.tree import FoundFile, Walk
    from airflow_provider_cgc.client.models import File

LARGEST = 5 * 1024**4
"""Bytes of the largest file that is sent. Inferred, the platform documents none: S3 took no larger object for years,
and Google Cloud Storage takes none. S3 takes 50 TB by now, but nothing says that the platform writes them there."""

_ALIAS, _TOO_LARGE = "alias", "too large"


def why_not_exportable(file: File) -> str | None:
    """
    Return the word for a file that the platform certainly does not export; None for any other.

    An archived or public file, or one imported by DRS, looks like any other: the platform refuses it (9006).
    """
    if file.is_alias:
        return _ALIAS
    return _TOO_LARGE if file.size is not None and file.size > LARGEST else None


@dataclass(slots=True)
class FileListing:
    """The files of a folder that a selection takes, read while you iterate; to be read once."""

    place: Folder
    rules: Selection
    walk: Walk
    recursive: bool
    exportable: bool = False
    secondary: SecondaryFiles | None = None
    """Takes the secondary files of selected ones, too, if it is there."""
    _not_taken: Counter[str] = field(default_factory=Counter)
    """The number of selected files that cannot be exported, by the word for the reason."""

    @classmethod
    def of(cls, client: CgcClient, folder: Folder, selection: Selection, *, recursive: bool, **how: Any) -> FileListing:
        """Prepare a listing; nothing is read yet. `how` has the further fields."""
        project, parent = folder.project_or_folder
        walk = client.files.tree(project, parent=parent, path=folder.path, recursive=recursive)
        return cls(folder, selection, walk, recursive, **how)

    def __iter__(self) -> Iterator[ListedFile]:
        selected: set[str] = set()
        with closing(iter(self.walk)) as found:
            for placed in found:
                file = placed.file
                if not self.rules.takes(file):
                    if self.secondary is not None and not self._is_left_out(file):
                        self.secondary.keep(self._item(placed))
                    continue
                reason = why_not_exportable(file) if self.exportable else None
                if reason is not None:
                    self._not_taken[reason] += 1
                    continue
                yield self._item(placed)
                if self.secondary is not None:
                    self.secondary.note_selected(placed.path, file)
                    selected.add(file.id)
        if self.secondary is not None:
            yield from self.secondary.found(selected)

    def _item(self, found: FoundFile) -> ListedFile:
        file = found.file
        return ListedFile(file.id, file.name, file.size, found.path, file.project or self.place.project)

    def _is_left_out(self, file: File) -> bool:
        """Return True if a file is no secondary file that is wanted."""
        return self.rules.excludes(file.name) or (self.exportable and why_not_exportable(file) is not None)

    def order(self, item: ListedFile) -> tuple[str, str, str]:
        """Return the value to sort a file by."""
        return item.path, item.name, item.file

    @property
    def cost(self) -> str:
        """The number of folders and requests that it took, to follow the number of files."""
        where = f"in {counted(self.walk.folders, 'folder')} " if self.recursive else ""
        return f", {where}read with {counted(self.walk.requests, 'request')}"

    @property
    def remarks(self) -> str:
        """Sentences about files that cannot be exported, and about secondary files; "" if neither was asked for."""
        return joined(self._left_out if self.exportable else "", self.secondary.remarks if self.secondary else "")

    @property
    def _left_out(self) -> str:
        aliases, large = self._not_taken[_ALIAS], self._not_taken[_TOO_LARGE]
        return (
            f"Left out, because the platform does not export them: {aliases} {'alias' if aliases == 1 else 'aliases'}"
            f" and {counted(large, 'file')} of more than {human_bytes(LARGEST)}."
        )

    def hint(self) -> str:
        """Return the likely reason why nothing was found; "" if there is none."""
        # Only now, because the platform does not say that a file's name has no slash.
        path = next((name for name in self.rules.names if "/" in name), None)
        if path is not None:
            return f"name matches a file's own name without its folders, so give the folders of {path!r} by 'folder'"
        return self._left_out.rstrip(".").replace("Left out", "left out", 1) if self._not_taken.total() else ""
