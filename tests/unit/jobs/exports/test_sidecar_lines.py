"""The line of one exported file, and the item that an import reads from it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_cgc.client.models import File
from airflow_provider_cgc.jobs.exports.item import ExportItem, ExportKey
from airflow_provider_cgc.jobs.exports.sidecar import key_of, line_of
from airflow_provider_cgc.jobs.imports.item import ImportItem
from airflow_provider_cgc.jobs.imports.names import NameTemplate
from airflow_provider_cgc.jobs.submitting.manifest import read_items

KEY = ExportKey("5c6ce0c2e4b0fb0e8ba9f2a1", "lab/results", "flat/1")
ITEM = ExportItem(KEY.file, KEY.location, KEY.volume, name="listed.bam", path="raw/s1", project="lab/a", size=7)


def file(**more: Any) -> File:
    return File.from_json({"id": KEY.file, "name": "a.bam", "size": 9, "project": "lab/b", **more})


def read(line: dict[str, Any]) -> ImportItem:
    """Read a line as an import does, from a file."""
    [item] = read_items([json.dumps(line) + "\n"], name="m.jsonl", of=ImportItem)
    return item


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("wxs", "wxs"),
        ("", ""),
        ("3 µm 🧬", "3 µm 🧬"),
        (5, "5"),
        (0, "0"),
        (2.5, "2.5"),
        (True, "true"),
        (False, "false"),
    ],
)
def test_value_becomes_text(value: Any, text: str) -> None:
    line = line_of(KEY, ITEM, file(metadata={"key": value}))

    assert line["metadata"] == {"key": text}
    assert "other_metadata" not in line
    assert read(line).metadata == {"key": text}


@pytest.mark.parametrize("value", [[], ["a"], {}, {"a": 1}, [None]])
def test_no_text_is_kept_apart(value: Any) -> None:
    line = line_of(KEY, ITEM, file(metadata={"odd": value, "key": "a"}))

    assert (line["metadata"], line["other_metadata"]) == ({"key": "a"}, {"odd": value})
    assert read(line).metadata == {"key": "a"}


def test_null_is_no_value() -> None:
    line = line_of(KEY, ITEM, file(metadata={"key": None}))

    assert line["metadata"] == {}
    assert "other_metadata" not in line


@pytest.mark.parametrize("metadata", [None, {}])
@pytest.mark.parametrize("tags", [None, [], [""], [" "]])
def test_none_is_not_unknown(metadata: Any, tags: Any) -> None:
    line = line_of(KEY, ITEM, file(metadata=metadata, tags=tags))

    assert (line["metadata"], line["tags"]) == ({}, [])
    assert read(line).key() is None


def test_unseen_file_is_told() -> None:
    """The facts of its list are known; metadata and tags are not, and say so."""
    line = line_of(KEY, ITEM, None)

    assert (line["source_name"], line["path"], line["source_project"], line["size"]) == (
        "listed.bam",
        "raw/s1",
        "lab/a",
        7,
    )
    assert (line["metadata"], line["tags"]) == (None, None)
    assert read(line).location == KEY.location


def test_platform_knows_better() -> None:
    """The platform is right where the item's list differs."""
    line = line_of(KEY, ITEM, file(origin={"task": "t1"}))

    assert (line["source_name"], line["source_project"], line["size"], line["origin_task"]) == (
        "a.bam",
        "lab/b",
        9,
        "t1",
    )
    assert key_of(line) == KEY


@pytest.mark.parametrize("origin", [None, {}, {"task": None}, {"dataset": "x"}, "odd", {"task": 5}])
def test_no_task_made_it(origin: Any) -> None:
    assert line_of(KEY, ITEM, file(origin=origin))["origin_task"] is None


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{path}/{name}", "raw/s1/a.bam"),
        ("{name}", "a.bam"),
        ("in/{path}/{name}", "in/raw/s1/a.bam"),
        ("{folder}/{name}", "flat/a.bam"),
    ],
)
def test_import_makes_the_tree(template: str, name: str) -> None:
    """The name and folders are those of the project that it came from, whatever the object is called."""
    item = read({**line_of(KEY, ITEM, file()), "task": {"id": "d/r/t/-1"}})

    assert NameTemplate(template).render(item) == name
    assert (item.volume, item.location, item.size) == (KEY.volume, KEY.location, 9)


def test_source_is_no_destination() -> None:
    item = read(line_of(KEY, ITEM, file()))

    assert (item.project, item.parent, item.name) == (None, None, None)
