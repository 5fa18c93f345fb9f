"""The parts of a request's body, each with the error for one that is not as it must be."""

from __future__ import annotations

from typing import Any

from airflow_provider_cgc.emulator.state.errors import PlatformError


def an_object(value: Any, what: str) -> dict[str, Any]:
    """Read a JSON object.

    :raises PlatformError: 9011 for anything else.
    """
    if not isinstance(value, dict):
        raise PlatformError(9011, f"Request syntax is not valid: {what} is not an object.")
    return value


def a_text(body: dict[str, Any], key: str) -> str:
    """Read a text that must be there, and not be empty.

    :raises PlatformError: 9011 for anything else.
    """
    value = body.get(key)
    if not isinstance(value, str):
        raise PlatformError(9011, f"Request syntax is not valid: {key} is missing.")
    if not value:
        raise PlatformError(9011, f"Request syntax is not valid: {key} is empty.")
    return value


def maybe_text(body: dict[str, Any], key: str) -> str | None:
    """Read a text that may be absent, null or empty.

    :raises PlatformError: 9011 for anything else.
    """
    return a_text(body, key) if body.get(key) not in (None, "") else None


def a_flag(body: dict[str, Any], key: str, default: bool = False) -> bool:
    """Read true or false, or their names: a client that sends "true" and "false" has migrated a whole institute.

    :raises PlatformError: 9011 for anything else.
    """
    value = body.get(key)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise PlatformError(9011, f"Request syntax is not valid: {key} is not true or false.")
