"""The record that one task of one Dag run leaves for its next attempt: in Airflow's store, and in the manifest.

The store (Airflow 3.3+) gets every chunk before it is sent. The manifest has the items before anything is sent, then
the ids of their jobs, then their outcomes. It belongs to a task until the task has succeeded. A Clear raises Airflow's
`max_tries`, a retry does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_cgc import storage
from airflow_provider_cgc.client.errors.problem import as_sentence
from airflow_provider_cgc.compat import conf
from airflow_provider_cgc.exceptions import CgcInputRefused, CgcJobsNotYetKnown, CgcJobsUncertain
from airflow_provider_cgc.jobs.ids import from_bits, to_bits
from airflow_provider_cgc.jobs.submitting.header import Header, NoStore, header_name
from airflow_provider_cgc.jobs.submitting.items import Item, Key
from airflow_provider_cgc.jobs.submitting.ledger import Fate, Ledger, OtherOwnerError, Past
from airflow_provider_cgc.jobs.submitting.outcomes import ItemOutcome, ItemState, tracker_of
from airflow_provider_cgc.jobs.submitting.task_facts import NO_TASK, TaskFacts
from airflow_provider_cgc.jobs.text import moment
from airflow_provider_cgc.jobs.waiting.tracker import JobTracker
from airflow_provider_cgc.operators.task_manifest import TaskManifest
from airflow_provider_cgc.patience import patiently, push_xcom
from airflow_provider_cgc.xcom import push_ids, read_ids

if TYPE_CHECKING:
    from airflow_provider_cgc.jobs.kinds import JobKind
    from airflow_provider_cgc.jobs.submitting.header import Store

STARTED_KEY = "cgc_started"
ADDRESS_KEY = "cgc_started_parts"
VERSION = 1


class ReadOnly:
    """A store that a dry run may read: it changes nothing."""

    def __init__(self, store: Any) -> None:
        self.get = store.get

    def set(self, key: str, value: Any) -> None:
        """Do nothing."""

    def delete(self, key: str) -> None:
        """Do nothing."""


class Record:
    """
    The record of a task instance.

    :param kind: kind of job.
    :param of: the class of the items.
    :param ti: Airflow's task instance.
    :param store: the task state store, None if Airflow has none.
    :param manifest_path: the whole address of the manifest, if there is one.
    :param resume: False to ignore the records of earlier attempts.
    :param retries: the task's own number of retries.
    :param later_poke: this try has decided before, in another process.
    :param warn: takes a line to log.
    """

    def __init__(
        self,
        kind: JobKind,
        of: type[Item],
        ti: Any,
        *,
        store: Any | None,
        manifest_path: str | None,
        resume: bool,
        retries: int,
        later_poke: bool = False,
        warn: Callable[[str], object],
    ) -> None:
        self._kind = kind
        self._ti = ti
        self._has_store = store is not None
        self._store: Store = NoStore() if store is None else store
        self._rest_key = f"{header_name(kind)}_rest"
        self._resume = resume
        self._retries = retries
        self._later_poke = later_poke
        self._warn = warn
        self._max_tries = int(ti.max_tries or 0)
        task = TaskFacts(
            id=f"{ti.dag_id}/{ti.run_id}/{ti.task_id}/{ti.map_index}",
            max_tries=self._max_tries,
            try_number=ti.try_number,
        )
        self.manifest = TaskManifest(manifest_path, of=of, task=task)

    @property
    def _header(self) -> Header:
        return Header.read(self._store, self._kind)

    @cached_property
    def is_first(self) -> bool:
        """No earlier attempt of this task can have sent anything that counts."""
        if self._later_poke:
            return False
        first_try = bool(self._ti.try_number == 1)
        return first_try or self._starts_anew or self._header.was_cleared_after_success(max_tries=self._max_tries)

    @cached_property
    def _starts_anew(self) -> bool:
        """`resume=False` lets this attempt ignore earlier ones: after a Clear, not in Airflow's own retry."""
        if self._resume or self._later_poke:
            return False
        if self._ti.try_number == 1:
            return True
        recorded: object = self._header.max_tries
        if recorded is None:
            recorded = self.manifest.facts.max_tries
        if recorded is not None:
            return bool(recorded != self._max_tries)
        # A Clear allows as many further tries as the task has.
        return bool(self._ti.try_number == self._max_tries - self._retries + 1)

    def begin(self) -> None:
        """
        Note that nothing was sent, in case the first attempt ends before it sends anything.

        :raises CgcInputRefused: if the manifest cannot be read, and nothing was sent before.
        :raises CgcJobsNotYetKnown: if it cannot be read, and an earlier attempt may have sent something.
        """
        with self.at_the_path():
            is_first = self.is_first
        if is_first:
            if self._starts_anew:
                self._header.discard()
            self._header.begin(max_tries=self._max_tries)

    def was_answered_at(self, host: Callable[[], str]) -> bool:
        """
        Return True if the platform has answered an earlier attempt of this task at the same host.

        :param host: returns the connection's host; called only if there was an earlier attempt.
        :raises CgcInputRefused: and `CgcJobsNotYetKnown`, as `begin` does.
        """
        if self._ti.try_number == 1 and not self._later_poke:
            return False
        with self.at_the_path():
            owner = self._header.owner or self.manifest.facts.owner
        return owner is not None and owner.endswith(f" at {host()}")

    @property
    def lasts(self) -> bool:
        """The next attempt will know the jobs that this one sent or took over."""
        return self._has_store or self.manifest.path is not None

    @property
    def outlives_clear(self) -> bool | None:
        """After a Clear, the next attempt will know them, too, and if the task had succeeded; None if it depends."""
        # On Airflow 3.3 a Clear keeps the store. A later one may let users choose (apache/airflow#72100).
        if self._has_store and not conf.getboolean("state_store", "clear_on_success", fallback=False):
            return True
        if self.manifest.path is None:
            return None if self._has_store else False
        return None if storage.local_warning(self.manifest.path) else True

    def write_nothing(self, *, waits: bool) -> None:
        """
        Write an empty manifest for its readers: there is nothing to do, and nothing that counts was sent before.

        A task that does not wait (`waits`) does not know how its jobs end; those that it started stay in the manifest.

        :raises CgcJobsUncertain: if an earlier attempt may have started something, and has not succeeded.
        """
        may_run = any(one.may_have_job for one in self.manifest.mine()) and not self.manifest.facts.succeeded
        if waits and (self._header.has_sent or may_run) and not self.is_first:
            raise CgcJobsUncertain(
                f"There are no items now, but an earlier try of this task started {self._kind.plural} and did not"
                " succeed. Look at the source of the items; if it is right that there are none, set resume=False and"
                " clear this task."
            )
        if not may_run or self._starts_anew:
            self.manifest.write([])

    def write_refused(self, outcomes: Iterable[ItemOutcome]) -> bool:
        """
        Write the reasons why nothing was sent; return False if there is no manifest, or the present one has to stay.

        Lines with jobs stay until the jobs are known to have ended well, because a Clear continues from them. If an
        earlier attempt may have started jobs that are in no line, lines that say "not sent" would be wrong.
        """
        if self.manifest.path is None:
            return False
        sent = [one for one in self.manifest.lines() if one.may_have_job]
        refused_before = bool(self.manifest.mine()) and not sent
        nothing_sent = self.is_first or (refused_before and not self._header.has_sent)
        if not nothing_sent or not all(one.task.succeeded for one in sent):
            return False
        self.manifest.write(outcomes)
        return True

    def write_planned(self, outcomes: Iterable[ItemOutcome]) -> None:
        """
        Write the items that a dry run would send; a record of what was sent stays, also one written meanwhile.

        :raises CgcBadInput: if there is one, or something else.
        :raises CgcInputRefused: and `CgcJobsNotYetKnown` if it cannot be written.
        """
        self.manifest.read_again()
        self.check(dry_run=True)
        with self.at_the_path():
            self.manifest.write(outcomes, dry_run=True)

    def check(self, *, dry_run: bool) -> None:
        """
        Make sure that a manifest can be written, before anything is sent.

        :raises CgcBadInput: if something else is there, or another task's manifest.
        :raises CgcInputRefused: if it cannot be written, and nothing was sent before.
        :raises CgcJobsNotYetKnown: if it cannot be written, and an earlier attempt may have sent something.
        """
        with self.at_the_path():
            self.manifest.check(dry_run=dry_run, warn=self._warn)

    def open(self, keys: Iterable[Key], *, now: datetime, run_began: datetime, owner: str) -> Ledger:
        """
        Return the ledger of this attempt, with everything known about earlier ones; `now` is the platform's clock.

        :raises OtherOwnerError: if earlier attempts were another user's.
        """
        if not self._resume and self._header.owner not in (None, owner):
            self._header.discard()
        known = self._header.since is not None
        lines = [] if known or self._starts_anew else self.manifest.mine()
        task = self.manifest.facts if lines else NO_TASK
        # If nothing is recorded, more tries than the task's own number show that it was cleared once.
        cleared = task.max_tries != self._max_tries if lines else not known and self._max_tries > self._retries
        fresh = self.is_first
        if self._do_not_count(lines, cleared=cleared, owner=owner):
            lines, fresh = [], True
        since = now if fresh and not lines else min(now, task.since or run_began)
        ledger = Ledger(
            self._store,
            self._kind,
            keys,
            since=since,
            owner=owner,
            fresh=fresh,
            max_tries=self._max_tries,
            cleared=not fresh and (cleared or task.cleared is True),
        )
        ledger.learn({key: _past(one) for one in lines if (key := one.item.key()) is not None})
        self.manifest.keep(since=ledger.since, cleared=ledger.cleared, owner=owner)
        return ledger

    def _do_not_count(self, lines: Sequence[ItemOutcome], *, cleared: bool, owner: str) -> bool:
        """
        Return True if earlier attempts do not count: the task succeeded and was cleared, or another user has sent.

        A first try may meet the manifest of a run that was deleted, or of another Airflow: it counts as well.

        :raises OtherOwnerError: if they do not count only because another user has sent.
        """
        if cleared and any(one.task.succeeded for one in lines[:1]):
            return True
        owners = {one.task.owner or one.user for one in lines} - {None, owner, owner.partition(" at ")[0]}
        if owners and self._resume:
            raise OtherOwnerError(
                f"according to {self.manifest.path}, an earlier attempt of this task sent its {self._kind.plural} as"
                f" {min(map(str, owners))}; the connection's user is now {owner}, who cannot see them. Use the former"
                " connection, give another manifest_path, or start anew with resume=False."
            )
        return bool(owners)

    def announce(self, outcomes: Iterable[ItemOutcome]) -> None:
        """
        Write the manifest before anything is sent.

        :raises CgcInputRefused: if it cannot be written there, and nothing was sent before.
        :raises CgcJobsNotYetKnown: if it cannot be written, and an earlier attempt may have sent something.
        """
        with self.at_the_path():
            self.manifest.write(outcomes)

    def outcomes(self) -> list[ItemOutcome] | None:
        """
        Return the present lines of the manifest; None if there is to be none.

        :raises CgcJobsNotYetKnown: if it is gone.
        """
        if self.manifest.path is None:
            return None
        mine = self.manifest.read_again()
        if not mine:
            raise CgcJobsNotYetKnown(
                f"The manifest {self.manifest.path} is gone, or another task has overwritten it, so that some items"
                " cannot be accounted for. Give each task a path of its own, and clear this task: it finds its"
                f" {self._kind.plural} again."
            )
        return mine

    def keep(self, tracker: JobTracker) -> None:
        """
        Store the state for the next poke of this try, if Airflow has a store.

        The ledger has the ids of all jobs; one bit for each says whether it is still waited for.
        """
        ids = self._header.ids()
        if ids is not None and tracker.open.keys() <= set(ids):
            memory = {"version": VERSION, "try": self._ti.try_number, "state": tracker.to_json()}
            self._store.set(self._rest_key, memory | {"open": to_bits(ids, tracker.open)})

    def taken_up(self) -> JobTracker | None:
        """Return the tracker of an earlier poke of this try; None if its record is incomplete."""
        memory = self._store.get(self._rest_key)
        if isinstance(memory, Mapping) and (memory.get("version"), memory.get("try")) == (VERSION, self._ti.try_number):
            with suppress(ValueError, KeyError, TypeError):  # not whole, or not of this release
                return JobTracker.from_json(memory["state"], from_bits(self._header.ids() or [], memory["open"]))
        # Without a store the manifest has it, in lines that this try has written.
        mine = [one for one in self.manifest.mine() if one.task.try_number == self._ti.try_number]
        whole = bool(mine) and all(one.id or one.state is not ItemState.SUBMITTED for one in mine)
        return tracker_of(self._kind, mine) if whole else None

    def push(self, ids: list[str], *, since: datetime | None, joined: bool = False) -> None:
        """
        Push the ids of all jobs, and since when jobs count, for the worker that resumes after the deferral.

        `joined`: some are of other runs.
        """
        address = push_ids(self._ti, STARTED_KEY, ids)
        known = {"since": since.isoformat()} if since else {}
        push_xcom(self._ti, ADDRESS_KEY, address | known | ({"joined": True} if joined else {}))

    def started(self) -> list[str]:
        """Return the ids of all jobs that `push` has pushed."""
        address = self._address()
        return patiently(read_ids, address) if address is not None else []

    def joined(self) -> bool:
        """Return True if some of the jobs that `push` has pushed are of other runs."""
        return (self._address() or {}).get("joined") is True

    def since(self) -> datetime | None:
        """Return the platform's clock before anything of this task was sent; earlier jobs are not this task's."""
        recorded = self._header.since
        if recorded is not None:
            return recorded
        if self.manifest.mine():
            return self.manifest.facts.since
        return moment((self._address() or {}).get("since"))

    def note_success(self) -> None:
        """Note that the task succeeded: if it is cleared, it starts anew; if it is retried, everything is done."""
        self._header.note_success()

    @contextmanager
    def at_the_path(self) -> Iterator[None]:
        """Refuse an unusable path if nothing was sent; otherwise raise an error that is retried."""
        try:
            yield
        except storage.BadPath as error:
            if self._has_sent_nothing:
                raise CgcInputRefused(f"{as_sentence(error)} This attempt has sent nothing.") from None
            raise CgcJobsNotYetKnown(
                f"{as_sentence(error)} An earlier attempt of this task may have started {self._kind.plural},"
                " which continue; this one has sent nothing. Let this task be retried, or clear it: it finds its"
                f" {self._kind.plural} again."
            ) from error

    @property
    def _has_sent_nothing(self) -> bool:
        """True if certainly no attempt of this task has sent anything; the manifest is not needed for this."""
        header = self._header
        if header.exists:
            return not header.has_sent
        return not self._later_poke and bool(self._ti.try_number == 1)

    def _address(self) -> Mapping[str, Any] | None:
        where = {"task_ids": self._ti.task_id, "map_indexes": self._ti.map_index}
        value = patiently(self._ti.xcom_pull, key=ADDRESS_KEY, **where)
        return value if isinstance(value, Mapping) else None


def _past(outcome: ItemOutcome) -> Past:
    if outcome.id is not None:
        return Past(Fate.STARTED, outcome.id)
    if outcome.state is ItemState.SUBMITTED:
        return Past(Fate.UNCERTAIN)
    return Past(Fate.NEVER_SENT, refused=outcome.state is ItemState.FAILED)
