"""The base of operators that start jobs and wait for them as a sensor does.

Whatever sends is imported when a task runs, never when a Dag file is parsed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_cgc import storage
from airflow_provider_cgc.arguments import check_count, check_flag, count_of, share_of
from airflow_provider_cgc.assets import refuse_early_events
from airflow_provider_cgc.exceptions import CgcInputRefused
from airflow_provider_cgc.jobs.submitting.outcomes import tracker_of
from airflow_provider_cgc.jobs.submitting.tolerance import Tolerance
from airflow_provider_cgc.jobs.waiting.snapshot import LiveView
from airflow_provider_cgc.jobs.waiting.summary import Outcome, Summary, failure_table
from airflow_provider_cgc.patience import push_xcom, task_state_store
from airflow_provider_cgc.sensors.base import SUMMARY_KEY, CgcJobsSensor
from airflow_provider_cgc.sensors.ending import End

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Asset, Context, ObjectStoragePath

    from airflow_provider_cgc.client import CgcClient
    from airflow_provider_cgc.hooks.cgc import CgcHook
    from airflow_provider_cgc.jobs.submitting.attempt import Attempt
    from airflow_provider_cgc.jobs.submitting.items import Item, Key
    from airflow_provider_cgc.jobs.submitting.order import Order
    from airflow_provider_cgc.jobs.submitting.resume import Action
    from airflow_provider_cgc.jobs.waiting.clearing import Clearing
    from airflow_provider_cgc.literals import Literals
    from airflow_provider_cgc.operators.submitting import Prepared, SubmittedJobs

MOST_IDS = 1000
"""Job ids that a task without a manifest returns at most."""
PATIENCE = 900.0
"""Seconds that one call may wait and repeat: two windows of the rate limit, and a short maintenance."""
WHY_OTHERS = "the list is incomplete, or has changed; look at its source"


class CgcSubmittingOperator(CgcJobsSensor):
    """
    Start jobs on the platform, each once, and wait until they have ended.

    Not used directly: a subclass for each kind defines the jobs, and describes the arguments.
    """

    item: ClassVar[type[Item]]
    """The items of this kind."""
    sensor: ClassVar[str]
    """The sensor that waits for such jobs, in Python, with braces for its argument."""

    # A retry after a worker's death continues. Airflow's Registry reads this in the class that defines `execute`.
    __supports_durable_execution = True

    def __init__(
        self,
        *,
        items: Any = None,
        manifest: str | ObjectStoragePath | None = None,
        failed_only: bool = False,
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
        self.items = items
        self.manifest = manifest
        self.failed_only = failed_only
        self.max_failures = max_failures
        self.max_failure_share = max_failure_share
        self.manifest_path = manifest_path
        self.manifest_conn_id = manifest_conn_id
        self.verify = verify
        self.resume = resume
        self.wait = wait
        # Airflow's own operators have a method `dry_run`.
        self._dry_run = dry_run
        where = f"{type(self).__name__} {self.task_id!r}"
        refuse_early_events(self.outlets or (), wait=wait, dry_run=dry_run, where=where)

    def _check_flags(self, given: Literals) -> None:
        """Check the arguments that are flags and no templates."""
        flags = {name: getattr(self, name) for name in ("failed_only", "verify", "resume", "wait")}
        for name, value in {**flags, "dry_run": self._dry_run}.items():
            given.check(partial(check_flag, value, where=name))

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
        """Check, send, and wait in the chosen mode."""
        if self.wait and not self._dry_run:
            return super().execute(context)
        self._current = self._made = None
        with self._never_failing():
            return self._only_start(context, self._make_source())

    def on_kill(self) -> None:
        """Log that started jobs continue; a retry takes them over."""
        if self._made is not None and self._made.is_sending:
            fate = "" if self.kind.cancellable else " and cannot be cancelled"
            self.log.warning(
                "%s that were started continue%s; a retry takes them over.", self.kind.plural.capitalize(), fate
            )
        super().on_kill()

    def _make_source(self) -> SubmittedJobs:
        from airflow_provider_cgc.operators.submitting import SubmittedJobs

        return SubmittedJobs(self)

    def _only_start(self, context: Context, jobs: SubmittedJobs) -> Any:
        self._made = jobs
        work = jobs.prepare(context)
        if self._dry_run:
            return self._try_out(context, jobs, work)
        if work is None:
            return self._handed_over([])
        tracker = tracker_of(self.kind, jobs.send(context, work))
        if jobs.too_many(tracker.summary()):
            return self._finish(context, End(Outcome.FAILED, tracker.summary()))
        summary = replace(tracker.summary(), manifest=self.manifest_uri)
        push_xcom(context["ti"], SUMMARY_KEY, summary.to_json())
        for line in failure_table(summary):
            self.log.warning("%s", line)
        self.log.info("%s started; this task does not wait.", self.kind.count(len(tracker.open)))
        return self._handed_over(list(tracker.open))

    def _try_out(self, context: Context, jobs: SubmittedJobs, work: Prepared | None) -> dict[str, Any]:
        """Log the report of a dry run, write its manifest, and return its result; without `work` there are no items."""
        if work is None:
            result = self._dry_result(0, Counter(), in_the_way=0, lines=0, size=0)
        else:
            attempt, in_the_way = work.attempt, work.attempt.plan.obstacles()
            self._log_dry_run(attempt, in_the_way)
            lines = jobs.write_planned(context, work, in_the_way)
            result = self._dry_result(
                len(attempt.order.items),
                attempt.plan.tally(),
                in_the_way=len(in_the_way),
                lines=lines,
                size=attempt.bytes_to_send,
            )
        if self.manifest_uri is not None:
            self.log.info(
                "The items to send, and those that are under way or would fail, are listed in %s.", self.manifest_uri
            )
        self.log.info("This was a dry run: nothing was sent.")
        return result

    def _log_dry_run(self, attempt: Attempt, in_the_way: Sequence[Key]) -> None:
        """Log the report of a dry run, with a warning if objects are in the way."""
        for line in attempt.dry_run():
            self.log.info("%s", line)
        for line in attempt.order.obstructed(in_the_way) if in_the_way else ():
            self.log.warning("%s", line)

    def _dry_result(
        self, items: int, tally: Counter[Action], *, in_the_way: int, lines: int, size: int
    ) -> dict[str, Any]:
        """Return the result of a dry run, which has the same keys in any case."""
        from airflow_provider_cgc.jobs.submitting.plan import counts_of

        return {
            "items": items,
            "dry_run": True,
            **counts_of(tally, self.kind),
            "in_the_way": in_the_way,
            "bytes": size,
            "lines": lines,
            "manifest": self.manifest_uri,
        }

    def _handed_over(self, ids: list[str]) -> str | list[str]:
        """Return the value for a sensor: the manifest's address, or the ids."""
        if not ids and not self.manifest_path:
            self.log.info("There is nothing to wait for: a sensor that gets this result needs allow_empty=True.")
        return self.manifest_uri or ids

    @property
    def is_dry_run(self) -> bool:
        """Everything is checked, and nothing is sent."""
        return self._dry_run

    @property
    def manifest_uri(self) -> str | None:
        """The manifest's address as it can be read elsewhere, with its connection."""
        return storage.address(self.manifest_path, self.manifest_conn_id) if self.manifest_path else None

    @property
    def tolerance(self) -> Tolerance:
        """The number of items that may fail."""
        return Tolerance(
            most=count_of(self.max_failures, where=f"max_failures of task {self.task_id!r}"),
            share=share_of(self.max_failure_share, where=f"max_failure_share of task {self.task_id!r}"),
        )

    def reschedules(self) -> bool:
        """Return True if each poke is a process of its own."""
        return self._reschedules

    def connection(self) -> CgcHook:
        """Return the hook of the task's connection."""
        return self._connection()

    def client(self) -> CgcClient:
        """Return the client that submits."""
        return self._connection().get_conn(patience=min(PATIENCE, float(self.timeout)))

    def check_memory(self, context: Context, count: int) -> None:
        """
        Refuse options for which the started jobs could not be remembered or passed on.

        :raises CgcInputRefused: naming the argument that helps.
        """
        has_store = task_state_store(context) is not None
        if not self.resume and not has_store and not self.manifest_path:
            raise CgcInputRefused(
                f"Task {self.task_id!r} has resume=False, and Airflow below 3.3 does not remember which of its jobs"
                " were started before it was cleared; give it a manifest_path, in which they are remembered."
            )
        if self._reschedules and not has_store:
            uri = self.manifest_uri
            local = storage.local_warning(uri) if uri else None
            if local or not self.manifest_path:
                raise CgcInputRefused(
                    f"Task {self.task_id!r} has mode='reschedule', in which Airflow below 3.3 forgets the started jobs"
                    " from one poke to the next; give it a manifest_path that all workers can read, or set"
                    " deferrable=True."
                    f" {local or ''}".rstrip()
                )
        if not self.wait and not self.manifest_path and count > MOST_IDS:
            raise CgcInputRefused(
                f"Task {self.task_id!r} with wait=False would return {count} ids, and more than {MOST_IDS} are too many"
                " for an XCom; give it a manifest_path, whose address is returned instead."
            )

    def leave_refusal(self, context: Context, summary: Summary) -> None:
        """Push the summary of a refused order to XCom, and show it in the live snapshot."""
        push_xcom(context["ti"], SUMMARY_KEY, summary.to_json())
        now = time.time()
        view = LiveView(self.kind, since=now, interval=self.poke_interval, place=self._known_place())
        view.clearing = self._source.clearing()
        self._write_view(context, view.refusal(summary, now))

    def read_items(self) -> Sequence[Item]:
        """
        Read the arguments, and the items from their source.

        :raises CgcBadInput: with everything that is wrong with them.
        """
        raise NotImplementedError

    def order(self, *, recorded: bool) -> Order:
        """Return the order for the items."""
        raise NotImplementedError

    def order_at_end(self, context: Context, *, ended: bool) -> Order:
        """Return the order again, for the account; `ended` is False if the wait timed out before all jobs ended."""
        raise NotImplementedError

    def about_to_send(self, context: Context, attempt: Attempt) -> None:
        """Keep facts about the items that are needed at the end."""

    def sent(self, context: Context, attempt: Attempt) -> None:
        """Correct these facts by what became known while the items were sent."""

    def accounted(self, context: Context, summary: Summary) -> None:
        """Use the facts that `about_to_send` has kept."""

    def result(self, summary: Summary, made: Sequence[Mapping[str, Any]]) -> Any:
        """
        Return the value of a task that succeeded: its summary, unless a kind has items for other tasks.

        :param made: the results of its items.
        """
        return summary.to_json()

    def clearing(self) -> Clearing | None:
        """Return the facts about a Clear that the arguments decide; None if they are not known."""
        return None

    def asset(self) -> Asset | None:
        """Return the asset of the destination; None if it is not known."""
        return None

    def _read_from(self, *, expected: int | None, check: Callable[[Any], Sequence[str]] | None) -> list[Any]:
        """Read the items from a list or manifest, or raise an error with their problems."""
        from airflow_provider_cgc.manifests import FailedOf, items_given, manifest_items

        how: dict[str, Any] = {
            "of": self.item,
            "conn_id": self.manifest_conn_id,
            "written": self.manifest_uri,
            "where": self.where,
        }
        if self.manifest is not None:
            failed_of = FailedOf(self.kind, lambda ids: self.kind.bulk_get(self.client())(ids), self.sensor)
            items = manifest_items(self.manifest, failed_of=failed_of if self.failed_only else None, **how)
        elif self.items is not None:
            items = items_given(self.items, check=check, **how)
        else:
            raise CgcInputRefused(
                f"Task {self.task_id!r} has neither items nor a manifest: the upstream task returned nothing, or was"
                f" skipped; let it return a list ([] if there is nothing to {self.kind.name})."
            )
        empty = (
            f"has no item that failed, so nothing is left to {self.kind.name}; set allow_empty=True if that is expected"
        )
        check_count(
            len(items),
            what="item",
            where=self.where,
            why=WHY_OTHERS,
            expected=expected,
            allow_empty=self.allow_empty,
            **({"empty": empty} if self.failed_only else {}),
        )
        return items

    @property
    def where(self) -> str:
        """The argument that the items come from, for messages."""
        return f"{'items' if self.manifest is None else 'manifest'} of task {self.task_id!r}"
