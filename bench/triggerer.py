"""A thousand waits in Airflow's real triggerer: requests, memory, event loop and restart, shared and each for itself.

    python -m bench.triggerer --repeat 3 --json triggerer.json

Beside ours and a trigger that polls for itself, an idle triggerer and one with as many triggers that only sleep are
measured in the same run, so that every figure can be read as a difference or a ratio. It takes about ten minutes a
round, and nothing else should be busy on the machine. Exit code 1: one of our promises is broken.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.platform_process import BULK_GET, Platform, Request
from bench.triggerer_box import Probe, TriggererBox, TriggererError, wait_for
from bench.triggerer_figures import Plan, aligned, bars, lags_between, longest_turn, merged, table
from dev import airflow_settings

HOWS = ("idle", "asleep", "alone", "shared")
LATENCY = 0.3
"""Seconds that the platform takes for a request."""
SHORT_INTERVAL = 10.0
"""Seconds between two looks while the loop is watched: the shorter, the harder."""
USUAL_INTERVAL = 60.0
"""The same at the restart: whoever starts first does not look again while others still start."""
DEATH = 31.0
"""Seconds without a heartbeat after which Airflow gives a lost triggerer's triggers to another one, and one more."""
PATIENCE = 600.0
SPARE = 100
"""Triggers that the triggerer could take besides: the probe is one, and of being full Airflow writes all the time."""
ENDING = 20
"""Waits whose jobs end, so that their events can be seen to arrive."""


class Round:
    """Each way of waiting once, one after the other, on the same platform and in the same Airflow."""

    def __init__(self, box: TriggererBox, platform: Platform, ids: Sequence[str], plan: Plan) -> None:
        self._box = box
        self._platform = platform
        self._ids = ids
        self._plan = plan

    def play(self, how: str) -> dict[str, Any]:
        """Start, watch some sweeps, kill, start again, and stop; give the figures."""
        self._box.defer(how, interval=SHORT_INTERVAL)
        row: dict[str, Any] = {"how": how, "start_seconds": self._start(how)[0]}
        row |= self._watch(how)
        self._box.kill_triggerer()
        self._box.stretch_intervals(SHORT_INTERVAL, USUAL_INTERVAL)
        time.sleep(DEATH)
        row |= self._restart(how)
        if how == "shared":
            self._see_events_arrive()
        before = time.monotonic()
        self._box.stop_component("triggerer", grace=60)
        row["stop_seconds"] = time.monotonic() - before
        return row

    def _start(self, how: str) -> tuple[float, Probe]:
        """Seconds from the start of the process until all waits have been served once."""
        self._platform.forget_requests()
        began = time.time()
        self._box.start_component("triggerer")
        probe = wait_for(self._box, "the probe runs", self._box.probe, timeout=PATIENCE)
        ready = probe.began
        if how == "asleep":
            ready = wait_for(self._box, "all triggers run", self._last_to_sleep, timeout=PATIENCE)
        elif how != "idle":
            ready = wait_for(self._box, "all waits are served", self._last_served, timeout=PATIENCE)
        return ready - began, probe

    def _last_to_sleep(self) -> float | None:
        asleep = self._box.probe().asleep
        return asleep[self._plan.waits - 1] if len(asleep) >= self._plan.waits else None

    def _last_served(self) -> float | None:
        """Return the time at which the last job was asked for the first time; None while one has not been."""
        firsts: dict[str, float] = {}
        for request in self._platform.requests():
            for job_id in request.ids:
                firsts.setdefault(job_id, request.wall)
        return max(firsts.values()) if len(firsts) == len(self._ids) else None

    def _watch(self, how: str) -> dict[str, Any]:
        """The figures of some sweeps after the first one."""
        time.sleep(2)  # until the answers of the first have been handed out
        box, seconds = self._box, self._plan.sweeps * SHORT_INTERVAL
        self._platform.forget_requests()
        blocked, cpu, begin = box.blocked(), box.cpu(), time.time()
        time.sleep(seconds)
        end, requests, spent = time.time(), self._platform.requests(), box.cpu()
        probe = wait_for(box, "the probe has written", lambda: self._probe_of(end), timeout=PATIENCE)
        lags = lags_between(probe.lags, begin, end)
        expected = 1 + (0 if how == "idle" else self._plan.waits)
        if box.assigned() != expected or box.tasks().get("deferred") != expected:
            raise TriggererError(f"{box.assigned()} of {expected} triggers run; tasks: {box.tasks()}")
        size = box.size(probe.pid)
        return {
            "requests_per_sweep": len(requests) * SHORT_INTERVAL / seconds,
            "fewest_looks_per_sweep": self._fewest_looks(requests) * SHORT_INTERVAL / seconds,
            "lag_p50_ms": lags.p50,
            "lag_p99_ms": lags.p99,
            "lag_worst_ms": lags.worst,
            "turn_worst_ms": longest_turn(probe.turns, begin, end),
            "blocked": box.blocked() - blocked,
            "runner_cpu_per_sweep": (spent[probe.pid] - cpu[probe.pid]) * SHORT_INTERVAL / seconds,
            "all_cpu_per_sweep": sum(spent[pid] - cpu.get(pid, 0) for pid in spent) * SHORT_INTERVAL / seconds,
            "runner_rss_mib": size.runner,
            "runner_pss_mib": size.runner_pss,
            "all_rss_mib": size.all,
        }

    def _probe_of(self, end: float) -> Probe | None:
        probe = self._box.probe()
        return probe if probe.lags[-1].when > end else None

    def _fewest_looks(self, requests: Sequence[Request]) -> int:
        looks = Counter(job_id for request in requests for job_id in request.ids)
        return min(looks[job_id] for job_id in self._ids)

    def _restart(self, how: str) -> dict[str, Any]:
        """The figures of a start that finds the waits of a triggerer that was killed."""
        seconds, first = self._start(how)
        requests = self._platform.requests()
        # What the probe says now was seen a second ago at most.
        time.sleep(2)
        probe = self._box.probe()
        lags = lags_between(probe.lags, first.began, probe.lags[-1].when)
        return {
            "restart_seconds": seconds,
            "restart_requests": len(requests),
            "restart_other_requests": sum(request.path != BULK_GET for request in requests),
            "restart_look_ups": probe.sent.get("GetConnection", 0),
            "restart_lag_worst_ms": lags.worst,
            "restart_turn_worst_ms": longest_turn(probe.turns, first.began, probe.lags[-1].when),
        }

    def _see_events_arrive(self) -> None:
        """Let the jobs of some waits end, and wait until their tasks are to be resumed with what became of them."""
        self._platform.end_short_jobs()
        outcomes = wait_for(
            self._box,
            f"{ENDING} events arrive",
            lambda: found if len(found := self._box.outcomes()) >= ENDING else None,
            timeout=3 * USUAL_INTERVAL,
        )
        if outcomes != ["completed"] * ENDING:
            raise TriggererError(f"of {ENDING} waits, whose jobs completed, the events say {outcomes}")


def run(plan: Plan, *, hows: Sequence[str] = HOWS, home: Path | None = None) -> list[dict[str, Any]]:
    """Measure, and give a row for each way of waiting: each figure as the list of its values in all rounds."""
    with _folder(home) as folder, Platform(files=plan.jobs, short=ENDING * plan.jobs_each, latency=LATENCY) as platform:
        ids = platform.start_jobs()
        batches = folder / "batches.json"
        batches.write_text(json.dumps([ids[at : at + plan.jobs_each] for at in range(0, plan.jobs, plan.jobs_each)]))
        with TriggererBox(folder / "airflow", batches=batches, capacity=plan.waits + SPARE) as box:
            box.prepare(platform.airflow_conn)
            played = []
            for number in range(plan.rounds):
                platform.start_jobs()
                for how in hows:
                    _say(f"round {number + 1} of {plan.rounds}: {how} ...")
                    played.append(Round(box, platform, ids, plan).play(how))
                    _say(json.dumps(played[-1]))
    return merged(played)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table and say which promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.triggerer", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--waits", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=10, help="of each wait")
    parser.add_argument("--sweeps", type=int, default=6, help="to watch after the first")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="rounds")
    parser.add_argument("--only", choices=HOWS, action="append", help="may be repeated; default: all")
    parser.add_argument("--home", type=Path, help="where Airflow's files stay; default: a folder that is removed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    options = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # or the triggerer would be left behind
    plan = Plan(waits=options.waits, jobs_each=options.jobs, sweeps=options.sweeps, rounds=options.repeat)
    rows = run(plan, hows=options.only or HOWS, home=options.home)
    promises = bars(rows, plan)
    print(f"{plan.waits} waits of {plan.jobs_each} jobs, Airflow {airflow_settings.installed_version()}")
    print("\n".join([*aligned(table(rows)), *map(str, promises)]))
    if options.json is not None:
        options.json.write_text(json.dumps({"rows": rows, "load": os.getloadavg()}, indent=2))
    return 0 if all(bar.kept for bar in promises) else 1


@contextmanager
def _folder(home: Path | None) -> Iterator[Path]:
    if home is not None:
        home.mkdir(parents=True, exist_ok=True)
        yield home.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="cgc-bench-") as folder:
        yield Path(folder)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
