"""The operator that exports files to a volume and waits for the jobs, in every mode, across retries and Clears."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_cgc import storage
from airflow_provider_cgc.arguments import check_count, check_flag, count_of, flag_of, share_of
from airflow_provider_cgc.assets import place_of, refuse_early_events
from airflow_provider_cgc.client.errors import CgcError
from airflow_provider_cgc.client.errors.problem import as_sentence
from airflow_provider_cgc.compat import has_poked, run_began
from airflow_provider_cgc.exceptions import (
    CgcExportsUncertain,
    CgcExportsUnsettled,
    CgcInputRefused,
    CgcWaitError,
)
from airflow_provider_cgc.jobs.exports.item import Item
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.submitting import ledger as ledgers
from airflow_provider_cgc.jobs.submitting.outcomes import known_place, tracker_of
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.summary import Outcome, Summary, failure_table
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.lineage import ExportLineage
from airflow_provider_cgc.operators.export_arguments import WHY_OTHERS, Tolerance, literals_of, read_arguments
from airflow_provider_cgc.operators.record import ReadOnly, Record
from airflow_provider_cgc.operators.refusing import refusal, refusing_bad_input, where_reasons_are, write_reasons
from airflow_provider_cgc.operators.submitting import obstacles_line, send
from airflow_provider_cgc.patience import push_xcom, task_state_store
from airflow_provider_cgc.sensors.base import SUMMARY_KEY, CgcJobsSensor
from airflow_provider_cgc.sensors.ending import End
from airflow_provider_cgc.sensors.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from airflow.providers.common.compat.sdk import Asset, Context, ObjectStoragePath

    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.jobs.exports import finish as account
    from airflow_provider_cgc.jobs.exports.order import Order
    from airflow_provider_cgc.jobs.submitting.attempt import Exporting
    from airflow_provider_cgc.jobs.submitting.manifest import ItemOutcome
    from airflow_provider_cgc.literals import Literals

MOST_IDS = 1000
"""Job ids that a task without a manifest returns."""
PATIENCE = 900.0
"""Seconds that one call may wait and repeat: two windows of the rate limit, and a short maintenance."""


AFTER_CLEAR = "it takes over what runs, counts what is done, and sends again only what failed or is missing"


@dataclass(frozen=True, slots=True)
class StartedExports(Source):
    """The exports that the operator starts itself."""

    operator: CgcBulkExportOperator = field(repr=False)
    already_answered = True
    after_clear = AFTER_CLEAR

    def open(self, context: Context) -> JobTracker:
        """Start what has to be started, or take up what an earlier poke of this try has started."""
        return self.operator.started(context)

    def what_to_do(self, summary: Summary) -> str:
        """Say what to do about items that failed."""
        return self.operator.words_about(summary)

    def facts(self) -> Mapping[str, Any]:
        """Return where the files are, where they go and how much there is."""
        return self.operator.facts()

    def asset(self) -> Asset | None:
        """Return the asset of where the files go."""
        return place_of(self.operator.volume, self.operator.location)

    def before_deferring(self, context: Context) -> None:
        """Keep the ids of all jobs."""
        self.operator.keep_started(context)

    def close(self, context: Context, end: End) -> End:
        """Account for every item, verify, and judge by what the task tolerates."""
        return self.operator.account_for(context, end)


@dataclass(frozen=True, slots=True)
class Prepared:
    """An attempt that is ready to send: what it sends, and where it keeps what it has sent."""

    exporting: Exporting
    ledger: ledgers.Ledger
    record: Record


class CgcBulkExportOperator(ExportLineage, CgcJobsSensor):
    """
    Export files of projects to a volume and wait until they are there; none lost, none twice.

    Everything is checked before anything is sent, and all that is wrong is told together. Jobs are started 100 in a
    request (https://docs.cancergenomicscloud.org/reference/start-a-bulk-export-job) and waited for as
    `CgcBulkExportSensor` does, in the same modes and with the same arguments. A retry, or a Clear of a task that
    failed, goes on where the last attempt broke off: it takes over what runs, counts what is done and sends only what
    is missing, and what failed with an error that may pass (after a Clear, everything that failed). A Clear of a task
    that succeeded exports anew. What cannot be told for certain is an error and is not sent. In reschedule mode an item
    is sent once in a try, however often it pokes.

    The record of what was sent is Airflow's task state store (3.3 and later), the manifest at `manifest_path`, or the
    platform's list of jobs. Where only that list is left, a Clear of a task that succeeded finds its jobs there and
    exports nothing. A task with `wait=False` never knows how its jobs end: a Clear sends again only what failed. Set
    `resume=False` to export anew.

    Returns its summary, also in the XCom `cgc_summary`: see `CgcBulkExportSensor`; `failed_items` and the manifest are
    in the form that `items` and `manifest` take. With `wait=False` it returns the manifest's URI, or the job ids where
    there is none, for a sensor.

    .. seealso::
        The example Dags ``cgc_export_project``, ``cgc_nightly_export`` and ``cgc_export_manifest``.

    :param items: what to export: file ids or objects `{"file": id, "location": key, "volume": "owner/name",
        "properties": {}}` of which all but `file` may be left out; a list, text of one (JSON, Python, or ids separated
        by commas or white space), or what `CgcListFilesOperator` returns. (templated)
    :param manifest: in place of `items`, the address of a CSV, TSV or JSON lines file with the same words as columns
        or keys: text or an `ObjectStoragePath`; a manifest that this operator wrote will do. (templated)
    :param failed_only: of a manifest that this operator wrote, take only the items that failed.
    :param volume: where items go that name no volume of their own. (templated)
    :param location: the key below the volume's prefix, for items that bring none: `{name}`, `{path}` (folders below
        the project), `{project}`, `{id}`, `{metadata.KEY}`; folders that come out empty are left out. (templated)
    :param copy_only: True keeps the platform's file; False *moves* it: it becomes an alias of the exported object and
        can never be exported again; where it is listed again, as in a nightly move, it counts as completed if it is an
        alias of the very object wanted, so leave the date out of `location`. Has no default on purpose. (templated)
    :param if_exists: what to do where an object is: "fail" that item, "skip" it if its size is the same (where the
        volume's list gives one), also if it appears while the job waits, or "overwrite" it. (templated)
    :param aliases: what to do with files that are aliases of other objects than the one wanted, which the platform
        does not export: "fail" those items, or "skip" them. (templated)
    :param properties: passed to the platform with every item that brings none, such as
        `{"sse_algorithm": "AES256", "aws_storage_class": "STANDARD_IA"}`, or text of it. (templated)
    :param max_failures: how many items may fail before the task does, with those that cannot be exported (deleted, a
        folder, an alias, too large, no usable location); beyond that nothing more is sent. (templated)
    :param max_failure_share: the same as a share of all items, from 0 to 1; with a `max_failures` above 0 beside it,
        the smaller number counts. (templated)
    :param manifest_path: the address of a file that tells of every item what became of it, also when the task fails:
        text such as "s3://bucket/{{ run_id }}.jsonl", or an `ObjectStoragePath`; written before, in the midst of and
        after the work. (templated)
    :param manifest_conn_id: the connection for `manifest_path` and `manifest`, where these do not name theirs
        ("s3://conn@bucket/key"). (templated)
    :param verify: after the jobs have COMPLETED, list the volume and compare: each object is there, and has the right
        size where the list gives one.
    :param resume: False lets a Clear start anew whatever became of the task; Airflow's own retries go on all the same,
        or each of them would export everything once more.
    :param wait: False ends the task when all jobs are started; `cgc_summary` counts those that could not be.
    :param dry_run: check everything, say what would be done, and send nothing; returns how many `items` there are, and
        how many of them are `to_send`, `skipped`, `not_exportable`, `settled` (done, or under way), `in_the_way`: an
        object is there. Those are among `to_send`, but with `if_exists="skip"`, where they are not sent.
    :param allow_empty: succeed when there is nothing to export; otherwise that is an error. Items that are skipped are
        something.
    :param cgc_conn_id: the connection, which must be of the user who may export the files. (templated)
    :param expected_count: how many items there must be; anything else is an error before anything is sent. (templated)
    :param fail_fast: fail at the first FAILED job instead of when all have ended; the others go on.
    :param deferrable: wait in the triggerer; wins over `mode`. Default: Airflow's `[operators] default_deferrable`.
    :param poke_interval: seconds between two looks at the jobs, in every mode; 60 by default.
    :param timeout: seconds until `AirflowSensorTimeout`, in every mode, across restarts of the triggerer.
    :param soft_fail: skip instead of fail when jobs FAILED or the timeout is over; what is wrong with the input, the
        token or the rights is never skipped.
    :param never_fail: skip instead of fail whatever happens.
    :raises CgcInputRefused: something is wrong with the arguments or a volume, or with more items than may fail;
        nothing was sent; not retried. Of what the Dag says without a template it is raised when the Dag is parsed.
    :raises CgcJobsFailed: items failed for good; not retried.
    :raises CgcJobsIncomplete: items failed, and a retry can help.
    :raises CgcExportsUncertain: an earlier attempt may have sent items, and nobody can tell; nothing was sent.
    :raises CgcExportsUnsettled: it cannot be told yet what was started, or how it ended, or a job of another run is in
        the way for now; a retry looks again.
    :raises CgcWaitError: the token, the rights or the address of the connection are wrong, or the platform did not
        take the jobs.
    """

    kind = EXPORT
    ids_argument: ClassVar[str] = "items"
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
        manifest_conn_id: str | None = None,
        verify: bool = False,
        resume: bool = True,
        wait: bool = True,
        dry_run: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.copy_only = copy_only
        self.items = items
        self.manifest = manifest
        self.failed_only = failed_only
        self.volume = volume
        self.location = location
        self.if_exists = if_exists
        self.aliases = aliases
        self.properties = properties
        self.max_failures = max_failures
        self.max_failure_share = max_failure_share
        self.manifest_path = manifest_path
        self.manifest_conn_id = manifest_conn_id
        self.verify = verify
        self.resume = resume
        self.wait = wait
        # Airflow's own operators have a method `dry_run`.
        self._dry_run = dry_run
        self._submitting = False
        self._began: datetime | None = None
        self._known: dict[str, Any] = {}
        """What the live snapshot tells of where the files are, where they go and how much there is."""
        where = f"{type(self).__name__} {self.task_id!r}"
        refuse_early_events(self.outlets or (), wait=wait, dry_run=dry_run, where=where)
        self._read_literals().refuse()

    def _read_literals(self) -> Literals:
        given = literals_of(self)
        flags = {name: getattr(self, name) for name in ("failed_only", "verify", "resume", "wait")}
        for name, value in {**flags, "dry_run": self._dry_run}.items():
            given.check(partial(check_flag, value, where=name))
        return given

    # No attribute of the instance: Airflow's OpenLineage provider, with include_full_task_info, turns these into
    # attributes of a dict, and then needs that dict's own method `items` (tried with 2.20).
    @property
    def items(self) -> Any:
        """The argument."""
        return self._items_given

    @items.setter
    def items(self, value: Any) -> None:
        self._items_given = value

    def execute(self, context: Context) -> Any:
        """Check, send, and wait as the mode says."""
        if self.wait and not self._dry_run:
            return super().execute(context)
        self._current = None
        with self._never_failing():
            return self._only_start(context)

    def _make_source(self) -> Source:
        return StartedExports(self)

    def on_kill(self) -> None:
        """Say what goes on without us; a retry takes it over."""
        if self._submitting:
            self.log.warning("Exports that were started go on and cannot be cancelled; a retry takes them over.")
        super().on_kill()

    def _only_start(self, context: Context) -> Any:
        work = self._prepared(context)
        if work is None:
            return {"items": 0, "dry_run": True} if self._dry_run else self._handed_over([])
        if self._dry_run:
            return self._report(work.exporting)
        outcomes = self._sent(context, work)
        tracker = tracker_of(outcomes)
        if self._too_many(tracker.failed + tracker.missing, tracker.total):
            return self._finish(context, End(Outcome.FAILED, tracker.summary()))
        summary = replace(tracker.summary(), manifest=self._manifest_uri())
        push_xcom(context["ti"], SUMMARY_KEY, summary.to_json())
        for line in failure_table(summary):
            self.log.warning("%s", line)
        self.log.info("%s started; this task does not wait.", self.kind.count(len(tracker.open)))
        return self._handed_over(list(tracker.open))

    def _report(self, exporting: Exporting) -> dict[str, Any]:
        """Say what would be done, and above all what is in the way."""
        for line in exporting.dry_run():
            self.log.info("%s", line)
        in_the_way = exporting.obstacles()
        if in_the_way:
            self.log.warning("%s", obstacles_line(in_the_way, overwrite=self.if_exists == "overwrite"))
        self.log.info("This was a dry run: nothing was sent.")
        counts = {**exporting.counts(), "in_the_way": len(in_the_way)}
        return {"items": exporting.count, "dry_run": True, **counts}

    def _handed_over(self, ids: list[str]) -> str | list[str]:
        """Return what a sensor takes: the manifest's address, or the ids."""
        if not ids and not self.manifest_path:
            self.log.info("There is nothing to wait for: a sensor that takes this needs allow_empty=True.")
        return self._manifest_uri() or ids

    def _manifest_uri(self) -> str | None:
        """Return the manifest's address as it can be read elsewhere, with its connection."""
        return storage.address(self.manifest_path, self.manifest_conn_id) if self.manifest_path else None

    def started(self, context: Context) -> JobTracker:
        """Start what has to be started, or take up what an earlier poke of this try has started."""
        if self._is_later_poke(context):
            self._connection().answered = True
            known = self._record(context).taken_up()
            if known is not None:
                return known
        work = self._prepared(context)
        if work is None:
            return JobTracker.of(self.kind, [])
        outcomes = self._sent(context, work)
        self._began = work.ledger.began
        self._known = known_place(outcomes, work.exporting.facts.files)
        tracker = tracker_of(outcomes)
        if not self._too_many(tracker.failed, tracker.total):
            tracker.excused = tracker.failed
        self._record(context).keep(tracker)
        return tracker

    def _prepared(self, context: Context) -> Prepared | None:
        """Check everything and decide what to do with each item; None if there is nothing to do."""
        try:
            return self._prepare(context)
        except CgcError as error:
            raise CgcWaitError(
                f"{self._connection().explain(error)} This attempt has started no exports. When the cause is mended"
                f" (this task asks with connection {self.cgc_conn_id!r}), clear this task: {AFTER_CLEAR}."
            ) from error

    def _prepare(self, context: Context) -> Prepared | None:
        with refusing_bad_input():
            record = self._record(context)
            record.begin()
            if record.was_answered_at(lambda: self._connection().settings.host):
                self._connection().answered = True
            order = self._order(context, record)
            return None if order is None else self._decided(context, order, record)

    def _order(self, context: Context, record: Record) -> Order | None:
        """Read the arguments and the items; None if there is nothing to do."""
        from airflow_provider_cgc.jobs.exports.order import Order

        given = read_arguments(self)
        items = self._items(expected=given["expected_count"])
        record.check(dry_run=self._dry_run)
        if not items:
            if not self._dry_run:
                record.write_nothing(waits=self.wait)
            return None
        self._check_memory(context, len(items))
        return Order(
            items=items,
            volume=given["volume"],
            template=given["location"],
            copy_only=given["copy_only"],
            if_exists=given["if_exists"],
            aliases=given["aliases"],
            properties=given["properties"],
            verify=self.verify,
            recorded=record.lasts,
            too_many=lambda failed: self._too_many(failed, len(items)),
            tolerance=self._tolerance.words(len(items)),
            where=self._where,
        )

    def _decided(self, context: Context, order: Order, record: Record) -> Prepared:
        """Ask the platform about the items, and decide what to do with each."""
        from airflow_provider_cgc.jobs.exports.order import BadOrder
        from airflow_provider_cgc.jobs.submitting.attempt import Exporting
        from airflow_provider_cgc.jobs.submitting.plan import UncertainExports

        exporting = Exporting(self._client(), order, say=self._say)
        try:
            exporting.check(first=record.is_first)
            began, client = exporting.now(), self._client()
            owner = f"{client.user().username} at {client.settings.host}"
            ledger = record.open(exporting.items, now=began, run_began=run_began(context), owner=owner)
            exporting.decide(ledger, again=self._is_later_poke(context))
        except BadOrder as error:
            if self._dry_run:
                raise
            where = self._leave_refusal(context, record, exporting.refused(error))
            raise refusal(error, where) from None
        except (ledgers.OtherOwnerError, UncertainExports) as error:
            raise CgcExportsUncertain(str(error)) from None
        return Prepared(exporting, ledger, record)

    def _leave_refusal(self, context: Context, record: Record, outcomes: list[ItemOutcome]) -> str:
        """Leave the reasons in the manifest and in XComs, however many items they are about; say where they are."""
        manifest = self._manifest_uri()
        summary = write_reasons(outcomes, record, manifest=manifest, warn=self._warn_of_manifest)
        push_xcom(context["ti"], SUMMARY_KEY, summary.to_json())
        now = time.time()
        view = LiveView(self.kind, since=now, interval=self.poke_interval, place=self._known_place())
        self._write_view(context, view.refusal(summary, now))
        return where_reasons_are(summary, manifest=manifest)

    def _warn_of_manifest(self, error: Exception) -> None:
        self.log.warning("Manifest %s could not be written: %s", self._manifest_uri(), error, exc_info=True)

    def _sent(self, context: Context, work: Prepared) -> list[ItemOutcome]:
        """Send what has to be sent; what is known is in the manifest before and after."""
        exporting = work.exporting
        self._keep_lineage(context, exporting.items.values(), exporting.facts, host=self._client().settings.host)
        self._submitting = True
        try:
            return send(exporting, work.ledger, work.record, conn_id=self.cgc_conn_id, say=self._say)
        finally:
            self._submitting = False

    def account_for(self, context: Context, end: End) -> End:
        """Account for every item, verify, and judge by what the task tolerates."""
        record = self._record(context)
        summary = {**end.summary.to_json(), "manifest": self._manifest_uri()}
        outcome, unsettled, may_pass = end.outcome, None, False
        with self._keeping_timeout(outcome):
            settled = self._settled(outcome, summary, record)
            if settled is not None:
                summary, may_pass = settled.summary, settled.may_pass
                outcome, unsettled = self._judge(outcome, summary, settled.unsettled)
                if settled.outcomes is not None:
                    record.write(settled.outcomes, succeeded=outcome is Outcome.COMPLETED)
        self._recall_lineage(context, summary)
        if outcome is Outcome.COMPLETED:
            record.close()
        known = Summary.from_json(summary, kind=self.kind, unsent=end.summary.unsent)
        return replace(end, outcome=outcome, summary=known, may_pass=may_pass, not_yet_known=unsettled)

    @contextmanager
    def _keeping_timeout(self, outcome: Outcome) -> Iterator[None]:
        """Keep a timeout a timeout: trouble with the account or the manifest is then only a warning."""
        try:
            yield
        except Exception as error:
            if outcome in (Outcome.COMPLETED, Outcome.FAILED):
                raise
            # Object storages raise errors of their own, of every kind.
            self._warn_of_manifest(error)

    def _judge(self, outcome: Outcome, summary: Mapping[str, Any], unsettled: str | None) -> tuple[Outcome, str | None]:
        """Judge by the account how a task ends whose wait ended like this; a timeout stays one whatever it says."""
        if outcome not in (Outcome.COMPLETED, Outcome.FAILED):
            return outcome, None
        bad = summary["failed"] + summary["missing"]
        # With `fail_fast` jobs may still run, and what still runs is not done.
        open_jobs = summary["total"] - bad - summary["completed"] - summary["skipped"]
        if open_jobs and not bad and unsettled is None:
            unsettled = f"No item has failed, and {self.kind.still_running(open_jobs)}."
        if unsettled is not None:
            return Outcome.ERROR, unsettled
        if self._too_many(bad, summary["total"]):
            return Outcome.FAILED, None
        return outcome if open_jobs else Outcome.COMPLETED, None

    def _settled(self, outcome: Outcome, summary: dict[str, Any], record: Record) -> account.Settled | None:
        """Return the account; None if there was nothing to export, or the wait itself ended with an error."""
        from airflow_provider_cgc.jobs.exports import finish as account

        ended = outcome in (Outcome.COMPLETED, Outcome.FAILED)
        if outcome is Outcome.ERROR or not summary["total"]:
            return None
        try:
            return account.settle(
                self._client(),
                summary,
                outcomes=record.outcomes(),
                ids=record.started(self._current),
                verify=self.verify and ended,
                moves=self._moves and ended,
                skips=self.if_exists == "skip" and ended,
                since=self._began or record.began(),
                say=self._say,
            )
        except (CgcError, CgcExportsUnsettled) as error:
            if not ended:
                raise
            why = f"{as_sentence(error)} The jobs have ended, but not every item can be accounted for."
            return account.Settled(dict(summary), None, why)

    def facts(self) -> dict[str, Any]:
        """Return what is known of all items, for the live snapshot."""
        return {**self._known, "manifest": self._manifest_uri()}

    def keep_started(self, context: Context) -> None:
        """Leave the ids of all jobs for the worker that resumes after the deferral."""
        self._record(context).push(self._current.ids if self._current else [], began=self._began)

    def words_about(self, summary: Summary) -> str:
        """Say what to do about items that failed."""
        some_may = self._tolerance.of(summary.total) and self._too_many(summary.bad, summary.total)
        limit = f"That is more than may fail: {self._tolerance.words(summary.total)}. " if some_may else ""
        return f"{limit}Mend the cause, then clear this task: {AFTER_CLEAR}."

    def _check_memory(self, context: Context, count: int) -> None:
        """Refuse what could not be remembered."""
        has_store = task_state_store(context) is not None
        if not self.resume and not has_store and not self.manifest_path:
            raise CgcInputRefused(
                f"Task {self.task_id!r} has resume=False, and Airflow below 3.3 does not remember which of its jobs are"
                " from before it was cleared; give it a manifest_path, which does."
            )
        if self._reschedules and not has_store:
            uri = self._manifest_uri()
            local = storage.local_warning(uri) if uri else None
            if local or not self.manifest_path:
                raise CgcInputRefused(
                    f"Task {self.task_id!r} has mode='reschedule', in which Airflow below 3.3 forgets from one poke"
                    " to the next what was started; give it a manifest_path that all workers see, or set"
                    " deferrable=True."
                    f" {local or ''}".rstrip()
                )
        if not self.wait and not self.manifest_path and count > MOST_IDS:
            raise CgcInputRefused(
                f"Task {self.task_id!r} with wait=False would return {count} ids, and more than {MOST_IDS} are too many"
                " for an XCom; give it a manifest_path, whose address is returned instead."
            )

    def _items(self, *, expected: int | None) -> list[Item]:
        """Read the items, wherever they are, or say what is wrong with them."""
        from airflow_provider_cgc.manifests import items_given, manifest_items

        how: dict[str, Any] = {"conn_id": self.manifest_conn_id, "written": self._manifest_uri(), "where": self._where}
        if self.manifest is not None:
            items = manifest_items(self.manifest, failed_of=self._client if self.failed_only else None, **how)
        elif self.items is not None:
            items = items_given(self.items, **how)
        else:
            raise CgcInputRefused(
                f"Task {self.task_id!r} has neither items nor a manifest: the upstream task returned nothing, or was"
                " skipped; let it return a list ([] if there is nothing to export)."
            )
        empty = "has no item that failed, so that nothing is left to export; set allow_empty=True if that may be"
        check_count(
            len(items),
            what="item",
            where=self._where,
            why=WHY_OTHERS,
            expected=expected,
            allow_empty=self.allow_empty,
            **({"empty": empty} if self.failed_only else {}),
        )
        return items

    @property
    def _where(self) -> str:
        return f"{'items' if self.manifest is None else 'manifest'} of task {self.task_id!r}"

    @property
    def _moves(self) -> bool:
        """The platform is to keep no file."""
        return not flag_of(self.copy_only, where=f"copy_only of task {self.task_id!r}")

    def _say(self, line: str) -> None:
        self.log.info("%s", line)

    def _is_later_poke(self, context: Context) -> bool:
        """Say whether this try has poked before, in another process."""
        return self._reschedules and has_poked(context)

    def _too_many(self, failed: int, total: int) -> bool:
        """Say whether more items failed than the task tolerates."""
        return failed > self._tolerance.of(total)

    @property
    def _tolerance(self) -> Tolerance:
        """How many items may fail."""
        return Tolerance(
            most=count_of(self.max_failures, where=f"max_failures of task {self.task_id!r}"),
            share=share_of(self.max_failure_share, where=f"max_failure_share of task {self.task_id!r}"),
        )

    def _record(self, context: Context) -> Record:
        store = task_state_store(context)
        return Record(
            context["ti"],
            store=ReadOnly(store) if self._dry_run and store is not None else store,
            manifest_path=self._manifest_uri(),
            resume=self.resume,
            retries=self.retries or 0,
            again=self._is_later_poke(context),
            warn=lambda line: self.log.warning("%s", line),
        )

    def _client(self) -> CgcClient:
        return self._connection().get_conn(patience=min(PATIENCE, float(self.timeout)))
