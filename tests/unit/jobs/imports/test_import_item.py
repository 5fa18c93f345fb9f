"""The items of an import: lists, tables and lines of manifests, and the errors of wrong ones."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cgc.jobs.imports.item import ImportItem, ImportKey, check_places
from airflow_provider_cgc.jobs.submitting.items import BadItems, read_each
from airflow_provider_cgc.jobs.submitting.manifest import read_items, read_outcomes
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, ItemState

WHOLE = {
    "location": "run7/a.bam",
    "volume": "me/in",
    "project": "me/project",
    "name": "raw/a.bam",
    "metadata": {"sample_id": "S1"},
    "tags": ["night"],
}


def read(value: Any) -> list[ImportItem]:
    return read_each(value, where="items", read=ImportItem.read)


def test_text_is_a_location() -> None:
    assert read(["run7/a b.bam"]) == [ImportItem("run7/a b.bam")]


def test_item_is_read_whole() -> None:
    [item] = read(WHOLE)

    assert item.key() == ImportKey("me/in", "run7/a.bam", "me/project", "raw/a.bam")
    assert (item.metadata, item.tags) == ({"sample_id": "S1"}, ("night",))
    assert item.asked() == WHOLE


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({}, "has no 'location'; give the key"),
        ({"location": ""}, "has an empty 'location'"),
        ({"location": "run7/"}, "CgcListVolumeOperator lists the objects of a folder"),
        ({"location": "/run7/a"}, "starts with a slash"),
        ({"location": "s3://b/a"}, "is a whole address"),
        ({"location": "a", "loaction": "b"}, "is 'loaction' meant to be 'location'?"),
        ({"location": "a", "project": "me/p", "parent": "x"}, "has both a 'project' and a 'parent'"),
        ({"location": "a", "metadata": []}, "which is no object"),
        ({"location": "a", "metadata": {"k": 1}}, "write it as text"),
        ({"location": "a", "metadata": {"k": None}}, "write it as text"),
        ({"location": "a", "metadata": {"": "v"}}, "key '' is no text, or empty"),
        ({"location": "a", "metadata": {"k" * 101: "v"}}, "has 101 bytes, and the platform takes at most 100"),
        ({"location": "a", "metadata": {"k": "é" * 151}}, "has 302 bytes, and the platform takes at most 300"),
        ({"location": "a", "metadata": {str(one): "v" for one in range(1001)}}, "number of pairs is 1001"),
        ({"location": "a", "metadata": {"k": "\ud800"}}, "UTF-8 cannot hold"),
        ({"location": "a", "tags": "night"}, "give a list of text"),
        ({"location": "a", "tags": [""]}, "of which '' is no text, or empty"),
        ({"location": "a", "columns": {"x": 1}}, "give an object with text for values"),
        ({"location": "a", "size": -1}, "give the number of bytes"),
        ({"failed_items": []}, "is a whole summary"),
        (7, "not the key of an object"),
    ],
)
def test_wrong_item_is_refused(entry: Any, words: str) -> None:
    with pytest.raises(BadItems) as refused:
        read([entry])

    assert words in str(refused.value)
    assert "item 1 " in str(refused.value)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({"volume": "me"}, "'volume' that is 'me'"),
        ({"project": "p"}, "'project' that"),
        ({"parent": "a b"}, "'parent'"),
    ],
)
def test_wrong_place_is_told(place: dict[str, str], words: str) -> None:
    [problem] = check_places(ImportItem("a", **place))

    assert words in problem


def test_failed_item_is_taken_again() -> None:
    """A failed job's item, as a summary lists it, is an item."""
    failed = {**WHOLE, "id": "x", "code": 9105, "message": "m", "overwrite": True, "autorename": True}

    assert read([failed]) == read([WHOLE])


def test_table_has_further_columns() -> None:
    lines = ["location,Sample_ID,volume,size,kit\n", "run7/a.bam,S1,me/in,12,\n"]

    [item] = read_items(lines, name="x.csv", of=ImportItem)

    assert (item.location, item.volume, item.size) == ("run7/a.bam", "me/in", 12)
    assert item.columns == {"sample_id": "S1"}


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["volume,size\n", "me/in,1\n"], "has no column 'location'"),
        (["location,metadata\n", 'a,"{"\n'], "line 2 "),
        (["location,volume\n", "a\n"], "line 2 has 1 field"),
    ],
)
def test_wrong_table_is_refused(lines: list[str], words: str) -> None:
    with pytest.raises(BadItems, match=words):
        read_items(lines, name="x.csv", of=ImportItem)


def test_line_of_a_manifest_is_read_again() -> None:
    """A line with its result is an item again, and keeps the result as an outcome."""
    [item] = read(WHOLE)
    line = ItemOutcome(item=item, state=ItemState.COMPLETED, id="j", result={"file": "f"}, size=3).to_line()

    [again] = read_items([line], name="x.jsonl", of=ImportItem)
    [outcome] = read_outcomes([line], name="x.jsonl", of=ImportItem).outcomes

    assert again == ImportItem(**{**WHOLE, "tags": ("night",)}, size=3)
    assert outcome.result == {"file": "f"}


def test_unnamed_item_keeps_what_names_it() -> None:
    """An item that a template could not name is named by a better one, from its line in the manifest."""
    item = ImportItem("run7/s1/a.bam", "me/in", path="s1", source_name="b.bam", columns={"kit": "x"})
    line = ItemOutcome(item=item, state=ItemState.FAILED, message="no column").to_line()

    assert read_items([line], name="x.jsonl", of=ImportItem) == [item]
