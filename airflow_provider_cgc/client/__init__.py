"""A client of the Seven Bridges platforms (Cancer Genomics Cloud, CAVATICA ...) that knows nothing of Airflow.

    from airflow_provider_cgc.client import CgcClient, Settings

    with CgcClient(Settings(token="...")) as client:
        records = client.exports.bulk_get(["gET2tre6CG411ac0SbNkaVA0SNRK4H9W"])

Names are loaded when first used, so that rules and values (`models`, `errors`, `settings`, `budget`, `retry`) come
without `requests`, which only the sending part needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_cgc.client.client import CgcClient
    from airflow_provider_cgc.client.endpoints.records import chunks_of, started_ids
    from airflow_provider_cgc.client.errors import (
        CgcApiError,
        CgcBadRequest,
        CgcBudgetSpent,
        CgcCertificateError,
        CgcConflict,
        CgcConnectionError,
        CgcError,
        CgcForbidden,
        CgcForeignLinkError,
        CgcItemsRefused,
        CgcNotFound,
        CgcRateLimited,
        CgcRedirect,
        CgcSettingsError,
        CgcTimeoutError,
        CgcUnauthorized,
        CgcUnavailable,
        CgcUnreadableError,
        CgcUsageError,
    )
    from airflow_provider_cgc.client.errors.codes import REMEDIES, Remedy
    from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
    from airflow_provider_cgc.client.http.budget import RateBudget, budget_for
    from airflow_provider_cgc.client.http.retry import transient, wait_before_repeat
    from airflow_provider_cgc.client.models import (
        ExportJob,
        File,
        ImportJob,
        JobState,
        Page,
        Project,
        RateLimit,
        User,
        Volume,
        VolumeObject,
    )
    from airflow_provider_cgc.client.platforms import KNOWN_HOSTS, PLATFORMS, Platform
    from airflow_provider_cgc.client.settings import Settings

__all__ = [
    "KNOWN_HOSTS",
    "PLATFORMS",
    "REMEDIES",
    "BulkRecord",
    "CgcApiError",
    "CgcBadRequest",
    "CgcBudgetSpent",
    "CgcCertificateError",
    "CgcClient",
    "CgcConflict",
    "CgcConnectionError",
    "CgcError",
    "CgcForbidden",
    "CgcForeignLinkError",
    "CgcItemsRefused",
    "CgcNotFound",
    "CgcRateLimited",
    "CgcRedirect",
    "CgcSettingsError",
    "CgcTimeoutError",
    "CgcUnauthorized",
    "CgcUnavailable",
    "CgcUnreadableError",
    "CgcUsageError",
    "ExportJob",
    "File",
    "ImportJob",
    "JobState",
    "Page",
    "Platform",
    "Problem",
    "Project",
    "RateBudget",
    "RateLimit",
    "Remedy",
    "Settings",
    "User",
    "Volume",
    "VolumeObject",
    "budget_for",
    "chunks_of",
    "started_ids",
    "transient",
    "wait_before_repeat",
]

_MODULES = {
    "client": ("CgcClient",),
    "endpoints.records": ("chunks_of", "started_ids"),
    "errors.codes": ("REMEDIES", "Remedy"),
    "errors.problem": ("BulkRecord", "Problem"),
    "http.budget": ("RateBudget", "budget_for"),
    "http.retry": ("transient", "wait_before_repeat"),
    "models": (
        "ExportJob",
        "File",
        "ImportJob",
        "JobState",
        "Page",
        "Project",
        "RateLimit",
        "User",
        "Volume",
        "VolumeObject",
    ),
    "platforms": ("KNOWN_HOSTS", "PLATFORMS", "Platform"),
    "settings": ("Settings",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Every name without a home of its own is an error class.
    module = import_module(f"{__name__}.{_HOME.get(name, 'errors')}")
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
