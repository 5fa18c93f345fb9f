"""An address is one text, whether it was given as text, as Airflow's object or as a path of this machine."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_cgc import storage
from airflow_provider_cgc.arguments import manifests_given
from airflow_provider_cgc.exceptions import CgcBadInput
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.submitting.items import BadItems, parted
from airflow_provider_cgc.manifests import items_given

S3 = "s3://lab_bucket@b/k/m.jsonl"
LOCAL = "file:///data/m.jsonl"


@pytest.mark.parametrize(
    ("value", "conn_id", "text"),
    [
        ("s3://b/k/m.jsonl", None, "s3://b/k/m.jsonl"),
        ("s3://b/k/m.jsonl", "lab_bucket", S3),
        (S3, None, S3),
        (S3, "lab_bucket", S3),
        (f" {S3}\n", "", S3),
        (ObjectStoragePath("s3://b/k/m.jsonl"), None, "s3://b/k/m.jsonl"),
        (ObjectStoragePath("s3://b/k/m.jsonl"), "lab_bucket", S3),
        (ObjectStoragePath("s3://b/k/m.jsonl", conn_id="lab_bucket"), None, S3),
        (ObjectStoragePath(S3), "lab_bucket", S3),
        (ObjectStoragePath(S3).parent / "m.jsonl", None, S3),
        (ObjectStoragePath("gs://b/a b#c.jsonl", conn_id="c"), None, "gs://c@b/a b#c.jsonl"),
        (LOCAL, "lab_bucket", LOCAL),
        ("/data/m.jsonl", None, LOCAL),
        ("local:///data/m.jsonl", None, LOCAL),
        ("file://any@/data/m.jsonl", None, LOCAL),
        (ObjectStoragePath(LOCAL), None, LOCAL),
        (ObjectStoragePath(LOCAL, conn_id="any"), "lab_bucket", LOCAL),
        (ObjectStoragePath("/data/m.jsonl"), None, LOCAL),
        (Path("/data/m.jsonl"), "lab_bucket", LOCAL),
        (PurePosixPath("/data/a b#%20.jsonl"), None, "file:///data/a b#%20.jsonl"),
    ],
    ids=repr,
)
def test_forms_are_one_text(value: Any, conn_id: str | None, text: str) -> None:
    assert storage.address(value, conn_id) == text
    assert storage.address(storage.address(value, conn_id), conn_id) == text


@pytest.mark.parametrize("value", [S3, ObjectStoragePath(S3)], ids=["text", "object"])
def test_two_connections_refused(value: Any) -> None:
    with pytest.raises(CgcBadInput, match=r"names the connection 'lab_bucket', and manifest_conn_id is 'other'; give"):
        storage.address(value, "other")


@pytest.mark.parametrize("value", [None, 7, b"/data/m.jsonl", ["/data/m.jsonl"], "", object()])
def test_no_address_is_told(value: Any) -> None:
    with pytest.raises(CgcBadInput, match="is no address; write it like s3://"):
        storage.address(value)


def test_unrooted_path_is_told() -> None:
    with pytest.raises(CgcBadInput, match="is not complete"):
        storage.check(Path("m.jsonl"))


@pytest.mark.parametrize(
    "given",
    [
        ObjectStoragePath(S3),
        [ObjectStoragePath(S3)],
        [[ObjectStoragePath(S3)], [S3]],
        (ObjectStoragePath("s3://b/k/m.jsonl", conn_id="lab_bucket"), S3),
        {ObjectStoragePath(S3)},
    ],
    ids=["one", "list", "mapped", "tuple", "set"],
)
def test_objects_are_addresses(given: Any) -> None:
    assert manifests_given(given, where="export_ids") == [S3]
    assert set(parted(storage.texts_in(given))[0]) == {S3}


def test_object_has_any_name() -> None:
    """An object is an address, whatever its name is."""
    path = ObjectStoragePath("s3://b/my files/m.jsonl")

    assert manifests_given([path], where="export_ids") == ["s3://b/my files/m.jsonl"]


def test_address_among_items(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("file\na\n")
    given = [ObjectStoragePath(f"file://{tmp_path}/m.csv"), {"file": "b"}, ["c", tmp_path / "m.csv"]]

    items = items_given(given, of=ExportItem, conn_id=None, written=None, where="items")

    assert [item.file for item in items] == ["a", "a", "b", "c"]


@pytest.mark.parametrize("given", ["file://{}/m.csv", ["file://{}/m.csv"]], ids=["one", "list"])
def test_read_is_not_overwritten(tmp_path: Path, given: Any) -> None:
    (tmp_path / "m.csv").write_text("file\na\n")
    given = [one.format(tmp_path) for one in given] if isinstance(given, list) else given.format(tmp_path)

    with pytest.raises(CgcBadInput, match="has the same address as manifest_path"):
        items_given(given, of=ExportItem, conn_id=None, written=f"file://{tmp_path}/m.csv", where="items of task 't'")


def test_others_stay_as_they_are() -> None:
    value = ["a", {"file": "b"}, ("c", ["d"]), None, 7]

    assert storage.texts_in(value) == ["a", {"file": "b"}, ["c", ["d"]], None, 7]


def test_list_in_itself_is_left() -> None:
    value: list[Any] = []
    value.append(value)

    with pytest.raises(BadItems, match="lists within lists"):
        items_given(value, of=ExportItem, conn_id=None, written=None, where="items")
