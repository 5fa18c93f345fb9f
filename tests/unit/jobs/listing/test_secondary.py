"""Files that belong to others: by their names, and as the platform names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from airflow_provider_cgc.client.endpoints.tree import FoundFile
from airflow_provider_cgc.client.models import File
from airflow_provider_cgc.jobs.listing.files import FileListing
from airflow_provider_cgc.jobs.listing.folders import Folder
from airflow_provider_cgc.jobs.listing.secondary import SecondaryFiles, mains_of
from airflow_provider_cgc.jobs.listing.selection import Selection


@pytest.mark.parametrize(
    ("name", "main"),
    [
        ("a.bam.bai", "a.bam"),
        ("a.bai", "a.bam"),
        ("a.BAI", "a.bam"),
        ("a.cram.crai", "a.cram"),
        ("a.crai", "a.cram"),
        ("a.bam.csi", "a.bam"),
        ("v.vcf.gz.tbi", "v.vcf.gz"),
        ("v.g.vcf.idx", "v.g.vcf"),
        ("ref.fa.fai", "ref.fa"),
        ("ref.fa.gz.gzi", "ref.fa.gz"),
        ("ref.dict", "ref.fasta"),
    ],
)
def test_index_has_a_main(name: str, main: str) -> None:
    assert main in mains_of(name)


@pytest.mark.parametrize("name", ["a.bam", "bai", ".bai", "a.txt", "abai", ""])
def test_other_has_none(name: str) -> None:
    assert mains_of(name) == ()


def listed(files: Sequence[dict[str, Any]]) -> tuple[list[str], str]:
    """Select BAM files of a folder; give all ids, and the remarks."""
    walk: Any = (FoundFile(File.from_json(file), "raw") for file in files)
    listing = FileListing(Folder("lab/a"), Selection.of(name="*.bam"), walk, True, secondary=SecondaryFiles())

    return [item.file for item in listing], listing.remarks


def test_named_by_the_platform() -> None:
    """An index of any name, where the platform says whose it is."""
    ids, remarks = listed(
        [
            {"id": "i", "name": "index.of.a"},
            {"id": "a", "name": "a.bam", "_secondary_files": [{"id": "i", "name": "index.of.a"}]},
            {"id": "x", "name": "index.of.x"},
        ]
    )

    assert ids == ["a", "i"]
    assert remarks == "Taken as secondary files of others: 1."


def test_named_elsewhere_is_told() -> None:
    """A secondary file in another place is not listed, and not passed over in silence; a selected one is there."""
    named = [{"id": "gone"}, {"id": "b"}, {"no": "id"}, "text"]

    ids, remarks = listed(
        [
            {"id": "a", "name": "a.bam", "_secondary_files": named},
            {"id": "b", "name": "b.bam", "_secondary_files": None},
        ]
    )

    assert ids == ["a", "b"]
    assert remarks.endswith("0, and 1 that the platform names are not in this place, so they are not listed.")
