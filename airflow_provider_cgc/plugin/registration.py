"""The tab "CGC jobs" as a plugin of Airflow (entry point `airflow.plugins`); it needs Airflow 3.1.

Every component of Airflow imports this, only the API server asks for what it registers: so nothing is built,
read or imported before it asks.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from airflow.providers.common.compat.sdk import AirflowPlugin

from airflow_provider_cgc.plugin.serving import ROUTE, serve

__all__ = ["PREFIX", "TAB", "CgcPlugin"]

TAB = "CGC jobs"
"""The tab's title, and the global name by which Airflow's UI finds the component in the module."""
PREFIX = "/cgc"
"""The path at which the module is served, below Airflow's own base path."""


class CgcPlugin(AirflowPlugin):
    """One tab on each task instance, mapped ones included, and the file that it is made of.

    On a task of another provider the tab says so. `applies_to`, with which Airflow 3.4 can hide it there, is not
    given: it goes by the names of classes, so that a Dag's own subclass of an operator would lose its tab.
    """

    name = "cgc"

    @cached_property
    def react_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]  # Airflow's own docs show properties, too
        return [
            {
                "name": TAB,
                "bundle_url": f"{_base_path()}{PREFIX}{ROUTE}",
                "destination": "task_instance",
                "url_route": "cgc-jobs",
            }
        ]

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]  # as above
        # Airflow 3.0 would serve the file and never use it; can go with the floor at 3.1.
        if not hasattr(AirflowPlugin, "react_apps"):
            return []
        return [{"app": serve, "url_prefix": PREFIX, "name": TAB}]


def _base_path() -> str:
    """Return the path of `[api] base_url`: 3.3 resolves against it by itself, 3.1 and 3.2 import what they are given.

    Without the host: people may come by another one, and a module of another origin would not be loaded.
    """
    from airflow.configuration import conf

    base_url: str = conf.get("api", "base_url", fallback="")
    return urlsplit(base_url).path.rstrip("/")
