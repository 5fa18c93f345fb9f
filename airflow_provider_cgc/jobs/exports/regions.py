"""Clouds and regions: whether the files of a project can go to a volume."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_cgc.jobs.text import shown

if TYPE_CHECKING:
    from airflow_provider_cgc.client.models import Volume

_CLOUDS = {"aws": "aws", "google": "google", "gcp": "google", "gcs": "google", "azure": "azure"}
"""By the part before the colon of a project's location; only "aws" is documented."""
_STORES = {"s3": "aws", "gcs": "google", "azure": "azure", "oss": "alibaba"}
"""By a volume's type."""
_REGIONS = {
    "aws": re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]+"),
    "google": re.compile(r"[a-z]+-[a-z]+[0-9]+"),
}
"""The form of a single region in its cloud: us-east-1, us-west1. A multi-region such as "us" cannot be compared."""


class _Region(NamedTuple):
    """A cloud and a region of it; None if it is unknown or cannot be compared."""

    cloud: str | None
    region: str | None


def difference(location: str, volume: Volume) -> str | None:
    """Return a volume's region, to follow "is", if the project is certainly in another one."""
    here, there = _region_in(location), _region_of_volume(volume)
    if here.cloud and there.cloud and here.cloud != there.cloud:
        return f"of type {shown(volume.service_type)}"
    if here.region and there.region and here.region != there.region:
        return f"in {shown(volume.region)}"
    return None


def _region_in(text: str) -> _Region:
    """Read "aws:us-east-1", or "us-east-1" alone, from whose form the cloud is known."""
    head, colon, region = text.strip().lower().rpartition(":")
    if colon:
        cloud = _CLOUDS.get(head)
        return _Region(cloud, region if cloud in _REGIONS and _REGIONS[cloud].fullmatch(region) else None)
    for cloud, form in _REGIONS.items():
        if form.fullmatch(region):
            return _Region(cloud, region)
    return _Region(None, None)


def _region_of_volume(volume: Volume) -> _Region:
    cloud = _STORES.get(volume.service_type or "")
    if cloud == "aws" and not _is_amazon(_endpoint(volume)):
        # Other stores speak S3, too, and only their owners know their regions.
        return _Region(None, None)
    given = _region_in(volume.region or "")
    return _Region(cloud, given.region if given.cloud == cloud else None)


def _endpoint(volume: Volume) -> object:
    service = volume.raw.get("service")
    return service.get("endpoint") if isinstance(service, Mapping) else None


def _is_amazon(endpoint: object) -> bool:
    """Return True if an endpoint is Amazon's, as the documented default is for a volume that has none."""
    return not isinstance(endpoint, str) or not endpoint or ".amazonaws.com" in endpoint.lower()
