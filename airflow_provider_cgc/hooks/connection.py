"""The one reader of the fields of an Airflow connection: it turns them into `Settings`.

Neither Airflow nor `requests` is imported here, so the rules are the same for a worker, a triggerer and a test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_cgc.client.errors import CgcSettingsError
from airflow_provider_cgc.client.platforms import CGC, PLATFORMS
from airflow_provider_cgc.client.settings import SHORTEST_TOKEN, Settings
from airflow_provider_cgc.client.urls import checked_base_url, is_loopback, platform_meant
from airflow_provider_cgc.jobs.forms import did_you_mean
from airflow_provider_cgc.jobs.text import shown

__all__ = ["OTHER", "settings_from_connection", "split_hosts", "unknown_extras"]

OTHER = "other"
"""The entry of the platform drop-down that says: look at Host."""

_LABELS = {"token": "Password (token)", "base_url": "Host", "allowed_hosts": "[cgc] allowed_hosts"}
_SCHEMES = ("http", "https")
_WORDS_OF_PASSWORD = re.compile(r"[\s:=\"'`\u2018\u2019\u201c\u201d<>]+")
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def settings_from_connection(
    conn_id: str,
    *,
    host: str | None,
    port: int | None,
    schema: str | None,
    password: str | None,
    extra: Mapping[str, Any],
    allowed_hosts: Collection[str],
) -> Settings:
    """
    Check every field of a connection and return the settings.

    :param conn_id: the connection's id, for messages.
    :param host: a host name or a whole URL; empty when `extra["platform"]` names a known platform.
    :param port: added to the host.
    :param schema: "http" or "https", or the path: an `AIRFLOW_CONN_...` URI puts "v2" here. Without a scheme, a host
        that is this machine means http, because the emulator supports nothing else.
    :param password: the token.
    :param extra: `platform`, `project`, `timeout`, `verify`, `proxies`, `rate_share`, `advance_access`.
    :param allowed_hosts: hosts that the deployment allows besides the known platforms.
    :raises CgcSettingsError: naming the connection, the field, the fact and the remedy.
    """
    try:
        return Settings(
            token=password or "",
            base_url=_base_url(_platform(extra), _clean(host), port, _clean(schema), allowed_hosts),
            allowed_hosts=tuple(allowed_hosts),
            **_options(extra),
        )
    except CgcSettingsError as fault:
        label = _LABELS.get(fault.field, f"Extra '{fault.field}'")
        refused = CgcSettingsError(f"field {label} of connection '{conn_id}'", _without(password, fault.fact))
    # Not within `except`, so that it does not carry the error that may have the token in it.
    raise refused


def unknown_extras(extra: Mapping[str, Any], password: str | None) -> str | None:
    """Name unknown extras, never their values or the password, to follow a connection's name; None without any."""
    # Airflow's own forms prefix the names, and its URIs may have all of them in one.
    names = (_without(password, str(name)) for name in extra)
    unknown = sorted(name for name in names if name not in EXTRAS and not name.startswith(("extra__", "__")))
    if not unknown:
        return None
    named, close = ", ".join(map(shown, unknown)), "".join(did_you_mean(name, EXTRAS) for name in unknown)
    return (
        f"has extras that this provider does not know and ignores: {named}{close or '.'} Known are {', '.join(EXTRAS)}."
    )


def split_hosts(option: str | None) -> tuple[str, ...]:
    """Return the hosts in a comma-separated option."""
    return tuple(host.strip().lower() for host in (option or "").split(",") if host.strip())


def _without(password: str | None, text: str) -> str:
    """Strike out the password, which may stand in another field, too, there in lower case, or without a label."""
    given = _clean(password)
    secrets = [secret for secret in (given, *_WORDS_OF_PASSWORD.split(given)) if len(secret) >= SHORTEST_TOKEN]
    return re.sub("|".join(map(re.escape, secrets)), "***", text, flags=re.IGNORECASE) if secrets else text


def _platform(extra: Mapping[str, Any]) -> str | None:
    value = extra.get("platform")
    name = value.strip().lower() if isinstance(value, str) else value
    if not name:
        return None
    if not isinstance(name, str) or (name != OTHER and name not in PLATFORMS):
        # The value is not repeated: it may be a token in the wrong field.
        known = [*PLATFORMS, OTHER]
        hint = did_you_mean(name, known) if isinstance(name, str) else f", and is of type {type(name).__name__}"
        raise CgcSettingsError("platform", f"must be one of {', '.join(known)}{hint}")
    return name


def _base_url(platform: str | None, host: str, port: int | None, schema: str, allowed_hosts: Collection[str]) -> str:
    known = PLATFORMS.get(platform or "")
    if not host:
        if known:
            return known.base_url
        if platform == OTHER:
            raise CgcSettingsError("base_url", f"is empty; platform '{OTHER}' needs a host, such as {CGC.host}")
        raise CgcSettingsError(
            "base_url", f"is empty, and so is Extra 'platform'; choose a platform, such as '{CGC.name}'"
        )
    url = _url(host, port, schema)
    if known:
        _check_they_agree(known.name, known.base_url, url, allowed_hosts)
    return url


def _check_they_agree(name: str, base_url: str, url: str, allowed_hosts: Collection[str]) -> None:
    differs = f"differs from platform '{name}', which is {base_url}; leave Host empty"
    try:
        same = checked_base_url(url, allowed_hosts) == base_url
    except ValueError as fault:
        raise CgcSettingsError("base_url", str(fault) if platform_meant(url) else differs) from None
    if not same:
        raise CgcSettingsError("base_url", f"{differs}, or choose platform '{OTHER}'")


def _url(host: str, port: int | None, schema: str) -> str:
    """Put the pieces together; most errors in them are found when the whole is checked."""
    scheme, path = (schema.lower(), "") if schema.lower() in _SCHEMES else ("", schema.strip("/"))
    if "://" in host:
        given, _, rest = host.partition("://")
        if scheme and scheme != given.lower():
            raise CgcSettingsError("base_url", f"begins with {given}:// but Schema says {scheme}; leave Schema empty")
        scheme, host = given, rest
    netloc, slash, own_path = host.partition("/")
    if netloc.count(":") > 1 and not netloc.startswith("["):
        netloc = f"[{netloc}]"
    if port is not None:
        netloc = _with_port(netloc, port)
    own_path = own_path.strip("/") if slash else ""
    if path and own_path and path != own_path:
        raise CgcSettingsError("base_url", "has a path, and Schema has another; leave Schema empty")
    return f"{scheme or _usual_scheme(netloc)}://{netloc}/{own_path or path}"


def _with_port(netloc: str, port: int) -> str:
    name, colon, given = netloc.rpartition(":")
    if colon and not given.endswith("]"):
        if given != str(port):
            raise CgcSettingsError("base_url", "has a port, and Port has another; leave Port empty")
        return f"{name}:{given}"
    return f"{netloc}:{port}"


def _usual_scheme(netloc: str) -> str:
    try:
        name = urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        name = ""
    return "http" if is_loopback(name) else "https"


def _options(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the other extras that are set; forms and URIs give everything as text."""
    given = {name: extra.get(name) for name in _READERS}
    given = {name: value.strip() if isinstance(value, str) else value for name, value in given.items()}
    return {name: _READERS[name](name, value) for name, value in given.items() if value is not None and value != ""}


def _number(_: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return value  # refused by `Settings`, which does not repeat it: it may be a token in the wrong field


def _truth(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str | int) and str(value).lower() in _WORDS:
        return _WORDS[str(value).lower()]
    raise CgcSettingsError(name, "must be true or false")


def _verify(name: str, value: Any) -> Any:
    if isinstance(value, str) and value.lower() in _WORDS:
        return _WORDS[value.lower()]
    return value


def _proxies(name: str, value: Any) -> Any:
    """Read an object or its JSON text; the text is not repeated in messages, because it may hold a password."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise CgcSettingsError(name, 'must be JSON such as {"https": "http://proxy.example.org:3128"}') from None


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "project": lambda name, value: value,
    "timeout": _number,
    "verify": _verify,
    "proxies": _proxies,
    "rate_share": _number,
    "advance_access": _truth,
}
EXTRAS = ("platform", *_READERS)
"""The names that an extra of a connection may have."""


def _clean(value: str | None) -> str:
    return (value or "").strip()
