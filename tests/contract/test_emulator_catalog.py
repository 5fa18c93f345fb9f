"""The emulator's manifests: the built-in one, and what is wrong with a broken one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.emulator.state.catalog import ManifestError, built_in, read_manifest

if TYPE_CHECKING:
    from tests.contract.conftest import Http

HEADER = "id\tfile_name\tfile_size\tmd5sum\texperimental_strategy\tcase_submitter_id"
GOOD = f"id-1\ta.bam\t10\t{'0' * 32}\tWXS\tC-1"


def write(folder: Path, *lines: str) -> Path:
    path = folder / "files.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_300_real_files() -> None:
    files = built_in()

    assert len({file.id for file in files}) == 300
    assert len({file.name for file in files}) == 300
    assert sum(file.name.endswith(".bam") for file in files) > 30
    assert min(file.size for file in files) < 100_000
    assert max(file.size for file in files) > 100_000_000_000


@pytest.mark.parametrize(("files", "count"), [(None, 300), (7, 7)])
def test_loads_as_many_as_asked(files: int | None, count: int) -> None:
    with CgcEmulator(files=files) as emulator:
        assert len(emulator.file_ids) == count
        assert list(emulator.file_names) == emulator.file_ids


@pytest.mark.parametrize("files", [301, -1])
def test_more_files_is_an_error(files: int) -> None:
    with pytest.raises(ValueError, match=f"files is {files}, and the catalogue has 300"):
        CgcEmulator(files=files)


def test_extra_columns_pass(tmp_path: Path) -> None:
    path = write(tmp_path, "colour\t" + HEADER, "red\t" + GOOD, "")

    [file] = read_manifest(path)

    assert (file.id, file.name, file.size, file.case) == ("id-1", "a.bam", 10, "C-1")


def test_quote_is_a_character(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER, GOOD.replace("a.bam", '"a.bam'), GOOD.replace("id-1", "id-2"))

    assert [file.name for file in read_manifest(path)] == ['"a.bam', "a.bam"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["id\tfile_name"],
            "line 1: missing column file_size, md5sum, experimental_strategy, case_submitter_id",
        ),
        ([], "line 1: missing column id"),
        ([HEADER], "no files in it"),
        ([HEADER, GOOD, "id-2\tb.bam"], "line 3: 2 columns, the header has 6"),
        ([HEADER, GOOD, GOOD], "line 3: id id-1 stands in line 2 already"),
        ([HEADER, GOOD.replace("\t10\t", "\t-10\t")], "line 2: file_size '-10' is not a number of bytes"),
        ([HEADER, GOOD.replace("\t10\t", "\t1e9\t")], "line 2: file_size '1e9' is not a number of bytes"),
        ([HEADER, GOOD.replace("0" * 32, "xyz")], "line 2: md5sum 'xyz' is not 32 hexadecimal digits"),
        ([HEADER, GOOD.replace("a.bam", "a/b.bam")], "line 2: file_name 'a/b.bam' is not"),
        ([HEADER, GOOD.replace("a.bam", "")], "line 2: file_name '' is not"),
        ([HEADER, GOOD.replace("id-1", "")], "line 2: empty id"),
    ],
)
def test_broken_line_is_named(tmp_path: Path, lines: list[str], message: str) -> None:
    path = write(tmp_path, *lines)

    with pytest.raises(ManifestError, match=r"files\.tsv") as caught:
        read_manifest(path)

    assert message in str(caught.value)


def test_binary_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "files.tsv"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ManifestError, match="UTF-8"):
        read_manifest(path)


def test_platform_ids_are_kept(tmp_path: Path, ask: type[Http]) -> None:
    """Platform ids are kept and others are made."""
    own = "65a1b2c3d4e5f60718293a4b"
    path = write(tmp_path, HEADER, GOOD.replace("id-1", own), GOOD.replace("a.bam", "b.bam"))

    with CgcEmulator(manifest=path) as emulator:
        first, second = emulator.file_ids
        metadata = ask(emulator).get(f"/files/{second}").json()["metadata"]

    assert first == own
    assert len(second) == 24
    assert metadata["gdc_file_uuid"] == "id-1"


def test_taken_name_is_prefixed(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER, GOOD, GOOD.replace("id-1", "id-2"))

    with CgcEmulator(manifest=path) as emulator:
        assert list(emulator.file_names.values()) == ["a.bam", "_1_a.bam"]


def test_strategies_are_folders(tmp_path: Path, ask: type[Http]) -> None:
    """Strategies are folders and none is the root."""
    path = write(
        tmp_path,
        HEADER,
        GOOD,
        GOOD.replace("id-1", "id-2").replace("WXS", "RNA-Seq"),
        GOOD.replace("id-1", "id-3").replace("WXS", ""),
    )

    with CgcEmulator(manifest=path) as emulator:
        items = ask(emulator).get("/files", project=emulator.project, fields="name,type").json()["items"]

    assert items == [
        {"name": "WXS", "type": "folder"},
        {"name": "RNA-Seq", "type": "folder"},
        {"name": "a.bam", "type": "file"},
    ]
