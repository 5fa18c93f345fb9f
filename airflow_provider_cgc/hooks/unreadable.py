"""Errors of a connection that is not defined or cannot be read: Airflow says "not defined" of both, or nothing at all.

The contents of a connection are never repeated: in a text that cannot be read, any part may be the token.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from airflow_provider_cgc.client.errors import CgcSettingsError

__all__ = ["doubt_variable", "not_found", "refuse_odd_extra", "shells_take", "variable_of"]

_KEYS = ("conn_type", "description", "host", "login", "password", "schema", "port", "extra")
_EXAMPLE = """'{"conn_type": "cgc", "password": "<token>", "extra": {"platform": "cgc"}}'"""


def not_found(conn_id: str) -> CgcSettingsError:
    """Return the error of a connection that is not defined, or whose environment variable cannot be read."""
    where, name = f"connection {conn_id!r}", variable_of(conn_id)
    text = os.environ.get(name)
    if text is not None:
        why = _why_unreadable(text)
        odd = _odd_extra(conn_id, _extra_in(text)) if why is None else None
        if odd is not None:  # Airflow 3.0 and 3.1 refuse the whole connection
            return odd
        is_json = text.strip().startswith("{")
        why = why or f"Airflow does not accept its {'values' if is_json else 'address'}"
        return CgcSettingsError(
            where, f"cannot be read from the environment variable {name}: {why}. Write it like {_EXAMPLE}"
        )
    if "://" in conn_id:
        fact = "is not defined; give the id of an Airflow connection, which contains the platform's address"
        return CgcSettingsError(where, fact, undefined=True)
    fact = "is not defined; create it under Admin > Connections with type 'Cancer Genomics Cloud'"
    if shells_take(name):
        fact += f", or as an environment variable: {name}={_EXAMPLE}"
    return CgcSettingsError(where, fact, undefined=True)


def refuse_odd_extra(conn_id: str, extra: object) -> None:
    """Refuse an Extra that Airflow would silently ignore, or that is no object."""
    odd = _odd_extra(conn_id, extra)
    if odd is not None:
        raise odd


@contextmanager
def doubt_variable(conn_id: str) -> Iterator[None]:
    """Raise the error about the environment variable instead, if Airflow took a text that is no address for one."""
    try:
        yield
    except CgcSettingsError:
        text = os.environ.get(variable_of(conn_id), "").strip()
        if not text or text.startswith("{") or "://" in text:
            raise
    else:
        return
    raise not_found(conn_id)


def _odd_extra(conn_id: str, extra: object) -> CgcSettingsError | None:
    why = _why_no_object(extra) if isinstance(extra, str) and extra.strip() else None
    if why is None:
        return None
    return CgcSettingsError(
        f"field Extra of connection {conn_id!r}", f'{why}; write an object such as {{"platform": "cgc"}}'
    )


def _extra_in(text: str) -> object:
    """Return the Extra in a variable that can be read otherwise: in an address, or in JSON as text or as an object."""
    try:
        if not text.strip().startswith("{"):
            return parse_qs(urlsplit(text).query).get("__extra__", [None])[0]
    except ValueError:
        return None
    extra = json.loads(text).get("extra")
    return extra if isinstance(extra, str) else json.dumps(extra or {})


def variable_of(conn_id: str) -> str:
    """Return the name of the environment variable of a connection."""
    return f"AIRFLOW_CONN_{conn_id.upper()}"


def shells_take(variable: str) -> bool:
    """Return True if a shell can set an environment variable of this name."""
    return re.fullmatch(r"[A-Z0-9_]+", variable) is not None


def _why_unreadable(text: str) -> str | None:
    """Return the problem of a variable, without repeating any of its text."""
    text = text.strip()
    if not text:
        return "it is empty"
    if not text.startswith("{"):
        return None if "://" in text else "it is neither JSON nor an address that begins with cgc://"
    if why := _why_no_object(text):
        return f"it {why}"
    connection = json.loads(text)
    if any(key not in _KEYS for key in connection):
        return f"it has a key that Airflow does not know; the keys are {', '.join(_KEYS)}"
    if not str(connection.get("port") or 0).isdigit():
        return "its port is not a number"
    if any(not isinstance(connection.get(key) or "", str) for key in _KEYS[:6]):
        return "one of its values is not text; put it in quotes"
    return None


def _why_no_object(text: str) -> str | None:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as fault:
        return f"is not JSON ({fault.msg.removesuffix(' at')} at line {fault.lineno}, column {fault.colno})"
    except (ValueError, RecursionError) as fault:
        return f"is not JSON ({type(fault).__name__})"
    return None if isinstance(value, dict) else "is JSON, but not an object"
