"""The operator that exports files to a volume and waits for the jobs, in every mode, across retries and Clears."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow_provider_cgc import storage
from airflow_provider_cgc.arguments import flag_of
from airflow_provider_cgc.asset_uris import VOLUME
from airflow_provider_cgc.assets import destination_of
from airflow_provider_cgc.exceptions import CgcBadInput
from airflow_provider_cgc.jobs.exports.item import ExportItem
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.lineage import TransferLineage
from airflow_provider_cgc.operators.base import CgcSubmittingOperator
from airflow_provider_cgc.operators.export_arguments import EXPORT_ARGUMENTS
from airflow_provider_cgc.sensors.base import CgcJobsSensor

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Asset, Context, ObjectStoragePath

    from airflow_provider_cgc.jobs.exports.order import ExportOrder
    from airflow_provider_cgc.jobs.submitting.attempt import Attempt
    from airflow_provider_cgc.jobs.submitting.order import Order
    from airflow_provider_cgc.jobs.waiting.clearing import Clearing
    from airflow_provider_cgc.jobs.waiting.summary import Summary
    from airflow_provider_cgc.literals import Literals
    from airflow_provider_cgc.operators.sidecar import TaskSidecar


class CgcBulkExportOperator(TransferLineage, CgcSubmittingOperator):
    """
    Export files of projects to a volume and wait until they are there; none lost, none twice.

    What the platform shows is checked before anything is sent, and all problems are reported together. Jobs are started
    100 in a request (https://docs.cancergenomicscloud.org/reference/start-a-bulk-export-job), and the wait is that of
    `CgcBulkExportSensor`, with the same modes and arguments. A retry, or a Clear of a task that failed, continues where
    the last attempt stopped: it takes over running jobs, counts finished ones, and sends only items that are missing or
    failed with an error that may be temporary (after a Clear, all that failed). A Clear of a task that succeeded starts
    anew: with `if_exists="overwrite"` every copy is exported again, with "fail" each item fails whose object is still
    there, with "skip" only missing objects are exported; moved files are never sent again. If it is not certain whether
    an item was started, the task fails and does not send it. In reschedule mode an item is sent once in a try, however
    often the task pokes.

    The record of started jobs is Airflow's task state store (3.3 and later), the manifest at `manifest_path`, or the
    platform's list of jobs. If only that list is left, a Clear of a task that succeeded finds its jobs there and sends
    only what failed. A task with `wait=False` does not know how its jobs end: a Clear sends again only items that
    failed. With `resume=False` every Clear starts anew.

    Returns its summary, also in the XCom `cgc_summary`: see `CgcBulkExportSensor`; `failed_items` and the manifest are
    in the form that `items` and `manifest` take. With `wait=False` it returns a value for a sensor: the manifest's URI,
    or the job ids if there is none.

    .. seealso::
        The guide, with Dags to copy: :ref:`howto/operator:CgcBulkExportOperator`.

    :param items: the files to export: file ids or objects `{"file": id, "location": key, "volume": "owner/name",
        "properties": {}}` of which all but `file` may be left out; a list, text of one (JSON, Python, or ids separated
        by commas or white space), or the result of `CgcListFilesOperator`, also of a mapped one. The `location` of an
        item is taken literally, including braces. (templated)
    :param manifest: in place of `items`, the address of a CSV, TSV or JSON lines file with the same words as columns
        or keys (`id` may stand for `file`): text or an `ObjectStoragePath`; it may be a manifest that this operator
        wrote. (templated)
    :param failed_only: of a manifest that this operator wrote, take only the items that failed. For items with an
        unknown outcome, because its task did not wait, the platform is asked; they must have finished.
    :param volume: the volume for items that have none of their own. (templated)
    :param location: the key below the volume's prefix, for items that have none: `{name}`, `{path}` (folders below
        the project), `{project}` (its short name, without the owner), `{id}`, `{metadata.KEY}`; empty folders are left
        out. (templated)
    :param copy_only: True keeps the platform's file; False *moves* it: it becomes an alias of the exported object and
        can never be exported again. If it is listed again, as in a nightly move, it counts as completed if it is an
        alias of the wanted object, so leave the date out of `location`. Has no default on purpose. (templated)
    :param if_exists: what to do if an object is there already: "fail" the item, "skip" it if the size is the same
        (or the volume's list gives none), also if the object appears while the job waits, or "overwrite" the object.
        Another size fails the item. With `copy_only=False` a skipped file is not moved: the platform keeps it.
        (templated)
    :param aliases: what to do with files that are aliases of other objects than the wanted one, which the platform
        does not export: "fail" those items, or "skip" them. (templated)
    :param properties: passed to the platform with every item that has none, such as
        `{"sse_algorithm": "AES256", "aws_storage_class": "STANDARD_IA"}`, or text of it. (templated)
    :param max_failures: the number of items that may fail before the task does, including those that cannot be
        exported (deleted, a folder, an alias, too large, no usable location); after more failures nothing more is
        sent. (templated)
    :param max_failure_share: the same as a share of all items, from 0 to 1; if `max_failures` is above 0, too, the
        smaller number counts. (templated)
    :param manifest_path: the address of a file to write, with the outcome of every item, also if the task fails: text
        such as "s3://bucket/{{ run_id }}.jsonl", or an `ObjectStoragePath`; written before anything is sent, when all
        is sent, and at the end; empty if there was nothing to do. (templated)
    :param metadata_path: the address of a file to write, ending in .jsonl, with a line for each exported file that is
        on the volume at the end, also if the task fails (not if it times out): its `file` id, `volume`, `location`,
        `size`, its name, folders and project on the platform as `source_name`, `path` and `source_project`, `metadata`,
        `tags` and `origin_task`. `CgcBulkImportOperator(manifest=...)` takes it unchanged, and makes the same tree with
        the same metadata in its own project, whatever `location` was. They are read before anything is sent, and kept
        in a file beside it (".planned") until the jobs have ended, so that a file that is deleted meanwhile keeps them.
        For a file that was gone before, metadata and tags are null, with a warning. Numbers become text and nulls are
        left out, as an import takes only text; lists and objects stay as `other_metadata`, which it ignores, with a
        warning. If lines are lost, the task is not green; a retry asks for the files again. A dry run writes none.
        (templated)
    :param manifest_conn_id: the connection for `manifest_path`, `metadata_path` and `manifest`, if these name none
        ("s3://conn@bucket/key"). (templated)
    :param verify: after the jobs have COMPLETED, list the volume and check that each object is there, with the right
        size if the list gives one.
    :param resume: False lets every Clear start anew, however the task ended; Airflow's own retries still continue,
        because otherwise each of them would export everything once more. Below Airflow 3.3 False needs a
        `manifest_path`.
    :param wait: False ends the task when all jobs are started; `cgc_summary` counts those that could not be started.
        With failures tolerated it needs a `manifest_path`, because ids do not show what was refused.
    :param dry_run: check everything, log what would be done, and send nothing; returns the number of `items`, and how
        many of them are `to_send`, `skipped`, `not_exportable`, `settled` (done, or under way), `under_way` (those of
        the settled ones whose jobs have not ended), `failing` (failed for good, done wrongly, or held back by a job of
        another run) and `in_the_way` (an object is there; these are also counted in `to_send`, except with
        `if_exists="skip"`), the `bytes` to send, as far as sizes are known, and the `manifest`, None without
        `manifest_path`. With `manifest_path` it writes the items to send, under way, failing or in the way there, each
        with its place, and `lines` is their number: another task with `manifest` exports exactly these, and refuses
        them if its `copy_only` is another one. It overwrites only its own plan of the same Dag run.
    :param allow_empty: succeed if there is nothing to export, which is otherwise an error. Items that are skipped are
        something.
    :param cgc_conn_id: the connection, of a user who may export the files. (templated)
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
    :raises CgcInputRefused: an argument or a volume is wrong, or more items than may fail; nothing was sent; not
        retried. For arguments without a template it is raised when the Dag is parsed.
    :raises CgcJobsFailed: items failed permanently; not retried.
    :raises CgcJobsIncomplete: items failed, and a retry can help.
    :raises CgcJobsUncertain: an earlier attempt may have sent items, and nobody can tell; nothing was sent.
    :raises CgcJobsNotYetKnown: it is not known yet which jobs were started or how they ended, or a job of another run
        is in the way for now; a retry looks again.
    :raises CgcWaitError: the token, the rights or the address of the connection are wrong, or the platform did not
        accept the jobs.
    """

    kind = EXPORT
    item = ExportItem
    sensor = "CgcBulkExportSensor(export_ids={})"
    template_fields: Sequence[str] = (
        "items",
        "manifest",
        "volume",
        "location",
        "copy_only",
        "if_exists",
        "aliases",
        "properties",
        "max_failures",
        "max_failure_share",
        "manifest_path",
        "metadata_path",
        "manifest_conn_id",
        *CgcJobsSensor.template_fields,
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"items": "json", "properties": "json"}

    def __init__(
        self,
        *,
        copy_only: bool | str,
        items: Any = None,
        manifest: str | ObjectStoragePath | None = None,
        failed_only: bool = False,
        volume: str | None = None,
        location: str = "{path}/{name}",
        if_exists: str = "fail",
        aliases: str = "fail",
        properties: Mapping[str, Any] | None = None,
        max_failures: int | str = 0,
        max_failure_share: float | str | None = None,
        manifest_path: str | ObjectStoragePath | None = None,
        metadata_path: str | ObjectStoragePath | None = None,
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
        self.copy_only = copy_only
        self.volume = volume
        self.location = location
        self.if_exists = if_exists
        self.aliases = aliases
        self.properties = properties
        self.metadata_path = metadata_path
        self._read_literals().refuse()

    def _read_literals(self) -> Literals:
        given = EXPORT_ARGUMENTS.literals(self)
        self._check_flags(given)
        return given

    def read_items(self) -> Sequence[ExportItem]:
        """
        Read the arguments, and the items from their source.

        :raises CgcBadInput: with everything that is wrong with them.
        """
        return self._read_from(expected=EXPORT_ARGUMENTS.read(self)["expected_count"], check=EXPORT_ARGUMENTS.check)

    def order(self, *, recorded: bool) -> Order:
        """Return the order for the files to export."""
        from airflow_provider_cgc.jobs.exports.order import ExportOrder

        given = EXPORT_ARGUMENTS.read(self)
        return ExportOrder(
            self.client(),
            copy_only=given["copy_only"],
            volume=given["volume"],
            template=given["location"],
            if_exists=given["if_exists"],
            aliases=given["aliases"],
            properties=given["properties"],
            verify=self.verify,
            recorded=recorded,
            tolerance=self.tolerance,
            where=self.where,
            with_paths=bool(self.metadata_path),
        )

    def order_at_end(self, context: Context, *, ended: bool) -> Order:
        """Return the order again, for the account; `ended` is False if the wait timed out before all jobs ended."""
        from airflow_provider_cgc.jobs.exports.order import ExportOrder

        return ExportOrder(
            self.client(),
            copy_only=flag_of(self.copy_only, where=f"copy_only of task {self.task_id!r}") or not ended,
            if_exists=self.if_exists if ended else "fail",
            verify=self.verify and ended,
            sidecar=self._sidecar(context) if ended else None,
        )

    def check_memory(self, context: Context, count: int) -> None:
        """
        Refuse options for which the started jobs could not be remembered, or the metadata not be written.

        :raises CgcInputRefused: naming the argument that helps; `CgcBadInput` if another file is at `metadata_path`.
        """
        super().check_memory(context, count)
        if sidecar := self._sidecar(context):
            sidecar.check()

    def about_to_send(self, context: Context, attempt: Attempt) -> None:
        """Keep the metadata of the files, and the names of the datasets, for OpenLineage."""
        self._plan_metadata(context, attempt)
        super().about_to_send(context, attempt)

    def sent(self, context: Context, attempt: Attempt) -> None:
        """Keep the metadata of files, too, whose objects were found while others were sent."""
        if attempt.order.skips_existing:
            self._plan_metadata(context, attempt)

    def _plan_metadata(self, context: Context, attempt: Attempt) -> None:
        if sidecar := self._sidecar(context):
            sidecar.plan(cast("ExportOrder", attempt.order), attempt.outcomes())

    def accounted(self, context: Context, summary: Summary) -> None:
        """Write an empty file if there was nothing to do, and take up the names of the datasets again."""
        if not summary.total and (sidecar := self._sidecar(context)):
            sidecar.write_nothing()
        super().accounted(context, summary)

    def _sidecar(self, context: Context) -> TaskSidecar | None:
        """Return the sidecar of the present attempt; None if none is wanted."""
        from airflow_provider_cgc.operators.sidecar import TaskSidecar

        if not self.metadata_path:
            return None
        address = storage.address(self.metadata_path, self.manifest_conn_id)
        return TaskSidecar(address, context["ti"], warn=lambda line: self.log.warning("%s", line))

    def clearing(self) -> Clearing | None:
        """Return the facts about a Clear that its arguments decide; None if one of these is wrong."""
        from airflow_provider_cgc.jobs.exports.again import clearing_of_completed

        try:
            given = {
                name: EXPORT_ARGUMENTS.READERS[name](getattr(self, name), where=name)
                for name in ("copy_only", "if_exists")
            }
        except CgcBadInput:
            return None
        return clearing_of_completed(**given, verify=self.verify)

    def asset(self) -> Asset | None:
        """Return the asset of the files' destination; None if it is not known."""
        return destination_of(VOLUME, self.volume, self.location, host=self.connection().settings.host)
