"""The jobs that count for an item, and the conclusion if no list shows one."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from airflow_provider_cgc.client.models import JobState
from airflow_provider_cgc.client.models.lists import Page
from airflow_provider_cgc.jobs.kinds import EXPORT
from airflow_provider_cgc.jobs.submitting.joblist import Blind
from airflow_provider_cgc.jobs.submitting.search import SETTLING, SKEW, Look, Search, best_first
from dev.virtual_time import START
from tests.fakes.job_lists import FOR_GOOD, SINCE, ListOfJobs, export, key, keys
from tests.fakes.looks import found_ids, look_in


class TestWhatCounts:
    @pytest.mark.parametrize(("before", "counts"), [(-1.0, True), (0.0, True), (SKEW, True), (SKEW + 1, False)])
    def test_started_since_then(self, before, counts):
        """A job counts if it was started since then, by clocks that differ a little."""
        pages = ListOfJobs([export("one", key(0), START - before, JobState.COMPLETED)])

        look = look_in(pages, keys(1), since=SINCE)

        assert (key(0) in look.found) is counts

    @pytest.mark.parametrize("field", ["file", "volume", "location"])
    def test_other_key_is_another(self, field):
        """A job that differs in one part of the key is another one."""
        other = replace(export("one", key(0)), **{field: "another"})
        pages = ListOfJobs([other])

        look = look_in(lambda volume, offset: pages(other.volume, offset), keys(1), since=SINCE)

        assert look == Look({}, {})

    def test_untold_volume_is_asked(self):
        """A job that does not tell its volume is on the one that was asked about."""
        nameless = replace(export("one", key(0)), volume=None)

        look = look_in(lambda volume, offset: Page((nameless,), 1, None, None), keys(1), since=SINCE)

        assert found_ids(look) == {key(0): ["one"]}

    def test_volumes_have_lists(self):
        here, there = key(0), key(0, "lab/archive")
        pages = ListOfJobs([export("here", here), export("there", there)])

        look = look_in(pages, {here, there}, since=SINCE)

        assert found_ids(look) == {here: ["here"], there: ["there"]}

    def test_best_job_comes_first(self):
        """Of several jobs the best comes first, and none is dropped."""
        states = [JobState.FAILED, JobState.UNKNOWN, JobState.COMPLETED, JobState.RUNNING, JobState.FAILED]
        jobs = [export(f"{n}-{state}", key(0), START + n, state) for n, state in enumerate(states)]

        look = look_in(ListOfJobs(jobs), keys(1), since=SINCE)

        assert found_ids(look) == {key(0): ["2-COMPLETED", "3-RUNNING", "1-UNKNOWN", "4-FAILED", "0-FAILED"]}

    def test_timeless_is_oldest(self):
        jobs = [export("timeless", key(0), None), export("timed", key(0))]

        assert [job.id for job in best_first(EXPORT, jobs)] == ["timed", "timeless"]


class TestSearch:
    def search(self, *looks, wanted=1):
        """Give a search after looks, each a tuple of its time and what it shows."""
        search = Search(EXPORT, frozenset(keys(wanted)))
        for began, look in looks:
            search = search.after(look, began)
        return search

    NOTHING = Look({}, {})

    RESTLESS = Look({}, {key(0): Blind.RESTLESS})

    TOO_LONG = Look({}, {key(0): Blind.TOO_LONG})

    def shows(self, *states, error=None):
        return Look({key(0): tuple(export(str(n), key(0), START, state, error) for n, state in enumerate(states))}, {})

    def test_looks_are_far_apart(self):
        """The two looks are further apart than a late create and a late list."""
        assert SETTLING > 30 + 45

    @pytest.mark.parametrize(
        ("looks", "complete"),
        [
            ([], False),
            ([(0, NOTHING)], False),
            ([(0, NOTHING), (SETTLING - 1, NOTHING)], False),
            ([(0, NOTHING), (SETTLING, NOTHING)], True),
            ([(0, NOTHING), (1, NOTHING), (SETTLING, NOTHING)], True),
            ([(0, RESTLESS), (SETTLING, NOTHING)], True),
            ([(0, NOTHING), (SETTLING, RESTLESS)], False),
            ([(0, TOO_LONG), (SETTLING, TOO_LONG)], False),
        ],
    )
    def test_absence_needs_both_looks(self, looks, complete):
        """A job is believed to be absent only after a whole look long after the first."""
        assert self.search(*looks).finding(key(0)).complete is complete

    def test_late_job_is_found(self):
        search = self.search((0, self.NOTHING), (SETTLING, self.shows(JobState.RUNNING)))

        assert search.finding(key(0)).jobs

    def test_seen_job_stays_found(self):
        search = self.search((0, self.shows(JobState.FAILED)), (SETTLING, self.NOTHING))

        assert [job.id for job in search.finding(key(0)).jobs] == ["0"]

    def test_later_look_counts(self):
        failed = self.shows(JobState.FAILED, error=FOR_GOOD)

        search = self.search((0, self.shows(JobState.RUNNING)), (SETTLING, failed))

        assert [job.state for job in search.finding(key(0)).jobs] == [JobState.FAILED]

    @pytest.mark.parametrize(
        ("looks", "again"),
        [
            ([], -math.inf),
            ([(100, NOTHING)], 100 + SETTLING),
            ([(100, NOTHING), (120, NOTHING)], 100 + SETTLING),
            ([(100, NOTHING), (100 + SETTLING, NOTHING)], None),
            ([(100, NOTHING), (100 + SETTLING, RESTLESS)], None),
            ([(100, RESTLESS)], 100 + SETTLING),
            ([(100, TOO_LONG)], None),
        ],
    )
    def test_tells_when_to_look(self, looks, again):
        assert self.search(*looks).look_again_at == again

    @pytest.mark.parametrize(
        ("state", "again"),
        [
            (JobState.COMPLETED, None),
            (JobState.RUNNING, None),
            (JobState.PENDING, None),
            (JobState.UNKNOWN, None),
            (JobState.FAILED, SETTLING),
        ],
    )
    def test_only_failed_has_an_heir(self, state, again):
        """Only behind a failed job there may come another one."""
        assert self.search((0, self.shows(state))).look_again_at == again

    def test_hopeless_volume_is_alone(self):
        """One volume that is hopeless does not end the search in the others."""
        search = self.search((0, self.TOO_LONG), wanted=2)

        assert (search.look_again_at, search.open) == (SETTLING, keys(2))

    def test_nothing_needs_no_look(self):
        assert self.search(wanted=0).look_again_at is None
