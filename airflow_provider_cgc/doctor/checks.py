"""All checks in their order, each with those that must have gone well before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from airflow_provider_cgc.client.errors import CgcError
from airflow_provider_cgc.compat import act_as_component
from airflow_provider_cgc.doctor.connection import check_connection, check_platform, check_requests, check_user
from airflow_provider_cgc.doctor.deployment import check_manifest, check_triggerer
from airflow_provider_cgc.doctor.finding import Finding, State, failed, not_checked
from airflow_provider_cgc.doctor.places import check_project, check_region, check_volume
from airflow_provider_cgc.doctor.visit import Visit, Wanted

__all__ = ["CHECKS", "examine"]


class Check(NamedTuple):
    """A check, with the one that must have gone well before it."""

    name: str
    make: Callable[[Visit], Finding]
    needs: str | None = None


CHECKS = (
    Check("connection", check_connection),
    Check("platform", check_platform, needs="connection"),
    Check("requests", check_requests, needs="platform"),
    Check("user", check_user, needs="requests"),
    Check("project", check_project, needs="user"),
    Check("volume", check_volume, needs="user"),
    Check("region", check_region, needs="user"),
    Check("triggerer", check_triggerer),
    Check("manifest", check_manifest),
)


def examine(wanted: Wanted) -> Iterator[tuple[str, Finding]]:
    """Make all checks, and yield the name and result of each as soon as it is known."""
    act_as_component()
    visit = Visit(wanted)
    broken: dict[str, str] = {}
    """The checks that did not go well, each with the failed one that is the reason."""
    try:
        for check in CHECKS:
            reason = broken.get(check.needs or "")
            finding = not_checked(f"needs {reason!r}, see above") if reason else _made(check, visit)
            if reason or finding.state is State.FAILED:
                broken[check.name] = reason or check.name
            yield check.name, finding
    finally:
        visit.close()


def _made(check: Check, visit: Visit) -> Finding:
    try:
        return check.make(visit)
    except CgcError as error:
        return failed(visit.explain(error))
