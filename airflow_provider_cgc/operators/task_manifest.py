"""The manifest at a task's `manifest_path`: its lines, those that the task itself has written, and a new writing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from airflow_provider_cgc import storage
from airflow_provider_cgc.exceptions import CgcBadInput
from airflow_provider_cgc.jobs.submitting.items import BadItems, Item
from airflow_provider_cgc.jobs.submitting.manifest import read_outcomes
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome
from airflow_provider_cgc.jobs.submitting.task_facts import NO_TASK, TaskFacts


class TaskManifest:
    """
    The manifest of a task of one Dag run; without a path there is none, and it has no lines.

    :param path: its whole address.
    :param of: the class of the items.
    :param task: the task, its try, and its `max_tries` now.
    """

    def __init__(self, path: str | None, *, of: type[Item], task: TaskFacts) -> None:
        self.path = path
        self._item_class = of
        self._task = task
        self._read: list[ItemOutcome] | None = None

    def lines(self) -> list[ItemOutcome]:
        """
        Return the lines, which may be another task's; they are read once, until they are written.

        :raises CgcBadInput: if another file is there, or it cannot be read.
        """
        if self._read is None:
            self._read = self._lines_now()
        return self._read

    def mine(self) -> list[ItemOutcome]:
        """Return the lines, if this task of this Dag run has written them as the record of what it sent."""
        return [one for one in self.lines() if self._is_mine(one)]

    @property
    def facts(self) -> TaskFacts:
        """The facts of this task in its lines; `NO_TASK` if it has none."""
        return next((one.task for one in self.lines() if self._is_mine(one)), NO_TASK)

    def read_again(self) -> list[ItemOutcome]:
        """Return the lines that this task has written, as they are at present."""
        self._read = None
        return self.mine()

    def check(self, *, dry_run: bool, warn: Callable[[str], object]) -> None:
        """
        Make sure that it can be written, and is no other task's of the same Dag run.

        A dry run overwrites only what it has written itself, in this Dag run.

        :raises CgcBadInput: if another file is there, or another task's manifest; `BadPath` if it cannot be written.
        """
        if self.path is None:
            return
        storage.check(self.path)
        lines = self.lines()
        warning = storage.local_warning(self.path)
        if warning:
            warn(warning)
        run = str(self._task.id).rsplit("/", 2)[0] + "/"
        for one in lines:
            other = str(one.task.id)
            if other != self._task.id and other.startswith(run):
                raise CgcBadInput(
                    f"manifest_path {self.path} is also that of another task of this Dag run,"
                    f" {other.removeprefix(run)}, and each task needs its own; put {{{{ ti.task_id }}}} and, for mapped"
                    " tasks, {{ ti.map_index }} into it."
                )
            if dry_run and not one.task.dry_run:
                raise CgcBadInput(
                    f"manifest_path {self.path} has the record of what was sent, which a dry run does not overwrite;"
                    " give the dry run a path of its own, or leave manifest_path out to only look."
                )
            if dry_run and other != self._task.id:
                raise CgcBadInput(
                    f"manifest_path {self.path} has the plan of another Dag run, {other}, for which somebody may still"
                    " wait; put {{ run_id }} into it, so that each run has its own."
                )

    def keep(self, *, since: datetime, cleared: bool, owner: str) -> None:
        """Keep these facts in every line from now on; otherwise those stay that are in the lines."""
        self._task = replace(self._task, since=since, cleared=cleared, owner=owner)

    def write(self, outcomes: Iterable[ItemOutcome], *, succeeded: bool = False, dry_run: bool = False) -> None:
        """
        Write it, whole or not at all.

        :raises BadPath: if it cannot be written; an ordinary error, which Airflow retries: jobs may run.
        """
        if self.path is None:
            return
        outcomes = list(outcomes)
        kept = outcomes[0].task if outcomes and self._task.since is None else self._task
        task = replace(
            self._task,
            succeeded=succeeded,
            since=kept.since,
            cleared=kept.cleared,
            owner=kept.owner,
            dry_run=dry_run,
        )
        self._read = None
        storage.write_lines(self.path, (replace(one, task=task).to_line() for one in outcomes))

    def _is_mine(self, line: ItemOutcome) -> bool:
        return line.task.id == self._task.id and not line.task.dry_run

    def _lines_now(self) -> list[ItemOutcome]:
        if self.path is None or not storage.exists(self.path):
            return []
        try:
            return read_outcomes(storage.read_lines(self.path), name=self.path, of=self._item_class).outcomes
        except (BadItems, storage.NoText) as error:
            raise CgcBadInput(
                f"The file at manifest_path {self.path} is no manifest of this operator; give another path, or remove"
                " it."
            ) from error
