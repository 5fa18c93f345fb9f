"""The cost of importing: rules and values come without `requests`, and nothing of the client comes with Airflow."""

from __future__ import annotations

import subprocess
import sys

import pytest

import airflow_provider_cgc.client as package


def modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    "module",
    [
        "client",
        "client.platforms",
        "client.settings",
        "client.errors",
        "client.errors.problem",
        "client.models",
        "client.http.budget",
        "client.http.retry",
        "client.endpoints.records",
        "hooks.connection",
    ],
)
def test_rules_need_no_requests(module: str) -> None:
    loaded = modules_after(f"import airflow_provider_cgc.{module}")

    assert not loaded & {"requests", "urllib3", "tenacity", "airflow"}


def test_client_has_no_airflow() -> None:
    loaded = modules_after("from airflow_provider_cgc.client import CgcClient")

    assert "requests" in loaded
    assert "airflow" not in loaded


def test_package_imports_nothing() -> None:
    before = modules_after("pass")
    loaded = modules_after("import airflow_provider_cgc; airflow_provider_cgc.get_provider_info()")

    assert loaded - before <= {"airflow_provider_cgc", "__future__"}


@pytest.mark.parametrize("name", package.__all__)
def test_exported_names_exist(name: str) -> None:
    assert getattr(package, name) is not None
    assert name in dir(package)


def test_unknown_name_raises() -> None:
    with pytest.raises(AttributeError, match="NoSuchThing"):
        _ = package.NoSuchThing
