"""A volume on a bad day: creates are lost or take effect late, the list lags and grows, clocks differ."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from airflow_provider_cgc.client.errors import CgcConnectionError
from airflow_provider_cgc.client.errors.problem import BulkRecord, Problem
from airflow_provider_cgc.client.models import ExportJob, JobState
from airflow_provider_cgc.client.models.lists import Page
from airflow_provider_cgc.jobs.exports.item import ExportKey
from dev.virtual_time import START
from tests.fakes.job_lists import FOR_GOOD, NOT_TOLD, ORDERS, PASSING, REFUSED, TAKEN, at, export, key

LATEST_EFFECT = 30.0
"""Seconds after the loss of its answer in which a create may still take effect."""
LONGEST_LAG = 45.0
"""Seconds by which the list may lag behind."""
CLOCK_ERROR = 20.0
"""Seconds by which each of the platform's clocks may be wrong."""


@dataclass
class Effect:
    """The outcome of one item of a create: its job from `since` to `ends`, and then."""

    key: ExportKey
    since: float
    ends: float
    job: ExportJob
    ended: ExportJob

    def seen(self, now: float) -> ExportJob:
        return self.job if now < self.ends else self.ended

    def may_be_repeated(self, now: float) -> bool:
        error = self.seen(now).error
        return error is not None and error.may_pass


class StormyVolume:
    """
    The platform, on a clock that moves when somebody sleeps or asks.

    :param chance: decides all that is left open.
    :param order: of the list: "newest" or "oldest" by the times that it tells, "entered" by when jobs came to be (the
        newest first, which is not quite the same), or "none".
    :param lags: whether the list lags behind, each time by another time.
    :param occupied: keys whose object somebody else has put there.
    :param doomed: keys whose export fails for good.
    """

    def __init__(
        self,
        chance: Random,
        *,
        order: str,
        lags: bool,
        occupied: Sequence[ExportKey] = (),
        doomed: Sequence[ExportKey] = (),
    ) -> None:
        self.now = START
        self.calm = False
        """Nothing is lost, refused or failing any more, and nobody else exports."""
        self.twice: list[str] = []
        """Sends for which an earlier job might still export the file, or which will fail again."""
        self.step: Callable[[], None] = lambda: None
        self._chance = chance
        self._order, self._page = order, 30
        self._lags = lags
        self._occupied, self._doomed = occupied, doomed
        self._effects: list[Effect] = []
        self._salt = chance.randrange(1000)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.step()
        self.now += seconds

    def date(self) -> Any:
        """Give the platform's clock as a gateway tells it."""
        return at(self.now + self._chance.uniform(-CLOCK_ERROR, CLOCK_ERROR))

    def fill(self, count: int, keys: Sequence[ExportKey]) -> None:
        """Let exports have been made long before, some of them of the same files to the same places."""
        for number in range(count):
            wanted = self._chance.choice(keys) if number % 7 == 0 else key(80_000 + number)
            self._add(wanted, self.now - self._chance.uniform(600, 90_000), None, lasts=0)

    def create(self, keys: Sequence[ExportKey]) -> list[BulkRecord[ExportJob]]:
        """Start exports; raises `CgcConnectionError` when the answer is lost, whatever comes of them."""
        self.step()
        self.now += self._chance.uniform(0.1, 3)
        lost = self._happens(0.3)
        records = [self._start(wanted, lost=lost) for wanted in keys]
        self.step()
        if lost:
            raise CgcConnectionError("the line dropped", sent=True)
        return records

    def get(self, ids: Sequence[str]) -> list[BulkRecord[ExportJob]]:
        self.step()
        there = {effect.job.id: effect for effect in self._effects if effect.since <= self.now}
        unknown = Problem(404, 9008, "Requested job does not exist.")
        return [
            BulkRecord(job_id, there[job_id].seen(self.now)) if job_id in there else BulkRecord(job_id, error=unknown)
            for job_id in ids
        ]

    def pages(self, volume: str, offset: int) -> Page[ExportJob]:
        """Give a page, from a machine that may not have heard of the last 45 seconds."""
        self.step()
        self.now += self._chance.uniform(0.05, 0.5)
        if self._happens(0.2):
            for _ in range(self._chance.choice([1, 5, self._page])):
                self._add(key(90_000 + len(self._effects)), self.now, None, lasts=100)
        lag = LONGEST_LAG if self.calm else self._chance.uniform(0, LONGEST_LAG)
        heard = self.now - (lag if self._lags else 0)
        shown = [effect for effect in self._effects if effect.since <= heard]
        sort = ORDERS.get(self._order)
        shown.sort(key=lambda effect: -effect.since if sort is None else sort(effect.job))
        items = [effect.seen(self.now) for effect in shown[offset : offset + self._page]]
        if items and self._chance.random() < 0.2:
            items.append(self._chance.choice(items))
        return Page(tuple(items), len(shown), None, self.date())

    def _happens(self, often: float) -> bool:
        return not self.calm and self._chance.random() < often

    def _start(self, wanted: ExportKey, *, lost: bool) -> BulkRecord[ExportJob]:
        before = [effect for effect in self._effects if effect.key == wanted and effect.since >= START]
        if not all(effect.may_be_repeated(self.now) for effect in before):
            self.twice.append(f"{wanted.location} after {self.now - START:.1f} s, although there is {before}")
        if self._happens(0.1):
            return BulkRecord(None, None, self._chance.choice([REFUSED, PASSING]))
        if lost and self._happens(0.4):
            return BulkRecord(None)
        effect = self._add(
            wanted, self.now + (self._chance.uniform(0, LATEST_EFFECT) if lost else 0), self._end(wanted)
        )
        # An answer may leave one out although its job runs.
        return BulkRecord(None, None, NOT_TOLD) if self._happens(0.05) else BulkRecord(effect.job.id, effect.job)

    def _end(self, wanted: ExportKey) -> Problem | None:
        if wanted in self._occupied:
            return TAKEN
        if wanted in self._doomed:
            return FOR_GOOD
        return PASSING if self._happens(0.2) else None

    def _add(self, wanted: ExportKey, when: float, error: Problem | None, *, lasts: float | None = None) -> Effect:
        job_id = hashlib.sha256(f"{self._salt} {len(self._effects)}".encode()).hexdigest()[:32]
        job = export(job_id, wanted, when + self._chance.uniform(-CLOCK_ERROR, CLOCK_ERROR))
        ended = replace(job, state=JobState.FAILED if error else JobState.COMPLETED, error=error)
        lasts = self._chance.choice([1, 20, 200]) if lasts is None else lasts
        self._effects.append(Effect(wanted, when, when + lasts, job, ended))
        return self._effects[-1]
