"""Lines on object storage stand there whole or not at all, and errors name the path and what to do."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cgc import storage
from airflow_provider_cgc.exceptions import CgcBadInput

OLD = "old\n"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> str:
    """A store that knows no renaming, as buckets do: fsspec's in memory, under Airflow's `file` scheme's neighbour."""
    from airflow.providers.common.compat.sdk import ObjectStoragePath
    from fsspec.implementations.memory import MemoryFileSystem

    attach = __import__(ObjectStoragePath.__module__, fromlist=["attach"]).attach
    attach(protocol="memory", fs=MemoryFileSystem())
    attach(protocol="memory", conn_id="lab_store", fs=MemoryFileSystem())
    return f"memory://{uuid.uuid4().hex}"


@pytest.fixture(params=["local", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An address for a file, once on a disk and once in a bucket."""
    top = f"file://{tmp_path}" if request.param == "local" else request.getfixturevalue("bucket")
    return f"{top}/a/b/files.jsonl"


def broken_off() -> Iterator[str]:
    """Lines whose source breaks in the middle, as a task does that is timed out."""
    yield "1\n" * 100_000
    raise KeyboardInterrupt


def test_written_is_read(place: str) -> None:
    lines = ["a\n", "b\r\n", "Zürich\u2028x\n", "end"]

    assert storage.write_lines(place, iter(lines)) == place
    assert list(storage.read_lines(place)) == lines


def test_existing_is_replaced(place: str) -> None:
    storage.write_lines(place, [OLD])
    storage.write_lines(place, ["new\n"])

    assert list(storage.read_lines(place)) == ["new\n"]


def test_broken_end_keeps_old(place: str) -> None:
    """A task that ends in the middle leaves what was there."""
    storage.write_lines(place, [OLD])

    with pytest.raises(KeyboardInterrupt):
        storage.write_lines(place, broken_off())

    assert list(storage.read_lines(place)) == [OLD]


def test_broken_end_leaves_none(place: str) -> None:
    """A task that ends in the middle leaves nothing if there was nothing."""
    with pytest.raises(KeyboardInterrupt):
        storage.write_lines(place, broken_off())

    assert not storage.exists(place)


def test_cut_off_keeps_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.local import LocalFileOpener

    uri = (tmp_path / "files.jsonl").as_uri()
    storage.write_lines(uri, [OLD])

    def half(self: Any, data: bytes, *args: Any, **kwargs: Any) -> Any:
        self.f.write(data[: len(data) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(LocalFileOpener, "write", half)

    with pytest.raises(KeyboardInterrupt):
        storage.write_lines(uri, ["a longer line\n"])

    assert list(storage.read_lines(uri)) == [OLD]


def test_bucket_has_one_go(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy and a removal, as for a renaming, would need more rights and leave more behind."""
    from fsspec.implementations.memory import MemoryFileSystem

    sent: list[str] = []
    pipe_file = MemoryFileSystem.pipe_file

    def note(self: Any, path: str, *args: Any, **kwargs: Any) -> None:
        sent.append(path)
        pipe_file(self, path, *args, **kwargs)

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", note)

    storage.write_lines(f"{bucket}/files.jsonl", ["x\n"])

    assert [path.rpartition("/")[2] for path in sent] == ["files.jsonl"]


def test_shows_only_whole_files(tmp_path: Path) -> None:
    """Nothing shows under the name before all is written."""
    target = tmp_path / "files.jsonl"
    seen: list[bool] = []

    def lines() -> Iterator[str]:
        for number in range(3):
            seen.append(target.exists())
            yield f"{number}\n"

    storage.write_lines(target.as_uri(), lines())

    assert seen == [False, False, False]
    assert [path.name for path in tmp_path.iterdir()] == ["files.jsonl"]


def test_working_copy_goes_away(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        storage.write_lines((tmp_path / "files.jsonl").as_uri(), broken_off())

    assert list(tmp_path.iterdir()) == []


def test_name_may_be_long(tmp_path: Path) -> None:
    uri = (tmp_path / ("n" * 249 + ".jsonl")).as_uri()

    storage.write_lines(uri, ["x\n"])

    assert storage.exists(uri)


def test_connection_is_kept(bucket: str) -> None:
    """The connection is a part of the address that is given back."""
    uri = storage.write_lines(storage.address(f"{bucket}/files.jsonl", "lab_store"), ["x\n"])

    assert uri == f"memory://lab_store@{bucket.removeprefix('memory://')}/files.jsonl"
    assert list(storage.read_lines(uri)) == ["x\n"]


def test_missing_does_not_exist(place: str) -> None:
    assert not storage.exists(place)


def test_trouble_proves_nothing(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trouble is no proof that a file does not exist."""
    from fsspec.implementations.memory import MemoryFileSystem

    uri = f"{bucket}/files.jsonl"
    storage.write_lines(uri, ["x\n"])

    def down(self: Any, path: str, **kwargs: Any) -> Any:
        raise ConnectionError("the store is down")

    monkeypatch.setattr(MemoryFileSystem, "info", down)

    with pytest.raises(ConnectionError):
        storage.exists(uri)


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("files.jsonl", ["'files.jsonl'", "is not complete", "s3://"]),
        ("", ["''", "no address"]),
        ("{{ run_id }}.jsonl", ["no address"]),
        ("file://tmp/files.jsonl", ["names a host", "three slashes"]),
        ("s3://bucket", ["has no file name"]),
        ("s3://bucket/folder/", ["has no file name"]),
        ("nostore://bucket/files.jsonl", ["nostore://bucket/files.jsonl", "install the Airflow provider"]),
        ("file:///no/such/folder/files.jsonl", ["file:///no/such/folder/files.jsonl", "does not exist", "check"]),
    ],
)
def test_wrong_path_is_told(uri: str, words: list[str]) -> None:
    with pytest.raises(CgcBadInput) as caught:
        storage.read_lines(uri)

    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("call", [storage.check, storage.exists, storage.read_lines])
def test_folder_is_no_file(call: Any, tmp_path: Path) -> None:
    with pytest.raises(CgcBadInput, match="is a folder; add the name of a file"):
        call(tmp_path.as_uri())


def test_folder_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(CgcBadInput, match="is a folder"):
        storage.write_lines(tmp_path.as_uri(), ["x\n"])

    assert tmp_path.is_dir()


def test_file_for_a_folder(tmp_path: Path) -> None:
    """A file in the place of a folder is told."""
    (tmp_path / "taken").write_text("x")

    with pytest.raises(CgcBadInput, match=r"taken/files\.jsonl does not exist"):
        storage.write_lines((tmp_path / "taken" / "files.jsonl").as_uri(), ["x\n"])


def test_forbidden_is_told(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    def refuse(self: Any, path: str, *args: Any, **kwargs: Any) -> Any:
        raise PermissionError(path)

    monkeypatch.setattr(MemoryFileSystem, "open", refuse)

    with pytest.raises(CgcBadInput, match="is not allowed"):
        storage.read_lines(f"{bucket}/files.jsonl")


def test_binary_is_told(tmp_path: Path) -> None:
    (tmp_path / "files.jsonl").write_bytes(b"\xff\xfe\n")

    with pytest.raises(CgcBadInput, match="no text in UTF-8"):
        list(storage.read_lines((tmp_path / "files.jsonl").as_uri()))


@pytest.mark.parametrize(
    ("uri", "executor", "warns"),
    [
        ("file:///data/files.jsonl", "CeleryExecutor", True),
        ("/data/files.jsonl", "CeleryExecutor", True),
        ("file:///data/files.jsonl", "LocalExecutor", False),
        ("file:///data/files.jsonl", "LocalExecutor,airflow.providers.cncf.KubernetesExecutor:k8s", True),
        ("file:///data/files.jsonl", "airflow.executors.local_executor.LocalExecutor", False),
        ("s3://bucket/files.jsonl", "CeleryExecutor", False),
    ],
)
def test_own_disk_is_warned_of(monkeypatch: pytest.MonkeyPatch, uri: str, executor: str, warns: bool) -> None:
    """A worker's own disk is warned of if tasks may run elsewhere."""
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)

    warning = storage.local_warning(uri)

    assert (warning is not None) is warns
    if warning:
        assert uri in warning
