"""Files and folders of projects. https://docs.cancergenomicscloud.org/reference/list-files-primary-method"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias
from urllib.parse import urlencode

from airflow_provider_cgc.client.endpoints.bulk_edit import edit_files
from airflow_provider_cgc.client.endpoints.bulk_get import BulkReader
from airflow_provider_cgc.client.endpoints.pages import all_items
from airflow_provider_cgc.client.endpoints.paths import one_segment, owner_and_name
from airflow_provider_cgc.client.endpoints.tree import Walk
from airflow_provider_cgc.client.errors import CgcUnreadableError, CgcUsageError
from airflow_provider_cgc.client.errors.codes import NO_SUCH_FILE
from airflow_provider_cgc.client.errors.problem import BulkRecord
from airflow_provider_cgc.client.http.request import Request
from airflow_provider_cgc.client.http.transport import Transport
from airflow_provider_cgc.client.models import File, fields

__all__ = ["FilesEndpoint"]

_SPLIT_ABOVE = 2_000
"""Characters of a query above which lists of names or values are cut into parts of about fifty names. The platform
answers 503 or 504 to heavier ones (https://github.com/sbg/sevenbridges-python/issues/112)."""
_MOST_CHARACTERS = 5_800
"""Characters of any query. Chosen: the vendor's own client allows 6,000 for the whole address."""

_Query: TypeAlias = dict[str, str | list[str] | None]


class FilesEndpoint:
    """`client.files`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._reader = BulkReader(
            transport,
            "/bulk/files/get",
            ids_key="file_ids",
            what="file",
            parse=File.from_json,
            unknown_code=NO_SUCH_FILE,
            # Where a file is stored, and so if it can be exported, is told only when all fields are asked for.
            fields="_all",
        )

    def get(self, file_id: str) -> File:
        """Return one file or folder, whole."""
        request = Request("GET", f"/files/{one_segment('file', file_id)}")
        return File.from_json(self._transport.send(request).value)

    def bulk_get(self, ids: Iterable[str]) -> list[BulkRecord[File]]:
        """Return one record per id, in the order given, a hundred ids per request; no ids: nothing is sent."""
        return self._reader.get(ids)

    def bulk_edit(self, items: Iterable[Mapping[str, Any]]) -> list[BulkRecord[File]]:
        """Change names, tags and metadata; one record per item, in order, with the file as it is now or a problem.

        An item is `{"id": file_id}` with any of `name`, `tags` (a list of texts) and `metadata` (an object of texts or
        nulls): keys of the metadata that are not given stay as they are, and a null clears a value. Whether the
        platform adds tags or replaces those there are is not documented. A hundred items go into a request, and as the
        same change twice ends the same, a request whose answer was lost is sent again.

        Raises `CgcUsageError` before anything is sent, also for two items with the same id. Where an answer does not
        show what became of a file, not even when it is sent again alone, the problem is `undecided`: ask by `bulk_get`.
        """
        return edit_files(self._transport, items)

    def create_folder(self, name: str, *, project: str | None = None, parent: str | None = None) -> File:
        """Make a folder in a project or in a folder (`parent`, its id), and return it.

        Raises `CgcUsageError` unless exactly one of project and parent is given, and for a name that is empty, has a
        slash or begins with two underscores. A name that a folder there has already is refused with the code
        `FOLDER_EXISTS` (5030). After `CgcConnectionError` with `.sent`, `CgcUnavailable` or `CgcUnreadableError` the
        folder may have been made: look by `list` whether it is there.
        """
        place = _place(project, parent)
        if not isinstance(name, str) or not name.strip() or "/" in name or name.startswith("__"):
            raise CgcUsageError(
                f"a folder cannot be named {name!r}: give a text without slashes that does not begin with '__'"
            )
        body = {"name": name, "type": "folder", **place}
        answer = self._transport.send(Request("POST", "/files", body=body, repeatable=False)).value
        made = File.from_json(answer)
        told = fields.mapping(answer)
        if told.get("name") not in (None, name) or (told.get("type") is not None and not made.is_folder):
            raise CgcUnreadableError(
                f"POST /files: asked to make the folder {name!r}, the platform answered with the {made.type}"
                f" {made.name!r}; look whether the folder is there"
            )
        return replace(made, name=name, type="folder")

    def list(
        self,
        project: str | None = None,
        *,
        parent: str | None = None,
        name: str | Iterable[str] | None = None,
        metadata: Mapping[str, str | Iterable[str]] | None = None,
        tag: str | Iterable[str] | None = None,
        origin_task: str | None = None,
    ) -> Iterator[File]:
        """Yield files and folders directly in a project or in a folder (`parent`, its id), whole, page by page.

        The filters are the platform's own. Several names, tags or values match files that have any of them; an empty
        list finds nothing. Long lists are sent in several requests. With a filter no folders are found. Whether the
        platform finds a number in the metadata by its text is not documented; to be sure, filter what `tree` gives.
        Raises `CgcUsageError` unless exactly one of project and parent is given, and for filters that are too long.
        """
        query = _level(project, parent) | {"name": _texts(name), "tag": _texts(tag), "origin.task": origin_task}
        query |= {f"metadata.{key}": _texts(value) for key, value in (metadata or {}).items()}
        return self._found(list(_parts(query)))

    def _found(self, queries: Iterable[_Query]) -> Iterator[File]:
        seen: set[str] = set()
        for query in queries:
            for file in all_items(self._transport, "/files", File.from_json, query):
                if file.id not in seen:
                    seen.add(file.id)
                    yield file

    def tree(
        self,
        project: str | None = None,
        *,
        parent: str | None = None,
        path: str = "",
        recursive: bool = True,
        into: Callable[[str], bool] | None = None,
        folders: bool = False,
    ) -> Walk:
        """Return all files below a project or a folder (`parent`, its id), each once and with the folders it lies in.

        `path` goes before the paths: where the folder itself lies, if you know. With `recursive=False` the files in the
        folders below are left out; `into`, given in its place, chooses the folders to read by their whole paths, which
        begin with `path`. With `folders=True` the folders are found as well, read or not, each with its own path and
        before its files. Up to 8 requests at a time; a tree costs one for each folder that is read and for each
        further hundred in one. Raises `CgcUsageError` unless exactly one of project and parent is given.
        """
        chosen = into if into is not None or recursive else _nowhere
        return Walk(self._transport, _level(project, parent), path=path, top=parent, into=chosen, folders=folders)

    def walk(self, project: str | None = None, *, parent: str | None = None) -> Iterator[File]:
        """Yield all files below a project or a folder, as `tree` does, without their paths."""
        return (found.file for found in self.tree(project, parent=parent))


def _nowhere(path: str) -> bool:
    """Choose no folder."""
    return False


def _level(project: str | None, parent: str | None) -> _Query:
    """Return the query for one level, with all fields, without which types, sizes and metadata are left out."""
    return {"fields": "_all", **_place(project, parent)}


def _place(project: str | None, parent: str | None) -> dict[str, str]:
    """Return the one of the two that is given, by its name."""
    if (project is None) == (parent is None):
        raise CgcUsageError("give either a project or a parent folder")
    if project is not None:
        owner_and_name("project", project)
        return {"project": project}
    one_segment("folder", parent)
    return {"parent": str(parent)}


def _texts(value: str | Iterable[str] | None) -> str | list[str] | None:
    return value if value is None or isinstance(value, str) else list(dict.fromkeys(value))


def _parts(query: _Query) -> Iterator[_Query]:
    """Yield queries that together find the same as one with long lists, each short enough for one request."""
    lists = {key: value for key, value in query.items() if isinstance(value, list)}
    if not all(lists.values()):
        return
    # What is in every part, however it is cut, must not make the parts of the lists smaller than they need be.
    fixed = _length({key: value for key, value in query.items() if len(lists.get(key, ())) < 2})
    yield from _cut(query, lists, most=min(max(_SPLIT_ABOVE, fixed + _SPLIT_ABOVE // 2), _MOST_CHARACTERS))


def _cut(query: _Query, lists: Mapping[str, list[str]], *, most: int) -> Iterator[_Query]:
    """Cut the longest list in half until a query has at most so many characters."""
    longest = max(lists, key=lambda key: _length({key: lists[key]}), default="")
    length = _length(query)
    if length > most and len(lists.get(longest, ())) > 1:
        half = len(lists[longest]) // 2
        for part in (lists[longest][:half], lists[longest][half:]):
            yield from _cut({**query, longest: part}, {**lists, longest: part}, most=most)
    elif length > _MOST_CHARACTERS:
        raise CgcUsageError(
            f"the filters make a query of {length} characters; this client sends at most {_MOST_CHARACTERS}. Give fewer"
            " values, or list without the filter and choose among the files"
        )
    else:
        yield query


def _length(query: _Query) -> int:
    return len(urlencode({key: value for key, value in query.items() if value is not None}, doseq=True))
