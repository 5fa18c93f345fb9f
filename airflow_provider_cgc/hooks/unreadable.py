"""A connection that is not there, or cannot be read: Airflow says "not defined" of both, or nothing at all.

What a connection holds is never repeated: the token may stand anywhere in a text that nobody can read.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_cgc.client.errors import CgcSettingsError

__all__ = ["doubt_variable", "not_found", "refuse_odd_extra"]

_KEYS = ("conn_type", "description", "host", "login", "password", "schema", "port", "extra")
_EXAMPLE = """'{"conn_type": "cgc", "password": "<token>", "extra": {"platform": "cgc"}}'"""


def not_found(conn_id: str) -> CgcSettingsError:
    """Say that a connection is not defined, or why the environment variable that defines it cannot be read."""
    where, name = f"connection {conn_id!r}", _variable(conn_id)
    if name in os.environ:
        why = _why_unreadable(os.environ[name]) or "Airflow does not accept its address"
        return CgcSettingsError(
            where, f"the environment variable {name} cannot be read: {why}. Write it like {_EXAMPLE}"
        )
    if "://" in conn_id:
        fact = "is not defined; give the id of an Airflow connection, which has the address of the platform in it"
        return CgcSettingsError(where, fact, undefined=True)
    fact = "is not defined; create it under Admin > Connections with type 'Cancer Genomics Cloud'"
    if re.fullmatch(r"[A-Z0-9_]+", conn_id.upper()):  # no shell takes another name
        fact += f", or as an environment variable: {name}={_EXAMPLE}"
    return CgcSettingsError(where, fact, undefined=True)


def refuse_odd_extra(conn_id: str, extra: object) -> None:
    """Refuse an Extra that Airflow takes for an empty one, or for another thing than an object."""
    if not isinstance(extra, str) or not extra.strip():
        return
    why = _why_no_object(extra)
    if why:
        raise CgcSettingsError(
            f"connection {conn_id!r}, field Extra", f'{why}; write an object such as {{"platform": "cgc"}}'
        )


@contextmanager
def doubt_variable(conn_id: str) -> Iterator[None]:
    """Blame the environment variable for a connection that makes no sense, if Airflow read it as an address."""
    try:
        yield
    except CgcSettingsError:
        text = os.environ.get(_variable(conn_id), "").strip()
        if not text or text.startswith("{") or "://" in text:
            raise
    else:
        return
    raise not_found(conn_id)


def _variable(conn_id: str) -> str:
    return f"AIRFLOW_CONN_{conn_id.upper()}"


def _why_unreadable(text: str) -> str | None:
    """Say what is wrong with a variable, in words that hold nothing of it."""
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
