"""A file that was listed, as an item of an export."""

from __future__ import annotations

from typing import Any, NamedTuple


class ListedFile(NamedTuple):
    """A file, as an item of an export."""

    file: str
    name: str
    size: int | None
    path: str
    project: str

    def to_json(self) -> dict[str, Any]:
        """Return the item as plain JSON; a size that is not known is left out."""
        return {key: value for key, value in self._asdict().items() if value is not None}
