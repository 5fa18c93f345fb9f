"""The objects of a volume below a prefix: finding the place, and listing those that the rules take.

A prefix is a folder, with or without its slash. A key that ends with a slash is a placeholder for a folder, and no
object; an object whose key is the prefix itself does not lie below it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_cgc.client.errors import CgcApiError, CgcForbidden, CgcNotFound, CgcUnreadableError
from airflow_provider_cgc.client.errors.codes import VOLUME_INACTIVE
from airflow_provider_cgc.client.errors.problem import REMEDIES, as_sentence
from airflow_provider_cgc.jobs.forms import named_problem
from airflow_provider_cgc.jobs.listing.pages import id_or_page, refuse_other_platform
from airflow_provider_cgc.jobs.listing.rules import BadSelection, Rules, is_pattern, read_rules
from airflow_provider_cgc.jobs.text import BadInput, counted, is_nothing, shown

if TYPE_CHECKING:
    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.client.models import VolumeObject

_ADDRESS = re.compile(r"\s*[a-z][a-z0-9+.-]*://[^/]*/*", re.IGNORECASE)
_MOST_SHOWN = 10
_MOST_LOOKS = 5
"""Requests that are spent on naming folders near one that is not there."""


class BadPlace(BadInput):
    """There is no such volume or prefix; the text names it and says what to do."""


@dataclass(frozen=True, slots=True)
class VolumeFolder:
    """A folder of a volume, whose prefix ends with a slash, or the volume itself: then `prefix` is ""."""

    volume: str
    prefix: str = ""
    own_prefix: str = ""
    """The volume's own prefix, with a slash at its end, or ""; locations begin below it."""

    def __str__(self) -> str:
        return f"folder {self.prefix!r} of volume {self.volume}" if self.prefix else f"volume {self.volume}"


@dataclass(frozen=True, slots=True)
class VolumeFolderWanted:
    """A volume and prefix as the user wrote them, checked as far as possible without asking the platform."""

    volume: str
    prefix: str = ""
    page: str | None = None
    """The address that was given in place of the volume's id."""

    @classmethod
    def of(cls, volume: Any, prefix: Any) -> VolumeFolderWanted:
        """Read the id of a volume, "owner/name", or the address of its page, and a prefix. Raises BadPlace."""
        volume, page = id_or_page(volume, "volume")
        problem = named_problem(volume, kind="volume")
        if problem:
            raise BadPlace(f"volume {problem}")
        return cls(volume, _prefix(prefix), page)

    def find(self, client: CgcClient) -> VolumeFolder:
        """
        Ask the platform for the volume, which costs one request. Nothing tells if a prefix exists but a listing.

        Raises BadPlace, OtherPlatform, or a CgcError.
        """
        refuse_other_platform("volume", self.page, client.settings)
        with _refusals(self.volume):
            volume = client.volumes.get(self.volume)
        if volume.active is False:
            raise BadPlace(f"volume {self.volume!r}: {VOLUME_INACTIVE}: {REMEDIES[VOLUME_INACTIVE].text}")
        own = (volume.prefix or "").strip("/")
        return VolumeFolder(self.volume, self.prefix, f"{own}/" if own else "")


@contextmanager
def _refusals(volume: str) -> Iterator[None]:
    """Turn the platform's refusals of a volume into BadPlace; an answer without its code may be somebody else's."""
    try:
        yield
    except CgcApiError as error:
        is_refusal = isinstance(error, CgcForbidden | CgcNotFound) and error.code is not None
        if not is_refusal and error.code != VOLUME_INACTIVE:
            raise
        raise BadPlace(f"volume {volume!r}: {as_sentence(error.problem)} {error.remedy}".rstrip()) from error


def _prefix(value: Any) -> str:
    """Return a prefix as it is listed: with a slash at its end, or "" for the whole volume."""
    if value == "":
        return ""
    if not isinstance(value, str) or is_nothing(value):
        raise BadPlace(
            f"prefix is {shown(value)}; give a folder of the volume such as 'batch1/', or leave it out for the whole"
            " volume"
        )
    address = _ADDRESS.match(value)
    if address:
        key = value[address.end() :]
        raise BadPlace(
            f"prefix is {shown(value)}, a whole address; give only what comes after the bucket and, if the volume has"
            f" one, after its own prefix{f': {key!r}, or the end of it' if key else ''}"
        )
    if value.startswith("/"):
        rest = value.lstrip("/")
        advice = f"write it as {rest!r}" if rest else "leave it out to list the whole volume"
        raise BadPlace(f"prefix is {shown(value)}, and no key starts with a slash; {advice}")
    return value if value.endswith("/") else f"{value}/"


def object_rules(**arguments: Any) -> Rules:
    """Read the arguments of a user, None for any, as `read_rules` does. Raises BadSelection."""
    rules = Rules(**read_rules(**arguments))
    for name in rules.names:
        if "/" in name:
            raise BadSelection(
                f"name is {shown(name)}, and it is compared with an object's own name, the part after the last slash;"
                " give the folders by 'prefix'"
            )
    return rules


class ListedObject(NamedTuple):
    """An object on a volume, as an item of an import."""

    location: str
    size: int | None
    folder: VolumeFolder
    """The folder that was listed, one value for all."""

    @property
    def path(self) -> str:
        """The folders of the object below the one that was listed, joined by slashes."""
        return self.location[len(self.folder.prefix) :].rpartition("/")[0]

    def to_json(self) -> dict[str, Any]:
        """Return the item as plain JSON; a size that is not known is left out."""
        size = {} if self.size is None else {"size": self.size}
        return {"volume": self.folder.volume, "location": self.location, **size, "path": self.path}


class _Named(NamedTuple):
    """An object with its own name, for the rules."""

    name: str
    size: int | None
    modified_on: datetime | None


@dataclass(slots=True)
class VolumeListing:
    """The objects below a folder of a volume that the rules take, read while you iterate; to be read once."""

    client: CgcClient
    place: VolumeFolder
    rules: Rules
    recursive: bool
    remarks: str = ""
    _folders: int = 0
    """Folders found so far, without the one where it began."""
    _objects: int = 0
    """Objects found so far, wanted or not."""

    def __iter__(self) -> Iterator[ListedObject]:
        volume, prefix = self.place.volume, self.place.prefix
        with _refusals(volume):
            for found in self.client.volumes.contents(volume, prefix=prefix, into=self._into):
                location = found.location
                if location.endswith("/"):
                    continue
                if not location.startswith(prefix):
                    # Not left out in silence: where a key means something else, objects may be missing.
                    raise CgcUnreadableError(
                        f"the platform listed {shown(location)} in {self.place}, where it does not lie; try again, and"
                        " report it if that happens again"
                    )
                self._objects += 1
                if self.rules.take(_named(found)):
                    yield ListedObject(location, found.size, self.place)

    def _into(self, name: str) -> bool:
        self._folders += 1
        return self.recursive

    def order(self, item: ListedObject) -> str:
        """Return the value to sort an object by."""
        return item.location

    @property
    def cost(self) -> str:
        """The number of folders that were read, to follow the number of objects."""
        return f", in {counted(self._folders + 1, 'folder')}" if self.recursive else ""

    def hint(self) -> str:
        """Return the likely reason why nothing was found; "" if there is none. May ask the platform."""
        if self._objects:
            return ""
        if self._folders:
            return "" if self.recursive else "objects are only in the folders below it, which recursive=True lists"
        return self._near() if self.place.prefix else ""

    def _near(self) -> str:
        """
        Return a hint about a folder in which nothing was found: an object has its name, or other folders are there.

        Costs a request for each level above it, at most five.
        """
        own = self.place.own_prefix
        if own and self.place.prefix.startswith(own):
            below = self.place.prefix.removeprefix(own)
            advice = f"give the prefix {below!r}" if below else "leave prefix out"
            return f"locations begin below the volume's own prefix {own!r}, so {advice}"
        parts = self.place.prefix.rstrip("/").split("/")
        for depth in range(len(parts) - 1, max(len(parts) - 1 - _MOST_LOOKS, -1), -1):
            above = "".join(f"{part}/" for part in parts[:depth])
            key = above + parts[depth]
            objects, folders = self.client.volumes.level(self.place.volume, prefix=above)
            if depth == len(parts) - 1 and any(one.location == key for one in objects):
                return (
                    f"{key!r} is an object, and a prefix is a folder: give the prefix {above!r} and name={parts[-1]!r}"
                )
            if self.place.prefix in folders:
                return "only a placeholder is there"
            if objects or folders or not above:
                return _folders_there(parts[depth], above, folders)
        return ""


def _folders_there(wanted: str, above: str, folders: Sequence[str]) -> str:
    """Name folders that are there, those with a similar name first."""
    names = sorted({folder[len(above) :].rstrip("/") for folder in folders} - {""})
    where = f"in {above!r}" if above else "on the volume"
    if not names:
        return f"there are no folders {where}"
    close = difflib.get_close_matches(wanted.lower(), {name.lower(): name for name in names}, n=3)
    first = [name for name in names if name.lower() in close]
    known = [*first, *(name for name in names if name not in first)]
    more = ", ..." if len(known) > _MOST_SHOWN else ""
    hint = "; 'prefix' takes no pattern: give a folder, and choose its objects by 'name'" if is_pattern(wanted) else ""
    return f"folders {where}: {', '.join(map(shown, known[:_MOST_SHOWN]))}{more} (case-sensitive){hint}"


def _named(found: VolumeObject) -> _Named:
    return _Named(found.location.rpartition("/")[2], found.size, found.modified_on)
