"""One connection to one platform as a frozen, checked value; it never shows its token."""

from __future__ import annotations

import hashlib
import math
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn
from urllib.parse import urlsplit

from airflow_provider_cgc.client.errors import CgcSettingsError
from airflow_provider_cgc.client.errors.codes import TOKEN_PAGE
from airflow_provider_cgc.client.platforms import CGC, PLATFORMS
from airflow_provider_cgc.client.urls import checked_base_url, origin

__all__ = ["SHORTEST_TOKEN", "Settings"]

SHORTEST_TOKEN = 8
_LONGEST_TIMEOUT = 3600.0
_PROJECT = re.compile(r"[^\s/?#\\]+/[^\s/?#\\]+")
_PROXY_KEY = re.compile(r"(?:https?|all)(?:://[A-Za-z0-9.\-\[\]:]+)?")
_PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_QUOTES = "\"'`\u2018\u2019\u201c\u201d<>"
_HEADER = re.compile(
    r"(?:bearer\s|(?:x-sbg-auth-|auth[_-]|api[_-])?token\s*[:=\s]|authorization\s*[:=])", re.IGNORECASE
)
"""Names that are pasted along with a token: no token has a colon, an equals sign or a blank in it."""
_IDENTITY_KEY = secrets.token_bytes(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one connection: the platform's address, the token, the patience.

    Raises `CgcSettingsError` (a ValueError) that names the field, the fact and the remedy, and never the token.
    """

    token: str = field(repr=False)
    base_url: str = CGC.base_url
    """Address of the API; `/v2` is added when it lacks."""
    project: str | None = None
    """The project to use where none is given: "owner/short-name"."""
    timeout: float = 60.0
    """Seconds to wait for an answer to begin, and as many for all of it; creates wait at least 300."""
    connect_timeout: float = 5.0
    """Seconds to wait for a connection."""
    verify: bool | str = True
    """Check the platform's certificate: yes, no, or against a file or folder of trusted certificates."""
    proxies: Mapping[str, str] | None = field(default=None, repr=False, hash=False)
    """Proxies by scheme ("https"); None: as the environment says (HTTPS_PROXY, NO_PROXY); empty: none at all."""
    rate_share: float = 0.8
    """The part of the platform's request limit that this connection may use up; the rest is left to people."""
    advance_access: bool = False
    """Ask for beta features of the platform."""
    allowed_hosts: tuple[str, ...] = ()
    """Hosts besides the known platforms that may be given the token: the deployment's word."""

    def __post_init__(self) -> None:
        _check_token(self.token)
        for name in ("base_url", "project", "verify"):
            _refuse_token_in(name, getattr(self, name), self.token)
        allowed_hosts = _checked_hosts(self.allowed_hosts)
        object.__setattr__(self, "allowed_hosts", allowed_hosts)
        try:
            base_url = checked_base_url(self.base_url, allowed_hosts)
        except ValueError as fault:
            raise CgcSettingsError("base_url", str(fault)) from None
        object.__setattr__(self, "base_url", base_url)
        _check_project(self.project)
        for name in ("timeout", "connect_timeout"):
            object.__setattr__(self, name, _checked_seconds(name, getattr(self, name)))
        _check_verify(self.verify)
        object.__setattr__(self, "proxies", _checked_proxies(self.proxies))
        object.__setattr__(self, "rate_share", _checked_share(self.rate_share))
        if not isinstance(self.advance_access, bool):
            raise CgcSettingsError("advance_access", "must be true or false")

    @property
    def host(self) -> str:
        """Host name, with the port unless it is the usual one."""
        return urlsplit(self.base_url).netloc

    @property
    def web_url(self) -> str | None:
        """The platform's address for a browser; None if the host is none of the known platforms."""
        return next((platform.web_url for platform in PLATFORMS.values() if platform.host == self.host), None)

    @property
    def identity(self) -> str:
        """Equal for the same platform and token, in this process; usable as a key, and the token is not in it."""
        text = "\0".join((*origin(self.base_url), self.token))
        return hashlib.blake2b(text.encode(), key=_IDENTITY_KEY, digest_size=12).hexdigest()

    def __copy__(self) -> Settings:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Settings:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("Settings hold a token and cannot be pickled: pass the connection id, and read it again there")


def _check_token(token: object) -> None:
    where = f"copy it from the platform's page {TOKEN_PAGE}"
    if not isinstance(token, str) or not token:
        raise CgcSettingsError("token", f"is missing; {where}")
    if token.endswith(("\n", "\r")):
        raise CgcSettingsError("token", f"ends with a line break; {where} without it")
    if token == "<token>":  # noqa: S105  # as the manual writes it
        raise CgcSettingsError("token", f"is the placeholder of the manual; {where}")
    if token[0] in _QUOTES or token[-1] in _QUOTES:
        raise CgcSettingsError("token", f"has quotes around it; {where} without them")
    if _HEADER.match(token):
        raise CgcSettingsError("token", f"begins with the name of a header or field; {where} alone")
    if token != token.strip():
        raise CgcSettingsError("token", f"begins or ends with a blank; {where} without it")
    if not all("!" <= char <= "~" for char in token):
        raise CgcSettingsError("token", f"has a blank, line break or letter outside ASCII inside; {where}")
    if len(token) < SHORTEST_TOKEN:
        raise CgcSettingsError("token", f"has fewer than {SHORTEST_TOKEN} characters; {where}")


def _refuse_token_in(name: str, value: object, token: str) -> None:
    """Refuse the token in a field that is shown in messages and logs; a host's name is put into lower case there."""
    if isinstance(value, str) and token.lower() in value.lower():
        raise CgcSettingsError(name, "has the token in it, which belongs into the token's own field alone; take it out")


def _checked_hosts(hosts: object) -> tuple[str, ...]:
    if isinstance(hosts, str) or not isinstance(hosts, tuple | list | set | frozenset):
        raise CgcSettingsError("allowed_hosts", "must be a list of host names")
    if not all(isinstance(host, str) for host in hosts):
        raise CgcSettingsError("allowed_hosts", "must be a list of host names")
    return tuple(host.strip().lower() for host in hosts if host.strip())


def _check_project(project: object) -> None:
    if project is not None and not (isinstance(project, str) and _PROJECT.fullmatch(project)):
        raise CgcSettingsError("project", "must be 'owner/short-name', as in the project's web address")


def _checked_seconds(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise CgcSettingsError(name, "must be a number of seconds, such as 60")
    if not 0 < value <= _LONGEST_TIMEOUT:
        raise CgcSettingsError(name, f"must be above 0 and at most {_LONGEST_TIMEOUT:.0f} seconds, not {value:g}")
    return float(value)


def _check_verify(verify: object) -> None:
    if isinstance(verify, bool):
        return
    if not isinstance(verify, str) or not verify:
        raise CgcSettingsError("verify", "must be true, false, or the path of a file with trusted certificates")
    if not os.path.exists(verify):
        raise CgcSettingsError("verify", f"names the file '{verify}', which is not on this machine; correct the path")


def _checked_proxies(proxies: object) -> Mapping[str, str] | None:
    if proxies is None:
        return None
    if not isinstance(proxies, Mapping):
        raise CgcSettingsError("proxies", 'must be an object such as {"https": "http://proxy.example.org:3128"}')
    for key, url in proxies.items():
        if not isinstance(key, str) or not _PROXY_KEY.fullmatch(key):
            raise CgcSettingsError("proxies", "must have the keys 'http', 'https', 'all' or one of these with ://host")
        if not isinstance(url, str) or not _is_proxy(url):
            # The value is not repeated: it may hold a password.
            raise CgcSettingsError("proxies", f"must have a value like http://proxy.example.org:3128 for '{key}'")
    return MappingProxyType(dict(proxies))


def _is_proxy(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in _PROXY_SCHEMES and bool(parts.hostname) and parts.port != 0 and url.isprintable()
    except ValueError:
        return False


def _checked_share(share: object) -> float:
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        raise CgcSettingsError("rate_share", "must be above 0 and at most 1, such as 0.8")
    return float(share)
