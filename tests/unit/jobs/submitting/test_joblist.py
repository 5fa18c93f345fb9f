"""A list of jobs that has no filter, no sure order and no rest is read to its end, or said not to have been."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cgc.client import CgcUnreadableError
from airflow_provider_cgc.client.models import ExportJob, JobState
from airflow_provider_cgc.client.models.lists import Page
from airflow_provider_cgc.jobs.submitting.joblist import MOST_PAGES, Blind, TimeOrder, order_of
from airflow_provider_cgc.jobs.submitting.search import Look
from dev.virtual_time import START
from tests.fakes.job_lists import SINCE, ListOfJobs, at, export, key, keys, older, young
from tests.fakes.looks import found_ids, look_in

MANY = 20_000


class TestTheOrder:
    @pytest.mark.parametrize(
        ("first", "last", "order"),
        [
            ([500, 400, 300], [200, 100], TimeOrder.NEWEST_FIRST),
            ([100, 200], [300, 400, 500], TimeOrder.OLDEST_FIRST),
            ([500, 500, 500], [100], TimeOrder.NEWEST_FIRST),
            ([500, 540, 490], [200, 150, 199], TimeOrder.NEWEST_FIRST),
            ([500, 561, 490], [200, 150], TimeOrder.NONE),
            ([900, 100, 500], [800, 300], TimeOrder.NONE),
            ([500, 400, 300], [350, 100], TimeOrder.NONE),
            ([500, 500], [500, 500], TimeOrder.NONE),
            ([500, None, 300], [200, 100], TimeOrder.NONE),
            ([500, 400], [], TimeOrder.NONE),
        ],
        ids=str,
    )
    def test_learned_from_two_pages(self, first, last, order):
        """The order is learned from the first and the last page."""
        pages = [[export(str(n), key(n), time) for n, time in enumerate(page)] for page in (first, last)]

        assert order_of(*pages) is order


class TestReading:
    @pytest.mark.parametrize("order", ["newest", "oldest"])
    @pytest.mark.parametrize("count", [0, 1, 50, 99, 100, 101])
    def test_order_saves_requests(self, order, count):
        """Twenty thousand older jobs cost few requests where there is an order."""
        pages = ListOfJobs([*older(MANY), *young(count)], order)

        look = look_in(pages, keys(101), since=SINCE)

        assert found_ids(look) == {key(n): [f"new{n:05d}"] for n in range(count)}
        assert look.blind == {}
        assert len(pages.offsets) <= 15

    @pytest.mark.parametrize("order", ["newest", "oldest"])
    def test_young_jobs_are_all_read(self, order):
        pages = ListOfJobs([*older(MANY), *young(2500)], order)

        look = look_in(pages, keys(2500), since=SINCE)

        assert len(look.found) == 2500
        assert len(pages.offsets) <= 50

    def test_no_order_reads_all(self):
        pages = ListOfJobs([*older(MANY), *young(300)], "none")

        look = look_in(pages, keys(301), since=SINCE)

        assert (len(look.found), look.blind) == (300, {})
        assert len(pages.offsets) <= MOST_PAGES

    def test_too_long_denies_nothing(self):
        """A list without order that is too long denies the existence of no job."""
        pages = ListOfJobs([*older(100 * MOST_PAGES), *young(1)], "none")

        look = look_in(pages, keys(2), since=SINCE)

        assert look.blind == dict.fromkeys(keys(2), Blind.TOO_LONG)
        assert len(pages.offsets) == 2

    def test_no_length_has_300_pages(self):
        """A list that does not tell its length is read for three hundred pages."""
        short, long = ListOfJobs([*older(700), *young(1)]), ListOfJobs([*older(100 * MOST_PAGES), *young(1)])
        short.tells_total = long.tells_total = False

        looks = [look_in(pages, keys(2), since=SINCE) for pages in (short, long)]

        assert [look.blind.get(key(1)) for look in looks] == [None, Blind.TOO_LONG]
        assert len(long.offsets) == MOST_PAGES

    @pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 199])
    @pytest.mark.parametrize("order", ["newest", "oldest", "none"])
    def test_two_pages_are_just_read(self, order, count):
        pages = ListOfJobs(young(count), order)

        look = look_in(pages, keys(count), since=SINCE)

        assert (len(look.found), look.blind) == (count, {})
        assert len(pages.offsets) <= 5

    @pytest.mark.parametrize("blocks", [[5, 2, 7, 1, 3, 6, 4, 8], [8, 2, 7, 5, 3, 6, 4, 1]])
    def test_order_of_the_ends_alone(self, blocks):
        """
        An order that only the ends have is not trusted.

        As in a list by name, in which each run of a Dag is a block of its own.
        """
        runs = [older(300, until=START - 20_000 * block) for block in blocks]
        runs = [[replace(job, id=f"{block}-{job.id}") for job in run] for block, run in zip(blocks, runs, strict=True)]
        jobs = [job for run in [*runs[:3], young(1), *runs[3:]] for job in (reversed(run) if blocks[0] > 5 else run)]
        pages = ListOfJobs(jobs, None)

        look = look_in(pages, keys(1), since=SINCE)

        assert found_ids(look) == {key(0): ["new00000"]}

    @pytest.mark.parametrize("count", [200, 500, 800])
    def test_short_list_is_read_whole(self, count):
        jobs = older(count)
        pages = ListOfJobs([*jobs[: count // 2], *young(1), *jobs[count // 2 :]], None)

        look = look_in(pages, keys(2), since=SINCE)

        assert (found_ids(look), look.blind) == ({key(0): ["new00000"]}, {})
        assert len(pages.offsets) <= 12

    def test_order_a_page_denies(self):
        """
        An order that a page between denies is not trusted.

        The ends and the quarters keep it, the second page does not; so there may be young jobs behind old ones.
        """
        jobs = older(2000, until=START - 1000)
        late = [replace(job, started_on=at(START - 1500 - n)) for n, job in enumerate(jobs[150:250])]
        pages = ListOfJobs([*jobs[:150], *late, *young(1), *jobs[250:]], None)

        look = look_in(pages, keys(1), since=SINCE)

        assert found_ids(look) == {key(0): ["new00000"]}

    def test_oldest_first_reads_more(self):
        """A page more than the order asks for is read where the oldest come first."""
        jobs = older(2000)[::-1]
        pages = ListOfJobs([*jobs[:1880], *young(1), *jobs[1880:]], None)

        look = look_in(pages, keys(1), since=SINCE)

        assert found_ids(look) == {key(0): ["new00000"]}

    def test_two_old_pages_end_it(self):
        """
        Two pages of old jobs end the reading, one does not.

        A page can be full of jobs that one create has started long ago, and the list sorted by when they ended.
        """
        block = [replace(job, id=f"block{n}", started_on=at(START - 5000)) for n, job in enumerate(older(100))]
        pages = ListOfJobs([*block, *young(10)[::-1], *older(2000, until=START - 9000)], None)

        look = look_in(pages, keys(10), since=SINCE)

        assert len(look.found) == 10

    def test_page_fault_ends_the_look(self):
        def broken(volume, offset):
            raise OSError("the line dropped")

        with pytest.raises(OSError, match="the line dropped"):
            look_in(broken, keys(1), since=SINCE)

    def test_nothing_asks_nothing(self):
        pages = ListOfJobs(older(5))

        look = look_in(pages, set(), since=SINCE)

        assert (look, pages.offsets) == (Look({}, {}), [])


class TestRestlessLists:
    @pytest.mark.parametrize("order", ["newest", "oldest", "none"])
    @pytest.mark.parametrize("more", [1, 7, 89, 90, 100, 150])
    @pytest.mark.parametrize("before", [600, 1600])
    def test_new_jobs_hide_none(self, order, more, before):
        def grow(page):
            return [export(f"add{page}-{n}", key(70_000 + n), START + 300 + page) for n in range(more)]

        pages = ListOfJobs([*older(before), *young(250)], order, grow=lambda page: grow(page) if page < 12 else ())

        look = look_in(pages, keys(251), since=SINCE)

        assert len(look.found) == 250
        assert look.blind in ({}, dict.fromkeys(keys(251), Blind.RESTLESS))

    @pytest.mark.parametrize("order", ["newest", "oldest", "none"])
    @pytest.mark.parametrize("requests", range(1, 12))
    def test_lag_is_noticed(self, order, requests):
        """
        A machine that lags behind others makes a gap that is noticed.

        After so many requests another one answers that lacks other people's newest jobs: its pages start later.
        """
        jobs = [*older(2000), *young(500)]
        others = [export(f"others{n}", key(70_000 + n), START + 1000 + n) for n in range(300)]
        pages, lagging = ListOfJobs([*jobs, *others], order), ListOfJobs(jobs, order)

        def changing(volume, offset):
            return (pages if len(pages.offsets) < requests else lagging)(volume, offset)

        look = look_in(changing, keys(501), since=SINCE)

        assert len(look.found) == 500 or set(look.blind.values()) == {Blind.RESTLESS}

    @pytest.mark.parametrize("order", ["newest", "oldest"])
    def test_low_length_hides_none(self, order):
        pages = ListOfJobs([*older(2000), *young(300)], order)

        def lagging(volume, offset):
            page = pages(volume, offset)
            return replace(page, total=page.total - 250)

        look = look_in(lagging, keys(300), since=SINCE)

        assert len(look.found) == 300

    @pytest.mark.parametrize("count", [57, 100, 257])
    @pytest.mark.parametrize("links", [True, False])
    @pytest.mark.parametrize("total", [None, 0, 57, 100, 150, 256])
    def test_lasting_low_hides_none(self, count, links, total):
        pages = ListOfJobs(young(count), "newest")

        def lying(volume, offset):
            page = pages(volume, offset)
            following = "more" if links and offset + len(page.items) < count else None
            return replace(page, total=total, next=following)

        look = look_in(lying, keys(count + 1), since=SINCE)

        assert look.found.keys() == keys(count) or key(count - 1) in look.blind

    @pytest.mark.parametrize("order", ["newest", "oldest"])
    def test_empty_page_is_no_end(self, order):
        pages = ListOfJobs([*older(3000), *young(500)], order)

        def lossy(volume, offset):
            page = pages(volume, offset)
            lost = 150 < offset < 250 or 3100 < offset < 3200
            return replace(page, items=()) if lost else page

        look = look_in(lossy, keys(500), since=SINCE)

        assert set(look.blind.values()) == {Blind.RESTLESS}

    def test_same_page_is_no_proof(self):
        """A list that gives the same page for every offset is no proof."""
        pages = ListOfJobs([*older(1000), *young(1)])

        look = look_in(lambda volume, offset: pages(volume, 0), keys(2), since=SINCE)

        assert look.blind[key(1)] is Blind.RESTLESS

    @pytest.mark.parametrize(("count", "told"), [(150, True), (1000, True), (3000, False)])
    def test_resorted_is_read_again(self, count, told):
        """A list that is sorted anew each time is read again until all were seen."""
        jobs, chance = [*older(count), *young(5)], Random(1)
        requests = []

        def shuffled(volume, offset):
            requests.append(offset)
            chance.shuffle(jobs)
            return ListOfJobs(jobs, None)(volume, offset)

        look = look_in(shuffled, keys(6), since=SINCE)

        assert (key(5) not in look.blind) is told
        assert len(requests) <= MOST_PAGES
        assert set(look.found) == keys(5) or not told

    @pytest.mark.parametrize("order", ["newest", "oldest", "none"])
    def test_repeated_job_is_one(self, order):
        jobs = [*older(400), *young(40)]
        pages = ListOfJobs(jobs, order)

        def repeating(volume, offset):
            page = pages(volume, offset)
            return replace(page, items=(*page.items, *page.items[:3], jobs[5]))

        look = look_in(repeating, keys(41), since=SINCE)

        assert found_ids(look) == {key(n): [f"new{n:05d}"] for n in range(40)}
        assert look.blind == {}


class TestAbbreviatedLists:
    def test_missing_is_asked_by_id(self):
        pages = ListOfJobs([*older(MANY), *young(3)])
        pages.abbreviates = True

        look = look_in(pages, keys(4), since=SINCE, details=pages.details)

        assert (set(look.found), look.blind) == (keys(3), {})
        assert len(pages.asked) == len(pages.offsets) <= 15
        assert max(map(len, pages.asked)) <= 100

    def test_whole_is_not_asked_for(self):
        pages = ListOfJobs([*older(5), replace(export("one", key(0)), location=None)])

        look_in(pages, keys(1), since=SINCE, details=pages.details)

        assert pages.asked == [["one"]]

    @pytest.mark.parametrize("told", [{}, {"file": key(0).file}, {"location": key(0).location}])
    def test_untold_may_be_wanted(self, told):
        """A job that does not tell its file may be the wanted one."""
        pages = ListOfJobs([ExportJob(id="short", state=JobState.RUNNING, volume=key(0).volume, **told)], None)

        look = look_in(pages, {key(0)}, since=SINCE)

        assert look == Look({}, {key(0): Blind.ABBREVIATED})

    def test_told_enough_is_another(self):
        """A job that tells enough to be another one leaves no doubt."""
        strange = ExportJob(id="short", state=JobState.RUNNING, volume=key(0).volume, file=key(1).file)
        pages = ListOfJobs([export("one", key(0))])
        pages.jobs.append(replace(strange, started_on=SINCE))

        look = look_in(pages, keys(3), since=SINCE)

        assert look.blind == {key(1): Blind.ABBREVIATED}

    def test_timeless_is_in_doubt(self):
        """A job without a time is neither taken nor overlooked. It may be the export of last week."""
        pages = ListOfJobs([export("timeless", key(0), None, JobState.COMPLETED)], None)

        look = look_in(pages, keys(1), since=SINCE)

        assert look == Look({}, {key(0): Blind.ABBREVIATED})


class TestNullInPlaceOfJobs:
    @pytest.mark.parametrize(("total", "following"), [(None, None), (None, "more"), (3, None), (3, "more")])
    def test_is_no_empty_list(self, total, following):
        with pytest.raises(CgcUnreadableError, match="null in place of the jobs from 0 on"):
            look_in(lambda volume, offset: Page((), total, following, None, has_items=False), keys(1), since=SINCE)

    @pytest.mark.parametrize("total", [150, None])
    def test_is_no_end_of_a_list(self, total):
        def pages(volume, offset):
            if offset:
                return Page((), None, None, None, has_items=False)
            return Page(tuple(young(100)), total, "more", None)

        with pytest.raises(CgcUnreadableError, match="null in place of the jobs from 90 on"):
            look_in(pages, keys(101), since=SINCE)

    def test_is_empty_if_total_is_0(self):
        look = look_in(lambda volume, offset: Page((), 0, None, None, has_items=False), keys(1), since=SINCE)

        assert (look.found, look.blind) == ({}, {})


@given(
    ages=st.lists(st.floats(200, 100_000), max_size=400),
    starts=st.lists(st.floats(0, 3000), max_size=150),
    size=st.sampled_from([25, 50, 100]),
    order=st.sampled_from(["newest", "oldest", "none"]),
    more=st.sampled_from([0, 1, 30, 100]),
)
def test_shows_all_or_says_so(ages, starts, size, order, more):
    old = [export(f"old{n}", key(n), START - age) for n, age in enumerate(ages)]
    new = [export(f"new{n}", key(n), START + start) for n, start in enumerate(starts)]
    added = iter(range(10**6))

    def grow(page):
        return [export(f"add{next(added)}", key(99_999), START + 4000 + page) for _ in range(more if page < 20 else 0)]

    pages = ListOfJobs([*old, *new], order, size=size, grow=grow)

    look = look_in(pages, keys(200), since=SINCE)

    for number in range(200):
        expected = (f"new{number}",) if number < len(starts) else ()
        got = tuple(job.id for job in look.found.get(key(number), ()))
        assert got == expected or (got == () and key(number) in look.blind)
