"""The names, metadata and tags of imported files: templates, limits, and no two files under one name."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cgc.jobs.imports.item import ImportItem
from airflow_provider_cgc.jobs.imports.names import (
    NameTemplate,
    TagTemplate,
    ValueTemplate,
    Wishes,
    check_name,
    clashes,
    named,
)
from airflow_provider_cgc.jobs.placeholders import BadTarget

ITEM = ImportItem("run7/s1/a.bam", "me/in", path="s1", columns={"sample_id": "S-1", "kit": "x/y", "empty": " "})


def wishes(**how: Any) -> Wishes:
    usual = {"name": NameTemplate("{path}/{name}"), "volume": "me/in", "project": "me/project"}
    return Wishes(**{**usual, **how})


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{path}/{name}", "s1/a.bam"),
        ("raw/{folder}/{name}", "raw/s1/a.bam"),
        ("{column.sample_id}.bam", "S-1.bam"),
        ("{column.Sample_ID}.bam", "S-1.bam"),
        ("{{{folder}}}/{name}", "{s1}/a.bam"),
    ],
)
def test_template_makes_a_name(template: str, name: str) -> None:
    assert NameTemplate(template).render(ITEM) == name


def test_path_is_the_whole_location() -> None:
    """An item that nobody has listed keeps all folders of its location."""
    assert NameTemplate("{path}/{name}").render(ImportItem("run7/s1/a.bam")) == "run7/s1/a.bam"


@pytest.mark.parametrize("item", [ImportItem("a.bam"), ImportItem("run7/a.bam", path="")])
def test_no_folder_is_left_out(item: ImportItem) -> None:
    assert NameTemplate("in/{path}/{name}").render(item) == "in/a.bam"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{nome}", "unknown field 'nome'; the fields are {name}, {path}, {folder}, {column.KEY}"),
        ("{location}", "unknown field"),
        ("{name!r}", "formats the field"),
        ("{name", "single '{'"),
        ("/x/{name}", "starts with a slash"),
        ("{name}/", "ends with a slash"),
        ("__x/{name}", "no folder may begin with '__'"),
        ("a//{name}", "two slashes"),
        (7, "of type int; give text"),
    ],
)
def test_wrong_template_is_refused(template: Any, words: str) -> None:
    with pytest.raises(BadTarget) as refused:
        NameTemplate(template)

    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{column.kit}/{name}", "its slash would make a folder"),
        ("{column.nome}/{name}", "has no column 'nome', which the name needs"),
        ("{column.empty}/{name}", "has no column 'empty'"),
        ("{folder}/{name}", "has no 'folder'"),
    ],
)
def test_unusable_value_is_refused(template: str, words: str) -> None:
    item = ITEM if "column" in template else ImportItem("a.bam")

    with pytest.raises(BadTarget) as refused:
        NameTemplate(template).render(item)

    assert words in str(refused.value)
    assert str(refused.value).startswith("object '")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "is empty"),
        ("a\n", "control character"),
        ("x/../a", "'.' or '..'"),
        ("__x/a", "no folder may begin"),
        ("x /a", "white space at the beginning or end"),
        ("x" * 256, "256 characters"),
        ("s3://x/a", "whole address"),
    ],
)
def test_unusual_name_is_refused(name: str, words: str) -> None:
    assert words in str(check_name(name))


@pytest.mark.parametrize("name", ["a", "x/a b.bam", "x/__a", ".hidden", "ü/é.bam", "x" * 255])
def test_usual_name_is_taken(name: str) -> None:
    assert check_name(name) is None


def test_metadata_of_all_and_own() -> None:
    """An item's own metadata win; tags are added."""
    item = ImportItem("run7/s1/a.bam", metadata={"sample_id": "own"}, tags=("own",))
    found = named(
        [item],
        wishes(
            metadata={"sample_id": ValueTemplate("{folder}"), "source": ValueTemplate("s3/{location}")},
            tags=[TagTemplate("{folder}")],
        ),
    )

    [one] = found.items
    assert one.metadata == {"sample_id": "own", "source": "s3/run7/s1/a.bam"}
    assert one.tags == ("own", "s1")


@pytest.mark.parametrize(
    ("location", "words"),
    [("x" * 301, "has 301 bytes"), ("é" * 151, "has 302 bytes"), ("y/" + "é" * 150, "has 302 bytes")],
)
def test_long_value_is_told(location: str, words: str) -> None:
    """Metadata that become too long are found before anything is sent."""
    how = {"name": NameTemplate("a"), "metadata": {"source": ValueTemplate("{location}")}}

    found = named([ImportItem(location)], wishes(**how))

    [(_, why)] = found.unnamed
    assert words in why
    assert "at most 300" in why


def test_value_at_the_limit_is_taken() -> None:
    found = named([ImportItem("é" * 150)], wishes(name=NameTemplate("a"), metadata={"k": ValueTemplate("{location}")}))

    assert found.unnamed == []


def test_own_destination_wins() -> None:
    [one, two] = named(
        [ImportItem("a", parent="65a1b2c3d4e5f60718293a60"), ImportItem("b", project="me/other")], wishes()
    ).items

    assert (one.project, one.parent) == (None, "65a1b2c3d4e5f60718293a60")
    assert (two.project, two.parent) == ("me/other", None)


@pytest.mark.parametrize(("left_out", "words"), [("volume", "has no volume"), ("project", "has no destination")])
def test_missing_place_is_told(left_out: str, words: str) -> None:
    [problem] = named([ImportItem("a", line="item 1")], wishes(**{left_out: None})).problems

    assert words in problem
    assert problem.startswith("item 1: object 'a'")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["x/a", "x/a"], ["two items go to one name", "'x/a' in me/p"]),
        (["x", "x/a"], ["would be the file 'x', and 'x/a' needs a folder of this name"]),
        (["x/y", "x/y/z/a"], ["would be the file 'x/y'"]),
    ],
)
def test_clashing_names_are_told(names: list[str], words: list[str]) -> None:
    items = [ImportItem(f"in/{number}", "v/v", "me/p", name=name) for number, name in enumerate(names)]

    [problem] = clashes(items)

    assert all(word in problem for word in words)


def test_same_object_twice_is_told() -> None:
    items = [ImportItem("in/a", "v/v", "me/p", name="a", line=f"item {number}") for number in (1, 2)]

    [problem] = clashes(items)

    assert problem.endswith("give it once")


def test_same_name_in_two_places() -> None:
    """One name in two projects is no clash."""
    assert clashes([ImportItem("a", "v/v", project, name="a") for project in ("me/p", "me/q")]) == []
