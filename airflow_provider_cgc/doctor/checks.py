"""All checks in their order, each with those that must have gone well before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import NamedTuple

from airflow_provider_cgc.client.errors import CgcError
from airflow_provider_cgc.compat import acting_as_component
from airflow_provider_cgc.doctor.connection import check_connection, check_platform, check_requests, check_user
from airflow_provider_cgc.doctor.deadline import TooSlow, within
from airflow_provider_cgc.doctor.deployment import check_manifest, check_triggerer
from airflow_provider_cgc.doctor.finding import Finding, State, failed, not_checked
from airflow_provider_cgc.doctor.places import check_project, check_region, check_volume
from airflow_provider_cgc.doctor.visit import Visit, Wanted

__all__ = ["CHECKS", "examine"]


LONGEST_CHECK = 60.0
"""Seconds that a check may take: the platform has its own limits, but a database or storage may hang for minutes."""


class Check(NamedTuple):
    """A check, with the thing that it asks, and the check that must have gone well before it."""

    name: str
    make: Callable[[Visit], Finding]
    asks: str
    needs: str | None = None


_PLATFORM = "the platform"
CHECKS = (
    Check("connection", check_connection, "Airflow's secrets backend or database"),
    Check("platform", check_platform, _PLATFORM, needs="connection"),
    Check("requests", check_requests, _PLATFORM, needs="platform"),
    Check("user", check_user, _PLATFORM, needs="requests"),
    Check("project", check_project, _PLATFORM, needs="user"),
    Check("volume", check_volume, _PLATFORM, needs="user"),
    Check("region", check_region, _PLATFORM, needs="user"),
    Check("triggerer", check_triggerer, "Airflow's database"),
    Check("manifest", check_manifest, "the storage of the manifest"),
)


def examine(wanted: Wanted) -> Iterator[tuple[str, Finding]]:
    """Make all checks, and yield the name and result of each as soon as it is known."""
    broken: dict[str, str] = {}  # the checks that did not go well, each with the first one that is the reason
    with acting_as_component(), closing(Visit(wanted)) as visit:
        for check in CHECKS:
            reason = broken.get(check.needs or "")
            finding = not_checked(f"needs {reason!r}, see above") if reason else _made(check, visit)
            if finding.state in (State.FAILED, State.NOT_CHECKED):
                broken[check.name] = reason or check.name
            yield check.name, finding


def _made(check: Check, visit: Visit) -> Finding:
    try:
        return within(LONGEST_CHECK, lambda: check.make(visit))
    except CgcError as error:
        return failed(visit.explain(error))
    except TooSlow:
        return failed(
            f"No answer came from {check.asks} within {LONGEST_CHECK:g} s. Check the network between it and this"
            " machine, firewalls and proxies included."
        )
