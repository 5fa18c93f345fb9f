"""An order of one or more items, each in a situation that a test makes up: its past, its jobs, and what is there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models import ExportJob, JobState
from airflow_provider_cgc.client.models.lists import Page
from airflow_provider_cgc.jobs.exports.item import ExportItem, ExportKey
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.submitting.header import NoStore
from airflow_provider_cgc.jobs.submitting.items import Item, Key
from airflow_provider_cgc.jobs.submitting.ledger import Ledger
from airflow_provider_cgc.jobs.submitting.order import Order, Standing
from airflow_provider_cgc.jobs.submitting.tolerance import Tolerance
from airflow_provider_cgc.jobs.submitting.unfit import Unfit

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
NOW = SINCE + timedelta(hours=2)
FITS, PROVEN, OTHER = "fits", "proven", "other"
"""The content of the place where a result should go."""
FAILS, SKIPPED = "fails", "skipped"
"""The word of an account for an item for which no job can be started."""
OTHERWISE, NOT_JOINED = "with other settings", "and only a record lets a retry know"
COMPLETED, RUNNING = JobState.COMPLETED, JobState.RUNNING


@dataclass(frozen=True, kw_only=True)
class Situation:
    """The situation of one item."""

    named: JobState | Problem | str | None = None
    """The job that the ledger names: its state or error; "unseen" if the platform does not show it."""
    lost: bool = False
    """The answer to an earlier send was lost."""
    young: bool = False
    listed: JobState | Problem | None = None
    """A job in the platform's list, of this task or of another run."""
    unlike: str | None = None
    """The way in which the listed job differs."""
    there: Sequence[str | None] = (None,)
    """The findings of each look at the place where the result should go; the last one stays."""
    done_already: bool = False
    unfit: str | None = None
    has_key: bool = True
    """Without one it is unfit."""
    answer: Problem | None = None
    """The error in the answer to the send."""
    appears: str | None = None
    """The findings there once it was sent."""


@dataclass(frozen=True, kw_only=True)
class Options:
    skips_existing: bool = False
    verify: bool = False
    believes: bool = False
    cleared: bool = False
    later_poke: bool = False
    has_lists: bool = True


class PlannedOrder(Order):
    kind = EXPORT
    taken_codes = frozenset({9107})
    cannot = "cannot be exported"
    why_skipped = "because the files are aliases"

    def __init__(self, situations: Sequence[Situation], options: Options) -> None:
        client: Any = SimpleNamespace(close=lambda: None)
        super().__init__(
            client, skips_existing=options.skips_existing, verify=options.verify, tolerance=Tolerance(most=10_000)
        )
        self.situations = situations
        self._options = options
        self._of: dict[Key, Situation] = {}
        self._looks: dict[Key, int] = {}
        self._jobs: dict[str, ExportJob] = {}
        self._listed: list[ExportJob] = []
        self.sent: set[str] = set()

    @property
    def has_lists(self) -> bool:  # type: ignore[override]  # an option here
        return self._options.has_lists

    def check(self, items: Sequence[Item], *, first: bool) -> list[str]:
        super().check(items, first=first)
        for item, one in zip(items, self.situations, strict=True):
            key = item.key()
            if key is None:
                self.keyless.append(_unfit(item, one.unfit))
            else:
                self._of[key] = one
                self._add_jobs(ExportKey(*key), one)
        return []

    def _add_jobs(self, key: ExportKey, one: Situation) -> None:
        if one.named not in (None, "unseen"):
            named = _job(f"named-{key.file}", key, one.named)
            self._jobs[named.id] = named
            # A list of what runs shows other runs' jobs only: our own would be taken for theirs.
            self._listed += [named] if named.state is not RUNNING else []
        if one.listed is not None:
            listed = replace(_job(f"listed-{key.file}", key, one.listed), started_on=SINCE + timedelta(seconds=10))
            self._jobs[listed.id] = listed
            self._listed.append(listed)

    def ledger(self) -> Ledger:
        """Return the record of the attempts before this one."""
        ledger = Ledger(
            NoStore(), EXPORT, self.keys, since=SINCE, owner="me", fresh=True, cleared=self._options.cleared
        )
        for key, one in self._of.items():
            if one.named is not None or one.lost:
                number = ledger.intend([key], at=NOW if one.young else SINCE)
                if one.named is not None:
                    ledger.answered(number, [BulkRecord(f"named-{key[0]}")])
        return ledger

    def bulk_get(self, ids: Sequence[str]) -> Sequence[BulkRecord[Any]]:
        return [BulkRecord(one, self._jobs.get(one)) for one in ids]

    def problems(self, keys: Sequence[Key]) -> tuple[dict[Key, Unfit], list[str]]:
        return {key: _unfit(self.keys[key], how) for key in keys if (how := self._of[key].unfit)}, []

    def there(self, keys: Collection[Key]) -> Mapping[Key, Standing]:
        found = {key: self._look(key) for key in keys}
        problem = Problem(409, 9107, "Something else is there.", made_here=True)
        return {key: Standing(how != OTHER, how == PROVEN, problem) for key, how in found.items() if how}

    def _look(self, key: Key) -> str | None:
        looks, one = self._looks.get(key, 0), self._of[key]
        self._looks[key] = looks + 1
        return one.appears if key[0] in self.sent else one.there[min(looks, len(one.there) - 1)]

    @property
    def believes_what_is_there(self) -> bool:
        return self._options.believes

    def done_already(self, key: Key) -> str | None:
        return "the file is an alias already" if self._of[key].done_already else None

    def skips(self, problem: Problem) -> bool:
        return problem.message == SKIPPED

    def key_of(self, job: ExportJob, scope: str | None = None) -> Key | None:
        return ExportKey(str(job.file), str(job.volume), str(job.location))

    def unlike(self, key: Key, job: Any) -> str | None:
        return OTHERWISE if self._of[key].unlike == OTHERWISE else None

    def not_joined(self, key: Key, job: Any) -> str | None:
        return self._of[key].unlike

    def page(self, scope: str, offset: int = 0, *, state: JobState | None = None, limit: int = 100) -> Page[ExportJob]:
        jobs = [one for one in self._listed if state in (None, one.state)]
        return Page(tuple(jobs[offset : offset + limit]), len(jobs), None, NOW)

    def body(self, key: Key) -> Mapping[str, Any]:
        return ExportKey(*key)._asdict()

    def create(self, bodies: Sequence[Mapping[str, Any]]) -> Sequence[BulkRecord[Any]]:
        keys = [ExportKey(**body) for body in bodies]
        self.sent |= {key.file for key in keys}
        answers = [(key.file, self._of[key].answer) for key in keys]
        return [BulkRecord(None, None, error) if error else BulkRecord(f"sent-{name}") for name, error in answers]


def items_in(situations: Sequence[Situation]) -> list[Item]:
    return [
        ExportItem(f"f{number}", f"x/{number}" if one.has_key else None, "a/out")
        for number, one in enumerate(situations)
    ]


def _unfit(item: Item, how: str | None) -> Unfit:
    return Unfit(item, Problem(None, 9006, str(how), made_here=True), "It is not.", "the item")


def _job(job_id: str, key: ExportKey, how: Any) -> ExportJob:
    state, error = (how, None) if isinstance(how, JobState) else (JobState.FAILED, how)
    return ExportJob(
        job_id, state, file=key.file, volume=key.volume, location=key.location, error=error, started_on=SINCE
    )
