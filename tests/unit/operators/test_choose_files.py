"""Files that `CgcListFilesOperator` leaves out on request, and places that are given as web addresses."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.exceptions import CgcBadInput, CgcInputRefused
from airflow_provider_cgc.jobs.listing.files import LARGEST
from airflow_provider_cgc.operators.files import CgcListFilesOperator
from airflow_provider_cgc.operators.volumes import CgcListVolumeOperator
from tests.late import late

LOGGER = "tests.choose_files"
PROJECT = "demo-lab/incidents"
WEB, API = "https://cgc.sbgenomics.com", "https://cgc-api.sbgenomics.com/v2"


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[CgcEmulator]:
    """A CGC with two files in a folder of the connection's project."""
    with CgcEmulator(files=1, speed=0) as emulator:
        connection = emulator.connection
        connection["extra"]["project"] = PROJECT
        monkeypatch.setenv("AIRFLOW_CONN_CGC_DEFAULT", json.dumps(connection))
        emulator.add_files(["raw/S1.bam", "raw/S1.tmp.bam"], project=PROJECT, size=10)
        yield emulator


@pytest.fixture
def listing(emulator: CgcEmulator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """`listing(**arguments)` runs an operator and gives the names of the files."""
    # Airflow 3 logs through structlog, past caplog.
    monkeypatch.setattr(CgcListFilesOperator, "log", logging.getLogger(LOGGER), raising=False)

    def run(**arguments: Any) -> list[str]:
        found: Any = late(CgcListFilesOperator, task_id="list_files", **arguments).execute({})
        return [item["name"] for item in found]

    return run


@pytest.fixture
def alias(emulator: CgcEmulator) -> str:
    """The name of an alias in the folder."""
    [folder] = emulator.add_files(["raw/"], project=PROJECT)
    emulator.submit_imports([emulator.locations[0]], parent=folder, name="alias.bam")
    emulator.clock.advance(3_600)
    return "alias.bam"


@pytest.mark.parametrize(
    ("exclude", "found"),
    [
        ("*.tmp.*", ["S1.bam"]),
        (["*.bai", "S1.bam"], ["S1.tmp.bam"]),
        ("['*.tmp.*', 'x']", ["S1.bam"]),
        ("s1*", ["S1.bam", "S1.tmp.bam"]),
        ([], ["S1.bam", "S1.tmp.bam"]),
    ],
)
def test_excluded_is_left_out(listing: Callable[..., list[str]], exclude: Any, found: list[str]) -> None:
    assert listing(folder="raw", exclude=exclude) == found


@pytest.mark.parametrize("exclude", ["raw/*", ["*.bai", "old/*.bam"]])
def test_path_is_not_excluded(emulator: CgcEmulator, listing: Callable[..., list[str]], exclude: Any) -> None:
    """A pattern that cannot match would leave out nothing, and nobody would see it."""
    with pytest.raises(CgcBadInput, match=r"exclude is .*own name, without its folders"):
        listing(exclude=exclude)

    assert int(emulator.stats()["total"]) == 0


def test_only_exportable(
    emulator: CgcEmulator, listing: Callable[..., list[str]], alias: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Aliases and files that are too large are left out, and counted by the reason."""
    emulator.add_files(["raw/huge.bam"], project=PROJECT, size=LARGEST + 1)
    emulator.add_files(["raw/just.bam"], project=PROJECT, size=LARGEST)
    caplog.set_level(logging.INFO, logger=LOGGER)

    assert set(listing(folder="raw")) == {"S1.bam", "S1.tmp.bam", alias, "huge.bam", "just.bam"}
    assert set(listing(folder="raw", exportable=True)) == {"S1.bam", "S1.tmp.bam", "just.bam"}
    assert (
        "Left out, because the platform does not export them: 1 alias and 1 file of more than 5.5 TB."
        in caplog.messages
    )


def test_none_exportable_is_told(listing: Callable[..., list[str]], alias: str) -> None:
    with pytest.raises(
        CgcBadInput, match=r"has no files that match name .*; left out, because .*: 1 alias and 0 files"
    ):
        listing(folder="raw", name="alias*", exportable=True)


@pytest.mark.parametrize("recursive", [True, False])
def test_index_goes_with_its_file(
    emulator: CgcEmulator, listing: Callable[..., list[str]], recursive: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """An index is taken though no filter matches it, whatever comes first; that of another file is not."""
    names = ["S1.bam.bai", "A.bai", "A.bam", "V.vcf.gz.tbi", "other.bai", "S1.txt", "sub/S1.bam.csi"]
    emulator.add_files([f"raw/{name}" for name in names], project=PROJECT, size=1)
    caplog.set_level(logging.INFO, logger=LOGGER)

    found = listing(folder="raw", name=["S1.bam", "A.bam"], secondary_files=True, recursive=recursive)

    assert found == ["A.bai", "A.bam", "S1.bam", "S1.bam.bai"]
    assert "Taken as secondary files of others: 2." in caplog.messages


def test_index_may_be_excluded(emulator: CgcEmulator, listing: Callable[..., list[str]]) -> None:
    emulator.add_files(["raw/S1.bam.bai", "raw/S1.bam.csi"], project=PROJECT)

    assert listing(name="S1.bam", exclude="*.csi", secondary_files=True) == ["S1.bam", "S1.bam.bai"]


@pytest.mark.parametrize("page", [f"{WEB}/u/{PROJECT}", f"{WEB}/u/{PROJECT}/files/", f"{API}/projects/{PROJECT}"])
def test_page_is_a_project(listing: Callable[..., list[str]], page: str) -> None:
    assert "S1.bam" in listing(project=page)


@pytest.mark.parametrize("page", [WEB + "/u/{}/files/?parentId={}", WEB + "/u/{}/files/{}/", API + "/files/{1}"])
def test_page_is_a_folder(emulator: CgcEmulator, listing: Callable[..., list[str]], page: str) -> None:
    [folder] = emulator.add_files(["raw/"], project=PROJECT)

    assert listing(folder=page.format(PROJECT, folder)) == ["S1.bam", "S1.tmp.bam"]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (f"?parentId={'a' * 24}", "the page of a folder; give that address as 'folder'"),
        (f"{'a' * 24}/", "the page of a folder; give that address as 'folder'"),
        ("#q?path=raw", f"give '{PROJECT}', the part that counts"),
        ("?folder=raw", f"give '{PROJECT}', the part that counts"),
    ],
)
def test_folder_is_no_project(page: str, words: str) -> None:
    """The page of a folder would list its whole project."""
    with pytest.raises(CgcInputRefused, match=words):
        CgcListFilesOperator(task_id="t", project=f"{WEB}/u/{PROJECT}/files/{page}")


@pytest.mark.parametrize("page", ["raw/", "?prefix=raw", "#raw"])
def test_folder_is_no_volume(page: str) -> None:
    """The page may be that of a folder, because nobody says how the web site writes one."""
    with pytest.raises(CgcInputRefused, match="give 'lab/out', the part that counts"):
        CgcListVolumeOperator(task_id="t", volume=f"{WEB}/v/lab/out/{page}")


def test_page_with_two_folders() -> None:
    with pytest.raises(CgcInputRefused, match="an address that is not of one folder"):
        CgcListFilesOperator(task_id="t", folder=f"{WEB}/u/a/b/files/{'a' * 24}/?parentId={'b' * 24}")


@pytest.mark.parametrize(
    ("operator", "arguments"),
    [
        (CgcListFilesOperator, {"project": f"https://cavatica.sbgenomics.com/u/{PROJECT}"}),
        (CgcListFilesOperator, {"folder": f"https://cavatica-api.sbgenomics.com/v2/files/{'a' * 24}"}),
        (CgcListVolumeOperator, {"volume": "https://cavatica.sbgenomics.com/v/lab/out"}),
    ],
)
def test_page_of_other_platform(monkeypatch: pytest.MonkeyPatch, operator: Any, arguments: dict[str, str]) -> None:
    """An id from another platform may be that of another thing here; nothing is asked."""
    connection = {"conn_type": "cgc", "password": "0" * 16 + "1" * 16, "extra": {"platform": "cgc"}}
    monkeypatch.setenv("AIRFLOW_CONN_CGC_DEFAULT", json.dumps(connection))

    with pytest.raises(CgcBadInput, match="on CAVATICA, and the connection's platform is at cgc-api"):
        late(operator, task_id="t", **arguments).execute({})
