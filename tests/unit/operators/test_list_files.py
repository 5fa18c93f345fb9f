"""The files that `CgcListFilesOperator` finds, their form, and its words when it cannot."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc.client import CgcNotFound, CgcUnauthorized
from airflow_provider_cgc.emulator import CgcEmulator
from airflow_provider_cgc.exceptions import CgcBadInput, CgcWaitError
from airflow_provider_cgc.jobs.exports.item import ExportItem, parse_items
from airflow_provider_cgc.jobs.submitting.manifest import read_items
from airflow_provider_cgc.operators import listing as module
from airflow_provider_cgc.operators.files import CgcListFilesOperator
from tests.late import late

LOGGER = "tests.list_files"
PROJECT = "demo-lab/incidents"
OTHER = "demo-lab/leftovers"
UNREADABLE = "C3L-00004_wgs_gdc_realn.bam"
"""The file that lies in the project from the start."""


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[CgcEmulator]:
    """A CGC with a small tree in the connection's project."""
    with CgcEmulator(files=1, speed=0) as emulator:
        connection = emulator.connection
        connection["extra"]["project"] = PROJECT
        monkeypatch.setenv("AIRFLOW_CONN_CGC_DEFAULT", json.dumps(connection))
        emulator.add_files(
            ["raw/2026/S1.bam"], project=PROJECT, size=5_000, tags=["keep"], metadata={"sample_id": "S1"}
        )
        emulator.add_files(["raw/2026/S2.bam"], project=PROJECT, size=7_000, metadata={"sample_id": "S2"}, task="t1")
        emulator.add_files(["raw/2026/S1.bai", "raw/S0.bam", "raw/2026/old/S1.bam"], project=PROJECT, size=10)
        yield emulator


@pytest.fixture
def listing(emulator: CgcEmulator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`listing(**arguments)` runs an operator and gives what it returns."""
    # Airflow 3 logs through structlog, past caplog.
    monkeypatch.setattr(CgcListFilesOperator, "log", logging.getLogger(LOGGER), raising=False)

    def run(**arguments: Any) -> Any:
        return late(CgcListFilesOperator, task_id="list_files", **arguments).execute({})

    return run


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """An XCom that takes four items."""
    monkeypatch.setattr(module, "MOST_IN_XCOM", 4)
    return 4


def places(items: list[dict[str, Any]]) -> list[str]:
    return [f"{item['path']}/{item['name']}".lstrip("/") for item in items]


def folder_id(emulator: CgcEmulator, path: str, project: str = PROJECT) -> str:
    [made] = emulator.add_files([f"{path}/"], project=project)
    return made


def requests_of(emulator: CgcEmulator) -> int:
    return int(emulator.stats()["total"])


ALL = [UNREADABLE, "raw/S0.bam", "raw/2026/S1.bai", "raw/2026/S1.bam", "raw/2026/S2.bam", "raw/2026/old/S1.bam"]


def test_lists_the_project(listing: Callable[..., Any]) -> None:
    """All files of the connection's project are listed by path and name."""
    assert places(listing()) == ALL


def test_item_fits_the_operator(listing: Callable[..., Any]) -> None:
    items = listing(name="S2.bam")

    [item] = items
    assert item == {"file": item["file"], "name": "S2.bam", "size": 7_000, "path": "raw/2026", "project": PROJECT}
    assert len(item["file"]) == 24
    assert [parsed.to_json() for parsed in parse_items(items, where="items")] == items


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({"name": "*.bai"}, ["raw/2026/S1.bai"]),
        ({"name": ["S0*", "*.bai"]}, ["raw/S0.bam", "raw/2026/S1.bai"]),
        ({"name": "s1.bam"}, None),
        ({"metadata": {"sample_id": "S1"}}, ["raw/2026/S1.bam"]),
        ({"metadata": {"sample_id": ["S1", "S2"]}}, ["raw/2026/S1.bam", "raw/2026/S2.bam"]),
        ({"metadata": {"lane": 77}}, ["raw/2026/S3.cram", "raw/2026/S4.cram"]),
        ({"metadata": {"lane": "77"}, "name": "S3.cram"}, ["raw/2026/S3.cram"]),
        ({"name": [f"S{number}.cram" for number in range(4, 400)]}, ["raw/2026/S4.cram"]),
        ({"tag": "keep"}, ["raw/2026/S1.bam"]),
        ({"tag": ["drop", "keep"]}, ["raw/2026/S1.bam"]),
        ({"origin_task": "t1"}, ["raw/2026/S2.bam"]),
        ({"min_size": 5_000, "max_size": 7_000}, ["raw/2026/S1.bam", "raw/2026/S2.bam"]),
        ({"folder": "raw", "name": "S1.bam"}, ["raw/2026/S1.bam", "raw/2026/old/S1.bam"]),
    ],
)
@pytest.mark.parametrize("recursive", [True, False])
def test_filters_work_deep_down(
    emulator: CgcEmulator,
    listing: Callable[..., Any],
    arguments: dict[str, Any],
    found: list[str] | None,
    recursive: bool,
) -> None:
    """
    Filters find the same files deep down and in one folder.

    A filter of the platform would leave out the folders in which the files are, and compare numbers as it likes.
    """
    emulator.add_files(["raw/2026/S3.cram"], project=PROJECT, metadata={"lane": 77})
    emulator.add_files(["raw/2026/S4.cram"], project=PROJECT, metadata={"lane": "77"})
    if not recursive:
        arguments = {"folder": "raw/2026", **arguments}
        folder = arguments["folder"]
        found = [place for place in found or [] if place.rpartition("/")[0] == folder] or None

    result = listing(**arguments, recursive=recursive, allow_empty=True)

    assert (places(result) or None) == found


@pytest.mark.parametrize("recursive", [True, False])
@pytest.mark.parametrize("total", ["present", "absent"])
@pytest.mark.parametrize("links", ["present", "absent"])
@pytest.mark.parametrize("empty", ["shown", "null"])
def test_all_files_in_any_pages(
    emulator: CgcEmulator, listing: Callable[..., Any], recursive: bool, total: str, links: str, empty: str
) -> None:
    emulator.add_files([f"flat/f{number:03d}.bam" for number in range(257)], project=PROJECT)
    for name, value in {"total_header": total, "next_links": links, "empty": empty}.items():
        emulator.option(name, value)

    assert len(listing(folder="flat", recursive=recursive)) == 257


def test_modified_after_is_later(emulator: CgcEmulator, listing: Callable[..., Any]) -> None:
    before = datetime.fromtimestamp(emulator.clock.now() + 60, UTC)
    emulator.clock.advance(3600)
    emulator.add_files(["raw/new.bam"], project=PROJECT)

    assert places(listing(modified_after=before)) == ["raw/new.bam"]
    assert places(listing(modified_after=before.replace(tzinfo=None).isoformat())) == ["raw/new.bam"]
    assert places(listing(modified_after=before - timedelta(hours=2))) == [
        UNREADABLE,
        "raw/S0.bam",
        "raw/new.bam",
        *ALL[2:],
    ]


@pytest.mark.parametrize("by", ["path", "slashes", "id"])
def test_folder_has_its_path(emulator: CgcEmulator, listing: Callable[..., Any], by: str) -> None:
    folder = {"path": "raw/2026", "slashes": "/raw/2026/", "id": folder_id(emulator, "raw/2026")}[by]

    assert places(listing(folder=folder)) == ALL[2:]
    assert places(listing(folder=folder, recursive=False)) == ALL[2:5]


def test_folder_id_has_a_project(emulator: CgcEmulator, listing: Callable[..., Any]) -> None:
    [item] = listing(folder=folder_id(emulator, "old", OTHER), name="archived*")

    assert (item["project"], item["path"]) == (OTHER, "old")


def test_root_folder_is_a_project(emulator: CgcEmulator, listing: Callable[..., Any]) -> None:
    with emulator.world.open() as world:
        root = world.project(PROJECT).root

    assert places(listing(folder=root)) == ALL


def test_id_like_name_has_a_slash(emulator: CgcEmulator, listing: Callable[..., Any]) -> None:
    emulator.add_files([f"{'a' * 24}/x.bam"], project=PROJECT)

    assert places(listing(folder=f"/{'a' * 24}")) == [f"{'a' * 24}/x.bam"]


@pytest.mark.parametrize("recursive", [True, False])
def test_filter_is_no_address(emulator: CgcEmulator, listing: Callable[..., Any], recursive: bool) -> None:
    filters = {"metadata": {"k": ["v", "w"]}, "tag": "t", "origin_task": "t1", "name": ["x"] * 9}

    assert listing(**filters, recursive=recursive, allow_empty=True) == []

    queries = [request.query for request in emulator.requests if request.path == "/v2/files"]
    assert queries
    assert {key for query in queries for key in query} <= {"project", "parent", "fields", "limit", "offset"}


def test_flat_folder_is_cheap(emulator: CgcEmulator, listing: Callable[..., Any]) -> None:
    """One folder with many files costs no look at the folders in it."""
    emulator.add_files([f"flat/f{number:03d}.bam" for number in range(150)], project=PROJECT)
    emulator.add_files([f"flat/d{number:03d}/x.bam" for number in range(30)], project=PROJECT)

    assert len(listing(folder="flat", recursive=False)) == 150
    assert requests_of(emulator) == 4  # the project, the folder, two pages


ZEROS = "0" * 24


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"project": "demo-lab/nothing"}, ["no project 'demo-lab/nothing'", "member", "check the id"]),
        ({"folder": "raw/2062"}, ["no folder '2062'", f"folder 'raw' of project {PROJECT}", "folders there: '2026'"]),
        ({"folder": "Raw"}, ["no folder 'Raw'", f"in project {PROJECT}", "'raw'", "(case-sensitive)"]),
        ({"folder": "raw/2026/old/deep"}, ["no folder 'deep'", "has no folders"]),
        ({"folder": "raw/*"}, ["no folder '*'", "'folder' takes no pattern", "choose its files by 'name'"]),
        ({"folder": "raw/S0.bam"}, ["'S0.bam'", "is a file", "give the folder"]),
        ({"folder": ZEROS}, [f"no folder with the id '{ZEROS}'", "check the id"]),
    ],
)
def test_missing_place_is_told(listing: Callable[..., Any], arguments: dict[str, Any], words: list[str]) -> None:
    """A place that is not there is told before anything is listed."""
    with pytest.raises(CgcBadInput) as caught:
        listing(**arguments)

    for word in ["Task 'list_files'", *words]:
        assert word in str(caught.value)


def test_file_id_is_no_folder(emulator: CgcEmulator, listing: Callable[..., Any]) -> None:
    [file] = emulator.add_files(["x.bam"], project=PROJECT)

    with pytest.raises(CgcBadInput, match=rf"folder '{file}' is the file 'x\.bam'; give the id of the folder"):
        listing(folder=file)


def test_foreign_folder_is_told(emulator: CgcEmulator, listing: Callable[..., Any]) -> None:
    folder = folder_id(emulator, "old", OTHER)

    with pytest.raises(CgcBadInput, match=rf"is in project {OTHER}, not in {PROJECT}; correct one"):
        listing(project=PROJECT, folder=folder)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"project": "lonely"}, ["project is 'lonely'", "owner/short-name"]),
        ({"project": 3}, ["project is 3"]),
        ({"folder": ""}, ["folder is ''", "leave it out"]),
        ({"folder": "a//b"}, ["folder is 'a//b'", "a name is empty"]),
        ({"folder": 7}, ["folder is 7"]),
        ({"name": 7}, ["name is 7"]),
        ({"modified_after": "None"}, ["modified_after is 'None'", "default"]),
        ({"expected_count": "many"}, ["expected_count is 'many'", "whole number"]),
        ({"expected_count": 1_001}, ["expected_count is 1001", "manifest_path"]),
        ({"manifest_conn_id": "aws"}, ["manifest_conn_id", "without manifest_path"]),
        ({"manifest_path": "file:///tmp/files.csv"}, ["manifest_path is 'file:///tmp/files.csv'", ".jsonl"]),
        ({"manifest_path": "files.jsonl"}, ["'files.jsonl'", "is not complete"]),
        ({"manifest_path": "nostore://b/files.jsonl"}, ["nostore://b/files.jsonl", "install"]),
    ],
)
def test_wrong_argument_is_told(
    emulator: CgcEmulator, listing: Callable[..., Any], arguments: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(CgcBadInput) as caught:
        listing(**arguments)

    for word in ["Task 'list_files'", *words]:
        assert word in str(caught.value)
    assert requests_of(emulator) == 0


def test_no_project_is_told(
    emulator: CgcEmulator, listing: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = {**emulator.connection, "extra": {"platform": "other"}}
    monkeypatch.setenv("AIRFLOW_CONN_CGC_DEFAULT", json.dumps(connection))

    with pytest.raises(CgcBadInput, match="no project is given; set project='owner/short-name', or the field"):
        listing()
    assert requests_of(emulator) == 0


def test_none_found_has_filters(listing: Callable[..., Any]) -> None:
    """Nothing found is an error that repeats the filters."""
    with pytest.raises(CgcBadInput, match=r"has no files that match name '\*\.cram'.*allow_empty=True"):
        listing(folder="raw", name="*.cram")


def test_path_as_name_is_told(listing: Callable[..., Any]) -> None:
    with pytest.raises(CgcBadInput, match=r"give the folders of 'raw/\*\.bam' by 'folder'"):
        listing(name=["*.cram", "raw/*.bam"])


def test_none_found_may_be_fine(listing: Callable[..., Any], tmp_path: Path) -> None:
    manifest = tmp_path / "files.jsonl"

    assert listing(name="*.cram", allow_empty=True, manifest_path=manifest.as_uri()) == []
    assert manifest.read_text() == ""


@pytest.mark.parametrize("expected", [5, 7, "7"])
def test_unexpected_number(listing: Callable[..., Any], expected: int | str) -> None:
    with pytest.raises(CgcBadInput, match=f"has 6 files, but expected_count is {expected}"):
        listing(expected_count=expected)


def test_expected_number_is_fine(listing: Callable[..., Any]) -> None:
    assert len(listing(expected_count="6")) == 6


def test_too_many_for_an_xcom(listing: Callable[..., Any], small: int) -> None:
    """More files than an XCom takes are an error without a manifest."""
    with pytest.raises(CgcBadInput, match=r"has more than 4 such files: .* stopped at file 5; .*set manifest_path"):
        listing()


def test_stops_when_too_many(emulator: CgcEmulator, listing: Callable[..., Any], small: int) -> None:
    emulator.add_files([f"d{number:03d}/x.bam" for number in range(200)], project=PROJECT)

    with pytest.raises(CgcBadInput, match="set manifest_path"):
        listing()

    assert requests_of(emulator) < 60


def test_manifest_is_returned(listing: Callable[..., Any], small: int, tmp_path: Path) -> None:
    """If there are more files than an XCom takes, the address of the manifest is returned."""
    uri = (tmp_path / "run 1" / "files.jsonl").as_uri().replace("%20", " ")

    assert listing(manifest_path=uri) == uri

    with open(tmp_path / "run 1" / "files.jsonl") as lines:
        items = read_items(lines, name=uri, of=ExportItem)
    assert places([item.to_json() for item in items]) == ALL
    assert {item.project for item in items} == {PROJECT}


def test_small_is_returned_too(listing: Callable[..., Any], tmp_path: Path) -> None:
    """A small result is returned, and written too."""
    manifest = tmp_path / "files.jsonl"

    items = listing(manifest_path=manifest.as_uri(), expected_count=6)

    assert places(items) == ALL
    assert [json.loads(line) for line in manifest.read_text().splitlines()] == items


def test_failure_keeps_the_old(emulator: CgcEmulator, listing: Callable[..., Any], tmp_path: Path) -> None:
    manifest = tmp_path / "files.jsonl"
    manifest.write_text("old\n")
    emulator.fault("401", path="/v2/files", after=2)

    with pytest.raises(CgcWaitError) as raised:
        listing(manifest_path=manifest.as_uri())

    assert isinstance(raised.value.__cause__, CgcUnauthorized)
    assert manifest.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [manifest]


def test_trouble_is_waited_out(emulator: CgcEmulator, listing: Callable[..., Any]) -> None:
    emulator.fault("500", path="/v2/files", after=1, count=2)

    assert places(listing()) == ALL


def test_vanished_folder_raises(emulator: CgcEmulator, listing: Callable[..., Any]) -> None:
    """
    A folder that goes away meanwhile is the platform's own error.

    Whether files are missing cannot be told then: Airflow's retry lists anew.
    """
    emulator.fault("404_gateway", path="/v2/files", after=2)

    with pytest.raises(CgcWaitError) as raised:
        listing()

    assert isinstance(raised.value.__cause__, CgcNotFound)


def test_refused_token_is_told(emulator: CgcEmulator, listing: Callable[..., Any]) -> None:
    """A refused token is told with its connection and the next step."""
    emulator.set_token("another-token-than-the-connections")

    with pytest.raises(CgcWaitError) as raised:
        listing()

    assert "401" in str(raised.value)
    assert "Developer > Authentication token" in str(raised.value)
    assert str(raised.value).endswith(
        "When the cause is fixed (this task asks with connection 'cgc_default'), clear this task:"
        " it lists the files again."
    )
    assert emulator.token not in str(raised.value)


def test_unknown_connection(listing: Callable[..., Any]) -> None:
    with pytest.raises(CgcWaitError, match="connection 'cgc_nobody' is not defined"):
        listing(cgc_conn_id="cgc_nobody")


def test_log_says_what_it_found(listing: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    """The log names the place, the filters and the number of files."""
    caplog.set_level(logging.INFO, logger=LOGGER)

    listing(folder="raw", name="*.bam")

    # Airflow warns that no worker runs this.
    lines = [record.getMessage() for record in caplog.records if record.name == LOGGER and record.levelname == "INFO"]
    assert lines == [
        f"Listing the files of folder 'raw' of project {PROJECT}: name '*.bam' (connection cgc_default).",
        "Found 4 files, 12.0 kB, in 3 folders read with 3 requests.",
    ]
    caplog.clear()

    listing(folder="raw", recursive=False)

    assert caplog.records[-1].getMessage() == "Found 1 file, 10 B, read with 1 request."


def test_template_fields() -> None:
    assert set(CgcListFilesOperator.template_fields) == {
        "project", "folder", "name", "exclude", "metadata", "tag", "origin_task", "min_size", "max_size",
        "modified_after", "expected_count", "manifest_path", "manifest_conn_id", "cgc_conn_id",
    }  # fmt: skip
