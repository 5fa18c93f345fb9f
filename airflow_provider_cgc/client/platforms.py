"""The Seven Bridges platforms that are known by name; any other host needs the deployment's consent.

This is the list. The connection's form, the README and `plugin/cgc_jobs.js` cannot import it and repeat it; a test
compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

__all__ = ["CGC", "KNOWN_HOSTS", "PLATFORMS", "Platform"]


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform, with the addresses of its API and of its web page."""

    name: str
    title: str
    base_url: str
    web_url: str

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc


_ALL = (
    Platform(
        "cgc",
        "Cancer Genomics Cloud",
        "https://cgc-api.sbgenomics.com/v2",
        "https://cgc.sbgenomics.com",
    ),
    Platform(
        "cavatica",
        "CAVATICA",
        "https://cavatica-api.sbgenomics.com/v2",
        "https://cavatica.sbgenomics.com",
    ),
    Platform(
        "sbg-us",
        "Seven Bridges Platform (US)",
        "https://api.sbgenomics.com/v2",
        "https://igor.sbgenomics.com",
    ),
    Platform(
        "sbg-eu",
        "Seven Bridges Platform (EU)",
        "https://eu-api.sbgenomics.com/v2",
        "https://eu.sbgenomics.com",
    ),
    Platform(
        "sbg-cn",
        "Seven Bridges Platform (China)",
        "https://api.sevenbridges.cn/v2",
        "https://platform.sevenbridges.cn",
    ),
    Platform(
        "bdc",
        "NHLBI BioData Catalyst powered by Seven Bridges",
        "https://api.sb.biodatacatalyst.nhlbi.nih.gov/v2",
        "https://platform.sb.biodatacatalyst.nhlbi.nih.gov",
    ),
)

PLATFORMS: Mapping[str, Platform] = MappingProxyType({platform.name: platform for platform in _ALL})
"""Every known platform by the name that a connection uses."""

CGC = PLATFORMS["cgc"]

KNOWN_HOSTS: frozenset[str] = frozenset(platform.host for platform in _ALL)
"""Hosts that may be given a token without asking the deployment."""
