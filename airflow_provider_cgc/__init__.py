"""An Apache Airflow provider for the Cancer Genomics Cloud and the other Seven Bridges platforms.

This module imports nothing: Airflow calls `get_provider_info()` while it is being imported itself.
"""

from __future__ import annotations

__all__ = ["__version__", "get_provider_info"]

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def get_provider_info() -> dict[str, Any]:
    """Return the description of this package for Airflow (entry point `apache_airflow_provider`)."""
    return {
        "package-name": "airflow-provider-cgc",
        "name": "Cancer Genomics Cloud",
        "description": "Move and process data on the `Cancer Genomics Cloud <https://cgc.sbgenomics.com/>`__ and the "
        "other Seven Bridges platforms: nothing lost, nothing twice.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": "Cancer Genomics Cloud",
                "external-doc-url": "https://docs.cancergenomicscloud.org/",
                "logo": "https://raw.githubusercontent.com/airflow-provider-cgc/airflow-provider-cgc/main/docs/images/logo.svg",
                "tags": ["service"],
            }
        ],
        "hooks": [{"integration-name": "Cancer Genomics Cloud", "python-modules": ["airflow_provider_cgc.hooks.cgc"]}],
        "sensors": [
            {
                "integration-name": "Cancer Genomics Cloud",
                "python-modules": ["airflow_provider_cgc.sensors.exports", "airflow_provider_cgc.sensors.imports"],
            }
        ],
        "operators": [
            {
                "integration-name": "Cancer Genomics Cloud",
                "python-modules": [
                    "airflow_provider_cgc.operators.exports",
                    "airflow_provider_cgc.operators.imports",
                    "airflow_provider_cgc.operators.files",
                    "airflow_provider_cgc.operators.volumes",
                ],
            }
        ],
        "triggers": [
            {"integration-name": "Cancer Genomics Cloud", "python-modules": ["airflow_provider_cgc.triggers.jobs"]}
        ],
        "asset-uris": _asset_uris(),
        "dataset-uris": _asset_uris(),  # Airflow 2.11
        "extra-links": [
            "airflow_provider_cgc.links.CgcProjectLink",
            "airflow_provider_cgc.links.CgcVolumeLink",
            "airflow_provider_cgc.links.CgcTaskLink",
        ],
        "connection-types": [
            {
                "hook-class-name": "airflow_provider_cgc.hooks.cgc.CgcHook",
                "connection-type": "cgc",
                "hook-name": "Cancer Genomics Cloud",
                "ui-field-behaviour": {
                    "hidden-fields": ["login", "schema"],
                    "relabeling": {"password": "Token", "host": "Host (platform 'other' only)"},
                    "placeholders": {
                        "password": "shown on the platform under Developer > Authentication token",
                        "host": "empty, or for platform 'other': https://api.example.org/v2",
                        "port": "empty, or as in the host's address",
                    },
                },
                "conn-fields": _conn_fields(),
            }
        ],
        "cli": ["airflow_provider_cgc.doctor.command.airflow_commands"],
        "config": {
            "cgc": {
                "description": "Settings of the provider for the Cancer Genomics Cloud.",
                "options": {
                    "allowed_hosts": {
                        "description": "Hosts, separated by commas, to which a connection's token may be sent, besides "
                        "the known Seven Bridges platforms and this machine. A host must match exactly, with its port "
                        "unless that is 443. Without this list, anybody who may edit connections could send the token "
                        "anywhere.",
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "api.genomics.example.org,cgc-proxy.example.org:8443",
                        "default": "",
                    }
                },
            }
        },
    }


def _asset_uris() -> list[dict[str, Any]]:
    """Return the form of our assets' addresses, and their names in OpenLineage."""
    return [
        {
            "schemes": ["cgc", "cgc-project"],
            "handler": "airflow_provider_cgc.asset_uris.normalise",
            "to_openlineage_converter": "airflow_provider_cgc.asset_uris.to_openlineage",
        }
    ]


def _conn_fields() -> dict[str, Any]:
    """Return the fields of the connection form besides Airflow's own; their values are kept in `extra`."""
    return {
        "platform": {
            "label": "Platform",
            "description": "The Seven Bridges platform; 'other' takes the host above.",
            "schema": {
                "type": ["string", "null"],
                "enum": ["cgc", "cavatica", "sbg-us", "sbg-eu", "sbg-cn", "bdc", "other"],
                "default": "cgc",
            },
        },
        "project": {
            "label": "Project",
            "description": "For tasks that name no project: owner/short-name, as in the project's web address.",
            "schema": {"type": ["string", "null"]},
        },
        "timeout": {
            "label": "Timeout (seconds)",
            "description": "Longest wait for an answer; requests that start jobs wait at least 300.",
            "schema": {"type": ["number", "null"], "minimum": 1, "maximum": 3600, "default": 60},
        },
        "verify": {
            "label": "Verify certificate",
            "description": "true, false, or the path of a file with trusted certificates on the workers.",
            "schema": {"type": ["string", "null"], "default": "true"},
        },
        "proxies": {
            "label": "Proxies",
            "description": 'JSON, such as {"https": "http://proxy.example.org:3128"}; if empty, the machine\'s '
            "HTTPS_PROXY and NO_PROXY are used.",
            "schema": {"type": ["string", "null"]},
        },
        "rate_share": {
            "label": "Share of the request limit",
            "description": "The part of the platform's 1000 requests in 5 minutes that Airflow may use; the rest is "
            "left to people.",
            "schema": {"type": ["number", "null"], "minimum": 0.05, "maximum": 1, "default": 0.8},
        },
        "advance_access": {
            "label": "Advance access",
            "description": "Ask the platform for beta features.",
            "schema": {"type": ["boolean", "null"], "default": False},
        },
    }
