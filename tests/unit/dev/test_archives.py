"""The contents of sdist and wheel are checked."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

from dev import package

KNOWN = ["README.md", "airflow_provider_cgc/__init__.py", "airflow_provider_cgc/py.typed", "tests/conftest.py"]
IN_WHEEL = ["airflow_provider_cgc/__init__.py", "airflow_provider_cgc/py.typed", *package.WRITTEN_INTO_WHEEL]
IN_SDIST = [*KNOWN, *package.WRITTEN_INTO_SDIST]
METADATA = f"{package.NAME}.dist-info/METADATA"


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
        ([*IN_WHEEL, IN_WHEEL[0]], "airflow_provider_cgc/__init__.py is there 2 times"),
        ([name for name in IN_WHEEL if name != METADATA], f"{METADATA} is missing"),
        ([*IN_WHEEL, "evil.dist-info/x.py"], "evil.dist-info/x.py does not belong there"),
        ([*IN_WHEEL, f"{package.NAME}.dist-info/x.py"], f"{package.NAME}.dist-info/x.py does not belong there"),
        ([*IN_WHEEL, f"{package.NAME}.data/scripts/x"], f"{package.NAME}.data/scripts/x does not belong there"),
    ],
)
def test_wrong_wheel_is_told(names: list[str], said: str) -> None:
    assert list(package.wrong_in_wheel(names, KNOWN)) == [said]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (IN_SDIST[1:], "README.md is missing"),
        ([*IN_SDIST, ".env"], ".env does not belong there"),
        ([*IN_SDIST, "PKG-INFO.old"], "PKG-INFO.old does not belong there"),
        ([*IN_SDIST, "airflow_provider_cgc.egg-info/x.py"], "airflow_provider_cgc.egg-info/x.py does not belong there"),
        ([name for name in IN_SDIST if name != "PKG-INFO"], "PKG-INFO is missing"),
        ([*IN_SDIST, "README.md"], "README.md is there 2 times"),
    ],
)
def test_wrong_sdist_is_told(names: list[str], said: str) -> None:
    assert list(package.wrong_in_sdist(names, KNOWN)) == [said]


def test_sdist_is_listed_whole(tmp_path: Path) -> None:
    """A link, and a file outside the one folder, are listed too."""
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        for name, kind in [("README.md", tarfile.REGTYPE), ("link", tarfile.SYMTYPE), ("docs", tarfile.DIRTYPE)]:
            member = tarfile.TarInfo(f"{package.NAME}/{name}")
            member.type = kind
            archive.addfile(member)
        archive.addfile(tarfile.TarInfo("elsewhere/README.md"))

    assert package.names_in_sdist(tmp_path / "x.tar.gz") == ["README.md", "link", "elsewhere/README.md"]


def test_other_wheel_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wheel from the sdist that differs from the one of the tree is refused."""

    def wheel(folder: Path, text: str) -> Path:
        with zipfile.ZipFile(folder / "x.whl", "w") as archive:
            archive.writestr("airflow_provider_cgc/__init__.py", text)
        return folder / "x.whl"

    monkeypatch.setattr(package, "WRITTEN_INTO_WHEEL", [])
    monkeypatch.setattr(package, "WRITTEN_INTO_SDIST", [])
    monkeypatch.setattr(package, "known_files", lambda: ["airflow_provider_cgc/__init__.py"])
    monkeypatch.setattr(package, "names_in_sdist", lambda sdist: ["airflow_provider_cgc/__init__.py"])
    monkeypatch.setattr(package, "copy_tree", lambda folder: None)
    monkeypatch.setattr(package, "_build", lambda tree, into, *options: wheel(into, "other = 1"))
    built = package.Built(tmp_path / "x.tar.gz", wheel(tmp_path, "one = 1"))

    with pytest.raises(package.PackageError, match="from the sdist and the one from the tree are different"):
        package.check(built)
