"""
The address of a place on a volume, `cgc://<host of the platform's API>/owner/volume/prefix`: built and read only here.

Airflow loads this module for the first asset of any kind, and calls `normalise` for each of ours, in the scheduler,
too. So it loads neither Airflow nor `requests`, and knows no connection.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from airflow_provider_cgc.client.platforms import PLATFORMS
from airflow_provider_cgc.client.urls import host_and_port, platform_meant
from airflow_provider_cgc.jobs.text import BadInput, shown

if TYPE_CHECKING:
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.common.compat.sdk import Asset

SCHEME = "cgc"
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


def namespace(host: str) -> str:
    """Return the start of all addresses of a platform, which is its namespace in OpenLineage, by its API's host."""
    name, port = host_and_port(host)
    return f"{SCHEME}://{_joined(name, port or _USUAL_PORT)}"


def address(host: str, volume: str, prefix: str = "") -> str:
    """
    Return the one address of the objects below a prefix of a volume.

    :param host: as in a connection's settings.
    :raises BadInput: if no volume has such a name, or no object such a prefix.
    """
    owner, _, name = volume.partition("/")
    if not owner.strip() or not name.strip() or "/" in name:
        raise BadInput(f"The volume {shown(volume)} of an asset has another form; write it like owner/name")
    parts = [owner, name, *filter(None, prefix.split("/"))]
    if "." in parts or ".." in parts:
        raise BadInput(f"The asset of {shown(volume)}, {shown(prefix)} has a part '.' or '..'; write the whole path")
    try:
        # Percent-encoded, because Airflow 2.11 takes ASCII only, and "?" and "#" would end the path.
        path = "/".join(quote(part, safe="") for part in parts)
    except UnicodeEncodeError:
        raise BadInput(
            f"The asset of {shown(volume)}, {shown(prefix)} has a character that UTF-8 cannot write; leave it out"
        ) from None
    return f"{namespace(host)}/{path}"


def normalise(parts: SplitResult) -> SplitResult:
    """
    Return the one form of an asset's address; Airflow calls this for each `Asset("cgc://...")`.

    :raises BadInput: a ValueError, which Airflow 3 raises where the asset is made. Airflow 2.11 turns it into a
        warning, unless its option `[core] strict_dataset_uri_validation` is on.
    """
    if "@" in parts.netloc:  # not shown, because it may be a token
        raise BadInput("An asset's address has no user name and no token; leave out what stands before the '@'")
    given = f"{SCHEME}://{parts.netloc}{parts.path}"
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
            f"The asset {shown(given)} does not say its platform ({fault}). Write {SCHEME}://HOST/owner/volume/prefix,"
            f" where HOST is the host of the platform's API: {known}, or that of another platform"
        ) from None
    try:
        owner, volume, prefix = _places(parts.path)
    except ValueError as fault:
        raise BadInput(
            f"The asset {shown(given)} {fault}; write it like {namespace(host)}/owner/volume/prefix"
        ) from None
    return urlsplit(address(host, f"{owner}/{volume}", prefix))


def to_openlineage(asset: Asset, lineage_context: Any) -> Dataset:
    """
    Return the OpenLineage dataset of an asset: `cgc://host` and `owner/volume/prefix`.

    Airflow's OpenLineage provider calls this for the inlets and outlets of tasks that do not name their datasets
    themselves. `CgcBulkExportOperator` does: it has asked the platform for the volume's bucket, and on S3 and Google
    names that (`s3://bucket`). An address alone does not tell the bucket.
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset

    parts = urlsplit(asset.uri)
    return Dataset(namespace=f"{parts.scheme}://{parts.netloc}", name=unquote(parts.path).strip("/"))


def platform_in(uri: str) -> str | None:
    """Return the platform in an asset's address, as `host_of` takes it; None if the address is none of ours."""
    parts = urlsplit(uri)
    return platform_at(parts.netloc) if parts.scheme == SCHEME else None


def platform_at(host: str) -> str:
    """Return a platform as `host_of` takes it, by its API's host."""
    authority = urlsplit(namespace(host)).netloc
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


def _places(path: str) -> tuple[str, str, str]:
    try:
        owner, volume, *prefix = filter(None, unquote(path, errors="strict").split("/"))
    except UnicodeDecodeError:
        raise ValueError("has percent signs that are no UTF-8") from None
    except ValueError:
        raise ValueError("has no volume") from None
    return owner, volume, "/".join(prefix)
