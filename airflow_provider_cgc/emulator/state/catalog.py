"""The manifest that an emulator starts with: a TSV, 300 real files of the CPTAC-3 study if none is given."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from airflow_provider_cgc.emulator.state.nouns import MAX_NAME

COLUMNS = ("id", "file_name", "file_size", "md5sum", "experimental_strategy", "case_submitter_id")


class ManifestError(ValueError):
    """A manifest that cannot be read; the message names the file and the line."""


@dataclass(frozen=True, slots=True)
class CatalogFile:
    """One line of a manifest."""

    id: str
    name: str
    size: int
    md5: str
    strategy: str
    case: str


def built_in() -> list[CatalogFile]:
    """Read the files that come with the emulator."""
    source = resources.files("airflow_provider_cgc.emulator").joinpath("data/files.tsv")
    return _parse(source.read_text(encoding="utf-8").split("\n"), "data/files.tsv")


def read_manifest(path: str | Path) -> list[CatalogFile]:
    """Read the files of a manifest, in its order; columns beyond the six known ones pass.

    :raises ManifestError: for a missing column or a broken line.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}: is not UTF-8 text") from error
    return _parse(text.split("\n"), str(path))


def _parse(lines: Iterable[str], source: str) -> list[CatalogFile]:
    # QUOTE_NONE: a quotation mark in a file name is a character like any other, so a row is always exactly
    # one line.
    rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    header = next(rows, [])
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise ManifestError(f"{source}, line 1: missing column {', '.join(missing)} (columns are separated by tabs)")
    files: list[CatalogFile] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        where = f"{source}, line {number}"
        if len(row) != len(header):
            raise ManifestError(f"{where}: {len(row)} columns, the header has {len(header)}")
        file = _file(dict(zip(header, row, strict=True)), where)
        if file.id in seen:
            raise ManifestError(f"{where}: id {file.id} stands in line {seen[file.id]} already")
        seen[file.id] = number
        files.append(file)
    if not files:
        raise ManifestError(f"{source}: no files in it")
    return files


def _file(row: dict[str, str], where: str) -> CatalogFile:
    if not row["id"]:
        raise ManifestError(f"{where}: empty id")
    name = row["file_name"]
    if not name or "/" in name or len(name) > MAX_NAME:
        raise ManifestError(f"{where}: file_name {name!r} is not 1 to {MAX_NAME} characters without a slash")
    if not re.fullmatch(r"[0-9]+", row["file_size"]):
        raise ManifestError(f"{where}: file_size {row['file_size']!r} is not a number of bytes")
    if not re.fullmatch(r"[0-9a-fA-F]{32}|", row["md5sum"]):
        raise ManifestError(f"{where}: md5sum {row['md5sum']!r} is not 32 hexadecimal digits")
    return CatalogFile(
        row["id"],
        name,
        int(row["file_size"]),
        row["md5sum"],
        row["experimental_strategy"],
        row["case_submitter_id"],
    )
