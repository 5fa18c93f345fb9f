"""Ids as parts of a path: quoted, and refused where they could lead elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from airflow_provider_cgc.client.errors import CgcUsageError

__all__ = ["checked_ids", "one_segment", "owner_and_name"]


def one_segment(what: str, value: object) -> str:
    """Return an id, such as that of a job or file, as one part of a path; raises `CgcUsageError`."""
    if not isinstance(value, str) or not value.strip() or value in (".", ".."):
        raise CgcUsageError(f"the {what} id must be a text, and not empty, but is {value!r}")
    return quote(value, safe="")


def owner_and_name(what: str, value: object) -> str:
    """Return an id "owner/name", such as that of a volume or project, as two parts; raises `CgcUsageError`."""
    parts = value.split("/") if isinstance(value, str) else []
    if len(parts) != 2 or not all(part.strip() and part not in (".", "..") for part in parts):
        raise CgcUsageError(f"the {what} id must be 'owner/name', not {value!r}")
    return "/".join(quote(part, safe="") for part in parts)


def checked_ids(what: str, ids: Iterable[str]) -> list[str]:
    """Return ids as a list; raises `CgcUsageError`, also for a single text, which would be taken letter by letter."""
    if isinstance(ids, str | bytes):
        raise CgcUsageError(f"give a list of {what} ids, not a single text")
    result = list(ids)
    for value in result:
        if not isinstance(value, str) or not value:
            raise CgcUsageError(f"each {what} id must be a text, and not empty, but is {value!r}")
    return result
