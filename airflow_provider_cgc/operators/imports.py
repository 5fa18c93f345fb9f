"""The operator that imports objects of a volume into a project and waits for the jobs, across retries and Clears."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_cgc.asset_uris import PROJECT
from airflow_provider_cgc.assets import destination_of
from airflow_provider_cgc.client.errors.problem import as_sentence
from airflow_provider_cgc.exceptions import CgcBadInput, CgcInputRefused, CgcJobsNotYetKnown
from airflow_provider_cgc.jobs.imports.item import ImportItem
from airflow_provider_cgc.jobs.kinds import IMPORT
from airflow_provider_cgc.jobs.text import BadInput
from airflow_provider_cgc.lineage import TransferLineage
from airflow_provider_cgc.operators.base import CgcSubmittingOperator
from airflow_provider_cgc.operators.import_arguments import IMPORT_ARGUMENTS, UNDESCRIBED, wishes_of
from airflow_provider_cgc.operators.listing import MOST_IN_XCOM
from airflow_provider_cgc.sensors.base import CgcJobsSensor

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Asset, Context, ObjectStoragePath

    from airflow_provider_cgc.jobs.imports.order import ImportOrder
    from airflow_provider_cgc.jobs.submitting.items import Item
    from airflow_provider_cgc.jobs.submitting.order import Order
    from airflow_provider_cgc.jobs.waiting.clearing import Clearing
    from airflow_provider_cgc.jobs.waiting.summary import Summary
    from airflow_provider_cgc.literals import Literals


class CgcBulkImportOperator(TransferLineage, CgcSubmittingOperator):
    """
    Import objects of a volume into a project, each once, wait until they are there, and set their metadata.

    An import copies no bytes: the file is an alias of the object, and is unreadable when the object is gone. What the
    platform shows is checked before anything is sent, and all problems are told together. Missing folders are made,
    then jobs are started 100 in a request (https://docs.cancergenomicscloud.org/reference/start-a-bulk-import-job), one
    for each object, because only then the id of each file is known. When jobs have completed, metadata and tags are
    set, 100 files in a request, and again by each retry, because repeating that ends the same.

    The wait, the modes, retries, Clears, `max_failures` and the record of started jobs are those of
    `CgcBulkExportOperator`. A Clear of a task that succeeded starts anew: with `if_exists="fail"` each item fails whose
    file is still there, with "skip" only missing files are imported, with "overwrite" every file is replaced, with
    "rename" every object is imported once more. If it is not certain whether an item was started, the task fails and
    does not send it.

    Returns the files, also those that were skipped, in the form that `CgcListFilesOperator` returns: a list of
    `{"file": id, "name", "size", "project", "path"}`, or the address of the manifest if there are more than 1,000. The
    lines of the manifest have the same as their `result`; `read_items` reads either. The summary is in the XCom
    `cgc_summary`. With `wait=False` it returns a value for `CgcBulkImportSensor`: the manifest's URI, or the job ids.

    .. seealso::
        The guide, with Dags to copy: :ref:`howto/operator:CgcBulkImportOperator`.

    :param items: the objects: locations or objects `{"location": key, "volume": "owner/name", "project" or "parent",
        "name": path, "metadata": {}, "tags": []}` of which all but `location` may be left out; a list, text of one
        (JSON or Python), or the result of `CgcListVolumeOperator`, also of a mapped one. The `name` of an item is its
        path below the project or folder, taken literally. Its own metadata and tags are added to those of all, and win.
        (templated)
    :param manifest: in place of `items`, the address of a CSV, TSV or JSON lines file with the same words as columns or
        keys: text or an `ObjectStoragePath`; it may be a manifest that this operator or `CgcListVolumeOperator` wrote.
        Further columns of a table are there for templates, as `{column.KEY}`. (templated)
    :param failed_only: of a manifest that this operator wrote, take only the items that failed. For items with an
        unknown outcome, because its task did not wait, the platform is asked; they must have finished.
    :param volume: the volume of items that have none of their own. (templated)
    :param project: the project that the files go to, "owner/short-name". Default: the connection's `project`.
        (templated)
    :param parent: in place of `project`, the id of a folder that they go to. (templated)
    :param name: the path of each file below the project or folder: `{name}` (the last part of the object's location),
        `{path}` (its folders below the prefix that was listed, or else all folders of its location), `{folder}` (the
        folder that it is in), `{column.KEY}`; empty folders are left out. Default: `{path}/{name}`. (templated)
    :param if_exists: what to do if the name is taken: "fail" the item, which is the default; "skip" it if an alias of
        this very object has the name, whose metadata are set, too (anything else of that name fails the item);
        "overwrite" the file, which the platform deletes first, so that the new one has another id, and tasks and links
        that use the old id break; or "rename": the platform puts `_1_` or the like before the name of the new file.
        (templated)
    :param metadata: the metadata of each file: a dict of texts, with the placeholders of `name` and `{location}`, such
        as `{"sample_id": "{folder}"}`, or text of it. The platform takes keys of at most 100 bytes, values of at most
        300, and 1,000 pairs. Other metadata of a file stay. Default: none. (templated)
    :param tags: the tags of each file: a list of texts with the same placeholders, or text of it. Other tags of a file
        stay. Default: none. (templated)
    :param max_failures: the number of items that may fail before the task does, including those that cannot be
        imported; after more failures nothing more is sent. (templated)
    :param max_failure_share: the same as a share of all items, from 0 to 1; if `max_failures` is above 0, too, the
        smaller number counts. (templated)
    :param manifest_path: the address of a file to write, with the outcome of every item, also if the task fails: text
        such as "s3://bucket/{{ run_id }}.jsonl", or an `ObjectStoragePath`; required for more than 1,000 items, whose
        files are too many for an XCom. (templated)
    :param manifest_conn_id: the connection for `manifest_path` and `manifest`, if these name none
        ("s3://conn@bucket/key"). (templated)
    :param verify: after the jobs have COMPLETED, ask for each file and check that it is an alias of its object. Files
        that get metadata or tags are checked in any case.
    :param resume: False lets every Clear start anew, however the task ended; Airflow's own retries still continue.
        Below Airflow 3.3 False needs a `manifest_path`.
    :param wait: False ends the task when all jobs are started; then no metadata and tags can be set.
    :param dry_run: check everything, log what would be done, and send nothing; returns the counts that a dry run of
        `CgcBulkExportOperator` does, with `not_importable` in place of `not_exportable`.
    :param allow_empty: succeed if there is nothing to import, which is otherwise an error.
    :param cgc_conn_id: the connection, of a user who may import from the volume and write to the project. (templated)
    :param expected_count: the number of items that there must be; another one is an error before anything is sent.
        (templated)
    :param fail_fast: fail at the first FAILED job instead of when all have ended; the other jobs continue.
    :param deferrable: wait in the triggerer; wins over `mode`. Default: Airflow's `[operators] default_deferrable`.
    :param poke_interval: seconds between two looks at a job, in every mode; 60 by default. Give less than
        `timeout`, and 60 or more in `mode="reschedule"`.
    :param timeout: seconds until `AirflowSensorTimeout`, in every mode, across restarts of the triggerer; 7 days by
        default, which is Airflow's own setting. An infinite time, such as `timedelta.max`, is a hundred years.
    :param soft_fail: skip instead of fail if jobs FAILED or the wait timed out; a wrong argument, token or right still
        fails the task.
    :param never_fail: skip instead of fail whatever happens.
    :raises CgcInputRefused: an argument, a volume or a destination is wrong, or more items than may fail; nothing was
        sent; not retried. For arguments without a template it is raised when the Dag is parsed.
    :raises CgcJobsFailed: items failed permanently; not retried.
    :raises CgcJobsIncomplete: items failed, and a retry can help.
    :raises CgcJobsUncertain: an earlier attempt may have sent items, and nobody can tell; nothing was sent.
    :raises CgcJobsNotYetKnown: it is not known yet which jobs were started, how they ended, or whether a file has its
        metadata, or a job of another run is in the way for now; a retry looks again.
    :raises CgcWaitError: the token, the rights or the address of the connection are wrong, or the platform did not
        accept the jobs.
    """

    kind = IMPORT
    item = ImportItem
    sensor = "CgcBulkImportSensor(import_ids={})"
    template_fields: Sequence[str] = (
        "items",
        "manifest",
        "volume",
        "project",
        "parent",
        "name",
        "if_exists",
        "metadata",
        "tags",
        "max_failures",
        "max_failure_share",
        "manifest_path",
        "manifest_conn_id",
        *CgcJobsSensor.template_fields,
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"items": "json", "metadata": "json", "tags": "json"}

    def __init__(
        self,
        *,
        items: Any = None,
        manifest: str | ObjectStoragePath | None = None,
        failed_only: bool = False,
        volume: str | None = None,
        project: str | None = None,
        parent: str | None = None,
        name: str = "{path}/{name}",
        if_exists: str = "fail",
        metadata: Mapping[str, str] | str | None = None,
        tags: Sequence[str] | str | None = None,
        max_failures: int | str = 0,
        max_failure_share: float | str | None = None,
        manifest_path: str | ObjectStoragePath | None = None,
        manifest_conn_id: str | None = None,
        verify: bool = False,
        resume: bool = True,
        wait: bool = True,
        dry_run: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            items=items,
            manifest=manifest,
            failed_only=failed_only,
            max_failures=max_failures,
            max_failure_share=max_failure_share,
            manifest_path=manifest_path,
            manifest_conn_id=manifest_conn_id,
            verify=verify,
            resume=resume,
            wait=wait,
            dry_run=dry_run,
            **kwargs,
        )
        self.volume = volume
        self.project = project
        self.parent = parent
        self.name = name
        self.if_exists = if_exists
        self.metadata = metadata
        self.tags = tags
        self._read_literals().refuse()

    def _read_literals(self) -> Literals:
        given = IMPORT_ARGUMENTS.literals(self)
        self._check_flags(given)
        return given

    def check_memory(self, context: Context, count: int) -> None:
        """
        Refuse options for which the started jobs could not be remembered, or the files not passed on.

        :raises CgcInputRefused: naming the argument that helps.
        """
        super().check_memory(context, count)
        if self.wait and not self.is_dry_run and not self.manifest_path and count > MOST_IN_XCOM:
            raise CgcInputRefused(
                f"Task {self.task_id!r} has {count} items, and more than {MOST_IN_XCOM} files are too many for an XCom;"
                " give it a manifest_path, such as 's3://bucket/{{ run_id }}.jsonl', whose address is returned instead."
            )

    def read_items(self) -> Sequence[ImportItem]:
        """
        Read the arguments, and the items from their source.

        :raises CgcBadInput: with everything that is wrong with them.
        """
        expected = IMPORT_ARGUMENTS.read(self)["expected_count"]
        items: list[ImportItem] = self._read_from(expected=expected, check=IMPORT_ARGUMENTS.check)
        if not self.wait and any(item.metadata or item.tags for item in items):
            raise CgcBadInput(f"{self.where} give metadata or tags, and {UNDESCRIBED}")
        return items

    def _read_again(self) -> Sequence[ImportItem]:
        """
        Read the items once more, when the jobs have ended.

        :raises CgcJobsNotYetKnown: if that is not possible; a retry reads them again.
        """
        try:
            return self.read_items()
        except (BadInput, CgcBadInput, CgcInputRefused) as error:
            raise CgcJobsNotYetKnown(
                "The items cannot be read again, and they say which metadata the files get:"
                f" {as_sentence(error)} Restore them; a manifest_path would keep them for this task."
            ) from error

    def order(self, *, recorded: bool) -> Order:
        """Return the order for the objects to import."""
        return self._order(if_exists=self.if_exists, verify=self.verify, recorded=recorded)

    def order_at_end(self, context: Context, *, ended: bool) -> Order:
        """
        Return the order again, for the account; `ended` is False if the wait timed out before all jobs ended.

        Without a manifest the items are read once more: with their metadata they are too large for a trigger's row.
        """
        return self._order(
            if_exists=self.if_exists if ended else "fail", verify=self.verify and ended, read_again=self._read_again
        )

    def _order(
        self,
        *,
        if_exists: str,
        verify: bool,
        recorded: bool = True,
        read_again: Callable[[], Sequence[Item]] | None = None,
    ) -> ImportOrder:
        from airflow_provider_cgc.jobs.imports.order import ImportOrder

        client, given = self.client(), IMPORT_ARGUMENTS.read(self)
        return ImportOrder(
            client,
            wishes=wishes_of(given, project=client.settings.project),
            if_exists=if_exists,
            verify=verify,
            recorded=recorded,
            tolerance=self.tolerance,
            where=self.where,
            read_again=read_again,
        )

    def result(self, summary: Summary, made: Sequence[Mapping[str, Any]]) -> Any:
        """Return the files, or the manifest's address if they are too many for an XCom."""
        return [dict(one) for one in made] if len(made) <= MOST_IN_XCOM else self.manifest_uri

    def clearing(self) -> Clearing | None:
        """Return the facts about a Clear that its arguments decide; None if one of these is wrong."""
        from airflow_provider_cgc.jobs.imports.again import clearing_of_completed

        try:
            if_exists = IMPORT_ARGUMENTS.READERS["if_exists"](self.if_exists, where="if_exists")
        except CgcBadInput:
            return None
        return clearing_of_completed(if_exists=if_exists, verify=self.verify)

    def asset(self) -> Asset | None:
        """Return the asset of the project, or of the folder in it that all names begin with; None for a `parent`."""
        settings = self.connection().settings
        wishes = wishes_of(IMPORT_ARGUMENTS.read(self), project=settings.project)
        return destination_of(PROJECT, wishes.project, wishes.name.text, host=settings.host)
