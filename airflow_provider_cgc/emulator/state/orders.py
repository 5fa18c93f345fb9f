"""The orders that the platform takes: one export or one import, as the body of a request asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_provider_cgc.emulator.state.bodies import a_flag, a_text, an_object, maybe_text


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """One export as it was asked for."""

    file: str
    volume: str
    location: str
    overwrite: bool
    properties: dict[str, Any]
    copy_only: bool

    @classmethod
    def from_json(cls, body: Any, *, copy_only: bool) -> ExportOrder:
        """Read the body of a create call, or one item of a bulk create.

        :raises PlatformError: 9011 for a body of another shape.
        """
        body = an_object(body, "export")
        source, destination = an_object(body.get("source"), "source"), an_object(body.get("destination"), "destination")
        return cls(
            file=a_text(source, "file"),
            volume=a_text(destination, "volume"),
            location=a_text(destination, "location"),
            overwrite=a_flag(body, "overwrite"),
            properties=an_object(body.get("properties") or {}, "properties"),
            copy_only=copy_only,
        )


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """One import as it was asked for; either `project` or `parent` is given."""

    volume: str
    location: str
    project: str | None = None
    parent: str | None = None
    name: str | None = None
    overwrite: bool = False
    autorename: bool = False
    preserve_folder_structure: bool = True

    @classmethod
    def from_json(cls, body: Any) -> ImportOrder:
        """Read the body of a create call, or one item of a bulk create.

        :raises PlatformError: 9011 for a body of another shape.
        """
        body = an_object(body, "import")
        source, destination = an_object(body.get("source"), "source"), an_object(body.get("destination"), "destination")
        return cls(
            volume=a_text(source, "volume"),
            location=a_text(source, "location"),
            project=maybe_text(destination, "project"),
            parent=maybe_text(destination, "parent"),
            name=maybe_text(destination, "name"),
            overwrite=a_flag(body, "overwrite"),
            autorename=a_flag(body, "autorename"),
            preserve_folder_structure=a_flag(body, "preserve_folder_structure", default=True),
        )

    @property
    def folder(self) -> bool:
        """True if a whole folder is meant: its location ends with a slash."""
        return self.location.endswith("/")
