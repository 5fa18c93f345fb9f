"""The doctor on a machine where something is not installed, or too old: one line, and nothing is imported."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import pytest

from airflow_provider_cgc.__main__ import main
from airflow_provider_cgc.doctor import installed
from airflow_provider_cgc.doctor.finding import State


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """The versions that seem to be installed; None for a package that is not."""
    seeming: dict[str, str | None] = {}

    def version(name: str) -> str:
        found = seeming.get(name, "") if name in seeming else importlib.metadata.version(name)
        if found is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return found

    monkeypatch.setattr(installed, "version", version)
    return seeming


@pytest.mark.parametrize(
    ("package", "version", "words"),
    [
        ("apache-airflow", "2.10.5", "apache-airflow is 2.10.5 (pip install 'apache-airflow>=2.11.0'"),
        (
            "apache-airflow-providers-common-compat",
            "1.7.0",
            "apache-airflow-providers-common-compat is 1.7.0 (pip install 'apache-airflow-providers-common-compat>=",
        ),
        ("tenacity", None, "tenacity is missing (pip install 'tenacity>="),
    ],
)
def test_wrong_version_is_all(
    versions: dict[str, str | None], capsys: Any, package: str, version: str | None, words: str
) -> None:
    versions[package] = version

    status = main(["doctor"])

    line, end = capsys.readouterr().out.splitlines()
    assert status == 1
    assert line.startswith("FAILED       versions    airflow-provider-cgc ")
    assert words in line
    assert end == "1 failed: versions."


@pytest.mark.parametrize("version", ["3.4.0b2", "2.11.0", "9.9"])
def test_newer_version_is_fine(versions: dict[str, str | None], version: str) -> None:
    versions["apache-airflow"] = version

    finding = installed.check_versions()

    assert finding.state is State.OK
    assert f"apache-airflow {version}," in finding.text


def test_tests_need_is_no_need(versions: dict[str, str | None]) -> None:
    versions["sevenbridges-python"] = None

    assert installed.check_versions().state is State.OK


def test_not_installed_as_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> list[str]:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(installed, "requires", unknown)

    finding = installed.check_versions()

    assert finding.state is State.FAILED
    assert "install it with pip" in finding.text
