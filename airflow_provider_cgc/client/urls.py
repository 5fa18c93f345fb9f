"""The base URLs that may be given a token: https to a known or allowed host, or plain http to this machine.

Strict by design: what is not clearly good is refused, because whoever controls the host gets the token.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from airflow_provider_cgc.client.platforms import KNOWN_HOSTS, PLATFORMS, Platform

__all__ = ["checked_base_url", "host_and_port", "is_loopback", "origin", "platform_meant"]

_VISIBLE_ASCII = re.compile(r"[!-~]+")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?|\[::1\]")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*/?")
_DEFAULT_PORTS = {"https": "443", "http": "80"}


def checked_base_url(text: object, allowed_hosts: Collection[str] = ()) -> str:
    """Return the URL in its one normal form, ending in `/v2`; raises ValueError with the fact and the remedy.

    `allowed_hosts` adds hosts ("api.example.org", "api.example.org:8443") to the known ones; compared whole.
    """
    if not isinstance(text, str) or not text:
        raise ValueError("is missing; give the address of the API, such as https://cgc-api.sbgenomics.com/v2")
    known = platform_meant(text)
    if known is not None and not _lists(allowed_hosts, _name_in(text)):
        what = "is only a platform's name" if _name_in(text) == known.name else f"is the web address of {known.title}"
        raise ValueError(
            f"{what}, and its API is at {known.base_url}; choose the platform '{known.name}' in the connection and "
            "leave Host empty, or give that address"
        )
    parts = _split(text)
    scheme, netloc = parts.scheme, parts.netloc.lower()
    host, port = host_and_port(netloc)
    if port in ("", _DEFAULT_PORTS[scheme]):
        netloc = host
    if not _permitted(host, netloc, allowed_hosts):
        raise ValueError(
            f"may not be on host '{netloc}': it is not one of the known platforms, and whoever runs it would get the "
            "token. Correct it, or ask an admin of Airflow to add it to the option [cgc] allowed_hosts"
        )
    if scheme == "http" and not is_loopback(host):
        raise ValueError(f"must start with https:// for host '{host}': plain http would show the token on the way")
    return f"{scheme}://{netloc}{_checked_path(parts.path)}"


def host_and_port(netloc: str) -> tuple[str, str]:
    """Return a host name in lower case and its port, empty if there is none; raises ValueError with the fact."""
    netloc = netloc.lower()
    host, _, port = netloc.rpartition(":") if re.search(r":[^\]]*$", netloc) else (netloc, "", "")
    if not _HOST.fullmatch(host):
        raise ValueError("has no valid host name; write it in plain ASCII, without a dot at the end")
    if netloc != host and not (_PORT.fullmatch(port) and int(port) <= 65535):
        raise ValueError("has a port that is not a number from 1 to 65535")
    return host, port


def origin(url: str) -> tuple[str, str]:
    """Return scheme and host of a URL in lower case, with a port that is not the default: the same for one server.

    Raises ValueError for what is no such URL, user names in it included.
    """
    parts = _split(url, strict=False)
    netloc = parts.netloc.lower()
    return parts.scheme, netloc.removesuffix(":" + _DEFAULT_PORTS[parts.scheme])


def platform_meant(text: str) -> Platform | None:
    """Return the platform whose web address or name is given in place of its API's address."""
    name = _name_in(text)
    meant = (one for one in PLATFORMS.values() if name in (one.name, urlsplit(one.web_url).hostname))
    return next(meant, None)


def is_loopback(host: str) -> bool:
    """Return True for this machine: `localhost`, 127.0.0.0/8 in its full form, `[::1]`."""
    if host in ("localhost", "[::1]", "::1"):
        return True
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False


def _split(text: str, *, strict: bool = True) -> SplitResult:
    if not _VISIBLE_ASCII.fullmatch(text):
        raise ValueError("has blanks, line breaks or letters outside ASCII; write the plain address")
    if "\\" in text:
        raise ValueError("has a backslash; write the plain address")
    if strict and ("?" in text or "#" in text):
        raise ValueError("has a query or fragment ('?' or '#'); end it after the path")
    try:
        parts = urlsplit(text)
    except ValueError as fault:
        raise ValueError("is not a valid address; write it like https://cgc-api.sbgenomics.com/v2") from fault
    if parts.scheme not in _DEFAULT_PORTS or not parts.netloc:
        raise ValueError("must be a whole address that starts with https://")
    if "@" in parts.netloc:
        raise ValueError(
            "has a user name or '@' before the host; leave it out; the token goes into the connection's field Token"
        )
    return parts


def _permitted(host: str, netloc: str, allowed_hosts: Collection[str]) -> bool:
    if is_loopback(host):
        return True
    return netloc in KNOWN_HOSTS or _lists(allowed_hosts, netloc)


def _lists(allowed_hosts: Collection[str], netloc: str) -> bool:
    return netloc in {allowed.strip().lower() for allowed in allowed_hosts}


def _name_in(text: str) -> str:
    """Return the host's name in a text that may be an address, with nothing else checked."""
    return re.split(r"[/?#:]", text.strip().partition("://")[2] or text.strip())[0].lower()


def _checked_path(path: str) -> str:
    segments = [segment for segment in path.split("/") if segment]
    if not _PATH.fullmatch(path) or any(segment in (".", "..") for segment in segments):
        raise ValueError("has an odd path; write it like https://cgc-api.sbgenomics.com/v2")
    if not segments or segments[-1] != "v2":
        segments.append("v2")
    return "/" + "/".join(segments)
