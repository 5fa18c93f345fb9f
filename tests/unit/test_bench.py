"""The bench: its arithmetic, its clock and latency, its promises, and that each contender waits as it says."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.util
import os
import threading
from itertools import pairwise

import pytest
import requests

from bench import __main__ as parent
from bench import arithmetic, report
from bench.bars import MOST_REQUESTS, Bar, bars
from bench.cases import CASES, CONTENDERS, MEAN, Case
from bench.environment import environment
from bench.lab import KilledError, Lab, Life, durations
from bench.meter import Meter, Turns
from bench.one import measure
from bench.second import SecondClient
from bench.triggerer_figures import FIGURES

RESULT = {
    "case": "ten-thousand-jobs",
    "contender": "ours",
    "jobs": 10_000,
    "ended": 10_000,
    "seen": 10_000,
    "capped_after": None,
    "requests": 1150.0,
    "refused": 0.0,
    "lag_mean": 30.04,
    "lag_worst": 61.2,
    "cpu": 5.129,
    "memory": 24_260_608.0,
    "at_start": 100,
    "in_a_minute": 100,
    "loop_p99": 0.0016,
    "loop_worst": 0.031,
}
ENDS = {"running": {"bare": 0.2, "ours": 0.3, "ratio": 1.5}, "ended": {"bare": 0.2, "ours": 0.5, "ratio": 2.5}}
STATES = {**ENDS, "at_once": ENDS}


class TestArithmetic:
    @pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100), (0.001, 1)], ids=str)
    def test_percentile_is_measured(self, share, value):
        """A percentile is a value that was measured."""
        assert arithmetic.percentile(range(100, 0, -1), share) == value

    def test_percentile_of_nothing(self):
        assert arithmetic.percentile([], 0.99) == 0.0

    def test_lag_is_end_to_sight(self):
        late = arithmetic.lags({"a": 10.0, "b": 20.0}, {"a": 11.0, "b": 24.0}, until=100.0)

        assert (late.ended, late.seen, late.mean, late.worst) == (2, 2, 2.5, 4.0)

    def test_unseen_is_as_late(self):
        """An end that was not seen is as late as it had become."""
        late = arithmetic.lags({"a": 10.0, "b": 20.0, "later": 200.0}, {"a": 11.0, "b": 101.0}, until=100.0)

        assert (late.ended, late.seen, late.mean, late.worst) == (2, 1, 40.5, 80.0)

    def test_lags_of_a_later_time(self):
        late = arithmetic.lags({"a": 10.0, "b": 20.0}, {"a": 99.0, "b": 24.0}, until=100.0, since=20.0)

        assert (late.ended, late.worst) == (1, 4.0)

    def test_slot_holds_its_start(self):
        times = [0.0, 30.0, 89.9, 90.0, 91.0, 92.0, 149.0, 150.0]

        assert arithmetic.most_in_a_slot(times, start=30.0, length=60.0) == 4
        assert arithmetic.between(times, 30.0, 90.0) == 2

    @pytest.mark.parametrize("times", [[], [0.0, 1.0]])
    def test_slots_may_be_empty(self, times):
        assert arithmetic.most_in_a_slot(times, start=30.0, length=60.0) == 0

    @pytest.mark.parametrize(("jobs", "seconds"), [(10_000, 50.3), (10_001, 50.8), (100, 10.3)])
    def test_budget_allows_the_rest(self, jobs, seconds):
        """The budget allows what is left of the share or the interval."""
        allowed = arithmetic.sweep_by_the_budget(
            jobs, interval=10.0, limit=1000, window=300.0, share=0.8, others=200, latency=0.3
        )

        assert allowed == pytest.approx(seconds)


class TestPromises:
    def test_within_its_bar_is_kept(self, capsys):
        promises = bars({("ten-thousand-jobs", "ours"): RESULT})

        assert len(promises) == 4
        assert parent.verdict(promises) == 0
        assert capsys.readouterr().err == ""

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"requests": 1201.0}, "10,000 jobs: requests in all: 1,201 measured, at most 1,200 promised."),
            ({"refused": 1.0}, "10,000 jobs: answers 429: 1 measured, at most 0 promised."),
            ({"lag_worst": 75.5}, "10,000 jobs: worst detection lag: 75.50 s measured, at most 75.00 s promised."),
            ({"seen": 9_999}, "ten-thousand-jobs: jobs whose end was not seen: 1 measured, at most 0 promised."),
        ],
    )
    def test_missed_is_named(self, capsys, changes, sentence):
        promises = bars({("ten-thousand-jobs", "ours"): RESULT | changes})

        assert parent.verdict(promises) == 1
        assert capsys.readouterr().err == f"make bench: {sentence}\n"

    def test_promises_are_ours_only(self):
        assert bars({("ten-thousand-jobs", "script"): RESULT | {"requests": 9_999.0}}) == []

    def test_429s_end_for_both(self):
        """Each of both clients is promised an end of its 429s."""
        beside = {
            "refused_steady": 1,
            "others_refused_steady": 2,
            "lag_worst_steady": 61.0,
            "lag_allowed_steady": 50.0,
        }

        promises = bars({("second-client", "ours"): RESULT | {"beside": beside}})

        assert [bar.value for bar in promises if not bar.kept] == [1, 2, 61.0]

    def test_worse_half_counts(self):
        promises = bars({}, STATES)

        assert [(bar.kept, bar.told(bar.value)) for bar in promises] == [(True, "1.50 times"), (False, "2.50 times")]

    def test_turn_in_milliseconds(self):
        assert str(Bar("a turn", 0.0214, 0.020, "ms")) == "MISSED: a turn: 21.40 ms, at most 20.00 ms"


class TestReport:
    def test_row_tells_measurements(self):
        (row,) = report.rows([RESULT])

        assert row == (
            "10,000 jobs in one wait",
            "this provider, deferred",
            "1,150",
            "0",
            "30.0",
            "61.2",
            "5.13",
            "24 MB",
            "1.6 / 31.0 ms",
            "",
        )

    def test_stopped_is_so_late(self):
        """A contender that was stopped early is at least so late."""
        (row,) = report.rows([RESULT | {"contender": "get", "capped_after": 1200.0, "seen": 4_012}])

        assert row[4:6] == ("≥ 30.0", "≥ 61.2")
        assert row[-1] == "4,012 of 10,000 seen after 20 min"

    def test_columns_line_up(self):
        head, first, second = report.aligned(report.rows([RESULT, RESULT | {"requests": 11.5}])).splitlines()

        assert head.index("requests") + len("requests") == first.index("1,150") + 5 == second.index("11.5") + 4

    def test_page_tells_the_missed(self):
        """The page tells the missed promises, and every row has every column."""
        promises = bars({("ten-thousand-jobs", "ours"): RESULT}, STATES)

        idle = {"how": "idle", **{figure: [1.0] for figure in FIGURES}}
        page = report.page([RESULT], promises, STATES, [idle], [], "made today")

        assert "| 2.50 times | 2.00 times | **missed** |" in page
        assert "| requests of the restart | 1 |" in page
        table = [
            line
            for line in page.partition("## A worker")[0].splitlines()
            if line.startswith(("| case", "| 10,000 jobs in one", "| --- |"))
        ]
        assert {line.count("|") for line in table} == {len(report.HEAD) + 1}
        assert len(table) == 3

    def test_page_names_no_machine(self):
        assert os.uname().nodename not in parent.made()


def test_sees_its_own_airflow(tmp_path):
    """A measurement sees no Airflow but its own."""
    env = environment(tmp_path, base={"AIRFLOW_HOME": "/mine", "AIRFLOW__X__Y": "1", "HOME": "/home/me"})

    assert env["AIRFLOW_HOME"] == str(tmp_path)
    assert "AIRFLOW__X__Y" not in env
    assert env["HOME"] == "/home/me"


class TestMeter:
    def test_left_out_cpu_is_free(self):
        go_on, stop = threading.Event(), threading.Event()

        def busy():
            go_on.wait()
            while not stop.is_set():
                pass

        thread = threading.Thread(target=busy)
        thread.start()
        charged, spared = Meter(), Meter()
        charged.start()
        spared.start(leave_out=[thread])
        go_on.set()
        stop.wait(0.3)
        of_all, of_others = charged.stop()[0], spared.stop()[0]
        stop.set()
        thread.join()

        assert of_others < of_all / 3

    def test_memory_is_the_increase(self):
        meter = Meter()
        meter.start()
        bytearray(80_000_000)

        assert 70e6 < meter.stop()[1] < 200e6

    def test_turns_by_sweep(self):
        """Turns before and after the first sweep are kept apart."""
        turns = Turns()

        async def main():
            loop = asyncio.get_running_loop()
            turns.watch(loop)
            for _ in range(5):
                await asyncio.sleep(0)
            turns.settle()
            for _ in range(50):
                await asyncio.sleep(0)

        asyncio.run(main())

        assert len(turns.first) < 10
        assert len(turns.everyday) >= 50


class TestLab:
    def test_jobs_take_ten_minutes(self):
        """Jobs take ten minutes in the mean, and the same each time."""
        seconds = durations(10_000, seed=1)

        assert sum(seconds) / len(seconds) == pytest.approx(MEAN, rel=0.02)
        assert seconds == durations(10_000, seed=1) != durations(10_000, seed=2)

    def test_jobs_end_to_the_second(self):
        """Each job ends after its own time, to the fraction of a second."""
        with Lab([10.25, 700.5, 30.0]) as lab:
            ids, began = lab.submit(3), lab.time.clock()
            lab.time.run(asyncio.sleep(1000))
            ends = lab.ends()

        assert [ends[job_id] - began for job_id in ids] == pytest.approx([10.25, 700.5, 30.0], abs=1e-3)

    def test_latency_is_shared(self):
        """Calls in flight share their latency, calls in turn do not."""
        with Lab([10.0]) as lab:

            def ask(times):
                for _ in range(times):
                    requests.get(lab.emulator.url + "/user", timeout=10)

            async def main():
                loop = asyncio.get_running_loop()
                await asyncio.gather(*(loop.run_in_executor(None, ask, 2) for _ in range(4)))

            began = lab.time.clock()
            lab.time.run(main())

            assert lab.time.clock() - began == pytest.approx(0.6)
            assert len(lab.tally.times()) == 8

    def test_dead_thread_is_silent(self):
        life = Life()
        life.over = True
        with Lab([10.0]) as lab, pytest.raises(KilledError):
            life.call(requests.get, lab.emulator.url + "/user", timeout=10)
        assert lab.tally.times() == []

    def test_second_client_is_apart(self):
        with Lab([10.0]) as lab:
            second = SecondClient(lab, per_window=200)

            async def main():
                task = asyncio.create_task(second.run())
                await asyncio.sleep(299.9)
                task.cancel()

            lab.time.run(main())
            second.close()

            times = lab.tally.times(others=True)
            assert len(times) == 200
            assert lab.tally.times() == []
            gaps = [later - sooner for sooner, later in pairwise(times)]
            assert (min(gaps), max(gaps)) == pytest.approx((1.5, 1.5))


SMALL = Case("small", "small", waits=3, jobs=10, mapped=True)


@pytest.mark.skipif(importlib.util.find_spec("airflow.sdk") is None, reason="the bench runs on Airflow 3")
class TestContenders:
    """In virtual time, each with its real code against a real emulator."""

    @pytest.mark.parametrize(
        ("name", "at_start"),
        [("ours", 1), ("script", 3), ("sdk-bulk", 3 + 30), ("sdk-reload", 30), ("get", 30), ("trigger", 30)],
    )
    def test_sweeps_see_every_end(self, name, at_start):
        """Each first sweep costs the requests of its way, and every end is seen."""
        result = measure(SMALL, CONTENDERS[name])

        assert result["at_start"] == at_start
        assert result["seen"] == result["ended"] == result["jobs"] == 30
        assert result["refused"] == 0
        assert 0 < result["lag_worst"] < 120

    def test_sweeps_in_the_interval(self):
        """This provider sweeps within the interval, whatever the number of waits."""
        result = measure(dataclasses.replace(SMALL, waits=30, jobs=10), CONTENDERS["ours"])

        assert result["at_start"] == result["in_a_minute"] == 3
        assert result["lag_worst"] <= 61

    def test_few_requests_for_many(self):
        """The same bar as for 10,000 jobs, for 500: the looks at the last stragglers weigh more here."""
        result = measure(dataclasses.replace(SMALL, waits=1, jobs=500, mapped=False), CONTENDERS["ours"])

        assert result["requests"] <= MOST_REQUESTS * 500 / 10_000 + 40
        assert result["at_start"] == 5
        assert result["lag_worst"] <= 75

    def test_one_job_within_a_second(self):
        """This provider sees one job within an interval and a second."""
        result = measure(dataclasses.replace(CASES["one-job"], rounds=3), CONTENDERS["ours"])

        assert result["lag_worst"] <= 61
        assert result["seen"] == 3

    def test_restart_asks_once(self):
        case = dataclasses.replace(SMALL, waits=30, jobs=10, restart_at=300.0)

        result = measure(case, CONTENDERS["ours"])

        assert result["at_restart"] == 3
        assert result["seen"] == 300

    @pytest.mark.parametrize("name", ["script", "get", "trigger"])
    def test_restarted_script_reasks(self, name):
        case = dataclasses.replace(SMALL, restart_at=300.0)

        result = measure(case, CONTENDERS[name])

        assert result["at_restart"] == {"script": 3, "get": 30, "trigger": 30}[name]
        assert result["seen"] == 30

    @pytest.mark.parametrize("name", ["sdk-reload", "trigger"])
    def test_stopped_early_is_silent(self, name):
        """A contender that is stopped early sends nothing more and tells the ends that it saw."""
        case = dataclasses.replace(SMALL, long=True)

        result = measure(case, dataclasses.replace(CONTENDERS[name], patience=330.0))

        assert result["capped_after"] == pytest.approx(330.0)
        assert 0 < result["seen"] < 30
        assert result["ended"] < 30
        assert result["requests"] <= 30 * 6

    @pytest.mark.parametrize(
        ("name", "waits", "at_once"),
        [("script", 25, 25), ("sdk-bulk", 1, 1), ("sdk-reload", 1, 1), ("get", 1, 1), ("trigger", 1, 10)],
    )
    def test_refused_sleeps(self, name, waits, at_once):
        """As many refusals in a window as ask side by side: nobody is served worse than he deserves."""
        result = measure(dataclasses.replace(SMALL, waits=waits), CONTENDERS[name], rate_limit=8)

        assert 0 < result["refused"] <= at_once * (result["seconds"] / 300 + 1)
        assert result["seen"] == result["jobs"]
