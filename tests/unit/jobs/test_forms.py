"""The forms of names, addresses and words that are certain, and the rest, which is left to the platform."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.jobs.exports.item import parse_items
from airflow_provider_cgc.jobs.forms import did_you_mean, is_file_name, is_page, named_problem, part_of_page
from airflow_provider_cgc.jobs.ids import id_problem, is_uri, parse_ids
from airflow_provider_cgc.jobs.submitting.items import BadItems

FILE = "65a1b2c3d4e5f60718293a4b"
TASK = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
WEB, API = "https://cgc.sbgenomics.com", "https://cgc-api.sbgenomics.com/v2"


@pytest.mark.parametrize(
    ("address", "kind", "part"),
    [
        (f"{WEB}/u/mcurie/radium", "project", "mcurie/radium"),
        (f"{WEB}/u/mcurie/radium/", "project", "mcurie/radium"),
        (f"{WEB}/u/mcurie/radium/files/?parentId={FILE}", "folder", FILE),
        (f"{WEB}/u/mcurie/radium?tab=1", "project", "mcurie/radium"),
        (f"{API}/projects/mcurie/radium", "project", "mcurie/radium"),
        (f"{WEB}/v/mcurie/out", "volume", "mcurie/out"),
        (f"{API}/storage/volumes/mcurie/out/list", "volume", "mcurie/out"),
        (f"{WEB}/u/mcurie/radium/files/{FILE}/", "id", FILE),
        (f"{API}/files/{FILE}/details", "id", FILE),
        (f"{WEB}/u/mcurie/radium/tasks/{TASK}/", "id", TASK),
        (f"{API}/storage/exports/Qr7kT2mZ9vYb4XcN1sLdW8eHfJ0aUiPo", "id", "Qr7kT2mZ9vYb4XcN1sLdW8eHfJ0aUiPo"),
    ],
)
def test_part_of_an_address(address: str, kind: str, part: str) -> None:
    assert part_of_page(address, kind) == f"{part!r}, the part that counts"
    assert is_page(address)
    assert not is_uri(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://host/list.jsonl",
        "https://host/u/a/b/list.csv",
        "s3://u/mcurie/radium",
        "gs://bucket/files/x.csv",
        "file:///u/a/b.jsonl",
    ],
)
def test_manifest_is_no_page(address: str) -> None:
    assert not is_page(address)
    assert is_uri(address)


ALNUM = string.ascii_letters + string.digits


@given(st.text(ALNUM + "-", min_size=1, max_size=40) | st.uuids().map(str) | st.text("0123456789abcdef", min_size=24))
def test_id_is_no_name(text: str) -> None:
    assert not is_file_name(text)


@pytest.mark.parametrize("name", ["sample.bam", "S1.VCF.GZ", "raw/x.fastq.gz", "C3L-00004_wgs.bam.bai", "list.jsonl"])
def test_name_is_no_id(name: str) -> None:
    assert "looks like a file's name" in str(id_problem(name))


@pytest.mark.parametrize("text", ["a.b", "v1.2", "job.1", "x:y.z", FILE, TASK])
def test_dotted_word_may_be_id(text: str) -> None:
    assert parse_ids(text) == [text]


@pytest.mark.parametrize("good", ["mcurie/radium", "a-b/c_d", "Lab.1/x"])
def test_two_names_are_an_id(good: str) -> None:
    assert named_problem(good, kind="volume") is None


@pytest.mark.parametrize("bad", ["", "a", "a/", "/b", "a/b/c", " a/b", "a/b\n", None, 7, ["a/b"], "s3://bucket"])
def test_anything_else_is_none(bad: object) -> None:
    assert named_problem(bad, kind="volume") == f"is {bad!r}; give 'owner/name'"


def test_word_has_a_close_one() -> None:
    """A word stands only for one that is close to it."""
    assert did_you_mean("loc-ation", ["location", "volume"]) == "; is 'loc-ation' meant to be 'location'?"
    assert did_you_mean("overwrite", ["location", "volume"]) == ""


def test_all_is_wrong_with_all() -> None:
    """All that is wrong with all items is told."""
    with pytest.raises(BadItems) as told:
        parse_items(
            [{"file": "no id", "location": "", "volume": 7, "loc": "x"}, "a b", {"location": "x"}, {"file": None}],
            where="items",
        )

    assert [problem[:30] for problem in told.value.problems] == [
        "item 1 has a 'file' that is 'n",
        "item 1 has an empty 'location'",
        "item 1 has 7 for 'volume', of ",
        "item 1 has ['loc'], which no i",
        "item 2 is 'a b', which is not ",
        "item 3 has no 'file'; give the",
        "item 4 has None for 'file': no",
    ]
