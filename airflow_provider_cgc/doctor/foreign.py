"""The words of an error that is not ours: of a database, a storage, a secrets backend."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import redact

from airflow_provider_cgc.client.errors.problem import one_line
from airflow_provider_cgc.doctor.finding import without_secrets

__all__ = ["foreign"]

_LONGEST = 200


def foreign(error: BaseException) -> str:
    """Return the kind of an error and the first line of its text, without what Airflow masks or an address hides."""
    cause = getattr(error, "orig", None) or error  # SQLAlchemy adds the statement to what the driver said
    lines = without_secrets(str(redact(str(cause)))).strip().splitlines()  # before it is cut off
    return one_line(f"{type(cause).__name__}: {lines[0]}" if lines else type(cause).__name__, _LONGEST)
