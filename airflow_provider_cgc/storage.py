"""Lines of text at an address of Airflow's object storage: `s3://`, `gs://`, `abfs://`, `file://` and the like.

What is written stands there whole or not at all, also when the task is killed in the middle.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from airflow_provider_cgc.compat import conf
from airflow_provider_cgc.exceptions import CgcBadInput

LOCAL = frozenset({"file", "local"})
_LOCAL_EXECUTORS = frozenset({"LocalExecutor", "SequentialExecutor", "DebugExecutor"})

_LONGEST_NAME = 60
"""Characters of a file's name that its working copy keeps: file systems take 255 bytes."""


def check(uri: str, conn_id: str | None = None) -> None:
    """
    Make sure that the address can be meant for a file, before hours are spent on what goes there; nothing is written.

    :raises CgcBadInput: if it is no address, its provider or connection is missing, or there is a folder.
    """
    _refuse_folder(_place(uri, conn_id))


def write_lines(uri: str, lines: Iterable[str], conn_id: str | None = None) -> str:
    """
    Write lines, which bring their ends, and give the address at which they can be read, `conn_id` in it.

    Where files can be renamed, a file of another name is written beside and takes the place of what is there when it is
    complete; folders are made. A bucket knows no renaming, but an object shows only when it is complete: it is sent
    in one go.

    :raises CgcBadInput: if nothing can be written there.
    """
    place = _place(uri, conn_id)
    _refuse_folder(place)
    with _faults(place):
        if _can_rename(place.fs):
            _write_beside(place, lines)
        else:
            place.fs.pipe_file(place.path, "".join(lines).encode())
    return place.uri


def read_lines(uri: str, conn_id: str | None = None) -> Iterator[str]:
    """
    Return the lines, one at a time and with their ends; what is there is opened at once.

    :raises CgcBadInput: if there is nothing to read, or no text in UTF-8.
    """
    place = _place(uri, conn_id)
    _refuse_folder(place)
    with _faults(place):
        stream = place.fs.open(place.path, "rb")
    return _decoded(stream, place)


def exists(uri: str, conn_id: str | None = None) -> bool:
    """
    Say whether there is a file or object; trouble with the storage is an error, never a "no".

    :raises CgcBadInput: if it cannot be told, or there is a folder.
    """
    place = _place(uri, conn_id)
    _refuse_folder(place)
    with _faults(place):
        try:
            # Not `fs.exists`, which says no to every error, a wrong password too.
            place.fs.info(place.path)
        except FileNotFoundError:
            return False
    return True


def with_connection(uri: str, conn_id: str | None) -> str:
    """Write the connection into the address, as Airflow reads it: who gets only the address can open it."""
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    if conn_id is None or not host or parts.scheme in LOCAL:
        return uri
    return urlunsplit(parts._replace(netloc=f"{conn_id}@{host}"))


def local_warning(uri: str) -> str | None:
    """Return what to warn of: a file on the worker's own disk, where tasks may run on several machines."""
    if (urlsplit(uri).scheme or "file") not in LOCAL:
        return None
    executors = [name.strip() for name in str(conf.get("core", "executor", fallback="")).split(",")]
    # Written as "LocalExecutor", "team=...", or "my.module.OwnExecutor:alias".
    names = [name.rpartition("=")[2].partition(":")[0].rpartition(".")[2] for name in executors if name]
    remote = [name for name in names if name not in _LOCAL_EXECUTORS]
    if not remote:
        return None
    return (
        f"{uri} is on the disk of this worker, and with {remote[0]} the next task may run on another machine; use a"
        " bucket, or a folder that all workers share."
    )


class _Place(NamedTuple):
    """An address, with the file system of Airflow's connection and the path in it."""

    uri: str
    fs: Any
    path: str


def _place(uri: object, conn_id: str | None) -> _Place:
    # Here, because it loads fsspec, for which a Dag file should not wait.
    from airflow.providers.common.compat.sdk import AirflowNotFoundException, ObjectStoragePath

    uri = check_form(uri)
    parts = urlsplit(uri)
    is_local = parts.scheme in LOCAL or not parts.scheme
    try:
        path = ObjectStoragePath(uri, conn_id=None if is_local else conn_id)
        # A bucket's file system is made when it is first asked for; what is missing is found here.
        return _Place(with_connection(uri, conn_id), path.fs, str(path.path))
    except AirflowNotFoundException as error:
        raise CgcBadInput(
            f"The path {uri}: the connection of the storage is not defined ({error}); create it, or correct its id"
        ) from error
    except (ValueError, ImportError) as error:
        raise CgcBadInput(
            f"The path {uri} cannot be opened ({error}); install the Airflow provider for {parts.scheme}://, such as"
            " apache-airflow-providers-amazon[s3fs] for s3://"
        ) from error


def check_form(uri: object) -> str:
    """
    Make sure that this can be the address of a file at all; nothing is asked or loaded for it.

    :raises CgcBadInput: if it is not.
    """
    if not isinstance(uri, str) or not uri.strip() or "{{" in uri:
        raise CgcBadInput(f"The path {uri!r} is no address; write it like s3://bucket/folder/name.jsonl")
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise CgcBadInput(f"The path {uri!r} is no address ({error}); correct it") from None
    if not parts.scheme and not uri.startswith("/"):
        raise CgcBadInput(
            f"The path {uri!r} does not tell where it begins; write it like s3://bucket/folder/name.jsonl or"
            " file:///folder/name.jsonl"
        )
    is_local = parts.scheme in LOCAL or not parts.scheme
    if is_local and parts.netloc.rpartition("@")[2]:
        raise CgcBadInput(f"The path {uri!r} names a host; a local file has three slashes: file:///folder/name.jsonl")
    if uri.endswith("/") or not (parts.path.strip("/") if parts.netloc or is_local else parts.path):
        raise CgcBadInput(f"The path {uri!r} has no name of a file; write it like s3://bucket/folder/name.jsonl")
    return uri


@contextmanager
def _faults(place: _Place) -> Iterator[None]:
    """Tell what is wrong with the path itself; trouble that may pass goes through as it is, for Airflow to repeat."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, FileExistsError) as error:
        raise CgcBadInput(
            f"The path {place.uri} is not there ({error}); check the bucket or folder, its capitals, and the name"
        ) from error
    except PermissionError as error:
        raise CgcBadInput(
            f"The path {place.uri} is not allowed ({error}); give the worker's user, or the connection, the right to it"
        ) from error


def _refuse_folder(place: _Place) -> None:
    try:
        is_folder = place.fs.info(place.path).get("type") == "directory"
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # who may write to a bucket need not have the right to look into it
    if is_folder:
        raise CgcBadInput(f"The path {place.uri} is a folder; add the name of a file, such as files.jsonl")


def _can_rename(fs: Any) -> bool:
    """Say whether this file system has a rename of its own; the common base class copies and deletes instead."""
    from fsspec import AbstractFileSystem  # type: ignore[import-untyped]  # it has no types

    return type(fs).mv is not AbstractFileSystem.mv


def _write_beside(place: _Place, lines: Iterable[str]) -> None:
    folder, _, name = place.path.rpartition("/")
    beside = f"{folder}/.{name[:_LONGEST_NAME]}.{uuid.uuid4().hex}.part"
    place.fs.makedirs(folder or "/", exist_ok=True)
    try:
        with place.fs.open(beside, "wb") as stream:
            for line in lines:
                stream.write(line.encode())
        place.fs.mv(beside, place.path)
    except BaseException:
        # Also on the timeout of the task, which is no Exception; what was there before stays.
        if place.fs.exists(beside):
            place.fs.rm_file(beside)
        raise


def _decoded(stream: Any, place: _Place) -> Iterator[str]:
    with io.TextIOWrapper(stream, encoding="utf-8", newline="") as text:
        try:
            yield from text
        except UnicodeDecodeError as error:
            raise CgcBadInput(f"The path {place.uri} holds no text in UTF-8 ({error}); save it as UTF-8") from error
