"""The platform's nouns as JSON, in each of the variants that can be switched on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from airflow_provider_cgc.emulator.options import Options
from airflow_provider_cgc.emulator.state.errors import PlatformError
from airflow_provider_cgc.emulator.state.limits import Rate
from airflow_provider_cgc.emulator.state.nouns import File, Project, StoredObject, User, Volume
from airflow_provider_cgc.emulator.state.queue import Job

Json = dict[str, Any]

# What a list shows of an item when the caller does not ask for fields.
BRIEF_PROJECT = ("href", "id", "name", "created_by", "category", "created_on", "modified_on")
BRIEF_FILE = ("href", "id", "name", "project")
BRIEF_CHILD = (*BRIEF_FILE, "parent", "type")
BRIEF_VOLUME = ("href", "id", "name")
BRIEF_OBJECT = ("href", "location", "volume", "type")
BRIEF_JOB = ("href", "id", "state")

# choice: the field names that `extra_fields: true` adds; nobody has heard of them, that is the point.
_UNHEARD_OF: Json = {"priority_lane": "gold", "checksums": {"crc64": None}, "zones": [1, 2]}


@dataclass(frozen=True, slots=True)
class View:
    """Writes nouns for one request: `base` is the API's URL as that request reached it, `now` the platform's time."""

    base: str
    options: Options
    now: float
    volumes: Mapping[str, Volume]

    def user(self, user: User) -> Json:
        """Write a user."""
        name = user.name
        body = {"href": f"{self.base}/users/{quote(name)}", "username": name, "email": f"{name}@example.org"}
        body |= {"first_name": name.capitalize(), "last_name": "Emulated", "affiliation": "Demo Lab"}
        body |= dict.fromkeys(("phone", "address", "city", "state", "country", "zip_code"), "")
        return self._as_answered(body)

    def rate(self, rate: Rate) -> Json:
        """Write the answer of `/rate_limit`; instances are not limited."""
        return {
            "rate": {"limit": rate.limit, "remaining": rate.remaining, "reset": self.reset(rate)},
            "instance_limit": {"limit": -1, "remaining": 2**63 - 1},
        }

    def reset(self, rate: Rate) -> int:
        """Return the end of the window, in the unit in force."""
        return rate.reset * 1000 if self.options.reset_unit == "ms" else rate.reset

    def project(self, project: Project) -> Json:
        """Write a project."""
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
        may_write = project.writers is None
        body["permissions"] = {"read": True, "copy": may_write, "write": may_write}
        body["permissions"] |= {"execute": may_write, "admin": may_write}
        body |= {"created_by": project.owner, **self._times(project.created, project.created)}
        return self._as_answered(body)

    def file(self, file: File) -> Json:
        """Write a file, or a folder, which has no size and no storage."""
        body: Json = {
            "href": f"{self.base}/files/{file.id}",
            "id": file.id,
            "name": file.name,
            "project": file.project,
        }
        body |= {"type": self._type("folder" if file.folder else "file"), **self._times(file.created, file.modified)}
        if file.parent is not None:
            body["parent"] = file.parent
        if not file.folder:
            body |= {
                "size": file.size,
                "storage": self._storage(file),
                "tags": list(file.tags),
                "metadata": dict(file.metadata),
            }
            body["origin"] = {"task": file.task} if file.task else {}
        return self._as_answered(body)

    def volume(self, volume: Volume) -> Json:
        """Write a volume."""
        body: Json = {
            "href": f"{self.base}/storage/volumes/{volume.id}",
            "id": volume.id,
            "name": volume.name,
        }
        body |= {
            "description": volume.description,
            "access_mode": self._type(volume.access_mode),
            "active": volume.active,
        }
        body["service"] = {
            "type": self._type("S3"),
            "bucket": volume.bucket,
            "prefix": volume.prefix,
            "endpoint": volume.endpoint,
            "credentials": {"access_key_id": "AKIAEXAMPLEEXAMPLE00"},
            "properties": dict(volume.properties),
        }
        return self._as_answered(body | self._times(volume.created, volume.modified))

    def member(self, volume: Volume, user: User) -> Json:
        """Write a member of a volume with its permissions."""
        href = f"{self.base}/storage/volumes/{volume.id}/members/{quote(user.name)}"
        write = volume.writable_by(user)
        permissions = {"read": True, "copy": volume.copyable_by(user), "write": write, "admin": write}
        body = {"href": href, "id": user.name, "username": user.name, "type": "USER", "permissions": permissions}
        return self._as_answered(body)

    def volume_object(self, volume: Volume, location: str, stored: StoredObject) -> Json:
        """Write an object on a volume."""
        href = f"{self.base}/storage/volumes/{volume.id}/object?location={quote(location)}"
        body: Json = {"href": href, "location": location, "volume": volume.id}
        body["type"] = "gcs" if self.options.object_size == "google" else "s3"
        return self.with_nulls(body | {"metadata": self._of_an_object(stored)})

    def job(self, job: Job, order: Json, result: Json) -> Json:
        """Write a job.

        :param order: what it was asked to do; each kind has its own fields.
        :param result: `result`, or nothing, to be shown once it is COMPLETED.
        """
        body: Json = {"href": f"{self.base}/storage/{job.kind}/{job.id}", "id": job.id, "state": self.state(job)}
        body |= order
        if self.options.absent == "null":
            body |= dict.fromkeys(("finished_on", "error", "result"))
        if job.ended is not None:
            body |= {"finished_on": self.time(job.ended), **(self._failure(job.error) if job.error else result)}
        return self._as_answered(body)

    def state(self, job: Job) -> str:
        """Return a job's state as it is shown."""
        state, made_up = job.state, self.options.unknown_state
        if made_up is not None and state == self.options.unknown_state_of and self._disguised(job):
            return made_up
        return "PENDING" if state == "RUNNING" and self.options.jump else state

    def error(self, error: PlatformError) -> Json:
        """Write an error, with the fields in force."""
        return error.to_json(self.options.error_lacks)

    def with_nulls(self, body: Json) -> Json:
        """Return a body as it is, or with null in place of its empty lists and objects."""
        if self.options.empty == "shown":
            return body
        return {key: None if value in ([], {}) else value for key, value in body.items()}

    def time(self, epoch: float) -> str:
        """Write a time, ISO 8601 in whole seconds."""
        return _written(int(epoch), self.options.time_offset)

    def on_volume(self, volume: str, location: str | None) -> Json:
        """Write the `storage` of an alias."""
        whole = self.options.alias_location == "whole" and location is not None and volume in self.volumes
        shown = self.volumes[volume].key(location or "") if whole else location
        return {"type": self._type("VOLUME"), "volume": volume, "location": shown}

    def _of_an_object(self, stored: StoredObject) -> Json:
        """Write the metadata of an object: its size and its last modification, in the words of the cloud in force."""
        if self.options.object_size == "absent":
            return {}
        if self.options.object_size == "google":
            changed = {"value": int(stored.modified) * 1000, "dateOnly": False, "timeZoneShift": 0}
            return {"size": stored.size} | ({} if self.options.object_time == "absent" else {"updated": changed})
        in_headers = self.options.object_size == "header"
        body: Json = {"Content-Length" if in_headers else "size": stored.size}
        if self.options.object_time != "absent":
            body["Last-Modified" if in_headers else "lastModified"] = self._modified(stored)
        return body

    def _modified(self, stored: StoredObject) -> str | int:
        if self.options.object_time == "ms":
            return int(stored.modified) * 1000
        return (
            formatdate(stored.modified, usegmt=True)
            if self.options.object_time == "http"
            else self.time(stored.modified)
        )

    def _failure(self, error: PlatformError) -> Json:
        return {"error": self.error(error)} if self.options.job_error == "present" else {}

    def _disguised(self, job: Job) -> bool:
        seconds, looks = self.options.unknown_state_seconds, self.options.unknown_state_looks
        return (seconds is None or self.now - job.created < seconds) and (looks is None or job.looks <= looks)

    def _type(self, documented: str) -> str:
        return documented if self.options.type_case == "documented" else documented.swapcase()

    def _storage(self, file: File) -> Json:
        if file.volume is not None:
            return self.on_volume(file.volume, file.location)
        return {"type": self._type("PLATFORM")} | (
            {"hosted_on_locations": [file.hosted_on]} if self.options.hosted_on == "present" else {}
        )

    def _times(self, created: float, modified: float) -> Json:
        return {"created_on": self.time(created), "modified_on": self.time(modified)}

    def _as_answered(self, body: Json) -> Json:
        """Return a resource with null in place of what is empty and fields nobody has heard of, if switched on."""
        extra = self.options.extra_fields
        body = self.with_nulls(body)
        if not extra:
            return body
        return body | (extra if isinstance(extra, dict) else _UNHEARD_OF)


@lru_cache(maxsize=4096)
def _written(epoch: int, offset: str) -> str:
    """Cached, because a hundred jobs that were submitted together tell the same seconds again and again."""
    zone = UTC if offset == "Z" else datetime.strptime(offset, "%z").tzinfo
    return datetime.fromtimestamp(epoch, zone).strftime("%Y-%m-%dT%H:%M:%S") + offset
