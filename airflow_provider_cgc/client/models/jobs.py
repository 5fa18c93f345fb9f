"""Jobs as frozen values: exports to a volume, imports from one, and their states.

A further kind of job is a value with `state` that inherits from `Ending` and reads its state with `condition_of`.
Shapes: https://docs.cancergenomicscloud.org/reference (exports, imports).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from airflow_provider_cgc.client.errors import CgcUnreadableError
from airflow_provider_cgc.client.errors.codes import LOCATION_TAKEN
from airflow_provider_cgc.client.errors.problem import Problem, one_line
from airflow_provider_cgc.client.models import fields
from airflow_provider_cgc.client.models.fields import Json
from airflow_provider_cgc.client.models.files import File

__all__ = ["Condition", "Ending", "ExportJob", "ImportJob", "JobState", "condition_of"]


class JobState(StrEnum):
    """The four documented states of an export or import job, and the one that stands for all others."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"

    @property
    def done(self) -> bool:
        return self is JobState.COMPLETED or self is JobState.FAILED


_STATES = {state.name: state for state in JobState if state is not JobState.UNKNOWN}


class Ending:
    """The end of a job, which every kind tells by its state."""

    __slots__ = ()

    state: JobState

    @property
    def done(self) -> bool:
        return self.state.done

    @property
    def completed(self) -> bool:
        return self.state is JobState.COMPLETED

    @property
    def failed(self) -> bool:
        return self.state is JobState.FAILED


class Condition(NamedTuple):
    """A job's state, the platform's own word for it, when the job ended, and why it failed."""

    state: JobState
    state_text: str
    finished_on: datetime | None
    error: Problem | None


def condition_of(
    job: Json, *, state: str = "state", finished_on: str = "finished_on", states: Mapping[str, JobState] = _STATES
) -> Condition:
    """Read a job's condition; a state that is not among the known ones is active, unless the job has ended.

    `state` and `finished_on` are the names of the job's fields, `states` has the meaning of each of the platform's
    words, in capitals.
    """
    error = Problem.from_json(job.get("error"))
    ended = fields.time(job.get(finished_on))
    text = one_line(job.get(state), 60)
    known = states.get(text) or states.get(text.strip().upper())
    return Condition(known or (JobState.FAILED if error or ended else JobState.UNKNOWN), text, ended, error)


@dataclass(frozen=True, slots=True)
class ExportJob(Ending):
    """One export of one file to one place on a volume.

    `state_text` is the state as the platform wrote it. `started_on` is when the job was submitted, also while it
    is PENDING. `size` is the exported file's, in bytes, where the answer has a `result`.
    """

    id: str
    state: JobState
    state_text: str = ""
    file: str | None = None
    volume: str | None = None
    location: str | None = None
    overwrite: bool = False
    properties: Json = field(hash=False, default_factory=dict)
    started_on: datetime | None = None
    finished_on: datetime | None = None
    error: Problem | None = None
    size: int | None = None
    raw: Json = field(repr=False, compare=False, default_factory=dict)

    @property
    def blocked_by_object(self) -> bool:
        """True if the job failed because an object was at its location already, and it may not overwrite (9107)."""
        return self.failed and self.error is not None and self.error.code == LOCATION_TAKEN

    @property
    def item(self) -> dict[str, Any]:
        """The item that was asked for, as far as the platform tells it, in the form that starts an export."""
        item: dict[str, Any] = {"file": self.file, "volume": self.volume, "location": self.location}
        return item | ({"properties": dict(self.properties)} if self.properties else {})

    @classmethod
    def from_json(cls, raw: object) -> ExportJob:
        """Read the platform's JSON; raises `CgcUnreadableError` unless `raw` is an object with an id."""
        job = fields.object_of(raw, "export job")
        source, destination = fields.mapping(job.get("source")), fields.mapping(job.get("destination"))
        condition = condition_of(job)
        return cls(
            id=fields.id_of(job, "export job"),
            state=condition.state,
            state_text=condition.state_text,
            file=fields.text(source.get("file")),
            volume=fields.text(destination.get("volume")),
            location=fields.text(destination.get("location")),
            overwrite=fields.truth(job.get("overwrite")),
            properties=fields.mapping(job.get("properties")),
            started_on=fields.time(job.get("started_on")),
            finished_on=condition.finished_on,
            error=condition.error,
            size=fields.size(fields.mapping(job.get("result")).get("size")),
            raw=job,
        )


@dataclass(frozen=True, slots=True)
class ImportJob(Ending):
    """One import of an object or a folder of a volume, `volume` and `location`, into a project or a folder.

    A folder's location ends with a slash. `project`, `parent` (the folder's id) and `name` are the destination as far
    as the platform tells it; it may name a file that was given no name, and a folder by its project. `result` is the
    file or folder that came of it; its bytes stay on the volume. `started_on` is when the job was submitted.
    """

    id: str
    state: JobState
    state_text: str = ""
    volume: str | None = None
    location: str | None = None
    project: str | None = None
    parent: str | None = None
    name: str | None = None
    overwrite: bool = False
    autorename: bool = False
    preserve_folder_structure: bool | None = None
    started_on: datetime | None = None
    finished_on: datetime | None = None
    error: Problem | None = None
    result: File | None = None
    raw: Json = field(repr=False, compare=False, default_factory=dict)

    @property
    def size(self) -> int | None:
        """The imported file's size in bytes, where the answer has a `result` with one; folders have none."""
        return None if self.result is None else self.result.size

    @property
    def item(self) -> dict[str, Any]:
        """The item that was asked for, as far as the platform tells it, in the form of `imports.bulk_create`."""
        item: dict[str, Any] = {"volume": self.volume, "location": self.location}
        item |= {"project": self.project} if self.parent is None else {"parent": self.parent}
        if self.name is not None:
            item["name"] = self.name
        item |= {flag: True for flag in ("overwrite", "autorename") if getattr(self, flag)}
        # Folders are kept unless somebody says otherwise, and for a single file the flag has no sense.
        if self.preserve_folder_structure is False and (self.location or "").endswith("/"):
            item["preserve_folder_structure"] = False
        return item

    @classmethod
    def from_json(cls, raw: object) -> ImportJob:
        """Read the platform's JSON; raises `CgcUnreadableError` unless `raw` is an object with an id."""
        job = fields.object_of(raw, "import job")
        source, destination = fields.mapping(job.get("source")), fields.mapping(job.get("destination"))
        condition = condition_of(job)
        return cls(
            id=fields.id_of(job, "import job"),
            state=condition.state,
            state_text=condition.state_text,
            volume=fields.text(source.get("volume")),
            location=fields.text(source.get("location")),
            project=fields.text(destination.get("project")),
            parent=fields.text(destination.get("parent")),
            name=fields.text(destination.get("name")),
            overwrite=fields.truth(job.get("overwrite")),
            autorename=fields.truth(job.get("autorename")),
            preserve_folder_structure=fields.flag(job.get("preserve_folder_structure")),
            started_on=fields.time(job.get("started_on")),
            finished_on=condition.finished_on,
            error=condition.error,
            result=_file(job.get("result")),
            raw=job,
        )


def _file(raw: object) -> File | None:
    """Read the file that a job made; None if the answer has none that can be read."""
    try:
        return File.from_json(raw)
    except CgcUnreadableError:
        return None
