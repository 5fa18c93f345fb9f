"""The operator that lists files of a project, in the form that the export operator takes.

The client and the object storage are imported when a task runs, never when a Dag file is parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc.jobs.listing.files import FileListing
from airflow_provider_cgc.jobs.listing.folders import FolderWanted
from airflow_provider_cgc.jobs.listing.secondary import SecondaryFiles
from airflow_provider_cgc.jobs.listing.selection import Selection
from airflow_provider_cgc.operators.listing import CgcListingOperator

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.literals import Literals

FILTERS = ("name", "exclude", "metadata", "tag", "origin_task", "min_size", "max_size", "modified_after")


class CgcListFilesOperator(CgcListingOperator):
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

    :param project: the project, "owner/short-name", or the address of its page on the platform's web site. Default: the
        project of `folder` if that is an id, else the connection's `project`. (templated)
    :param folder: list only this folder: its id, the address of its page on the platform's web site, or its path below
        the project such as "raw/2026". A name that looks like an id (24 hexadecimal digits) is written with a slash
        before it. (templated)
    :param recursive: list the folders below, too, at any depth; otherwise only the files directly there.
    :param name: a shell pattern such as `*.bam`, or several of which one must match; case-sensitive. (templated)
    :param exclude: a shell pattern for names that are left out, or several of which none may match. (templated)
    :param metadata: the metadata that the files must have: a dict of values, or of lists of which one must match;
        numbers are compared as text. (templated)
    :param tag: a tag, or several of which the file must have one. (templated)
    :param origin_task: the id of the task on the platform that made the files. (templated)
    :param min_size: the least size in bytes. (templated)
    :param max_size: the largest size in bytes. (templated)
    :param modified_after: only files modified later than this: a datetime, or ISO text such as "2026-01-31T12:00:00Z";
        without a zone it is UTC. (templated)
    :param exportable: leave out what certainly cannot be exported: aliases, whose bytes are on a volume already, and
        files of more than 5 TiB; the log counts both. An archived, public or DRS-imported file cannot be told from
        others.
    :param secondary_files: take the index of each selected file, too, although the other filters do not match it: files
        that the platform names as its secondary files, if they are in this place, and those in the same folder that are
        named like an index, such as a.bam.bai or a.bai beside a.bam (.bai, .crai, .csi, .tbi, .fai, .gzi, .idx, .dict).
        `exclude` and `exportable` leave out an index, too.
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

    what = "file"
    home = "project"
    start = "folder"
    filters = FILTERS
    flags = (*CgcListingOperator.flags, "exportable", "secondary_files")
    template_fields: Sequence[str] = (
        "project",
        "folder",
        "name",
        "exclude",
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
        exclude: str | Sequence[str] | None = None,
        metadata: Mapping[str, str | Sequence[str]] | str | None = None,
        tag: str | Sequence[str] | None = None,
        origin_task: str | None = None,
        min_size: int | str | None = None,
        max_size: int | str | None = None,
        modified_after: datetime | str | None = None,
        exportable: bool = False,
        secondary_files: bool = False,
        expected_count: int | str | None = None,
        allow_empty: bool = False,
        manifest_path: str | ObjectStoragePath | None = None,
        manifest_conn_id: str | None = None,
        cgc_conn_id: str = "cgc_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            recursive=recursive,
            name=name,
            exclude=exclude,
            min_size=min_size,
            max_size=max_size,
            modified_after=modified_after,
            expected_count=expected_count,
            allow_empty=allow_empty,
            manifest_path=manifest_path,
            manifest_conn_id=manifest_conn_id,
            cgc_conn_id=cgc_conn_id,
            **kwargs,
        )
        self.project = project
        self.folder = folder
        self.metadata = metadata
        self.tag = tag
        self.origin_task = origin_task
        self.exportable = exportable
        self.secondary_files = secondary_files
        self._read_literals().refuse()

    def read_place(self, given: Literals) -> None:
        """Read the project and the folder as far as they are known when the Dag is parsed."""
        given.read("project", lambda value, where: FolderWanted.of(value, None))
        given.read("folder", lambda value, where: FolderWanted.of(None, value))

    def read_rules(self, **values: Any) -> Selection:
        """Read some of the filters. Raises BadInput."""
        return Selection.of(**values)

    def prepare(self) -> Callable[[CgcClient], FileListing]:
        """Read project, folder and filters, and return a function that finds the folder."""
        wanted = FolderWanted.of(self.project, self.folder)
        selection = self.read_rules(**{name: getattr(self, name) for name in FILTERS})

        def find(client: CgcClient) -> FileListing:
            folder = wanted.find(client, default_project=client.settings.project)
            secondary = SecondaryFiles() if self.secondary_files else None
            return FileListing.of(
                client,
                folder,
                selection,
                recursive=self.recursive,
                exportable=self.exportable,
                secondary=secondary,
            )

        return find
