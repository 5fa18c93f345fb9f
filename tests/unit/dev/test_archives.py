"""The contents of sdist and wheel are checked."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from dev import package

KNOWN = ["README.md", "airflow_provider_cgc/__init__.py", "airflow_provider_cgc/py.typed", "tests/conftest.py"]
IN_WHEEL = ["airflow_provider_cgc/__init__.py", "airflow_provider_cgc/py.typed", "x-0.1.0.dist-info/METADATA"]
IN_SDIST = [*KNOWN, "PKG-INFO", "airflow_provider_cgc.egg-info/SOURCES.txt"]


def test_wheel_holds_the_package_only() -> None:
    assert list(package.wrong_in_wheel(IN_WHEEL, KNOWN)) == []


def test_sdist_holds_all_that_is_known() -> None:
    assert list(package.wrong_in_sdist(IN_SDIST, KNOWN)) == []


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (IN_WHEEL[1:], "airflow_provider_cgc/__init__.py is missing"),
        ([*IN_WHEEL, "tests/conftest.py"], "tests/conftest.py does not belong there"),
        ([*IN_WHEEL, "airflow_provider_cgc/old.py"], "airflow_provider_cgc/old.py does not belong there"),
    ],
)
def test_wrong_wheel_is_told(names: list[str], said: str) -> None:
    assert list(package.wrong_in_wheel(names, KNOWN)) == [said]


@pytest.mark.parametrize(
    ("names", "said"),
    [(IN_SDIST[1:], "README.md is missing"), ([*IN_SDIST, ".env"], ".env does not belong there")],
)
def test_wrong_sdist_is_told(names: list[str], said: str) -> None:
    assert list(package.wrong_in_sdist(names, KNOWN)) == [said]


def test_other_wheel_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wheel from the sdist that differs from the one of the tree is refused."""

    def wheel(folder: Path, text: str) -> Path:
        with zipfile.ZipFile(folder / "x.whl", "w") as archive:
            archive.writestr("airflow_provider_cgc/__init__.py", text)
        return folder / "x.whl"

    monkeypatch.setattr(package, "known_files", lambda: ["airflow_provider_cgc/__init__.py"])
    monkeypatch.setattr(package, "names_in_sdist", lambda sdist: ["airflow_provider_cgc/__init__.py"])
    monkeypatch.setattr(package, "_build", lambda tree, into, *options: wheel(into, "other = 1"))
    built = package.Built(tmp_path / "x.tar.gz", wheel(tmp_path, "one = 1"))

    with pytest.raises(package.PackageError, match="from the sdist and the one from the tree are different"):
        package.check(built)
