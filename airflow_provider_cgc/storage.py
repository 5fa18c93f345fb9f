"""Lines of text at an address of Airflow's object storage: `s3://`, `gs://`, `abfs://`, `file://` and the like.

A file is written whole or not at all, also if the task is killed in the middle.
"""

from __future__ import annotations

import errno
import io
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from airflow_provider_cgc.compat import conf
from airflow_provider_cgc.exceptions import CgcBadInput
from airflow_provider_cgc.jobs.ids import Address

LOCAL = frozenset({"file", "local"})
_LOCAL_EXECUTORS = frozenset({"LocalExecutor", "SequentialExecutor", "DebugExecutor"})

_LONGEST_NAME = 60
"""Characters of a file's name that its working copy keeps: file systems take 255 bytes."""
_DEEPEST = 10
"""Levels of lists within lists in which addresses are looked for."""
_FOR_GOOD = frozenset(
    {errno.EROFS, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL, errno.ENXIO, errno.ENODEV, errno.ENOTSUP}
)
"""Errors of a file system that come from the path itself. A full disk, a quota or a dropped network may pass."""


class BadPath(CgcBadInput):
    """An address is wrong, or the file there cannot be read or written."""


class NoText(BadPath):
    """The file is no text in UTF-8."""


def as_text(value: Any) -> Any:
    """
    Return the text of a path object: an `ObjectStoragePath`, or a path of this machine such as `Path`.

    The connection of an `ObjectStoragePath` is a part of the text. Any other value is returned unchanged.
    """
    if value is None or isinstance(value, (str, bytes, int, float, list, tuple, set, frozenset, Mapping)):
        return value
    # Imported here, because it loads fsspec, for which a Dag file should not wait.
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    if isinstance(value, ObjectStoragePath):
        return Address(value)
    path = os.fspath(value) if isinstance(value, os.PathLike) else None
    if not isinstance(path, str):
        return value
    return Address(f"file://{path}" if path.startswith("/") else path)


def texts_in(value: Any, depth: int = 0) -> Any:
    """Return a value, or a list with its lists, with path objects replaced by their text."""
    known = as_text(value)
    if known is not value or depth > _DEEPEST or isinstance(value, (str, bytes, bytearray, Mapping)):
        return known
    # A set stays a set: its reader gives it an order.
    if isinstance(value, (set, frozenset)):
        return {as_text(one) for one in value}
    return [texts_in(one, depth + 1) for one in value] if isinstance(value, Iterable) else value


def address(value: object, conn_id: str | None = None) -> str:
    """
    Return the one text of an address that is used everywhere, with its connection: `s3://conn@bucket/key`.

    :param conn_id: the connection, if the address names none; it is left out for a local file, which needs none.
    :raises BadPath: if it is no address, or names another connection than `conn_id`.
    """
    uri = as_text(value)
    if isinstance(uri, Address) and "{{" in uri:
        raise BadPath(f"The path {_shown(value)} is no address: a template in it is not rendered; write it as text")
    if not isinstance(uri, str) or not uri.strip() or "{{" in uri:
        raise BadPath(f"The path {_shown(value)} is no address; write it like s3://bucket/folder/name.jsonl")
    uri = uri.strip()
    if uri.startswith("/") and not uri.startswith("//"):
        return f"file://{uri}"
    parts = urlsplit(uri)
    if parts.scheme in LOCAL and parts.netloc in ("", f"{connection_of(uri)}@"):
        return f"file://{uri.partition('://')[2].removeprefix(parts.netloc)}"
    own = connection_of(uri)
    if parts.scheme in LOCAL or not conn_id or not parts.netloc or own == conn_id:
        return uri
    if own is not None:
        raise BadPath(
            f"The path {uri} names the connection {own!r}, and manifest_conn_id is {conn_id!r}; give the same one, or"
            " only one of them"
        )
    return urlunsplit(parts._replace(netloc=f"{conn_id}@{parts.netloc}"))


def connection_of(uri: str) -> str | None:
    """Return the connection in the text of an address; None if it names none."""
    return urlsplit(uri).netloc.rpartition("@")[0] or None


def check(uri: object) -> None:
    """
    Make sure that an address can be that of a file, before hours are spent on its contents; nothing is written.

    :raises BadPath: if it is no address, its provider or connection is missing, there is a folder, or a file where
        a folder would have to be.
    """
    target = _target(uri)
    with _faults(target):
        _refuse_folder(target)


def write_lines(uri: object, lines: Iterable[str]) -> str:
    """
    Write lines, which have their line endings, and return the address to read them from, with its connection.

    If files can be renamed, a file of another name is written in the same folder, and replaces the old one when it is
    complete; missing folders are made. A bucket has no renaming, but an object appears only when it is complete: it is
    sent at once.

    :raises BadPath: if nothing can be written there.
    """
    target = _target(uri)
    with _faults(target):
        _refuse_folder(target)
        if _can_rename(target.fs):
            _write_beside(target, lines)
        else:
            target.fs.pipe_file(target.path, "".join(lines).encode())
    return target.uri


def read_lines(uri: object) -> Iterator[str]:
    """
    Return the lines, one at a time and with their line endings; the file is opened immediately.

    :raises BadPath: if there is no file, or it is no text in UTF-8.
    """
    target = _target(uri)
    with _faults(target):
        _refuse_folder(target)
        stream = target.fs.open(target.path, "rb")
    return _decoded(stream, target)


def remove(uri: object) -> None:
    """
    Remove a file or object.

    :raises BadPath: if there is none, or it may not be removed.
    """
    target = _target(uri)
    with _faults(target):
        target.fs.rm_file(target.path)


def exists(uri: object) -> bool:
    """
    Return True if there is a file or object; trouble with the storage is an error, never a "no".

    :raises BadPath: if that cannot be found out, or there is a folder.
    """
    target = _target(uri)
    with _faults(target):
        try:
            # Not `fs.exists`, which returns False for every error, also for a wrong password.
            found = target.fs.info(target.path)
        except FileNotFoundError:
            return False
        _refuse_if_folder(target, found)
    return True


def local_warning(value: object) -> str | None:
    """Return a warning about a file on the worker's own disk, if tasks may run on several machines; else None."""
    uri = address(value)
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


class _Target(NamedTuple):
    """An address, with the file system of Airflow's connection and the path in it."""

    uri: str
    fs: Any
    path: str


def _target(value: object) -> _Target:
    from airflow.providers.common.compat.sdk import AirflowNotFoundException, ObjectStoragePath

    uri = check_form(value)
    try:
        path = ObjectStoragePath(uri)
        # A bucket's file system is made at its first use: a missing provider or connection shows here.
        return _Target(uri, path.fs, str(path.path))
    except AirflowNotFoundException as error:
        raise BadPath(
            f"The path {uri} has a storage connection that is not defined ({error}); create it, or correct its id"
        ) from error
    except (ValueError, ImportError) as error:
        raise BadPath(f"The path {uri} cannot be opened ({error}); {_how_to_open(uri)}") from error


def _how_to_open(uri: str) -> str:
    """Return the advice about an address whose storage Airflow does not know."""
    scheme = urlsplit(uri).scheme
    if "://" not in uri:
        return f"write it like {scheme}://bucket/folder/name.jsonl, as text: a Path makes one slash of two"
    if scheme in ("http", "https"):
        return "web addresses are no object storage; put the file into a bucket, or a folder that all workers share"
    return (
        f"correct {scheme}://, or install the Airflow provider for it, such as"
        " apache-airflow-providers-amazon[s3fs] for s3://"
    )


def check_form(value: object, conn_id: str | None = None) -> str:
    """
    Return the one text of an address, as `address` does, if it can be that of a file; the storage is not asked.

    :raises BadPath: if it cannot.
    """
    try:
        uri = address(value, conn_id)
        parts = urlsplit(uri)
    except BadPath:
        raise
    except ValueError as error:
        raise BadPath(f"The path {_shown(value)} is no address ({error}); correct it") from None
    if not parts.scheme:
        raise BadPath(
            f"The path {uri!r} is not complete; write it like s3://bucket/folder/name.jsonl or file:///folder/name.jsonl"
        )
    is_local = parts.scheme in LOCAL
    if is_local and parts.netloc.rpartition("@")[2]:
        raise BadPath(f"The path {uri!r} names a host; a local file has three slashes: file:///folder/name.jsonl")
    if uri.endswith("/") or not (parts.path.strip("/") if parts.netloc or is_local else parts.path):
        raise BadPath(f"The path {uri!r} has no file name; write it like s3://bucket/folder/name.jsonl")
    return uri


@contextmanager
def _faults(target: _Target) -> Iterator[None]:
    """Turn errors of the path itself into `BadPath`; temporary ones are raised as they are, so that Airflow retries."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, FileExistsError) as error:
        text = f"The path {target.uri} does not exist ({error}); check bucket, folder and name (case-sensitive)"
        warning = local_warning(target.uri)
        raise BadPath(f"{text}. {warning.rstrip('.')}" if warning else text) from error
    except PermissionError as error:
        raise BadPath(
            f"The path {target.uri} is not allowed ({error}); give the worker's user, or the connection, the right to"
            " use it"
        ) from error
    except OSError as error:
        if error.errno not in _FOR_GOOD:
            raise
        raise BadPath(
            f"The path {target.uri} cannot be used for a file ({error}); give another one, on a writable disk"
        ) from error


def _refuse_folder(target: _Target) -> None:
    try:
        found = target.fs.info(target.path)
    except (FileNotFoundError, PermissionError):
        return  # a user who may write to a bucket may lack the right to list it
    _refuse_if_folder(target, found)


def _refuse_if_folder(target: _Target, found: Mapping[str, Any]) -> None:
    if found.get("type") == "directory":
        raise BadPath(f"The path {target.uri} is a folder; add the name of a file, such as files.jsonl")


def _can_rename(fs: Any) -> bool:
    """Return True if this file system has a rename of its own; the common base class copies and deletes instead."""
    from fsspec import AbstractFileSystem  # type: ignore[import-untyped]  # it has no types

    return type(fs).mv is not AbstractFileSystem.mv


def _write_beside(target: _Target, lines: Iterable[str]) -> None:
    folder, _, name = target.path.rpartition("/")
    beside = f"{folder}/.{name[:_LONGEST_NAME]}.{uuid.uuid4().hex}.part"
    target.fs.makedirs(folder or "/", exist_ok=True)
    try:
        with target.fs.open(beside, "wb") as stream:
            for line in lines:
                stream.write(line.encode())
        target.fs.mv(beside, target.path)
    except BaseException:
        # Also for the timeout of the task, which is no Exception; the old file stays.
        if target.fs.exists(beside):
            target.fs.rm_file(beside)
        raise


def _decoded(stream: Any, target: _Target) -> Iterator[str]:
    with io.TextIOWrapper(stream, encoding="utf-8", newline="") as text:
        try:
            yield from text
        except UnicodeDecodeError as error:
            raise NoText(f"The path {target.uri} is no text in UTF-8 ({error}); save it as UTF-8") from error


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else f"{value!r}, of type {type(value).__name__},"
