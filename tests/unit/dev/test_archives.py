"""The contents of sdist and wheel are checked, and so is the tag of a release."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from dev import package, release

KNOWN = ["README.md", "airflow_provider_cgc/__init__.py", "airflow_provider_cgc/py.typed", "tests/conftest.py"]
IN_WHEEL = ["airflow_provider_cgc/__init__.py", "airflow_provider_cgc/py.typed", "x-0.1.0.dist-info/METADATA"]
IN_SDIST = [*KNOWN, "PKG-INFO", "airflow_provider_cgc.egg-info/SOURCES.txt"]
CHANGES = "# Changelog\n\n## 1.2.0 (2026-12-01)\n\nMore.\n\n## 1.1.0 (2026-11-01)\n"
CITATION = "cff-version: 1.2.0\nversion: 1.2.0\n"


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


def test_leftovers_are_not_copied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only files that git knows are built, with the same modes everywhere; what was deleted is left out."""
    root, copy = tmp_path / "root", tmp_path / "copy"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "run").write_text("")
    (root / "bin" / "run").chmod(0o700)
    (root / "plain").write_text("")
    (root / "left").write_text("")
    monkeypatch.setattr(package, "ROOT", root)
    monkeypatch.setattr(package, "known_files", lambda: ["bin/run", "plain"])

    package.copy_tree(copy)

    modes = {str(path.relative_to(copy)): path.stat().st_mode & 0o777 for path in copy.rglob("*") if path.is_file()}
    assert modes == {"bin/run": 0o755, "plain": 0o644}


def test_part_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "root" / "it").mkdir(parents=True)
    for name in ("it/inside", "it_beside"):
        (tmp_path / "root" / name).write_text("")
    monkeypatch.setattr(package, "ROOT", tmp_path / "root")
    monkeypatch.setattr(package, "known_files", lambda: ["it/inside", "it_beside"])

    package.copy_tree(tmp_path / "copy", without="it/")

    assert os.listdir(tmp_path / "copy") == ["it_beside"]


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


def test_good_tag_may_be_released() -> None:
    assert list(release.wrong("v1.2.0", "1.2.0", CHANGES, CITATION)) == []


@pytest.mark.parametrize(
    ("tag", "changes", "citation", "said"),
    [
        ("v1.1.0", CHANGES, CITATION, "the tag is v1.1.0, the package's version is 1.2.0"),
        ("1.2.0", CHANGES, CITATION, "the tag is 1.2.0"),
        ("v1.2.0", CHANGES.replace("2026-12-01", "unreleased"), CITATION, "says '1.2.0 (unreleased)': write the day"),
        ("v1.2.0", CHANGES.replace(" (2026-12-01)", ""), CITATION, "says '1.2.0': write the day"),
        ("v1.2.0", CHANGES.replace("1.2.0", "1.3.0"), CITATION, "the first section of CHANGELOG.md is not that"),
        ("v1.2.0", "", CITATION, "the first section of CHANGELOG.md is not that"),
        ("v1.2.0", CHANGES, "cff-version: 1.2.0\nversion: 1.1.0\n", "CITATION.cff has another version"),
    ],
)
def test_wrong_tag_is_told(tag: str, changes: str, citation: str, said: str) -> None:
    [problem] = release.wrong(tag, "1.2.0", changes, citation)

    assert said in problem


def test_release_needs_a_tag(capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main([]) == 2
    assert "give the tag" in capsys.readouterr().err
