"""Items that a Dag's own task reads from whatever an operator returned."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.exceptions import CgcInputRefused
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.imports.item import ImportItem
from airflow_provider_cgc.jobs.submitting.items import BadItems
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, ItemState
from airflow_provider_cgc.manifests import items_given, manifest_items, read_items

Reader = Callable[[str], list[Any]]
FILE, OTHER = "65a1b2c3d4e5f60718293a4b", "65a1b2c3d4e5f60718293a4c"
A, B = {"file": FILE, "name": "a.bam", "size": 1}, {"file": OTHER, "name": "b.bam"}
LINES = f"{json.dumps(A)}\n\n{json.dumps(B)}\n"


def written(folder: Path, text: str, name: str = "items.jsonl") -> str:
    """Write a manifest and give its address."""
    (folder / name).write_text(text)
    return (folder / name).as_uri()


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ([A, B], [A, B]),
        ((A,), [A]),
        ([[A], [B]], [A, B]),
        (A, [A]),
        ([], []),
        (json.dumps([A, B]), [A, B]),
        (str([A, B]), [A, B]),
    ],
)
def test_list_is_read(value: Any, items: list[dict[str, Any]]) -> None:
    assert read_items(value) == items


def test_address_is_read(tmp_path: Path) -> None:
    address = written(tmp_path, LINES)

    assert read_items(address) == read_items(tmp_path / "items.jsonl") == [A, B]
    assert read_items([[B], address]) == [B, A, B]
    assert read_items({"total": 2, "failed_items": [], "manifest": address}) == [A, B]
    assert read_items(str({"items": 2, "dry_run": True, "manifest": address})) == [A, B]


def test_blank_in_an_address(tmp_path: Path) -> None:
    """A run's id in a folder's name may have blanks."""
    (tmp_path / "run 1").mkdir()
    (tmp_path / "run 1" / "items.jsonl").write_text(LINES)

    assert read_items(f"file://{tmp_path}/run 1/items.jsonl") == [A, B]


@pytest.mark.parametrize(("name", "mark"), [("t.csv", ","), ("t.tsv", "\t"), ("t.txt", "\t")])
def test_table_is_read(tmp_path: Path, name: str, mark: str) -> None:
    rows = [["Location", "size", "Sample", "metadata"], ["a/b.bam", "12", " S1 ", ""], ["", "", "", ""]]
    rows += [["c.bam", "", "S2", '"{""age"": ""61""}"']]

    items = read_items(written(tmp_path, "# a comment\n" + "\n".join(mark.join(row) for row in rows), name))

    assert items == [
        {"location": "a/b.bam", "size": 12, "sample": "S1"},
        {"location": "c.bam", "sample": "S2", "metadata": {"age": "61"}},
    ]


def test_outcomes_are_items(tmp_path: Path) -> None:
    """Lines with outcomes are taken again by the operator that they came from."""
    item = ExportItem(FILE, location="x", volume="lab/out")
    lines = ItemOutcome(item=item, state=ItemState.FAILED, code=9107).to_line()

    [row] = read_items(written(tmp_path, lines))

    assert (row["file"], row["state"], row["code"]) == (FILE, "FAILED", 9107)
    assert ExportItem.read(row) == item


def test_results_are_items(tmp_path: Path) -> None:
    """Of jobs that made files, these are the items: what the task returns as a list, too."""
    item = ImportItem("run7/b.bam", volume="lab/in", project="lab/project", name="b.bam")
    made = ItemOutcome(item=item, state=ItemState.COMPLETED, result=B).to_line()
    failed = ItemOutcome(item=item, state=ItemState.FAILED).to_line()

    assert read_items(written(tmp_path, failed + made)) == [B]
    assert read_items(written(tmp_path, failed)) == []


def as_read_items(address: str) -> list[Any]:
    return [item["file"] for item in read_items(address)]


def as_items(address: str) -> list[Any]:
    given = items_given(address, of=ExportItem, conn_id=None, written=None, where="items")
    return [item.file for item in given]


def as_manifest(address: str) -> list[Any]:
    return [item.file for item in manifest_items(address, of=ExportItem, conn_id=None, written=None, where="manifest")]


READERS = pytest.mark.parametrize("reader", [as_read_items, as_items, as_manifest])


def imported(*outcomes: tuple[str, int | None, dict[str, Any] | None]) -> str:
    """Write the manifest of an import by the state, code and result of each line."""
    item = ImportItem("run7/b.bam", volume="lab/in", project="lab/project", name="b.bam")
    return "".join(
        ItemOutcome(item=item, state=ItemState(state), code=code, result=result).to_line()
        for state, code, result in outcomes
    )


@READERS
@pytest.mark.parametrize(
    ("outcomes", "files"),
    [
        ([("COMPLETED", None, A), ("SKIPPED", None, B)], [FILE, OTHER]),
        ([("FAILED", 9105, None), ("COMPLETED", None, B)], [OTHER]),
        ([("UNSENT", None, None), ("MISSING", 9008, None), ("SKIPPED", 9999, None)], []),
    ],
)
def test_imported_files_are_items(tmp_path: Path, reader: Reader, outcomes: Any, files: list[str]) -> None:
    """The manifest of an import is that of its files for an export, and without the items that failed."""
    assert reader(written(tmp_path, imported(*outcomes))) == files


@READERS
@pytest.mark.parametrize("state", ["SUBMITTED", "RUNNING", "UNKNOWN", "COMPLETED", "SKIPPED"])
def test_unknown_result_is_refused(tmp_path: Path, reader: Reader, state: str) -> None:
    """A file that an import has made, or will make, is not left out in silence."""
    address = written(tmp_path, imported(("COMPLETED", None, A), (state, None, None)))

    with pytest.raises((CgcInputRefused, BadItems), match=f"line 2 is of a job .* not known .state '{state}'"):
        reader(address)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "is None: the upstream task pushed no XCom"),
        (["a" * 24], "item 1 is 'a+', of type str, neither an item nor the address of a manifest"),
        ([A, 7], "item 2 is 7, of type int"),
        ({"total": 1, "failed_items": [A], "manifest": None}, "is a summary without a manifest.*set manifest_path"),
        ({"items": 1, "dry_run": True, "manifest": None}, "is a summary without a manifest"),
        ("file:///nowhere/at/all.jsonl", "does not exist"),
    ],
)
def test_anything_else_is_refused(value: Any, words: str) -> None:
    with pytest.raises(CgcInputRefused, match=words):
        read_items(value)


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        (LINES + "[1]\n", "m.jsonl", "line 4 is .*no JSON object"),
        (LINES + '{"version": 1, "file"', "m.jsonl", "line 4 is cut off"),
        (LINES, "m.xlsx", "let it end in .csv"),
        ("file,file\na,b\n", "m.csv", "line 1 has the column 'file' more than once"),
        ("file,name\na\n", "m.csv", "line 2 has 1 field, and the line of column names has 2; add the missing"),
        ("# nothing\n", "m.csv", "no line with the names of the columns"),
    ],
)
def test_broken_line_is_named(tmp_path: Path, text: str, name: str, words: str) -> None:
    """No item is lost in silence."""
    with pytest.raises(CgcInputRefused, match=words):
        read_items(written(tmp_path, text, name))


def test_empty_manifest_has_none(tmp_path: Path) -> None:
    assert read_items(written(tmp_path, "")) == []
