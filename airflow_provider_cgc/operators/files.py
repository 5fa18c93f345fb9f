"""The operator that lists files of a project, in the form that the export operator takes.

The client and the object storage are imported when a task runs, never when a Dag file is parsed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc import storage
from airflow_provider_cgc.arguments import check_count, check_flag, connection_id
from airflow_provider_cgc.assets import refuse_silent_outlets
from airflow_provider_cgc.client.errors import CgcError, CgcUsageError
from airflow_provider_cgc.compat import BaseOperator
from airflow_provider_cgc.exceptions import CgcBadInput, CgcInputRefused, CgcWaitError
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.listing.folders import BadFolder, Folder, FolderWanted
from airflow_provider_cgc.jobs.listing.selection import BadSelection, Selection, whole_number
from airflow_provider_cgc.jobs.text import counted, human_bytes
from airflow_provider_cgc.lineage import MaskedTaskInfo
from airflow_provider_cgc.literals import Literals
from airflow_provider_cgc.templates import TextTemplates

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath

    from airflow_provider_cgc.client import CgcClient

MOST_IN_XCOM = 1000
"""Items that are returned as a list at most; more are written to a manifest, whose address is returned."""
FILTERS = ("name", "metadata", "tag", "origin_task", "min_size", "max_size", "modified_after")
_MANIFEST_ENDS = (".jsonl", ".ndjson")


class CgcListFilesOperator(TextTemplates, BaseOperator):
    """
    List the files of a project or folder on the CGC, as items that `CgcBulkExportOperator(items=...)` takes.

    Several folders are read at once, with at most 8 requests at a time and within the connection's `rate_share`: one
    request for each folder and one for each further hundred files in it
    (https://docs.cancergenomicscloud.org/reference/list-files-primary-method). Every file is listed once, sorted by
    path and name. A file must meet all filters; they are applied to the files that were read, so they work the same at
    any depth and save no requests. A file without a known size or time passes those filters. A file that is moved from
    a folder that is still to be read to one that was read is missed: list when nobody rearranges the project.

    Returns the list of items, `{"file": id, "name", "size", "path", "project"}` with the folders below the project as
    `path`; for more than 1,000 files the address of the manifest, with one item as JSON on each line.

    .. seealso::
        The guide, with Dags to copy: :ref:`howto/operator:CgcListFilesOperator`.

    :param project: the project, "owner/short-name". Default: the project of `folder` if that is an id, else the
        connection's `project`. (templated)
    :param folder: list only this folder: its id, or its path below the project such as "raw/2026". A name that looks
        like an id (24 hexadecimal digits) is written with a slash before it. (templated)
    :param recursive: list the folders below, too, at any depth; otherwise only the files directly there.
    :param name: a shell pattern such as `*.bam`, or several of which one must match; case-sensitive. (templated)
    :param metadata: the metadata that the files must have: a dict of values, or of lists of which one must match;
        numbers are compared as text. (templated)
    :param tag: a tag, or several of which the file must have one. (templated)
    :param origin_task: the id of the task on the platform that made the files. (templated)
    :param min_size: the least size in bytes. (templated)
    :param max_size: the largest size in bytes. (templated)
    :param modified_after: only files modified later than this: a datetime, or ISO text such as "2026-01-31T12:00:00Z";
        without a zone it is UTC. (templated)
    :param expected_count: the number of files that there must be; another one is an error. (templated)
    :param allow_empty: succeed if no file is found, which is otherwise an error.
    :param manifest_path: the address to write the items to, one on each line, however many there are: such as
        "s3://bucket/{{ run_id }}.jsonl" or an `ObjectStoragePath`, which ends in .jsonl; required for more than 1,000
        files. It is written whole or not at all, and replaces an existing file. (templated)
    :param manifest_conn_id: the connection of the object storage, if the address names none; it becomes a part of the
        address that is returned. (templated)
    :param cgc_conn_id: the connection of a user who may read the project. (templated)
    :raises CgcInputRefused: an argument is wrong, there is no such project or folder, or the number of files is another
        one than `expected_count`; not retried. For arguments without a template it is raised when the Dag is parsed.
    :raises CgcWaitError: the token, the rights or the connection are wrong, or the platform did not answer in time.
    """

    template_fields: Sequence[str] = (
        "project",
        "folder",
        "name",
        "metadata",
        "tag",
        "origin_task",
        "min_size",
        "max_size",
        "modified_after",
        "expected_count",
        "manifest_path",
        "manifest_conn_id",
        "cgc_conn_id",
    )

    def __init__(
        self,
        *,
        project: str | None = None,
        folder: str | None = None,
        recursive: bool = True,
        name: str | Sequence[str] | None = None,
        metadata: Mapping[str, str | Sequence[str]] | str | None = None,
        tag: str | Sequence[str] | None = None,
        origin_task: str | None = None,
        min_size: int | str | None = None,
        max_size: int | str | None = None,
        modified_after: datetime | str | None = None,
        expected_count: int | str | None = None,
        allow_empty: bool = False,
        manifest_path: str | ObjectStoragePath | None = None,
        manifest_conn_id: str | None = None,
        cgc_conn_id: str = "cgc_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.project = project
        self.folder = folder
        self.recursive = recursive
        self.name = name
        self.metadata = metadata
        self.tag = tag
        self.origin_task = origin_task
        self.min_size = min_size
        self.max_size = max_size
        self.modified_after = modified_after
        self.expected_count = expected_count
        self.allow_empty = allow_empty
        self.manifest_path = manifest_path
        self.manifest_conn_id = manifest_conn_id
        self.cgc_conn_id = cgc_conn_id
        self._masked_task_info = MaskedTaskInfo()
        refuse_silent_outlets(self.outlets or (), where=f"{type(self).__name__} {self.task_id!r}")
        self._read_literals().refuse()

    def _read_literals(self) -> Literals:
        """Read the arguments that are known when the Dag is parsed, with the readers that `execute` uses."""
        given = Literals(self)
        given.read("cgc_conn_id", connection_id)
        given.read("project", lambda value, where: FolderWanted.of(value, None))
        given.read("folder", lambda value, where: FolderWanted.of(None, value))
        known = [name for name in FILTERS if given.known(name) and given.read(name, _read_filter) is not None]
        given.check(lambda: Selection.of(**{name: given.value(name) for name in known}))
        expected = given.read("expected_count", lambda value, where: whole_number(where, value))
        for name in ("recursive", "allow_empty"):
            given.check(partial(check_flag, getattr(self, name), where=name))
        if given.known("manifest_path", "manifest_conn_id"):
            given.check(lambda: self._check_manifest(expected))
        return given

    def execute(self, context: Context) -> list[dict[str, Any]] | str:
        """Check the arguments, find the folder, list it, and return the items or their manifest."""
        from airflow_provider_cgc.hooks.cgc import CgcHook

        try:
            wanted = FolderWanted.of(self.project, self.folder)
            selection = self._selection()
            expected = whole_number("expected_count", self.expected_count)
            connection_id(self.cgc_conn_id, where="cgc_conn_id")
            for name in ("recursive", "allow_empty"):
                check_flag(getattr(self, name), where=name)
            self._check_manifest(expected)
            self._check_storage()
            with CgcHook(self.cgc_conn_id) as hook:
                client = hook.get_conn()
                folder = wanted.find(client, default_project=hook.settings.project)
                items, cost = self._list(client, folder, selection)
            self._check_count(len(items), expected, folder, selection)
            return self._hand_over(items, cost)
        except (BadFolder, BadSelection, CgcBadInput, CgcUsageError) as error:
            raise CgcInputRefused(f"Task {self.task_id!r}: {error}") from None
        except CgcError as error:
            raise CgcWaitError(
                f"{hook.explain(error)} When the cause is fixed (this task asks with connection"
                f" {self.cgc_conn_id!r}), clear this task: it lists the files again."
            ) from error

    def _selection(self) -> Selection:
        return Selection.of(**{name: getattr(self, name) for name in FILTERS})

    def _check_manifest(self, expected: int | None) -> None:
        """Refuse a wrong address for the manifest, and a missing one if it is needed."""
        if self.manifest_path is None:
            if self.manifest_conn_id is not None:
                raise CgcBadInput("manifest_conn_id is given without manifest_path; give both, or neither")
            if expected is not None and expected > MOST_IN_XCOM:
                raise CgcBadInput(f"expected_count is {expected}; {_needs_a_manifest()}")
            return
        try:
            uri = self._manifest_uri()
            if uri.lower().endswith(_MANIFEST_ENDS):
                storage.check_form(uri)
                return
        except CgcBadInput as error:
            raise CgcBadInput(f"manifest_path: {error}") from None
        raise CgcBadInput(f"manifest_path is {uri!r}; let it end in .jsonl, because the manifest is JSON Lines")

    def _manifest_uri(self) -> str:
        """Return the manifest's address with its connection."""
        return storage.address(self.manifest_path, self.manifest_conn_id)

    def _check_storage(self) -> None:
        """Check the manifest's storage before the listing, which may take long."""
        if self.manifest_path is None:
            return
        uri = self._manifest_uri()
        storage.check(uri)
        warning = storage.local_warning(uri)
        if warning:
            self.log.warning("%s", warning)

    def _list(self, client: CgcClient, folder: Folder, selection: Selection) -> tuple[list[ExportItem], str]:
        """Return the items, sorted, and the number of folders and requests in words."""
        rules = str(selection)
        self.log.info(
            "Listing the files of %s%s%s (connection %s).",
            folder,
            "" if self.recursive else " without the folders in it",
            f": {rules}" if rules else "",
            self.cgc_conn_id,
        )
        items: list[ExportItem] = []
        project, parent = folder.project_or_folder
        walk = client.files.tree(project, parent=parent, path=folder.path, recursive=self.recursive)
        with closing(iter(walk)) as found:
            for placed in found:
                file = placed.file
                if not selection.takes(file):
                    continue
                project_of = file.project or folder.project
                items.append(ExportItem(file.id, name=file.name, size=file.size, path=placed.path, project=project_of))
                if len(items) > MOST_IN_XCOM and self.manifest_path is None:
                    raise CgcBadInput(
                        f"{folder} has more than {MOST_IN_XCOM} such files: the listing was stopped at file"
                        f" {len(items)}; {_needs_a_manifest()}"
                    )
        items.sort(key=lambda item: (item.path or "", item.name or "", item.file))
        where = f"in {counted(walk.folders, 'folder')} " if self.recursive else ""
        return items, f", {where}read with {counted(walk.requests, 'request')}"

    def _check_count(self, count: int, expected: int | None, folder: Folder, selection: Selection) -> None:
        rules = str(selection)
        such = f" that match {rules}" if rules else ""
        # Only now, because the platform does not say that a file's name has no slash.
        path = next((name for name in selection.names if "/" in name), None)
        hint = f"name matches a file's own name without its folders, so give the folders of {path!r} by 'folder'; "
        check_count(
            count,
            where=str(folder),
            why="look for missing or additional files in the project, or correct the filters"
            + (f" ({rules})" if rules else ""),
            expected=expected,
            allow_empty=self.allow_empty,
            what="file",
            empty=f"has no files{such}; {hint if path else ''}correct the folder or the filters, or set"
            " allow_empty=True if there may be none",
        )

    def _hand_over(self, items: list[ExportItem], cost: str) -> list[dict[str, Any]] | str:
        """Write the manifest if one is wanted, and return the value for the XCom."""
        found = f"{counted(len(items), 'file')}, {human_bytes(sum(item.size or 0 for item in items))}{cost}"
        if self.manifest_path is None:
            self.log.info("Found %s.", found)
            return [item.to_json() for item in items]
        lines = (json.dumps(item.to_json()) + "\n" for item in items)
        uri = storage.write_lines(self._manifest_uri(), lines)
        self.log.info("Found %s. They are listed in %s.", found, uri)
        return uri if len(items) > MOST_IN_XCOM else [item.to_json() for item in items]


def _read_filter(value: Any, *, where: str) -> Selection:
    return Selection.of(**{where: value})


def _needs_a_manifest() -> str:
    return (
        f"more than {MOST_IN_XCOM} files are too many for an XCom, so set manifest_path, such as"
        " 's3://bucket/{{ run_id }}.jsonl', or narrow the filters"
    )
