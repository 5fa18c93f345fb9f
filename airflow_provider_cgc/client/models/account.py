"""Projects, users and their permissions: https://docs.cancergenomicscloud.org/reference."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_provider_cgc.client.errors import CgcUnreadableError
from airflow_provider_cgc.client.models import fields
from airflow_provider_cgc.client.models.fields import Json


@dataclass(frozen=True, slots=True)
class Permissions:
    """A user's permissions on a project or volume; None if an answer does not show one. A volume has no `execute`."""

    read: bool | None = None
    copy: bool | None = None
    write: bool | None = None
    execute: bool | None = None
    admin: bool | None = None

    @classmethod
    def from_json(cls, raw: object) -> Permissions:
        """Read the platform's JSON; whatever it is not shown in stays None."""
        item = fields.mapping(raw)
        return cls(**{name: fields.flag(item.get(name)) for name in ("read", "copy", "write", "execute", "admin")})


@dataclass(frozen=True, slots=True)
class Project:
    """A project; `location` is its cloud and region ("aws:us-east-1"), which an export's volume must share.

    `permissions` are those of the token's user. `root_folder` is the id of the folder that is the project itself: the
    `parent` of what lies directly in it.
    """

    id: str
    name: str = ""
    location: str | None = None
    permissions: Permissions = Permissions()
    raw: Json = field(repr=False, compare=False, default_factory=dict)
    root_folder: str | None = None

    @classmethod
    def from_json(cls, raw: object) -> Project:
        """Read the platform's JSON; raises `CgcUnreadableError` unless `raw` is an object with an id."""
        item = fields.object_of(raw, "project")
        settings = fields.mapping(item.get("settings"))
        return cls(
            id=fields.id_of(item, "project"),
            name=fields.text(item.get("name")) or "",
            location=fields.text(settings.get("location")),
            permissions=Permissions.from_json(item.get("permissions")),
            raw=item,
            root_folder=fields.text(item.get("root_folder")),
        )


@dataclass(frozen=True, slots=True)
class User:
    """The user that the token belongs to."""

    username: str
    email: str | None = None
    raw: Json = field(repr=False, compare=False, default_factory=dict)

    @classmethod
    def from_json(cls, raw: object) -> User:
        """Read the platform's JSON; raises `CgcUnreadableError` unless `raw` is an object with a username."""
        item = fields.object_of(raw, "user")
        username = fields.text(item.get("username"))
        if username is None:
            raise CgcUnreadableError("the platform described a user without a username")
        return cls(username=username, email=fields.text(item.get("email")), raw=item)
