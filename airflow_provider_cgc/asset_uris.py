"""The addresses of places on the platform, built and read only here.

`cgc://<host of the API>/owner/volume/prefix` is a place on a volume, `cgc-project://<host>/owner/project/folder` one in
a project: both may have the same name, and each is another asset.

Airflow loads this module for the first asset of any kind, and calls `normalise` for each of ours, in the scheduler,
too. So it loads neither Airflow nor `requests`, and knows no connection.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from airflow_provider_cgc.client.platforms import PLATFORMS
from airflow_provider_cgc.client.urls import host_and_port, platform_meant
from airflow_provider_cgc.jobs.text import BadInput, shown

if TYPE_CHECKING:
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.common.compat.sdk import Asset


@dataclass(frozen=True, slots=True)
class Home:
    """A kind of thing on the platform that has files in folders."""

    scheme: str
    noun: str
    name: str
    """The last part of its id."""
    below: str
    """The word for a folder of it."""

    @property
    def form(self) -> str:
        """The form of its id."""
        return f"owner/{self.name}"


VOLUME = Home("cgc", "volume", "name", "prefix")
PROJECT = Home("cgc-project", "project", "short-name", "folder")
HOMES = {home.scheme: home for home in (VOLUME, PROJECT)}
"""By scheme."""
_LOCAL = ("localhost", "[::1]")
_USUAL_PORT = "443"


def host_of(platform: str) -> str:
    """
    Return the host in the addresses of a platform.

    :param platform: its name, as in a connection; for platform 'other' the host of its API.
    :raises BadInput: naming the known platforms.
    """
    if isinstance(platform, str):
        if platform in PLATFORMS:
            return PLATFORMS[platform].host
        with suppress(ValueError):
            return _written(platform)
    raise BadInput(
        f"The platform {shown(platform)} of an asset is not known; give one of {', '.join(PLATFORMS)}, or for platform"
        " 'other' the host of its API, such as api.example.org or localhost:8090"
    )


def namespace(host: str, home: Home) -> str:
    """Return the start of all addresses of a platform, which is its namespace in OpenLineage, by its API's host."""
    name, port = host_and_port(host)
    return f"{home.scheme}://{_joined(name, port or _USUAL_PORT)}"


def address(host: str, home: Home, name: str, folder: str = "") -> str:
    """
    Return the one address of what is in a volume or project, or in a folder of it.

    :param host: as in a connection's settings.
    :raises BadInput: if there can be no such name, or no such folder.
    """
    owner, _, own_name = name.partition("/")
    if not owner.strip() or not own_name.strip() or "/" in own_name:
        raise BadInput(f"The {home.noun} {shown(name)} of an asset has another form; write it like {home.form}")
    parts = [owner, own_name, *filter(None, folder.split("/"))]
    if "." in parts or ".." in parts:
        raise BadInput(f"The asset of {shown(name)}, {shown(folder)} has a part '.' or '..'; write the whole path")
    try:
        # Percent-encoded, because Airflow 2.11 takes ASCII only, and "?" and "#" would end the path.
        path = "/".join(quote(part, safe="") for part in parts)
    except UnicodeEncodeError:
        raise BadInput(
            f"The asset of {shown(name)}, {shown(folder)} has a character that UTF-8 cannot write; leave it out"
        ) from None
    return f"{namespace(host, home)}/{path}"


def normalise(parts: SplitResult) -> SplitResult:
    """
    Return the one form of an asset's address; Airflow calls this for each `Asset` whose address has one of our schemes.

    :raises BadInput: a ValueError, which Airflow 3 raises where the asset is made. Airflow 2.11 turns it into a
        warning, unless its option `[core] strict_dataset_uri_validation` is on.
    """
    if "@" in parts.netloc:  # not shown, because it may be a token
        raise BadInput("An asset's address has no user name and no token; leave out what stands before the '@'")
    home = HOMES[parts.scheme]
    form = f"owner/{home.noun}/{home.below}"
    given = f"{home.scheme}://{parts.netloc}{parts.path}"
    if parts.query or parts.fragment:
        raise BadInput(f"The asset {shown(given)} has a '?' or '#' behind it; in a name write these as %3F or %23")
    if "{" in parts.path:
        raise BadInput(
            f"The asset {shown(given)} has a template, and assets are known when the Dag is parsed; give the"
            " part that is always the same"
        )
    try:
        host = _written(parts.netloc)
    except ValueError as fault:
        known = ", ".join(platform.host for platform in PLATFORMS.values())
        raise BadInput(
            f"The asset {shown(given)} does not say its platform ({fault}). Write"
            f" {home.scheme}://HOST/{form}, where HOST is the host of the platform's API: {known}, or that of another"
            " platform"
        ) from None
    try:
        owner, name, folder = _places(parts.path, home)
    except ValueError as fault:
        raise BadInput(f"The asset {shown(given)} {fault}; write it like {namespace(host, home)}/{form}") from None
    return urlsplit(address(host, home, f"{owner}/{name}", folder))


def to_openlineage(asset: Asset, lineage_context: Any) -> Dataset:
    """
    Return the OpenLineage dataset of an asset: `cgc://host` and `owner/volume/prefix`, or `cgc-project://host` and
    `owner/project/folder`.

    Airflow's OpenLineage provider calls this for the inlets and outlets of tasks that do not name their datasets
    themselves. Operators that move files do: they have asked the platform for the volume's bucket, and on S3 and Google
    name that (`s3://bucket`). An address alone does not tell the bucket.
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset

    parts = urlsplit(asset.uri)
    return Dataset(namespace=f"{parts.scheme}://{parts.netloc}", name=unquote(parts.path).strip("/"))


def platform_in(uri: str) -> str | None:
    """Return the platform in an asset's address, as `host_of` takes it; None if the address is none of ours."""
    parts = urlsplit(uri)
    return platform_at(parts.netloc) if parts.scheme in HOMES else None


def platform_at(host: str) -> str:
    """Return a platform as `host_of` takes it, by its API's host."""
    authority = urlsplit(namespace(host, VOLUME)).netloc
    return next((one.name for one in PLATFORMS.values() if one.host == authority), authority)


def _written(netloc: str) -> str:
    """
    Return a host that somebody has written; ValueError with the fact if it is none.

    A name without a dot is more likely a forgotten host, as in `cgc://owner/volume`, and must have a port.
    """
    meant = platform_meant(netloc)
    if meant is not None:
        raise ValueError(f"{netloc!r} is not the host of an API; that of {meant.title} is {meant.host}")
    if not netloc:
        raise ValueError("it has no host")
    try:
        name, port = host_and_port(netloc)
    except ValueError as fault:
        raise ValueError(f"{shown(netloc)} {fault}") from None
    if not port and "." not in name and name not in _LOCAL:
        raise ValueError(f"{name!r} is not the host of an API, which has a dot or a port")
    return _joined(name, port or _USUAL_PORT)


def _joined(name: str, port: str) -> str:
    """Return a host in its one form: without the usual port, unless the name alone could be an owner's."""
    return name if port == _USUAL_PORT and ("." in name or name in _LOCAL) else f"{name}:{port}"


def _places(path: str, home: Home) -> tuple[str, str, str]:
    try:
        owner, name, *folders = filter(None, unquote(path, errors="strict").split("/"))
    except UnicodeDecodeError:
        raise ValueError("has percent signs that are no UTF-8") from None
    except ValueError:
        raise ValueError(f"has no {home.noun}") from None
    return owner, name, "/".join(folders)
