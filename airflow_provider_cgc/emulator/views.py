"""Knows how the platform writes its nouns as JSON, in each of the variants that can be switched on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from airflow_provider_cgc.emulator.errors import PlatformError
from airflow_provider_cgc.emulator.exports import ExportJob
from airflow_provider_cgc.emulator.limits import Rate
from airflow_provider_cgc.emulator.model import File, Project, StoredObject, User, Volume
from airflow_provider_cgc.emulator.options import Options

Json = dict[str, Any]

# What a list shows of an item when the caller does not ask for fields.
BRIEF_PROJECT = ("href", "id", "name", "created_by", "category", "created_on", "modified_on")
BRIEF_FILE = ("href", "id", "name", "project")
BRIEF_CHILD = (*BRIEF_FILE, "parent", "type")
BRIEF_VOLUME = ("href", "id", "name")
BRIEF_JOB = ("href", "id", "state")

# choice: the field names that `extra_fields: true` adds; nobody has heard of them, that is the point.
_UNHEARD_OF: Json = {"priority_lane": "gold", "checksums": {"crc64": None}, "zones": [1, 2]}


@dataclass(frozen=True, slots=True)
class View:
    """Writes nouns for one request: `base` is the API's URL as that request reached it."""

    base: str
    options: Options

    def user(self, user: User) -> Json:
        """A user."""
        name = user.name
        body = {"href": f"{self.base}/users/{quote(name)}", "username": name, "email": f"{name}@example.org"}
        body |= {"first_name": name.capitalize(), "last_name": "Emulated", "affiliation": "Demo Lab"}
        body |= dict.fromkeys(("phone", "address", "city", "state", "country", "zip_code"), "")
        return self._with_extra(body)

    def rate(self, rate: Rate) -> Json:
        """The answer of `/rate_limit`; instances are not limited."""
        return {
            "rate": {"limit": rate.limit, "remaining": rate.remaining, "reset": self.reset(rate)},
            "instance_limit": {"limit": -1, "remaining": 2**63 - 1},
        }

    def reset(self, rate: Rate) -> int:
        """When the window ends, in the unit in force."""
        return rate.reset * 1000 if self.options.reset_unit == "ms" else rate.reset

    def project(self, project: Project) -> Json:
        """A project."""
        body: Json = {
            "href": f"{self.base}/projects/{project.id}",
            "id": project.id,
            "name": project.name,
            "type": "v2",
        }
        body |= {"description": "", "tags": [], "root_folder": project.root, "category": "PRIVATE"}
        body["settings"] = {
            "locked": False,
            "location": project.location,
            "use_interruptible_instances": False,
        }
        body["permissions"] = dict.fromkeys(("read", "copy", "write", "execute", "admin"), True)
        body |= {"created_by": project.owner, **self._times(project.created, project.created)}
        return self._with_extra(body)

    def file(self, file: File) -> Json:
        """A file, or a folder, which has no size and no storage."""
        body: Json = {
            "href": f"{self.base}/files/{file.id}",
            "id": file.id,
            "name": file.name,
            "project": file.project,
        }
        body |= {"type": "folder" if file.folder else "file", **self._times(file.created, file.modified)}
        if file.parent is not None:
            body["parent"] = file.parent
        if not file.folder:
            body |= {
                "size": file.size,
                "storage": _storage(file),
                "tags": list(file.tags),
                "metadata": dict(file.metadata),
            }
            body["origin"] = {"task": file.task} if file.task else {}
        return self._with_extra(body)

    def volume(self, volume: Volume) -> Json:
        """A volume."""
        body: Json = {
            "href": f"{self.base}/storage/volumes/{volume.id}",
            "id": volume.id,
            "name": volume.name,
        }
        body |= {
            "description": volume.description,
            "access_mode": volume.access_mode,
            "active": volume.active,
        }
        body["service"] = {
            "type": "S3",
            "bucket": volume.bucket,
            "prefix": volume.prefix,
            "endpoint": volume.endpoint,
            "credentials": {"access_key_id": "AKIAEXAMPLEEXAMPLE00"},
            "properties": dict(volume.properties),
        }
        return self._with_extra(body | self._times(volume.created, volume.created))

    def volume_object(self, volume: Volume, location: str, stored: StoredObject) -> Json:
        """An object on a volume."""
        metadata = {} if self.options.object_size == "absent" else {"size": stored.size}
        href = f"{self.base}/storage/volumes/{volume.id}/object?location={quote(location)}"
        return {"href": href, "location": location, "volume": volume.id, "type": "s3", "metadata": metadata}

    def export(self, job: ExportJob) -> Json:
        """An export job."""
        order = job.order
        body: Json = {"href": f"{self.base}/storage/exports/{job.id}", "id": job.id, "state": self.state(job)}
        body |= {
            "source": {"file": order.file},
            "destination": {"volume": order.volume, "location": order.location},
        }
        body |= {
            "overwrite": order.overwrite,
            "started_on": self.time(job.created),
            "properties": dict(job.properties),
        }
        if self.options.pasted_shape:
            # As the documentation of the bulk get prints it: an import's source and destination, and no
            # start.
            body["source"], body["destination"] = (
                body["destination"],
                {"project": job.file.project, "name": job.file.name},
            )
            del body["started_on"], body["properties"]
        body |= self._outcome(job)
        return self._with_extra(body)

    def state(self, job: ExportJob) -> str:
        """A job's state as it is shown."""
        if job.state != "RUNNING":
            return job.state
        return "PENDING" if self.options.jump else self.options.unknown_state or "RUNNING"

    def time(self, epoch: float) -> str:
        """ISO 8601 in whole seconds."""
        offset = self.options.time_offset
        zone = UTC if offset == "Z" else datetime.strptime(offset, "%z").tzinfo
        return datetime.fromtimestamp(int(epoch), zone).strftime("%Y-%m-%dT%H:%M:%S") + offset

    def _outcome(self, job: ExportJob) -> Json:
        body: Json = {} if self.options.absent == "omit" else dict.fromkeys(("finished_on", "error", "result"))
        if job.ended is not None:
            body["finished_on"] = self.time(job.ended)
            if job.error is not None:
                body["error"] = job.error.to_json()
            elif self.options.result == "present":
                body["result"] = self.file(job.file)
        return body

    def _times(self, created: float, modified: float) -> Json:
        return {"created_on": self.time(created), "modified_on": self.time(modified)}

    def _with_extra(self, body: Json) -> Json:
        extra = self.options.extra_fields
        if not extra:
            return body
        return body | (extra if isinstance(extra, dict) else _UNHEARD_OF)


def record(resource: Json) -> Json:
    """A bulk record of something that worked."""
    return {"resource": resource}


def error_record(error: PlatformError) -> Json:
    """A bulk record of something that did not."""
    return {"error": error.to_json()}


def _storage(file: File) -> Json:
    if file.volume is None:
        return {"type": "PLATFORM", "hosted_on_locations": [file.hosted_on]}
    return {"type": "VOLUME", "volume": file.volume, "location": file.location}
